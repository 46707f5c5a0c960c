//! Numbers with their nouns: the one place that decides between `1 run` and `2 runs`.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_thing_has_the_singular() {
        assert_eq!(counted(0, "run"), "0 runs");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(2, "run"), "2 runs");
        assert_eq!(form(1, "waits", "wait"), "waits");
        assert_eq!(form(2, "waits", "wait"), "wait");
    }
}
