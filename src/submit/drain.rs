//! The submitting half of a command: everything that waits is attempted, and again within a budget
//! of time. Servers are served side by side, the submissions of one server one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::submission::Obstacle;
use crate::submit::{Attempt, Submitter};

/// The last attempt of each submission, by server.
type Attempts = BTreeMap<String, BTreeMap<i64, Attempt>>;

impl Submitter {
    /// Attempts everything that waits, and again within `budget` what may pass; for `--once` and
    /// `kado submit`. With `only` just these.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(crate) async fn drain(
        &self,
        only: Option<&[i64]>,
        budget: Duration,
        stop: &CancellationToken,
    ) -> Result<Vec<(i64, Attempt)>, StoreError> {
        let deadline = clock::now().plus(budget);
        let mut last = Attempts::new();
        loop {
            let mut due: BTreeMap<String, Vec<i64>> = BTreeMap::new();
            let asked = only.map(<[i64]>::to_vec);
            for waiting in self
                .outbox
                .with(move |store| store.due(clock::now(), asked.as_deref()))
                .await?
            {
                due.entry(waiting.goes_to.server)
                    .or_default()
                    .push(waiting.id);
            }
            let each = due.into_iter().map(|(server, ids)| {
                let before = last.remove(&server).unwrap_or_default();
                async move {
                    Ok::<_, StoreError>((
                        server,
                        self.drain_server(&ids, before, deadline, stop).await?,
                    ))
                }
            });
            let done = futures_util::future::try_join_all(each.collect::<Vec<_>>()).await?;
            last.extend(done);
            let now = clock::now();
            let Some(until) = again(&last).filter(|until| *until <= deadline && now <= deadline)
            else {
                break;
            };
            tokio::select! {
                () = tokio::time::sleep(until.since(now)) => {}
                () = stop.cancelled() => break,
            }
        }
        Ok(last.into_values().flatten().collect())
    }

    /// Attempts submissions to one server; `last` is how those before ended.
    async fn drain_server(
        &self,
        ids: &[i64],
        mut last: BTreeMap<i64, Attempt>,
        deadline: Moment,
        stop: &CancellationToken,
    ) -> Result<BTreeMap<i64, Attempt>, StoreError> {
        for id in ids {
            last.remove(id);
            let now = clock::now();
            let silent = last
                .values()
                .any(|attempt| attempt.cause() == Some(Obstacle::Unreachable));
            if silent && now > deadline {
                // The time is up and the server does not answer: what is left stays in the outbox.
                last.insert(
                    *id,
                    Attempt::Waits {
                        cause: Obstacle::Unreachable,
                        until: now,
                    },
                );
                continue;
            }
            let attempt = tokio::select! {
                attempt = self.attempt(*id) => attempt?,
                () = stop.cancelled() => return Ok(last),
            };
            last.insert(*id, attempt);
        }
        Ok(last)
    }
}

/// When the first of those that may pass is due again.
fn again(last: &Attempts) -> Option<Moment> {
    let waits = last
        .values()
        .flat_map(BTreeMap::values)
        .filter_map(|attempt| match attempt {
            Attempt::Waits {
                cause: Obstacle::Unreachable | Obstacle::Katalon,
                until,
            } => Some(*until),
            _ => None,
        });
    waits.min()
}
