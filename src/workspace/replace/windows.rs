//! Replacing on Windows: `ReplaceFile` keeps the access list, the owner and the attributes of the
//! file that is replaced. There is no opening inside an open folder, so the way to the file is
//! looked at before, by reading it through the door.

#![expect(clippy::disallowed_methods, reason = "files are written here")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{MOST_NAMES, NotReplaced, name_beside, read};
use crate::door::Folder;
use crate::win32::calls;

pub(super) use crate::shell_word::shell_word as quoted;

/// The command that makes a file writable.
pub(super) const MAKE_WRITABLE: &str = "attrib -r";

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself and not followed.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// What keeps a file from being replaced. Who owns it is no matter here: the access list stays.
pub(super) fn obstacle(root: &Path, below: &Path) -> io::Result<Option<NotReplaced>> {
    let metadata = fs::symlink_metadata(root.join(below))?;
    let is_read_only = metadata.permissions().readonly();
    Ok(is_read_only.then_some(NotReplaced::ReadOnly))
}

/// Whether a file that is not there can be made; whether it may is for the attempt to tell.
pub(super) fn check_can_make(root: &Path, _below: &Path) -> io::Result<()> {
    Folder::at(root).map(drop)
}

/// Makes a file that is still not there, and the folders that it needs.
pub(super) fn make(root: &Path, below: &Path, new: &[u8]) -> io::Result<Option<NotReplaced>> {
    let project = Folder::at(root)?;
    let mut way = PathBuf::new();
    for component in below.parent().unwrap_or(below).components() {
        way.push(component);
        // Through the door, which refuses a link.
        match project.folder(&way) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(root.join(&way))?;
            }
            opened => drop(opened?),
        }
    }

    let target = root.join(below);
    let (beside, mut file) = beside(target.parent().unwrap_or(root))?;
    let written = file.write_all(new).and_then(|()| file.sync_all());
    // A file that is open cannot be renamed.
    drop(file);

    let made = written.and_then(|()| {
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(Some(NotReplaced::Changed));
        }
        fs::rename(&beside, &target)?;
        Ok(None)
    });
    if !matches!(made, Ok(None)) {
        let _ = fs::remove_file(&beside);
    }
    made
}

/// Replaces a file whose bytes still have the digest `old`.
pub(super) fn replace(
    root: &Path,
    below: &Path,
    old: blake3::Hash,
    new: &[u8],
) -> io::Result<Option<NotReplaced>> {
    // Before anything is made: the way must not lead through a link.
    if blake3::hash(&read(root, below)?) != old {
        return Ok(Some(NotReplaced::Changed));
    }

    let target = root.join(below);
    let folder = target.parent().unwrap_or(root);
    let (beside, mut file) = beside(folder)?;
    let written = file.write_all(new).and_then(|()| file.sync_all());
    // A file that is open cannot take the place of another one.
    drop(file);

    let replaced = written.and_then(|()| {
        if blake3::hash(&read(root, below)?) != old {
            return Ok(Some(NotReplaced::Changed));
        }
        calls::replace_file(&target, &beside)?;
        Ok(None)
    });
    if !matches!(replaced, Ok(None)) {
        // What cannot be removed either is no news beside what went wrong.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

/// Makes a file that nobody had before.
fn beside(folder: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 0;
    loop {
        let path = folder.join(name_beside(number));
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .custom_flags(OPEN_REPARSE_POINT)
            .open(&path);
        match made {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_NAMES => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
