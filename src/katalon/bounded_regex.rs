//! Regular expressions that people write into a configuration, within bounds: what is compiled
//! takes no more than it may, and an error is one line that repeats nothing of the expression.

use regex::{Regex, RegexBuilder};

/// Bytes of the tables that matching makes as it goes along.
const LARGEST_TABLES: usize = 1 << 20;

/// What is wrong with an expression, in one line that goes behind "is".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPattern {
    /// It is none, for this reason.
    #[error("no regular expression: {0}")]
    Syntax(String),
    /// It takes more than so many bytes.
    #[error(
        "larger than {} KiB once it is compiled; write `[0-9]` for `\\d`, `[0-9A-Za-z_]` for `\\w`, \
         and smaller counts in braces",
        .0 >> 10
    )]
    TooLarge(usize),
}

/// Compiles an expression that takes at most `largest` bytes.
///
/// # Errors
/// When it is none, or when it takes more.
pub(super) fn compile(pattern: &str, largest: usize) -> Result<Regex, BadPattern> {
    RegexBuilder::new(pattern)
        .size_limit(largest)
        .dfa_size_limit(LARGEST_TABLES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BadPattern::TooLarge(largest),
            error => BadPattern::Syntax(in_one_line(&error)),
        })
}

/// What is wrong with a regular expression, which the crate tells in several lines with a drawing.
fn in_one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
