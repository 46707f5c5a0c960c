//! On Windows a file has the access list of its folder, which is the collector's.

#![expect(clippy::disallowed_methods, reason = "the file is made")]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a file that is as open as its folder.
pub(super) fn create_open(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}
