//! Suites of a collection that Katalon uploads only when the whole collection has ended (version 11
//! and later): where Katalon was seen to submit, they are waited for until then.
//!
//! A collection that broke off never ends: it is not waited for once nothing of it changed for
//! [`ABORT_AFTER`], when its folder is gone, nor longer than [`LONGEST`]. Two test runs are better
//! than none.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock;
use crate::katalon::run::lifecycle::ABORT_AFTER;
use crate::moment::Moment;
use crate::submit::execution::{Execution, Sender};
use crate::submit::stop::Stop;
use crate::workspace::{self, JunitState};

/// Pause before the next look at a collection that has not ended.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_secs(30);
/// Longest wait after the end of a suite, whatever its files and clocks say.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether this is a suite of a collection of which Katalon's upload is still to come: the
/// collection has not ended, or not longer than `katalon_wait` ago. `project` is the key by which a
/// project is remembered.
///
/// # Errors
/// When the outbox fails.
pub(super) async fn is_awaited(execution: &Execution<'_>, project: &str) -> Result<bool, Stop> {
    let snapshot = &execution.submission.snapshot;
    let waited_long_enough = clock::now() >= execution.plan().completed.plus(LONGEST);
    if execution.sender == Sender::Command
        || !snapshot.run.reports_come_late()
        || waited_long_enough
    {
        return Ok(false);
    }

    let key = project.to_owned();
    let history = execution
        .outbox
        .with(move |store| store.katalon_known(&key))
        .await?;
    let wait = snapshot.options.katalon.wait(&history);
    if history.last_upload.is_none() || wait.is_zero() {
        return Ok(false);
    }

    let run_folder = PathBuf::from(&snapshot.folder);

    // What is there and cannot be read may be going on: it is looked at again, at most for
    // `LONGEST`.
    Ok(blocking(move || goes_on(&run_folder, wait).unwrap_or(true)).await?)
}

/// Whether the collection of a run goes on, or ended less than `wait` ago; not when its folders are
/// gone.
fn goes_on(run_folder: &Path, wait: Duration) -> io::Result<bool> {
    let Some(collection) = workspace::collection_of(run_folder) else {
        return Ok(false);
    };

    // Katalon writes the collection's own report after its last suite.
    if workspace::read_junit(&collection.folder) == JunitState::Complete {
        return Ok(age(newest_change(&collection.folder)?) < wait);
    }

    let mut newest = None;
    for member in collection.members() {
        newest = newest.max(newest_change(&member.folder)?);
    }
    Ok(age(newest) < ABORT_AFTER)
}

/// How long ago something changed; for ever when nothing is there.
fn age(changed: Option<Moment>) -> Duration {
    match changed {
        Some(changed) => clock::now().since(changed),
        None => Duration::MAX,
    }
}

/// When a folder changed last; `None` when it is gone.
fn newest_change(folder: &Path) -> io::Result<Option<Moment>> {
    match workspace::list_run_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        listing => Ok(listing?.newest()),
    }
}
