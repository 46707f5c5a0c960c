//! Opening on Unix.

#![expect(clippy::disallowed_methods, reason = "files are opened here")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Opens a regular file for reading. A link, a pipe or a device is refused, also when it takes the file's place
/// between the look and the opening.
///
/// # Errors
/// When there is no such file, when it may not be read, or when it is no regular file.
pub fn regular(path: &Path) -> io::Result<File> {
    let seen = fs::symlink_metadata(path)?;
    if !seen.is_file() {
        return Err(super::not_regular());
    }
    let file = File::open(path)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        return Err(super::not_regular());
    }
    Ok(file)
}
