//! Who may read a file is inherited from its folder.

#![expect(clippy::disallowed_methods, reason = "files are written")]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

pub(super) fn create_closed(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}

pub(super) const fn open_to_read(_file: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) const fn keep_owner(_file: &Path, _old: &Metadata) -> io::Result<()> {
    Ok(())
}
