//! How long a submission waits for its next attempt.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The first wait.
const SHORTEST: Duration = Duration::from_secs(2);
/// The longest wait.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The wait when the token is missing or refused: short enough that a new token is soon picked up.
pub(super) const CREDENTIALS: Duration = Duration::from_secs(60);

/// The wait after `attempts` vain ones in a row: it doubles from [`SHORTEST`] to [`LONGEST`].
/// `wanted` is what the server asked for and is never undercut; `random`, from 0 to 1, spreads
/// machines that failed together over the last quarter of the wait.
pub(crate) fn delay(attempts: u32, wanted: Option<Duration>, random: f64) -> Duration {
    let factor = 2_u32.saturating_pow(attempts);
    let grown = SHORTEST.saturating_mul(factor).min(LONGEST);
    let spread = grown.mul_f64(0.75 + 0.25 * random.clamp(0.0, 1.0));

    match wanted {
        // Also a server that asks for no pause at all gets one.
        Some(wanted) => wanted.max(spread.min(SHORTEST)),
        None => spread,
    }
}

/// A number from 0 to 1 that differs between machines and moments.
pub(crate) fn random() -> f64 {
    // The standard library keys its hash maps at random; that is random enough for spreading
    // retries.
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour_and_stay_there() {
        let waits: Vec<u64> = (0..12)
            .map(|attempts| delay(attempts, None, 1.0).as_secs())
            .collect();

        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn the_longest_wait_is_spread_as_well_after_however_many_attempts() {
        assert_eq!(delay(u32::MAX, None, 0.0), LONGEST.mul_f64(0.75));
    }

    #[test]
    fn the_servers_wish_is_never_undercut() {
        let hour = Duration::from_secs(3600);
        let moment = Duration::from_secs(5);

        assert_eq!(delay(0, Some(hour), 0.5), hour);
        assert_eq!(delay(9, Some(moment), 0.5), moment);
    }

    #[test]
    fn a_server_that_wants_no_pause_gets_a_short_one() {
        assert_eq!(delay(9, Some(Duration::ZERO), 0.5), SHORTEST);
    }
}
