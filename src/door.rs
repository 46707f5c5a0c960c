//! The one door to the files of Katalon projects: whatever of them is opened, looked at or listed
//! goes through here, for reading, without a lock, and through no link.
//!
//! A link could lead to any file of the machine, which kado would then read, or upload as an
//! attachment; git carries links, and tests can make one at any moment. So a path is not opened: a
//! [`Folder`] is, and everything else below its open handle, where the system follows no link on
//! the way, whatever is exchanged meanwhile. Only a folder that somebody *named* is opened by its
//! path, through links: those of `watch` ([`set_watched`]), and what the command line names
//! elsewhere.
//!
//! A pipe or device would hold kado up for ever, so only regular files are opened. What is opened
//! may be written, renamed and deleted by others meanwhile: a checkout must never fail because kado
//! reads. Handles live as long as one reading.
//!
//! What is refused is an [`io::Error`] with a [`Refused`] in it, never one of the kind `NotFound`.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where files are opened, and a file that is held is waited for"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::file_names::{FolderId, KnownFolder, comparable};
use crate::moment::Moment;

mod asked;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub(crate) use asked::{Silent, answered, ask_for, first_silent};

/// Bytes of a file that is read whole; the largest that was seen is a settings file of 112 kB.
pub(crate) const LONGEST_WHOLE: u64 = 16 * 1024 * 1024;

/// How long to wait before each further try to open a file that another program holds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(200),
    Duration::from_millis(300),
];

/// The folders of `watch`: a path below one of them is opened below it. They belong to the whole
/// process, so that no caller can forget them.
static WATCHED: RwLock<Vec<PathBuf>> = RwLock::new(Vec::new());

/// Why something that is there is not opened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// A link, or something behind one.
    #[error("`{}` is a link, and links inside a project are not followed", .0.display())]
    Link(PathBuf),
    /// A pipe, a device, or a folder in a file's place.
    #[error("it is not a regular file")]
    NotRegular,
    /// A path with `..` in it, or one that begins elsewhere.
    #[error("`{}` leads out of its folder", .0.display())]
    LeadsOut(PathBuf),
    /// A run folder that was exchanged for another since its run was read.
    #[error(
        "`{}` is not the folder any more that the run was read from, and nothing of another one is \
         sent",
        .0.display()
    )]
    OtherFolder(PathBuf),
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(io::ErrorKind::InvalidInput, refused)
    }
}

/// What stands in a system's way to a file.
#[derive(Debug)]
enum PathObstacle {
    /// A link, at the end of the way or on it.
    Link,
    /// Something else.
    Error(io::Error),
}

impl From<io::Error> for PathObstacle {
    fn from(error: io::Error) -> Self {
        Self::Error(error)
    }
}

/// An open folder, below which everything else is opened.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: system::Handle,
    path: PathBuf,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, wherever it leads.
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// An entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
}

/// How something looks, without being opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub size: u64,
    /// When its content was changed last; a program can set that to any time.
    pub modified: Moment,
    /// When anything about it was changed last, be it content, name or times: no program can set
    /// that. `None` where the file system does not tell.
    pub changed: Option<Moment>,
}

/// Has everything below these folders opened below them from now on, also where a path leads to one
/// of them without the links that its own path has.
pub(crate) fn set_watched(folders: &[PathBuf]) {
    let mut watched = folders.to_vec();
    for folder in folders {
        watched.extend(real_path(folder));
    }
    *WATCHED.write().unwrap_or_else(PoisonError::into_inner) = watched;
}

impl Folder {
    /// Opens a folder that somebody named: through links.
    ///
    /// # Errors
    /// When there is no such folder, or when it may not be entered.
    pub(crate) fn named(path: &Path) -> io::Result<Self> {
        let _waiting = ask_for(path)?;
        Ok(Self {
            handle: system::Handle::named(path)?,
            path: path.to_owned(),
        })
    }

    /// Opens a folder by its path: below the watched folder that it lies in, without a link on the
    /// way from there; one that lies in none as [`Folder::named`].
    ///
    /// # Errors
    /// When there is no such folder, when it may not be entered, and when a link leads to it.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let Some((watched, below)) = split_at_watched(&path) else {
            return Self::named(&path);
        };

        let watched = Self::named(&watched)?;
        if below.as_os_str().is_empty() {
            return Ok(Self { path, ..watched });
        }
        let _waiting = ask_for(&path)?;
        let handle = watched
            .handle
            .folder(&below)
            .map_err(|obstacle| watched.error(obstacle, &below, &watched.path))?;
        Ok(Self { handle, path })
    }

    /// Opens a folder that was opened before, if it still is the same one.
    ///
    /// # Errors
    /// As [`Folder::at`], and [`Refused::OtherFolder`].
    pub(crate) fn known(known: &KnownFolder) -> io::Result<Self> {
        let folder = Self::at(&known.path)?;
        folder.check_is(known)?;
        Ok(folder)
    }

    /// Opens a folder below this one; an empty path is this one.
    ///
    /// # Errors
    /// As [`Folder::at`], and when the path leads out of this folder.
    pub(crate) fn folder(&self, below: &Path) -> io::Result<Self> {
        check_is_inside(below)?;
        if below.as_os_str().is_empty() {
            return Ok(Self {
                handle: self.handle.again()?,
                path: self.path.clone(),
            });
        }

        let _waiting = self.ask_for(below)?;
        let handle = self
            .handle
            .folder(below)
            .map_err(|obstacle| self.error(obstacle, below, Path::new("")))?;
        Ok(Self {
            handle,
            path: self.path.join(below),
        })
    }

    /// Opens a regular file below this folder.
    ///
    /// # Errors
    /// When there is no such file, when it may not be read, when it is no regular file, and when a
    /// link leads to it; with [`is_held`] when another program, such as a virus scanner, did not
    /// let go of it within 0.6 s.
    pub(crate) fn file(&self, below: &Path) -> io::Result<File> {
        check_is_inside(below)?;
        patiently(|| {
            let _waiting = self.ask_for(below)?;
            self.handle
                .file(below)
                .map_err(|obstacle| self.error(obstacle, below, Path::new("")))
        })
    }

    /// Reads a whole regular file of at most 16 MiB.
    ///
    /// # Errors
    /// As [`Folder::file`], and when the file is larger.
    pub(crate) fn whole(&self, below: &Path) -> io::Result<Vec<u8>> {
        let file = self.file(below)?;
        let waiting = self.ask_for(below)?;

        // One byte more tells a file that is too large from one that just fits. Its size alone
        // would not: it may grow while it is read. Without room it would be read in pieces, the
        // first of which are of 32 bytes.
        let size = file.metadata()?.len().min(LONGEST_WHOLE);
        let mut bytes = Vec::with_capacity(size as usize + 1);
        file.take(LONGEST_WHOLE + 1).read_to_end(&mut bytes)?;
        drop(waiting);

        if bytes.len() as u64 > LONGEST_WHOLE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is larger than 16 MiB",
            ));
        }
        Ok(bytes)
    }

    /// As [`Folder::whole`]; `None` when there is no such file.
    ///
    /// # Errors
    /// As [`Folder::whole`].
    pub(crate) fn whole_if_any(&self, below: &Path) -> io::Result<Option<Vec<u8>>> {
        match self.whole(below) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks at something below this folder, which may be a link itself.
    ///
    /// # Errors
    /// When there is nothing, and when a link leads there.
    pub(crate) fn look(&self, below: &Path) -> io::Result<Look> {
        check_is_inside(below)?;
        let _waiting = self.ask_for(below)?;
        self.handle
            .look(below)
            .map_err(|obstacle| self.error(obstacle, below, Path::new("")))
    }

    /// What lies in this folder, in the order of the file system.
    ///
    /// # Errors
    /// When the folder may not be listed.
    pub(crate) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
        let waiting = self.ask_for(Path::new(""))?;
        let entries = self
            .handle
            .entries()
            .map_err(|obstacle| self.error(obstacle, Path::new("."), &self.path))?;
        drop(waiting);
        Ok(one_by_one(self.path.clone(), entries))
    }

    /// What lies in a folder below this one; an empty path is this one.
    ///
    /// # Errors
    /// As [`Folder::folder`] and [`Folder::entries`].
    pub(crate) fn entries_of(
        &self,
        below: &Path,
    ) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
        check_is_inside(below)?;
        let waiting = self.ask_for(below)?;
        let entries = self
            .handle
            .entries_of(below)
            .map_err(|obstacle| self.error(obstacle, below, Path::new("")))?;
        drop(waiting);
        Ok(one_by_one(self.path.join(below), entries))
    }

    /// Opens a regular file below this folder that is read piece by piece.
    ///
    /// # Errors
    /// As [`Folder::file`].
    pub(crate) fn pieces(&self, below: &Path) -> io::Result<Pieces> {
        Ok(Pieces {
            file: self.file(below)?,
            path: self.path.join(below),
        })
    }

    fn ask_for(&self, below: &Path) -> io::Result<asked::Waiting> {
        if below.as_os_str().is_empty() {
            return ask_for(&self.path);
        }
        ask_for(&self.path.join(below))
    }

    /// Which folder it is, whatever its path is.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub(crate) fn id(&self) -> io::Result<FolderId> {
        self.handle.id()
    }

    /// The account that the folder belongs to, by its number; `None` where the system has no
    /// numbers for accounts, and where the file system does not tell.
    pub(crate) fn owner(&self) -> Option<u32> {
        self.handle.owner()
    }

    fn check_is(&self, known: &KnownFolder) -> io::Result<()> {
        match &known.id {
            Some(id) if !id.is_same(&self.id()?) => {
                Err(Refused::OtherFolder(known.path.clone()).into())
            }
            _ => Ok(()),
        }
    }

    /// An obstacle as an error that names the link, with `shown` before its path.
    fn error(&self, obstacle: PathObstacle, below: &Path, shown: &Path) -> io::Error {
        match obstacle {
            PathObstacle::Error(error) => error,
            PathObstacle::Link => {
                // It may be gone by now, and then the whole way is named.
                let link = self.first_link(below).unwrap_or_else(|| below.to_owned());
                Refused::Link(shown.join(link)).into()
            }
        }
    }

    /// The first link on a way below this folder.
    fn first_link(&self, below: &Path) -> Option<PathBuf> {
        let mut way = PathBuf::new();
        for name in below.components() {
            way.push(name);
            if self.handle.look(&way).ok()?.kind == Kind::Link {
                return Some(way);
            }
        }
        None
    }
}

/// A file that is read piece by piece: each is an answer of its own.
#[derive(Debug)]
pub(crate) struct Pieces {
    file: File,
    path: PathBuf,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _waiting = ask_for(&self.path)?;
        self.file.read(buffer)
    }
}

impl io::Seek for Pieces {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The entries of a folder, of which each is an answer of its own.
fn one_by_one(
    folder: PathBuf,
    mut entries: impl Iterator<Item = io::Result<Entry>>,
) -> impl Iterator<Item = io::Result<Entry>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }

        match ask_for(&folder) {
            Ok(_waiting) => entries.next(),
            Err(error) => {
                is_over = true;
                Some(Err(error))
            }
        }
    })
}

/// Opens a regular file of a run: below its folder, or below the folder above it that the path
/// climbs to first (`../../Screenshot/1.png`), as those of the project's own files do.
///
/// # Errors
/// As [`Folder::known`] and [`Folder::file`].
pub(crate) fn file_of_run(run_folder: &KnownFolder, path: &Path) -> io::Result<File> {
    let climbs = path
        .components()
        .take_while(|part| *part == Component::ParentDir)
        .count();
    let inside: PathBuf = path.components().skip(climbs).collect();
    if climbs == 0 {
        return Folder::known(run_folder)?.file(&inside);
    }

    let run_path = std::path::absolute(&run_folder.path)?;
    let Some(above) = run_path.ancestors().nth(climbs) else {
        return Err(Refused::LeadsOut(path.to_owned()).into());
    };

    // The folder above is the right one if the run still lies below it.
    let folder = Folder::at(above)?;
    if run_folder.id.is_some() {
        let mut names: Vec<_> = run_path.components().rev().take(climbs).collect();
        names.reverse();
        let run: PathBuf = names.into_iter().collect();
        folder.folder(&run)?.check_is(run_folder)?;
    }
    folder.file(&inside)
}

/// Whether a file could not be opened or read because another program holds it for itself, which
/// passes.
pub(crate) fn is_held(error: &io::Error) -> bool {
    system::is_held(error)
}

/// Whether something was not opened because of what it is, and not because the system refused.
pub(crate) fn refused(error: &io::Error) -> Option<&Refused> {
    error.get_ref()?.downcast_ref()
}

/// Whether something was not opened because its file system does not answer.
pub(crate) fn is_silent(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Silent>())
}

/// Does something with a file, and tries again for 0.6 s while another program holds it.
///
/// # Errors
/// Those of the last try.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    // A virus scanner lets go within moments, and waiting for it is better than reading a run
    // without one of its files.
    for pause in PAUSES {
        match open() {
            Err(error) if is_held(&error) => std::thread::sleep(pause),
            opened => return opened,
        }
    }
    open()
}

/// Where a path leads through all links; only to compare it with others, never to open what lies
/// there.
///
/// # Errors
/// When it leads nowhere.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    let _waiting = ask_for(path)?;
    std::fs::canonicalize(path)
}

/// What a path leads to, through links: of one that somebody named, or to say what is wrong with
/// it.
///
/// # Errors
/// When it leads nowhere, or where this account may not look.
pub(crate) fn kind_of_target(path: &Path) -> io::Result<Kind> {
    let _waiting = ask_for(path)?;
    let metadata = std::fs::metadata(path)?;
    Ok(if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_file() {
        Kind::File
    } else {
        Kind::Other
    })
}

/// The watched folder that a path lies in, the nearest where one lies in another, and the way from
/// there.
fn split_at_watched(path: &Path) -> Option<(PathBuf, PathBuf)> {
    // What climbs may lead anywhere.
    if path.components().any(|part| part == Component::ParentDir) {
        return None;
    }

    let compared = comparable(path);
    let watched = WATCHED.read().unwrap_or_else(PoisonError::into_inner);
    let around = watched
        .iter()
        .filter(|folder| compared.starts_with(comparable(folder)))
        .max_by_key(|folder| folder.components().count())?;
    let below = path.components().skip(around.components().count());
    Some((around.clone(), below.collect()))
}

fn check_is_inside(below: &Path) -> io::Result<()> {
    let mut parts = below.components();
    if parts.all(|part| matches!(part, Component::Normal(_))) {
        Ok(())
    } else {
        Err(Refused::LeadsOut(below.to_owned()).into())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with a file at `a/1.png`.
    fn folder() -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("a")).unwrap();
        fs::write(temp.path().join("a/1.png"), "x").unwrap();
        temp
    }

    fn known(path: &Path) -> KnownFolder {
        KnownFolder {
            path: path.to_owned(),
            id: Some(Folder::at(path).unwrap().id().unwrap()),
        }
    }

    #[test]
    fn a_regular_file_is_read_and_a_folder_is_not() {
        let temp = folder();
        let folder = Folder::named(temp.path()).unwrap();

        assert_eq!(folder.whole(Path::new("a/1.png")).unwrap(), b"x");
        assert!(folder.file(Path::new("a")).is_err());
        assert!(folder.folder(Path::new("")).is_ok());
        assert!(folder.whole_if_any(Path::new("b")).unwrap().is_none());
        assert!(folder.whole_if_any(Path::new("b/1.png")).unwrap().is_none());
    }

    #[test]
    fn no_path_leads_out_of_a_folder() {
        let temp = folder();
        let folder = Folder::named(&temp.path().join("a")).unwrap();

        for path in ["../a/1.png", "./../a/1.png", "/", ".."] {
            let error = folder.file(Path::new(path)).unwrap_err();

            assert!(
                matches!(refused(&error), Some(Refused::LeadsOut(_))),
                "{path}: {error}"
            );
        }
    }

    #[test]
    fn a_change_is_told_although_the_modification_time_was_set_back() {
        let temp = folder();
        let path = temp.path().join("a/1.png");
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();

        file.set_modified(std::time::UNIX_EPOCH).unwrap();

        let written = written.duration_since(std::time::UNIX_EPOCH).unwrap();
        let folder = Folder::named(temp.path()).unwrap();
        let look = folder.look(Path::new("a/1.png")).unwrap();
        assert!(look.changed.unwrap() >= Moment::default().plus(written));
    }

    #[test]
    fn a_folder_that_was_made_anew_is_not_the_one_that_was_known() {
        let temp = folder();
        let path = temp.path().join("a");
        let known = known(&path);
        assert!(file_of_run(&known, Path::new("1.png")).is_ok());

        fs::rename(&path, temp.path().join("b")).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("1.png"), "x").unwrap();

        let error = file_of_run(&known, Path::new("1.png")).unwrap_err();
        assert_eq!(refused(&error), Some(&Refused::OtherFolder(path)));
    }

    #[test]
    fn a_file_of_the_project_is_opened_beside_its_run_alone() {
        let temp = folder();
        let run = temp.path().join("Reports/1");
        fs::create_dir_all(&run).unwrap();
        let known = known(&run);
        assert!(file_of_run(&known, Path::new("../../a/1.png")).is_ok());

        fs::rename(&run, temp.path().join("away")).unwrap();
        fs::create_dir(&run).unwrap();

        assert!(file_of_run(&known, Path::new("../../a/1.png")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_the_first_one_on_the_way_is_named() {
        use std::os::unix::fs::symlink;

        let temp = folder();
        symlink("a", temp.path().join("link")).unwrap();
        symlink("1.png", temp.path().join("a/2.png")).unwrap();
        let folder = Folder::named(temp.path()).unwrap();

        for (path, link) in [("link/1.png", "link"), ("a/2.png", "a/2.png")] {
            let error = folder.file(Path::new(path)).unwrap_err();

            assert_eq!(
                error.to_string(),
                format!("`{link}` is a link, and links inside a project are not followed")
            );
        }
        assert!(folder.look(Path::new("link/1.png")).is_err());
        assert!(folder.folder(Path::new("link")).is_err());
        assert!(folder.entries_of(Path::new("link")).is_err());
        assert_eq!(folder.look(Path::new("link")).unwrap().kind, Kind::Link);
    }
}
