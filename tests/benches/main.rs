//! What the whole job costs: the real program against the fake Azure DevOps on this machine.
//!
//! `cargo bench` prints a table of time, requests and peak memory; `BENCHMARKS.md` keeps the
//! figures of one machine. Nothing in here is asserted: a slow machine is no defect.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark is a program of its own"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, ProjectWriter, Sending, SuiteRunWriter, Test, TestCaseFile};

const PLAN: u32 = 18;

fn main() {
    println!(
        "{:<46} {:>9} {:>9} {:>9} {:>9}",
        "what", "seconds", "requests", "in flight", "peak MB"
    );
    submit("50 tests, 5 screenshots", 50, 5, 0, None);
    submit("50 tests, 5 screenshots, 80 ms a request", 50, 5, 80, None);
    submit("500 tests, 50 screenshots", 500, 50, 0, None);
    submit(
        "500 tests, 50 screenshots, 80 ms a request",
        500,
        50,
        80,
        None,
    );
    submit("2000 tests, 100 screenshots", 2000, 100, 0, None);
    submit("1 test, report of 60 MB", 1, 0, 0, Some(60 << 20));
    sweep("first sweep over 5000 old run folders", 1, 5000, "new");
    sweep("first sweep over 300 projects with 5000", 300, 5000, "new");
    sweep("first sweep over 5000 that are listed", 300, 5000, "all");
}

/// One suite run, submitted by `kado submit`.
fn submit(what: &str, tests: u32, screenshots: u32, delay: u64, report: Option<usize>) {
    let machine = Machine::new(tests);
    if delay > 0 {
        machine
            .ado
            .fault(Fault::new("*", "/", Nth::Every, FaultAction::Delay(delay)));
    }
    let folder = run(tests, screenshots, 0)
        .write_in(&machine.project)
        .unwrap();
    if let Some(bytes) = report {
        std::fs::write(folder.join("big.html"), vec![b'x'; bytes]).unwrap();
    }

    let cost = machine.kado(&["submit", folder.to_str().unwrap()]);

    let results: usize = machine
        .ado
        .world()
        .runs()
        .iter()
        .map(|run| run.results.len())
        .sum();
    assert_eq!(results, tests as usize, "all results arrived");
    row(what, &cost, &machine.ado);
}

/// Many runs of the past in so many projects, remembered by `kado run --once`, or listed with the
/// history `all`; nothing is sent.
fn sweep(what: &str, projects: u32, folders: u32, history: &str) {
    let machine = Machine::new(20);
    machine.keep_history(history);
    let roots: Vec<PathBuf> = (0..projects)
        .map(|number| machine.project_beside(number))
        .collect();

    for number in 0..folders {
        let root = &roots[(number % projects) as usize];
        let folder = run(20, 1, number).write_in(root).unwrap();
        age(&folder);
    }

    let cost = machine.kado(&["run", "--once"]);
    row(what, &cost, &machine.ado);
    let cost = machine.kado(&["run", "--once"]);
    row("the next sweep over them", &cost, &machine.ado);
}

/// Makes the files of a folder an hour old.
fn age(folder: &Path) {
    let old = std::fs::FileTimes::new()
        .set_modified(std::time::SystemTime::now() - Duration::from_secs(3600));
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            age(&entry.path());
        } else {
            std::fs::File::options()
                .append(true)
                .open(entry.path())
                .unwrap()
                .set_times(old)
                .unwrap();
        }
    }
}

fn run(tests: u32, screenshots: u32, number: u32) -> SuiteRunWriter {
    let all = (0..tests).map(|n| match n < screenshots {
        true => Test::failed(&name(n), "Object 'Page/button' is not present").screenshot(),
        false => Test::passed(&name(n)),
    });
    let start: jiff::Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    SuiteRunWriter::new("Test Suites/Bench")
        .start(start + Duration::from_secs(60 * u64::from(number)))
        .tests(all)
}

fn name(number: u32) -> String {
    format!("Test Cases/Case {number}")
}

fn row(what: &str, cost: &Cost, ado: &FakeAdo) {
    let (requests, flight) = (ado.requests().len(), ado.peak_connections());
    println!(
        "{what:<46} {:>9.2} {requests:>9} {flight:>9} {:>9.1}",
        cost.time.as_secs_f64(),
        cost.peak_kb as f64 / 1024.0
    );
    ado.clear_requests();
}

struct Machine {
    _folder: tempfile::TempDir,
    project: PathBuf,
    config: PathBuf,
    ado: FakeAdo,
}

struct Cost {
    time: Duration,
    peak_kb: u64,
}

impl Machine {
    fn new(tests: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new("org")
            .token("bench")
            .no_schema()
            .project("Shop")
            .configuration(1, "Any")
            .plan(PLAN, "P");
        world = world.suite(20, "S");

        for number in 0..tests {
            world =
                world
                    .test_case(1000 + number, "Case")
                    .point(5000 + number, 20, 1000 + number, 1);
        }

        let ado = FakeAdo::start_blocking("127.0.0.1:0".parse().unwrap(), world).unwrap();
        let project = folder.path().join("work").join("Shop");
        let settings = AzureSettings {
            sending: Sending::All,
            ..AzureSettings::connected(&ado.base_url(), "bench", "Shop", (PLAN, "P"))
        };
        let mut writer = ProjectWriter::new(&project).name("Shop").azure(settings);

        for number in 0..tests {
            writer = writer
                .test_case(TestCaseFile::new(&name(number)).azure(&(1000 + number).to_string()));
        }

        writer.write().unwrap();
        let config = folder.path().join("kado.toml");
        let text = "watch = [\"work\"]\nstate_dir = \"state\"\nruns_from = \"any\"\n";
        std::fs::write(&config, text).unwrap();

        Self {
            _folder: folder,
            project,
            config,
            ado,
        }
    }

    fn keep_history(&self, history: &str) {
        let text = format!(
            "watch = [\"work\"]\nstate_dir = \"state\"\nruns_from = \"any\"\nhistory = \"{history}\"\n[submit]\nauto_submit = false\n"
        );
        std::fs::write(&self.config, text).unwrap();
    }

    /// The project itself for 0, else another one like it.
    fn project_beside(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.project.clone();
        }

        let root = self.project.with_file_name(format!("Shop {number}"));
        let settings = AzureSettings {
            sending: Sending::All,
            ..AzureSettings::connected(&self.ado.base_url(), "bench", "Shop", (PLAN, "P"))
        };
        let mut writer = ProjectWriter::new(&root).azure(settings);

        for case in 0..20 {
            writer =
                writer.test_case(TestCaseFile::new(&name(case)).azure(&(1000 + case).to_string()));
        }

        writer.write().unwrap();

        root
    }

    fn kado(&self, arguments: &[&str]) -> Cost {
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kado"))
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();

        let mut peak_kb = 0;

        while child.try_wait().unwrap().is_none() {
            peak_kb = peak_kb.max(peak_of(child.id()));
            std::thread::sleep(Duration::from_millis(2));
        }

        Cost {
            time: start.elapsed(),
            peak_kb,
        }
    }
}

/// `VmHWM` of a process in kB; 0 where the system has no such file.
fn peak_of(process: u32) -> u64 {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))
            .unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}
