//! Whether a command prints for people or JSON, and the one way in which it prints that.

use std::io::Write;

use serde::Serialize;

/// In which form a command prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputForm {
    /// Text for people.
    Text,
    /// JSON for scripts.
    Json,
}

impl OutputForm {
    /// What the flag `--json` says.
    pub(super) const fn of_flag(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Prints a value as JSON with indentation, and ends the line.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn print(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;

    Ok(())
}
