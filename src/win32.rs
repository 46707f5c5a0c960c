//! What only Windows has: access lists, protected data, the Event Log, drives.
//!
//! [`access_list`] and [`service_sid`] are pure and tested on every system. `calls` holds all
//! that calls the C interface of Windows, behind safe functions.
//! `closed` makes what only kado's service and administrators may use, `event_log` writes what an
//! administrator looks for.

pub(crate) mod access_list;
#[cfg(windows)]
pub(crate) mod calls;
#[cfg(windows)]
pub(crate) mod closed;
#[cfg(windows)]
pub(crate) mod event_log;
pub(crate) mod service_sid;
