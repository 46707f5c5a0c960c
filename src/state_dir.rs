//! Makes the state folder and what lies in it, closed to everybody but its owner and the service's
//! group: it holds what was tested and where.
//!
//! On Unix the modes are set one by one, whatever the umask: the mask of the process would be that
//! of the commands that it starts as well.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the state folder is made"
)]

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

/// A state folder that others can use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exposure {
    /// Its permissions, in words.
    pub permissions: String,
    /// The command that closes it.
    pub remedy: String,
}

/// Makes a state folder with the folders above it. One that is there and is open to others is closed
/// if nothing but kado's own lies in it; otherwise it keeps its permissions, and [`exposure`] tells.
///
/// # Errors
/// When it cannot be made, or when it lies on another machine.
pub(crate) fn make(state_dir: &Path) -> std::io::Result<()> {
    if is_remote(state_dir) {
        let text = "it lies on another machine, and a database with a write-ahead log needs a \
                    disk of this one; set `state_dir`";
        return Err(std::io::Error::new(ErrorKind::Unsupported, text));
    }
    if state_dir.is_dir() {
        system::close_if_ours(state_dir);
        return Ok(());
    }

    // Those above are anybody's folders and stay open as usual; only the last one is closed.
    if let Some(above) = state_dir.parent() {
        std::fs::create_dir_all(above)?;
    }
    match system::make_closed(state_dir) {
        // Another command made it at the same moment.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && state_dir.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes a folder inside a state folder that is there, with those between them, for whoever may use
/// the one around it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    match system::make_folder(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Makes a file in a state folder or one of its folders, for whoever may use that, and opens it for
/// writing.
///
/// # Errors
/// When there is something of this name already, or when it cannot be made.
pub(crate) fn make_file(file: &Path) -> std::io::Result<File> {
    system::make_file(file)
}

/// As [`make_file`]; one that is there is opened as it is.
///
/// # Errors
/// When it can be neither made nor opened.
pub(crate) fn open_file(file: &Path) -> std::io::Result<File> {
    match make_file(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            File::options().write(true).open(file)
        }
        made => made,
    }
}

/// What others can do with a state folder; `None` for nothing.
pub(crate) fn exposure(state_dir: &Path) -> Option<Exposure> {
    system::exposure(state_dir)
}

/// Whether this account may change what is at a path and, for a folder, what lies in it. Nothing is
/// tried. Where nothing is there, the folder counts in which it would be made.
///
/// # Errors
/// Why it may not.
pub(crate) fn may_write(path: &Path) -> std::io::Result<()> {
    let mut there = path;
    while !there.exists()
        && let Some(above) = there.parent()
    {
        there = above;
    }
    system::may_write(there)
}

/// Whether a path belongs to this account; `None` where the system does not say.
pub(crate) fn is_own(path: &Path) -> Option<bool> {
    system::is_own(path)
}

/// Bytes that are free where the state lies; `None` where the system does not say.
pub(crate) fn free_bytes(state_dir: &Path) -> Option<u64> {
    system::free_bytes(state_dir)
}

/// Whether the file system of the state folder lets nobody write; `None` where the system does not
/// say.
pub(crate) fn is_read_only(state_dir: &Path) -> Option<bool> {
    system::is_read_only(state_dir)
}

/// Whether a path leads to another machine, as far as its name tells.
pub(crate) fn is_remote(path: &Path) -> bool {
    system::is_remote(path)
}
