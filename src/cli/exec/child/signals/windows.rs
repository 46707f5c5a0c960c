//! Ctrl-C and Ctrl-Break. Windows sends them to every process of the console, so there is nothing
//! to pass on: kado only must not end before the command does.

use std::process::ExitStatus;

use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

/// A signal that asks to end.
pub(in crate::cli::exec::child) type Asked = ();

/// Hears the signals, and keeps them from ending kado.
pub(in crate::cli::exec::child) struct Signals {
    interrupt: CtrlC,
    terminate: CtrlBreak,
}

impl Signals {
    /// Hears signals from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
        })
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

/// The command got it itself.
pub(crate) fn pass_on((): Asked, _pid: Option<u32>) {}

/// The command's own code.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}
