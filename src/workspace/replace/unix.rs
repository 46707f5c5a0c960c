//! Replacing on Unix: everything happens below open folders.

#![expect(clippy::disallowed_methods, reason = "files are written here")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{MOST_NAMES, NotReplaced, name_beside};
use crate::door::{Folder, LONGEST_WHOLE};

pub(super) use crate::shell_word::single_quoted as quoted;

/// The command that makes a file writable.
pub(super) const MAKE_WRITABLE: &str = "chmod u+w";

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// A folder below that of a project, which may be no link.
const BELOW: OFlags = FOLDER.union(OFlags::NOFOLLOW);
/// `NONBLOCK`, so that a pipe without a writer is opened at once, and then refused.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What keeps a file from being replaced.
pub(super) fn obstacle(root: &Path, below: &Path) -> io::Result<Option<NotReplaced>> {
    let (folder, name) = folder_of(root, below, Lacking::Refused)?;

    let status = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    // A right of the owner, whoever asks: the rights of root would allow everything.
    if status.st_mode & Mode::WUSR.as_raw_mode() == 0 {
        return Ok(Some(NotReplaced::ReadOnly));
    }
    let own = rustix::process::geteuid();
    if status.st_uid != own.as_raw() && !own.is_root() {
        return Ok(Some(NotReplaced::Foreign));
    }

    let access = Access::WRITE_OK.union(Access::EXEC_OK);
    rustix::fs::accessat(&folder, ".", access, AtFlags::EACCESS)?;
    Ok(None)
}

/// Whether a file that is not there can be made.
pub(super) fn check_can_make(root: &Path, below: &Path) -> io::Result<()> {
    let mut folder = root_of(root)?;
    for component in below.parent().unwrap_or(below).components() {
        match rustix::fs::openat(&folder, component.as_os_str(), BELOW, Mode::empty()) {
            Ok(next) => folder = next,
            // It is made, and all that is in it.
            Err(Errno::NOENT) => break,
            Err(error) => return Err(name_links(error)),
        }
    }

    let access = Access::WRITE_OK.union(Access::EXEC_OK);
    Ok(rustix::fs::accessat(
        &folder,
        ".",
        access,
        AtFlags::EACCESS,
    )?)
}

/// Makes a file that is still not there, and the folders that it needs.
pub(super) fn make(root: &Path, below: &Path, new: &[u8]) -> io::Result<Option<NotReplaced>> {
    let (folder, name) = folder_of(root, below, Lacking::Made)?;

    // As any program makes a file: what others may read is up to the account's mask.
    let open_to_all = Mode::from_raw_mode(0o666);
    let beside = beside(&folder, open_to_all)?;
    let made = make_with(&folder, name, &beside, new);
    if !matches!(made, Ok(None)) {
        let _ = rustix::fs::unlinkat(&folder, &*beside.name, AtFlags::empty());
    }
    made
}

fn make_with(
    folder: &OwnedFd,
    name: &OsStr,
    beside: &Beside,
    new: &[u8],
) -> io::Result<Option<NotReplaced>> {
    let mut file = &beside.file;
    file.write_all(new)?;
    give_to_owner_of(folder, file)?;
    file.sync_all()?;

    // Looked at last: somebody else's file has little time to come.
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        Ok(_) => return Ok(Some(NotReplaced::Changed)),
        Err(error) => return Err(error.into()),
    }
    rustix::fs::renameat(folder, &*beside.name, folder, name)?;

    let _ = rustix::fs::fsync(folder);
    Ok(None)
}

/// What root makes in the project of somebody else is that somebody's: Katalon has to write it.
fn give_to_owner_of(folder: &OwnedFd, made: impl AsFd) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let status = rustix::fs::fstat(folder)?;
    let owner = rustix::fs::Uid::from_raw(status.st_uid);
    let group = rustix::fs::Gid::from_raw(status.st_gid);
    Ok(rustix::fs::fchown(made, Some(owner), Some(group))?)
}

/// Replaces a file whose bytes still have the digest `old`.
pub(super) fn replace(
    root: &Path,
    below: &Path,
    old: blake3::Hash,
    new: &[u8],
) -> io::Result<Option<NotReplaced>> {
    let (folder, name) = folder_of(root, below, Lacking::Refused)?;

    // For nobody else until it has the mode of the old one.
    let own = Mode::RUSR.union(Mode::WUSR);
    let beside = beside(&folder, own)?;
    let replaced = replace_with(&folder, name, &beside, old, new);
    if !matches!(replaced, Ok(None)) {
        // What cannot be removed either is no news beside what went wrong.
        let _ = rustix::fs::unlinkat(&folder, &*beside.name, AtFlags::empty());
    }
    replaced
}

/// A file beside the one that is replaced.
struct Beside {
    name: String,
    file: File,
}

fn replace_with(
    folder: &OwnedFd,
    name: &OsStr,
    beside: &Beside,
    old: blake3::Hash,
    new: &[u8],
) -> io::Result<Option<NotReplaced>> {
    let mut file = &beside.file;
    file.write_all(new)?;

    // The file is looked at when everything else is done: somebody else's change has little time.
    let (bytes, status) = content(folder, name)?;
    if blake3::hash(&bytes) != old {
        return Ok(Some(NotReplaced::Changed));
    }

    // The owner first, because a change of it takes rights away.
    let made = rustix::fs::fstat(file)?;
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid) {
        let owner = rustix::fs::Uid::from_raw(status.st_uid);
        let group = rustix::fs::Gid::from_raw(status.st_gid);
        match rustix::fs::fchown(file, Some(owner), Some(group)) {
            Ok(()) => {}
            Err(Errno::PERM) => return Ok(Some(NotReplaced::Foreign)),
            Err(error) => return Err(error.into()),
        }
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(status.st_mode & 0o7777))?;
    file.sync_all()?;

    rustix::fs::renameat(folder, &*beside.name, folder, name)?;

    // The rename is made; that the folder cannot be brought to the disk at once changes nothing of
    // it, and some file systems cannot.
    let _ = rustix::fs::fsync(folder);
    Ok(None)
}

/// Makes a file that nobody had before.
fn beside(folder: &OwnedFd, mode: Mode) -> io::Result<Beside> {
    let mut number = 0;
    loop {
        let name = name_beside(number);
        match rustix::fs::openat(folder, &*name, NEW_FILE, mode) {
            Ok(file) => {
                return Ok(Beside {
                    name,
                    file: file.into(),
                });
            }
            Err(Errno::EXIST) if number < MOST_NAMES => number += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What becomes of a folder that lacks on the way to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Refused,
    Made,
}

/// The folder of a project.
fn root_of(root: &Path) -> io::Result<OwnedFd> {
    let folder = rustix::fs::open(root, FOLDER, Mode::empty())?;

    // The door says whether a link leads there from the folder that somebody named.
    let seen = Folder::at(root)?.id()?;
    let opened = File::from(folder.try_clone()?).metadata()?;
    if (seen.volume, seen.number) != (opened.dev(), opened.ino()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its project was exchanged for another folder",
        ));
    }
    Ok(folder)
}

/// The folder of a file and its name in it; none of the folders below `root` is a link.
fn folder_of<'a>(
    root: &Path,
    below: &'a Path,
    lacking: Lacking,
) -> io::Result<(OwnedFd, &'a OsStr)> {
    let mut folder = root_of(root)?;
    let mut components = below.components().peekable();

    while let Some(component) = components.next() {
        let Component::Normal(name) = component else {
            break;
        };
        if components.peek().is_none() {
            return Ok((folder, name));
        }

        let next = match rustix::fs::openat(&folder, name, BELOW, Mode::empty()) {
            Err(Errno::NOENT) if lacking == Lacking::Made => made_folder(&folder, name)?,
            other => other?,
        };
        folder = next;
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "its path leads out of the project",
    ))
}

fn made_folder(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o777))?;

    let made = rustix::fs::openat(folder, name, BELOW, Mode::empty())?;
    give_to_owner_of(folder, &made)?;
    Ok(made)
}

/// What a regular file holds, and what is told of it.
fn content(folder: &OwnedFd, name: &OsStr) -> io::Result<(Vec<u8>, Stat)> {
    let file: File = rustix::fs::openat(folder, name, FILE, Mode::empty())
        .map_err(name_links)?
        .into();

    let status = rustix::fs::fstat(&file)?;
    if !FileType::from_raw_mode(status.st_mode).is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }

    let mut bytes = Vec::new();
    // One that is longer by now is another one than was read.
    file.take(LONGEST_WHOLE + 1).read_to_end(&mut bytes)?;
    Ok((bytes, status))
}

/// `NOFOLLOW` answers a link with "too many levels of symbolic links", which says nothing to a
/// reader.
fn name_links(error: Errno) -> io::Error {
    if error == Errno::LOOP {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a link, and links inside a project are not followed",
        )
    } else {
        error.into()
    }
}
