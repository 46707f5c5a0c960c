//! The submitting half of the service: whatever becomes due is attempted, several submissions at a
//! time, those of one test plan one after the other until their results are written. No server
//! takes all places: while one hangs, others get their runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::error_chain::chain;
use crate::outbox::submission::{Destination, DueSubmission};
use crate::outbox::{Outage, StoreError};
use crate::submit::{SendAttempt, Submitter};

/// Submissions that are under way at once; the connections they use are limited elsewhere.
const AT_ONCE: usize = 32;
/// Submissions to one server that are under way at once.
const OF_A_SERVER: usize = 8;
/// Longest sleep without a look at the outbox.
const LONGEST: Duration = Duration::from_secs(60);
/// Shortest sleep: what is due and cannot be started must not keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(20);
/// Time for steps in hand when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// How a task ended.
type TaskEnd = Result<(task::Id, Result<SendAttempt, StoreError>), JoinError>;

/// What is under way.
struct Tasks {
    attempts: JoinSet<Result<SendAttempt, StoreError>>,
    /// Which submission a task works on.
    ids: HashMap<task::Id, i64>,
    /// Where each submission that is under way goes.
    destinations: HashMap<i64, Destination>,
    /// Which submission holds which test plan: its results are not written yet.
    plans: HashMap<Destination, i64>,
}

impl Tasks {
    fn new() -> Self {
        Self {
            attempts: JoinSet::new(),
            ids: HashMap::new(),
            destinations: HashMap::new(),
            plans: HashMap::new(),
        }
    }

    /// Whether a submission that is listed as due may be begun now.
    fn may_begin(&self, submission: &DueSubmission) -> bool {
        // An attempt may have ended after the list was read: what it recorded is not in there.
        let is_under_way = self.destinations.contains_key(&submission.id);
        !is_under_way && self.has_room_for(&submission.goes_to)
    }

    /// Whether one more submission may go there now.
    fn has_room_for(&self, destination: &Destination) -> bool {
        let of_server = self
            .destinations
            .values()
            .filter(|other| other.server == destination.server)
            .count();
        self.attempts.len() < AT_ONCE
            && of_server < OF_A_SERVER
            && !self.plans.contains_key(destination)
    }

    /// The results of a submission are written: the next one of its test plan may begin.
    fn free_plan(&mut self, submission: i64) {
        self.plans.retain(|_, holder| *holder != submission);
    }

    /// A task ended; gives its submission.
    fn end(&mut self, task: task::Id) -> Option<i64> {
        let submission = self.ids.remove(&task)?;
        self.destinations.remove(&submission);
        self.free_plan(submission);
        Some(submission)
    }
}

impl Submitter {
    /// Works until `stop`. `changed` wakes it when something was added; it calls `turned` at every
    /// turn.
    ///
    /// While the outbox cannot be written for want of room or rights, nothing is sent and the
    /// service goes on looking.
    ///
    /// # Errors
    /// When the outbox fails in a way that does not pass.
    pub(crate) async fn serve(
        self: Arc<Self>,
        changed: Arc<Notify>,
        stop: CancellationToken,
        turned: impl Fn(),
    ) -> Result<(), StoreError> {
        let mut tasks = Tasks::new();
        let mut outage = Outage::new("nothing is sent");
        let (written_sender, mut written) = mpsc::channel::<i64>(2 * AT_ONCE);

        while !stop.is_cancelled() {
            turned();
            let started = self.start_due(&mut tasks, &written_sender).await;
            let idle = outage.pause_after(started)?;

            tokio::select! {
                () = stop.cancelled() => break,
                () = changed.notified() => {}
                () = tokio::time::sleep(idle) => {}
                Some(submission) = written.recv() => tasks.free_plan(submission),
                // Without any task it gives `None`, and only the others are waited for.
                Some(end) = tasks.attempts.join_next_with_id() => {
                    let noted = self.note_end(&mut tasks, end).await;
                    let pause = outage.pause_after(noted.map(|()| Duration::ZERO))?;
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }

        finish(tasks.attempts).await;
        Ok(())
    }

    /// Starts what is due; gives how long to sleep at most.
    async fn start_due(
        self: &Arc<Self>,
        tasks: &mut Tasks,
        written: &mpsc::Sender<i64>,
    ) -> Result<Duration, StoreError> {
        let now = clock::now();
        for submission in self.outbox.with(move |store| store.due(now, None)).await? {
            if !tasks.may_begin(&submission) {
                continue;
            }
            let DueSubmission { id, goes_to } = submission;

            // A person's retry or forget has it in hand; that ends soon and wakes this loop.
            let Some(under_way) = self.outbox.mark_under_way(id) else {
                continue;
            };

            // The test plan is held until the results are written: ADO shows the outcome that came
            // last as the latest, so an older run must not come after a newer one.
            tasks.plans.insert(goes_to.clone(), id);
            tasks.destinations.insert(id, goes_to);
            let submitter = Arc::clone(self);
            let written = written.clone();
            let task = tasks.attempts.spawn(async move {
                let _under_way = under_way;
                submitter
                    .attempt_until_written(id, || {
                        // Should the channel be full, the end of the attempt frees the plan.
                        let _ = written.try_send(id);
                    })
                    .await
            });

            tasks.ids.insert(task.id(), id);
        }

        let next = self.outbox.with(move |store| store.next_due(now)).await?;
        Ok(match next {
            Some(next) => next.since(now).clamp(SHORTEST, LONGEST),
            None => LONGEST,
        })
    }

    /// Takes note of the end of an attempt. One that panicked, or that the outbox does not take,
    /// is parked, so that it costs only itself.
    async fn note_end(&self, tasks: &mut Tasks, end: TaskEnd) -> Result<(), StoreError> {
        let task = match &end {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        let Some(id) = tasks.end(task) else {
            return Ok(());
        };

        let error = match end {
            Ok((_, Ok(_))) => return Ok(()),
            Ok((_, Err(error))) if error.concerns_one_run() => chain(&error),
            Ok((_, Err(error))) => return Err(error),
            Err(error) => error.to_string(),
        };
        let reason =
            format!("kado failed on this run ({error}); that is a defect, please report it");
        match self.park(id, None, &reason, None).await {
            // A person forgot it between the look at what is due and the attempt: it stays so.
            Err(StoreError::IllegalTransition { .. }) => Ok(()),
            parked => parked,
        }
    }
}

/// Gives steps in hand a short time to end; what is cut off stays intended and is asked for at the
/// next start (invariant I5).
async fn finish<T: 'static>(mut tasks: JoinSet<T>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::info!("stopping in the middle of a request; it is looked up at the next start");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: i64) -> DueSubmission {
        DueSubmission {
            id,
            goes_to: Destination {
                server: "https://ado.example".to_owned(),
                plan_id: Some(18),
            },
        }
    }

    #[test]
    fn what_is_under_way_is_not_begun_again_although_its_test_plan_is_free() {
        let mut tasks = Tasks::new();
        tasks.destinations.insert(1, due(1).goes_to);
        tasks.plans.insert(due(1).goes_to, 1);

        tasks.free_plan(1);

        assert!(!tasks.may_begin(&due(1)));
        assert!(tasks.may_begin(&due(2)));
    }

    #[test]
    fn submissions_of_a_test_plan_whose_results_are_not_written_wait() {
        let mut tasks = Tasks::new();
        tasks.destinations.insert(1, due(1).goes_to);

        tasks.plans.insert(due(1).goes_to, 1);

        assert!(!tasks.may_begin(&due(2)));
    }
}
