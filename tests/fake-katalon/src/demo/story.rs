//! Katalon at work: the suite run is written write by write, at the pace of its own time stamps.

use std::env::consts::OS;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use fake_katalon::{SuiteRunWriter, sample};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long a step of a test takes; the whole run then takes about eight seconds.
const PACE: u32 = 290;

/// Writes the sample's run below the project while its time passes, and says where.
pub fn play(root: &Path) -> Result<PathBuf> {
    let run = run();
    let folder = run.folder_in(root);
    let mut live = run.live(&folder);
    crate::say(&format!("folder: {}", run.relative_folder()));

    while let Some(next) = live.peek() {
        wait_until(next.millis);
        let step = live
            .perform_next()
            .context("Katalon's files could not be written")?;
        if let Some(note) = step.and_then(|step| step.note) {
            crate::say(&format!("Katalon: {note}"));
        }
    }

    Ok(folder)
}

/// The sample's run, on this machine and from now on.
fn run() -> SuiteRunWriter {
    let now = Timestamp::now();
    let start = now + Duration::from_secs(1);
    let os = match OS {
        "windows" => "Windows 11 64bit",
        "macos" => "Mac OS X 64bit",
        _ => "Linux 64bit",
    };

    sample::run()
        .start(start)
        .stamps(now, now)
        .zone(TimeZone::system())
        .host(&gethostname::gethostname().to_string_lossy())
        .os(os)
        .pace(PACE)
}

fn wait_until(millis: i64) {
    let left = millis - Timestamp::now().as_millisecond();
    thread::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
}
