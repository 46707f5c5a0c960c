//! A stand-in for `katalonc`, Katalon's command line: takes its arguments and writes runs as it
//! would, at the pace of their own time stamps. Every test case of the project is executed.
//!
//! As in Katalon, `--info` pairs end up in `execution.properties` and no other option of Azure
//! DevOps on the disk. The environment says what a real project would: see [`Stage`].

mod arguments;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io, thread};

use anyhow::{Context, Result};
use fake_katalon::{CollectionWriter, Live, Phase, SuiteRunWriter, Test};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use arguments::Arguments;
use stage::Stage;

/// How long a step of a test takes, in milliseconds.
const PACE: u32 = 5;

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    match execute(&arguments, &Stage::of_environment()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("katalonc: {error:#}");
            ExitCode::from(4)
        }
    }
}

fn execute(arguments: &Arguments, stage: &Stage) -> Result<u8> {
    println!("Starting Katalon Runtime Engine");
    if stage.echoes {
        io::copy(&mut io::stdin(), &mut io::stdout())
            .context("standard input cannot be passed on")?;
    }

    let root = arguments.project_root()?;
    stage.say_ready()?;

    if !stage.runs_nothing {
        for number in 1..=arguments.retry + 1 {
            session(arguments, stage, &root, number)?;
        }
    }

    println!("All test suites finished");

    Ok(stage.exit.unwrap_or(u8::from(stage.fails.is_some())))
}

/// One session: a suite, or all suites of a collection.
fn session(arguments: &Arguments, stage: &Stage, root: &Path, number: u32) -> Result<()> {
    let begin = reserve(root)?;

    // The files that the launcher writes come almost a second before the suite's first record.
    let start = begin + std::time::Duration::from_secs(1);
    let Some(collection) = &arguments.collection else {
        let run = run(arguments, stage, root, &arguments.suite, start)?.stamps(begin, begin);
        return play(
            arguments,
            stage,
            root,
            run.live(&run.folder_in(root)),
            number,
        );
    };

    let runs = ["Test Suites/First", "Test Suites/Second"]
        .map(|suite| run(arguments, stage, root, suite, start));
    let collection =
        CollectionWriter::new(collection, begin, runs.into_iter().collect::<Result<_>>()?);
    collection.write_start(root)?;

    for member in collection.members() {
        let mut live = member.live(&member.folder_in(root));
        live.skip_through(Phase::Queued);
        play(arguments, stage, root, live, number)?;
    }

    Ok(collection.write_end(root)?)
}

/// The time that the session folder is named after; one second later while another katalonc has
/// that folder.
fn reserve(root: &Path) -> Result<Timestamp> {
    let mut begin = Timestamp::now();
    loop {
        let run = SuiteRunWriter::new("Test Suites/x")
            .zone(TimeZone::system())
            .stamps(begin, begin);
        let session = run
            .folder_in(root)
            .ancestors()
            .nth(2)
            .map(Path::to_owned)
            .context("a run lies in a session")?;
        match fs::create_dir(session) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                begin += std::time::Duration::from_secs(1);
            }
            made => {
                return made
                    .map(|()| begin)
                    .context("no session folder can be made");
            }
        }
    }
}

fn run(
    arguments: &Arguments,
    stage: &Stage,
    root: &Path,
    suite: &str,
    start: Timestamp,
) -> Result<SuiteRunWriter> {
    let mut tests = Vec::new();
    for case in test_cases(root)? {
        let id = format!("Test Cases/{case}");
        let fails = stage.fails.as_ref().is_some_and(|fails| *fails == case);
        tests.push(if fails {
            Test::failed(&id, "it does not work")
        } else {
            Test::passed(&id)
        });
    }

    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let host = stage.host.as_ref().unwrap_or(&host);
    let run = SuiteRunWriter::new(suite)
        .console()
        .start(start)
        .zone(TimeZone::system())
        .host(host)
        .pace(PACE);
    let run = arguments
        .uuid
        .iter()
        .fold(run.tests(tests), |run, uuid| run.uuid(uuid));

    Ok(arguments
        .info
        .iter()
        .fold(run, |run, (key, value)| run.info(key, value)))
}

/// Names of the test cases that lie directly in `Test Cases`, sorted.
fn test_cases(root: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(root.join("Test Cases")).context("the project has no test cases")?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut cases: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".tc")?.to_owned()))
        .collect();
    cases.sort();

    Ok(cases)
}

/// Writes a run while its time passes.
fn play(
    arguments: &Arguments,
    stage: &Stage,
    root: &Path,
    mut live: Live,
    session: u32,
) -> Result<()> {
    let folder = live.folder().to_owned();
    while let Some(next) = live.peek() {
        if next.phase >= Phase::Ended {
            stage.hold(session);
        }
        if next.phase > Phase::Running && stage.dies {
            std::process::exit(137);
        }
        let left = next.millis - Timestamp::now().as_millisecond();
        thread::sleep(std::time::Duration::from_millis(
            u64::try_from(left).unwrap_or(0),
        ));
        live.perform_next().context("the run cannot be written")?;
    }

    println!("Report folder: {}", folder.display());

    arguments
        .report_folder
        .iter()
        .try_for_each(|copy| copy_flat(&folder, &root.join(copy)))
}

/// `-reportFolder`: the files of the run, without folders.
fn copy_flat(folder: &Path, copy: &PathBuf) -> Result<()> {
    fs::create_dir_all(copy)?;
    for entry in fs::read_dir(folder)?
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        fs::copy(entry.path(), copy.join(entry.file_name()))?;
    }

    Ok(())
}
