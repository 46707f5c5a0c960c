//! Points in time as the person before the terminal says them: by the clock on the wall, with its
//! offset from UTC, so that two people in two countries mean the same.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::surroundings::Reader;
use crate::clock;
use crate::moment::{self, Moment};

/// Which clock times are told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Clock {
    /// That of this machine.
    Local,
    /// UTC (`--utc`).
    Utc,
}

/// How points in time are written.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Times {
    zone: TimeZone,
    /// What stands between day and time.
    separator: char,
}

impl Times {
    /// By this clock, for this reader.
    pub(super) fn of(clock: Clock, reader: Reader) -> Self {
        Self {
            zone: match clock {
                Clock::Local => clock::zone(),
                Clock::Utc => TimeZone::UTC,
            },
            separator: match reader {
                Reader::Person => ' ',
                // For `awk`, to which a blank is the end of a column.
                Reader::Program => 'T',
            },
        }
    }

    /// By UTC, for programs.
    pub(in crate::cli) const fn utc() -> Self {
        Self {
            zone: TimeZone::UTC,
            separator: 'T',
        }
    }

    /// A point in time to the second.
    pub(in crate::cli) fn told(&self, moment: Moment) -> String {
        let instant = Timestamp::from_millisecond(moment.millis());
        match instant {
            Ok(instant) => {
                let separator = self.separator;
                let there = instant.to_zoned(self.zone.clone());
                there
                    .strftime(&format!("%Y-%m-%d{separator}%H:%M:%S%:z"))
                    .to_string()
            }
            // Outside the calendar there are no clocks.
            Err(_) => moment.to_string(),
        }
    }

    /// When a day begins; `None` outside the calendar.
    pub(in crate::cli) fn begin_of(&self, day: Date) -> Option<Moment> {
        let begin = day.to_zoned(self.zone.clone()).ok()?;
        Some(Moment::from_millis(begin.timestamp().as_millisecond()))
    }

    /// So long before a point in time, by the calendar of the person; `None` outside of it.
    pub(in crate::cli) fn before(&self, moment: Moment, span: Span) -> Option<Moment> {
        let now = Timestamp::from_millisecond(moment.millis()).ok()?;
        let before = now.to_zoned(self.zone.clone()).checked_sub(span).ok()?;
        Some(Moment::from_millis(before.timestamp().as_millisecond()))
    }

    /// A sentence of kado's own, in which points in time stand as JSON has them, with those of the
    /// person. What stands in back-ticks is a name, and stays.
    pub(in crate::cli) fn told_in(&self, sentence: &str) -> String {
        moment::told_in(sentence, |moment| self.told(moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hours before UTC, at a terminal.
    fn times() -> Times {
        Times {
            zone: TimeZone::fixed(jiff::tz::offset(2)),
            separator: ' ',
        }
    }

    #[test]
    fn a_time_is_that_of_the_wall_with_its_offset() {
        let moment = Moment::from_millis(1_779_681_503_436);

        assert_eq!(times().told(moment), "2026-05-25 05:58:23+02:00");
        assert_eq!(Times::utc().told(moment), "2026-05-25T03:58:23+00:00");
    }

    #[test]
    fn a_time_in_a_sentence_is_told_too_and_a_name_that_holds_one_stays() {
        let told = times().told_in(
            "refused since 2026-05-25T03:58:23.436Z; `at 2026-05-25T03:58:23.436Z` has it \
             (until 2026-05-25T04:00:00.000Z)",
        );

        assert_eq!(
            told,
            "refused since 2026-05-25 05:58:23+02:00; `at 2026-05-25T03:58:23.436Z` has it (until \
             2026-05-25 06:00:00+02:00)"
        );
    }

    #[test]
    fn a_time_outside_the_calendar_is_no_panic() {
        assert!(
            times()
                .told(Moment::from_millis(i64::MAX))
                .starts_with("9999-")
        );
    }
}
