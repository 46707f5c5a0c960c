//! Opening on Windows.

#![expect(clippy::disallowed_methods, reason = "files are opened here")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

/// `FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE`: others may write, rename and delete while it is read.
/// Rust's default is the same; it is written down because a checkout depends on it.
const SHARE_ALL: u32 = 0x1 | 0x2 | 0x4;
/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself and not followed.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// Opens a regular file for reading. A link or a device is refused, also when it takes the file's place between the
/// look and the opening.
///
/// # Errors
/// When there is no such file, when it may not be read, or when it is no regular file.
pub fn regular(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(super::not_regular());
    }
    let file = OpenOptions::new().read(true).share_mode(SHARE_ALL).custom_flags(OPEN_REPARSE_POINT).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(super::not_regular());
    }
    Ok(file)
}

/// Opens a regular file below a folder; also the folders on the way must be none that a link leads to.
///
/// # Errors
/// As [`regular`], and when the path leads out of the folder.
pub fn regular_below(folder: &Path, path: &Path) -> io::Result<File> {
    let mut at = folder.to_owned();
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return Err(super::not_regular()) };
        at.push(name);
        if components.peek().is_some() && !fs::symlink_metadata(&at)?.is_dir() {
            return Err(super::not_regular());
        }
    }
    regular(&at)
}
