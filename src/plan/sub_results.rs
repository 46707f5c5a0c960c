//! Sub-results: the iterations of a data-driven test, the test cases that share an id, and earlier
//! attempts (product contract, section 3).
//!
//! ADO takes at most 1000 of them on a level; beyond that all that did not pass come first and the
//! rest is summed up in the last one.

use serde::{Deserialize, Serialize};

use crate::katalon::run::{Attempt, TestResult};
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::outcome::{counts, outcome, worst};
use crate::plan::sensitive::looks_secret;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;

/// Most sub-results on one level (`ado/api.md` §8).
const LIMIT: usize = 1000;

/// How sub-results belong together (`resultGroupType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum GroupType {
    /// Iterations.
    DataDriven,
    /// Attempts.
    Rerun,
}

/// A part of a result. It is stored as JSON: the serde names do not change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SubResult {
    /// What ADO shows, such as `Iteration 2: Prague`.
    pub name: String,
    /// ADO's outcome word.
    pub outcome: String,
    /// Katalon's status behind the outcome.
    pub status: Status,
    /// Start.
    pub started: Moment,
    /// End; never before the start.
    pub completed: Moment,
    /// What went wrong, cut to ADO's limit.
    pub error_message: Option<String>,
    /// Stack trace, cut to ADO's limit.
    pub stack_trace: Option<String>,
    /// How the parts below belong together.
    pub group: Option<GroupType>,
    /// Earlier attempts of an iteration.
    pub sub_results: Vec<SubResult>,
}

/// The parts of a result or of an iteration.
pub(super) struct Parts {
    /// How they belong together; `None` without parts.
    pub group: Option<GroupType>,
    /// The parts.
    pub sub_results: Vec<SubResult>,
}

/// The parts of a result that stands for `tests`, at least one.
pub(super) fn of(snapshot: &Snapshot, tests: &[&TestResult]) -> Parts {
    if let [test] = tests {
        return earlier_attempts(snapshot, test);
    }

    let several_tests = tests.iter().any(|test| test.id != tests[0].id);
    let several_members = tests.iter().any(|test| test.member != tests[0].member);

    let mut sub_results = Vec::new();
    for test in tests {
        let mut name = if several_tests {
            name_with_test(test)
        } else {
            name_within_test(test)
        };
        if several_members && let Some(member) = snapshot.member_of(test) {
            name = format!("{}: {name}", member.name);
        }
        sub_results.push(execution(snapshot, test, &name));
    }

    Parts {
        group: Some(GroupType::DataDriven),
        sub_results: limit(snapshot, sub_results),
    }
}

/// The attempts at a test that was retried immediately, but for the last one, which is the result
/// itself.
fn earlier_attempts(snapshot: &Snapshot, test: &TestResult) -> Parts {
    let earlier = &test.attempts[..test.attempts.len() - 1];
    if earlier.is_empty() {
        return Parts {
            group: None,
            sub_results: Vec::new(),
        };
    }

    let sub_results = earlier
        .iter()
        .enumerate()
        .map(|(number, attempt)| part(snapshot, &format!("Attempt {}", number + 1), attempt))
        .collect();
    Parts {
        group: Some(GroupType::Rerun),
        sub_results: limit(snapshot, sub_results),
    }
}

/// One of several executions, with its earlier attempts.
fn execution(snapshot: &Snapshot, test: &TestResult, name: &str) -> SubResult {
    let attempts = earlier_attempts(snapshot, test);
    SubResult {
        // The outcome is that of the last attempt, the time is that of all of them.
        started: test.attempts[0].started,
        group: attempts.group,
        sub_results: attempts.sub_results,
        ..part(snapshot, name, test.last())
    }
}

/// What an execution is called among those of its own test.
fn name_within_test(test: &TestResult) -> String {
    iteration_name(test).unwrap_or_else(|| test.name().to_owned())
}

/// What an execution is called among those of several tests.
fn name_with_test(test: &TestResult) -> String {
    match iteration_name(test) {
        Some(iteration) => format!("{}, {iteration}", test.name()),
        None => test.name().to_owned(),
    }
}

/// `Iteration 2: Prague`; the value stands there only where it is no secret.
fn iteration_name(test: &TestResult) -> Option<String> {
    let iteration = test.iteration.as_ref()?;
    let number = iteration.number;

    match iteration.value.as_deref() {
        Some(value)
            if !value.trim().is_empty() && !looks_secret(iteration.variable.as_deref(), value) =>
        {
            Some(format!("Iteration {number}: {value}"))
        }
        _ => Some(format!("Iteration {number}")),
    }
}

fn part(snapshot: &Snapshot, name: &str, attempt: &Attempt) -> SubResult {
    SubResult {
        name: text::fit(name, text::NAME),
        outcome: outcome(attempt.status, &snapshot.options.outcomes).to_owned(),
        status: attempt.status,
        started: attempt.started,
        completed: snapshot.end_of(attempt),
        error_message: text::fit_error(attempt.message.as_deref()),
        stack_trace: text::fit_error(attempt.stack_trace.as_deref()),
        group: None,
        sub_results: Vec::new(),
    }
}

fn limit(snapshot: &Snapshot, mut parts: Vec<SubResult>) -> Vec<SubResult> {
    if parts.len() <= LIMIT {
        return parts;
    }

    // A stable sort: those that did not pass come first, each half in its own order.
    parts.sort_by_key(|part| part.status == Status::Passed);
    let rest = parts.split_off(LIMIT - 1);
    parts.push(sum_up(snapshot, &rest));
    parts
}

/// One part in place of several, at least one.
fn sum_up(snapshot: &Snapshot, rest: &[SubResult]) -> SubResult {
    let status =
        worst(rest.iter().map(|part| part.status)).expect("more than the limit leaves a rest");
    let counts = counts(rest.iter().map(|part| part.status));
    let first_start = rest.iter().map(|part| part.started).min();
    let last_end = rest.iter().map(|part| part.completed).max();

    SubResult {
        // No error text: what did not pass stands before this part, one by one, as long as there is
        // room.
        name: format!("{} more: {counts}", rest.len()),
        outcome: outcome(status, &snapshot.options.outcomes).to_owned(),
        status,
        started: first_start.unwrap_or_default(),
        completed: last_end.unwrap_or_default(),
        error_message: None,
        stack_trace: None,
        group: None,
        sub_results: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Iteration;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::sample;

    fn iteration(name: &str, number: u32, start: i64, statuses: &[Status]) -> TestResult {
        TestResult {
            iteration: Some(Iteration {
                number,
                value: Some("Prague".to_owned()),
                variable: None,
            }),
            ..sample::test(name, start, statuses)
        }
    }

    fn parts_of(tests: &[&TestResult]) -> Parts {
        let run = sample::run("Smoke", 0, 9000);
        of(&sample::snapshot(run, &AzureSettings::default()), tests)
    }

    #[test]
    fn an_iteration_that_was_retried_lasts_from_its_first_attempt_which_stands_below_it() {
        let retried = iteration("A", 1, 500, &[Status::Failed, Status::Passed]);
        let passed = iteration("A", 2, 3000, &[Status::Passed]);

        let parts = parts_of(&[&retried, &passed]).sub_results;

        assert_eq!(parts[0].name, "Iteration 1: Prague");
        assert_eq!(parts[0].status, Status::Passed);
        assert_eq!(parts[0].started, Moment::from_millis(500));
        assert_eq!(parts[0].completed, Moment::from_millis(1600));
        assert_eq!(parts[0].group, Some(GroupType::Rerun));
        assert_eq!(parts[0].sub_results.len(), 1);
        assert_eq!(parts[0].sub_results[0].name, "Attempt 1");
        assert_eq!(parts[0].sub_results[0].status, Status::Failed);
        assert_eq!(parts[1].group, None);
    }

    #[test]
    fn parts_of_several_tests_are_called_after_their_tests() {
        let one = iteration("A", 1, 0, &[Status::Passed]);
        let other = sample::test("B", 0, &[Status::Passed]);

        let parts = parts_of(&[&one, &other]);

        assert_eq!(parts.group, Some(GroupType::DataDriven));
        assert_eq!(parts.sub_results[0].name, "A, Iteration 1: Prague");
        assert_eq!(parts.sub_results[1].name, "B");
    }
}
