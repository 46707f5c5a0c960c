//! One result for one point: of a single test, of iterations, or of several tests that share an ADO
//! id.

use serde::{Deserialize, Serialize};

use crate::katalon::run::{Attempt, TestResult};
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::automation;
use crate::plan::outcome::{counts, outcome, worst};
use crate::plan::point_rule::Point;
use crate::plan::snapshot::Snapshot;
use crate::plan::sub_results::{self, GroupType, SubResult};
use crate::plan::text;

/// What ADO is told about one point.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlannedResult {
    /// The point.
    pub point_id: u32,
    /// Its test case.
    pub test_case_id: u32,
    /// Its configuration.
    pub configuration_id: u32,
    /// Ids of the tests that feed it, each once.
    pub tests: Vec<String>,
    /// ADO's outcome word.
    pub outcome: String,
    /// Katalon's status behind the outcome.
    pub status: Status,
    /// Start of the first execution.
    pub started: Moment,
    /// End of the last execution.
    pub completed: Moment,
    /// Message of the first worst execution, cut to ADO's limit.
    pub error_message: Option<String>,
    /// Its stack trace, cut to ADO's limit.
    pub stack_trace: Option<String>,
    /// What happened, in a line.
    pub comment: String,
    /// The machine that ran the suite.
    pub computer_name: Option<String>,
    /// The last part of the test's id.
    pub automated_test_name: String,
    /// The whole id of the test.
    pub automated_test_storage: String,
    /// How the sub-results belong together; `None` without sub-results.
    pub group: Option<GroupType>,
    /// Iterations, or earlier attempts.
    pub sub_results: Vec<SubResult>,
    /// How many executions of tests the result stands for.
    pub iterations: usize,
}

/// Texts that were too long for their place and go along whole, as files of the result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LongText {
    /// File name.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// The result of all `tests` (at least one, in the order of the run) for a point.
pub(crate) fn result(snapshot: &Snapshot, point: &Point, tests: &[&TestResult]) -> PlannedResult {
    let run = &snapshot.run;
    let status =
        worst(tests.iter().map(|test| test.status())).expect("a group holds at least one test");
    let decisive = deciding(tests);
    let first = tests[0];
    let (group, sub_results) = sub_results::of(snapshot, tests);
    let started = tests
        .iter()
        .map(|test| test.attempts[0].started)
        .min()
        .unwrap_or_default();
    let completed = tests
        .iter()
        .map(|test| snapshot.end_of(test.last()))
        .max()
        .unwrap_or_default();
    PlannedResult {
        point_id: point.id,
        test_case_id: point.test_case_id,
        configuration_id: point.configuration_id,
        tests: names_once(tests),
        outcome: outcome(status, &snapshot.options.outcomes).to_owned(),
        status,
        started,
        completed: completed.max(started),
        error_message: decisive
            .message
            .as_deref()
            .map(|message| text::fit(message, text::ERROR)),
        stack_trace: decisive
            .stack_trace
            .as_deref()
            .map(|trace| text::fit(trace, text::ERROR)),
        comment: text::fit(&describe(tests), text::COMMENT),
        computer_name: run
            .environment
            .machine()
            .map(|machine| text::fit(machine, text::NAME)),
        automated_test_name: automation::name(&first.id),
        automated_test_storage: automation::storage(&first.id),
        group,
        sub_results,
        iterations: tests.len(),
    }
}

/// The texts of these tests that do not fit into a result or sub-result.
pub(crate) fn long_texts(tests: &[&TestResult]) -> Vec<LongText> {
    let mut long = Vec::new();
    for (position, test) in tests.iter().enumerate() {
        for (number, attempt) in test.attempts.iter().enumerate() {
            let prefix = prefix(tests.len(), position, test, number);
            for (name, whole) in [
                ("error-message", &attempt.message),
                ("stack-trace", &attempt.stack_trace),
            ] {
                if let Some(whole) = whole
                    .as_ref()
                    .filter(|whole| text::units(&text::clean(whole)) > text::ERROR)
                {
                    long.push(LongText {
                        name: format!("{prefix}{name}.txt"),
                        text: whole.clone(),
                    });
                }
            }
        }
    }
    long
}

fn prefix(tests: usize, position: usize, test: &TestResult, attempt: usize) -> String {
    let iteration = if tests > 1 {
        format!("execution-{}-", position + 1)
    } else {
        String::new()
    };
    let retried = attempt + 1 < test.attempts.len();
    if retried {
        format!("{iteration}attempt-{}-", attempt + 1)
    } else {
        iteration
    }
}

/// The attempt whose error text stands for the whole result: of the first test with the worst
/// status.
fn deciding<'a>(tests: &[&'a TestResult]) -> &'a Attempt {
    tests
        .iter()
        .min_by_key(|test| test.status())
        .expect("a group holds at least one test")
        .last()
}

fn names_once(tests: &[&TestResult]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for test in tests {
        if !names.contains(&test.id) {
            names.push(test.id.clone());
        }
    }
    names
}

/// A line for the result's comment, because ADO's pages do not show sub-results everywhere.
fn describe(tests: &[&TestResult]) -> String {
    let [test] = tests else {
        let kind = match names_once(tests).len() {
            1 if tests.iter().any(|test| test.member != tests[0].member) => "executions",
            1 => "iterations",
            _ => "executions of test cases with this id",
        };
        return format!(
            "{} {kind}: {}",
            tests.len(),
            counts(tests.iter().map(|test| test.status()))
        );
    };
    match test.attempts.len() {
        1 => format!("Katalon: {}", test.status()),
        attempts => format!(
            "Katalon: {} in attempt {attempts} of {attempts}",
            test.status()
        ),
    }
}
