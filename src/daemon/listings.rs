//! When a sweep lists everything, and not only what seems to have changed. Pure, but for a
//! stopwatch.
//!
//! What changes the times of no folder, or lies on a file system that keeps none, is found by an
//! event or by a sweep that lists everything. That costs with every old run folder, so it takes at
//! most one part in [`SHARE`] of the time, as long as that is often enough.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::watch::WalkExtent;

/// Listing everything is followed by a pause of this many times as long as it took, within these
/// bounds. The looks at what was found take about twice as long again.
const SHARE: u32 = 10_000;
const SHORTEST: Duration = Duration::from_secs(10 * 60);
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// When everything was listed last.
#[derive(Default)]
pub(super) struct Listings {
    last: Option<Listing>,
}

struct Listing {
    since: Stopwatch,
    took: Duration,
}

impl Listings {
    /// What the next sweep lists.
    pub(super) fn next(&self) -> WalkExtent {
        match &self.last {
            Some(last) if last.since.elapsed() < pause_after(last.took) => {
                WalkExtent::ChangedSessions
            }
            _ => WalkExtent::Everything,
        }
    }

    /// Everything was listed just now, which took so long.
    pub(super) fn listed_all(&mut self, took: Duration) {
        self.last = Some(Listing {
            since: Stopwatch::start(),
            took,
        });
    }
}

fn pause_after(took: Duration) -> Duration {
    took.saturating_mul(SHARE).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_listed_at_first_and_not_again_at_once() {
        let mut listings = Listings::default();
        assert_eq!(listings.next(), WalkExtent::Everything);

        listings.listed_all(Duration::ZERO);

        assert_eq!(listings.next(), WalkExtent::ChangedSessions);
    }

    #[test]
    fn what_costs_much_is_listed_rarely_and_still_several_times_a_day() {
        let pauses = [1, 200, 60_000].map(|millis| pause_after(Duration::from_millis(millis)));

        assert_eq!(pauses.map(|pause| pause.as_secs()), [600, 2000, 21_600]);
    }
}
