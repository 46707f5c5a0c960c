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
use crate::outbox::StoreError;
use crate::outbox::submission::{Destination, DueSubmission};
use crate::submit::{Attempt, Submitter};

/// Submissions that are under way at once; the connections they use are limited elsewhere.
const AT_ONCE: usize = 32;
/// Submissions to one server that are under way at once.
const OF_A_SERVER: usize = 8;
/// Longest sleep without a look at the outbox.
const LONGEST: Duration = Duration::from_secs(60);
/// Pause when nothing can be recorded.
const NO_RECORD: Duration = Duration::from_secs(5);
/// Time for steps in hand when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// How a task ended.
type Done = Result<(task::Id, Result<Attempt, StoreError>), JoinError>;

/// What is under way.
struct Tasks {
    attempts: JoinSet<Result<Attempt, StoreError>>,
    /// Which submission a task works on.
    ids: HashMap<task::Id, i64>,
    /// Where each submission that is under way goes.
    goes_to: HashMap<i64, Destination>,
    /// Which submission holds which test plan: its results are not written yet.
    plans: HashMap<Destination, i64>,
}

impl Tasks {
    fn new() -> Self {
        Self {
            attempts: JoinSet::new(),
            ids: HashMap::new(),
            goes_to: HashMap::new(),
            plans: HashMap::new(),
        }
    }

    /// Whether one more submission may go there now.
    fn has_place_for(&self, goes_to: &Destination) -> bool {
        let of_server = self
            .goes_to
            .values()
            .filter(|other| other.server == goes_to.server)
            .count();
        self.attempts.len() < AT_ONCE
            && of_server < OF_A_SERVER
            && !self.plans.contains_key(goes_to)
    }

    /// A task ended; gives its submission.
    fn end(&mut self, task: task::Id) -> Option<i64> {
        let id = self.ids.remove(&task)?;
        self.goes_to.remove(&id);
        self.plans.retain(|_, holder| *holder != id);
        Some(id)
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
        let (written, mut freed) = mpsc::channel::<i64>(2 * AT_ONCE);
        let mut told = false;
        while !stop.is_cancelled() {
            turned();
            let started = self.start_due(&mut tasks, &written).await;
            let idle = pause_after(started, &mut told)?;
            tokio::select! {
                () = stop.cancelled() => break,
                () = changed.notified() => {}
                () = tokio::time::sleep(idle) => {}
                Some(id) = freed.recv() => tasks.plans.retain(|_, holder| *holder != id),
                Some(done) = tasks.attempts.join_next_with_id() => {
                    let ended = self.ended(&mut tasks, done).await;
                    let pause = pause_after(ended.map(|()| Duration::ZERO), &mut told)?;
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
        drain(tasks.attempts).await;
        Ok(())
    }

    /// Takes note of the end of an attempt. One that panicked, or that the outbox does not take,
    /// is parked, so that it costs only itself.
    async fn ended(&self, tasks: &mut Tasks, done: Done) -> Result<(), StoreError> {
        let task = done.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(id) = tasks.end(task) else {
            return Ok(());
        };
        let error = match done {
            Ok((_, Err(error))) if error.concerns_one_run() => chain(&error),
            Ok((_, attempt)) => return attempt.map(|_| ()),
            Err(error) => error.to_string(),
        };
        let reason =
            format!("kado failed on this run ({error}); that is a defect, please report it");
        tracing::error!(id, reason, "parked: needs a person");
        self.outbox
            .with(move |store| store.park(id, &reason, None, clock::now()))
            .await
    }

    /// Starts what is due; gives how long to sleep at most.
    async fn start_due(
        self: &Arc<Self>,
        tasks: &mut Tasks,
        written: &mpsc::Sender<i64>,
    ) -> Result<Duration, StoreError> {
        let now = clock::now();
        for DueSubmission { id, goes_to } in
            self.outbox.with(move |store| store.due(now, None)).await?
        {
            if !tasks.has_place_for(&goes_to) {
                continue;
            }
            let Some(under_way) = self.outbox.begin(id) else {
                continue;
            };
            tasks.plans.insert(goes_to.clone(), id);
            tasks.goes_to.insert(id, goes_to);
            let (submitter, written) = (Arc::clone(self), written.clone());
            let task = tasks.attempts.spawn(async move {
                let _under_way = under_way;
                // Should the channel be full, the end of the attempt frees the plan.
                let freed = || {
                    let _ = written.try_send(id);
                };
                submitter.attempt_until_written(id, freed).await
            });
            tasks.ids.insert(task.id(), id);
        }
        let next = self.outbox.with(move |store| store.next_due(now)).await?;
        Ok(next
            .map_or(LONGEST, |next| next.since(now).min(LONGEST))
            .max(Duration::from_millis(20)))
    }
}

/// How long to sleep: while the outbox cannot be used for a reason that may pass, a fixed while,
/// told once.
fn pause_after(
    done: Result<Duration, StoreError>,
    told: &mut bool,
) -> Result<Duration, StoreError> {
    match done {
        Ok(pause) => {
            *told = false;
            Ok(pause)
        }
        Err(error) if error.may_pass() => {
            if !std::mem::replace(told, true) {
                let error = chain(&error);
                tracing::error!(
                    error,
                    "the outbox cannot be used; nothing is sent until it can"
                );
            }
            Ok(NO_RECORD)
        }
        Err(error) => Err(error),
    }
}

/// Gives steps in hand a short time to end; what is cut off stays intended and is asked for at the
/// next start.
async fn drain<T: 'static>(mut tasks: JoinSet<T>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::info!("stopping in the middle of a request; it is looked up at the next start");
    }
}
