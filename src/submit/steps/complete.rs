//! The last step: the run is completed, with the comment that names everything that is missing from
//! it (invariant I7). `outbox::step` lets it begin only when all other steps are settled.
//!
//! What ADO then counts is compared with the plan, and a difference is kept and told; it holds
//! nothing up, because what is completed cannot be changed any more.
//!
//! **Asked before it is sent again:** nothing. The request says what the run is to be, so a second
//! one changes nothing.

use crate::ado::wire::{KnownAtEnd, RunUpdate};
use crate::plan::links::ReleaseLink;
use crate::submit::execution::{Execution, OpenStep, StepResult};
use crate::submit::recount;
use crate::submit::steps::fill;

/// Completes the run.
pub(in crate::submit) async fn complete_run(
    execution: &Execution<'_>,
    open: OpenStep,
) -> StepResult {
    let plan = execution.plan();
    if let Some(into) = plan.into {
        return fill::end(execution, open, into).await;
    }

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
        at_end: execution.is_live().then(|| KnownAtEnd {
            name: &plan.name,
            build: plan.build.as_ref().map(|build| build.id.into()),
            release_uri: plan.release.as_ref().map(ReleaseLink::release_uri),
            release_environment_uri: plan.release.as_ref().map(ReleaseLink::stage_uri),
        }),
    };

    let completed = execution
        .client
        .update_run(execution.project(), execution.run_id()?, &update)
        .await?;

    // Before the confirmation: who sees that it is submitted sees this as well.
    let recount = recount::of_completed(execution, &completed).await;
    let id = execution.submission.id;
    execution
        .outbox
        .with(move |store| store.note_recount(id, &recount))
        .await?;
    execution.confirm(open, &()).await
}
