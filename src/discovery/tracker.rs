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
//! [`STILL_WITH_REPORT`], or has been still for [`GRACE`] without it; at most [`GRACE`] after the
//! first look that saw the run over.
//! Still is counted from the newest change that the file system tells, whatever kind of time tells
//! it, so a folder that has not changed for longer is due at its first look. A time in the future
//! counts as now, and what differs from the look before changed after that look. Where the command
//! that made the run has ended, one look after that is all: nobody writes any more.

use std::time::Duration;

use crate::katalon::run::lifecycle::{self, Evidence, RunState};
use crate::moment::Moment;

/// How long nothing may change before a run with its reports is due.
// Katalon writes its reports in place, one after the other, and names none of them the last.
pub(crate) const STILL_WITH_REPORT: Duration = Duration::from_secs(1);
/// Longest wait for reports after the run was seen to be over, and how long nothing may have
/// changed where none are there.
// The launcher itself waits up to 60 s for the log before it writes any (`behaviour.md` §4.2).
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// Longest time between two looks at a run in its grace time.
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
    /// Newest change of any file, which a copy cannot take along as it does modification times;
    /// known of a run that is over.
    pub changed: Option<Moment>,
    /// Whether there is a log.
    pub has_log: bool,
    /// Time of the END record that closes the suite, when the log holds it.
    pub ended: Option<Moment>,
    /// Whether `JUnit_Report.xml` is there and well-formed.
    pub junit_complete: bool,
    /// Whether the reports come only when a whole collection ends (Katalon 11), so that waiting for
    /// them is vain.
    pub reports_come_late: bool,
    /// Whether the command that made the run is known to have ended before the look, so that it
    /// writes nothing more.
    pub command_ended: bool,
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
    /// When a look first saw that the run is over; this look, of one that is not or seems to be
    /// aborted.
    pub noticed: Moment,
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
    /// When it was taken.
    at: Moment,
    fingerprint: u64,
    changed: Option<Moment>,
    /// Since when no file has been modified, as far as we know.
    quiet_since: Moment,
    /// Since when nothing at all has changed, as far as we know.
    still_since: Moment,
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
                noticed: now,
            };
        }

        // A clock that was set back must not stretch the grace time.
        let over_since = self.over_since.unwrap_or(now).min(now);
        self.over_since = Some(over_since);

        // The report may never come: of 1,327 ended runs of 7.8 and later 45 have no
        // `JUnit_Report.xml` (`files.md` §2).
        let is_complete = observed.junit_complete || observed.reports_come_late;
        let wait = if is_complete {
            STILL_WITH_REPORT
        } else {
            GRACE
        };

        let is_still = now.since(look.still_since) >= wait;
        let grace_is_over = now.since(over_since) >= GRACE;
        Assessment {
            state,
            due: is_still || grace_is_over || observed.command_ended,
            look_again: look.still_since.plus(wait).min(now.plus(BETWEEN_LOOKS)),
            noticed: over_since,
        }
    }

    /// Compares what a look saw with the look before.
    fn compare(&self, observed: &Observation) -> LastLook {
        let now = observed.now;
        let seen = LastLook {
            at: now,
            fingerprint: observed.fingerprint,
            changed: observed.changed,
            quiet_since: observed.newest.min(now),
            still_since: still_since(observed),
        };

        match self.last {
            // Nothing else is known of a folder that is new to us.
            None => seen,
            Some(last) if (last.fingerprint, last.changed) == (seen.fingerprint, seen.changed) => {
                LastLook {
                    quiet_since: last.quiet_since.min(now),
                    still_since: last.still_since.min(now),
                    ..seen
                }
            }
            // Something changed since the last look, whatever the file system says.
            Some(last) => LastLook {
                quiet_since: if last.fingerprint == seen.fingerprint {
                    last.quiet_since.min(now)
                } else {
                    now
                },
                still_since: seen.still_since.max(last.at.min(now)),
                ..seen
            },
        }
    }
}

/// Since when nothing has changed, by what one look saw.
fn still_since(observed: &Observation) -> Moment {
    // What the file system does not tell may have happened just now.
    let changed = observed.changed.unwrap_or(observed.now);

    // The clock of a file server may be slow, and the end of the log was written at its own time.
    let ended = observed.ended.unwrap_or(changed);
    changed.max(observed.newest).max(ended).min(observed.now)
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
            changed: Some(Moment::from_millis(newest)),
            has_log: true,
            ended: Some(Moment::from_millis(0)),
            junit_complete: true,
            reports_come_late: false,
            command_ended: false,
        }
    }

    /// A look at a folder without reports.
    fn bare(now: i64, fingerprint: u64, newest: i64) -> Observation {
        Observation {
            junit_complete: false,
            ..look(now, fingerprint, newest)
        }
    }

    /// After how many milliseconds each of these looks found the run due.
    fn due_at(looks: impl IntoIterator<Item = Observation>) -> Option<i64> {
        let mut tracker = Tracker::default();
        looks
            .into_iter()
            .find(|look| tracker.observe(look, ABORT).due)
            .map(|look| look.now.millis())
    }

    #[test]
    fn a_finished_run_is_due_when_its_folder_was_still_for_a_second() {
        let looks = [10_000, 10_999, 11_000].map(|now| look(now, 1, 10_000));

        assert_eq!(due_at(looks), Some(11_000));
    }

    #[test]
    fn a_folder_that_has_not_changed_for_long_is_due_at_the_first_look() {
        assert_eq!(due_at([look(100_000, 1, 99_000)]), Some(100_000));
        assert_eq!(due_at([bare(100_000, 1, 40_000)]), Some(100_000));
    }

    #[test]
    fn a_run_whose_command_has_ended_is_due_at_the_next_look() {
        let looks = [10_000, 10_100].map(|now| Observation {
            command_ended: now == 10_100,
            ..bare(now, 1, 10_000)
        });
        let open = Observation {
            ended: None,
            command_ended: true,
            ..bare(10_000, 1, 10_000)
        };

        assert_eq!(due_at(looks), Some(10_100));
        assert_eq!(
            due_at([open]),
            None,
            "without an end it may be aborted later"
        );
    }

    #[test]
    fn without_reports_a_folder_must_be_still_for_a_minute() {
        let looks = [70_000, 99_999, 100_000].map(|now| bare(now, 1, 40_000));

        assert_eq!(due_at(looks), Some(100_000));
    }

    #[test]
    fn a_copy_with_old_modification_times_is_as_young_as_its_last_change() {
        let looks = [100_000, 100_400, 100_500].map(|now| Observation {
            changed: Some(Moment::from_millis(99_500)),
            ..look(now, 1, 5_000)
        });

        assert_eq!(due_at(looks), Some(100_500));
    }

    #[test]
    fn what_the_file_system_does_not_tell_may_have_happened_just_now() {
        let looks = [100_000, 100_999, 101_000].map(|now| Observation {
            changed: None,
            ..look(now, 1, 5_000)
        });

        assert_eq!(due_at(looks), Some(101_000));
    }

    #[test]
    fn the_slow_clock_of_a_file_server_does_not_shorten_the_wait() {
        let looks = [100_000, 130_000].map(|now| Observation {
            ended: Some(Moment::from_millis(99_500)),
            ..bare(now, 1, 5_000)
        });

        assert_eq!(due_at(looks), None);
    }

    #[test]
    fn a_folder_that_is_being_copied_with_old_times_is_not_due() {
        let looks = (0..10).map(|step| Observation {
            changed: Some(Moment::from_millis(100_000 + 1000 * step)),
            ..look(100_000 + 1000 * step, step as u64, 5_000)
        });

        assert_eq!(due_at(looks), None);
    }

    #[test]
    fn a_change_that_no_modification_time_shows_begins_the_stillness_anew() {
        let touched = |now, changed| Observation {
            changed: Some(Moment::from_millis(changed)),
            ..look(now, 1, 5_000)
        };
        let looks = [
            touched(100_000, 99_900),
            touched(100_800, 100_700),
            touched(101_000, 100_700),
            touched(101_700, 100_700),
        ];

        assert_eq!(due_at(looks), Some(101_700));
    }

    #[test]
    fn a_time_in_the_future_counts_as_now() {
        let looks = [10_000, 10_999, 11_000].map(|now| look(now, 1, 99_000_000));

        assert_eq!(due_at(looks), Some(11_000));
    }

    #[test]
    fn a_folder_that_never_gets_still_is_due_after_the_grace_time() {
        let looks = (1..=61).map(|s| look(s * 1000, s as u64, s * 1000));
        assert_eq!(due_at(looks), Some(61_000));
    }

    #[test]
    fn a_member_of_a_collection_waits_for_stillness_only() {
        let looks = [10_000, 11_000].map(|now| Observation {
            reports_come_late: true,
            ..bare(now, 1, 10_000)
        });

        assert_eq!(due_at(looks), Some(11_000));
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
    fn an_open_run_is_quiet_since_a_file_was_seen_to_change_whatever_its_time_says() {
        let open = |now, fingerprint, changed| Observation {
            ended: None,
            changed: Some(Moment::from_millis(changed)),
            ..bare(now, fingerprint, 0)
        };
        let mut tracker = Tracker::default();
        let mut state_at = |observed| tracker.observe(&observed, ABORT).state;

        assert_eq!(state_at(open(1_000, 1, 0)), RunState::Running);
        // Copied in with an old time: the next look tells that the folder has changed.
        assert_eq!(state_at(open(7_300_000, 2, 0)), RunState::Running);
        assert_eq!(state_at(open(14_499_999, 2, 0)), RunState::Running);
        // What touches a file and modifies none writes no log.
        assert_eq!(state_at(open(14_500_000, 2, 14_400_000)), RunState::Aborted);
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
                let newest = 999_500 + fingerprint as i64;
                let seen = Observation { junit_complete, ..look(now, fingerprint, newest) };
                history.push(seen.clone());

                let same = history
                    .iter()
                    .rev()
                    .take_while(|look| look.fingerprint == fingerprint)
                    .count();
                let first_same = &history[history.len() - same];
                let before = history.len().checked_sub(same + 1);
                let still_since = match before {
                    Some(before) => history[before].now,
                    None => first_same.newest,
                };
                let still_for = seen.now.since(still_since);
                let still = still_for >= if junit_complete { STILL_WITH_REPORT } else { GRACE };
                let grace_over = seen.now.since(history[0].now) >= GRACE;

                let due = tracker.observe(&seen, ABORT).due;
                prop_assert_eq!(due, still || grace_over);
            }
        }
    }
}
