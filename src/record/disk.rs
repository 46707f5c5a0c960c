//! Work on files of projects, on threads that are left behind where a file system does not answer:
//! that costs whoever asked for it, and nobody else waits.

use std::sync::Arc;

use crate::blocking::{Failed, Stopped, blocking, contained};
use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::door;
use crate::intake::{self, FinishedRun, IntakeError};
use crate::outbox::StoreError;
use crate::record::handling::NotRead;
use crate::watch::FinishedFolder;
use crate::workspace::{Location, RunReader};

/// Why work on files that is contained came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskFailure {
    /// kado failed on what somebody put there.
    #[error(transparent)]
    Failed(Failed),
    /// As for work that is not contained.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a run that is over is not read.
pub(super) enum ReadFailure {
    /// It costs only this run.
    OfRun(NotRead),
    /// The outbox fails, or kado ends.
    OfOutbox(StoreError),
}

impl From<IntakeError> for ReadFailure {
    fn from(error: IntakeError) -> Self {
        Self::OfRun(NotRead::Run(error))
    }
}

impl From<StoreError> for ReadFailure {
    fn from(error: StoreError) -> Self {
        match error {
            // Without the options of its command, or its collection, it could go to another plan.
            StoreError::Content(_) | StoreError::Silent(_) => Self::OfRun(NotRead::Unsure(error)),
            error => Self::OfOutbox(error),
        }
    }
}

/// Does `work` on files. Whatever the keeper has done on the disk goes through here: it does
/// nothing else meanwhile.
///
/// # Errors
/// [`StoreError::Silent`] where a file system does not answer, and when the program is ending.
///
/// # Panics
/// When `work` does.
pub(crate) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    Ok(blocking(move || door::answered(work)).await??)
}

/// As [`on_disk`], for reading what somebody put into a folder: should kado fail on it, that is an
/// error as well.
pub(super) async fn contained_on_disk<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DiskFailure> {
    match contained(move || door::answered(work)).await {
        Ok(Ok(answered)) => Ok(answered.map_err(StoreError::from)?),
        Ok(Err(failed)) => Err(DiskFailure::Failed(failed)),
        Err(Stopped) => Err(StoreError::from(Stopped).into()),
    }
}

/// Finds the project and the collection of a run folder, once for all that is decided about it.
pub(super) async fn locate(finished: &FinishedFolder) -> Result<Location, ReadFailure> {
    let folder = finished.folder.clone();
    Ok(on_disk(move || Location::of(&folder)).await?)
}

/// Reads a run. Should kado fail on what somebody put into its folder, that costs only this run.
pub(super) async fn read_settled(
    location: &Location,
    reader: &Arc<RunReader>,
    config: &Config,
    commands: KnownCommands,
) -> Result<FinishedRun, ReadFailure> {
    let location = location.clone();
    let reader = Arc::clone(reader);
    let config = config.clone();

    let read =
        contained_on_disk(move || intake::read_settled(&location, &reader, &config, &commands));
    match read.await {
        Ok(run) => Ok(run?),
        Err(DiskFailure::Failed(failed)) => Err(IntakeError::from(failed).into()),
        Err(DiskFailure::Store(error)) => Err(error.into()),
    }
}
