//! Katalon's reversible token encryption. It is an obfuscation with constants that are the same on every
//! installation and protects nothing; kado only reads it.

use secrecy::SecretString;

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

impl std::fmt::Debug for ProjectToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unset => "Unset",
            Self::Set(_) => "Set(…)",
            Self::Undecryptable(_) => "Undecryptable(…)",
        })
    }
}
