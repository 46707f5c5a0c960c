//! Texts for people that cannot steer a terminal, on one line.

use crate::foreign::is_steering;
use crate::katalon::terminal::without_sequences;

/// The text of a value that may be missing.
pub(super) fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| plain(&value.to_string()))
}

/// The text without characters that would steer a terminal: everything in a log or an answer is
/// foreign.
pub(super) fn plain(text: &str) -> String {
    without_sequences(text).replace(|letter| is_steering(letter) || letter == '\t', " ")
}
