//! The token on Windows: not kept yet.

use std::io;
use std::path::Path;

use secrecy::SecretString;

use crate::secrets::TokenError;

/// Whether a token is kept there.
pub fn exists(_file: &Path) -> bool {
    false
}

/// Reads the token.
///
/// # Errors
/// Always: nothing is kept.
pub fn read(file: &Path) -> Result<SecretString, TokenError> {
    Err(TokenError::Missing(file.to_owned()))
}

/// Writes the token.
///
/// # Errors
/// Always: nothing can be kept.
pub fn write(_file: &Path, _token: &SecretString) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this version cannot keep a token on Windows; use `token_file`"))
}
