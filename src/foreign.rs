//! Texts of others on their way to a person: into the log, or onto a terminal.
//!
//! Names of folders, messages of tests and answers of servers are written by whoever can write a
//! project or stand in for a server. An ESC in them would steer the terminal, a line break would
//! forge a line of the log, and a bidirectional control would show a name in another order than it
//! has. So what is written for people passes through here, whatever it is made of: no place has to
//! remember which of its texts are foreign.
//!
//! The agent of a pipeline steers as well: it reads along what a step writes, and takes `##vso[…]`
//! and `##[…]` anywhere in a line (Azure Pipelines, older runners of GitHub) and `::…` at its
//! beginning (GitHub Actions) for commands. A test that is called so must not set a variable.
//!
//! The escapes are those of JSON, so that a document stays one.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What begins a command of Azure Pipelines, but for the bracket.
const AGENT_COMMAND: [char; 5] = ['#', '#', 'v', 's', 'o'];

/// A text in one line: everything in it that would steer a terminal or begin a line is escaped.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let mut line = LineSoFar::default();
    escape(text, &mut line, |letter| {
        is_steering(letter) || letter == '\t'
    })
}

/// A text of several lines: what would steer a terminal is escaped; line breaks and tabulators
/// stay.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    lines_behind(text, &mut LineSoFar::default())
}

/// The same of a text that goes on where another one ended.
pub(crate) fn lines_behind<'a>(text: &'a str, line: &mut LineSoFar) -> Cow<'a, str> {
    escape(text, line, |letter| is_steering(letter) && letter != '\n')
}

/// A text that steers the terminal as it is to, and is no command of an agent.
pub(crate) fn no_agent_command(text: &str) -> Cow<'_, str> {
    escape(text, &mut LineSoFar::default(), |_| false)
}

/// How far a line is on its way to being a command of an agent.
#[derive(Clone, Copy, Default)]
pub(crate) struct LineSoFar {
    /// How many letters of [`AGENT_COMMAND`] stand at its end.
    matched: usize,
    beginning: Beginning,
}

/// What a line begins with.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Beginning {
    #[default]
    Blank,
    Colon,
    Other,
}

impl LineSoFar {
    /// Takes the next letter; whether it would make the line a command.
    fn becomes_command(&mut self, letter: char) -> bool {
        if letter == '\n' {
            *self = Self::default();
            return false;
        }

        let is_bracket = letter == '[' && matches!(self.matched, 2 | 5);
        let is_next = AGENT_COMMAND
            .get(self.matched)
            .is_some_and(|next| letter.eq_ignore_ascii_case(next));
        self.matched = match letter {
            _ if is_next => self.matched + 1,
            // Of three signs the last two count.
            '#' if self.matched == 2 => 2,
            '#' => 1,
            _ => 0,
        };

        let is_second_colon = letter == ':' && self.beginning == Beginning::Colon;
        self.beginning = match (self.beginning, letter) {
            (Beginning::Blank, ':') => Beginning::Colon,
            (Beginning::Blank, letter) if letter.is_whitespace() => Beginning::Blank,
            _ => Beginning::Other,
        };
        is_bracket || is_second_colon
    }
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

fn escape<'a>(
    text: &'a str,
    line: &mut LineSoFar,
    is_escaped: impl Fn(char) -> bool,
) -> Cow<'a, str> {
    let before = *line;
    let mut is_as_it_is = true;
    for letter in text.chars() {
        let is_command = line.becomes_command(letter);
        is_as_it_is &= !is_command && !is_escaped(letter);
    }
    if is_as_it_is {
        return Cow::Borrowed(text);
    }

    *line = before;
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        let is_command = line.becomes_command(letter);
        match letter {
            _ if !is_command && !is_escaped(letter) => escaped.push(letter),
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
    fn what_ends_a_line_is_shown_by_its_name() {
        assert_eq!(one_line("a\r\nb"), "a\\r\\nb");
    }

    #[test]
    fn blanks_before_two_colons_hide_no_command_and_another_letter_makes_it_none() {
        assert_eq!(lines(" \t::warning::y"), " \t:\\u003awarning::y");
        assert_eq!(lines("a::warning::y"), "a::warning::y");
    }

    #[test]
    fn lines_stay_lines_and_letters_of_all_scripts_stay_letters() {
        let text = "日本語\tÄ\nעברית 🎉";

        assert_eq!(lines(text), text);
    }

    #[test]
    fn no_text_is_a_command_of_an_agent() {
        let shown =
            lines("a ##vso[task.setvariable]x\n ::warning::y\n###[error]z\n: :: [#] ##VSO[");

        assert_eq!(
            shown,
            "a ##vso\\u005btask.setvariable]x\n :\\u003awarning::y\n###\\u005berror]z\n: :: [#] \
             ##VSO\\u005b"
        );
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
