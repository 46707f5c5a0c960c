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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Iteration;
    use crate::plan::sample;

    fn attempt(member: usize, reruns_left: u32) -> MemberAttempt {
        MemberAttempt {
            member,
            suite: "Test Suites/Smoke".to_owned(),
            run_configuration: Some("Chrome".to_owned()),
            profile: Some("default".to_owned()),
            failed: true,
            reruns_left: Some(reruns_left),
            started: Some(Moment::from_millis(1000 * member as i64)),
        }
    }

    /// The executions of a test in a member, by their statuses.
    fn executions_of(member: usize, statuses: &[Status]) -> Vec<TestResult> {
        let mut tests = Vec::new();
        for (number, status) in (1..).zip(statuses) {
            tests.push(TestResult {
                iteration: Some(Iteration {
                    number,
                    value: None,
                    variable: None,
                }),
                member,
                ..sample::test("Pay", 0, &[*status])
            });
        }
        tests
    }

    /// The iteration of each result with the statuses of its attempts.
    fn folded(mut tests: Vec<TestResult>) -> Vec<(u32, Vec<Status>)> {
        fold(&mut tests, &[attempt(0, 1), attempt(1, 0)]);

        let mut results = Vec::new();
        for test in tests {
            let number = test.iteration.map_or(0, |iteration| iteration.number);
            let statuses = test.attempts.iter().map(|attempt| attempt.status);
            results.push((number, statuses.collect()));
        }
        results
    }

    #[test]
    fn the_next_attempt_is_that_of_a_failed_suite_which_is_the_same_and_later() {
        type Change = fn(&mut MemberAttempt, &mut MemberAttempt);
        let changes: [(&str, Change); 8] = [
            ("passed before", |earlier, _| earlier.failed = false),
            ("another suite", |_, later| later.suite.push('2')),
            ("another browser", |_, later| later.run_configuration = None),
            ("another profile", |_, later| later.profile = None),
            ("at the same time", |earlier, later| {
                later.started = earlier.started;
            }),
            ("before it", |earlier, later| {
                std::mem::swap(&mut earlier.started, &mut later.started);
            }),
            ("two later", |earlier, _| earlier.reruns_left = Some(2)),
            ("no mark of a rerun", |_, later| later.reruns_left = None),
        ];

        assert!(attempt(1, 0).follows(&attempt(0, 1)));
        for (what, change) in changes {
            let (mut earlier, mut later) = (attempt(0, 1), attempt(1, 0));
            change(&mut earlier, &mut later);
            assert!(!later.follows(&earlier), "{what}");
        }
    }

    #[test]
    fn a_member_failed_where_a_test_of_it_did_not_pass() {
        let mut run = sample::run("Smoke", 0, 9);
        run.tests = executions_of(0, &[Status::Passed]);
        assert!(!MemberAttempt::of(0, &run).failed);

        run.tests = executions_of(0, &[Status::Passed, Status::Incomplete]);
        assert!(MemberAttempt::of(0, &run).failed);
    }

    #[test]
    fn where_all_executions_ran_again_each_is_another_attempt_at_its_own() {
        let mut tests = executions_of(0, &[Status::Passed, Status::Failed]);
        tests.extend(executions_of(1, &[Status::Failed, Status::Passed]));

        assert_eq!(
            folded(tests),
            [
                (1, vec![Status::Passed, Status::Failed]),
                (2, vec![Status::Failed, Status::Passed]),
            ]
        );
    }

    #[test]
    fn where_only_what_failed_ran_again_its_number_is_that_of_the_first_attempt() {
        let mut tests = executions_of(0, &[Status::Passed, Status::Failed]);
        tests.extend(executions_of(1, &[Status::Passed]));

        assert_eq!(
            folded(tests),
            [
                (1, vec![Status::Passed]),
                (2, vec![Status::Failed, Status::Passed]),
            ]
        );
    }
}
