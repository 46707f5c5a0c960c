//! Modes.

#![expect(clippy::disallowed_methods, reason = "the file is made")]

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes a file that everybody may read and its owner write.
pub(super) fn create_open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let new = options
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(file)?;
    // The umask of a service takes from it what others may; the collector has an account of its
    // own.
    new.set_permissions(Permissions::from_mode(0o644))?;
    Ok(new)
}
