//! The submitting half of the service: whatever becomes due is attempted, several submissions at a time, those of one
//! test plan one after the other until their results are written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::outbox::StoreError;
use crate::submit::{Attempt, Submitter};

/// Submissions that are under way at once; the connections they use are limited elsewhere.
const AT_ONCE: usize = 16;
/// Longest sleep without a look at the outbox.
const LONGEST: Duration = Duration::from_secs(60);
/// Pause when nothing can be recorded.
const NO_RECORD: Duration = Duration::from_secs(5);
/// Time for steps in hand when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// What is under way.
struct UnderWay {
    tasks: JoinSet<(i64, Result<Attempt, StoreError>)>,
    /// Which submission holds which test plan.
    plans: HashMap<Option<u32>, i64>,
    ids: Vec<i64>,
}

impl Submitter {
    /// Works until `stop`. `changed` wakes it when something was added.
    ///
    /// While the outbox cannot be written for want of room or rights, nothing is sent and the service goes on looking.
    ///
    /// # Errors
    /// When the outbox fails in a way that does not pass.
    pub async fn serve(self: Arc<Self>, changed: Arc<Notify>, stop: CancellationToken) -> Result<(), StoreError> {
        let mut under_way = UnderWay { tasks: JoinSet::new(), plans: HashMap::new(), ids: Vec::new() };
        // Bounded by the number of tasks, each of which sends once.
        let (written, mut freed) = mpsc::channel::<i64>(2 * AT_ONCE);
        let mut told = false;
        while !stop.is_cancelled() {
            let idle = match self.start_due(&mut under_way, &written).await {
                Ok(idle) => idle,
                Err(error) if error.may_pass() => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::error!(%error, "the outbox cannot be used; nothing is sent until it can");
                    }
                    NO_RECORD
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = changed.notified() => {}
                () = tokio::time::sleep(idle) => {}
                Some(id) = freed.recv() => under_way.plans.retain(|_, holder| *holder != id),
                Some(done) = under_way.tasks.join_next() => {
                    let (id, attempt) = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    under_way.plans.retain(|_, holder| *holder != id);
                    under_way.ids.retain(|known| *known != id);
                    match attempt {
                        Ok(_) => told = false,
                        Err(error) if error.may_pass() => {
                            tracing::error!(id, %error, "the outbox cannot be used; nothing is sent until it can");
                            tokio::time::sleep(NO_RECORD).await;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        drain(under_way.tasks).await;
        Ok(())
    }

    /// Starts what is due; gives how long to sleep at most.
    async fn start_due(
        self: &Arc<Self>,
        under_way: &mut UnderWay,
        written: &mpsc::Sender<i64>,
    ) -> Result<Duration, StoreError> {
        let now = clock::now();
        for (id, plan) in self.outbox.with(move |store| store.due(now)).await? {
            let free = under_way.tasks.len() < AT_ONCE && !under_way.plans.contains_key(&plan);
            if !free || under_way.ids.contains(&id) {
                continue;
            }
            under_way.plans.insert(plan, id);
            under_way.ids.push(id);
            let (submitter, written) = (Arc::clone(self), written.clone());
            under_way.tasks.spawn(async move {
                // Should the channel be full, the end of the attempt frees the plan.
                let freed = || {
                    let _ = written.try_send(id);
                };
                let attempt = submitter.attempt_until_written(id, freed).await;
                (id, attempt)
            });
        }
        let next = self.outbox.with(move |store| store.next_due(now)).await?;
        Ok(next.map_or(LONGEST, |next| next.since(now).min(LONGEST)).max(Duration::from_millis(20)))
    }
}

/// Gives steps in hand a short time to end; what is cut off stays intended and is asked for at the next start.
async fn drain<T: 'static>(mut tasks: JoinSet<T>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::info!("stopping in the middle of a request; it is looked up at the next start");
    }
}
