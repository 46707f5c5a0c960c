//! Opening on Windows.

#![expect(clippy::disallowed_methods, reason = "files are opened here")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

use crate::moment::Moment;
use crate::win32::calls;

/// `FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE`: others may write, rename and delete
/// while it is read. Rust's default is the same; it is written down because a checkout depends on
/// it.
const SHARE_ALL: u32 = 0x1 | 0x2 | 0x4;
/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself and not followed.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// `FILE_READ_ATTRIBUTES`: what is told of a file, and not its content.
const READ_ATTRIBUTES: u32 = 0x80;
/// Windows counts in units of 100 ns.
const TICKS_PER_MILLI: i64 = 10_000;
/// Milliseconds from 1601, from where Windows counts, to 1970.
const UNIX_EPOCH: i64 = 11_644_473_600_000;

/// `ERROR_SHARING_VIOLATION`: somebody opened it without sharing it.
const SHARING_VIOLATION: i32 = 32;
/// `ERROR_LOCK_VIOLATION`: somebody locked the part that was to be read.
const LOCK_VIOLATION: i32 = 33;

/// Opens a regular file for reading. A link or a device is refused, also when it takes the file's
/// place between the look and the opening.
///
/// # Errors
/// When there is no such file, when it may not be read, or when it is not a regular file.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Err(super::a_link());
    }
    if !kind.is_file() {
        return Err(super::not_regular());
    }

    let file = OpenOptions::new()
        .read(true)
        .share_mode(SHARE_ALL)
        .custom_flags(OPEN_REPARSE_POINT)
        .open(path)?;

    // It may be another file than the one that was looked at.
    if !file.metadata()?.is_file() {
        return Err(super::not_regular());
    }
    Ok(file)
}

/// Opens a regular file below a folder; also the folders on the way must be none that a link leads
/// to.
///
/// # Errors
/// As [`regular`], and when the path leads out of the folder.
pub(super) fn regular_below(folder: &Path, path: &Path) -> io::Result<File> {
    // Rust's library cannot open a file inside an open folder here, as Unix does, so the way is
    // looked at before. Only the file itself is looked at again once it is open.
    let mut at = folder.to_owned();
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else {
            return Err(super::not_regular());
        };
        at.push(name);
        if components.peek().is_some() && !fs::symlink_metadata(&at)?.is_dir() {
            return Err(super::not_regular());
        }
    }

    regular(&at)
}

/// When anything about a file was changed last (`ChangeTime`).
///
/// # Errors
/// When there is no such file, or when its file system keeps no such time, as FAT.
pub(super) fn change_time(path: &Path) -> io::Result<Moment> {
    // Nothing is read, so a program that holds the file for itself is no obstacle.
    let file = OpenOptions::new()
        .access_mode(READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(OPEN_REPARSE_POINT)
        .open(path)?;

    match calls::change_time(&file)? {
        0 => Err(io::ErrorKind::Unsupported.into()),
        ticks => Ok(Moment::from_millis(ticks / TICKS_PER_MILLI - UNIX_EPOCH)),
    }
}

/// Whether another program holds the file for itself.
pub(super) fn is_held(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(SHARING_VIOLATION | LOCK_VIOLATION)
    )
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::super::{is_held, regular};
    use super::*;

    /// Holds a file for itself, as some programs do.
    fn hold(path: &Path) -> File {
        OpenOptions::new()
            .read(true)
            .share_mode(0)
            .open(path)
            .unwrap()
    }

    #[test]
    fn a_file_that_is_held_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "x").unwrap();
        let holder = hold(&path);
        let waiting = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(holder);
        });
        regular(&path).unwrap();
        waiting.join().unwrap();
    }

    #[test]
    fn a_file_that_stays_held_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "x").unwrap();
        let _holder = hold(&path);
        assert!(is_held(&regular(&path).unwrap_err()));
        assert!(!is_held(&regular(&folder.path().join("none")).unwrap_err()));
    }

    #[test]
    fn an_open_file_can_be_renamed_and_deleted_with_its_folder_and_made_again() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("run");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), "x").unwrap();
        let open = regular(&folder.join("a")).unwrap();
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        drop(open);
        fs::remove_dir(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
    }

    #[test]
    fn a_path_longer_than_260_letters_is_opened() {
        let temp = tempfile::tempdir().unwrap();
        let mut folder = temp.path().to_owned();
        for _ in 0..4 {
            folder.push("a".repeat(80));
        }
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("execution0.log"), "x").unwrap();
        assert!(folder.as_os_str().len() > 300);
        regular(&folder.join("execution0.log")).unwrap();
        super::regular_below(
            temp.path(),
            folder
                .join("execution0.log")
                .strip_prefix(temp.path())
                .unwrap(),
        )
        .unwrap();
    }
}
