//! What only Windows has: access lists, protected data, the Event Log, drives.
//!
//! [`access_list`] and [`service_sid`] are pure and tested on every system. [`calls`] holds every
//! `unsafe` of the program, behind safe functions; nothing else calls the system's C interface.
//! [`closed`] makes what only kado's service and administrators may use.

pub(crate) mod access_list;
#[cfg(windows)]
pub mod calls;
#[cfg(windows)]
pub mod closed;
pub(crate) mod service_sid;
