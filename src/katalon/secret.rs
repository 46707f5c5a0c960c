//! Katalon's reversible token encryption. It is an obfuscation with constants that are the same on
//! every installation and protects nothing; kado reads it, and writes it for `kado setup`.
//!
//! The scheme is `PBEwithSHA1AndDESede` (RFC 7292, appendix B, SHA-1, 20 rounds) over triple DES in
//! CBC mode with PKCS#7 padding, in Base64. Neither salt nor IV is stored, so one plain text always
//! gives one cipher text. Twelve synthetic vectors in `tests/fixtures/crypto-vectors.json` hold the
//! reader and writer to Katalon's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha1::{Digest as _, Sha1};

/// Katalon's password, the same everywhere.
const PASSWORD: &str = "S3cReT K3i";
/// Katalon's salt, the same everywhere.
const SALT: &[u8] = b"K@tal0n STudlO";
const ROUNDS: usize = 20;
/// Bytes of a block of SHA-1 and of its result.
const HASH_BLOCK: usize = 64;
const HASH_RESULT: usize = 20;
/// What the derivation is for (`ID` of the RFC).
const FOR_KEY: u8 = 1;
const FOR_IV: u8 = 2;

/// The token of a project's settings file. It has no printable form.
#[derive(Default)]
pub enum ProjectToken {
    /// No token, or an empty one.
    #[default]
    Unset,
    /// Decrypted.
    Set(SecretString),
    /// It cannot be decrypted, and why.
    Undecryptable(String),
}

/// How the settings file holds its token (`enableAuthenticationEncryption`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenForm {
    /// As Katalon writes it by default.
    Encrypted,
    /// As it is; Katalon's sibling stores do so.
    Clear,
}

impl ProjectToken {
    /// Reads the value of the key `token`.
    pub(crate) fn read(value: &str, form: TokenForm) -> Self {
        let value = value.trim();
        if value.is_empty() {
            return Self::Unset;
        }
        if form == TokenForm::Clear {
            return Self::Set(SecretString::from(value));
        }

        // Settings in which no token was ever entered may hold the encryption of an empty one, so a
        // value is not yet a token.
        match decrypt(value) {
            Ok(plain) if plain.is_empty() => Self::Unset,
            Ok(plain) => Self::Set(SecretString::from(plain)),
            Err(error) => Self::Undecryptable(error.to_string()),
        }
    }

    /// What the settings are warned of for it.
    pub(crate) fn warning(&self) -> Option<String> {
        match self {
            Self::Undecryptable(reason) => Some(format!(
                "`token` cannot be decrypted: {reason}; enter it again in Katalon Studio"
            )),
            Self::Unset | Self::Set(_) => None,
        }
    }

    /// What may be said about the token: `set`, `unset` or `undecryptable`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Set(_) => "set",
            Self::Undecryptable(_) => "undecryptable",
        }
    }
}

impl std::fmt::Debug for ProjectToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unset => "Unset",
            Self::Set(_) => "Set(…)",
            Self::Undecryptable(_) => "Undecryptable(…)",
        })
    }
}

/// Why a token cannot be decrypted; it never holds any of the text.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum DecryptError {
    #[error("it is not Base64")]
    NotBase64,
    #[error("it was not encrypted by Katalon Studio")]
    Foreign,
}

/// Decrypts a Base64 text.
fn decrypt(encrypted: &str) -> Result<String, DecryptError> {
    let bytes = STANDARD
        .decode(encrypted)
        .map_err(|_| DecryptError::NotBase64)?;
    let (key, iv) = key_and_iv();

    let plain = cbc::Decryptor::<des::TdesEde3>::new(&key.into(), &iv.into())
        .decrypt_padded_vec::<Pkcs7>(&bytes)
        .map_err(|_| DecryptError::Foreign)?;

    // In this box the plain bytes are wiped when the function returns.
    let plain = SecretBox::new(Box::new(plain));
    std::str::from_utf8(plain.expose_secret())
        .map(str::to_owned)
        .map_err(|_| DecryptError::Foreign)
}

/// A token as the settings hold it: whoever has that has the token, so it has no printable form
/// either.
pub(crate) fn encrypted(token: &SecretString) -> SecretString {
    let (key, iv) = key_and_iv();

    let bytes = cbc::Encryptor::<des::TdesEde3>::new(&key.into(), &iv.into())
        .encrypt_padded_vec::<Pkcs7>(token.expose_secret().as_bytes());
    SecretString::from(STANDARD.encode(bytes))
}

/// The key and the start of Katalon's cipher, which are the same on every installation.
fn key_and_iv() -> ([u8; 24], [u8; 8]) {
    let mut key = [0; 24];
    let mut iv = [0; 8];
    // DES ignores the parity bits of a key, so the derived bytes need no correction.
    derive(FOR_KEY, &mut key);
    derive(FOR_IV, &mut iv);
    (key, iv)
}

/// The key derivation of RFC 7292, appendix B.2, for outputs of at most two hashes.
fn derive(purpose: u8, output: &mut [u8]) {
    // Java takes a password as big-endian UTF-16 with a closing zero.
    let password: Vec<u8> = PASSWORD
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_be_bytes)
        .collect();
    let mut input = repeated(SALT);
    input.extend(repeated(&password));

    for chunk in output.chunks_mut(HASH_RESULT) {
        let mut hash = Sha1::new()
            .chain_update([purpose; HASH_BLOCK])
            .chain_update(&input)
            .finalize();
        for _ in 1..ROUNDS {
            hash = Sha1::digest(hash);
        }
        chunk.copy_from_slice(&hash[..chunk.len()]);

        // The next hash is made of the input, to which this one was added.
        let addend = repeated(&hash);
        for block in input.chunks_mut(HASH_BLOCK) {
            add_one_more_than(block, &addend);
        }
    }
}

/// A block full of copies of these bytes, the last of which may be cut.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().cycle().take(HASH_BLOCK).collect()
}

/// `block := block + addend + 1`, big-endian, modulo its length.
fn add_one_more_than(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (byte, add) in block.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_key_and_iv_are_katalons() {
        let (key, iv) = key_and_iv();

        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(
            hex(&key),
            "8d7f89e47868b8d24831eb538092838d9414556193ca395a"
        );
        assert_eq!(hex(&iv), "c6f6b526641e5e8d");
    }

    #[test]
    fn all_vectors_are_decrypted_and_encrypted() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/crypto-vectors.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 12);
        for vector in vectors {
            let plain = vector["plain"].as_str().unwrap();
            let stored = vector["encrypted"].as_str().unwrap();

            assert_eq!(decrypt(stored).unwrap(), plain);
            let again = encrypted(&SecretString::from(plain));
            assert_eq!(again.expose_secret(), stored);
        }
    }

    #[test]
    fn an_encrypted_empty_text_is_no_token() {
        assert!(matches!(
            ProjectToken::read("9NLz+4tGZcQ=", TokenForm::Encrypted),
            ProjectToken::Unset
        ));
        assert!(matches!(
            ProjectToken::read(" ", TokenForm::Encrypted),
            ProjectToken::Unset
        ));
    }

    #[test]
    fn a_damaged_text_is_undecryptable_and_its_reason_shows_nothing_of_it() {
        for text in [
            "REDACTED",
            "no base64!",
            "AAAA",
            "AAAAAAAAAAA=",
            "g3/DOGG74jC3Flrr3yH+3D/yKbOqqUNN",
        ] {
            match ProjectToken::read(text, TokenForm::Encrypted) {
                ProjectToken::Undecryptable(reason) => assert!(!reason.contains(text)),
                other => panic!("{text} became {other:?}"),
            }
        }
    }

    #[test]
    fn a_token_in_clear_is_taken_only_when_the_settings_say_so() {
        assert!(matches!(
            ProjectToken::read("abc", TokenForm::Clear),
            ProjectToken::Set(_)
        ));
        assert_eq!(
            ProjectToken::read("abc", TokenForm::Encrypted).word(),
            "undecryptable"
        );
    }
}
