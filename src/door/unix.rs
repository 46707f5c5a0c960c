//! The door on Unix: handles of folders, and the `…at` calls below them.
//!
//! Linux has `openat2` (5.6), which goes a whole way at once and stops at a link. Elsewhere, and in
//! containers that do not let it through, each folder is opened inside the one before.

#![expect(clippy::disallowed_methods, reason = "files are opened here")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

use super::{Entry, Kind, Look, PathObstacle, Refused};
use crate::file_names::FolderId;
use crate::moment::Moment;

/// `NONBLOCK`, so that a pipe without a writer is opened at once, and then refused.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// A folder that is to be listed.
const LISTED: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// A folder below which something is opened: to go through it takes no right to list it.
#[cfg(target_os = "linux")]
const ENTERED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const ENTERED: OFlags = LISTED;

/// An open folder.
#[derive(Debug)]
pub(super) struct Handle(OwnedFd);

impl Handle {
    pub(super) fn named(path: &Path) -> io::Result<Self> {
        Ok(Self(open(path, ENTERED, Mode::empty())?))
    }

    /// The same folder once more.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    pub(super) fn folder(&self, below: &Path) -> Result<Self, PathObstacle> {
        Ok(Self(self.open(below, ENTERED)?))
    }

    pub(super) fn file(&self, below: &Path) -> Result<File, PathObstacle> {
        let file = File::from(self.open(below, FILE)?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::from(Refused::NotRegular).into())
        }
    }

    pub(super) fn look(&self, below: &Path) -> Result<Look, PathObstacle> {
        let (Some(folder), Some(name)) = (below.parent(), below.file_name()) else {
            return Err(Errno::NOENT.into());
        };
        let status = if folder.as_os_str().is_empty() {
            statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
        } else {
            let folder = self.open(folder, ENTERED)?;
            statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        };
        Ok(look_of(&status?))
    }

    pub(super) fn entries(&self) -> Result<Entries, PathObstacle> {
        let listed = openat(&self.0, ".", LISTED, Mode::empty())?;
        Ok(Entries(Dir::new(listed)?))
    }

    pub(super) fn entries_of(&self, below: &Path) -> Result<Entries, PathObstacle> {
        if below.as_os_str().is_empty() {
            return self.entries();
        }
        Ok(Entries(Dir::new(self.open(below, LISTED)?)?))
    }

    pub(super) fn id(&self) -> io::Result<FolderId> {
        let metadata = File::from(self.0.try_clone()?).metadata()?;
        let born = metadata.created().ok();
        Ok(FolderId {
            volume: metadata.dev(),
            number: metadata.ino(),
            // A time before 1970 is none.
            born: born.and_then(|born| {
                let since = born.duration_since(UNIX_EPOCH).ok()?;
                u64::try_from(since.as_nanos()).ok()
            }),
        })
    }

    pub(super) fn owner(&self) -> Option<u32> {
        Some(fstat(&self.0).ok()?.st_uid)
    }

    #[cfg(target_os = "linux")]
    fn open(&self, below: &Path, flags: OFlags) -> Result<OwnedFd, PathObstacle> {
        use rustix::fs::{ResolveFlags, openat2};

        let inside =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.0, below, flags, Mode::empty(), inside) {
            Ok(opened) => Ok(opened),
            // A kernel before 5.6, or a filter that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.open_step_by_step(below, flags),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open(&self, below: &Path, flags: OFlags) -> Result<OwnedFd, PathObstacle> {
        self.open_step_by_step(below, flags)
    }

    /// Opens each folder on the way inside the one before, so that none can be exchanged for a link
    /// between a look at it and its use.
    fn open_step_by_step(&self, below: &Path, flags: OFlags) -> Result<OwnedFd, PathObstacle> {
        let mut opened: Option<OwnedFd> = None;
        let mut names = below.components().peekable();

        while let Some(name) = names.next() {
            let parent = opened
                .as_ref()
                .map_or_else(|| self.0.as_fd(), |opened| opened.as_fd());
            let flags = if names.peek().is_some() {
                ENTERED
            } else {
                flags
            };

            let name = name.as_os_str();
            match openat(parent, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(next) => opened = Some(next),
                // What `NOFOLLOW` says of a link where a folder is wanted.
                Err(Errno::NOTDIR) if is_link(parent, name) => return Err(PathObstacle::Link),
                Err(error) => return Err(error.into()),
            }
        }
        opened.ok_or_else(|| Errno::NOENT.into())
    }
}

impl From<Errno> for PathObstacle {
    fn from(error: Errno) -> Self {
        // "Too many levels of symbolic links" says nothing to a reader.
        if error == Errno::LOOP {
            Self::Link
        } else {
            Self::Error(error.into())
        }
    }
}

/// What lies in a folder.
pub(super) struct Entries(Dir);

impl Iterator for Entries {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = match self.0.read()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error.into())),
            };
            let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }

            let kind = match entry.file_type() {
                // Some file systems tell it only of the file itself.
                FileType::Unknown => match self.look(name) {
                    Ok(look) => look.kind,
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Some(Err(error.into())),
                },
                kind => kind_of(kind),
            };
            return Some(Ok(Entry {
                name: name.to_owned(),
                kind,
            }));
        }
    }
}

impl Entries {
    fn look(&self, name: &std::ffi::OsStr) -> rustix::io::Result<Look> {
        let status = statat(self.0.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(look_of(&status))
    }
}

/// Nobody can hold a file for himself here: locks of Unix are advice.
pub(super) const fn is_held(_error: &io::Error) -> bool {
    false
}

fn is_link(parent: std::os::fd::BorrowedFd<'_>, name: &std::ffi::OsStr) -> bool {
    let status = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    status.is_ok_and(|status| look_of(&status).kind == Kind::Link)
}

fn look_of(status: &Stat) -> Look {
    Look {
        kind: kind_of(FileType::from_raw_mode(status.st_mode)),
        size: u64::try_from(status.st_size).unwrap_or(0),
        modified: moment_of(status.st_mtime as i128, status.st_mtime_nsec as i128),
        changed: Some(moment_of(
            status.st_ctime as i128,
            status.st_ctime_nsec as i128,
        )),
    }
}

const fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// A time of the file system, cut to milliseconds towards 1970.
fn moment_of(seconds: i128, nanoseconds: i128) -> Moment {
    let nanoseconds = seconds * 1_000_000_000 + nanoseconds;
    Moment::from_millis(i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn one_call_and_step_by_step_open_the_same_and_refuse_the_same() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "x").unwrap();
        symlink("b", root.join("a/link")).unwrap();
        symlink("file", root.join("a/b/linked")).unwrap();
        let folder = Handle::named(root).unwrap();

        for (way, flags) in [
            ("a/b/file", FILE),
            ("a/b/linked", FILE),
            ("a/link/file", FILE),
            ("a/none", FILE),
            ("a/b/file/deeper", FILE),
            ("a/b", LISTED),
            ("a/link", LISTED),
            ("a/link", ENTERED),
            ("a/b/file", ENTERED),
        ] {
            let at_once = folder.open(Path::new(way), flags);
            let in_steps = folder.open_step_by_step(Path::new(way), flags);

            assert_eq!(ending(at_once), ending(in_steps), "{way}");
        }
    }

    fn ending(opened: Result<OwnedFd, PathObstacle>) -> String {
        match opened {
            Ok(_) => "opened".to_owned(),
            Err(PathObstacle::Link) => "a link".to_owned(),
            Err(PathObstacle::Error(error)) => error.to_string(),
        }
    }
}
