//! The results of a run that was made while its suite ran, and that the submission has nothing for:
//! each says why, so that none is left open when the run is completed.
//!
//! **Asked before it is sent again:** nothing. The request says what the results are to be, so a
//! second one changes nothing.

use std::collections::HashSet;

use crate::ado::runs::Wanted;
use crate::ado::wire::{AdoResult, OutcomeUpdate};
use crate::outbox::step::BATCH;
use crate::plan::preview;
use crate::submit::execution::Execution;
use crate::submit::stop::Stop;

/// Says of each result that is not part of the plan, and is not settled, why it has no outcome.
pub(super) async fn settle(execution: &Execution<'_>, run: u32) -> Result<(), Stop> {
    let planned = &execution.plan().results;
    let points: HashSet<u32> = planned.iter().map(|result| result.point_id).collect();
    let cases: HashSet<u32> = planned.iter().map(|result| result.test_case_id).collect();

    let client = execution.client;
    let project = execution.project();
    let results = client.results(project, run, Wanted::All).await?;
    let mut outcomes = Vec::new();
    for result in &results {
        let Some(point) = &result.test_point else {
            continue;
        };
        if points.contains(&point.id) || execution.is_filled_in(result) {
            continue;
        }

        outcomes.push(OutcomeUpdate {
            id: result.id,
            test_point: point.id.into(),
            test_case_title: result.test_case_title.as_deref(),
            test_case_revision: result.test_case_revision,
            state: "Completed",
            outcome: "NotExecuted",
            comment: reason(result, &cases),
        });
    }

    for batch in outcomes.chunks(BATCH) {
        client.write_outcomes(project, run, batch).await?;
    }
    Ok(())
}

/// Why a result that nobody filled in has no outcome; `cases` are the test cases that have one in
/// this run.
fn reason(result: &AdoResult, cases: &HashSet<u32>) -> &'static str {
    let case = result.test_case.as_ref().and_then(|case| case.id);
    if case.is_some_and(|case| cases.contains(&case)) {
        "not run in this configuration"
    } else if result.is_completed() || is_preview(result) {
        // Completed and not filled in: a preview, also where the list gives no comment.
        "left out; the comment of the test run says why"
    } else {
        "never started"
    }
}

fn is_preview(result: &AdoResult) -> bool {
    result.comment.as_deref().is_some_and(preview::is_preview)
}
