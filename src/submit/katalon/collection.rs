//! Suites of a collection that Katalon uploads only when the whole collection has ended (version 11 and later): where
//! Katalon was seen to submit, they are waited for until then.
//!
//! A collection that broke off never ends: it is not waited for once nothing of it changed for [`ABORT_AFTER`], when its
//! folder is gone, nor longer than [`LONGEST`]. Two test runs are better than none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::katalon::run::lifecycle::ABORT_AFTER;
use crate::moment::Moment;
use crate::submit::Stop;
use crate::submit::execute::Execution;
use crate::workspace::{self, JunitState};

/// Pause before the next look at a collection that has not ended.
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_secs(30);
/// Longest wait after the end of a suite, whatever its files and clocks say.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether this is a suite of a collection of which Katalon's upload is still to come: the collection has not ended, or
/// not longer than `katalon_wait` ago. `project` is the key by which a project is remembered.
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
    let known = execution.outbox.with(move |store| store.katalon_known(&key)).await?;
    let wait = snapshot.options.katalon.wait(&known);
    if known.seen.is_none() || wait.is_zero() {
        return Ok(false);
    }
    let folder = PathBuf::from(&snapshot.folder);
    let looked = tokio::task::spawn_blocking(move || is_open(&folder, wait)).await;
    Ok(looked.ok().flatten().unwrap_or(false))
}

/// Whether the collection of a run goes on, or ended less than `wait` ago; `None` when its folders are gone.
fn is_open(folder: &Path, wait: Duration) -> Option<bool> {
    let collection = workspace::collection_of(folder)?;
    let newest = |folder: &Path| workspace::list_run_folder(folder).ok()?.newest();
    let quiet = |newest: Option<Moment>| newest.map_or(Duration::MAX, |newest| clock::now().since(newest));
    // Katalon writes the collection's own report after its last suite.
    if workspace::read_junit(&collection.folder) == JunitState::Complete {
        return Some(quiet(newest(&collection.folder)) < wait);
    }
    let members = collection.members();
    Some(quiet(members.iter().filter_map(|member| newest(&member.folder)).max()) < ABORT_AFTER)
}
