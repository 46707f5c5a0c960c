//! Waiting for what a test wants to see, without a clock in the assertion.

#![expect(
    clippy::disallowed_methods,
    reason = "tests give up when nothing happens"
)]

use std::thread;
use std::time::{Duration, Instant};

/// When waiting is given up; nothing in here takes that long unless it never happens.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// The longest pause between two looks; the first ones are shorter.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `look` succeeds; fails with what it saw last.
pub(crate) fn wait_until<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    seen_within(PATIENCE, look)
        .unwrap_or_else(|seen| panic!("waited in vain for {what}; seen:\n{seen}"))
}

/// Looks again and again, so long, until `look` succeeds; gives what it saw last.
pub(crate) fn seen_within<T>(
    patience: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let (since, mut pause) = (Instant::now(), Duration::from_millis(1));
    loop {
        match look() {
            Err(_) if since.elapsed() <= patience => thread::sleep(pause),
            seen => return seen,
        }
        pause = PAUSE.min(pause * 2);
    }
}
