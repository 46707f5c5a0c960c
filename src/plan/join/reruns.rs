//! Members that ran again as a whole because they failed (`numberOfRerun` of a suite, before or
//! without "retry immediately"): Katalon gives each attempt an item of its own in the collection's
//! report. Joined, the last attempt is the result and the earlier ones are its attempts, as where
//! Katalon retries a test at once.

use std::collections::HashMap;

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

    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, test) in tests.iter().enumerate() {
        places.entry(test.member).or_default().push(place);
    }
    let of_member =
        |member: &MemberAttempt| places.get(&member.member).map_or(&[][..], Vec::as_slice);

    for later in &in_order {
        // The nearest one before, where an earlier collection of attempts began the same way.
        if let Some(earlier) = in_order.iter().rfind(|earlier| later.follows(earlier)) {
            fold_into(tests, of_member(earlier), of_member(later));
        }
    }

    // A test whose attempts went to the later member is no result any more.
    tests.retain(|test| !test.attempts.is_empty());
}

/// Puts the attempts of one member's tests before those of the member that followed it; both are
/// given by the places of their tests.
fn fold_into(tests: &mut [TestResult], earlier: &[usize], later: &[usize]) {
    let again = executions(tests, later);

    // All executions ran again, or only those that had not passed; either way in the same order.
    let mut before = executions(tests, earlier);
    for (id, places) in &mut before {
        let all_again = again
            .get(id)
            .is_some_and(|again| again.len() == places.len());
        if !all_again {
            places.retain(|place| tests[*place].status() != Status::Passed);
        }
    }

    for (id, places) in again {
        let Some(before) = before.get(&id) else {
            continue;
        };
        for (before, at) in before.iter().zip(places) {
            let mut attempts = std::mem::take(&mut tests[*before].attempts);
            attempts.append(&mut tests[at].attempts);
            tests[at].attempts = attempts;

            // Its number among the iterations is that of the first attempt.
            if let Some(iteration) = tests[*before].iteration.take() {
                tests[at].iteration = Some(iteration);
            }
        }
    }
}

/// The places of a member's results by their tests, without those whose attempts went to another
/// member.
fn executions(tests: &[TestResult], places: &[usize]) -> HashMap<String, Vec<usize>> {
    let mut executions: HashMap<String, Vec<usize>> = HashMap::new();
    for place in places {
        let test = &tests[*place];
        if !test.attempts.is_empty() {
            executions.entry(test.id.clone()).or_default().push(*place);
        }
    }
    executions
}
