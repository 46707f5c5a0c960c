//! The last step: the run is completed, with the comment that names everything that is missing from
//! it (invariant I7). `outbox::step` lets it begin only when all other steps are settled.
//!
//! **Asked before it is sent again:** nothing. The request says what the run is to be, so a second
//! one changes nothing.

use crate::ado::wire::RunUpdate;
use crate::submit::execution::{Execution, OpenStep, StepResult};

/// Completes the run.
pub(in crate::submit) async fn complete_run(
    execution: &Execution<'_>,
    open: OpenStep,
) -> StepResult {
    let plan = execution.plan();

    // What ADO refused while the steps were carried out is named as well, so the comment that the
    // run was created with is replaced.
    let comment = plan.comment(&execution.submission.refused);
    let update = RunUpdate {
        state: "Completed",
        // Both times: a run that was completed without a start showed a duration of 739671 days
        // (`ado/api.md` §5).
        started_date: plan.started.to_string(),
        completed_date: plan.completed.to_string(),
        comment: &comment.text,
    };

    execution
        .client
        .update_run(execution.project(), execution.run_id()?, &update)
        .await?;
    execution.confirm(open, &()).await
}
