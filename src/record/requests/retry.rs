//! Takes a submission up again, planned anew from the project of today where that is still there.

use std::path::PathBuf;

use crate::clock;
use crate::config::Config;
use crate::error_chain::chain;
use crate::intake::{self, FinishedRun};
use crate::outbox::step::StepState;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::plan_choice::PlanChoice;
use crate::plan::snapshot::Snapshot;
use crate::record::commands;
use crate::record::disk::{DiskFailure, contained_on_disk, on_disk};
use crate::workspace::Location;

/// What a person wants of a retry.
#[derive(Clone, Copy)]
pub(super) struct Retry {
    /// The submission.
    pub submission: i64,
    /// The test plan that the run is to go to.
    pub plan: Option<u32>,
    /// It is one of many, and nobody looked at it.
    pub one_of_many: bool,
}

/// Takes a submission up again. Nobody else may have it in hand.
///
/// # Errors
/// When the outbox fails, and [`StoreError::NotNow`] with the reason when it cannot be done.
pub(super) async fn retry(
    outbox: &Outbox,
    config: &Config,
    wanted: Retry,
) -> Result<(), StoreError> {
    let submission = wanted.submission;
    let stored = outbox.with(move |store| store.load(submission)).await?;
    if let Some(plan) = wanted.plan
        && stored.plan_id != Some(plan)
    {
        refuse_other_plan(&stored, plan)?;
    }

    let stored_into = stored.fills();

    // What has a run in Azure DevOps goes on with the plan that this run was made for.
    let plan_before = stored.plan_id.map(PlanChoice::Id).or(stored.open_plan);
    let plans_before = stored.snapshot.options.plans.clone();
    let chosen_before = stored.snapshot.options.chosen_plan.clone();
    let mut snapshot = stored.snapshot;
    if stored.ado_run_id.is_none()
        && let Some(run) = read_again(outbox, config, snapshot.clone()).await?
    {
        snapshot = run.snapshot;
    }

    if let Some(into) = stored_into {
        // Neither today's settings nor options know of it: a person said it of this very run.
        snapshot.options.fill(into);
        snapshot.options.plans.clone_from(&plans_before);
    }

    if let Some(plan) = wanted.plan {
        // Which entry of the settings stood for the plan before is known only where that was found.
        let is_named = plan_before
            .as_ref()
            .is_some_and(|before| snapshot.options.plans.contains(before));
        if !is_named && snapshot.options.has_open_plans() {
            snapshot.options.plans = plans_before;
        }
        snapshot.options.go_to(plan, plan_before.as_ref());
    } else if let Some(chosen) = chosen_before {
        // Neither today's settings nor options know of that either.
        let in_place_of = chosen.in_place_of.as_ref();
        snapshot.options.go_to(chosen.plan, in_place_of);
    }

    if !wanted.one_of_many {
        // Whoever asks for this very run was told what that means.
        snapshot.options.unclear_plan = None;
    }

    outbox
        .with(move |store| store.retry(submission, Some(&snapshot), clock::now()))
        .await
}

/// # Errors
/// When a submission cannot go to another test plan: something of it is in Azure DevOps, or may be.
fn refuse_other_plan(stored: &Submission, plan: u32) -> Result<(), StoreError> {
    let submission = stored.id;
    if let Some(run) = stored.ado_run_id {
        return Err(StoreError::NotNow(format!(
            "run {submission} has test run {run} in Azure DevOps already, and cannot go to test \
             plan {plan} any more"
        )));
    }

    // The first step is the creation. Found intended, it may have made a run that nobody noted.
    let creating = stored
        .steps
        .first()
        .is_some_and(|step| step.state == StepState::Intended);
    if stored.create_unclear || creating {
        return Err(StoreError::NotNow(format!(
            "it is not known whether run {submission} has a test run in Azure DevOps already, \
             because an answer was lost; `kado runs retry {submission}` finds out"
        )));
    }
    Ok(())
}

/// Reads a run again; `None` when it is gone. What is there and cannot be read is no reason to use
/// the settings of then: they may be what was wrong.
async fn read_again(
    outbox: &Outbox,
    config: &Config,
    snapshot: Snapshot,
) -> Result<Option<FinishedRun>, StoreError> {
    let folder = snapshot.folder.clone();
    let path = PathBuf::from(&folder);
    let location = on_disk(move || Location::of(&path)).await?;
    // A submission keeps its target, which a person may have named after its command.
    let commands = commands::look_up(outbox, &location).await?;
    let commands = commands.without_filled_runs();
    let config = config.clone();

    let read =
        contained_on_disk(move || intake::read_again(&snapshot, &location, &config, &commands));
    let reason = match read.await {
        Ok(Ok(run)) => return Ok(run),
        Ok(Err(refusal)) => chain(&refusal),
        Err(DiskFailure::Failed(failed)) => failed.to_string(),
        Err(DiskFailure::Store(StoreError::Silent(silent))) => silent.to_string(),
        Err(DiskFailure::Store(error)) => return Err(error),
    };
    Err(StoreError::NotNow(format!(
        "the run in `{folder}` cannot be read anew: {reason}; try again when it can, or move it \
         away to use what was read before"
    )))
}
