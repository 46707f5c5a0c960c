//! Numbers with their nouns: the one place that decides between `1 run` and `2 runs`, and how long
//! a span is called.

use std::fmt::Display;

/// How many there are of something whose plural ends in `s`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    if count == N::from(1) {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

/// The form of a word that goes with a number, where the number stands elsewhere or the plural is
/// another word: `waits` and `wait`, `is` and `are`.
pub(crate) const fn form(count: usize, one: &'static str, several: &'static str) -> &'static str {
    if count == 1 { one } else { several }
}

/// A span as people say it, by its largest unit.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => counted(seconds, "second"),
        60..3600 => counted(seconds / 60, "minute"),
        3600..86_400 => counted(seconds / 3600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_largest_unit() {
        assert_eq!(span(0), "0 seconds");
        assert_eq!(span(60), "1 minute");
        assert_eq!(span(7199), "1 hour");
        assert_eq!(span(200_000), "2 days");
    }

    #[test]
    fn only_one_thing_has_the_singular() {
        assert_eq!(counted(0, "run"), "0 runs");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(2, "run"), "2 runs");
        assert_eq!(form(1, "waits", "wait"), "waits");
        assert_eq!(form(2, "waits", "wait"), "wait");
    }
}
