//! Sends on behalf of a command without a service beside it, while somebody waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ado::Credential;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::connect::Connections;
use crate::measures::Measures;
use crate::outbox::{Outbox, StoreError};
use crate::server::Server;
use crate::submit::{SendAttempt, Submitter};

/// How long `--once` and commands without a service try a step that may pass.
pub(crate) const ONCE_BUDGET: Duration = Duration::from_secs(20);

/// The shortest time for a call, whatever is left of the budget.
const SHORTEST_CALL: Duration = Duration::from_secs(1);

/// How a command without a service beside it sends.
pub(crate) struct Effort {
    /// How long what may pass is tried again.
    pub budget: Duration,
    /// A server and a credential for it that came with this invocation.
    pub pair: Option<(Server, Credential)>,
    /// Where it is measured how far sending is.
    pub measures: Arc<Measures>,
}

/// Sends these submissions now, until `stop` is cancelled; gives how the last attempt of each
/// ended. The caller holds the lock of the state folder.
///
/// What waits longer for the same test plans has one attempt before them, in up to half of the
/// budget: after a newer run it would come too late.
///
/// # Errors
/// When the outbox fails.
pub(crate) async fn send(
    outbox: &Outbox,
    config: &Config,
    ids: &[i64],
    effort: Effort,
    stop: &CancellationToken,
) -> Result<Vec<(i64, SendAttempt)>, StoreError> {
    let (_sender, receiver) = watch::channel(Arc::new(config.clone()));
    let patience = effort.budget.clamp(SHORTEST_CALL, ONCE_BUDGET);
    let mut connections = Connections::with_patience(patience).measured_by(effort.measures);
    if let Some((server, credential)) = effort.pair {
        connections = connections.with_pair(&server, credential);
    }
    let submitter = Submitter::for_command(outbox.clone(), receiver, connections);

    let asked = ids.to_vec();
    let older = outbox
        .with(move |store| store.waiting_before(&asked))
        .await?;
    let begun = Stopwatch::start();
    for id in older {
        if begun.elapsed() >= effort.budget / 2 {
            break;
        }
        drain_now(outbox, &submitter, vec![id], Duration::ZERO, stop).await?;
    }

    drain_now(outbox, &submitter, ids.to_vec(), effort.budget, stop).await
}

/// Sends submissions whatever their next attempt was put off to: a person who waits means now.
async fn drain_now(
    outbox: &Outbox,
    submitter: &Submitter,
    ids: Vec<i64>,
    budget: Duration,
    stop: &CancellationToken,
) -> Result<Vec<(i64, SendAttempt)>, StoreError> {
    let due = ids.clone();
    outbox.with(move |store| store.make_due(&due)).await?;

    submitter.drain(Some(&ids), budget, stop).await
}
