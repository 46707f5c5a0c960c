//! Opening on Unix.

use std::fs::File;
use std::io;
use std::path::{Component, Path};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;

use crate::moment::Moment;

/// Opens a regular file for reading. A link, a pipe or a device is refused, and nothing waits for
/// one.
///
/// # Errors
/// When there is no such file, when it may not be read, or when it is not a regular file.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    let file = open(path, FILE, Mode::empty()).map_err(name_links)?;
    checked(file.into())
}

/// Opens a regular file below a folder; also the folders on the way must be none that a link leads
/// to.
///
/// # Errors
/// As [`regular`], and when the path leads out of the folder.
pub(super) fn regular_below(folder: &Path, path: &Path) -> io::Result<File> {
    // Each folder is opened inside the one before, so that none can be exchanged for a link
    // between a look at it and its use.
    let mut parent = open(folder, FOLDER, Mode::empty())?;
    let mut components = path.components().peekable();

    while let Some(component) = components.next() {
        let Component::Normal(name) = component else {
            return Err(super::not_regular());
        };
        if components.peek().is_none() {
            let file = openat(&parent, name, FILE, Mode::empty()).map_err(name_links)?;
            return checked(file.into());
        }
        parent = openat(&parent, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Err(super::not_regular())
}

/// When anything about a file was changed last (`st_ctime`).
///
/// # Errors
/// When there is no such file.
pub(super) fn change_time(path: &Path) -> io::Result<Moment> {
    let status = rustix::fs::lstat(path)?;
    let seconds = Moment::from_millis(status.st_ctime.saturating_mul(1000));
    Ok(seconds.plus(Duration::from_nanos(status.st_ctime_nsec as u64)))
}

/// Nobody can hold a file for himself here: locks of Unix are advice.
pub(super) const fn is_held(_error: &io::Error) -> bool {
    false
}

/// `NONBLOCK`, so that a pipe without a writer is opened at once, and then refused.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// `NOFOLLOW` answers a link with "too many levels of symbolic links", which says nothing to a
/// reader.
fn name_links(error: Errno) -> io::Error {
    if error == Errno::LOOP {
        super::a_link()
    } else {
        error.into()
    }
}

fn checked(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(super::not_regular())
    }
}
