//! Compares what ADO holds of a run with what was planned for it (`plan/recount.rs`). Reads, and
//! writes nothing.

use crate::ado::runs::Wanted;
use crate::ado::wire::{AdoResult, TestRun};
use crate::ado::{AdoClient, AdoError};
use crate::outbox::submission::{HowMade, Submission};
use crate::plan::recount::{
    FoundResult, OthersResults, Recount, RunCounts, Verify, compare, counts_agree,
};
use crate::submit::execution::Execution;

/// Compares a run that was just completed; `answer` is what ADO said to that.
pub(super) async fn of_completed(execution: &Execution<'_>, answer: &TestRun) -> Recount {
    let submission = &execution.submission;
    let plan = execution.plan();
    let counts = RunCounts {
        total: answer.total_tests,
        passed: answer.passed_tests,
    };
    let is_enough = submission.snapshot.options.verify == Verify::Counts;
    if is_enough && counts_agree(plan, counts) {
        return Recount::agreed(plan);
    }

    match of_results(execution.client, submission).await {
        Ok(recount) => {
            if recount.is_different() {
                tracing::warn!(
                    id = submission.id,
                    ado_run = submission.ado_run_id,
                    differences = recount.lines().join("; "),
                    "Azure DevOps holds other results than were sent"
                );
            }
            recount
        }
        // The run is complete, whether it can be read or not: a submission does not wait for that.
        Err(error) => {
            tracing::warn!(
                id = submission.id,
                ado_run = submission.ado_run_id,
                %error,
                "the results in Azure DevOps could not be compared with those that were sent"
            );
            Recount::uncompared(plan.results.len(), &error.to_string())
        }
    }
}

/// Compares the results of a run that was submitted.
///
/// # Errors
/// When ADO does not give them.
pub(crate) async fn of_results(
    client: &AdoClient,
    submission: &Submission,
) -> Result<Recount, AdoError> {
    let (Some(plan), Some(run)) = (&submission.plan, submission.ado_run_id) else {
        let nothing = "nothing of it is known to have been sent";
        return Ok(Recount::uncompared(0, nothing));
    };
    let project = submission.snapshot.options.project.as_deref();
    let results = client
        .results(project.unwrap_or_default(), run, Wanted::All)
        .await?;

    let found: Vec<FoundResult> = results.iter().map(found_result).collect();
    Ok(compare(
        plan,
        &submission.refused,
        &found,
        others(submission),
    ))
}

fn found_result(result: &AdoResult) -> FoundResult {
    FoundResult {
        point_id: result.test_point.as_ref().map(|point| point.id),
        outcome: result.outcome.clone(),
        is_completed: result.is_completed(),
    }
}

/// Only in a run that kado itself made every result is its own.
fn others(submission: &Submission) -> OthersResults {
    match submission.how_made() {
        Some(HowMade::Created) => OthersResults::Unexpected,
        Some(HowMade::Adopted | HowMade::Live) | None => OthersResults::Expected,
    }
}
