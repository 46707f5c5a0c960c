//! Makes the state folder and what lies in it, closed to everybody but its owner and the service's
//! group: it holds what was tested and where. One that others decide about is refused, before
//! anything in it is read or written ([`StateDirRefusal`]).
//!
//! On Unix the modes are set one by one, whatever the umask: the mask of the process would be that
//! of the commands that it starts as well. On Windows the access list of a folder that is there is
//! left to whoever wrote it, and only links are refused.
//!
//! A state folder may be a link, and may lie behind links: an administrator moves it to a larger
//! disk so. On Unix the link has to belong to one of those to whom the folder may belong. What kado
//! makes in it is no link: files are opened without following one, without waiting for a pipe, and
//! are regular.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the state folder is made"
)]

mod refusal;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

pub(crate) use refusal::StateDirRefusal;

/// What kado keeps in a state folder as files; the database has others beside it, whose names begin
/// with its own.
const FILES: [&str; 7] = [
    "kado.db",
    "kado.bell",
    "kado.lock",
    "kado.mark",
    "kado.page",
    "kado.page.new",
    "kado.service",
];
/// What kado keeps in a state folder as folders.
const FOLDERS: [&str; 2] = ["spool", "logs"];

/// What kado makes under a name in a state folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    File,
    Folder,
}

/// What kado keeps under this name; `None` for a name that is not its own.
fn kept_as(name: &str) -> Option<Kept> {
    if FOLDERS.contains(&name) {
        Some(Kept::Folder)
    } else if FILES.contains(&name) || name.starts_with(FILES[0]) {
        Some(Kept::File)
    } else {
        None
    }
}

/// A state folder that others can use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exposure {
    /// Its permissions, in words.
    pub permissions: String,
    /// The command that closes it.
    pub remedy: String,
}

/// Makes a state folder with the folders above it, and sees that it may be used ([`check`]). One
/// that is there and that others may read is closed if nothing but kado's own lies in it; otherwise
/// it keeps its permissions, and [`exposure`] tells.
///
/// # Errors
/// When it cannot be made, when it lies on another machine, or with a [`StateDirRefusal`].
pub(crate) fn make(state_dir: &Path) -> io::Result<()> {
    if is_remote(state_dir) {
        let text = "it lies on another machine, and a database with a write-ahead log needs a \
                    disk of this one; set `state_dir`";
        return Err(io::Error::new(ErrorKind::Unsupported, text));
    }
    if state_dir.is_dir() {
        system::close_if_ours(state_dir);
        return check(state_dir);
    }

    // Those above are anybody's folders and stay open as usual; only the last one is closed.
    if let Some(above) = state_dir.parent() {
        std::fs::create_dir_all(above)?;
    }
    match system::make_closed(state_dir) {
        // Another command made it at the same moment.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && state_dir.is_dir() => {
            check(state_dir)
        }
        made => made,
    }
}

/// Sees that nobody but those who may decides what lies in a state folder. One that is not there,
/// or that this account may not look into, passes: whoever uses it finds that out.
///
/// # Errors
/// With a [`StateDirRefusal`].
pub(crate) fn check(state_dir: &Path) -> io::Result<()> {
    match refusal(state_dir) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// As [`check`], as a value.
pub(crate) fn refusal(state_dir: &Path) -> Option<StateDirRefusal> {
    if let Err(refusal) = system::check_folder(state_dir) {
        return Some(refusal);
    }

    for entry in std::fs::read_dir(state_dir).ok()? {
        let Ok(entry) = entry else { continue };
        let Some(kept) = entry.file_name().to_str().and_then(kept_as) else {
            continue;
        };
        let path = entry.path();
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };

        let wanted = match kept {
            Kept::File if metadata.is_file() => None,
            Kept::Folder if metadata.is_dir() => None,
            Kept::File => Some("a file"),
            Kept::Folder => Some("a folder"),
        };
        if let Some(wanted) = wanted {
            let found = if metadata.is_symlink() {
                "a link"
            } else {
                "something else"
            };
            return Some(StateDirRefusal::Misplaced {
                path,
                found,
                wanted,
            });
        }

        if let Err(refusal) = system::check_entry(state_dir, &path, &metadata) {
            return Some(refusal);
        }
    }
    None
}

/// Makes a folder inside a folder that is there, with those between them, for whoever may use the
/// one around it.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    make_one(folder)
}

/// As [`make_folder`], for `inside` a folder `base` that is there: nothing on the way from there
/// may be a link.
///
/// # Errors
/// When it cannot be made, or when something else than a folder is in the way.
pub(crate) fn make_folder_in(base: &Path, inside: &Path) -> io::Result<()> {
    let mut folder = base.to_owned();
    for part in inside.components() {
        folder.push(part);
        if !is_folder(&folder) {
            make_one(&folder)?;
        }

        // What another command made at the same moment may be a link.
        if !is_folder(&folder) {
            let text = format!("`{}` is no folder of kado's", folder.display());
            return Err(io::Error::new(ErrorKind::NotADirectory, text));
        }
    }
    Ok(())
}

fn make_one(folder: &Path) -> io::Result<()> {
    match system::make_folder(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Whether there is a folder, and no link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Makes a file in a state folder or one of its folders, for whoever may use that, and opens it for
/// writing.
///
/// # Errors
/// When there is something of this name already, or when it cannot be made.
pub(crate) fn make_file(file: &Path) -> io::Result<File> {
    system::make_file(file)
}

/// As [`make_file`]; one that is there is opened as it is.
///
/// # Errors
/// When it can be neither made nor opened, or when it is no regular file.
pub(crate) fn open_file(file: &Path) -> io::Result<File> {
    match make_file(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            open_with(file, File::options().write(true))
        }
        made => made,
    }
}

/// Opens a file of a state folder for reading.
///
/// # Errors
/// When it is not there, when it may not be read, or when it is no regular file.
pub(crate) fn open_to_read(file: &Path) -> io::Result<File> {
    open_with(file, File::options().read(true))
}

/// Opens a regular file; a link is not followed, and a pipe is not waited for.
fn open_with(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    let file = system::without_following(options).open(path)?;

    // A link shows as itself where the system opens it instead of refusing it.
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        let text = format!("`{}` is no file of kado's", path.display());
        Err(io::Error::new(ErrorKind::InvalidInput, text))
    }
}

/// The path of a state folder without links on the way, as a database wants it that follows none.
///
/// # Errors
/// When there is no such folder.
pub(crate) fn without_links(state_dir: &Path) -> io::Result<PathBuf> {
    system::without_links(state_dir)
}

/// Whether what lies at a path is this file. What cannot be told is taken for yes.
pub(crate) fn is_in_place(file: &File, path: &Path) -> bool {
    match system::is_same(file, path) {
        Ok(is_same) => is_same,
        Err(error) => error.kind() != ErrorKind::NotFound,
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
pub(crate) fn may_write(path: &Path) -> io::Result<()> {
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
