//! The door to time and to the name of this machine.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the system for the time"
)]

use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::moment::Moment;

/// Measures how long something takes, whatever is done to the clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been running.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The time now.
pub(crate) fn now() -> Moment {
    Moment::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// The day, as the calendar of this machine has it.
pub(crate) fn today() -> Date {
    jiff::Zoned::now().date()
}

/// The time zone of this machine, or what `$TZ` says instead; UTC where neither is known.
pub(crate) fn zone() -> TimeZone {
    TimeZone::system()
}

/// The day of a moment, as the calendar of this machine has it.
pub(crate) fn day_of(moment: Moment) -> Date {
    let instant = jiff::Timestamp::from_millisecond(moment.millis());
    let instant = instant.unwrap_or(jiff::Timestamp::MAX);
    instant.to_zoned(zone()).date()
}

/// When a day of the calendar of this machine ends.
pub(crate) fn end_of(day: Date) -> Moment {
    // The last day that the calendar has ends nowhere; its begin is as far away.
    let next = day.tomorrow().unwrap_or(day);
    let begin = next.to_zoned(zone());
    let instant = begin.map_or(jiff::Timestamp::MAX, |begin| begin.timestamp());
    Moment::from_millis(instant.as_millisecond())
}

/// The name of this machine, as the system tells it.
pub(crate) fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
