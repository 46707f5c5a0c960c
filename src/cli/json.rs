//! The one way in which a command prints JSON.

use std::io::Write;

use serde::Serialize;

/// Prints a value as JSON with indentation, and ends the line.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn print(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;

    Ok(())
}
