//! Why a value of `kado.toml` is not taken, in words that go behind the name of its key, or behind
//! "it" where the wrong value is shown before them.

use crate::katalon::id_rule::NoPattern;
use crate::katalon::redaction::NoRedactPattern;
use crate::server::ServerUrlError;

/// What a backslash in a text most often was meant to be.
const PATHS: &str = "write Windows paths in single quotes, such as 'C:\\agent\\_work'";

/// Why a value is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValueError {
    /// It is of another kind, or has another form.
    #[error("must be {0}")]
    MustBe(&'static str),
    /// It is none of these words.
    #[error("takes {}", one_of(.0))]
    NotAmong(Vec<String>),
    /// It is a text of nothing but blanks.
    #[error("must not be empty")]
    Blank,
    /// It is a list of nothing.
    #[error("is empty{meaning}")]
    NothingListed {
        /// What that means, or what to write in its place, with a sign of punctuation before it.
        meaning: &'static str,
    },
    /// It is longer than any such text.
    #[error("must have at most {most} bytes")]
    TooLong { most: usize },
    /// It holds more than anybody needs.
    #[error("must hold at most {most} {things}")]
    TooMany { most: usize, things: &'static str },
    /// A tab or a bell in a path is most often the `\t` or `\a` of one that stands in double
    /// quotes.
    #[error("must not hold control characters; {PATHS}")]
    ControlCharacters,
    /// It ends where another program would stop reading.
    #[error("must not hold the character NUL")]
    Nul,
    /// Somebody wrote the token where its file belongs.
    #[error(
        "takes the path of a file and holds what looks like a token: write the token into a file \
         that only kado may read, and name that file here"
    )]
    TokenInPlaceOfItsFile,
    /// It starts like a macro of ADO, and is another one than this.
    #[error("must have \"{known}\" or the path of an iteration as its `iteration`")]
    UnknownIteration { known: &'static str },
    /// A path of an area or an iteration is wrong.
    #[error("must be a description with paths; a path {0}")]
    WrongPathInAdo(Box<Self>),
    /// An item of a list is wrong.
    #[error("holds {shown}; an item {expected}")]
    WrongItem {
        /// The item, as a message shows it.
        shown: String,
        expected: Box<Self>,
    },
    /// The value is wrong, and may be shown.
    #[error("is {shown}; it {expected}")]
    Wrong {
        /// The value, as a message shows it.
        shown: String,
        expected: Box<Self>,
    },
    /// It is no server that kado could speak to.
    #[error("is wrong: {0}")]
    Server(ServerUrlError),
    /// It is no expression with an id in a group.
    #[error("must be a regular expression with the id in a group, such as 'TC-([0-9]+)': {0}")]
    IdPattern(NoPattern),
    /// A pattern that hides something is no text; it is told by its number, from 1.
    #[error("must be a list of texts, which item {number} is not")]
    HiddenItem { number: usize },
    /// A pattern that hides something cannot be used; it is told by its number, from 1.
    #[error("holds an item that cannot be used: item {number} {error}")]
    RedactPattern {
        number: usize,
        error: NoRedactPattern,
    },
    /// More patterns than kado looks for in each text.
    #[error("holds more than {most} patterns")]
    TooManyPatterns { most: usize },
}

/// A message of the TOML reader, with the way out of the most common mistake.
pub(super) fn with_way_out(message: &str) -> String {
    if message.contains("escape") {
        format!("{message}; {PATHS}")
    } else {
        message.to_owned()
    }
}

/// `"one", "two" or "three"`.
fn one_of(words: &[String]) -> String {
    let mut listed = String::new();
    for (at, word) in words.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == words.len() => " or ",
            _ => ", ",
        };
        listed.push_str(&format!("{before}\"{word}\""));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_to_choose_from_are_listed_as_people_do() {
        let told = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            ValueError::NotAmong(words).to_string()
        };

        assert_eq!(told(&["park"]), "takes \"park\"");
        assert_eq!(told(&["park", "send"]), "takes \"park\" or \"send\"");
        assert_eq!(told(&["a", "b", "c"]), "takes \"a\", \"b\" or \"c\"");
    }
}
