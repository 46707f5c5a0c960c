//! The first and the last step where a test run is filled that somebody began in ADO (`--into`).
//!
//! kado's key is added to the run's comment in place of a creation, and in the end what became of
//! the suite run; the run is completed only where a person said so. **Asked before it is sent
//! again:** the comment, which is read before each change; what stands in it already is not written
//! twice.

use crate::ado::AdoError;
use crate::ado::wire::{RunUpdate, TestRun};
use crate::discovery::filled_run::{Completion, FilledRun};
use crate::outbox::submission::HowMade;
use crate::plan::comment::{has_key, with_key};
use crate::submit::execution::{Execution, OpenStep, StepResult};
use crate::submit::run_to_fill::{change_comment, plan_of};
use crate::submit::stop::{NotFillable, Stop};

/// Begins to fill a run; `already_in` is a run in which the suite run is already.
pub(super) async fn begin(
    execution: &Execution<'_>,
    open: OpenStep,
    into: FilledRun,
    already_in: Option<&TestRun>,
) -> StepResult {
    let client = execution.client;
    let project = execution.project();
    let key = &execution.plan().key;
    if let Some(other) = already_in
        && other.id != into.run
    {
        let problem = NotFillable::InAnotherRun(other.id);
        return Err(not_fillable(execution, into, problem));
    }

    // One that kado began to fill may be over by now: whoever ended it did not mean to lose what is
    // on its way.
    let run = match client.test_run(project, into.run).await {
        Err(AdoError::Gone { .. }) => {
            return Err(not_fillable(execution, into, NotFillable::Gone));
        }
        run => run?,
    };
    let is_begun = has_key(run.comment.as_deref().unwrap_or_default(), key);
    if !is_begun && let Err(problem) = plan_of(&run) {
        return Err(not_fillable(execution, into, problem));
    }

    execution.intend(open).await?;
    change_comment(client, project, into.run, key, |comment| {
        with_key(comment, key)
    })
    .await?
    .map_err(|problem| not_fillable(execution, into, problem))?;

    // As adopted: it was there before, so each further step is asked for before it is sent.
    execution.confirm_run(open, &run, HowMade::Adopted).await
}

/// Says in the run's comment what became of the suite run, and completes the run where that is
/// wanted.
pub(super) async fn end(execution: &Execution<'_>, open: OpenStep, into: FilledRun) -> StepResult {
    let client = execution.client;
    let project = execution.project();
    let plan = execution.plan();
    let refused = &execution.submission.refused;

    change_comment(client, project, into.run, &plan.key, |comment| {
        let comment = with_key(comment, &plan.key).unwrap_or_else(|| comment.to_owned());
        Some(plan.added_to_comment(&comment, refused))
    })
    .await?
    .map_err(|problem| not_fillable(execution, into, problem))?;

    if into.completion == Completion::Complete {
        let run = client.test_run(project, into.run).await?;
        let comment = run.comment.clone().unwrap_or_default();
        let started = run.started().unwrap_or(plan.started);
        let update = RunUpdate {
            state: "Completed",
            started_date: started.to_string(),
            completed_date: plan.completed.max(started).to_string(),
            comment: &comment,
            at_end: None,
        };
        client.update_run(project, into.run, &update).await?;
    }
    execution.confirm(open, &()).await
}

fn not_fillable(execution: &Execution<'_>, into: FilledRun, problem: NotFillable) -> Stop {
    Stop::NotFillable {
        run: into.run,
        problem,
        submission: execution.submission.id,
    }
}
