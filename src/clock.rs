//! The door to time and to the name of this machine.

#![expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]

use crate::moment::Moment;

/// The time now.
pub fn now() -> Moment {
    Moment::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// The name of this machine, as the system tells it.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
