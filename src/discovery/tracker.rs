//! Follows one run folder from its first file to the moment when the run is due.
//!
//! ```text
//!          launcher's files     log         END closes the suite
//!  (nothing) ───────────────────▶ Queued ─▶ Running ─────────────▶ Finished ──┐ grace over
//!                                              │  no END, JUnit complete      ├───────────▶ due
//!                                              ├────────────────▶ Crashed ────┘
//!                                              │  neither, quiet for `abort_after`
//!                                              └────────────────▶ Aborted
//! ```
//!
//! The grace time lasts until `JUnit_Report.xml` is well-formed and the folder has been still for
//! [`STILL`], at most [`GRACE`]. Stillness needs two looks that saw the same: an old modification
//! time shortens the wait but never replaces the second look, and one in the future counts as now.

use std::time::Duration;

use crate::katalon::run::lifecycle::{self, Evidence, RunState};
use crate::moment::Moment;

/// How long nothing may change before a run is due.
// Katalon writes its reports in place, one after the other, and names none of them the last.
pub(crate) const STILL: Duration = Duration::from_secs(3);
/// Longest wait for reports after the run was seen to be over.
// The launcher itself waits up to 60 s for the log before it writes any (`behaviour.md` §4.2).
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// Least time between the two looks that prove stillness.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What one look at a run folder saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Observation {
    /// When the look was taken.
    pub now: Moment,
    /// A value that differs whenever a name, size or modification time of the folder's files does.
    pub fingerprint: u64,
    /// Newest modification time among the files.
    pub newest: Moment,
    /// Whether there is a log.
    pub has_log: bool,
    /// Time of the END record that closes the suite, when the log holds it.
    pub ended: Option<Moment>,
    /// Whether `JUnit_Report.xml` is there and well-formed.
    pub junit_complete: bool,
    /// Whether the reports come only when a whole collection ends (Katalon 11), so that waiting for
    /// them is vain.
    pub reports_come_late: bool,
}

/// What a look means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Assessment {
    /// The state of the run.
    pub state: RunState,
    /// Whether the grace time is over; always false while it is queued or running, true for an
    /// aborted run.
    pub due: bool,
    /// When the next look is worth while even if nothing is heard of the folder.
    pub look_again: Moment,
}

/// Memory of one folder between looks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tracker {
    last: Option<LastLook>,
    /// When a look first saw that the run is over.
    over_since: Option<Moment>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct LastLook {
    fingerprint: u64,
    /// Since when the folder has been as it is, as far as we know.
    quiet_since: Moment,
    /// When a look first saw the folder as it is.
    first_seen_so: Moment,
}

impl Tracker {
    /// Takes in one look. `abort_after` is how long an open run may be quiet before it counts as
    /// aborted.
    pub(crate) fn observe(&mut self, observed: &Observation, abort_after: Duration) -> Assessment {
        let now = observed.now;
        let look = self.compare(observed);
        self.last = Some(look);

        let quiet_for = now.since(look.quiet_since);
        let evidence = Evidence {
            has_log: observed.has_log,
            ended: observed.ended.is_some(),
            has_report: observed.junit_complete,
            quiet_for,
        };

        let state = lifecycle::state(evidence, abort_after);
        if !matches!(state, RunState::Finished | RunState::Crashed) {
            self.over_since = None;
            return Assessment {
                state,
                due: state == RunState::Aborted,
                look_again: look.quiet_since.plus(abort_after),
            };
        }

        // A clock that was set back must not stretch the grace time.
        let over_since = self.over_since.unwrap_or(now).min(now);
        self.over_since = Some(over_since);

        let looked_twice = now.since(look.first_seen_so) >= BETWEEN_LOOKS;
        let is_still = looked_twice && quiet_for >= STILL;
        let is_complete = observed.junit_complete || observed.reports_come_late;

        // The report may never come: of 1,327 ended runs of 7.8 and later 45 have no
        // `JUnit_Report.xml` (`files.md` §2).
        let grace_is_over = now.since(over_since) >= GRACE;
        Assessment {
            state,
            due: (is_still && is_complete) || grace_is_over,
            look_again: now.plus(BETWEEN_LOOKS),
        }
    }

    /// Compares what a look saw with the look before.
    fn compare(&self, observed: &Observation) -> LastLook {
        let now = observed.now;
        let Some(last) = self.last else {
            // Nothing else is known of a folder that is new to us, but no time lies in the future.
            return LastLook {
                fingerprint: observed.fingerprint,
                quiet_since: observed.newest.min(now),
                first_seen_so: now,
            };
        };

        if last.fingerprint == observed.fingerprint {
            return LastLook {
                quiet_since: last.quiet_since.min(now),
                first_seen_so: last.first_seen_so.min(now),
                ..last
            };
        }

        // Something changed since the last look, whatever its modification time says.
        LastLook {
            fingerprint: observed.fingerprint,
            quiet_since: now,
            first_seen_so: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ABORT: Duration = Duration::from_secs(7200);

    fn look(now: i64, fingerprint: u64, newest: i64) -> Observation {
        Observation {
            now: Moment::from_millis(now),
            fingerprint,
            newest: Moment::from_millis(newest),
            has_log: true,
            ended: Some(Moment::from_millis(0)),
            junit_complete: true,
            reports_come_late: false,
        }
    }

    #[test]
    fn a_finished_run_is_due_when_its_folder_was_still_for_three_seconds() {
        let mut tracker = Tracker::default();
        assert!(!tracker.observe(&look(10_000, 1, 10_000), ABORT).due);
        assert!(!tracker.observe(&look(12_000, 1, 10_000), ABORT).due);
        assert!(tracker.observe(&look(13_000, 1, 10_000), ABORT).due);
    }

    #[test]
    fn an_old_modification_time_shortens_the_wait_to_the_second_look() {
        let mut tracker = Tracker::default();
        assert!(!tracker.observe(&look(100_000, 1, 5_000), ABORT).due);
        assert!(tracker.observe(&look(101_000, 1, 5_000), ABORT).due);
    }

    #[test]
    fn a_folder_that_is_being_copied_with_old_times_is_not_due() {
        let mut tracker = Tracker::default();
        for step in 0..10 {
            assert!(
                !tracker
                    .observe(&look(100_000 + 1000 * step, step as u64, 5_000), ABORT)
                    .due
            );
        }
    }

    #[test]
    fn a_modification_time_in_the_future_does_not_lengthen_the_wait() {
        let mut tracker = Tracker::default();
        assert!(!tracker.observe(&look(10_000, 1, 99_000_000), ABORT).due);
        assert!(tracker.observe(&look(13_000, 1, 99_000_000), ABORT).due);
    }

    #[test]
    fn without_reports_a_run_waits_for_the_grace_time_and_no_longer() {
        let missing = |now| Observation {
            junit_complete: false,
            ..look(now, 1, 0)
        };
        let mut tracker = Tracker::default();
        assert!(!tracker.observe(&missing(0), ABORT).due);
        assert!(!tracker.observe(&missing(59_999), ABORT).due);
        assert!(tracker.observe(&missing(60_000), ABORT).due);
    }

    #[test]
    fn a_folder_that_never_gets_still_is_due_after_the_grace_time() {
        let mut tracker = Tracker::default();
        let due: Vec<_> = (0..=60)
            .map(|s| tracker.observe(&look(s * 1000, s as u64, 0), ABORT).due)
            .collect();
        assert_eq!(due.iter().position(|due| *due), Some(60));
    }

    #[test]
    fn a_member_of_a_collection_waits_for_stillness_only() {
        let member = |now| Observation {
            junit_complete: false,
            reports_come_late: true,
            ..look(now, 1, 0)
        };
        let mut tracker = Tracker::default();
        assert!(!tracker.observe(&member(10_000), ABORT).due);
        assert!(tracker.observe(&member(11_000), ABORT).due);
    }

    #[test]
    fn an_open_run_is_running_until_it_was_quiet_for_too_long() {
        let open = |now| Observation {
            ended: None,
            junit_complete: false,
            ..look(now, 1, 0)
        };
        let mut tracker = Tracker::default();
        assert_eq!(tracker.observe(&open(1000), ABORT).state, RunState::Running);
        assert_eq!(
            tracker.observe(&open(7_199_000), ABORT).state,
            RunState::Running
        );
        assert_eq!(
            tracker.observe(&open(7_200_000), ABORT).state,
            RunState::Aborted
        );
    }

    #[test]
    fn a_folder_with_launcher_files_only_is_queued_and_one_with_reports_but_no_end_has_crashed() {
        let queued = Observation {
            has_log: false,
            ended: None,
            junit_complete: false,
            ..look(0, 1, 0)
        };
        assert_eq!(
            Tracker::default().observe(&queued, ABORT).state,
            RunState::Queued
        );
        let crashed = Observation {
            ended: None,
            ..look(0, 1, 0)
        };
        assert_eq!(
            Tracker::default().observe(&crashed, ABORT).state,
            RunState::Crashed
        );
    }

    proptest! {
        /// The naive model keeps every look and decides from the whole history.
        #[test]
        fn the_tracker_agrees_with_a_model_that_remembers_everything(
            steps in proptest::collection::vec((0i64..70_000, 0u64..3, any::<bool>()), 1..20)
        ) {
            let mut tracker = Tracker::default();
            let mut history: Vec<Observation> = Vec::new();
            let mut now = 1_000_000;
            for (wait, fingerprint, junit_complete) in steps {
                now += wait;
                let seen = Observation { junit_complete, ..look(now, fingerprint, now - 500) };
                history.push(seen.clone());

                let same = history
                    .iter()
                    .rev()
                    .take_while(|look| look.fingerprint == fingerprint)
                    .count();
                let first_same = &history[history.len() - same];
                let quiet_since = if same == history.len() {
                    first_same.newest
                } else {
                    first_same.now
                };
                let looked_twice = seen.now.since(first_same.now) >= BETWEEN_LOOKS;
                let still = looked_twice && seen.now.since(quiet_since) >= STILL;
                let grace_over = seen.now.since(history[0].now) >= GRACE;

                let due = tracker.observe(&seen, ABORT).due;
                prop_assert_eq!(due, (still && junit_complete) || grace_over);
            }
        }
    }
}
