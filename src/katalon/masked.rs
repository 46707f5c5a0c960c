//! Values that Katalon masks in its log: whoever masks a variable says that its value is a secret,
//! so it is looked for in texts (`redaction`). They have no printable form and are stored nowhere.

use std::collections::BTreeSet;
use std::fmt;

/// Values that are kept; each costs a search in each text of a run.
const MOST: usize = 100;
/// Characters of the shortest value that is kept: shorter ones are part of every text.
const SHORTEST: usize = 4;
/// Bytes of the longest value that is kept.
const LONGEST: usize = 8 * 1024;

/// Some masked values, each once.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MaskedValues {
    values: BTreeSet<String>,
    /// Whether there was one that found no room.
    overflowed: bool,
}

impl MaskedValues {
    /// Keeps a value, unless it is its own mask or too short to be told from other text.
    pub(crate) fn note(&mut self, value: &str) {
        let value = value.trim();
        let is_mask = value.bytes().all(|byte| byte == b'*');
        let is_word = matches!(value, "true" | "false" | "null");
        if is_mask || is_word || value.chars().count() < SHORTEST || value.len() > LONGEST {
            return;
        }

        if self.values.len() < MOST {
            self.values.insert(value.to_owned());
        } else if !self.values.contains(value) {
            self.overflowed = true;
        }
    }

    /// Keeps those of another as well.
    pub(crate) fn merge(&mut self, other: &Self) {
        for value in &other.values {
            self.note(value);
        }
        self.overflowed |= other.overflowed;
    }

    /// The longest first, so that none is left in part where another is hidden in it.
    pub(crate) fn longest_first(&self) -> Vec<&str> {
        let mut values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values
    }

    /// That some of them are not looked for, in words; `None` where all are.
    pub(crate) fn warning(&self) -> Option<String> {
        self.overflowed.then(|| {
            format!(
                "the run has more than {MOST} masked values; only {MOST} of them are hidden in texts"
            )
        })
    }
}

/// Shows nothing of them.
impl fmt::Debug for MaskedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskedValues({} of them)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(values: &[&str]) -> MaskedValues {
        let mut masked = MaskedValues::default();
        for value in values {
            masked.note(value);
        }
        masked
    }

    #[test]
    fn a_value_is_kept_from_four_letters_to_what_one_field_holds() {
        let longest = "x".repeat(LONGEST);
        let too_long = "x".repeat(LONGEST + 1);

        let masked = noted(&["abc", "abcd", &longest, &too_long]);

        assert_eq!(masked.longest_first(), [longest.as_str(), "abcd"]);
    }

    #[test]
    fn a_value_that_is_kept_already_needs_no_room() {
        let mut masked = MaskedValues::default();
        for number in 0..MOST {
            masked.note(&format!("value {number}"));
        }

        masked.note("value 0");
        assert_eq!(masked.warning(), None);
        masked.note("one more");
        assert!(masked.warning().is_some());
    }

    #[test]
    fn only_what_can_be_told_from_other_text_is_kept() {
        let masked = noted(&[
            "hunter2",
            " hunter2 ",
            "abc",
            "",
            "******",
            "true",
            "Äöüß",
            "12345",
        ]);

        assert_eq!(masked.longest_first(), ["Äöüß", "hunter2", "12345"]);
    }

    #[test]
    fn values_that_are_too_many_are_told() {
        let mut masked = MaskedValues::default();
        for number in 0..MOST {
            masked.note(&format!("value {number}"));
        }
        assert_eq!(masked.warning(), None);

        masked.merge(&noted(&["value 0", "one more"]));

        assert_eq!(masked.longest_first().len(), MOST);
        assert!(masked.warning().unwrap().contains("more than 100"));
    }

    #[test]
    fn no_value_is_printed() {
        let masked = noted(&["hunter2"]);

        assert!(!format!("{masked:?}").contains("hunter2"));
    }
}
