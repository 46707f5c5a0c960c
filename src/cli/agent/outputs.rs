//! The variables that later steps of a pipeline read. Pure.

use crate::outbox::submission::{SubmissionState, SubmissionSummary};
use crate::pipeline::page_address;

/// A variable, and its value in one line.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Output {
    pub name: &'static str,
    pub value: String,
}

/// The variables of these submissions. All are set, also those without a value: what an earlier
/// step of the same name said would else be taken for the answer.
pub(super) fn of(rows: &[SubmissionSummary], problems: &[String]) -> Vec<Output> {
    let mut ids = Vec::new();
    let mut urls = Vec::new();
    for row in rows {
        if let Some(id) = row.ado_run_id {
            ids.push(id.to_string());
            // The server says it, so it may be anything.
            urls.push(
                row.url
                    .as_deref()
                    .and_then(page_address)
                    .unwrap_or_default(),
            );
        }
    }

    [
        ("kadoRunId", ids.first().cloned().unwrap_or_default()),
        ("kadoRunUrl", urls.first().cloned().unwrap_or_default()),
        ("kadoOutcome", outcome(rows, problems).to_owned()),
        ("kadoRunIds", ids.join(",")),
        // No address holds a blank.
        ("kadoRunUrls", urls.join(" ")),
    ]
    .map(|(name, value)| Output { name, value })
    .into()
}

/// How the runs ended, in one word: the worst of all.
fn outcome(rows: &[SubmissionSummary], problems: &[String]) -> &'static str {
    // Of several test plans those without a point of the run are ignored, and nothing is missing.
    let mut counted = rows
        .iter()
        .filter(|row| row.state != SubmissionState::Ignored)
        .peekable();
    let is_submitted = counted.peek().is_some()
        && problems.is_empty()
        && counted
            .clone()
            .all(|row| row.state == SubmissionState::Submitted);

    if !is_submitted {
        "not-submitted"
    } else if counted.clone().any(|row| row.outcomes.failed > 0) {
        "failed"
    } else if counted.any(|row| row.outcomes.other > 0) {
        "incomplete"
    } else {
        "passed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::agent::summary::tests::row;

    fn values(rows: &[SubmissionSummary], problems: &[String]) -> Vec<String> {
        let outputs = of(rows, problems);
        outputs.into_iter().map(|output| output.value).collect()
    }

    #[test]
    fn of_several_runs_the_first_and_all_are_told() {
        let mut other = row("Test Suites/Smoke", 19);
        other.ado_run_id = Some(8);
        other.url = Some("https://ado.example/8".to_owned());
        other.outcomes.failed = 1;

        let values = values(&[row("Test Suites/Smoke", 18), other], &[]);

        assert_eq!(
            values,
            [
                "7",
                "https://ado.example/7",
                "failed",
                "7,8",
                "https://ado.example/7 https://ado.example/8"
            ]
        );
    }

    #[test]
    fn a_run_that_waits_is_not_submitted_whatever_its_tests_said() {
        let mut waiting = row("Test Suites/Smoke", 18);
        waiting.state = SubmissionState::Pending;
        waiting.ado_run_id = None;

        assert_eq!(values(&[waiting], &[]), ["", "", "not-submitted", "", ""]);
    }

    #[test]
    fn the_outcome_is_the_worst_of_all() {
        let passed = row("Test Suites/A", 18);
        let mut skipped = row("Test Suites/B", 18);
        skipped.outcomes.other = 1;
        let mut elsewhere = row("Test Suites/B", 19);
        elsewhere.state = SubmissionState::Ignored;

        assert_eq!(outcome(&[passed.clone(), elsewhere.clone()], &[]), "passed");
        assert_eq!(outcome(&[passed.clone(), skipped], &[]), "incomplete");
        assert_eq!(outcome(&[passed], &["no run".into()]), "not-submitted");
        assert_eq!(outcome(&[elsewhere], &[]), "not-submitted");
    }
}
