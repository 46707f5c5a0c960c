//! One result for one point (product contract, section 3): of a single test, of iterations, or of
//! several tests that share an ADO id. The worst outcome wins, by Katalon's statuses and before the
//! mapping, and the error text is that of the first worst one.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::katalon::id_source::IdSource;
use crate::katalon::run::TestResult;
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::automation;
use crate::plan::history::{self, FailureType, TestMemory};
use crate::plan::outcome::{counts, outcome, worst};
use crate::plan::point_rule::Point;
use crate::plan::snapshot::Snapshot;
use crate::plan::sub_results::{self, GroupType, SubResult};
use crate::plan::text;

/// What ADO is told about one point. It is stored as JSON: the serde names do not change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PlannedResult {
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
    /// Where the ADO id of the first test stands.
    #[serde(default, skip_serializing_if = "IdSource::is_integration")]
    pub source: IdSource,
    /// ADO's failure type, where that is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_type: Option<FailureType>,
}

/// A text that was cut in its result or sub-result and goes along whole, as a file of the result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LongText<'a> {
    /// File name.
    pub name: String,
    /// The whole text.
    pub text: &'a str,
}

/// The result of all `tests` (at least one, in the order of the run) for a point.
pub(super) fn result(
    snapshot: &Snapshot,
    memory: &TestMemory,
    point: &Point,
    tests: &[&TestResult],
) -> PlannedResult {
    let status =
        worst(tests.iter().map(|test| test.status())).expect("a point is fed by at least one test");
    let deciding = deciding(tests);
    let first = tests[0];
    let parts = sub_results::of(snapshot, tests);

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
        tests: ids_once(tests),
        outcome: outcome(status, &snapshot.options.outcomes).to_owned(),
        status,
        started,
        completed: completed.max(started),
        error_message: text::fit_error(deciding.last().message.as_deref()),
        stack_trace: text::fit_error(deciding.last().stack_trace.as_deref()),
        comment: comment(snapshot, memory, tests, deciding),
        computer_name: snapshot
            .run
            .environment
            .machine()
            .map(|machine| text::fit(machine, text::NAME)),
        automated_test_name: automation::name(&first.id),
        automated_test_storage: automation::storage(&first.id),
        group: parts.group,
        sub_results: parts.sub_results,
        iterations: tests.len(),
        source: snapshot
            .cases
            .get(&first.id)
            .map_or(IdSource::Integration, |case| case.source),
        failure_type: history::failure_type(snapshot, memory, tests),
    }
}

/// The texts of these tests that do not fit into a result or sub-result.
pub(super) fn long_texts<'a>(tests: &[&'a TestResult]) -> Vec<LongText<'a>> {
    let mut long_texts = Vec::new();

    for (position, test) in tests.iter().enumerate() {
        for (number, attempt) in test.attempts.iter().enumerate() {
            let mut prefix = String::new();
            if tests.len() > 1 {
                prefix.push_str(&format!("execution-{}-", position + 1));
            }

            // The last attempt is the result itself.
            if number + 1 < test.attempts.len() {
                prefix.push_str(&format!("attempt-{}-", number + 1));
            }

            // Measured without the control characters, as they are taken out before the text is
            // cut.
            let texts = [
                ("error-message", &attempt.message),
                ("stack-trace", &attempt.stack_trace),
            ];
            for (name, text) in texts {
                if let Some(text) = text
                    && text::exceeds(text, text::ERROR)
                {
                    long_texts.push(LongText {
                        name: format!("{prefix}{name}.txt"),
                        text,
                    });
                }
            }
        }
    }

    long_texts
}

/// The test whose error text stands for the whole result: the first with the worst status.
fn deciding<'a>(tests: &[&'a TestResult]) -> &'a TestResult {
    // The variants of `Status` are declared from the worst to the best, and of equal ones
    // `min_by_key` takes the first.
    tests
        .iter()
        .min_by_key(|test| test.status())
        .expect("a point is fed by at least one test")
}

fn ids_once(tests: &[&TestResult]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut unique = HashSet::new();
    for test in tests {
        if unique.insert(test.id.as_str()) {
            ids.push(test.id.clone());
        }
    }
    ids
}

/// What happened, and behind it the history, which is what is cut where there is no room.
fn comment(
    snapshot: &Snapshot,
    memory: &TestMemory,
    tests: &[&TestResult],
    deciding: &TestResult,
) -> String {
    let Some(history) = history::line(snapshot, memory, tests, deciding) else {
        return text::fit(&describe(tests, Attempts::Told), text::COMMENT);
    };

    // Of a test that passed the history is how many retries that took.
    let attempts = match deciding.status() {
        Status::Passed => Attempts::Untold,
        _ => Attempts::Told,
    };
    let comment = format!("{}; {history}", describe(tests, attempts));
    text::fit(&comment, text::COMMENT)
}

/// Whether a line says in which attempt a test ended so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempts {
    Told,
    Untold,
}

/// A line for the result's comment, because ADO's pages do not show sub-results everywhere.
fn describe(tests: &[&TestResult], attempts: Attempts) -> String {
    if let [test] = tests {
        let status = test.status();
        return match test.attempts.len() {
            1 => format!("Katalon: {status}"),
            _ if attempts == Attempts::Untold => format!("Katalon: {status}"),
            attempts => format!("Katalon: {status} in attempt {attempts} of {attempts}"),
        };
    }

    let same_test = tests.iter().all(|test| test.id == tests[0].id);
    let same_member = tests.iter().all(|test| test.member == tests[0].member);
    let kind = match (same_test, same_member) {
        (true, true) => "iterations",
        // The same test in several suites of a collection.
        (true, false) => "executions",
        (false, _) => "executions of test cases with this id",
    };
    let counts = counts(tests.iter().map(|test| test.status()));
    format!("{} {kind}: {counts}", tests.len())
}
