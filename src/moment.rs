//! Points in time as kado keeps them: whole milliseconds since 1970 in UTC.
//!
//! Katalon's `<millis>` are such numbers, SQLite stores them as integers, and scripts read them as
//! RFC 3339 with exactly three fraction digits (product contract, section 6). There is no clock in
//! here: the one place that asks the system for the time is `crate::clock`.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Any `i64` is accepted; what lies
/// outside the years −9999 to 9999 is shown as the nearest end of that range.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Moment(i64);

impl Moment {
    /// The moment that lies `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 instant such as `2026-01-02T10:00:00Z`; finer digits than milliseconds are
    /// cut.
    ///
    /// # Errors
    /// When the text is not an RFC 3339 instant with an offset.
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<Timestamp>()?.as_millisecond()))
    }

    /// This moment moved by `by` into the future; stops at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(saturating_millis(by)))
    }

    /// This moment moved by `by` into the past; stops at the start of time.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_millis(by)))
    }

    /// How much time passed from `earlier` to this moment; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        // Clocks are set back while a service runs, and a span below zero would count as a very
        // long one.
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A sentence of kado's own, in which points in time stand as JSON has them, with those that `told`
/// makes of them. What stands in back-ticks is a name, and stays.
pub(crate) fn told_in(sentence: &str, told: impl Fn(Moment) -> String) -> String {
    let mut words = String::with_capacity(sentence.len());
    for (number, part) in sentence.split('`').enumerate() {
        if number > 0 {
            words.push('`');
        }
        // Every other part stands between back-ticks.
        if number % 2 == 1 {
            words.push_str(part);
            continue;
        }

        for word in part.split_inclusive(' ') {
            let bare = word.trim_end_matches([' ', ',', ';', ':', '.', ')']);
            let bare = bare.trim_start_matches('(');
            let before = word.find(bare).unwrap_or_default();
            match Moment::parse(bare) {
                Ok(moment) if bare.ends_with('Z') => {
                    words.push_str(&word[..before]);
                    words.push_str(&told(moment));
                    words.push_str(&word[before + bare.len()..]);
                }
                _ => words.push_str(word),
            }
        }
    }
    words
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest_end = if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        let instant = Timestamp::from_millisecond(self.0).unwrap_or(nearest_end);
        write!(f, "{instant:.3}")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn saturating_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_with_exactly_three_fraction_digits() {
        assert_eq!(
            Moment::from_millis(1_779_681_503_000).to_string(),
            "2026-05-25T03:58:23.000Z"
        );
        assert_eq!(
            Moment::from_millis(1_779_681_503_436).to_string(),
            "2026-05-25T03:58:23.436Z"
        );
    }

    #[test]
    fn a_moment_survives_its_own_text() {
        for millis in [0, 1, -1, 1_779_681_503_436] {
            let moment = Moment::from_millis(millis);
            assert_eq!(Moment::parse(&moment.to_string()).unwrap(), moment);
        }
    }

    #[test]
    fn moments_outside_the_calendar_are_shown_and_not_a_panic() {
        let last = Moment::from_millis(i64::MAX).to_string();
        assert!(last.starts_with("9999-"), "{last}");

        let first = Moment::from_millis(i64::MIN).to_string();
        assert!(first.starts_with("-00"), "{first}");
    }

    #[test]
    fn only_moments_as_kado_writes_them_are_told_otherwise_and_none_in_back_ticks() {
        let tell = |sentence: &str| told_in(sentence, |_| "today".to_owned());

        assert_eq!(
            tell("since 2026-05-25T03:58:23.000Z, (2026-05-25T03:58:23Z) and so on."),
            "since today, (today) and so on."
        );
        for text in [
            "file `2026-05-25T03:58:23.000Z` is there",
            "since 2026-05-25T03:58:23+02:00",
            "no time at all",
        ] {
            assert_eq!(tell(text), text);
        }
    }
}
