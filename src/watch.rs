//! Finds run folders and follows them until their run is over.
//!
//! File events are hints, the sweep is the truth (invariant I1): `hints` only says "look there",
//! `Scout` looks. Losing every event costs latency, never a run. `walk` finds projects and run
//! folders, without what `known_sessions` has unchanged, and what it did not see becomes
//! `problems`;
//! `look` takes one look at one folder,
//! `scout` remembers what was there and says which runs are over. `processes` knows which commands
//! run, and `accounts` whose count for a run.

use std::path::Path;
use std::time::Duration;

pub(crate) mod accounts;
mod blame;
mod folder_content;
mod followed;
mod glance;
pub(crate) mod hints;
mod known_sessions;
mod look;
mod look_rules;
mod problems;
pub(crate) mod processes;
mod project_roots;
mod project_share;
mod readings;
mod scout;
mod seen;
mod turns;
mod walk;

pub(crate) use known_sessions::WalkExtent;
pub(crate) use look::fingerprint;
pub(crate) use look_rules::LookRules;
pub(crate) use problems::{ToldWatchProblem, WatchProblem, WatchProblems, WatchedPart};
pub(crate) use scout::Scout;
pub(crate) use seen::{FinishedFolder, FoundFolders, LookTotals, SeenFolders};
pub(crate) use turns::Turns;
pub use walk::find_runs;
pub(crate) use walk::{Survey, count_folders, problems_of_project, problems_of_roots, survey};

/// How long after its last change a folder of `Reports` is *lively*: something may come into it any
/// moment, so events are to tell of it. A nightly suite that has one folder for all its runs comes
/// within this time.
const LIVELY: Duration = Duration::from_secs(36 * 60 * 60);

/// The fingerprint of a run folder as it looks now; `None` when it cannot be listed.
pub(crate) fn fingerprint_of(folder: &Path) -> Option<u64> {
    let listing = crate::workspace::list_run_folder(folder).ok()?;
    Some(fingerprint(&listing))
}
