//! When the keeper looks next. Pure.
//!
//! Everything is swept at least every [`SWEEP`]. Events ask for looks in between, and a suite that
//! runs causes one with every line of its log; so looks keep a distance. It grows with what a look
//! costs: kado reads at most one part in [`SHARE`] of the time, however many files lie there and
//! however slow the disk is.

use std::time::Duration;

use crate::moment::Moment;

/// Longest time between two sweeps over everything.
pub(super) const SWEEP: Duration = Duration::from_secs(30);
/// Least time from the end of a look to the next one that an event asks for.
const DISTANCE: Duration = Duration::from_secs(1);
/// A look that took so long is followed by a pause of at least this many times as long.
const SHARE: u32 = 20;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// Nothing yet.
    Nothing,
    /// A look at the folders that are followed.
    Look,
    /// A sweep over everything.
    Sweep,
}

/// When to look next.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// When the last sweep ended; the start of time before the first one.
    last_sweep: Moment,
    next_sweep: Moment,
    next_look: Option<Moment>,
    /// No event leads to a look at followed folders before.
    look_not_before: Moment,
    /// No event leads to a sweep before.
    sweep_not_before: Moment,
}

impl Schedule {
    /// What is to be done at `now`.
    pub(super) fn due(&self, now: Moment) -> Due {
        // A clock that was set back must not put the next sweep off.
        if now >= self.next_sweep || now < self.last_sweep {
            return Due::Sweep;
        }
        match self.next_look {
            Some(look) if now >= look => Due::Look,
            _ => Due::Nothing,
        }
    }

    /// How long nothing has to be done.
    pub(super) fn pause(&self, now: Moment) -> Duration {
        let next = match self.next_look {
            Some(look) => look.min(self.next_sweep),
            None => self.next_sweep,
        };
        next.since(now)
    }

    /// A sweep over everything ended at `now` and took `cost`; `look_again` is when a folder wants
    /// another look.
    pub(super) fn swept(&mut self, now: Moment, cost: Duration, look_again: Option<Moment>) {
        self.last_sweep = now;
        self.next_sweep = now.plus(SWEEP);
        self.next_look = look_again;
        self.sweep_not_before = now.plus(distance(cost));
    }

    /// A look at the followed folders ended.
    pub(super) fn looked(&mut self, now: Moment, cost: Duration, look_again: Option<Moment>) {
        self.look_not_before = now.plus(distance(cost));
        self.next_look = look_again.map(|again| again.max(self.look_not_before));
    }

    /// A look or sweep left folders for the next round, so that those of others had their turn: it
    /// is soon, because nothing says how many are left.
    pub(super) fn go_on(&mut self, now: Moment) {
        self.next_sweep = self.next_sweep.min(now.plus(DISTANCE));
    }

    /// An event asks for something.
    pub(super) fn asked(&mut self, wanted: Due, now: Moment) {
        match wanted {
            Due::Nothing => {}
            Due::Look => {
                let soonest = self.look_not_before.max(now);
                self.next_look = Some(match self.next_look {
                    Some(look) => look.min(soonest),
                    None => soonest,
                });
            }

            Due::Sweep => {
                let soonest = self.sweep_not_before.max(now);
                self.next_sweep = self.next_sweep.min(soonest);
            }
        }
    }
}

/// How far apart looks are that each cost so much.
fn distance(cost: Duration) -> Duration {
    // Never longer than a sweep's own distance: by then everything is swept in any case.
    cost.saturating_mul(SHARE).clamp(DISTANCE, SWEEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many looks and sweeps there were.
    #[derive(Default)]
    struct Count {
        looks: u32,
        sweeps: u32,
    }

    /// What follows from an event every `every` milliseconds for 100 seconds, when each look and
    /// sweep costs so many.
    fn count(wanted: Due, every: usize, cost: u64) -> Count {
        let mut schedule = Schedule::default();
        let mut count = Count::default();
        let cost = Duration::from_millis(cost);
        let mut busy_until = Moment::default();

        for millis in (1..=100_000_u32).step_by(every) {
            let now = Moment::from_millis(millis.into()).max(busy_until);
            schedule.asked(wanted, now);

            let done = now.plus(cost);
            match schedule.due(now) {
                Due::Nothing => continue,
                Due::Look => {
                    count.looks += 1;
                    schedule.looked(done, cost, None);
                }
                Due::Sweep => {
                    count.sweeps += 1;
                    schedule.swept(done, cost, None);
                }
            }
            busy_until = done;
        }
        count
    }

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn ten_thousand_events_of_a_running_suite_lead_to_one_look_a_second() {
        let Count { looks, sweeps } = count(Due::Look, 10, 1);

        assert!((90..=100).contains(&looks), "{looks}");
        assert_eq!(sweeps, 4, "those that come anyway");
    }

    #[test]
    fn looks_that_cost_much_are_rare() {
        let Count { looks, .. } = count(Due::Look, 10, 500);

        assert!((6..=10).contains(&looks), "{looks}");
    }

    #[test]
    fn sweeps_that_cost_much_are_rare() {
        let Count { sweeps, .. } = count(Due::Sweep, 10, 400);

        assert!((10..=13).contains(&sweeps), "{sweeps}");
    }

    #[test]
    fn a_lone_event_is_followed_at_once() {
        let mut schedule = Schedule::default();
        schedule.swept(at(1_000), Duration::from_millis(5), None);
        schedule.looked(at(1_000), Duration::from_millis(5), None);

        schedule.asked(Due::Look, at(9_000));
        assert_eq!(schedule.due(at(9_000)), Due::Look);

        schedule.asked(Due::Sweep, at(9_000));
        assert_eq!(schedule.due(at(9_000)), Due::Sweep);
    }

    #[test]
    fn what_is_left_of_a_sweep_that_took_long_is_looked_at_soon() {
        let mut schedule = Schedule::default();
        schedule.swept(at(60_000), Duration::from_secs(20), None);

        schedule.go_on(at(60_000));

        assert_eq!(schedule.due(at(60_500)), Due::Nothing);
        assert_eq!(schedule.due(at(61_000)), Due::Sweep);
    }

    #[test]
    fn a_clock_that_was_set_back_puts_no_sweep_off() {
        let mut schedule = Schedule::default();
        schedule.swept(at(1_000_000), Duration::ZERO, Some(at(1_001_000)));

        assert_eq!(schedule.due(at(1_000_500)), Due::Nothing);
        assert_eq!(schedule.due(at(400_000)), Due::Sweep);
    }
}
