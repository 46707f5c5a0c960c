//! The first step: the ADO run of a submission, which must be one however many kados look at the
//! same suite run.
//!
//! Before a run is created it is looked for by kado's key, and right after that once more: another
//! kado may have created its own meanwhile. The run with the lowest id is the one that counts;
//! whoever made another one ends that, and goes on with the first when the other kado has had its
//! time. A run is never deleted (`ado/api.md` §5).

use std::time::Duration;

use crate::ado::AdoError;
use crate::ado::wire::{NewRun, PipelineReference, RunEnd, Tag, TestRun};
use crate::clock;
use crate::outbox::step::{Step, StepState};
use crate::outbox::submission::StoredStep;
use crate::plan::left_out::LeftOut;
use crate::plan::links::ReleaseLink;
use crate::submit::execution::{ADOPTED, CREATED, Execution, Moved};
use crate::submit::stop::Stop;
use crate::submit::{katalon_upload, probe};

/// Most points in the request that creates a run; the rest is added to it (`ado/api.md` §11).
const POINTS: usize = 1000;
/// How long another kado that is filling a run is left alone after its last sign of life there.
const OTHERS_TIME: Duration = Duration::from_secs(2 * 60);

/// Creates the run, or finds the one that is there.
pub(in crate::submit) async fn create_run(
    execution: &Execution<'_>,
    position: usize,
    resumed: bool,
) -> Moved {
    let (plan, project) = (execution.plan(), execution.project());
    // Looking changes nothing, so the creation is intended only after it: a look that fails leaves
    // nothing unclear.
    let rule = &execution.submission.snapshot.options.katalon;
    // Who asks for a run again wants kado's own.
    let names = [plan.name.as_str(), rule.run_name.as_str()];
    let names = if rule.look && execution.submission.again == 0 {
        names.as_slice()
    } else {
        &[]
    };
    let before = probe::run(execution.client, project, plan, names, resumed).await?;
    if before.own.is_none() && !names.is_empty() {
        katalon_upload::look(execution, &before.others).await?;
    }
    if let Some(run) = before
        .own
        .as_ref()
        .filter(|_| !resumed && execution.patient)
    {
        leave_alone(execution, run)?;
    }
    execution.intend(position).await?;
    let Some(run) = before.own else {
        return create(execution, position).await;
    };
    end_all(execution, &before.doubles, run.id).await?;
    take(execution, position, &run, ADOPTED).await
}

/// Creates the run, and gives way to one that another kado created at the same moment.
async fn create(execution: &Execution<'_>, position: usize) -> Moved {
    let made = make_linked(execution).await?;
    let after =
        probe::after_creation(execution.client, execution.project(), execution.plan()).await?;
    match after.own {
        Some(first) if first.id < made.id => {
            end_all(execution, &[made.id], first.id).await?;
            take(execution, position, &first, ADOPTED).await?;
            Err(left_to_another(first.id))
        }
        _ => take(execution, position, &made, CREATED).await,
    }
}

/// Records the run of this submission.
async fn take(
    execution: &Execution<'_>,
    position: usize,
    run: &TestRun,
    origin: &'static str,
) -> Moved {
    let (id, run_id, url) = (execution.submission.id, run.id, execution.web_url(run));
    execution
        .outbox
        .with(move |store| store.confirm_run(id, position, run_id, &url, origin, clock::now()))
        .await?;
    Ok(StoredStep {
        step: Step::CreateRun,
        state: StepState::Confirmed,
        detail: Some(origin.to_owned()),
    })
}

/// A run that another kado is filling is left to it; one that has been left alone for long is not
/// being filled.
fn leave_alone(execution: &Execution<'_>, run: &TestRun) -> Result<(), Stop> {
    let fresh = run
        .changed()
        .is_some_and(|changed| execution.client.server_time().since(changed) < OTHERS_TIME);
    if run.is_in_progress() && fresh {
        Err(left_to_another(run.id))
    } else {
        Ok(())
    }
}

fn left_to_another(run: u32) -> Stop {
    let reason = format!(
        "another kado is submitting this suite run, as test run {run}; what it leaves undone is done then"
    );
    Stop::AwaitsAnother {
        until: clock::now().plus(OTHERS_TIME),
        reason,
    }
}

/// Ends runs that were made for a suite run that has one already.
async fn end_all(execution: &Execution<'_>, runs: &[u32], counts: u32) -> Result<(), AdoError> {
    for run in runs {
        tracing::warn!(
            ado_run = run,
            counts,
            "two test runs were made for one suite run; the later one is ended"
        );
        let comment = format!(
            "Ended: test run {counts} is the one of this suite run; another kado made it at the same moment."
        );
        let end = RunEnd {
            state: "Aborted",
            comment: &comment,
            delete_in_progress_results: true,
        };
        execution
            .client
            .end_run(execution.project(), *run, &end)
            .await?;
    }
    Ok(())
}

/// Creates the ADO run; one that is refused with its links is created without them, which is told.
async fn make_linked(execution: &Execution<'_>) -> Result<TestRun, Stop> {
    let plan = execution.plan();
    let linked = plan.build.is_some() || plan.release.is_some() || plan.pipeline.is_some();
    match make_run(execution, true).await {
        Err(AdoError::Rejected {
            status: 400,
            message,
        }) if linked => {
            let made = make_run(execution, false).await?;
            let left_out = LeftOut::link(&format!(
                "the run is not linked with its build or release: {message}"
            ));
            tracing::warn!(
                id = execution.submission.id,
                reason = left_out.reason,
                "left out"
            );
            let id = execution.submission.id;
            execution
                .outbox
                .with(move |store| store.leave_out(id, &[left_out]))
                .await?;
            Ok(made)
        }
        made => Ok(made?),
    }
}

/// Creates the ADO run, with as many points as one request takes, with or without what it is linked
/// with.
async fn make_run(execution: &Execution<'_>, linked: bool) -> Result<TestRun, AdoError> {
    let plan = execution.plan();
    let points: Vec<u32> = plan
        .results
        .iter()
        .map(|result| result.point_id)
        .take(POINTS)
        .collect();
    let pipeline = plan
        .pipeline
        .as_ref()
        .filter(|_| linked && !execution.client.is_before_2020());
    let release = plan.release.as_ref().filter(|_| linked);
    let new = NewRun {
        name: &plan.name,
        automated: plan.automated,
        plan: plan.plan_id.into(),
        point_ids: &points,
        state: "InProgress",
        start_date: plan.started.to_string(),
        comment: &plan.comment(&[]).text,
        tags: plan.tags.iter().map(|name| Tag { name }).collect(),
        build: plan
            .build
            .as_ref()
            .filter(|_| linked)
            .map(|build| build.id.into()),
        release_uri: release.map(ReleaseLink::release_uri),
        release_environment_uri: release.map(ReleaseLink::stage_uri),
        pipeline_reference: pipeline.map(PipelineReference::of),
    };
    execution.client.create_run(execution.project(), &new).await
}
