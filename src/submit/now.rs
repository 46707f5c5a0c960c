//! Sends on behalf of a command, or of `kado run --once`, while somebody waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ado::Credential;
use crate::config::Config;
use crate::outbox::{Outbox, StoreError};
use crate::server::Server;
use crate::submit::{Attempt, Submitter};

/// How long `--once` and commands without a service try a step that may pass.
pub(crate) const ONCE_BUDGET: Duration = Duration::from_secs(20);

/// How a command without a service beside it sends.
pub(crate) struct Effort {
    /// How long what may pass is tried again.
    pub budget: Duration,
    /// A server and a credential for it that came with this invocation.
    pub pair: Option<(Server, Credential)>,
}

/// Sends these submissions now, for a command without a service beside it, until `stop`.
///
/// # Errors
/// When the outbox fails.
pub(crate) async fn send(
    outbox: &Outbox,
    config: &Config,
    ids: &[i64],
    effort: Effort,
    stop: &CancellationToken,
) -> Result<Vec<(i64, Attempt)>, StoreError> {
    let (_sender, receiver) = watch::channel(Arc::new(config.clone()));
    // A person who waits means now, whatever the next attempt was put off to.
    let asked = ids.to_vec();
    outbox.with(move |store| store.make_due(&asked)).await?;
    let patience = effort.budget.clamp(Duration::from_secs(1), ONCE_BUDGET);
    let submitter = Submitter::impatient(outbox.clone(), receiver, patience);
    let submitter = match effort.pair {
        Some((server, credential)) => submitter.with_pair(&server, credential, patience),
        None => submitter,
    };
    submitter.drain(Some(ids), effort.budget, stop).await
}
