//! Times as people at the machine read them: by its own zone, with the offset.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::moment::{self, Moment};
use crate::page::html::Piece;
use crate::plural::span;

/// The clock on the wall of this machine, at the moment of a look.
pub(super) struct LocalClock<'a> {
    now: Moment,
    zone: &'a TimeZone,
}

/// A time, for people and for what reads the page to them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Time {
    pub utc: String,
    pub local: String,
}

impl<'a> LocalClock<'a> {
    pub(super) const fn new(now: Moment, zone: &'a TimeZone) -> Self {
        Self { now, zone }
    }

    pub(super) const fn now(&self) -> Moment {
        self.now
    }

    /// As `2026-11-30 09:12:44 +01:00`.
    pub(super) fn time(&self, at: Moment) -> Time {
        Time {
            utc: at.to_string(),
            local: self.written(at, "%Y-%m-%d %H:%M:%S %:z"),
        }
    }

    /// As `2026-11-30 09:12 +01:00`, where many stand in a column.
    pub(super) fn minute(&self, at: Option<Moment>) -> Piece {
        let Some(at) = at else {
            return Piece::Unknown;
        };
        Piece::Time(Time {
            utc: at.to_string(),
            local: self.written(at, "%Y-%m-%d %H:%M %:z"),
        })
    }

    /// As [`LocalClock::time`] where there may be none.
    pub(super) fn piece(&self, at: Option<Moment>) -> Piece {
        at.map_or(Piece::Unknown, |at| Piece::Time(self.time(at)))
    }

    /// A time inside a sentence: of this day the hour alone.
    pub(super) fn in_sentence(&self, at: Moment) -> String {
        const DAY: &str = "%Y-%m-%d";
        if self.written(at, DAY) == self.written(self.now, DAY) {
            self.written(at, "%H:%M")
        } else {
            self.written(at, "%Y-%m-%d %H:%M")
        }
    }

    /// A sentence of kado's own with the times of this machine.
    pub(super) fn told_in(&self, sentence: &str) -> String {
        moment::told_in(sentence, |at| self.time(at).local)
    }

    /// How long ago something was.
    pub(super) fn ago(&self, at: Moment) -> String {
        span(self.now.since(at).as_secs())
    }

    fn written(&self, at: Moment, form: &str) -> String {
        match Timestamp::from_millisecond(at.millis()) {
            Ok(instant) => instant
                .to_zoned(self.zone.clone())
                .strftime(form)
                .to_string(),
            // Beyond the calendar, as a log may say of a broken clock.
            Err(_) => at.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    #[test]
    fn a_time_is_that_of_the_machine_and_says_how_far_it_is_from_utc() {
        let zone = TimeZone::fixed(Offset::constant(5));
        let clock = LocalClock::new(at("2026-11-30T20:00:00Z"), &zone);

        let time = clock.time(at("2026-11-30T19:12:44Z"));

        assert_eq!(time.local, "2026-12-01 00:12:44 +05:00");
        assert_eq!(time.utc, "2026-11-30T19:12:44.000Z");
        assert_eq!(clock.in_sentence(at("2026-11-30T19:12:44Z")), "00:12");
        assert_eq!(
            clock.in_sentence(at("2026-11-30T18:12:44Z")),
            "2026-11-30 23:12"
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_is_shown_and_not_a_panic() {
        let zone = TimeZone::UTC;
        let clock = LocalClock::new(Moment::default(), &zone);

        assert!(
            clock
                .time(Moment::from_millis(i64::MAX))
                .local
                .starts_with("9999")
        );
    }
}
