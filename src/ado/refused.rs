//! That a token was refused is remembered for a while, so that many runs do not each try it:
//! servers lock accounts out.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::ado::error::Refusal;
use crate::locked::locked;

/// How long a refused token is not tried again.
// A little shorter than the minute after which a refused submission is tried again, so that this
// next attempt reaches the server.
const REFUSED: Duration = Duration::from_secs(55);
/// How long it is not tried again even if a person asks; many runs may be asked for one after the
/// other.
const JUST_REFUSED: Duration = Duration::from_secs(3);

/// Why and when a token was refused last.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<Option<(Refusal, Instant)>>);

impl Refused {
    /// The token was refused now.
    pub(super) fn note(&self, refusal: Refusal, now: Instant) {
        *self.last() = Some((refusal, now));
    }

    /// It may be tried.
    pub(super) fn forget(&self) {
        *self.last() = None;
    }

    /// It may be tried, unless it was refused this very moment.
    pub(super) fn forget_old(&self, now: Instant) {
        self.last()
            .take_if(|(_, at)| now.saturating_duration_since(*at) >= JUST_REFUSED);
    }

    /// Why it is not tried now; `None` when it may be.
    pub(super) fn counts(&self, now: Instant) -> Option<Refusal> {
        // Counted by the monotonic clock: one that is set back must not keep a good token out.
        match &*self.last() {
            Some((refusal, at)) if now.saturating_duration_since(*at) < REFUSED => {
                Some(refusal.clone())
            }
            _ => None,
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Refusal, Instant)>> {
        locked(&self.0)
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a time to count from; the clock decides nothing"
)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn refusal() -> Refusal {
        Refusal::new("expired", "make a new one")
    }

    /// A token that was refused, and when.
    fn refused() -> (Refused, Instant) {
        let refused = Refused::default();
        let at = Instant::now();
        refused.note(refusal(), at);
        (refused, at)
    }

    #[test]
    fn a_refused_token_is_tried_again_after_a_while() {
        let (refused, at) = refused();

        assert_eq!(refused.counts(at + REFUSED - SECOND), Some(refusal()));
        assert_eq!(refused.counts(at + REFUSED), None);
    }

    #[test]
    fn a_person_who_asks_again_is_not_told_that_the_token_was_refused_a_while_ago() {
        let (refused, at) = refused();

        refused.forget_old(at + JUST_REFUSED);

        assert_eq!(refused.counts(at + JUST_REFUSED), None);
    }

    #[test]
    fn asking_for_many_runs_tries_a_token_once_that_is_refused_meanwhile() {
        let (refused, at) = refused();

        refused.forget_old(at + JUST_REFUSED - SECOND);

        assert!(refused.counts(at + JUST_REFUSED - SECOND).is_some());
    }
}
