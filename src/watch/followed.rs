//! What is remembered of a run folder whose run is not decided.

use std::path::Path;

use crate::discovery::folder_answer::FolderAnswer;
use crate::discovery::tracker::Tracker;
use crate::katalon::run::lifecycle::RunState;
use crate::watch::look::FolderMemory;

/// A folder whose run is not decided.
#[derive(Default)]
pub(super) struct FollowedFolder {
    pub(super) tracker: Tracker,
    pub(super) memory: FolderMemory,
    /// What the last look made of it, and whether it was due.
    pub(super) last_assessment: Option<(RunState, bool)>,
    /// What is known of it until it is settled.
    pub(super) answer: Option<FolderAnswer>,
    /// Whether it was reported that the folder cannot be read.
    pub(super) complained: bool,
}

impl FollowedFolder {
    /// Says of a folder that is gone that its suite had not ended: a job that is cancelled wipes
    /// its workspace, and nobody would know what became of the run.
    pub(super) fn tell_loss(&self, folder: &Path) {
        if let Some((RunState::Running, _)) = self.last_assessment {
            tracing::warn!(
                folder = %folder.display(),
                "a run folder is gone whose suite had not ended; nothing of it is submitted"
            );
        }
    }
}
