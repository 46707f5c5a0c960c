//! Facts in two columns: a name, and what is known of it.

use std::io;

use crate::cli::terminal::{Piece, Screen, Tone};

/// Columns of the names, with the blank behind them.
const NAMES: usize = 14;

/// Writes a fact. What goes on below stands under its beginning.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn fact(out: &mut Screen<'_>, name: &str, value: impl Into<Piece>) -> io::Result<()> {
    fact_in_pieces(out, name, vec![value.into()])
}

/// Writes a fact if it is known.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn fact_if_known<T: ToString>(
    out: &mut Screen<'_>,
    name: &str,
    value: Option<T>,
) -> io::Result<()> {
    match value {
        Some(value) => fact(out, name, value.to_string()),
        None => Ok(()),
    }
}

/// Writes a fact that is made of pieces.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn fact_in_pieces(
    out: &mut Screen<'_>,
    name: &str,
    value: Vec<Piece>,
) -> io::Result<()> {
    // A name that is too long keeps its distance all the same.
    let width = NAMES - 1;
    let mut pieces = vec![
        Piece::toned(Tone::Title, format!("{name:<width$}")),
        " ".into(),
    ];
    pieces.extend(value);
    out.line(NAMES, &pieces)
}
