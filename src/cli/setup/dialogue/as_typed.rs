//! What stands below a text while it is typed: how it may go on, and why it is not right yet or
//! what it is taken for.

use inquire::autocompletion::{Autocomplete, Replacement};
use inquire::validator::{ErrorMessage, Validation};
use inquire::{CustomUserError, Text};

use crate::cli::setup::dialogue::Check;
use crate::foreign::one_line;

/// What a line begins with that is no text to choose. Nothing that is asked for begins so.
const REMARK: &str = "→ ";
/// Texts that are offered at once, so that the remark below them is seen.
const MOST_OFFERED: usize = 6;

/// How a question goes along with what is typed.
#[derive(Clone, Copy)]
pub(in crate::cli::setup) struct Typed {
    check: Check,
    meaning: fn(&str) -> Option<String>,
    completions: fn(&str) -> Vec<String>,
}

impl Typed {
    /// The text is asked for until `check` finds nothing wrong with it.
    pub(in crate::cli::setup) const fn checked(check: Check) -> Self {
        Self {
            check,
            meaning: |_| None,
            completions: |_| Vec::new(),
        }
    }

    /// What a right text is taken for, where that is another one.
    pub(in crate::cli::setup) const fn meaning(self, meaning: fn(&str) -> Option<String>) -> Self {
        Self { meaning, ..self }
    }

    /// How a text may go on.
    pub(in crate::cli::setup) const fn completed(
        self,
        completions: fn(&str) -> Vec<String>,
    ) -> Self {
        Self {
            completions,
            ..self
        }
    }

    /// Has a prompt use all of it.
    pub(super) fn go_along<'a>(self, text: Text<'a, 'a>) -> Text<'a, 'a> {
        text.with_autocomplete(self)
            .with_validator(move |entered: &str| {
                Ok(match self.wrong(entered) {
                    Some(wrong) => Validation::Invalid(ErrorMessage::Custom(wrong)),
                    None => Validation::Valid,
                })
            })
    }

    /// Why a text cannot be taken when Enter is pressed.
    fn wrong(self, entered: &str) -> Option<String> {
        if entered.starts_with(REMARK) {
            return Some("that line only tells something; go up again and type on".to_owned());
        }
        (self.check)(entered)
    }

    /// The lines below a text.
    fn lines(self, typed: &str) -> Vec<String> {
        // Before anybody typed there is nothing to find fault with.
        if typed.trim().is_empty() {
            return Vec::new();
        }

        let mut lines = (self.completions)(typed);
        lines.truncate(MOST_OFFERED);
        let remark = match (self.check)(typed) {
            Some(wrong) => Some(format!("not yet: {wrong}")),
            None => (self.meaning)(typed).map(|meaning| format!("taken for {meaning}")),
        };
        if let Some(remark) = remark {
            lines.push(format!("{REMARK}{}", one_line(&remark)));
        }
        lines
    }
}

impl Autocomplete for Typed {
    fn get_suggestions(&mut self, typed: &str) -> Result<Vec<String>, CustomUserError> {
        Ok(self.lines(typed))
    }

    fn get_completion(
        &mut self,
        typed: &str,
        highlighted: Option<String>,
    ) -> Result<Replacement, CustomUserError> {
        let longer = match highlighted {
            Some(line) => (!line.starts_with(REMARK)).then_some(line),
            None => common_beginning(&(self.completions)(typed)),
        };
        Ok(longer.filter(|text| text != typed))
    }
}

/// What all texts begin with; `None` where there is no text.
fn common_beginning(texts: &[String]) -> Option<String> {
    let (first, others) = texts.split_first()?;
    let mut length = first.len();

    for other in others {
        let same = first.chars().zip(other.chars()).take_while(|(a, b)| a == b);
        let bytes: usize = same.map(|(letter, _)| letter.len_utf8()).sum();
        length = length.min(bytes);
    }
    first.get(..length).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> Typed {
        Typed::checked(|text| {
            text.parse::<u32>()
                .is_err()
                .then(|| format!("`{text}` is no number"))
        })
    }

    #[test]
    fn what_is_wrong_is_said_from_the_first_letter_on() {
        assert_eq!(numbers().lines(""), [""; 0]);
        assert_eq!(numbers().lines("1x"), ["→ not yet: `1x` is no number"]);
        assert_eq!(numbers().lines("1"), [""; 0]);
    }

    #[test]
    fn what_a_text_is_taken_for_is_said() {
        let doubling = numbers().meaning(|text| Some(format!("2 × {text}")));

        assert_eq!(doubling.lines("21"), ["→ taken for 2 × 21"]);
        assert_eq!(doubling.lines("x"), ["→ not yet: `x` is no number"]);
    }

    #[test]
    fn tab_completes_what_is_common_and_never_a_remark() {
        let mut words = numbers().completed(|_| vec!["größe".to_owned(), "größer".to_owned()]);

        let common = words.get_completion("gr", None).unwrap();
        let again = words.get_completion("größe", None).unwrap();
        let chosen = words.get_completion("gr", Some("größer".to_owned()));
        let remark = words.get_completion("gr", Some("→ not yet: no".to_owned()));

        assert_eq!(common.as_deref(), Some("größe"));
        assert_eq!(again, None);
        assert_eq!(chosen.unwrap().as_deref(), Some("größer"));
        assert_eq!(remark.unwrap(), None);
    }

    #[test]
    fn a_remark_is_no_answer_where_every_text_is_one() {
        let anything = Typed::checked(|_| None);

        assert!(anything.wrong("→ taken for more").is_some());
        assert_eq!(anything.wrong("more"), None);
    }
}
