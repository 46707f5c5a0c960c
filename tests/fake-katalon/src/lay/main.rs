//! `fake-katalon`: the sample as a program, for scripts that test kado from outside
//! (`tests/system`).
//!
//! ```text
//! fake-katalon world                          the ADO world that fits, for `fake-ado --world`
//! fake-katalon project FOLDER SERVER_URL      a project fake-katalon run PROJECT [HOST] [MIB]     
//! a suite run that has just ended, on HOST, with a report of so many MiB
//! ```
//!
//! `run` prints the run folder.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fake_katalon::sample;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const USAGE: &str =
    "usage: fake-katalon world | project FOLDER SERVER_URL | run PROJECT [HOST] [MIB]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();

    match lay(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-katalon: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn lay(words: &[&str]) -> Result<()> {
    match *words {
        ["world"] => world(),
        ["project", folder, url] => {
            sample::project(Path::new(folder), url)
                .write()
                .context("the project could not be written")?;
            Ok(())
        }
        ["run", project] => run(Path::new(project), None, 0),
        ["run", project, host] => run(Path::new(project), Some(host), 0),
        ["run", project, host, size] => {
            run(Path::new(project), Some(host), size.parse().context(USAGE)?)
        }
        _ => bail!(USAGE),
    }
}

/// The world does not show its tokens; a server that is to accept one needs it all the same.
fn world() -> Result<()> {
    let mut world = serde_json::to_value(sample::world())?;
    world["tokens"] = serde_json::json!([sample::TOKEN]);
    println!("{}", serde_json::to_string_pretty(&world)?);

    Ok(())
}

fn run(project: &Path, host: Option<&str>, mebibytes: usize) -> Result<()> {
    let now = Timestamp::now();
    let own = gethostname::gethostname().to_string_lossy().into_owned();
    let run = sample::run()
        .start(now)
        .stamps(now, now + Duration::from_millis(1))
        .zone(TimeZone::UTC)
        .host(host.unwrap_or(&own))
        .pace(1);
    let folder = run.folder_in(project);
    run.write_all(&folder)
        .context("the run could not be written")?;
    if mebibytes > 0 {
        std::fs::write(folder.join("large.html"), vec![b' '; mebibytes << 20])?;
    }

    println!("{}", folder.display());

    Ok(())
}
