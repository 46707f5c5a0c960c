//! Programs of the system.

use std::process::Command;

use crate::service::ServiceError;

/// Runs a program and gives what it printed, without white space around it.
///
/// # Errors
/// When it cannot be started or fails, with what it says.
pub(super) fn output(command: &mut Command) -> Result<String, ServiceError> {
    let output = command
        .output()
        .map_err(|error| failed(command, error.to_string()))?;
    let stdout = trimmed(&output.stdout);
    if output.status.success() {
        return Ok(stdout);
    }

    // Some programs say on standard output why they failed, and some say nothing.
    let stderr = trimmed(&output.stderr);
    let reason = if !stderr.is_empty() {
        stderr
    } else if !stdout.is_empty() {
        stdout
    } else {
        output.status.to_string()
    };
    Err(failed(command, reason))
}

/// As [`output`], for a program that prints nothing of interest.
///
/// # Errors
/// As [`output`].
pub(super) fn run(command: &mut Command) -> Result<(), ServiceError> {
    output(command)?;
    Ok(())
}

fn failed(command: &Command, output: String) -> ServiceError {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }

    ServiceError::Command {
        command: words,
        output,
    }
}

fn trimmed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
