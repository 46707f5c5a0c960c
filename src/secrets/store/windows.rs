//! The token as a file that the system's data protection (DPAPI) encrypted for this machine.
//!
//! The scope is the machine, not the account: an administrator stores the token, and the service
//! reads it as `NT SERVICE\kado`. So the file's access list says who can decrypt it, and the
//! encryption keeps it from whoever gets hold of a disk or a backup.

#![expect(clippy::disallowed_methods, reason = "the token lies in a file")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets::TokenError;
use crate::secrets::permissions;
use crate::win32::{calls, closed};

/// What the data protection is told, so that a secret of another program is none of kado's.
const PURPOSE: &[u8] = b"kado: token of this machine, 1";

/// Whether a token is kept there. A file that this account may not even look at is there.
pub(crate) fn exists(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

/// Reads the token.
///
/// # Errors
/// When it cannot be read or decrypted, or when others can read it.
pub(crate) fn read(file: &Path) -> Result<SecretString, TokenError> {
    permissions::check(file)?;
    let token = unprotected(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;

    let token = std::str::from_utf8(&token).map_err(|error| TokenError::Unreadable {
        file: file.into(),
        source: io::Error::other(error),
    })?;
    if token.is_empty() {
        return Err(TokenError::Empty(file.into()));
    }
    Ok(SecretString::from(token.to_owned()))
}

fn unprotected(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let protected = std::fs::read(file)?;
    let token = calls::unprotect(&protected, PURPOSE).map_err(|error| foreign(&error))?;
    Ok(Zeroizing::new(token))
}

/// Writes the token: whole or not at all, and never readable by others, not even for a moment.
///
/// # Errors
/// When the folder cannot be made or written to, or when the data protection does not work.
pub(crate) fn write(file: &Path, token: &SecretString) -> io::Result<()> {
    let protected = calls::protect(token.expose_secret().as_bytes(), PURPOSE)?;
    if let Some(folder) = file.parent() {
        closed::make_folder(folder, closed::ServiceRights::Reads)?;
    }

    write_closed(file, &protected)
}

/// Writes a token file, as it is: in the form that `azure.token_file` has. Only administrators, the
/// system, its owner and the service may read it.
///
/// # Errors
/// When it cannot be written or closed.
pub(crate) fn write_file(file: &Path, token: &SecretString) -> io::Result<()> {
    let line = Zeroizing::new(format!("{}\n", token.expose_secret()));
    write_closed(file, line.as_bytes())
}

fn write_closed(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // Written under another name first. One that is left of a crash may have other permissions.
    let next = file.with_extension("next");
    let _ = std::fs::remove_file(&next);

    // Closed while it is empty, then written.
    File::create_new(&next)?;
    closed::close_file(&next)?;
    let mut new = OpenOptions::new().write(true).open(&next)?;
    new.write_all(bytes)?;
    // Before it gets its name: after a power cut that must not lead to an empty file.
    new.sync_all()?;
    drop(new);
    std::fs::rename(&next, file)
}

/// Windows says no more than that the data are invalid.
fn foreign(error: &io::Error) -> io::Error {
    let text = format!(
        "it was not stored on this machine or is damaged ({error}); store the token again with \
         `kado service set-token`"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_and_its_text_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kado").join("kado-token");
        assert!(!exists(&file));
        for token in ["first-token", "second-token"] {
            write(&file, &SecretString::from(token.to_owned())).unwrap();
            assert_eq!(read(&file).unwrap().expose_secret(), token);
        }
        let bytes = std::fs::read(&file).unwrap();
        assert!(exists(&file));
        assert!(!bytes.windows(5).any(|part| part == b"token"));
    }

    #[test]
    fn a_file_of_another_machine_is_said_to_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kado-token");
        std::fs::write(&file, "nothing of this machine's").unwrap();
        closed::close_file(&file).unwrap();
        let text = crate::error_chain::chain(&read(&file).unwrap_err());
        assert!(text.contains("`kado service set-token`"), "{text}");
    }
}
