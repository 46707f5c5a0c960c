//! Signals that ask a command to end.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::process::ExitStatus;

pub(super) use system::{Asked, Signals};

/// Passes a signal on to the process `pid`, unless it got the signal itself.
pub(super) fn pass_on(signal: Asked, pid: Option<u32>) {
    system::pass_on(signal, pid);
}

/// The exit code of a process that ended so.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    system::exit_code(status)
}
