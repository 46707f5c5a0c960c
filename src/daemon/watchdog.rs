//! Signs of life for the service manager: given only while both halves of the service really turn.
//!
//! Each half counts its turns. Every quarter of the time that the service manager allows, the
//! tender looks whether both counts have moved since the last sign, gives the next one only then,
//! and wakes the submitter, which may sleep for longer than that. A half that hangs stops the
//! signs, and the service manager starts the service anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::outbox::Outbox;
use crate::outbox::submission::SubmissionState;
use crate::service;

/// How often the line on how things stand is made anew.
const STATUS: Duration = Duration::from_secs(10);
/// Quarters of the allowed time without a turn, after which the log says so.
const LONG: u32 = 3;

/// Counts the turns of the two halves.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    keeper: AtomicU64,
    submitter: AtomicU64,
}

impl Pulse {
    /// The keeper has turned once more.
    pub(super) fn keeper_turned(&self) {
        self.keeper.fetch_add(1, Ordering::Relaxed);
    }

    /// The submitter has turned once more.
    pub(super) fn submitter_turned(&self) {
        self.submitter.fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> (u64, u64) {
        (
            self.keeper.load(Ordering::Relaxed),
            self.submitter.load(Ordering::Relaxed),
        )
    }

    /// Whether both halves have turned since `then`; remembers the counts if so.
    fn both_turned_since(&self, then: &mut (u64, u64)) -> bool {
        let now = self.counts();
        let both = now.0 != then.0 && now.1 != then.1;
        if both {
            *then = now;
        }
        both
    }
}

/// Gives signs of life until `stop`; `wake` has the submitter turn.
pub(super) async fn tend(pulse: Arc<Pulse>, wake: Arc<Notify>, stop: CancellationToken) {
    let Some(allowed) = service::watchdog() else {
        return;
    };
    let pause = (allowed / 4).max(Duration::from_millis(100));
    let (mut seen, mut missed) = (pulse.counts(), 0_u32);
    while !stop.is_cancelled() {
        wake.notify_one();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {
                if pulse.both_turned_since(&mut seen) {
                    missed = 0;
                    service::alive();
                } else {
                    missed += 1;
                    if missed == LONG {
                        tracing::warn!(
                            "a part of the service hangs; the service manager will restart it"
                        );
                    }
                }
            }
        }
    }
}

/// Tells the service manager from time to time how things stand, until `stop`.
pub(super) async fn report(outbox: Outbox, stop: CancellationToken) {
    let mut last = String::new();
    while !stop.is_cancelled() {
        // Should the outbox fail, the two halves say so.
        if let Ok(text) = outbox.with(|store| Ok(in_words(&store.counts()?))).await
            && text != last
        {
            service::say(&text);
            last = text;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(STATUS) => {}
        }
    }
}

fn in_words(counts: &HashMap<SubmissionState, usize>) -> String {
    let count = |state| counts.get(&state).copied().unwrap_or(0);
    let waiting = count(SubmissionState::Pending) + count(SubmissionState::Submitting);
    let (submitted, parked) = (
        count(SubmissionState::Submitted),
        count(SubmissionState::Parked),
    );
    format!("{submitted} submitted, {waiting} waiting, {parked} parked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_that_hangs_ends_the_signs_of_life() {
        let (pulse, mut seen) = (Pulse::default(), (0, 0));
        pulse.keeper_turned();
        assert!(!pulse.both_turned_since(&mut seen));
        pulse.submitter_turned();
        assert!(pulse.both_turned_since(&mut seen));
        pulse.submitter_turned();
        assert!(!pulse.both_turned_since(&mut seen));
    }
}
