//! Tells what of the watched folders is not seen: each problem once when it appears, and once when
//! it is gone.

use crate::blocking::blocking;
use crate::outbox::{Outbox, StoreError};
use crate::service::how_to_grant;
use crate::watch::{ToldWatchProblem, WatchProblems};

/// What was told of the watched folders.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    /// What the last sweep met; `None` before the first one, when the outbox still has that of a
    /// service that ran before.
    told: Option<WatchProblems>,
}

/// What changed from one sweep to the next.
struct SweepNews {
    appeared: Vec<ToldWatchProblem>,
    gone: Vec<ToldWatchProblem>,
    /// All that there is now.
    all: Vec<ToldWatchProblem>,
}

impl Unseen {
    /// Whether the last sweep did not see everything.
    pub(super) fn is_any(&self) -> bool {
        self.told.as_ref().is_some_and(|told| !told.is_empty())
    }

    /// Tells what is new since the last sweep, in the log and for `kado status`.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn report(
        &mut self,
        outbox: &Outbox,
        found: &WatchProblems,
    ) -> Result<(), StoreError> {
        if self.told.as_ref() == Some(found) {
            return Ok(());
        }

        // The system is asked for the name of the account, which may take a while.
        let before = self.told.clone().unwrap_or_default();
        let now = found.clone();
        let news = blocking(move || news(&before, &now)).await?;

        // First what others read: whoever saw it in the log finds it there.
        let all = news.all;
        outbox
            .with(move |store| store.note_watch_problems(&all))
            .await?;
        self.told = Some(found.clone());

        for ToldWatchProblem { text, hint, .. } in news.appeared {
            tracing::warn!(problem = %text, %hint, "a part of the watched folders is not seen");
        }
        for ToldWatchProblem { text, .. } in news.gone {
            tracing::info!(problem = %text, "a problem of the watched folders is gone");
        }
        Ok(())
    }
}

fn news(before: &WatchProblems, now: &WatchProblems) -> SweepNews {
    let mut appeared = only_in(now, before);
    if now.more() > before.more() {
        appeared.extend(now.tell_more());
    }

    // Where not all are kept, one that is not among them any more may be there all the same.
    let gone = if now.more() == 0 {
        only_in(before, now)
    } else {
        Vec::new()
    };

    SweepNews {
        appeared,
        gone,
        all: now.tell(how_to_grant),
    }
}

/// What one of them has and the other has not.
fn only_in(one: &WatchProblems, other: &WatchProblems) -> Vec<ToldWatchProblem> {
    one.iter()
        .filter(|problem| !other.has(problem))
        .map(|problem| problem.tell(how_to_grant))
        .collect()
}
