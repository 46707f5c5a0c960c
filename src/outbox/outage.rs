//! Lets the loops of the service go on while the outbox cannot be used for a reason that may pass,
//! such as a full disk.

use std::time::Duration;

use crate::error_chain::chain;
use crate::outbox::StoreError;

/// Pause while the outbox cannot be used.
const PAUSE: Duration = Duration::from_secs(5);

/// What one loop knows of an outage.
pub(crate) struct Outage {
    /// What does not happen while it lasts, as the log says it.
    effect: &'static str,
    /// Whether the log has it already: it is told once, not every few seconds.
    is_logged: bool,
}

impl Outage {
    /// None so far; `effect` is what does not happen during one, as in `nothing is sent`.
    pub(crate) const fn new(effect: &'static str) -> Self {
        Self {
            effect,
            is_logged: false,
        }
    }

    /// How long to pause: as wanted, or a fixed while where the outbox cannot be used.
    ///
    /// # Errors
    /// When the outbox failed in a way that does not pass.
    pub(crate) fn pause_after(
        &mut self,
        wanted: Result<Duration, StoreError>,
    ) -> Result<Duration, StoreError> {
        match wanted {
            Ok(pause) => {
                self.is_logged = false;
                Ok(pause)
            }

            Err(error) if error.may_pass() => {
                if !self.is_logged {
                    let effect = self.effect;
                    tracing::error!(
                        error = chain(&error),
                        "the outbox cannot be used; {effect} until it can"
                    );
                }
                self.is_logged = true;
                Ok(PAUSE)
            }

            Err(error) => Err(error),
        }
    }
}
