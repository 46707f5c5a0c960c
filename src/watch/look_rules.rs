//! What a look at a run folder depends on besides the folder.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::discovery::settled::SettledFolder;
use crate::moment::Moment;

/// How long after the last sign of a `kado exec` a run of it may end.
const CLAIMED: Duration = Duration::from_secs(24 * 60 * 60);

/// What a look depends on besides the folder.
#[derive(Clone, Debug)]
pub(crate) struct LookRules {
    /// How long an open run may be quiet before it counts as aborted.
    pub abort_after: Duration,
    /// Runs that ended before need no second look and no reading of their project; `None` when all
    /// count.
    pub history_begins: Option<Moment>,
    /// When a `kado exec` ran that has not asked for its runs: from when to when it was there. Its
    /// runs count whenever they ended.
    pub claimed: Vec<(Moment, Moment)>,
    /// Run folders whose katalonc is known to have ended before the look.
    pub command_ended: Arc<HashSet<PathBuf>>,
}

impl LookRules {
    /// Whether a run that ended then lies before the history; one that goes on does not.
    pub(crate) fn is_history(&self, ended: Option<Moment>) -> bool {
        let (Some(ended), Some(begin)) = (ended, self.history_begins) else {
            return false;
        };
        ended < begin && !self.is_claimed(ended)
    }

    /// Whether a settled folder need not be looked at while it looks the same.
    pub(crate) fn leave_alone(&self, settled: SettledFolder) -> bool {
        settled.older.is_none() || self.is_history(settled.older)
    }

    fn is_claimed(&self, ended: Moment) -> bool {
        self.claimed
            .iter()
            .any(|(from, until)| *from <= ended && ended <= until.plus(CLAIMED))
    }
}
