//! Takes a submission up again.

use std::path::Path;

use crate::blocking::contained;
use crate::clock;
use crate::config::Config;
use crate::intake::{self, FinishedRun};
use crate::outbox::step::StepState;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::snapshot::Snapshot;
use crate::record::commands;

/// Takes a submission up again, planned anew from the project of today where that is still there.
/// What is there and cannot be read is no reason to use the settings of then: they may be what was
/// wrong.
pub(super) async fn retry(
    outbox: &Outbox,
    config: &Config,
    submission: i64,
    wish: Wish,
) -> Result<(), StoreError> {
    let stored = outbox.with(move |store| store.load(submission)).await?;
    if let Some(plan) = wish.plan.filter(|plan| stored.plan_id != Some(*plan)) {
        may_go_elsewhere(&stored, plan)?;
    }
    // What has an ADO run goes on with its plan.
    let before = stored.snapshot.clone();
    let fresh = if stored.ado_run_id.is_none() {
        take_again(outbox, config, stored.snapshot).await?
    } else {
        None
    };
    let mut snapshot = fresh.map_or(before, |taken| taken.snapshot);
    if let Some(plan) = wish.plan {
        snapshot.options.go_to(plan, stored.plan_id);
    }
    if !wish.one_of_many {
        // Whoever asks for this very run was told what that means.
        snapshot.options.unclear_plan = None;
    }
    outbox
        .with(move |store| store.retry(submission, Some(&snapshot), clock::now()))
        .await
}

/// What a person wants of a retry.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    /// The test plan that the run is to go to.
    pub plan: Option<u32>,
    /// It is one of many, and nobody looked at it.
    pub one_of_many: bool,
}

/// Whether a submission can go to another test plan: not when something of it is in ADO, or may be.
fn may_go_elsewhere(stored: &Submission, plan: u32) -> Result<(), StoreError> {
    let submission = stored.id;
    if let Some(run) = stored.ado_run_id {
        return Err(StoreError::NotNow(format!(
            "run {submission} has test run {run} in Azure DevOps already, and cannot go to test plan {plan} any more"
        )));
    }
    let creating = stored
        .steps
        .first()
        .is_some_and(|step| step.state == StepState::Intended);
    if stored.create_unclear || creating {
        return Err(StoreError::NotNow(format!(
            "it is not known whether run {submission} has a test run in Azure DevOps already, because an answer was lost; \
             `kado runs retry {submission}` finds out"
        )));
    }
    Ok(())
}

async fn take_again(
    outbox: &Outbox,
    config: &Config,
    snapshot: Snapshot,
) -> Result<Option<FinishedRun>, StoreError> {
    let folder = snapshot.folder.clone();
    let known = commands::known(outbox, Path::new(&folder)).await?;
    let owned = config.clone();
    let reason = match contained(move || intake::take_again(&snapshot, &owned, &known)).await? {
        Ok(Ok(taken)) => return Ok(taken),
        Ok(Err(reason)) => reason,
        Err(failed) => failed.to_string(),
    };
    Err(StoreError::NotNow(format!(
        "the run in `{folder}` cannot be read anew: {reason}; try again when it can, or move it away to use what was read before"
    )))
}
