//! What a run before left in a report folder that is used again (`-reportFolder`, fixed paths):
//! reports, screenshots and videos that are none of this run's until Katalon writes them anew.
//!
//! Times of files decide, with care: a copy may give all files new times, or old ones, and the
//! clock of a file server may be another than the log's. So a file counts as older than the run
//! only where both the log's own times and the log file's say so. A whole `JUnit_Report.xml` of
//! another run tells it too, of what was not written after it.

use std::collections::HashSet;
use std::time::Duration;

use super::listing::{FolderListing, ListedFile};
use crate::katalon::log::LogSummary;
use crate::katalon::run::junit::Junit;
use crate::katalon::run::{EarlierFile, FileKind};
use crate::moment::Moment;

/// File systems count in seconds or two, and the JVM writes its first record a moment after it made
/// the file.
const MARGIN: Duration = Duration::from_secs(5);

/// The files of a listing that a run before left there, of the kinds that are sent. What this run's
/// log names is its own. `foreign` is a `JUnit_Report.xml` of another run.
pub(super) fn files_of(
    listing: &FolderListing,
    log: &LogSummary,
    foreign: Option<&Junit>,
) -> Vec<EarlierFile> {
    let begin = begin_of(listing, log);
    let other_report = foreign.and_then(|_| modified(listing, "JUnit_Report.xml"));
    if begin.is_none() && other_report.is_none() {
        return Vec::new();
    }

    let attempts = log.tests.iter().flat_map(|test| &test.attempts);
    let named: HashSet<&str> = attempts
        .flat_map(|attempt| &attempt.attachments)
        .map(String::as_str)
        .collect();

    let mut earlier = Vec::new();
    for ListedFile { file, modified } in &listing.files {
        let is_sent = !matches!(file.kind, FileKind::Log | FileKind::Other);
        if !is_sent || named.contains(file.path.as_str()) {
            continue;
        }

        let is_older = begin.is_some_and(|begin| modified.plus(MARGIN) < begin);
        let came_with_report = other_report.is_some_and(|report| *modified <= report.plus(MARGIN));
        if is_older || came_with_report {
            earlier.push(EarlierFile {
                path: file.path.clone(),
                size: file.size,
                modified: *modified,
            });
        }
    }
    earlier
}

/// Before which time of a file it is surely older than the run; `None` where nothing is sure.
fn begin_of(listing: &FolderListing, log: &LogSummary) -> Option<Moment> {
    // Without the suite's START the run began before what is known of it.
    let (Some(_), Some(started), Some(last)) = (&log.suite, log.started, log.last_record) else {
        return None;
    };
    // Of a clock that was set back meanwhile nobody knows which time a file has.
    if !log.damage.is_empty() || last < started {
        return None;
    }

    let attempts = log.tests.iter().flat_map(|test| &test.attempts);
    let earliest = attempts.map(|attempt| attempt.started).min();
    let took = last.since(started);
    let newest_log = listing
        .files
        .iter()
        .filter(|listed| listed.file.kind == FileKind::Log)
        .map(|listed| listed.modified)
        .max()?;

    let begin = started.min(newest_log.minus(took));
    Some(earliest.map_or(begin, |earliest| begin.min(earliest)))
}

fn modified(listing: &FolderListing, path: &str) -> Option<Moment> {
    let mut files = listing.files.iter();
    let listed = files.find(|listed| listed.file.path == path)?;
    Some(listed.modified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::RunFile;

    const START: i64 = 1_700_000_000_000;
    const HOUR: i64 = 60 * 60 * 1000;

    /// A log of a run that took a minute.
    fn log() -> LogSummary {
        LogSummary {
            suite: Some("Test Suites/S".to_owned()),
            started: Some(Moment::from_millis(START)),
            last_record: Some(Moment::from_millis(START + 60_000)),
            ..LogSummary::default()
        }
    }

    /// Which files of a folder with these modification times, beside the start, are an earlier
    /// run's.
    fn earlier(files: &[(&str, i64)], log: &LogSummary, foreign: Option<&Junit>) -> Vec<String> {
        let mut listing = FolderListing::default();
        for (path, modified) in files {
            listing.files.push(ListedFile {
                file: RunFile {
                    path: (*path).to_owned(),
                    kind: FileKind::of(path),
                    size: 1,
                },
                modified: Moment::from_millis(START + modified),
            });
        }
        let earlier = files_of(&listing, log, foreign);
        earlier.into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn what_is_older_than_the_start_is_an_earlier_runs() {
        let files = [
            ("execution0.log", 60_000),
            ("old.html", -HOUR),
            ("old.png", -10_000),
            ("new.html", 50_000),
            ("console0.log", -HOUR),
        ];

        let earlier = earlier(&files, &log(), None);

        assert_eq!(earlier, ["old.html", "old.png"]);
    }

    #[test]
    fn a_log_that_is_as_old_as_its_report_says_that_times_were_changed() {
        let files = [("execution0.log", -HOUR), ("a.html", -HOUR)];

        assert_eq!(earlier(&files, &log(), None), [""; 0]);
    }

    #[test]
    fn without_the_begin_of_the_log_or_with_a_clock_that_jumped_nothing_is_said() {
        let files = [("execution0.log", 60_000), ("old.html", -HOUR)];
        let headless = LogSummary {
            suite: None,
            ..log()
        };
        let jumped = LogSummary {
            last_record: Some(Moment::from_millis(START - 1)),
            ..log()
        };

        for log in [headless, jumped] {
            assert_eq!(earlier(&files, &log, None), [""; 0]);
        }
    }

    #[test]
    fn what_came_with_the_report_of_another_run_is_that_runs() {
        let files = [
            ("JUnit_Report.xml", HOUR),
            ("execution0.log", HOUR),
            ("old.html", HOUR),
            ("new.html", HOUR + 6_000),
        ];

        let earlier = earlier(&files, &log(), Some(&Junit::default()));

        assert_eq!(earlier, ["old.html"]);
    }
}
