//! The order of a submission's steps: `outbox::step::next` says which may be carried out, this
//! module has them carried out until none is left.
//!
//! Each step is recorded as intended before its request leaves, and as confirmed or refused with
//! what ADO answered (invariant I4). An attempt that is cut off in between, by a crash or a stop of
//! the service, leaves the step intended; the next attempt finds that and asks ADO (I5).

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;

use crate::ado::AdoError;
use crate::ado::allowance::MOST;
use crate::outbox::step::{Step, StepState, next};
use crate::submit::execution::{Execution, StepResult};
use crate::submit::steps::{attach, automation, complete, create, results};
use crate::submit::stop::Stop;

/// Carries out all steps that are left; gives the ADO run. `written` is called as soon as all
/// results are in ADO, perhaps several times.
///
/// # Errors
/// When it cannot go on now; what is done is recorded.
pub(super) async fn execute(
    mut execution: Execution<'_>,
    written: &(dyn Fn() + Send + Sync),
) -> Result<u32, Stop> {
    loop {
        let ready = ready_steps(&execution);
        let Some(first) = ready.first() else {
            return execution.run_id();
        };
        if comes_after_results(execution.submission.steps[*first].step) {
            written();
        }

        let mut failed = None;
        for (position, ended) in carry_out(&execution, ready).await {
            match ended {
                Ok(stored) => execution.submission.steps[position] = stored,
                // All others have ended by now, so none is cut off by the first one that failed.
                Err(stop) => failed = failed.or(Some(stop)),
            }
        }
        if let Some(stop) = failed {
            return Err(with_way_out(stop, &execution));
        }

        // The steps wrote these into the outbox: the run, refused items for the comment, and that
        // something got on.
        let progress = execution.outbox.progress(execution.submission.id).await?;
        execution.submission.apply(progress);
    }
}

/// The positions of the steps that may be carried out now.
fn ready_steps(execution: &Execution<'_>) -> Vec<usize> {
    let states: Vec<(Step, StepState)> = execution
        .submission
        .steps
        .iter()
        .map(|stored| (stored.step, stored.state))
        .collect();
    next(&states)
}

/// Whether all results are written when a step's turn has come.
const fn comes_after_results(step: Step) -> bool {
    match step {
        Step::CreateRun | Step::ReadResults | Step::WriteResults(_) => false,
        Step::AutomationFields | Step::Attach(_) | Step::LeftOutList | Step::Complete => true,
    }
}

/// Carries out steps, some at a time. When one fails no other one begins: what keeps it back keeps
/// back the others.
async fn carry_out(execution: &Execution<'_>, ready: Vec<usize>) -> Vec<(usize, StepResult)> {
    let failed = &AtomicBool::new(false);

    futures_util::stream::iter(ready)
        .map(|position| async move {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let ended = carry_out_one(execution, position).await;
            if ended.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            Some((position, ended))
        })
        .buffer_unordered(MOST)
        .filter_map(std::future::ready)
        .collect()
        .await
}

async fn carry_out_one(execution: &Execution<'_>, position: usize) -> StepResult {
    let open = execution.open_step(position);

    // The step that creates the run looks for one first, and intends itself only then: its module
    // says why.
    if open.step != Step::CreateRun {
        execution.intend(open).await?;
    }

    match open.step {
        Step::CreateRun => create::create_run(execution, open).await,
        Step::ReadResults => results::read_results(execution, open).await,
        Step::WriteResults(batch) => results::write_batch(execution, open, batch).await,
        Step::AutomationFields => automation::set_fields(execution, open).await,
        Step::Attach(index) => attach::attach_file(execution, open, index).await,
        Step::LeftOutList => attach::attach_left_out_list(execution, open).await,
        Step::Complete => complete::complete_run(execution, open).await,
    }
}

/// What is gone while there is a run is the run itself: no attempt brings it back, but a person can
/// ask for a new one.
fn with_way_out(stop: Stop, execution: &Execution<'_>) -> Stop {
    match (stop, execution.submission.ado_run_id) {
        (Stop::Ado(gone @ AdoError::Gone { .. }), Some(run)) => Stop::RunGone {
            gone,
            run,
            folder: execution.submission.snapshot.folder.clone(),
        },
        (stop, _) => stop,
    }
}
