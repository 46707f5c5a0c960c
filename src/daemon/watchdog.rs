//! Tells the service manager that kado lives: only while both halves of the service really turn.
//!
//! Each half counts its turns. Every quarter of the time that the service manager allows, it is
//! looked whether both counts have moved since the last sign of life; only then the next one is
//! given. Both may sleep for longer than that, and are woken for it. A half that hangs
//! stops the signs, and the service manager starts the service anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Stopwatch;
use crate::outbox::Outbox;
use crate::outbox::bell::Bell;
use crate::outbox::submission::SubmissionState;
use crate::page::SignsOfLife;
use crate::service;

/// How often the line on how things stand is made anew.
const STATUS: Duration = Duration::from_secs(10);
/// Quarters of the allowed time without a turn, after which the log says so.
const LONG: u32 = 3;

/// How long a half may be without a turn until it counts as hanging: three times the longest sleep
/// of the submitter, and longer than the keeper reads at a stretch.
const LATELY: Duration = Duration::from_secs(180);

/// Counts the turns of the two halves.
#[derive(Debug)]
pub(super) struct LoopTurns {
    keeper: AtomicU64,
    submitter: AtomicU64,
    clock: Stopwatch,
    /// Seconds of the clock at the last turn of each.
    keeper_at: AtomicU64,
    submitter_at: AtomicU64,
}

/// How often the halves had turned at some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Counts {
    keeper: u64,
    submitter: u64,
}

impl LoopTurns {
    /// Begins: neither half has turned yet, and each has the whole time for its first turn.
    pub(super) fn new() -> Self {
        Self {
            keeper: AtomicU64::new(0),
            submitter: AtomicU64::new(0),
            clock: Stopwatch::start(),
            keeper_at: AtomicU64::new(0),
            submitter_at: AtomicU64::new(0),
        }
    }

    /// The keeper has turned once more.
    pub(super) fn keeper_turned(&self) {
        self.keeper.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.elapsed().as_secs();
        self.keeper_at.store(now, Ordering::Relaxed);
    }

    /// The submitter has turned once more.
    pub(super) fn submitter_turned(&self) {
        self.submitter.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.elapsed().as_secs();
        self.submitter_at.store(now, Ordering::Relaxed);
    }

    /// Whether both halves have turned lately, `now` seconds after the service began.
    fn turn_at(&self, now: u64) -> bool {
        let oldest = self
            .keeper_at
            .load(Ordering::Relaxed)
            .min(self.submitter_at.load(Ordering::Relaxed));
        now.saturating_sub(oldest) <= LATELY.as_secs()
    }

    fn counts(&self) -> Counts {
        Counts {
            keeper: self.keeper.load(Ordering::Relaxed),
            submitter: self.submitter.load(Ordering::Relaxed),
        }
    }

    /// Whether both halves have turned since `last`, which is set to the counts of now then. One
    /// half that turns alone moves nothing, so that it need not turn again when the other does.
    fn both_turned_since(&self, last: &mut Counts) -> bool {
        let now = self.counts();
        let both = now.keeper != last.keeper && now.submitter != last.submitter;
        if both {
            *last = now;
        }
        both
    }
}

impl SignsOfLife for LoopTurns {
    fn turns(&self) -> bool {
        self.turn_at(self.clock.elapsed().as_secs())
    }
}

/// Gives signs of life until `stop`, if the service manager wants any; `wake` has the submitter
/// turn, and `bell` the keeper.
pub(super) async fn give_signs(
    turns: Arc<LoopTurns>,
    wake: Arc<Notify>,
    bell: Bell,
    stop: CancellationToken,
) {
    let Some(allowed) = service::watchdog() else {
        return;
    };
    let pause = (allowed / 4).max(Duration::from_millis(100));
    let mut last = turns.counts();
    let mut missed = 0_u32;

    loop {
        wake.notify_one();
        bell.wake();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }

        if turns.both_turned_since(&mut last) {
            missed = 0;
            service::alive();
            continue;
        }
        missed += 1;
        if missed == LONG {
            tracing::warn!("a part of the service hangs; the service manager will restart it");
        }
    }
}

/// Tells the service manager from time to time how things stand, until `stop`.
pub(super) async fn report(outbox: Outbox, stop: CancellationToken) {
    let mut last = String::new();
    while !stop.is_cancelled() {
        // Should the outbox fail, the two halves say so.
        if let Ok(counts) = outbox.with(|store| store.counts()).await {
            let text = in_words(&counts);
            if text != last {
                service::say(&text);
                last = text;
            }
        }

        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(STATUS) => {}
        }
    }
}

fn in_words(counts: &HashMap<SubmissionState, usize>) -> String {
    let count = |state| counts.get(&state).copied().unwrap_or(0);
    format!(
        "{} submitted, {} waiting, {} parked",
        count(SubmissionState::Submitted),
        count(SubmissionState::Pending) + count(SubmissionState::Submitting),
        count(SubmissionState::Parked)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_that_hangs_ends_the_signs_of_life() {
        let turns = LoopTurns::new();
        let mut last = Counts::default();

        turns.keeper_turned();
        assert!(!turns.both_turned_since(&mut last));

        turns.submitter_turned();
        assert!(turns.both_turned_since(&mut last));

        turns.submitter_turned();
        assert!(!turns.both_turned_since(&mut last));
    }

    #[test]
    fn one_half_that_hangs_ends_the_health() {
        let turns = LoopTurns::new();
        assert!(turns.turn_at(LATELY.as_secs()), "it has just begun");

        turns.keeper_at.store(1000, Ordering::Relaxed);
        turns.submitter_at.store(900, Ordering::Relaxed);

        assert!(turns.turn_at(1000));
        assert!(!turns.turn_at(900 + LATELY.as_secs() + 1));
    }
}
