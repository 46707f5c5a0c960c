//! Programs of the system.

use std::process::Command;

use crate::service::ServiceError;

/// Runs a program and gives what it printed.
///
/// # Errors
/// When it cannot be started or fails, with what it says.
pub(super) fn output(command: &mut Command) -> Result<String, ServiceError> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    let failed = |output: String| ServiceError::Command {
        command: words.clone(),
        output,
    };
    let ended = command
        .output()
        .map_err(|error| failed(error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if ended.status.success() {
        return Ok(text(&ended.stdout));
    }
    let said = [text(&ended.stderr), text(&ended.stdout)]
        .into_iter()
        .find(|said| !said.is_empty());
    Err(failed(said.unwrap_or_else(|| ended.status.to_string())))
}
