//! Regular expressions that people write into a configuration, within bounds: what is compiled
//! takes at most 1 MiB, and an error is one line that repeats nothing of the expression.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take: a project's own file may hold any.
const LARGEST: usize = 1 << 20;

/// Compiles an expression.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| in_one_line(&error))
}

/// What is wrong with a regular expression, which the crate tells in several lines with a drawing.
fn in_one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
