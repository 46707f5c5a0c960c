//! What is read of a run that is over, on threads that are left behind where a file system does not
//! answer: that costs the run, and no other one waits for it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::blocking::{Stopped, blocking, contained};
use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::door::{self, Silent};
use crate::intake::{self, FinishedRun, IntakeError};
use crate::watch::FinishedFolder;
use crate::workspace::{Location, ReadError, RunReader};

/// Finds the project and the collection of a run folder, once for all that is decided about it; the
/// inner error says which file system does not answer.
pub(super) async fn locate(
    finished: &FinishedFolder,
) -> Result<Result<Location, IntakeError>, Stopped> {
    let folder = finished.folder.clone();
    let located = blocking(move || door::answered(move || Location::of(&folder))).await?;
    Ok(located.map_err(|silent| silent_at(finished.folder.clone(), silent)))
}

/// Reads a run. Should kado fail on what somebody put into its folder, that costs only this run.
pub(super) async fn read_settled(
    location: &Location,
    reader: &Arc<RunReader>,
    config: &Config,
    commands: KnownCommands,
) -> Result<Result<FinishedRun, IntakeError>, Stopped> {
    let location = location.clone();
    let folder = location.folder.clone();
    let reader = Arc::clone(reader);
    let config = config.clone();

    let read = contained(move || {
        door::answered(move || intake::read_settled(&location, &reader, &config, &commands))
    })
    .await?;

    Ok(match read {
        Ok(Ok(run)) => run,
        Ok(Err(silent)) => Err(silent_at(folder, silent)),
        Err(failed) => Err(failed.into()),
    })
}

fn silent_at(folder: PathBuf, silent: Silent) -> IntakeError {
    IntakeError::Read(ReadError::Io {
        path: folder,
        source: silent.into(),
    })
}
