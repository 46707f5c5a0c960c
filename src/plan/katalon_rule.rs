//! What is expected of Katalon's own submission, and how long kado waits for it (product contract,
//! section 3: `submit.katalon_submits`).
//!
//! Nobody can tell from a project's files whether the machine has Katalon's licence, with which it
//! submits by itself. So kado learns: where it saw an upload it waits for the next one, where it
//! looked often enough without seeing any it does not wait at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// `submit.katalon_wait` when nothing says otherwise.
pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(2 * 60);
/// Longest wait in a project of which nothing is known yet.
pub(crate) const FIRST_WAIT: Duration = Duration::from_secs(20);
/// Runs of a project that are waited for without having seen one of Katalon's.
pub(crate) const FIRST_LOOKS: u32 = 3;
/// Runs without one of Katalon's after which kado no longer expects any, although it saw one
/// before.
pub(crate) const LAST_LOOKS: u32 = 20;

/// What is expected of Katalon's own submission; part of the settings in force for a run, and
/// stored with them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KatalonRule {
    /// Whether ADO is asked for it before kado creates a run (`katalon_submits = "detect"`).
    pub look: bool,
    /// Whether Katalon submits by itself, if it has a licence: `autoSubmitTestRun` of the project.
    pub expected: bool,
    /// The name that Katalon gives its runs; kado's own may be another one.
    pub run_name: String,
    /// `submit.katalon_wait`, in milliseconds.
    pub wait_ms: u64,
}

/// What kado saw of Katalon's submissions in a project so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct UploadHistory {
    /// The test run of Katalon's that was seen last, and when.
    pub last_upload: Option<(u32, Moment)>,
    /// How often kado looked in vain since, or ever.
    pub looks_in_vain: u32,
}

impl KatalonRule {
    /// How long after the end of a suite kado waits for Katalon before it looks and sends.
    pub(crate) fn wait(&self, history: &UploadHistory) -> Duration {
        if !self.look || !self.expected {
            return Duration::ZERO;
        }

        let wait = Duration::from_millis(self.wait_ms);
        match history.last_upload {
            Some(_) if history.looks_in_vain < LAST_LOOKS => wait,
            // Nobody is kept waiting long for an upload that may never come.
            None if history.looks_in_vain < FIRST_LOOKS => wait.min(FIRST_WAIT),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rule() -> KatalonRule {
        KatalonRule {
            look: true,
            expected: true,
            run_name: String::new(),
            wait_ms: 60_000,
        }
    }

    fn never_seen(looks_in_vain: u32) -> UploadHistory {
        UploadHistory {
            last_upload: None,
            looks_in_vain,
        }
    }

    fn seen_before(looks_in_vain: u32) -> UploadHistory {
        UploadHistory {
            last_upload: Some((150, Moment::from_millis(0))),
            looks_in_vain,
        }
    }

    #[test]
    fn a_project_without_an_upload_so_far_is_waited_for_shortly_and_three_times() {
        assert_eq!(rule().wait(&never_seen(0)), FIRST_WAIT);
        assert_eq!(rule().wait(&never_seen(2)), FIRST_WAIT);
        assert_eq!(rule().wait(&never_seen(3)), Duration::ZERO);
    }

    #[test]
    fn a_project_with_an_upload_is_waited_for_until_twenty_looks_were_in_vain() {
        assert_eq!(rule().wait(&seen_before(0)), MINUTE);
        assert_eq!(rule().wait(&seen_before(19)), MINUTE);
        assert_eq!(rule().wait(&seen_before(20)), Duration::ZERO);
    }

    #[test]
    fn the_first_wait_is_never_longer_than_the_configured_one() {
        let short = KatalonRule {
            wait_ms: 5,
            ..rule()
        };

        assert_eq!(short.wait(&never_seen(0)), Duration::from_millis(5));
    }

    #[test]
    fn where_katalon_is_not_looked_for_or_not_expected_nobody_waits() {
        let not_looked_for = KatalonRule {
            look: false,
            ..rule()
        };
        let not_expected = KatalonRule {
            expected: false,
            ..rule()
        };

        assert_eq!(not_looked_for.wait(&seen_before(0)), Duration::ZERO);
        assert_eq!(not_expected.wait(&seen_before(0)), Duration::ZERO);
    }
}
