//! Run folders on disk.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::listing::{FolderListing, ListedFile, holds_run, list, list_run_folder};
use super::location::Location;
use super::log_size::{LONGEST_LOG, check_log_size};
use super::parsed_logs::ParsedLogs;
use super::project_folder::read_console_options;
use super::{ReadError, earlier_run, named_files};
use crate::clock;
use crate::door::{self, Folder};
use crate::file_names::{KnownFolder, is_named};
use crate::katalon::REPORTS;
use crate::katalon::assemble::{RunParts, assemble};
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::log::{FolderNames, LogReader, LogSummary};
use crate::katalon::run::binding;
use crate::katalon::run::execution::{self, Execution};
use crate::katalon::run::junit::Junit;
use crate::katalon::run::lifecycle::{self, Evidence, RunState};
use crate::katalon::run::{FileKind, RunFile, RunOptions, SuiteRun};
use crate::katalon::witness;
use crate::moment::Moment;

/// Katalon's own report.
const REPORT: &str = "JUnit_Report.xml";

/// Bytes that are read from a log at once.
const BUFFER: usize = 64 * 1024;

/// Bytes at the end of a large report in which its last tag is looked for.
const TAIL: u8 = 64;

/// Bytes of a log in which the suite's START is looked for.
const BEGIN: u64 = 64 * 1024;

/// What stands in the place of `JUnit_Report.xml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JunitState {
    /// No file.
    Missing,
    /// A file that is not whole; Katalon may be writing it.
    Incomplete,
    /// A whole report of a run that used the folder before.
    OfAnotherRun,
    /// A whole report of this run.
    Complete,
}

/// Reads run folders, and parses the log of one only once while it does not change.
#[derive(Debug, Default)]
pub(crate) struct RunReader {
    logs: ParsedLogs,
}

/// Reads everything that a run folder says.
///
/// # Errors
/// When it is no run folder, or cannot be listed, or when another program holds a file of it for
/// itself: that passes. Other files in it that cannot be read are damage of the run; only
/// `execution.properties`, on which no result depends, is a warning.
pub fn read_run(folder: &Path) -> Result<SuiteRun, ReadError> {
    RunReader::default().read(&Location::of(folder))
}

impl RunReader {
    /// As [`read_run`], of a folder that is located already.
    ///
    /// # Errors
    /// As [`read_run`].
    pub(crate) fn read(&self, location: &Location) -> Result<SuiteRun, ReadError> {
        let path = &location.folder;
        let known = KnownFolder {
            path: path.clone(),
            id: location.id,
        };

        // All of it is read below one handle, so that no part comes from another folder. It is
        // listed first, so that a folder that is gone or closed is told as that and not as no run.
        let folder = Folder::known(&known).map_err(|source| io_error(path, source))?;
        let listing = list(&folder).map_err(|source| io_error(path, source))?;
        if !holds_run(&folder, Path::new("")) {
            return Err(ReadError::NoRun(path.clone()));
        }

        check_log_size(&listing).map_err(|source| io_error(path, source))?;
        self.read_listed(location, &folder, &listing)
            .map_err(|source| io_error(path, source))
    }

    /// Lets go of what is remembered of a folder whose run is decided.
    pub(crate) fn forget(&self, folder: &Path) {
        self.logs.forget(folder);
    }

    fn read_listed(
        &self,
        location: &Location,
        folder: &Folder,
        listing: &FolderListing,
    ) -> io::Result<SuiteRun> {
        let mut warnings = listing.warnings.clone();
        let mut damage = location.damage.clone();

        let execution = read_execution(folder, &mut warnings)?;
        let names = FolderNames {
            recorded: execution.recorded_folder.clone(),
            actual: last_names(&location.folder),
        };
        let mut log = self.read_log(location, folder, listing, names)?;
        let mut files: Vec<RunFile> = listing
            .files
            .iter()
            .map(|listed| listed.file.clone())
            .collect();
        named_files::find(&mut log.tests, &mut files, location);

        // Behind that, because what the log names is this run's, however it is spelled.
        let report = read_report(folder, &mut warnings, &mut damage)?;
        let foreign = report.as_ref().filter(|report| is_of_another(report, &log));
        let earlier_files = earlier_run::files_of(listing, &log, foreign);
        let earlier: HashSet<&str> = earlier_files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        files.retain(|file| !earlier.contains(file.path.as_str()));

        let binding = read_small(folder, binding::FILE, &mut damage)?;
        let (binding, unread) = binding::read(&binding);
        damage.extend(unread);
        let execution_uuid = read_small(folder, "execution.uuid", &mut damage)?;

        Ok(assemble(RunParts {
            report,
            zone: clock::zone(),
            log,
            binding,
            console_options: console_options(location, &execution, &mut warnings)?,
            execution,
            execution_uuid: String::from_utf8(execution_uuid).ok(),
            files,
            earlier_files,
            in_collection: location.collection.is_some(),
            damage,
            warnings,
        }))
    }

    /// Parses the log, unless it was parsed before and has not changed since.
    fn read_log(
        &self,
        location: &Location,
        folder: &Folder,
        listing: &FolderListing,
        names: FolderNames,
    ) -> io::Result<LogSummary> {
        let parts: Vec<ListedFile> = listing
            .files
            .iter()
            .filter(|listed| listed.file.kind == FileKind::Log)
            .cloned()
            .collect();
        if let Some(summary) = self.logs.get(&location.folder, &parts, &names) {
            return Ok(summary);
        }

        let mut reader = LogReader::new(names.clone());
        let mut is_whole = true;
        let mut expected = None;
        for (number, name) in listing.numbered_logs() {
            if let Some(expected) = expected
                && number < expected
            {
                reader.skip(&part_names(expected, number + 1));
            }
            expected = number.checked_sub(1);

            // One that grows as fast as it is read has no end.
            let read = folder.pieces(Path::new(name)).and_then(|part| {
                reader.feed(
                    name,
                    BufReader::with_capacity(BUFFER, part.take(LONGEST_LOG)),
                )
            });

            // The log is read while Katalon may be rotating it, so it is looked at again.
            match read {
                Ok(()) => {}
                Err(error) if door::is_held(&error) => return Err(error),
                Err(error) => {
                    is_whole = false;
                    reader.give_up(name, &error);
                }
            }
        }

        // Numbers count down to 0, the newest part: where the last one is another, the end is
        // missing.
        if let Some(expected) = expected {
            reader.skip(&part_names(expected, 0));
        }

        let summary = reader.finish();

        // A part that could not be read may be readable at the next look, although it looks the
        // same.
        if is_whole {
            self.logs
                .keep(&location.folder, parts, names, summary.clone());
        }
        Ok(summary)
    }
}

/// How far a run is, by one look at its folder, of which this is the listing. A run that is open
/// counts as aborted when nothing has changed for `abort_after`.
pub(crate) fn state_of(
    folder: &Path,
    run: &SuiteRun,
    listing: &FolderListing,
    abort_after: Duration,
    now: Moment,
) -> RunState {
    // Without a file that has a time nothing is known of when it stopped; it is not running.
    let quiet_for = match listing.newest() {
        Some(newest) => now.since(newest),
        None => abort_after,
    };
    let evidence = Evidence {
        has_log: listing.has_log(),
        ended: run.ended.is_some(),
        has_report: junit_state(folder, listing) == JunitState::Complete,
        quiet_for,
    };

    lifecycle::state(evidence, abort_after)
}

/// How a run is of which nothing goes on any more, because its command is gone or its folder has
/// been still: finished, crashed or aborted. `ended` is when its log says that it ended.
pub(crate) fn state_when_over(folder: &Path, ended: Option<Moment>) -> RunState {
    let evidence = Evidence {
        has_log: true,
        ended: ended.is_some(),
        // Read only where it matters: it may be large.
        has_report: ended.is_none() && read_junit(folder) == JunitState::Complete,
        quiet_for: Duration::ZERO,
    };

    lifecycle::state(evidence, Duration::ZERO)
}

pub(super) fn io_error(folder: &Path, source: io::Error) -> ReadError {
    ReadError::Io {
        path: folder.to_owned(),
        source,
    }
}

/// Looks at the `JUnit_Report.xml` of a run folder. A report of more than 16 MiB is judged by its
/// last bytes.
pub fn read_junit(folder: &Path) -> JunitState {
    // A folder that vanished since has neither log nor report.
    let listing = list_run_folder(folder).unwrap_or_default();
    junit_state(folder, &listing)
}

/// As [`read_junit`], of a folder that is listed already.
pub(crate) fn junit_state(folder: &Path, listing: &FolderListing) -> JunitState {
    let folder = match Folder::at(folder) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return JunitState::Missing,
        Err(_) => return JunitState::Incomplete,
    };

    match folder.whole_if_any(Path::new(REPORT)) {
        Ok(None) => JunitState::Missing,
        Ok(Some(bytes)) => match Junit::read(&bytes) {
            Ok(report) if is_of_run(&report, &folder, listing) => JunitState::Complete,
            Ok(_) => JunitState::OfAnotherRun,
            Err(_) => JunitState::Incomplete,
        },
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge && ends_whole(&folder) => {
            JunitState::Complete
        }
        Err(_) => JunitState::Incomplete,
    }
}

/// Whether a report is about the run whose log lies beside it. The folder may have been used before
/// (`-reportFolder`), and then the old report stays until Katalon writes the new one.
fn is_of_run(report: &Junit, folder: &Folder, listing: &FolderListing) -> bool {
    let logs = listing.logs();
    let Some(oldest) = logs.first() else {
        return true;
    };

    // What cannot be read speaks for no other run. The report counts, as it does without a log.
    let Ok(begin) = read_begin(folder, oldest) else {
        return true;
    };

    // Without the suite's START, or in a log that a merge mixed, nothing is told.
    let (suite, started) = match begin.suite {
        Some(suite) if begin.damage.is_empty() => (Some(suite), begin.started),
        _ => (None, None),
    };
    report
        .suites
        .iter()
        .any(|reported| witness::is_of_run(reported, suite.as_deref(), started))
}

/// Whether a report is surely about another run than this log.
fn is_of_another(report: &Junit, log: &LogSummary) -> bool {
    if log.suite.is_none() || !log.damage.is_empty() {
        return false;
    }
    let suite = log.suite.as_deref();
    let mut suites = report.suites.iter();
    !suites.any(|reported| witness::is_of_run(reported, suite, log.started))
}

/// Reads the first records of a log; the suite's START is the first of all.
fn read_begin(folder: &Folder, oldest: &str) -> io::Result<LogSummary> {
    let part = folder.pieces(Path::new(oldest))?;
    let mut reader = LogReader::new(FolderNames::default());
    reader.feed(oldest, BufReader::new(part.take(BEGIN)))?;
    Ok(reader.finish())
}

fn ends_whole(folder: &Folder) -> bool {
    read_tail(folder).is_ok_and(|tail| tail.trim_end().ends_with("</testsuites>"))
}

fn read_tail(folder: &Folder) -> io::Result<String> {
    let mut file = folder.pieces(Path::new(REPORT))?;
    file.seek(SeekFrom::End(-i64::from(TAIL)))?;

    // The file may grow meanwhile, so no more than the tail is read.
    let mut tail = Vec::new();
    file.take(u64::from(TAIL)).read_to_end(&mut tail)?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

/// The names of parts that are missing; one name where one is.
fn part_names(first: u64, last: u64) -> String {
    if first == last {
        format!("execution{first}.log")
    } else {
        format!("execution{first}.log … execution{last}.log")
    }
}

/// The report, where it is whole. One that is there and is not has nothing to say as a witness,
/// which is a damage; one that is too large to be compared is only told.
///
/// # Errors
/// When somebody holds it, which passes.
fn read_report(
    folder: &Folder,
    warnings: &mut Vec<String>,
    damage: &mut Vec<Damage>,
) -> io::Result<Option<Junit>> {
    let unread = match folder.whole_if_any(Path::new(REPORT)) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match Junit::read(&bytes) {
            Ok(report) => return Ok(Some(report)),
            Err(error) => error.to_string(),
        },
        Err(error) if door::is_held(&error) => return Err(error),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            warnings.push(format!("`{REPORT}` is not compared with the log: {error}"));
            return Ok(None);
        }
        Err(error) => error.to_string(),
    };

    let kind = DamageKind::Unreadable { error: unread };
    damage.push(Damage::of(REPORT, kind));
    Ok(None)
}

/// Reads `execution.properties`. What was lost of one that is there is a damage and a warning; a
/// folder without one was copied without it, or is of a version that writes none.
pub(super) fn read_execution(folder: &Folder, warnings: &mut Vec<String>) -> io::Result<Execution> {
    let execution = match folder.whole_if_any(Path::new(execution::FILE)) {
        Ok(Some(bytes)) => Execution::read(&bytes),
        Ok(None) => Execution::default(),
        Err(error) if door::is_held(&error) => return Err(error),
        Err(error) => Execution::unreadable(error.to_string()),
    };

    warnings.extend(execution.damage.as_ref().map(Damage::to_string));
    Ok(execution)
}

/// The options of `console.properties`, which speaks of runs in console mode only.
pub(super) fn console_options(
    location: &Location,
    execution: &Execution,
    warnings: &mut Vec<String>,
) -> io::Result<RunOptions> {
    let (true, Some(root)) = (execution.is_console(), &location.root) else {
        return Ok(RunOptions::default());
    };

    let options = match read_console_options(root) {
        Ok(options) => options,
        Err(error) if door::is_held(&error) => return Err(error),
        Err(error) => RunOptions::unreadable_console(error.to_string()),
    };
    warnings.extend(options.unread.as_ref().map(Damage::to_string));
    Ok(options)
}

/// A small file of the folder; empty when it is missing or cannot be read.
///
/// # Errors
/// Only when another program holds it, which passes.
pub(super) fn read_small(
    folder: &Folder,
    name: &str,
    damage: &mut Vec<Damage>,
) -> io::Result<Vec<u8>> {
    match folder.whole_if_any(Path::new(name)) {
        Ok(bytes) => Ok(bytes.unwrap_or_default()),
        Err(error) if door::is_held(&error) => Err(error),
        Err(error) => {
            let error = error.to_string();
            damage.push(Damage::of(name, DamageKind::Unreadable { error }));
            Ok(Vec::new())
        }
    }
}

/// The names of the folder's path below `Reports`, or else the last two.
pub(super) fn last_names(folder: &Path) -> Vec<String> {
    let Ok(path) = std::path::absolute(folder) else {
        return Vec::new();
    };
    let names: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();

    let last_two = names.len().saturating_sub(2);
    let from = match names
        .iter()
        .rposition(|name| is_named(OsStr::new(name), REPORTS))
    {
        // One name alone would fit too many paths.
        Some(reports) if reports + 2 < names.len() => reports + 1,
        _ => last_two,
    };
    names[from..].to_vec()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;
    use crate::katalon::status::Status;

    fn log(level: &str) -> String {
        let record = |level: &str, method: &str| {
            format!(
                "<record><millis>1700000000000</millis><level>{level}</level>\
                 <method>{method}</method><message>m</message></record>"
            )
        };

        [
            record("START", "startSuite"),
            record("START", "startTest"),
            record(level, "logMessage"),
            record("END", "endTest"),
            record("END", "endSuite"),
        ]
        .concat()
    }

    /// A folder with a log, and what a person could change in it without a trace.
    struct Folder {
        temp: tempfile::TempDir,
        modified: SystemTime,
    }

    impl Folder {
        fn with_log(text: &str) -> Self {
            let temp = tempfile::tempdir().unwrap();
            let file = temp.path().join("execution0.log");
            fs::write(&file, text).unwrap();
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            Self { temp, modified }
        }

        fn file(&self) -> PathBuf {
            self.temp.path().join("execution0.log")
        }

        /// Another log with the same size and time, so that only a second reading notices.
        fn rewrite_unseen(&self, text: &str) {
            fs::write(self.file(), text).unwrap();
            let changed = fs::OpenOptions::new().write(true).open(self.file());
            changed.unwrap().set_modified(self.modified).unwrap();
        }
    }

    #[test]
    fn a_log_is_parsed_anew_only_when_it_changed_and_other_files_always() {
        let folder = Folder::with_log(&log("FAILED"));
        let location = Location::of(folder.temp.path());
        let reader = RunReader::default();
        assert_eq!(reader.read(&location).unwrap().status, Status::Failed);

        folder.rewrite_unseen(&log("PASSED"));
        fs::write(folder.temp.path().join("execution.uuid"), "4d2").unwrap();
        let run = reader.read(&location).unwrap();

        assert_eq!(run.status, Status::Failed);
        assert_eq!(run.execution_uuid.as_deref(), Some("4d2"));

        fs::write(folder.file(), log("PASSED") + "\n").unwrap();

        assert_eq!(reader.read(&location).unwrap().status, Status::Passed);
    }

    #[test]
    fn what_is_forgotten_is_parsed_again() {
        let folder = Folder::with_log(&log("FAILED"));
        let location = Location::of(folder.temp.path());
        let reader = RunReader::default();
        reader.read(&location).unwrap();

        folder.rewrite_unseen(&log("PASSED"));
        reader.forget(folder.temp.path());

        assert_eq!(reader.read(&location).unwrap().status, Status::Passed);
    }
}
