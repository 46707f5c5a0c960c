//! What became of a run folder: every one that is met has an answer. Pure.

use std::path::PathBuf;

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;

/// What is known of a run folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AnsweredFolder {
    /// The folder.
    pub folder: PathBuf,
    /// Root of its project, if it has one.
    pub project: Option<PathBuf>,
    /// Which run it holds, as far as its log tells. By this its rows in the outbox are found.
    pub run: Option<RunIdentity>,
    /// What became of it.
    pub answer: FolderAnswer,
    /// How it looked when it was settled; `None` when it is to be read again.
    pub settled: Option<u64>,
}

/// What is stored of a folder that is to be read again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OpenFolder {
    /// What became of it so far.
    pub answer: FolderAnswer,
    /// Whether it is stored which run it holds, which a log says some time after its begin.
    pub is_run_known: bool,
}

impl OpenFolder {
    /// What of an answer is stored.
    pub(crate) fn of(folder: &AnsweredFolder) -> Self {
        Self {
            answer: folder.answer.clone(),
            is_run_known: folder.run.is_some(),
        }
    }
}

/// What became of a run folder, apart from the rows that its run has in the outbox: where there are
/// any, they are the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FolderAnswer {
    /// Its run is in the outbox, by itself or as part of a collection.
    Recorded,
    /// Its run is older than the history.
    Older {
        /// When it ended.
        ended: Moment,
    },
    /// It cannot be read.
    Unread {
        /// Why, and what would change that.
        reason: String,
    },
    /// Its suite is queued or runs.
    Running,
    /// Its run is over and not recorded yet.
    Waiting {
        /// What is waited for.
        reason: String,
    },
}
