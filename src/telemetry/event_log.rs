//! What an operator has to do something about also goes to the Event Log of Windows, while kado
//! runs as its service.

#[cfg_attr(unix, path = "event_log/unix.rs")]
#[cfg_attr(windows, path = "event_log/windows.rs")]
mod system;

pub(super) use system::{is_used, layer};
