//! Modes and owners.

#![expect(clippy::disallowed_methods, reason = "files are written")]

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

/// Makes a file for its owner alone.
pub(super) fn create_closed(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(file)
}

/// Lets everybody read a file.
pub(super) fn open_to_read(file: &Path) -> io::Result<()> {
    std::fs::set_permissions(file, Permissions::from_mode(0o644))
}

/// Gives a file the owner and group of the one that it replaces.
pub(super) fn keep_owner(file: &Path, old: &Metadata) -> io::Result<()> {
    let new = std::fs::metadata(file)?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    chown(file, Some(old.uid()), Some(old.gid()))
}
