//! Reads a run that somebody says is over: a person who names its folder, or `kado exec`, whose
//! command has ended.
//!
//! A folder of a collection that is to be one run stands for the whole collection.

use std::path::Path;

use crate::clock;
use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::intake::refusal::RunRefusal;
use crate::intake::{FinishedRun, STILL_WITHOUT_END, collection, read};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::snapshot::Snapshot;
use crate::workspace::{self, Location, RunReader};

/// Reads a folder for a person: a run's, or with `submit.collections = "one"` that of a collection
/// or member. `commands` is what is known of the commands that may have started it; that one was to
/// fill a test run does not count any more, because the person says by `--into` where the run goes.
///
/// # Errors
/// Why it is not submitted.
pub(crate) fn read_requested(
    location: &Location,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, RunRefusal> {
    let reader = RunReader::default();
    let commands = commands.clone().without_filled_runs();
    let run = match collection::of(location, &reader, config) {
        Some(whole) => collection::read_requested(&whole, config, &commands)?,
        None => read_if_over(location, &reader, config, &commands)?,
    };

    if run.terms.enabled {
        Ok(run)
    } else {
        Err(RunRefusal::of_integration(&run))
    }
}

/// Reads a run that is over, or that has been still for so long that it was aborted.
fn read_if_over(
    location: &Location,
    reader: &RunReader,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, RunRefusal> {
    let folder = &location.folder;
    let run = match read(location, reader, config, commands) {
        Ok(run) => run,
        // Whoever names a folder that is no run folder may have meant a collection.
        Err(error) => {
            return Err(match workspace::collection_in(folder) {
                Ok(_) => RunRefusal::IsCollection(folder.to_owned()),
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    RunRefusal::CollectionReport(error)
                }
                Err(_) => error.into(),
            });
        }
    };

    // Either sign is enough: the log has an end where Katalon did not write its report any more,
    // and the report is there where the tests died before the end (`katalon/behaviour.md` §4.3).
    let state = workspace::state_when_over(folder, run.snapshot.run.ended);
    if state == RunState::Aborted && !has_been_still(folder)? {
        return Err(RunRefusal::StillWritten(folder.to_owned()));
    }
    Ok(run)
}

fn has_been_still(folder: &Path) -> Result<bool, RunRefusal> {
    let listing = workspace::list_run_folder(folder).map_err(|error| {
        let folder = folder.to_owned();
        RunRefusal::Folder { folder, error }
    })?;
    let newest = listing.newest();
    Ok(newest.is_none_or(|newest| clock::now().since(newest) >= STILL_WITHOUT_END))
}

/// Reads a run whose command has ended, with how it ended: nothing of it runs any more, so a suite
/// without an end was aborted.
///
/// # Errors
/// Why it is not submitted.
pub(crate) fn read_ended(
    location: &Location,
    config: &Config,
    commands: &KnownCommands,
) -> Result<(FinishedRun, RunState), RunRefusal> {
    let reader = RunReader::default();
    if let Some(whole) = collection::of(location, &reader, config) {
        return collection::read_ended(&whole, config, commands);
    }

    let run = read(location, &reader, config, commands)?;
    let state = workspace::state_when_over(&location.folder, run.snapshot.run.ended);
    Ok((run, state))
}

/// Reads again what a snapshot was made of, from the files and settings of today at its folder's
/// location; `None` when they are gone, or when the folder holds another run by now.
///
/// # Errors
/// Why what is there cannot be read.
pub(crate) fn read_again(
    snapshot: &Snapshot,
    location: &Location,
    config: &Config,
    commands: &KnownCommands,
) -> Result<Option<FinishedRun>, RunRefusal> {
    let run = if snapshot.joined.is_some() {
        collection::read_again(&location.folder, config, commands)?
    } else {
        match read(location, &RunReader::default(), config, commands) {
            Ok(run) => Some(run),
            Err(error) if error.is_gone() => None,
            Err(error) => return Err(error.into()),
        }
    };

    // A job that repeats itself may write every run into the same folder.
    Ok(run.filter(|run| suite_and_start(&run.snapshot) == suite_and_start(snapshot)))
}

fn suite_and_start(snapshot: &Snapshot) -> (&str, Option<Moment>) {
    let started = snapshot.identity().map(|run| run.started);
    (&snapshot.run.suite, started)
}
