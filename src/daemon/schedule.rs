//! When the keeper looks next. Pure.
//!
//! Everything is swept every [`SWEEP`]. Events ask for looks in between, and a suite that
//! runs causes one with every line of its log; so looks keep a distance. It grows with what a look
//! costs: kado reads at most one part in [`SHARE`] of the time, however many files lie there and
//! however slow the disk is.
//!
//! While events tell everything, a sweep only makes sure. Then sweeps take at most one part in
//! [`IDLE_SHARE`] of the time, so that old run folders cost an idle machine nothing; but there is
//! one every [`LONGEST_SWEEP`]. What decides about runs that were left out is no file of `Reports`,
//! of which no event tells, so it is looked at every [`SWEEP`] all the same; and what may have come
//! late to a run that was submitted is looked for when an event asks for it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::moment::Moment;

/// Time between two sweeps over everything, unless they cost much and events tell everything.
pub(super) const SWEEP: Duration = Duration::from_secs(30);
/// Longest time between two sweeps.
const LONGEST_SWEEP: Duration = Duration::from_secs(10 * 60);
/// A sweep that only makes sure is followed by a pause of this many times as long as it took.
const IDLE_SHARE: u32 = 5000;
/// So many of the last sweeps are compared. The cheapest tells what a sweep takes: the others
/// waited for a machine that was busy with something else, as with a suite.
const COMPARED: usize = 3;
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
    /// A look at what decides about runs that were left out.
    Rules,
    /// A look for what comes late to runs that were submitted.
    Tidying,
    /// A sweep over everything.
    Sweep,
}

/// Whether events tell of everything that changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Events {
    /// They did so far.
    Trusted,
    /// Something is polled, events may be lost, or a sweep found what no event told of.
    Doubted,
}

/// Why a sweep is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum SweepCause {
    /// Its time has come.
    #[default]
    Time,
    /// Something asked for it.
    Asked,
}

/// When to look next.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// When the last sweep ended; the start of time before the first one.
    last_sweep: Moment,
    /// What the last ones took, at most [`COMPARED`].
    costs: VecDeque<Duration>,
    next_sweep: Moment,
    cause: SweepCause,
    next_rules: Moment,
    next_tidying: Option<Moment>,
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
        // Before a look, of which there is always another one while a suite runs.
        if now >= self.next_rules {
            return Due::Rules;
        }
        if self.next_tidying.is_some_and(|tidying| now >= tidying) {
            return Due::Tidying;
        }
        match self.next_look {
            Some(look) if now >= look => Due::Look,
            _ => Due::Nothing,
        }
    }

    /// Why the next sweep is due.
    pub(super) const fn cause(&self) -> SweepCause {
        self.cause
    }

    /// How long nothing has to be done.
    pub(super) fn pause(&self, now: Moment) -> Duration {
        let mut next = self.next_sweep.min(self.next_rules);
        for wanted in [self.next_tidying, self.next_look].into_iter().flatten() {
            next = next.min(wanted);
        }
        next.since(now)
    }

    /// A sweep over everything ended at `now` and took `cost`; `look_again` is when a folder wants
    /// another look.
    pub(super) fn swept(
        &mut self,
        now: Moment,
        cost: Duration,
        look_again: Option<Moment>,
        events: Events,
    ) {
        self.costs.truncate(COMPARED - 1);
        self.costs.push_front(cost);
        let cheapest = self.costs.iter().min().copied().unwrap_or(cost);

        let pause = match events {
            Events::Trusted => cheapest
                .saturating_mul(IDLE_SHARE)
                .clamp(SWEEP, LONGEST_SWEEP),
            Events::Doubted => SWEEP,
        };
        self.last_sweep = now;
        self.next_sweep = now.plus(pause);
        self.cause = SweepCause::Time;
        self.next_look = look_again;
        self.sweep_not_before = now.plus(distance(cost));
        self.minded_rules(now);
    }

    /// What decides about runs was looked at.
    pub(super) fn minded_rules(&mut self, now: Moment) {
        self.next_rules = now.plus(SWEEP);
    }

    /// What comes late was looked for; `next` is when that is to be done again, if not with the
    /// next sweep.
    pub(super) const fn tidied(&mut self, next: Option<Moment>) {
        self.next_tidying = next;
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
            Due::Nothing | Due::Rules => {}
            // It keeps a distance of its own.
            Due::Tidying => self.next_tidying = Some(now),
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
                self.cause = SweepCause::Asked;
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
                Due::Rules => schedule.minded_rules(done),
                Due::Tidying => schedule.tidied(None),
                Due::Look => {
                    count.looks += 1;
                    schedule.looked(done, cost, None);
                }
                Due::Sweep => {
                    count.sweeps += 1;
                    schedule.swept(done, cost, None, Events::Doubted);
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
        schedule.swept(at(1_000), Duration::from_millis(5), None, Events::Trusted);
        schedule.looked(at(1_000), Duration::from_millis(5), None);

        schedule.asked(Due::Look, at(9_000));
        assert_eq!(schedule.due(at(9_000)), Due::Look);

        schedule.asked(Due::Sweep, at(9_000));
        assert_eq!(schedule.due(at(9_000)), Due::Sweep);
    }

    #[test]
    fn what_is_left_of_a_sweep_that_took_long_is_looked_at_soon() {
        let mut schedule = Schedule::default();
        schedule.swept(at(60_000), Duration::from_secs(20), None, Events::Trusted);

        schedule.go_on(at(60_000));

        assert_eq!(schedule.due(at(60_500)), Due::Nothing);
        assert_eq!(schedule.due(at(61_000)), Due::Sweep);
    }

    /// How long after a sweep that took so many milliseconds the next one is due by itself.
    fn next_sweep_after(cost: u64, events: Events) -> u64 {
        let mut schedule = Schedule::default();
        schedule.swept(at(0), Duration::from_millis(cost), None, events);
        schedule.next_sweep.since(at(0)).as_secs()
    }

    #[test]
    fn sweeps_that_cost_much_are_rare_while_events_tell_everything() {
        assert_eq!(next_sweep_after(5, Events::Trusted), 30);
        assert_eq!(next_sweep_after(40, Events::Trusted), 200);
        assert_eq!(next_sweep_after(5_000, Events::Trusted), 600);
        assert_eq!(next_sweep_after(5_000, Events::Doubted), 30);
    }

    #[test]
    fn a_sweep_that_waited_for_a_busy_machine_puts_no_other_off() {
        let mut schedule = Schedule::default();
        for cost in [5, 5, 90] {
            schedule.swept(at(0), Duration::from_millis(cost), None, Events::Trusted);
        }
        assert_eq!(schedule.next_sweep, at(30_000));

        for cost in [100, 110] {
            schedule.swept(at(0), Duration::from_millis(cost), None, Events::Trusted);
        }
        assert_eq!(schedule.next_sweep, at(450_000), "what it takes by now");
    }

    #[test]
    fn rules_are_looked_at_between_sweeps_that_are_rare() {
        let mut schedule = Schedule::default();
        schedule.swept(at(0), Duration::from_secs(1), None, Events::Trusted);

        assert_eq!(schedule.due(at(29_999)), Due::Nothing);
        assert_eq!(schedule.pause(at(0)), SWEEP);
        assert_eq!(schedule.due(at(30_000)), Due::Rules);

        schedule.minded_rules(at(30_000));
        assert_eq!(schedule.due(at(30_001)), Due::Nothing);
    }

    #[test]
    fn what_comes_late_waits_for_no_sweep_that_is_rare() {
        let mut schedule = Schedule::default();
        schedule.swept(at(0), Duration::from_secs(1), None, Events::Trusted);

        schedule.asked(Due::Tidying, at(2_000));
        assert_eq!(schedule.due(at(2_000)), Due::Tidying);

        schedule.tidied(Some(at(12_000)));
        assert_eq!(schedule.due(at(11_999)), Due::Nothing);
        assert_eq!(schedule.pause(at(2_000)), Duration::from_secs(10));
        assert_eq!(schedule.due(at(12_000)), Due::Tidying);
    }

    #[test]
    fn a_clock_that_was_set_back_puts_no_sweep_off() {
        let mut schedule = Schedule::default();
        schedule.swept(
            at(1_000_000),
            Duration::ZERO,
            Some(at(1_001_000)),
            Events::Trusted,
        );

        assert_eq!(schedule.due(at(1_000_500)), Due::Nothing);
        assert_eq!(schedule.due(at(400_000)), Due::Sweep);
    }
}
