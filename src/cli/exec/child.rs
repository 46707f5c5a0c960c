//! The command of `kado exec`: everything is passed through, in both directions, but for what the
//! environment says to kado alone.

mod signals;

use std::ffi::OsString;

use anyhow::Context as _;
use tokio::process::Command;

use crate::child_environment;
use crate::cli::error::UsageError;

use signals::Signals;

/// Runs a command to its end and gives its exit code; one that a signal ended has 128 and the
/// signal's number, as shells say it. A signal that asks kado to end is passed on, and the
/// command's end is waited for.
///
/// # Errors
/// When the command cannot be started.
pub(super) async fn run(command: &[OsString]) -> anyhow::Result<i32> {
    let (program, arguments) = command.split_first().context("there is no command")?;

    // Heard from before the command starts, so that no signal ends kado alone.
    let mut signals = Signals::listen()?;
    let mut katalonc = Command::from(child_environment::program(program));
    katalonc.args(arguments);

    let mut child = katalonc.spawn().map_err(|error| {
        let program = program.to_string_lossy();
        UsageError(format!("`{program}` cannot be started: {error}"))
    })?;
    let pid = child.id();

    loop {
        tokio::select! {
            status = child.wait() => return Ok(signals::exit_code(status?)),
            signal = signals.next() => signals::pass_on(signal, pid),
        }
    }
}
