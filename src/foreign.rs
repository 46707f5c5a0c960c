//! Texts of others on their way to a person: into the log, or onto a terminal.
//!
//! Names of folders, messages of tests and answers of servers are written by whoever can write a
//! project or stand in for a server. An ESC in them would steer the terminal, a line break would
//! forge a line of the log, and a bidirectional control would show a name in another order than it
//! has. So what is written for people passes through here, whatever it is made of: no place has to
//! remember which of its texts are foreign.
//!
//! The escapes are those of JSON, so that a document stays one.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text in one line: everything in it that would steer a terminal or begin a line is escaped.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escape(text, |letter| is_steering(letter) || letter == '\t')
}

/// A text of several lines: what would steer a terminal is escaped; line breaks and tabulators stay.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |letter| is_steering(letter) && letter != '\n')
}

/// Whether a letter does something other than to show itself: controls of both sets, separators of
/// lines, and what changes the order in which a line is read (UAX #9). A tabulator is none.
pub(crate) fn is_steering(letter: char) -> bool {
    (letter.is_control() && letter != '\t')
        || matches!(
            letter,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }

    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            _ if !is_escaped(letter) => escaped.push(letter),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => {
                // All of them lie in the first plane, so four digits are enough. Writing to a text
                // does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(letter));
            }
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown_instead() {
        let shown = one_line("a\u{1b}[31mb\u{9b}2J\u{7f}\u{202e}c\nERROR forged\td");

        assert_eq!(
            shown,
            "a\\u001b[31mb\\u009b2J\\u007f\\u202ec\\nERROR forged\\td"
        );
    }

    #[test]
    fn lines_stay_lines_and_letters_of_all_scripts_stay_letters() {
        let text = "日本語\tÄ\nעברית 🎉";

        assert_eq!(lines(text), text);
    }

    proptest! {
        #[test]
        fn a_document_of_json_says_the_same_behind_it(text in "\\PC{0,20}[\\x00-\\x1f\u{80}-\u{9f}\u{2028}-\u{202e}]{0,5}") {
            let document = serde_json::to_string(&text).unwrap();

            let shown = lines(&document);

            prop_assert!(!shown.chars().any(is_steering));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
