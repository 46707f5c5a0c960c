//! The token as a file with mode 0600. On Linux it lies where systemd finds the credential of the
//! unit, on macOS beside `kado.toml`.
//!
//! macOS' keychain is not used: a daemon has no session that could be asked, and access is granted
//! to a signed program only, while a file of the daemon's own account needs neither.

#![expect(clippy::disallowed_methods, reason = "the token lies in a file")]

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets::{TokenError, permissions};

/// Whether a token is kept there, as far as this account may know.
pub(crate) fn exists(file: &Path) -> bool {
    file.exists()
}

/// Reads the token.
///
/// # Errors
/// When it cannot be read, or when others can read it.
pub(crate) fn read(file: &Path) -> Result<SecretString, TokenError> {
    permissions::check(file)?;
    super::read_token(file)
}

/// Writes the token: whole or not at all, and never readable by others, not even for a moment.
///
/// # Errors
/// When the folder cannot be made or written to.
pub(crate) fn write(file: &Path, token: &SecretString) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    if !folder.is_dir() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }

    // Written under another name first. One that is left of a crash may have other permissions.
    let next = file.with_extension("next");
    let _ = std::fs::remove_file(&next);
    let mut new = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&next)?;

    writeln!(new, "{}", token.expose_secret())?;
    // Before it gets its name: after a power cut that must not lead to an empty file.
    new.sync_all()?;
    std::fs::rename(&next, file)
}

/// Writes a token file ([`write()`]) that kado itself may read: root's is open to the group of the
/// machine's service, where that has an account. One that is there keeps owner and permissions.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_file(file: &Path, token: &SecretString) -> io::Result<()> {
    let old = std::fs::metadata(file).ok();
    write(file, token)?;

    let (owner, group, mode) = match (old, permissions::service_group()) {
        (Some(old), _) => (old.uid(), old.gid(), old.mode() & 0o740),
        (None, Some(group)) if rustix::process::geteuid().is_root() => (0, group, 0o640),
        (None, _) => return Ok(()),
    };
    // The owner first: a change of it takes bits of the mode away.
    std::os::unix::fs::chown(file, Some(owner), Some(group))?;
    std::fs::set_permissions(file, Permissions::from_mode(mode))
}
