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
use crate::submit::execution::Execution;
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
    let over = clock::now() >= execution.plan().completed.plus(LONGEST);
    if !execution.patient || !snapshot.run.reports_come_late() || over {
        return Ok(false);
    }
    let key = project.to_owned();
    let known = execution
        .outbox
        .with(move |store| store.katalon_known(&key))
        .await?;
    let wait = snapshot.options.katalon.wait(&known);
    if known.last_upload.is_none() || wait.is_zero() {
        return Ok(false);
    }
    let folder = PathBuf::from(&snapshot.folder);
    // What is there and cannot be read may be open: it is looked at again, at most for `LONGEST`.
    Ok(blocking(move || is_open(&folder, wait).unwrap_or(true)).await?)
}

/// Whether the collection of a run goes on, or ended less than `wait` ago; not when its folders are
/// gone.
fn is_open(folder: &Path, wait: Duration) -> io::Result<bool> {
    let Some(collection) = workspace::collection_of(folder) else {
        return Ok(false);
    };
    let quiet =
        |newest: Option<Moment>| newest.map_or(Duration::MAX, |newest| clock::now().since(newest));
    // Katalon writes the collection's own report after its last suite.
    if workspace::read_junit(&collection.folder) == JunitState::Complete {
        return Ok(quiet(newest(&collection.folder)?) < wait);
    }
    let mut last = None;
    for member in collection.members() {
        last = last.max(newest(&member.folder)?);
    }
    Ok(quiet(last) < ABORT_AFTER)
}

/// When a folder changed last; `None` when it is gone.
fn newest(folder: &Path) -> io::Result<Option<Moment>> {
    match workspace::list_run_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        listing => Ok(listing?.newest()),
    }
}
