//! What a server said to one credential and meant for every call: the pause that it asked for, and
//! that it refused the token. It counts also for the next client of the two.

#![expect(
    clippy::disallowed_methods,
    reason = "both last for a while that is measured with the monotonic clock"
)]

use tokio::time::Instant;

use crate::ado::refused::{Refused, SentFor};
use crate::ado::transport::pause::Pause;

/// What is to be remembered of a server and a credential.
#[derive(Debug, Default)]
pub(crate) struct ServerMemory {
    pub(super) pause: Pause,
    /// Whether the token was refused a while ago.
    pub(super) refused: Refused,
}

impl ServerMemory {
    /// Whether anything would be lost with it.
    pub(crate) fn matters(&self) -> bool {
        let refusal = self.refused.counts(SentFor::LiveRun, Instant::now());
        self.pause.left().is_some() || refusal.is_some()
    }

    /// The token may be tried again, unless it was refused this very moment.
    pub(crate) fn forget_old_refusal(&self) {
        self.refused.forget_old(Instant::now());
    }

    /// The token may be tried again.
    pub(crate) fn forget_refusal(&self) {
        self.refused.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pause_that_is_not_over_matters_and_nothing_does_not() {
        let memory = ServerMemory::default();
        assert!(!memory.matters());

        memory
            .pause
            .note(Some(Duration::from_secs(60)), Instant::now());

        assert!(memory.matters());
    }
}
