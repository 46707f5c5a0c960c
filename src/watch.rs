//! Finds run folders and follows them until their run is over.
//!
//! File events are hints, the sweep is the truth (invariant I1): [`hints`] only says "look now",
//! [`Scout`] looks. Losing every event costs latency, never a run. `walk` finds projects and run
//! folders, `look` takes one look at one folder, [`scout`] remembers what was seen and decides what
//! is over.

pub mod hints;
mod look;
mod look_rules;
pub(crate) mod processes;
pub mod scout;
mod walk;

pub use look::fingerprint;
pub use look_rules::LookRules;
pub use scout::{FinishedFolder, FoundFolders, Scout, Sweep};
pub use walk::{count_folders, find_closed, find_projects, find_runs, has_linked_reports};

/// How a run folder looks; `None` when it cannot be listed. See [`FinishedFolder::fingerprint`].
pub fn fingerprint_of(folder: &std::path::Path) -> Option<u64> {
    Some(look::fingerprint(
        &crate::workspace::list_run_folder(folder).ok()?,
    ))
}
