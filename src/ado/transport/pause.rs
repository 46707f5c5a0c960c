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
    /// The server asks for a pause from `now` on; one that was asked for before and lasts longer
    /// stays. Gives by how much the time is longer now in which no call leaves.
    pub(super) fn note(&self, wait: Option<Duration>, now: Instant) -> Duration {
        let Some(wait) = wait else {
            return Duration::ZERO;
        };

        // An earlier answer may have asked for more, and meant it for everybody.
        let mut pause = locked(&self.until);
        let before = pause.map_or(now, |before| before.max(now));
        let until = before.max(now + wait);
        *pause = Some(until);
        until - before
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
    ///
    /// # Errors
    /// As [`Pause::keep`].
    pub(super) async fn keep_apart(&self, gap: Duration) -> Result<(), AdoError> {
        let leaves = {
            let now = Instant::now();
            let mut last_call = locked(&self.last_call);
            let leaves = last_call.map_or(now, |last| now.max(last + gap));
            let left = leaves.saturating_duration_since(now);
            if left > LONGEST {
                return Err(AdoError::Unavailable {
                    message: "Azure DevOps is asked too much with this token, so requests keep a \
                              distance"
                        .to_owned(),
                    wait: Some(left),
                });
            }

            *last_call = Some(leaves);
            leaves
        };
        tokio::time::sleep_until(leaves).await;
        Ok(())
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a time to count from; the clock decides nothing"
)]
mod tests {
    use super::*;

    #[test]
    fn time_that_was_asked_for_twice_counts_once() {
        let pause = Pause::default();
        let begin = Instant::now();
        let second = Duration::from_secs(1);

        assert_eq!(pause.note(Some(10 * second), begin), 10 * second);
        assert_eq!(
            pause.note(Some(2 * second), begin + 4 * second),
            Duration::ZERO
        );
        assert_eq!(pause.note(Some(7 * second), begin + 4 * second), second);
        assert_eq!(pause.note(None, begin + 4 * second), Duration::ZERO);

        // What was over meanwhile was nobody's pause.
        assert_eq!(pause.note(Some(second), begin + 60 * second), second);
    }
}
