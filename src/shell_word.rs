//! How a path or a name stands in a command that people copy from kado's texts into a shell. Pure.
//!
//! Names are those of whoever writes a project folder, and in double quotes a shell carries out
//! what it finds in `$(…)`: so a word that any shell may read something into stands in single ones.

use std::fmt::Display;

/// What sh and an interactive bash do not take as it is between double quotes.
#[cfg(not(windows))]
const READ_IN_DOUBLE_QUOTES: &[char] = &['"', '$', '`', '\\', '!'];
/// What PowerShell does not take as it is between double quotes; it knows the curly ones as well.
#[cfg(windows)]
const READ_IN_DOUBLE_QUOTES: &[char] = &['"', '$', '`', '\u{201c}', '\u{201d}', '\u{201e}'];

/// A word of a command, in double quotes as people write paths, where no shell reads anything into
/// it, else in single ones.
pub(crate) fn shell_word(text: impl Display) -> String {
    let text = text.to_string();
    if text.contains(READ_IN_DOUBLE_QUOTES) {
        single_quoted(text)
    } else {
        format!("\"{text}\"")
    }
}

/// A word of a command in single quotes, between which sh reads nothing.
#[cfg(not(windows))]
pub(crate) fn single_quoted(text: impl Display) -> String {
    format!("'{}'", text.to_string().replace('\'', r"'\''"))
}

/// A word of a command in single quotes, between which PowerShell reads nothing but such quotes,
/// of which it knows four more.
#[cfg(windows)]
pub(crate) fn single_quoted(text: impl Display) -> String {
    let mut quoted = String::from("'");
    for letter in text.to_string().chars() {
        if matches!(letter, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(letter);
        }
        quoted.push(letter);
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_in_double_quotes_as_people_write_it() {
        assert_eq!(shell_word("/agents/Shop 2/it's"), "\"/agents/Shop 2/it's\"");
    }

    #[cfg(not(windows))]
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a shell itself says what it reads"
    )]
    fn a_shell_gives_every_word_back_as_it_was_and_runs_nothing_of_it() {
        let words = [
            "plain",
            "$(touch PWNED)",
            "`touch PWNED`",
            "\"; touch PWNED; \"",
            "'; touch PWNED; '",
            "$HOME and \\ and !! and '",
        ];

        for word in words {
            for quoted in [shell_word(word), single_quoted(word)] {
                let echo = format!("printf %s {quoted}");
                let said = std::process::Command::new("sh")
                    .args(["-c", &echo])
                    .output()
                    .expect("there is a shell");
                assert_eq!(String::from_utf8_lossy(&said.stdout), word, "{quoted}");
            }
        }
    }

    #[cfg(windows)]
    #[test]
    fn powershell_finds_no_end_of_a_word_within_it() {
        assert_eq!(shell_word("C:\\a$(b)'c"), "'C:\\a$(b)''c'");
        assert_eq!(
            single_quoted("a\u{2019}b"),
            "'a\u{2019}\u{2019}b'",
            "a curly quote ends a word as well"
        );
    }
}
