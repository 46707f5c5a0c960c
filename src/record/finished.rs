//! Reads a run that a person or the end of its command says is over.

use std::path::Path;

use crate::clock;
use crate::config::Config;
use crate::discovery::claim::KnownCommands;
use crate::error_chain::chain;
use crate::intake::collection::STILL;
use crate::intake::{self, FinishedRun};
use crate::katalon::run::lifecycle::RunState;
use crate::workspace::{self, JunitState};

/// Takes in a folder for a person: a run's, or with `submit.collections = "one"` that of a
/// collection or member, which stands for the whole. `known` is what is known of the command that
/// started it.
///
/// # Errors
/// Why it is not submitted, in words for that person.
pub(crate) fn take_finished(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<FinishedRun, String> {
    let taken = match intake::collection::of(folder, config) {
        Some(whole) => intake::collection::take_finished(&whole, config, known)?,
        None => take_over(folder, config, known)?,
    };
    if taken.standing.enabled {
        return Ok(taken);
    }
    Err(format!(
        "the Azure DevOps integration of project {} is switched off; switch it on in Katalon under Project > Settings > \
         Integrations > Azure DevOps",
        taken.snapshot.project_name
    ))
}

/// Takes in a run that is over.
fn take_over(folder: &Path, config: &Config, known: &KnownCommands) -> Result<FinishedRun, String> {
    let taken = intake::take(folder, config, known).map_err(|error| match workspace::collection_in(folder) {
        Ok(_) => "it is the folder of a collection; name the run folders of its suites, or set `submit.collections = \
                  \"one\"`"
            .to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => format!(
            "the report of the collection (`.rp`) cannot be read: {}; name the run folders of its suites to submit each by \
             itself",
            chain(&error)
        ),
        Err(_) => chain(&error),
    })?;
    let over =
        taken.snapshot.run.ended.is_some() || workspace::read_junit(folder) == JunitState::Complete;
    if !over {
        let listing = workspace::list_run_folder(folder).map_err(|error| chain(&error))?;
        let quiet = listing
            .newest()
            .map_or(STILL, |newest| clock::now().since(newest));
        if quiet < STILL {
            return Err(format!(
                "the run in `{}` is still being written; a run without an end is submitted as \
                 aborted when nothing has changed in it for \
                 {} seconds",
                folder.display(),
                STILL.as_secs()
            ));
        }
    }
    Ok(taken)
}

/// Takes in a run whose command has ended, and how it ended. A suite of a collection that is to be
/// one run stands for the whole.
pub(super) fn take_ended(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<(FinishedRun, RunState), String> {
    if let Some(whole) = intake::collection::of(folder, config) {
        return intake::collection::take_ended(&whole, config, known);
    }
    let taken = intake::take(folder, config, known).map_err(|error| chain(&error))?;
    let state = match workspace::read_junit(folder) {
        _ if taken.snapshot.run.ended.is_some() => RunState::Finished,
        JunitState::Complete => RunState::Crashed,
        JunitState::Missing | JunitState::Incomplete => RunState::Aborted,
    };
    Ok((taken, state))
}
