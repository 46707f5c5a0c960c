//! The submitting half of a command: everything that waits is attempted, and again within a budget
//! of time. Servers are served side by side, the submissions of one server one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::submission::Obstacle;
use crate::submit::{SendAttempt, Submitter};

/// The last attempt of each submission.
type Attempts = BTreeMap<i64, SendAttempt>;

impl Submitter {
    /// Attempts everything that waits, and again within `budget` what may pass; for `--once` and
    /// `kado submit`. With `only` just these. Gives how the last attempt of each ended.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(crate) async fn drain(
        &self,
        only: Option<&[i64]>,
        budget: Duration,
        stop: &CancellationToken,
    ) -> Result<Vec<(i64, SendAttempt)>, StoreError> {
        let deadline = clock::now().plus(budget);
        let mut by_server: BTreeMap<String, Attempts> = BTreeMap::new();
        loop {
            let mut servers = Vec::new();
            for (server, ids) in self.due_by_server(only).await? {
                let earlier = by_server.remove(&server).unwrap_or_default();
                servers.push(async move {
                    let attempts = self.drain_server(&ids, earlier, deadline, stop).await?;
                    Ok::<_, StoreError>((server, attempts))
                });
            }

            by_server.extend(futures_util::future::try_join_all(servers).await?);

            // What waits for a token does not pass by itself: nobody waits for that here.
            let now = clock::now();
            let Some(until) = next_attempt(by_server.values()) else {
                break;
            };
            if until > deadline || now > deadline {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(until.since(now)) => {}
                () = stop.cancelled() => break,
            }
        }
        Ok(by_server.into_values().flatten().collect())
    }

    /// What is due, by the server that it goes to.
    async fn due_by_server(
        &self,
        only: Option<&[i64]>,
    ) -> Result<BTreeMap<String, Vec<i64>>, StoreError> {
        let only = only.map(<[i64]>::to_vec);
        let due = self
            .outbox
            .with(move |store| store.due(clock::now(), only.as_deref()))
            .await?;

        let mut by_server: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for submission in due {
            by_server
                .entry(submission.goes_to.server)
                .or_default()
                .push(submission.id);
        }
        Ok(by_server)
    }

    /// Attempts submissions to one server; gives `attempts`, which is how those before ended,
    /// brought up to date.
    async fn drain_server(
        &self,
        ids: &[i64],
        mut attempts: Attempts,
        deadline: Moment,
        stop: &CancellationToken,
    ) -> Result<Attempts, StoreError> {
        for id in ids {
            attempts.remove(id);

            // The time is up and the server does not answer: what is left stays in the outbox.
            let now = clock::now();
            let is_silent = attempts
                .values()
                .any(|attempt| attempt.obstacle() == Some(Obstacle::Unreachable));
            if is_silent && now > deadline {
                let unattempted = SendAttempt::Waits {
                    obstacle: Obstacle::Unreachable,
                    until: now,
                };
                attempts.insert(*id, unattempted);
                continue;
            }

            // An attempt that is cut off leaves its step intended (invariant I5).
            let mut attempt = SendAttempt::PlanFound;
            while attempt == SendAttempt::PlanFound {
                attempt = tokio::select! {
                    attempt = self.attempt(*id) => attempt?,
                    () = stop.cancelled() => return Ok(attempts),
                };
            }
            attempts.insert(*id, attempt);
        }
        Ok(attempts)
    }
}

/// When the first of those that may pass is due again.
fn next_attempt<'a>(by_server: impl Iterator<Item = &'a Attempts>) -> Option<Moment> {
    let mut next: Option<Moment> = None;
    for attempt in by_server.flat_map(BTreeMap::values) {
        if let SendAttempt::Waits {
            obstacle: Obstacle::Unreachable | Obstacle::AnotherSender,
            until,
        } = attempt
        {
            next = Some(next.map_or(*until, |next| next.min(*until)));
        }
    }
    next
}
