//! Which run is this? A run is what its log says, never where it lies (invariant I2).
//!
//! [`RunIdentity`] is stored as JSON and in columns of the database; its fields keep their names.

use serde::{Deserialize, Serialize};

use crate::katalon::run::SuiteRun;
use crate::moment::Moment;

/// What makes a suite run the same run in every copy of its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct RunIdentity {
    /// Id of the suite.
    pub suite: String,
    /// Time of the `startSuite` record.
    pub started: Moment,
    /// The machine that ran it, in lower case; empty when the log does not say.
    pub host: String,
    /// `execution.uuid`; it can come late, so it only separates two runs when both have one.
    pub execution_uuid: Option<String>,
}

impl RunIdentity {
    /// The identity of a run; `None` when its log holds no record yet.
    pub(crate) fn of(run: &SuiteRun) -> Option<Self> {
        let host = run.environment.host.as_deref().unwrap_or_default();

        // Nothing of the log's file counts: Katalon rewrites a log that its own reader finds
        // malformed, and appends records to one that ended hours ago.
        Some(Self {
            suite: run.suite.clone(),
            started: run.started?,
            host: host.to_lowercase(),
            execution_uuid: run.execution_uuid.clone(),
        })
    }

    /// Whether both are the same run.
    pub(crate) fn is_same_run(&self, other: &Self) -> bool {
        // It never suffices alone: all members of a collection have the same one.
        let uuids_agree = match (&self.execution_uuid, &other.execution_uuid) {
            (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
            _ => true,
        };

        uuids_agree
            && self.suite == other.suite
            && self.started == other.started
            && self.host == other.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(uuid: Option<&str>) -> RunIdentity {
        RunIdentity {
            suite: "Test Suites/A".to_owned(),
            started: Moment::from_millis(1),
            host: "agent".to_owned(),
            execution_uuid: uuid.map(str::to_owned),
        }
    }

    #[test]
    fn a_uuid_that_comes_late_does_not_make_another_run() {
        assert!(run(None).is_same_run(&run(Some("a"))));
        assert!(run(Some("a")).is_same_run(&run(Some("A"))));
    }

    #[test]
    fn two_uuids_that_differ_separate_two_runs() {
        assert!(!run(Some("a")).is_same_run(&run(Some("b"))));
    }

    #[test]
    fn another_start_host_or_suite_is_another_run() {
        let later = RunIdentity {
            started: Moment::from_millis(2),
            ..run(None)
        };
        let elsewhere = RunIdentity {
            host: "other".to_owned(),
            ..run(None)
        };
        let other_suite = RunIdentity {
            suite: "Test Suites/B".to_owned(),
            ..run(None)
        };

        for other in [later, elsewhere, other_suite] {
            assert!(!run(None).is_same_run(&other), "{other:?}");
        }
    }
}
