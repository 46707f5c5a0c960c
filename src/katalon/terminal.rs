//! Terminal sequences in texts: colours, links, cursor moves.
//!
//! Test tools colour their messages for a terminal. Anywhere else such a sequence is noise, and its
//! rest is when only the ESC is taken away: so it goes as a whole.

use std::borrow::Cow;

const ESC: char = '\u{1b}';
/// The same beginnings as one character (C1): of a control sequence, and of strings.
const CSI: char = '\u{9b}';
const STRINGS: [char; 5] = ['\u{90}', '\u{98}', '\u{9d}', '\u{9e}', '\u{9f}'];
const END_OF_STRING: char = '\u{9c}';
const BELL: char = '\u{7}';

/// Bytes that one sequence takes at most; a string whose end is missing is let go behind its
/// beginning, so that it does not swallow the text.
const LONGEST: usize = 4096;

/// `text` without terminal sequences. The text between them stays, also that of a link.
pub(crate) fn without_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains(begins) {
        return Cow::Borrowed(text);
    }

    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(begins) {
        plain.push_str(&rest[..at]);
        rest = behind_sequence(&rest[at..]);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn begins(letter: char) -> bool {
    letter == ESC || letter == CSI || STRINGS.contains(&letter)
}

/// What stands behind the sequence at the beginning of a text (ECMA-48, 5.3 to 5.6).
fn behind_sequence(text: &str) -> &str {
    let mut letters = text.chars();
    let first = letters.next();
    let kind = if first == Some(ESC) {
        letters.next()
    } else {
        None
    };

    match (first, kind) {
        (Some(CSI), _) | (_, Some('[')) => behind_control(letters.as_str()),
        (_, Some('P' | 'X' | ']' | '^' | '_')) => behind_string(letters.as_str()),
        (Some(first), None) if STRINGS.contains(&first) => behind_string(letters.as_str()),
        // A character set, as `ESC ( B`.
        (_, Some(' '..='/')) => {
            let rest = letters.as_str().trim_start_matches(is_intermediate);
            rest.strip_prefix(|last| matches!(last, '0'..='~'))
                .unwrap_or(rest)
        }

        // One letter, as `ESC 7`.
        (_, Some('0'..='~')) => letters.as_str(),
        // An ESC alone.
        _ => &text[first.map_or(0, char::len_utf8)..],
    }
}

/// Behind parameters, intermediates and the letter that ends a control sequence.
fn behind_control(text: &str) -> &str {
    let rest = text.trim_start_matches(|letter| matches!(letter, '0'..='?'));
    let rest = rest.trim_start_matches(is_intermediate);
    rest.strip_prefix(|last| matches!(last, '@'..='~'))
        .unwrap_or(rest)
}

fn is_intermediate(letter: char) -> bool {
    matches!(letter, ' '..='/')
}

/// Behind the end of a string, such as the target of a link.
fn behind_string(text: &str) -> &str {
    for (at, letter) in text.char_indices() {
        match letter {
            BELL | END_OF_STRING => return &text[at + letter.len_utf8()..],
            // Another sequence breaks the string off; `ESC \`, which ends it, is one as well.
            _ if begins(letter) => return &text[at..],
            '\n' => break,
            _ if at > LONGEST => break,
            _ => {}
        }
    }

    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sequence_goes_as_a_whole_and_the_text_stays() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;2;255;0;0;1mred\u{1b}[m", "red"),
            ("\u{1b}[2K\u{1b}[1;1Htop\u{1b}[?25l", "top"),
            (
                "see \u{1b}]8;;https://example.com/a\u{7}the page\u{1b}]8;;\u{7}.",
                "see the page.",
            ),
            ("\u{1b}]0;title\u{1b}\\text", "text"),
            ("\u{1b}(Btext\u{1b}7 \u{1b}8", "text "),
            ("\u{9b}31mred\u{9b}0m", "red"),
            ("\u{9d}8;;x\u{9c}link", "link"),
            ("cut \u{1b}[31", "cut "),
            ("cut \u{1b}", "cut "),
            ("\u{1b}]8;;no end\nnext line", "8;;no end\nnext line"),
            ("\u{1b}[31ärger", "ärger"),
            ("\u{1b}$(Btext\u{1b}[1 q", "text"),
            ("\u{9d}8;;x\u{9b}31mred", "red"),
            ("\u{9d}8;;x\u{90}y\u{9c}link", "link"),
            ("\u{1b}]8;;x\u{1b}[31mred", "red"),
            (
                "\u{1b}]8;;no end\nnext \u{7}line",
                "8;;no end\nnext \u{7}line",
            ),
        ];

        for (text, plain) in cases {
            assert_eq!(without_sequences(text), plain);
        }
    }

    proptest! {
        #[test]
        fn a_text_without_sequences_is_unchanged(text in "\\PC{0,60}") {
            prop_assert_eq!(without_sequences(&text), text.as_str());
        }

        #[test]
        fn nothing_of_a_sequence_survives(
            before in "[a-zäß ]{0,9}",
            sequence in "\u{1b}\\[[0-9;?]{0,9}[A-Za-z]|\u{1b}\\]8;;[a-z:/]{0,20}(\u{7}|\u{1b}\\\\)",
            after in "[a-zäß ]{0,9}"
        ) {
            let plain = without_sequences(&format!("{before}{sequence}{after}")).into_owned();
            prop_assert_eq!(plain, format!("{before}{after}"));
        }
    }
}
