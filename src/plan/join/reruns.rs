//! Members that ran again as a whole because they failed (`numberOfRerun` of a suite, before or
//! without "retry immediately"): Katalon gives each attempt an item of its own in the collection's
//! report. Joined, the last attempt is the result and the earlier ones are its attempts, as where
//! Katalon retries a test at once.

use crate::katalon::run::{SuiteRun, TestResult};
use crate::katalon::status::Status;
use crate::moment::Moment;

/// What is needed to see that one member is another attempt at an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attempted {
    member: usize,
    suite: String,
    /// Run configuration and profile.
    with: (Option<String>, Option<String>),
    failed: bool,
    reruns_left: Option<u32>,
    started: Option<Moment>,
}

impl Attempted {
    /// What counts of a member.
    pub(super) fn of(member: usize, run: &SuiteRun) -> Self {
        Self {
            member,
            suite: run.suite.clone(),
            with: (
                run.environment.run_configuration.clone(),
                run.environment.profile.clone(),
            ),
            failed: run.tests.iter().any(|test| test.status() != Status::Passed),
            reruns_left: run.reruns_left,
            started: run.started,
        }
    }

    /// Whether this is the next attempt at a member that failed.
    fn follows(&self, earlier: &Self) -> bool {
        let one_less = earlier
            .reruns_left
            .is_some_and(|left| left > 0 && self.reruns_left == Some(left - 1));
        one_less
            && earlier.failed
            && self.suite == earlier.suite
            && self.with == earlier.with
            && self.started > earlier.started
    }
}

/// Makes the results of failed members earlier attempts of those that followed.
pub(super) fn fold(tests: &mut Vec<TestResult>, members: &[Attempted]) {
    let mut order: Vec<&Attempted> = members.iter().collect();
    order.sort_by_key(|member| member.started);
    for later in &order {
        let earlier = order.iter().rfind(|earlier| later.follows(earlier));
        if let Some(earlier) = earlier {
            fold_into(tests, earlier.member, later.member);
        }
    }
}

fn fold_into(tests: &mut Vec<TestResult>, earlier: usize, later: usize) {
    let count = |tests: &[TestResult], member: usize, id: &str| {
        tests
            .iter()
            .filter(|test| test.member == member && test.id == id)
            .count()
    };
    for at in 0..tests.len() {
        if tests[at].member != later {
            continue;
        }
        let id = tests[at].id.clone();
        // All executions ran again, or only those that had not passed; either way in the same
        // order.
        let all = count(tests, earlier, &id) == count(tests, later, &id);
        let fits = |test: &TestResult| {
            test.member == earlier
                && test.id == id
                && !test.attempts.is_empty()
                && (all || test.status() != Status::Passed)
        };
        if let Some(before) = tests.iter().position(fits) {
            let mut attempts = std::mem::take(&mut tests[before].attempts);
            attempts.append(&mut tests[at].attempts);
            tests[at].attempts = attempts;
            // Its place among the iterations is that of the first attempt.
            let iteration = tests[before].iteration.take();
            tests[at].iteration = iteration.or_else(|| tests[at].iteration.take());
        }
    }
    tests.retain(|test| !test.attempts.is_empty());
}
