//! Sub-results: the iterations of a data-driven test, the test cases that share an id, and earlier
//! attempts.
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
pub(crate) const LIMIT: usize = 1000;

/// How sub-results belong together (`resultGroupType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupType {
    /// Iterations.
    DataDriven,
    /// Attempts.
    Rerun,
}

/// A part of a result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SubResult {
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

/// The sub-results of a result that stands for `tests`, and how they belong together.
pub(crate) fn of(
    snapshot: &Snapshot,
    tests: &[&TestResult],
) -> (Option<GroupType>, Vec<SubResult>) {
    if let [test] = tests {
        return attempts(snapshot, test);
    }
    let several = tests.iter().any(|test| test.id != tests[0].id);
    let members = tests.iter().any(|test| test.member != tests[0].member);
    let part = |test: &&TestResult| {
        let whole = iteration(snapshot, test, several);
        match snapshot.member_of(test).filter(|_| members) {
            Some(member) => SubResult {
                name: text::fit(&format!("{}: {}", member.name, whole.name), text::NAME),
                ..whole
            },
            None => whole,
        }
    };
    let parts = tests.iter().map(part).collect();
    (Some(GroupType::DataDriven), limit(snapshot, parts))
}

/// Earlier attempts; the last one is the result itself.
fn attempts(snapshot: &Snapshot, test: &TestResult) -> (Option<GroupType>, Vec<SubResult>) {
    let earlier = &test.attempts[..test.attempts.len() - 1];
    if earlier.is_empty() {
        return (None, Vec::new());
    }
    let parts = earlier
        .iter()
        .enumerate()
        .map(|(number, attempt)| part(snapshot, &format!("Attempt {}", number + 1), attempt))
        .collect();
    (Some(GroupType::Rerun), limit(snapshot, parts))
}

fn iteration(snapshot: &Snapshot, test: &TestResult, several: bool) -> SubResult {
    let (group, sub_results) = attempts(snapshot, test);
    let mut whole = part(snapshot, &name(test, several), test.last());
    whole.started = test.attempts[0].started;
    SubResult {
        group,
        sub_results,
        ..whole
    }
}

fn name(test: &TestResult, several: bool) -> String {
    let iteration = test.iteration.as_ref().map(|iteration| {
        let shown = iteration.value.as_deref().filter(|value| {
            !value.trim().is_empty() && !looks_secret(iteration.variable.as_deref(), value)
        });
        match shown {
            Some(value) => format!("Iteration {}: {value}", iteration.number),
            None => format!("Iteration {}", iteration.number),
        }
    });
    match iteration {
        Some(iteration) if several => format!("{}, {iteration}", test.name()),
        Some(iteration) => iteration,
        None => test.name().to_owned(),
    }
}

fn part(snapshot: &Snapshot, name: &str, attempt: &Attempt) -> SubResult {
    SubResult {
        name: text::fit(name, text::NAME),
        outcome: outcome(attempt.status, &snapshot.options.outcomes).to_owned(),
        status: attempt.status,
        started: attempt.started,
        completed: snapshot.end_of(attempt),
        error_message: attempt
            .message
            .as_deref()
            .map(|message| text::fit(message, text::ERROR)),
        stack_trace: attempt
            .stack_trace
            .as_deref()
            .map(|trace| text::fit(trace, text::ERROR)),
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
    let status =
        worst(rest.iter().map(|part| part.status)).expect("more than the limit leaves a rest");
    parts.push(SubResult {
        name: format!(
            "{} more: {}",
            rest.len(),
            counts(rest.iter().map(|part| part.status))
        ),
        outcome: outcome(status, &snapshot.options.outcomes).to_owned(),
        status,
        started: rest
            .iter()
            .map(|part| part.started)
            .min()
            .unwrap_or_default(),
        completed: rest
            .iter()
            .map(|part| part.completed)
            .max()
            .unwrap_or_default(),
        error_message: None,
        stack_trace: None,
        group: None,
        sub_results: Vec::new(),
    });
    parts
}
