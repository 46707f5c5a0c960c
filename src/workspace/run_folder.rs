//! Run folders on disk.

use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::listing::{FolderListing, is_run_folder, list_run_folder};
use super::project_folder::{find_project_root, read_console_options};
use super::{ReadError, collection_folder, open};
use crate::error_chain::chain;
use crate::file_names::is_named;
use crate::katalon::assemble::{RunParts, assemble};
use crate::katalon::log::{FolderNames, LogReader, LogSummary};
use crate::katalon::run::binding;
use crate::katalon::run::execution::Execution;
use crate::katalon::run::junit::Junit;
use crate::katalon::run::{RunOptions, SuiteRun};

/// Bytes that are read from a log at once.
const BUFFER: usize = 64 * 1024;

/// What stands in the place of `JUnit_Report.xml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JunitState {
    /// No file.
    Missing,
    /// A file that is not whole; Katalon may be writing it.
    Incomplete,
    /// A whole report.
    Complete,
}

/// Reads everything that a run folder says.
///
/// # Errors
/// When it is no run folder, or cannot be listed, or when another program holds a file of it for
/// itself: that passes. Other files in it that cannot be read are warnings.
pub fn read_run(folder: &Path) -> Result<SuiteRun, ReadError> {
    let failed = |source| ReadError::Io {
        path: folder.to_owned(),
        source,
    };
    let listing = list_run_folder(folder).map_err(failed)?;
    if !is_run_folder(folder) {
        return Err(ReadError::NoRun(folder.to_owned()));
    }
    let mut warnings = listing.warnings.clone();
    let execution = read_execution(folder, &mut warnings).map_err(failed)?;
    let names = FolderNames {
        recorded: execution.recorded_folder.clone(),
        actual: last_names(folder),
    };
    let log = read_logs(folder, &listing, names, &mut warnings).map_err(failed)?;
    let (lines, binding_warnings) =
        binding::read(&small(folder, "testCaseBinding", &mut warnings).map_err(failed)?);
    warnings.extend(binding_warnings);
    let uuid =
        String::from_utf8(small(folder, "execution.uuid", &mut warnings).map_err(failed)?).ok();
    Ok(assemble(RunParts {
        suite_hint: if log.suite.is_none() {
            junit_suite(folder)
        } else {
            None
        },
        log,
        binding: lines,
        console_options: console_options(folder, &execution, &mut warnings),
        execution,
        execution_uuid: uuid,
        files: listing
            .files
            .into_iter()
            .map(|listed| listed.file)
            .collect(),
        in_collection: collection_folder::is_member(folder),
        warnings,
    }))
}

/// Looks at the `JUnit_Report.xml` of a run folder. A report of more than 16 MiB is judged by its
/// last bytes.
pub fn read_junit(folder: &Path) -> JunitState {
    let path = folder.join("JUnit_Report.xml");
    match open::whole_if_any(&path) {
        Ok(None) => JunitState::Missing,
        Ok(Some(bytes)) if Junit::read(&bytes).is_ok() => JunitState::Complete,
        Ok(Some(_)) => JunitState::Incomplete,
        Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge && ends_whole(&path) => {
            JunitState::Complete
        }
        Err(_) => JunitState::Incomplete,
    }
}

fn ends_whole(path: &Path) -> bool {
    let tail = || -> std::io::Result<String> {
        let mut file = open::regular(path)?;
        file.seek(SeekFrom::End(-64))?;
        let mut tail = Vec::new();
        file.take(64).read_to_end(&mut tail)?;
        Ok(String::from_utf8_lossy(&tail).into_owned())
    };
    tail().is_ok_and(|tail| tail.trim_end().ends_with("</testsuites>"))
}

fn junit_suite(folder: &Path) -> Option<String> {
    let report = Junit::read(&open::whole(&folder.join("JUnit_Report.xml")).ok()?).ok()?;
    report.suites.into_iter().find_map(|suite| suite.id)
}

fn read_execution(folder: &Path, warnings: &mut Vec<String>) -> io::Result<Execution> {
    let bytes = small(folder, "execution.properties", warnings)?;
    if bytes.is_empty() {
        return Ok(Execution::default());
    }
    Ok(Execution::read(&bytes).unwrap_or_else(|error| {
        warnings.push(format!("`execution.properties` cannot be read: {error}"));
        Execution::default()
    }))
}

fn read_logs(
    folder: &Path,
    listing: &FolderListing,
    names: FolderNames,
    warnings: &mut Vec<String>,
) -> io::Result<LogSummary> {
    let mut reader = LogReader::new(names);
    for name in listing.logs() {
        let part = open::regular(&folder.join(name));
        // The log is read while Katalon may be rotating it; a part that is gone is one warning.
        match part.and_then(|part| reader.feed(BufReader::with_capacity(BUFFER, part))) {
            Ok(()) => {}
            Err(error) if open::is_held(&error) => return Err(error),
            Err(error) => warnings.push(format!("`{name}` cannot be read to its end: {error}")),
        }
    }
    Ok(reader.finish())
}

/// `console.properties` speaks of runs in console mode only.
fn console_options(folder: &Path, execution: &Execution, warnings: &mut Vec<String>) -> RunOptions {
    let console = execution
        .running_mode
        .as_deref()
        .is_some_and(|mode| mode.eq_ignore_ascii_case("CONSOLE"));
    let root = if console {
        find_project_root(folder)
    } else {
        None
    };
    root.map_or_else(RunOptions::default, |root| {
        read_console_options(&root).unwrap_or_else(|error| {
            warnings.push(chain(&error));
            RunOptions::default()
        })
    })
}

/// A small file of the folder; empty when it is missing or cannot be read.
fn small(folder: &Path, name: &str, warnings: &mut Vec<String>) -> io::Result<Vec<u8>> {
    match open::whole_if_any(&folder.join(name)) {
        Ok(bytes) => Ok(bytes.unwrap_or_default()),
        Err(error) if open::is_held(&error) => Err(error),
        Err(error) => {
            warnings.push(format!("`{name}` cannot be read: {error}"));
            Ok(Vec::new())
        }
    }
}

/// The names below `Reports`, or the last two.
fn last_names(folder: &Path) -> Vec<String> {
    let Ok(path) = std::path::absolute(folder) else {
        return Vec::new();
    };
    let names: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let below_reports = names
        .iter()
        .rposition(|name| is_named(name.as_ref(), "Reports"))
        .map(|at| at + 1);
    let from = below_reports
        .filter(|at| at + 1 < names.len())
        .unwrap_or(names.len().saturating_sub(2));
    names[from..].to_vec()
}
