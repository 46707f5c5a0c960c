//! SIGTERM, SIGINT, SIGHUP and SIGQUIT. What a terminal sends reaches every process in the
//! foreground, so the command has got it already; what was sent to kado alone is passed on.

use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// A signal that asks to end.
pub(in crate::cli::exec::child) type Asked = Signal;

/// Hears the signals, and keeps them from ending kado.
pub(in crate::cli::exec::child) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
}

impl Signals {
    /// Hears signals from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.hang_up.recv() => Signal::HUP,
            _ = self.quit.recv() => Signal::QUIT,
        }
    }
}

/// Sends a signal to the command.
pub(super) fn pass_on(signal: Asked, pid: Option<u32>) {
    // A terminal sends these to every process in the foreground: the command has got it already.
    if signal != Signal::TERM && has_terminal() {
        return;
    }

    let pid = pid
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A command that has just ended needs no signal any more.
        let _ = kill_process(pid, signal);
    }
}

fn has_terminal() -> bool {
    std::io::stdin().is_terminal()
        || std::io::stdout().is_terminal()
        || std::io::stderr().is_terminal()
}

/// The command's own code, or 128 and the number of the signal that ended it.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1)
}
