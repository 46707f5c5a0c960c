//! The door on Windows, where nothing can be opened below a handle: each file is opened by its path
//! without following a link at its end, and *then* the system is asked where it really lies. Only
//! what lies below the open folder under just these names is let through.

#![expect(clippy::disallowed_methods, reason = "files are opened here")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Entry, Kind, Look, PathObstacle, Refused};
use crate::file_names::{FolderId, same};
use crate::moment::Moment;
use crate::win32::calls;

/// `FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE`: others may write, rename and delete
/// while it is read. Rust's default is the same; it is written down because a checkout depends on
/// it.
const SHARE_ALL: u32 = 0x1 | 0x2 | 0x4;
/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself and not followed.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// `FILE_FLAG_BACKUP_SEMANTICS`: without it no folder is opened.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;

/// `FILE_READ_ATTRIBUTES`: what is told of a file, and not its content.
const READ_ATTRIBUTES: u32 = 0x80;
/// Windows counts in units of 100 ns.
const TICKS_PER_MILLI: i64 = 10_000;
/// Milliseconds from 1601, from where Windows counts, to 1970.
const SINCE_1601: i64 = 11_644_473_600_000;

/// `ERROR_SHARING_VIOLATION`: somebody opened it without sharing it.
const SHARING_VIOLATION: i32 = 32;
/// `ERROR_LOCK_VIOLATION`: somebody locked the part that was to be read.
const LOCK_VIOLATION: i32 = 33;

/// An open folder, with the path by which it was opened.
#[derive(Debug)]
pub(super) struct Handle {
    folder: File,
    path: PathBuf,
}

impl Handle {
    pub(super) fn named(path: &Path) -> io::Result<Self> {
        let folder = looking(BACKUP_SEMANTICS).open(path)?;
        if !folder.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            folder,
            path: path.to_owned(),
        })
    }

    /// The same folder once more.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self {
            folder: self.folder.try_clone()?,
            path: self.path.clone(),
        })
    }

    pub(super) fn folder(&self, below: &Path) -> Result<Self, PathObstacle> {
        let folder = self.open_to_look(below)?;
        let kind = folder.metadata()?.file_type();
        if kind.is_symlink() {
            return Err(PathObstacle::Link);
        }
        if !kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
        }
        Ok(Self {
            folder,
            path: self.path.join(below),
        })
    }

    /// A link or a device is refused, also when it takes the file's place between the look and the
    /// opening.
    pub(super) fn file(&self, below: &Path) -> Result<File, PathObstacle> {
        let path = self.path.join(below);
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_symlink() {
            return Err(PathObstacle::Link);
        }
        if !kind.is_file() {
            return Err(io::Error::from(Refused::NotRegular).into());
        }

        let file = OpenOptions::new()
            .read(true)
            .share_mode(SHARE_ALL)
            .custom_flags(OPEN_REPARSE_POINT)
            .open(path)?;

        // It may be another file than the one that was looked at.
        let kind = file.metadata()?.file_type();
        if kind.is_symlink() {
            return Err(PathObstacle::Link);
        }
        if !kind.is_file() {
            return Err(io::Error::from(Refused::NotRegular).into());
        }
        self.check_place(&file, below)?;
        Ok(file)
    }

    pub(super) fn look(&self, below: &Path) -> Result<Look, PathObstacle> {
        let opened = self.open_to_look(below)?;
        let metadata = opened.metadata()?;

        // A file system such as FAT keeps no such time.
        let changed = match calls::change_time(&opened) {
            Ok(0) | Err(_) => None,
            Ok(ticks) => Some(Moment::from_millis(ticks / TICKS_PER_MILLI - SINCE_1601)),
        };
        Ok(Look {
            kind: kind_of(metadata.file_type()),
            size: metadata.len(),
            modified: modified(&metadata),
            changed,
        })
    }

    pub(super) fn entries(&self) -> Result<Entries, PathObstacle> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            entries.push(entry.and_then(|entry| {
                Ok(Entry {
                    kind: kind_of(entry.file_type()?),
                    name: entry.file_name(),
                })
            }));
        }

        // It was listed by its path, where another folder may have lain for a moment. Names alone
        // open nothing: each file is looked at again when it is opened.
        let listed = looking(BACKUP_SEMANTICS).open(&self.path)?;
        if calls::file_id(&listed)? == calls::file_id(&self.folder)? {
            Ok(entries.into_iter())
        } else {
            Err(PathObstacle::Link)
        }
    }

    pub(super) fn entries_of(&self, below: &Path) -> Result<Entries, PathObstacle> {
        if below.as_os_str().is_empty() {
            return self.entries();
        }
        self.folder(below)?.entries()
    }

    pub(super) fn id(&self) -> io::Result<FolderId> {
        let (volume, number) = calls::file_id(&self.folder)?;
        Ok(FolderId {
            volume: volume.into(),
            number,
            // NTFS gives no number twice, and lets a folder of the same name inherit the time;
            // other file systems make a time up that changes.
            born: None,
        })
    }

    /// Accounts have no numbers here.
    pub(super) const fn owner(&self) -> Option<u32> {
        None
    }

    /// Opens something without its content: not what a link at its end leads to.
    fn open_to_look(&self, below: &Path) -> Result<File, PathObstacle> {
        let opened = looking(BACKUP_SEMANTICS | OPEN_REPARSE_POINT).open(self.path.join(below))?;
        self.check_place(&opened, below)?;
        Ok(opened)
    }

    /// Whether something lies below this folder under just this name, and not behind a link.
    fn check_place(&self, opened: &File, below: &Path) -> Result<(), PathObstacle> {
        let (Ok(folder), Ok(place)) = (calls::final_path(&self.folder), calls::final_path(opened))
        else {
            // A volume without a letter has no such path, and Wine knows none of more than 260
            // letters.
            return self.check_way(below);
        };

        if same(&place, &folder.join(below)) {
            Ok(())
        } else {
            Err(PathObstacle::Link)
        }
    }

    /// Looks for links on a way, where the system does not tell where something lies.
    fn check_way(&self, below: &Path) -> Result<(), PathObstacle> {
        // What it ends at is opened itself, whatever it is.
        let mut way = self.path.clone();
        for name in below.parent().unwrap_or(below).components() {
            way.push(name);
            let step = looking(BACKUP_SEMANTICS | OPEN_REPARSE_POINT).open(&way)?;
            if step.metadata()?.file_type().is_symlink() {
                return Err(PathObstacle::Link);
            }
        }
        Ok(())
    }
}

/// What lies in a folder.
pub(super) type Entries = std::vec::IntoIter<io::Result<Entry>>;

/// Whether another program holds the file for itself.
pub(super) fn is_held(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(SHARING_VIOLATION | LOCK_VIOLATION)
    )
}

/// How something is opened of which nothing is read, so that a program that holds it for itself is
/// no obstacle.
fn looking(flags: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .access_mode(READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(flags);
    options
}

fn kind_of(kind: fs::FileType) -> Kind {
    if kind.is_symlink() {
        Kind::Link
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

/// When a file was changed. One without a time is as old as can be said.
fn modified(metadata: &fs::Metadata) -> Moment {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    match modified.duration_since(UNIX_EPOCH) {
        Ok(since) => Moment::default().plus(since),
        Err(before) => Moment::default().minus(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::super::Folder;
    use super::*;

    fn open(path: &Path) -> io::Result<File> {
        let folder = Folder::named(path.parent().unwrap()).unwrap();
        folder.file(Path::new(path.file_name().unwrap()))
    }

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
        open(&path).unwrap();
        waiting.join().unwrap();
    }

    #[test]
    fn a_file_that_stays_held_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "x").unwrap();
        let _holder = hold(&path);
        assert!(is_held(&open(&path).unwrap_err()));
        assert!(!is_held(&open(&folder.path().join("none")).unwrap_err()));
    }

    #[test]
    fn an_open_file_can_be_renamed_and_deleted_with_its_folder_and_made_again() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("run");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), "x").unwrap();
        let opened = open(&folder.join("a")).unwrap();
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        drop(opened);
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
        open(&folder.join("execution0.log")).unwrap();

        let way = folder.strip_prefix(temp.path()).unwrap();
        let above = Folder::named(temp.path()).unwrap();
        above.file(&way.join("execution0.log")).unwrap();
        assert_eq!(above.entries_of(way).unwrap().count(), 1);
    }

    #[test]
    fn names_are_the_same_in_other_letter_case() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("Test Cases")).unwrap();
        fs::write(temp.path().join("Test Cases/Login.tc"), "x").unwrap();
        let folder = Folder::named(temp.path()).unwrap();

        assert!(folder.file(Path::new("test cases/LOGIN.tc")).is_ok());
    }
}
