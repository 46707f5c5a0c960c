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

/// The name of this machine, as the system tells it.
pub(crate) fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
