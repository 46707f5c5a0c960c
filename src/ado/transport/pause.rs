//! The pause that a server asked for: no call leaves before it is over. And the distance that calls
//! keep where a server was in trouble (`ado/spacing.rs`).

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::ado::error::AdoError;
use crate::locked::locked;

/// Longest pause that is waited for in place; a longer one sends the submission back to the queue.
const LONGEST: Duration = Duration::from_secs(30);

/// Until when no call leaves.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Mutex<Option<Instant>>,
    /// When the last of the calls that were let go leaves.
    last_call: Mutex<Option<Instant>>,
}

impl Pause {
    /// The server asks for a pause from now on; one that was asked for before and lasts longer
    /// stays.
    pub(super) fn note(&self, wait: Option<Duration>) {
        let Some(wait) = wait else {
            return;
        };

        // An earlier answer may have asked for more, and meant it for everybody.
        let until = Instant::now() + wait;
        let mut pause = locked(&self.until);
        *pause = Some(pause.map_or(until, |before| before.max(until)));
    }

    /// What is left of it; `None` when no call is kept.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = (*locked(&self.until))?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Waits until it is over.
    ///
    /// # Errors
    /// At once, with the time that is left, when that is longer than [`LONGEST`].
    pub(super) async fn keep(&self) -> Result<(), AdoError> {
        let until = *locked(&self.until);
        let Some(until) = until else {
            return Ok(());
        };

        let left = until.saturating_duration_since(Instant::now());
        if left > LONGEST {
            return Err(AdoError::Unavailable {
                message: format!(
                    "Azure DevOps asked for a pause of {} more seconds",
                    left.as_secs()
                ),
                wait: Some(left),
            });
        }

        tokio::time::sleep(left).await;
        Ok(())
    }

    /// Waits until a call is as far from the one before it as `gap` says.
    pub(super) async fn keep_apart(&self, gap: Duration) {
        let leaves = {
            let now = Instant::now();
            let mut last_call = locked(&self.last_call);
            let leaves = last_call.map_or(now, |last| now.max(last + gap));
            *last_call = Some(leaves);
            leaves
        };
        tokio::time::sleep_until(leaves).await;
    }
}
