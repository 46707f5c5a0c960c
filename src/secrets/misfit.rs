//! What stands where a token should: people put it there as another program wants it. Sent as it is
//! it would be a token that nobody issued, so it is refused by its form, and nothing of it is
//! shown.
//!
//! Tokens have no one form: those of Azure DevOps are 52 or 84 letters and digits, those of Entra
//! hold dots, and servers on premises have others. So a single word that is none of the forms below
//! is taken for a token. Pure.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::katalon::secret::{ProjectToken, TokenForm};
use crate::katalon::text::decode;

/// Signs that people and programs put around a text.
const QUOTES: [char; 7] = [
    '"', '\'', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}',
];
/// Least bytes of a printable text whose Base64 is no coincidence: of random bytes three of eight
/// are printable.
const LEAST_ENCODED: usize = 20;

/// The form of what is no token. Its text goes behind the name of where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misfit {
    /// A key or certificate.
    Pem,
    SeveralLines,
    /// `NAME=token`
    Assignment,
    Quotes,
    /// `user:token` or `:token`
    User,
    /// The Base64 of a token or of `user:token`.
    Encoded,
    /// As Katalon encrypts it in the settings of a project.
    OfKatalon,
    Blanks,
    Other,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => {
                "holds a key or certificate (PEM) and no token; an application of Entra proves \
                 itself with one as `azure.identity.certificate_file`"
            }

            Self::SeveralLines => "holds several lines; leave only that of the token",
            Self::Assignment => "holds `NAME=token`; leave only what stands behind the `=`",
            Self::Quotes => "holds quotes; leave only what stands between them",
            Self::User => "holds `user:token`; leave only what stands behind the `:`",

            Self::Encoded => {
                "holds the Base64 of a token, as a header has it; write the token itself"
            }
            Self::OfKatalon => {
                "holds a token as Katalon encrypts it in the settings of a project; write the \
                 token itself"
            }
            Self::Blanks => "holds blanks; leave only the token, which is one word",
            Self::Other => {
                "holds something other than a token, which is one word of letters and digits"
            }
        })
    }
}

/// The token in the content of a file or variable: its text in whatever encoding an editor or shell
/// wrote it, without the white space around it. An empty text is an empty token.
///
/// # Errors
/// When what stands there is no token for sure.
pub(crate) fn token_in(content: &[u8]) -> Result<SecretString, Misfit> {
    let text = decode(content);
    let word = text.trim();
    match misfit(word) {
        Some(misfit) => Err(misfit),
        None => Ok(SecretString::from(word)),
    }
}

/// What a text is that is no token. The forms that hold others come first.
fn misfit(text: &str) -> Option<Misfit> {
    let of_words = if text.contains("-----BEGIN ") {
        Some(Misfit::Pem)
    } else if text.contains(['\n', '\r']) {
        Some(Misfit::SeveralLines)
    } else if is_assignment(text) {
        Some(Misfit::Assignment)
    } else if text.contains(QUOTES) {
        Some(Misfit::Quotes)
    } else if text.contains("://") {
        Some(Misfit::Other)
    } else if text.contains(':') {
        Some(Misfit::User)
    } else if text.contains(char::is_whitespace) {
        Some(Misfit::Blanks)
    } else if text.chars().any(|letter| !letter.is_ascii_graphic()) {
        Some(Misfit::Other)
    } else {
        None
    };

    if of_words.is_some() {
        of_words
    } else if is_encoded(text) {
        Some(Misfit::Encoded)
    } else if is_of_katalon(text) {
        Some(Misfit::OfKatalon)
    } else {
        None
    }
}

/// Whether something stands behind an `=`; at the end of a text it belongs to Base64.
fn is_assignment(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(_, value)| !value.trim_start_matches('=').trim().is_empty())
}

fn is_encoded(text: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(text) else {
        return false;
    };
    let is_printable = bytes.iter().all(u8::is_ascii_graphic);
    is_printable && (bytes.len() >= LEAST_ENCODED || bytes.contains(&b':'))
}

/// Whether a text is Katalon's encryption of a word: of another text that comes out of it is not
/// even well-formed.
fn is_of_katalon(text: &str) -> bool {
    match ProjectToken::read(text, TokenForm::Encrypted) {
        ProjectToken::Set(plain) => plain
            .expose_secret()
            .bytes()
            .all(|letter| letter.is_ascii_graphic()),
        // The encryption of an empty text.
        ProjectToken::Unset => !text.is_empty(),
        ProjectToken::Undecryptable(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token as Azure DevOps makes it.
    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

    /// What becomes of a content.
    fn read(content: &[u8]) -> Result<String, Misfit> {
        token_in(content).map(|token| token.expose_secret().to_owned())
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_token_is_what_is_left_without_what_editors_add() {
        for content in [
            "abc123",
            "abc123\n",
            "  abc123\r\n",
            "\u{feff}abc123\r\n",
            "\n\nabc123\n\n",
        ] {
            let token = read(content.as_bytes());

            assert_eq!(token.as_deref(), Ok("abc123"), "{content:?}");
        }
        assert_eq!(read(b"\n").as_deref(), Ok(""), "an empty token");
    }

    #[test]
    fn a_token_in_utf_16_is_read_with_and_without_its_mark() {
        for text in ["\u{feff}abc123\r\n", "abc123"] {
            for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                let token = read(&utf16(text, bytes));

                assert_eq!(token.as_deref(), Ok("abc123"), "{text:?}");
            }
        }
    }

    #[test]
    fn every_plausible_word_is_a_token() {
        for word in [
            TOKEN,
            &"aB3".repeat(28),
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2ln-bmF0_dXJl",
            "abc",
            "project-token-0123456789",
            "under_score.dot~tilde+plus/slash",
            "cGFkZGVkAA==",
        ] {
            assert_eq!(read(word.as_bytes()).as_deref(), Ok(word));
        }
    }

    #[test]
    fn what_is_no_token_is_named_by_its_form() {
        let encoded = |text: &str| STANDARD.encode(text);
        let cases = [
            (format!("KADO_TOKEN={TOKEN}"), Misfit::Assignment),
            (format!("export KADO_TOKEN='{TOKEN}'"), Misfit::Assignment),
            (format!("token = {TOKEN}"), Misfit::Assignment),
            (format!("\"{TOKEN}\""), Misfit::Quotes),
            (format!("\u{201c}{TOKEN}\u{201d}"), Misfit::Quotes),
            (format!("{{\"token\": \"{TOKEN}\"}}"), Misfit::Quotes),
            (format!(":{TOKEN}"), Misfit::User),
            (format!("bob:{TOKEN}"), Misfit::User),
            (format!("token: {TOKEN}"), Misfit::User),
            (format!("Bearer {TOKEN}"), Misfit::Blanks),
            (encoded(&format!(":{TOKEN}")), Misfit::Encoded),
            (encoded(&format!("bob:{TOKEN}")), Misfit::Encoded),
            (encoded(TOKEN), Misfit::Encoded),
            (format!("{TOKEN}\n{TOKEN}"), Misfit::SeveralLines),
            (format!("# mine\n{TOKEN}\n"), Misfit::SeveralLines),
            (
                "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n".to_owned(),
                Misfit::Pem,
            ),
            ("https://dev.azure.com/acme".to_owned(), Misfit::Other),
            ("t\u{f6}ken".to_owned(), Misfit::Other),
            ("a\0b".to_owned(), Misfit::Other),
        ];

        for (content, misfit) in cases {
            assert_eq!(read(content.as_bytes()), Err(misfit), "{content}");
        }
    }

    #[test]
    fn a_token_as_katalon_encrypts_it_is_named() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/crypto-vectors.json")).unwrap();
        let mut words = 0;

        for vector in file["vectors"].as_array().unwrap() {
            let plain = vector["plain"].as_str().unwrap();
            if !plain.bytes().all(|letter| letter.is_ascii_graphic()) {
                continue;
            }
            words += 1;
            let encrypted = vector["encrypted"].as_str().unwrap();

            assert_eq!(
                read(encrypted.as_bytes()),
                Err(Misfit::OfKatalon),
                "{plain}"
            );
        }

        assert!(words > 3, "{words}");
    }

    #[test]
    fn no_form_says_anything_of_the_content() {
        let content = format!("bob:{TOKEN}");

        let said = token_in(content.as_bytes()).unwrap_err().to_string();

        assert!(!said.contains("bob") && !said.contains(TOKEN), "{said}");
    }
}
