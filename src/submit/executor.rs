//! The order of the steps of one submission: intent, request, record.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;

use crate::ado::AdoError;
use crate::ado::slots::USUAL;
use crate::outbox::step::{Step, StepState, next};
use crate::submit::execution::{Execution, Moved};
use crate::submit::steps::{automation, create, results};
use crate::submit::stop::Stop;

impl Execution<'_> {
    /// Carries out all steps that are left; gives the ADO run. `written` is called when all results
    /// are written.
    ///
    /// # Errors
    /// When it cannot go on now; what is done is recorded.
    pub(super) async fn run(mut self, written: &(dyn Fn() + Send + Sync)) -> Result<u32, Stop> {
        loop {
            let states: Vec<(Step, StepState)> = self
                .submission
                .steps
                .iter()
                .map(|stored| (stored.step, stored.state))
                .collect();
            let ready = next(&states);
            if ready.is_empty() {
                break;
            }
            if !matches!(
                states[ready[0]].0,
                Step::CreateRun | Step::ReadResults | Step::WriteResults(_)
            ) {
                written();
            }
            let mut failed = None;
            for (position, moved) in self.steps(ready).await {
                match moved {
                    Ok(stored) => self.submission.steps[position] = stored,
                    // All others have ended by now, so none is cut off by the first one that
                    // failed.
                    Err(stop) => failed = failed.or(Some(stop)),
                }
            }
            if let Some(stop) = failed {
                return Err(self.with_way_out(stop));
            }
            let progress = self.outbox.progress(self.submission.id).await?;
            self.submission.apply(progress);
        }
        self.run_id()
    }

    /// What is gone when there is a run already is the run: nothing but a new one helps.
    fn with_way_out(&self, stop: Stop) -> Stop {
        let folder = &self.submission.snapshot.folder;
        match (stop, self.submission.ado_run_id) {
            (Stop::Ado(AdoError::Gone { message, .. }), Some(run)) => Stop::Park(format!(
                "{message} If somebody deleted test run {run}, `kado submit --again \"{folder}\"` makes a new one"
            )),
            (stop, _) => stop,
        }
    }

    /// Carries out steps, some at a time. When one fails no other one begins: what keeps it back
    /// keeps back the others.
    async fn steps(&self, ready: Vec<usize>) -> Vec<(usize, Moved)> {
        let failed = &AtomicBool::new(false);
        let step = |position| async move {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let moved = self.step(position).await;
            failed.fetch_or(moved.is_err(), Ordering::Relaxed);
            Some((position, moved))
        };
        let moved = futures_util::stream::iter(ready)
            .map(step)
            .buffer_unordered(USUAL);
        moved.filter_map(std::future::ready).collect().await
    }

    async fn step(&self, position: usize) -> Moved {
        let stored = self.submission.steps[position].clone();
        // A step that was intended before may have happened; in a run that was there before, any
        // step may.
        let resumed = stored.state == StepState::Intended || self.taken_up || self.is_adopted();
        if stored.step != Step::CreateRun {
            self.intend(position).await?;
        }
        match stored.step {
            Step::CreateRun => {
                create::create_run(self, position, resumed || self.submission.create_unclear).await
            }
            Step::ReadResults => results::read_results(self, position).await,
            Step::WriteResults(batch) => results::write_batch(self, position, batch, resumed).await,
            Step::AutomationFields => match self.plan().automation {
                Some(rule) => automation::set_fields(self, position, rule).await,
                None => self.confirm(position, stored.step, &()).await,
            },
            Step::Attach(index) => {
                self.attach(position, &self.plan().attachments[index], resumed)
                    .await
            }
            Step::LeftOutList => self.left_out_list(position, resumed).await,
            Step::Complete => self.complete(position).await,
        }
    }
}
