//! Regular expressions that people write into a configuration, within bounds: what is compiled
//! takes at most 1 MiB, and an error is one line that repeats nothing of the expression.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take: a project's own file may hold any.
const LARGEST: usize = 1 << 20;

/// What is wrong with an expression, in one line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

/// Compiles an expression.
///
/// # Errors
/// When it is none, or when it takes more than it may.
pub(super) fn compile(pattern: &str) -> Result<Regex, BadPattern> {
    RegexBuilder::new(pattern)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| in_one_line(&error))
}

/// What is wrong with a regular expression, which the crate tells in several lines with a drawing.
fn in_one_line(error: &regex::Error) -> BadPattern {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    BadPattern(last.strip_prefix("error: ").unwrap_or(last).to_owned())
}
