//! What walks through the watched folders found, and what looks at run folders saw.

use std::path::PathBuf;
use std::time::Duration;

use crate::discovery::folder_answer::AnsweredFolder;
use crate::discovery::tracker::Assessment;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::watch::problems::WatchProblems;

/// What a walk through the watched folders found.
#[derive(Debug, Default)]
pub(crate) struct FoundFolders {
    /// The projects that are there.
    pub projects: Vec<PathBuf>,
    /// The run folders in them, but for those of unchanged sessions.
    pub folders: Vec<PathBuf>,
    /// Sessions in which nothing has changed since all in them was settled.
    pub unchanged: usize,
    /// Folders that were followed and are gone.
    pub gone: Vec<PathBuf>,
    /// What the walk did not see.
    pub problems: WatchProblems,
    /// How long the walk took.
    pub took: Duration,
}

/// The run folders that some looks saw: whoever had them looked at records what is over of them,
/// which leaves the totals.
#[derive(Debug, Default)]
pub(crate) struct SeenFolders {
    /// Folders that are followed from now on, with the time of their oldest file.
    pub new: Vec<(PathBuf, Moment)>,
    /// Runs that are over and due.
    pub due: Vec<FinishedFolder>,
    /// Runs that are over and wait for their grace time.
    pub in_grace: Vec<FinishedFolder>,
    /// Folders of runs that ended before the history begins; they are settled.
    pub remembered: Vec<AnsweredFolder>,
    /// Folders that were followed and are gone.
    pub gone: Vec<PathBuf>,
    /// What the looks leave to later ones.
    pub totals: LookTotals,
}

/// What looks leave to later ones; those of all looks of a sweep are added up.
#[derive(Debug, Default)]
pub(crate) struct LookTotals {
    /// When a look is worth while before the next sweep.
    pub look_again: Option<Moment>,
    /// How many runs that are over wait for their grace time, or could not be recorded yet.
    pub in_grace: usize,
    /// Folders that cannot be read, which does not pass by itself.
    pub unread: Vec<PathBuf>,
    /// Folders whose look is not over, or was not begun, so that others have their turn.
    pub postponed: Vec<PathBuf>,
    /// How many of the new folders are there for so long that an event should have told of them.
    pub unheard: usize,
    /// How many folders were not settled, so that their logs were read as far as they are new.
    pub read: usize,
}

/// A folder whose run is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FinishedFolder {
    /// The run folder.
    pub folder: PathBuf,
    /// Finished, crashed or aborted.
    pub state: RunState,
    /// When its suite ended, or its newest file was changed where its log does not say: the order
    /// in which runs are recorded.
    pub ended: Moment,
    /// When it was first seen to be over.
    pub noticed: Moment,
    /// How the folder looked.
    pub fingerprint: u64,
}

impl SeenFolders {
    /// Adds a folder as the tracker assessed it; a run that is not over is only looked at again.
    pub(super) fn add(&mut self, folder: FinishedFolder, assessment: &Assessment) {
        match assessment.state {
            _ if assessment.due => self.due.push(folder),
            RunState::Finished | RunState::Crashed => self.in_grace.push(folder),
            RunState::Queued | RunState::Running | RunState::Aborted => {}
        }

        // Also what is over is looked at again, until it is settled.
        self.totals.look_again_at(Some(assessment.look_again));
    }
}

impl LookTotals {
    /// Adds those of other looks.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.look_again_at(other.look_again);
        self.in_grace += other.in_grace;
        self.unread.extend(other.unread);
        self.postponed.extend(other.postponed);
        self.unheard += other.unheard;
        self.read += other.read;
    }

    /// Has the next look no later than then, if that is known.
    pub(crate) fn look_again_at(&mut self, moment: Option<Moment>) {
        self.look_again = match (self.look_again, moment) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}
