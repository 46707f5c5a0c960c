//! An access list of the folder's own, and the drive's own figures.

#![expect(
    clippy::disallowed_methods,
    reason = "what lies in the folder is made here"
)]

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf, Prefix};

use same_file::Handle;
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

use crate::state_dir::{Exposure, Refusal};
use crate::win32::{calls, closed};

/// Makes a folder for the system, administrators, its owner and the account of the service.
pub(super) fn make_closed(folder: &Path) -> io::Result<()> {
    closed::make_folder(folder, closed::ServiceRights::Writes).map(|_| ())
}

/// The access list of a folder that is there is left to whoever wrote it: one that kado makes is
/// closed, and what may use one elsewhere is the administrator's choice.
pub(super) const fn check_folder(_folder: &Path) -> Result<(), Refusal> {
    Ok(())
}

/// As [`check_folder`].
pub(super) const fn check_entry(
    _folder: &Path,
    _path: &Path,
    _entry: &Metadata,
) -> Result<(), Refusal> {
    Ok(())
}

/// Has a file opened as itself: a link is opened in place of what it leads to.
pub(super) fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

/// As it is: SQLite knows no form of a path that begins with `\\?\`, and follows links here.
pub(super) fn without_links(folder: &Path) -> io::Result<PathBuf> {
    Ok(folder.to_owned())
}

/// Whether what lies at a path is this file.
pub(super) fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    Ok(Handle::from_path(path)? == Handle::from_file(file.try_clone()?)?)
}

/// Bytes that are free for this account on the drive of a folder.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    calls::free_bytes(folder).ok()
}

/// Not asked for on this system yet.
pub(super) fn is_read_only(_folder: &Path) -> Option<bool> {
    None
}

/// Makes a folder, which inherits the access list of the one around it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().create(folder)
}

/// Makes a file, which inherits the access list of the folder around it.
pub(super) fn make_file(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}

/// An access list is left to whoever wrote it.
pub(super) fn close_if_ours(_folder: &Path) {}

/// Not asked for on this system yet.
pub(super) fn exposure(_folder: &Path) -> Option<Exposure> {
    None
}

/// Whether this account may write to a file that is there; what a folder allows only an attempt
/// would tell.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    if path.is_file() {
        OpenOptions::new().write(true).open(path)?;
    }
    Ok(())
}

/// Not asked for on this system yet.
pub(super) fn is_own(_path: &Path) -> Option<bool> {
    None
}

/// Whether a folder lies on another machine, by a share's name or by a drive letter that stands for
/// one.
pub(super) fn is_remote(folder: &Path) -> bool {
    let Some(Component::Prefix(prefix)) = folder.components().next() else {
        return false;
    };
    match prefix.kind() {
        Prefix::UNC(..) | Prefix::VerbatimUNC(..) => true,
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => {
            calls::is_remote_drive(char::from(letter))
        }
        Prefix::Verbatim(_) | Prefix::DeviceNS(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_remote_and_a_drive_of_this_machine_is_not() {
        assert!(is_remote(Path::new(r"\\server\share\kado")));
        assert!(is_remote(Path::new(r"\\?\UNC\server\share\kado")));
        assert!(!is_remote(Path::new(r"C:\ProgramData\kado")));
        assert!(!is_remote(Path::new("state")));
    }
}
