//! A file that nobody else can read.

#![expect(clippy::disallowed_methods, reason = "tests write tokens to files")]

use std::fs;
use std::path::{Path, PathBuf};

/// Writes a file that is closed to everybody but its owner.
pub(crate) fn closed_file(file: &Path, text: &str) -> PathBuf {
    fs::write(file, text).expect("the file can be written");
    close(file);
    file.to_owned()
}

#[cfg(unix)]
fn close(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("its mode can be set");
}

#[cfg(not(unix))]
fn close(_file: &Path) {}
