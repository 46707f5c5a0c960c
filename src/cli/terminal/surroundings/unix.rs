//! Terminals of Unix take sequences, and which letters they have is a matter of the locale.

use std::io::IsTerminal;

/// Whether every letter can be shown, whatever the locale says.
pub(super) const IS_UNICODE: bool = false;

/// Has an output take sequences; whether it does.
pub(super) fn takes_sequences(output: &impl IsTerminal) -> bool {
    output.is_terminal()
}
