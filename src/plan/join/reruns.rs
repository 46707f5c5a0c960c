//! Members that ran again as a whole because they failed (`numberOfRerun` of a suite, before or
//! without "retry immediately"): Katalon gives each attempt an item of its own in the collection's
//! report. Joined, the last attempt is the result and the earlier ones are its attempts, as where
//! Katalon retries a test at once.

use crate::katalon::run::{SuiteRun, TestResult};
use crate::katalon::status::Status;
use crate::moment::Moment;

/// What tells that one member is another attempt at an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MemberAttempt {
    /// The member's number in the collection.
    member: usize,
    suite: String,
    run_configuration: Option<String>,
    profile: Option<String>,
    failed: bool,
    reruns_left: Option<u32>,
    started: Option<Moment>,
}

impl MemberAttempt {
    /// What counts of a member.
    pub(super) fn of(member: usize, run: &SuiteRun) -> Self {
        Self {
            member,
            suite: run.suite.clone(),
            run_configuration: run.environment.run_configuration.clone(),
            profile: run.environment.profile.clone(),
            failed: run.tests.iter().any(|test| test.status() != Status::Passed),
            reruns_left: run.reruns_left,
            started: run.started,
        }
    }

    /// Whether this is the next attempt at a member that failed: the same suite in the same
    /// configuration, with one rerun less to come.
    fn follows(&self, earlier: &Self) -> bool {
        let (Some(left_before), Some(left)) = (earlier.reruns_left, self.reruns_left) else {
            return false;
        };

        left.checked_add(1) == Some(left_before)
            && earlier.failed
            && self.suite == earlier.suite
            && self.run_configuration == earlier.run_configuration
            && self.profile == earlier.profile
            && self.started > earlier.started
    }
}

/// Makes the results of failed members earlier attempts of those that followed.
pub(super) fn fold(tests: &mut Vec<TestResult>, members: &[MemberAttempt]) {
    let mut in_order: Vec<&MemberAttempt> = members.iter().collect();
    in_order.sort_by_key(|member| member.started);

    for later in &in_order {
        // The nearest one before, where an earlier collection of attempts began the same way.
        if let Some(earlier) = in_order.iter().rfind(|earlier| later.follows(earlier)) {
            fold_into(tests, earlier.member, later.member);
        }
    }
}

/// Puts the attempts of one member's tests before those of the member that followed it.
fn fold_into(tests: &mut Vec<TestResult>, earlier: usize, later: usize) {
    for at in 0..tests.len() {
        if tests[at].member != later {
            continue;
        }
        let id = tests[at].id.clone();

        // All executions ran again, or only those that had not passed; either way in the same
        // order.
        let all_again = executions(tests, earlier, &id) == executions(tests, later, &id);
        let before = tests.iter().position(|test| {
            test.member == earlier
                && test.id == id
                && !test.attempts.is_empty()
                && (all_again || test.status() != Status::Passed)
        });
        let Some(before) = before else {
            continue;
        };

        let mut attempts = std::mem::take(&mut tests[before].attempts);
        attempts.append(&mut tests[at].attempts);
        tests[at].attempts = attempts;

        // Its number among the iterations is that of the first attempt.
        if let Some(iteration) = tests[before].iteration.take() {
            tests[at].iteration = Some(iteration);
        }
    }

    // A test whose attempts went to the later member is no result any more.
    tests.retain(|test| !test.attempts.is_empty());
}

/// How often a member executed a test.
fn executions(tests: &[TestResult], member: usize, id: &str) -> usize {
    tests
        .iter()
        .filter(|test| test.member == member && test.id == id)
        .count()
}
