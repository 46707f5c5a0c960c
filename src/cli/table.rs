//! Tables for people: plain columns that survive a pipe, and texts that cannot steer a terminal.

use comfy_table::{Table, presets};

use crate::foreign::is_steering;
use crate::katalon::terminal::without_sequences;

/// A table with a line of titles.
pub(super) fn table<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = Table::new();

    // No borders: columns of blanks are what `cut` and `awk` can take apart.
    table.load_style(presets::NOTHING);
    table.set_header(titles);

    table
}

/// The text of a value that may be missing.
pub(super) fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| plain(&value.to_string()))
}

/// The text without characters that would steer a terminal: everything in a log or an answer is
/// foreign.
pub(super) fn plain(text: &str) -> String {
    without_sequences(text).replace(|letter| is_steering(letter) || letter == '\t', " ")
}
