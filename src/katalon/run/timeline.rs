//! The times of a run that do not contradict each other.
//!
//! A log is written by one clock, and that may be set while the suite runs: a test then ends before
//! it starts, or starts before its suite does. Katalon runs one test after the other, so the order
//! of the log tells what the clock does not. A result lasts as long as the clock says between its
//! own two records, and no time where that is less than none; it begins no earlier than the one
//! before it ended; and the run lasts until all of them have ended. When a run started stays as it
//! is, because that is which run it is.

use crate::katalon::run::SuiteRun;
use crate::moment::Moment;

/// Puts the times of a run in order. Those of a run whose clock was not set stay as they are.
pub(crate) fn put_in_order(run: &mut SuiteRun) {
    let mut now = run.started;
    for attempt in run.tests.iter_mut().flat_map(|test| &mut test.attempts) {
        let started = now.map_or(attempt.started, |now| attempt.started.max(now));

        // From the same clock, unless it was set just then.
        let took = attempt.ended.map(|ended| ended.since(attempt.started));
        attempt.ended = took.map(|took| started.plus(took));
        attempt.started = started;
        now = Some(attempt.ended.unwrap_or(started));
    }

    let Some(last) = now else { return };
    let no_earlier = |moment: &mut Option<Moment>| {
        if let Some(moment) = moment {
            *moment = last.max(*moment);
        }
    };
    no_earlier(&mut run.ended);
    no_earlier(&mut run.last_record);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::katalon::run::{Attempt, TestResult};
    use crate::katalon::sample;
    use crate::katalon::status::Status;

    /// A test whose attempts start and end at these times.
    fn test(times: &[(i64, Option<i64>)]) -> TestResult {
        let mut attempts = Vec::new();
        for (started, ended) in times {
            attempts.push(Attempt {
                status: Status::Passed,
                started: Moment::from_millis(*started),
                ended: ended.map(Moment::from_millis),
                message: None,
                stack_trace: None,
                attachments: Vec::new(),
                foreign_attachments: Vec::new(),
            });
        }

        TestResult {
            id: "Test Cases/T".to_owned(),
            iteration: None,
            attempts,
            variables: BTreeMap::new(),
            member: 0,
        }
    }

    /// A run from `start` to `end` with these tests, put in order.
    fn ordered(start: i64, end: i64, tests: Vec<TestResult>) -> SuiteRun {
        let mut run = sample::run("S", start, end);
        run.tests = tests;
        put_in_order(&mut run);
        run
    }

    /// Start and end of the run and of each attempt, in milliseconds.
    fn times(run: &SuiteRun) -> Vec<(i64, i64)> {
        let millis = |moment: Option<Moment>| moment.unwrap_or_default().millis();
        let mut times = vec![(millis(run.started), millis(run.ended))];
        for attempt in run.tests.iter().flat_map(|test| &test.attempts) {
            times.push((attempt.started.millis(), millis(attempt.ended)));
        }
        times
    }

    #[test]
    fn the_times_of_a_clock_that_was_not_set_stay_as_they_are() {
        let tests = vec![
            test(&[(10, Some(20)), (21, Some(30))]),
            test(&[(35, Some(40))]),
        ];

        let run = ordered(5, 50, tests);

        assert_eq!(times(&run), [(5, 50), (10, 20), (21, 30), (35, 40)]);
    }

    #[test]
    fn a_clock_that_was_set_back_between_two_tests_costs_no_duration() {
        let run = ordered(
            1000,
            460,
            vec![test(&[(1010, Some(1100))]), test(&[(400, Some(450))])],
        );

        assert_eq!(times(&run), [(1000, 1150), (1010, 1100), (1100, 1150)]);
    }

    #[test]
    fn a_test_that_ended_before_it_started_took_no_time() {
        let run = ordered(1000, 1300, vec![test(&[(1010, Some(900))])]);

        assert_eq!(times(&run), [(1000, 1300), (1010, 1010)]);
    }

    proptest! {
        #[test]
        fn results_lie_in_their_run_one_after_the_other(
            start in 0..1000_i64,
            end in 0..1000_i64,
            tests in prop::collection::vec(
                prop::collection::vec((0..1000_i64, prop::option::of(0..1000_i64)), 1..3),
                0..6,
            ),
        ) {
            let before: Vec<TestResult> = tests.iter().map(|times| test(times)).collect();

            let run = ordered(start, end, before.clone());

            prop_assert_eq!(run.started, Some(Moment::from_millis(start)));
            let mut now = Moment::from_millis(start);
            let attempts = run.tests.iter().flat_map(|test| &test.attempts);
            for (attempt, was) in attempts.zip(before.iter().flat_map(|test| &test.attempts)) {
                prop_assert!(now <= attempt.started);
                now = attempt.ended.unwrap_or(attempt.started);
                prop_assert!(attempt.started <= now);
                prop_assert_eq!(
                    attempt.ended.map(|ended| ended.since(attempt.started)),
                    was.ended.map(|ended| ended.since(was.started))
                );
            }
            prop_assert!(now <= run.ended.unwrap());
        }
    }
}
