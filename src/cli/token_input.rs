//! A token on standard input. It is never an argument, which every list of processes would show.

use std::io::Read as _;

use secrecy::{ExposeSecret as _, SecretString};

use crate::cli::error::UsageError;
use crate::secrets;

/// Longest token that is read, in bytes; whatever is longer is something else.
const LONGEST: u64 = 16 * 1024;

/// The token: everything on standard input but the white space around it. `command` is how the
/// person may hand it over.
///
/// # Errors
/// When there is none, or something that is none.
pub(super) fn token_from_input(command: &str) -> anyhow::Result<SecretString> {
    // One byte more than the limit shows that there is too much.
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    let is_too_long = u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST);

    let found = match secrets::token_in(&bytes) {
        _ if is_too_long => format!("holds more than {LONGEST} bytes"),
        Ok(token) if token.expose_secret().is_empty() => "is empty".to_owned(),
        Ok(token) => return Ok(token),
        Err(misfit) => misfit.to_string(),
    };
    Err(UsageError(format!(
        "standard input must hold a token and nothing else, such as `{command} < FILE`; it {found}"
    ))
    .into())
}
