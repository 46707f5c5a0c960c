//! The one place where files of a Katalon project are opened: for reading, without a lock, and
//! never if they are links; those of a run folder not through a link on the way either.
//!
//! A link could lead to any file of the machine, which kado would then read, or upload as an
//! attachment. A pipe would hold kado up for ever. What is opened may be written, renamed and deleted
//! by others meanwhile: a checkout must never fail because kado reads.

#![expect(
    clippy::disallowed_methods,
    reason = "a file that is held is waited for"
)]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::moment::Moment;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// Bytes of a file that is read whole; the largest that was seen is a settings file of 112 kB.
pub(crate) const LONGEST_WHOLE: u64 = 16 * 1024 * 1024;

/// How long to wait before each further try to open a file that another program holds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(200),
    Duration::from_millis(300),
];

/// Opens a regular file for reading; others may write, rename and delete it meanwhile.
///
/// # Errors
/// When there is no such file, when it may not be read, or when it is not a regular file; with
/// [`is_held`] when another program, such as a virus scanner, did not let go of it within 0.6 s.
pub(crate) fn regular(path: &Path) -> io::Result<File> {
    patiently(|| system::regular(path))
}

/// Opens a regular file below a folder, as [`regular`]; no link on the way leads out of the folder.
///
/// # Errors
/// As [`regular`], and when the path leads out of the folder.
pub(crate) fn regular_below(folder: &Path, path: &Path) -> io::Result<File> {
    patiently(|| system::regular_below(folder, path))
}

/// Opens a regular file of a run: below its folder, or below the folder above it that the path climbs
/// to first (`../../Screenshot/1.png`), as those of the project's own files do. From there on no link
/// on the way is followed.
///
/// # Errors
/// As [`regular_below`].
pub(crate) fn regular_of_run(run_folder: &Path, path: &Path) -> io::Result<File> {
    let climbs = path
        .components()
        .take_while(|part| *part == Component::ParentDir)
        .count();
    let inside: PathBuf = path.components().skip(climbs).collect();

    let run_folder = std::path::absolute(run_folder)?;
    match run_folder.ancestors().nth(climbs) {
        Some(folder) => regular_below(folder, &inside),
        None => Err(not_regular()),
    }
}

/// When a file was changed last, be it its content, its name or its times: a program can set back
/// the time of its modification, but not this one.
///
/// # Errors
/// When there is no such file, or when its file system does not tell.
pub(crate) fn change_time(path: &Path) -> io::Result<Moment> {
    system::change_time(path)
}

/// Whether a file could not be opened or read because another program holds it for itself, which
/// passes.
pub(crate) fn is_held(error: &io::Error) -> bool {
    system::is_held(error)
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

/// Reads a whole regular file of at most 16 MiB.
///
/// # Errors
/// As [`regular`], and when the file is larger.
pub(crate) fn whole(path: &Path) -> io::Result<Vec<u8>> {
    // One byte more tells a file that is too large from one that just fits. Its size alone would
    // not: it may grow while it is read.
    let mut bytes = Vec::new();
    regular(path)?
        .take(LONGEST_WHOLE + 1)
        .read_to_end(&mut bytes)?;

    if bytes.len() as u64 > LONGEST_WHOLE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 16 MiB",
        ));
    }
    Ok(bytes)
}

/// As [`whole`]; `None` when there is no such file.
///
/// # Errors
/// As [`whole`].
pub(crate) fn whole_if_any(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match whole(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn a_link() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a link, and links inside a project are not followed",
    )
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_told_although_the_modification_time_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "x").unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();

        file.set_modified(std::time::UNIX_EPOCH).unwrap();

        let written = written.duration_since(std::time::UNIX_EPOCH).unwrap();
        let written = Moment::default().plus(written);
        assert!(change_time(&path).unwrap() >= written);
    }

    #[test]
    fn a_regular_file_is_read_and_a_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();

        assert_eq!(whole(&folder.path().join("a")).unwrap(), b"x");
        assert!(regular(folder.path()).is_err());
        assert!(whole_if_any(&folder.path().join("b")).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_on_the_way_leads_out_of_a_folder() {
        let inside = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("1.png"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("Screenshot")).unwrap();

        assert!(regular_below(inside.path(), Path::new("Screenshot/1.png")).is_err());
        assert!(regular_below(inside.path(), Path::new("../1.png")).is_err());

        fs::create_dir(inside.path().join("real")).unwrap();
        fs::write(inside.path().join("real/1.png"), "x").unwrap();
        assert!(regular_below(inside.path(), Path::new("real/1.png")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("link")).unwrap();

        assert!(whole(&folder.path().join("link")).is_err());
    }
}
