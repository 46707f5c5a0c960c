//! Reads the folder of a suite that still runs: its log as far as it is, and the tests that are
//! planned. Nothing else of it says anything before the run is over.

use std::path::Path;

use super::ReadError;
use super::growing_log::GrowingLog;
use super::listing::list;
use super::location::Location;
use super::run_folder::{console_options, io_error, last_names, read_execution, read_small};
use crate::clock;
use crate::door::Folder;
use crate::file_names::KnownFolder;
use crate::katalon::assemble::{RunParts, assemble};
use crate::katalon::log::{FolderNames, NEWEST_PART};
use crate::katalon::run::{SuiteRun, binding};
use crate::katalon::unstarted::add_unstarted;

/// What a suite that still runs has done, behind that as open tests those that have not started.
/// `log` is what was read of it before.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn read_running(
    location: &Location,
    log: &mut GrowingLog,
) -> Result<SuiteRun, ReadError> {
    let path = &location.folder;
    let known = KnownFolder {
        path: path.clone(),
        id: location.id,
    };
    let failed = |source| io_error(path, source);
    let folder = Folder::known(&known).map_err(failed)?;
    let listing = list(&folder).map_err(failed)?;

    let mut warnings = Vec::new();
    let mut damage = Vec::new();
    let execution = read_execution(&folder, &mut warnings).map_err(failed)?;
    let names = FolderNames {
        recorded: execution.recorded_folder.clone(),
        actual: last_names(path),
    };
    let mut summary = log.read(&folder, &listing, names).map_err(failed)?;

    let lines = read_small(&folder, binding::FILE, &mut damage).map_err(failed)?;
    let (lines, _) = binding::read(&lines);
    add_unstarted(&mut summary, &lines);

    Ok(assemble(RunParts {
        report: None,
        zone: clock::zone(),
        log: summary,
        binding: lines,
        console_options: console_options(location, &execution, &mut warnings).map_err(failed)?,
        execution,
        execution_uuid: None,
        files: Vec::new(),
        earlier_files: Vec::new(),
        in_collection: location.collection.is_some(),
        damage,
        warnings,
    }))
}

/// Whether the log of a folder has grown since it was read; `false` where it cannot be seen.
/// Nothing else of the folder is looked at: it may hold thousands of screenshots.
pub(crate) fn has_grown(folder: &Path, log: &GrowingLog) -> bool {
    let newest = Folder::at(folder).and_then(|folder| folder.look(Path::new(NEWEST_PART)));
    newest.is_ok_and(|newest| log.has_grown(newest.size))
}
