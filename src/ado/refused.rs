//! That a token was refused is remembered for a while, so that many runs do not each try it:
//! servers lock accounts out. What a request about a live run was refused keeps later ones
//! of that kind back and no submission, which is to ask for itself; nor does one that fails slow
//! any.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::ado::allowance::Sign;
use crate::ado::error::Refusal;
use crate::locked::locked;

/// How long a refused token is not tried again.
// A little shorter than the minute after which a refused submission is tried again, so that this
// next attempt reaches the server.
const REFUSED: Duration = Duration::from_secs(55);
/// How long it is not tried again even if a person asks; many runs may be asked for one after the
/// other.
const JUST_REFUSED: Duration = Duration::from_secs(3);

tokio::task_local! {
    static LIVE: ();
}

/// What requests are sent for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SentFor {
    /// What counts.
    Submission,
    /// A live run, which may be left out; see [`as_live`].
    LiveRun,
}

impl SentFor {
    /// What this task sends its requests for.
    pub(super) fn of_task() -> Self {
        match LIVE.try_with(|()| ()) {
            Ok(()) => Self::LiveRun,
            Err(_) => Self::Submission,
        }
    }

    /// What it says of the server that a request was not answered: nothing that slows others where
    /// it could be left out.
    pub(super) const fn sign_of_trouble(self) -> Option<Sign> {
        match self {
            Self::Submission => Some(Sign::Trouble),
            Self::LiveRun => None,
        }
    }
}

/// Does work whose requests are about a live run: that one of them is refused keeps no submission
/// waiting, and that one fails slows none.
pub(crate) async fn as_live<T>(work: impl Future<Output = T>) -> T {
    LIVE.scope((), work).await
}

/// Why and when a token was refused last.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<LastRefusals>);

/// The last refusal of each kind of request.
#[derive(Debug, Default)]
struct LastRefusals {
    submission: Option<(Refusal, Instant)>,
    live_run: Option<(Refusal, Instant)>,
}

impl Refused {
    /// The token was refused now.
    pub(super) fn note(&self, refusal: Refusal, sent_for: SentFor, now: Instant) {
        let mut last = self.last();
        let noted = match sent_for {
            SentFor::Submission => &mut last.submission,
            SentFor::LiveRun => &mut last.live_run,
        };
        *noted = Some((refusal, now));
    }

    /// It may be tried.
    pub(super) fn forget(&self) {
        *self.last() = LastRefusals::default();
    }

    /// It may be tried, unless it was refused this very moment.
    pub(super) fn forget_old(&self, now: Instant) {
        let mut last = self.last();
        let LastRefusals {
            submission,
            live_run,
        } = &mut *last;
        for noted in [submission, live_run] {
            noted.take_if(|(_, at)| now.saturating_duration_since(*at) >= JUST_REFUSED);
        }
    }

    /// Why it is not tried now; `None` when it may be.
    pub(super) fn counts(&self, sent_for: SentFor, now: Instant) -> Option<Refusal> {
        let last = self.last();
        let of_live_run = match sent_for {
            SentFor::Submission => None,
            SentFor::LiveRun => last.live_run.as_ref(),
        };

        for (refusal, at) in last.submission.iter().chain(of_live_run) {
            // Counted by the monotonic clock: one that is set back must not keep a good token out.
            if now.saturating_duration_since(*at) < REFUSED {
                return Some(refusal.clone());
            }
        }
        None
    }

    fn last(&self) -> MutexGuard<'_, LastRefusals> {
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
        refused.note(refusal(), SentFor::Submission, at);
        (refused, at)
    }

    #[test]
    fn a_refused_token_is_tried_again_after_a_while() {
        let (refused, at) = refused();

        assert_eq!(
            refused.counts(SentFor::Submission, at + REFUSED - SECOND),
            Some(refusal())
        );
        assert_eq!(refused.counts(SentFor::Submission, at + REFUSED), None);
    }

    #[test]
    fn a_person_who_asks_again_is_not_told_that_the_token_was_refused_a_while_ago() {
        let (refused, at) = refused();

        refused.forget_old(at + JUST_REFUSED);

        assert_eq!(refused.counts(SentFor::Submission, at + JUST_REFUSED), None);
    }

    #[test]
    fn asking_for_many_runs_tries_a_token_once_that_is_refused_meanwhile() {
        let (refused, at) = refused();

        refused.forget_old(at + JUST_REFUSED - SECOND);

        assert!(
            refused
                .counts(SentFor::Submission, at + JUST_REFUSED - SECOND)
                .is_some()
        );
    }

    #[test]
    fn what_a_live_run_was_refused_keeps_live_runs_back_and_no_submission() {
        let refused = Refused::default();
        let at = Instant::now();

        refused.note(refusal(), SentFor::LiveRun, at);

        assert_eq!(refused.counts(SentFor::Submission, at), None);
        assert_eq!(refused.counts(SentFor::LiveRun, at), Some(refusal()));
    }

    #[tokio::test]
    async fn a_request_for_a_live_run_that_fails_slows_nothing() {
        let of_submission = SentFor::of_task().sign_of_trouble();
        let of_live_run = as_live(async { SentFor::of_task().sign_of_trouble() }).await;

        assert_eq!(of_submission, Some(Sign::Trouble));
        assert_eq!(of_live_run, None);
    }

    #[test]
    fn what_a_submission_was_refused_no_live_run_tries() {
        let (refused, at) = refused();

        assert_eq!(refused.counts(SentFor::LiveRun, at), Some(refusal()));
    }
}
