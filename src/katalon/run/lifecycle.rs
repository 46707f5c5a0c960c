//! In which state a run is, judged by the content of its folder only.
//!
//! ```text
//! queued ──▶ running ──▶ finished   the suite's END record closes it
//!                  ├───▶ crashed    no END, but Katalon wrote its reports
//!                  └───▶ aborted    neither, and the folder is quiet for long
//! ```
//!
//! Lock files, `</log>`, `tsc_id.txt` and times of folders mean nothing: in the field they are
//! wrong in both directions. In the corpus some finished runs lack `</log>` and some aborted ones
//! have it, and most versions leave `execution0.log.lck` behind.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Quiet time after which a run without any end counts as aborted, unless configured otherwise.
// A keyword may wait for half an hour and more, and writes no record meanwhile.
pub const ABORT_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

/// State of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Only the launcher's files are there.
    Queued,
    /// The log has no end yet.
    Running,
    /// The suite's END record closes it.
    Finished,
    /// No END record, but a whole `JUnit_Report.xml`: the test process died and its launcher
    /// reported.
    Crashed,
    /// No end and no report, and quiet for long.
    Aborted,
}

impl RunState {
    /// The word for scripts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Crashed => "crashed",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a run folder shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    /// There is an execution log.
    pub has_log: bool,
    /// An END record closed the suite.
    pub ended: bool,
    /// `JUnit_Report.xml` is whole.
    pub has_report: bool,
    /// How long no file of the folder has changed.
    pub quiet_for: Duration,
}

/// Judges a run; without END and report it counts as aborted after `abort_after` without a change.
pub fn state(evidence: Evidence, abort_after: Duration) -> RunState {
    // The END stands first: it is the most reliable sign in every version. Of the runs that were
    // counted 17 have it and no report, and 13 a report and no END (`behaviour.md` §4.3).
    match evidence {
        Evidence { ended: true, .. } => RunState::Finished,
        Evidence {
            has_report: true, ..
        } => RunState::Crashed,
        // For as long as it takes: the folders of all members are made when a collection starts,
        // and the last of them may wait for hours.
        Evidence { has_log: false, .. } => RunState::Queued,
        Evidence { quiet_for, .. } if quiet_for < abort_after => RunState::Running,
        _ => RunState::Aborted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_log() -> Evidence {
        Evidence {
            has_log: true,
            ..Evidence::default()
        }
    }

    #[test]
    fn every_state_follows_from_what_the_folder_shows() {
        let quiet = ABORT_AFTER + Duration::from_secs(1);
        let late = |evidence| Evidence {
            quiet_for: quiet,
            ..evidence
        };
        let reported = |evidence| Evidence {
            has_report: true,
            ..evidence
        };
        let ended = Evidence {
            ended: true,
            ..with_log()
        };
        let cases = [
            (Evidence::default(), RunState::Queued),
            (late(Evidence::default()), RunState::Queued),
            (with_log(), RunState::Running),
            (late(with_log()), RunState::Aborted),
            (reported(with_log()), RunState::Crashed),
            (late(reported(with_log())), RunState::Crashed),
            (ended, RunState::Finished),
            (late(reported(ended)), RunState::Finished),
        ];

        for (evidence, expected) in cases {
            assert_eq!(state(evidence, ABORT_AFTER), expected, "{evidence:?}");
        }
    }
}
