//! Only roots are watched here, each with all below it. They are told apart by their number on
//! their drive.
//!
//! `notify` 8 says nothing when Windows drops events because too many came at once, nor when it
//! gives up a watch after an error, as when a share was away. So a watch is taken up anew from time
//! to time; the sweep finds meanwhile what it did not tell.

#![expect(clippy::disallowed_methods, reason = "the number is on the disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use notify::RecursiveMode;
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_BACKUP_SEMANTICS;

use super::Sessions;
use crate::clock;
use crate::win32::calls;

/// Whether lost events are told of.
// What did not fit into the buffer is dropped without a word.
pub(super) const TELLS_OF_LOSSES: bool = false;

/// Milliseconds after which a watch is taken up anew.
const RENEWED_AFTER: i64 = 5 * 60 * 1000;

/// Tells a folder from one that was made anew at its place, and a watch from one that is too old:
/// the number of the folder, and that of the five minutes in which it was asked for.
pub(super) type FolderIdentity = (u64, i64);

/// The identity of a folder; `None` when it is not there. It is opened for a moment, with all
/// sharing, which is Rust's default.
pub(super) fn identity(folder: &Path) -> Option<FolderIdentity> {
    let opened = OpenOptions::new()
        .access_mode(0)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(folder)
        .ok()?;
    let number = calls::file_id(&opened).ok()?.1;

    // When the five minutes are over, the watch is that of another folder, and is taken up anew.
    let five_minutes = clock::now().millis().div_euclid(RENEWED_AFTER);
    Some((number, five_minutes))
}

/// The roots with all below them; projects lie in them.
pub(super) fn wanted(
    roots: &[PathBuf],
    _projects: &[PathBuf],
    _sessions: &Sessions,
) -> BTreeMap<PathBuf, RecursiveMode> {
    roots
        .iter()
        .map(|root| (root.clone(), RecursiveMode::Recursive))
        .collect()
}

/// Sessions as they are watched: not at all, because their root tells of them.
pub(super) const fn recursively(_folders: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, RecursiveMode> {
    BTreeMap::new()
}

/// Why a folder cannot be watched.
pub(super) fn reason(error: &notify::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_numbers_of_their_own() {
        let temp = tempfile::tempdir().unwrap();
        let one = temp.path().join("one");
        let other = temp.path().join("other");
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&other).unwrap();

        let number = |folder: &Path| identity(folder).map(|(number, _)| number);
        assert!(number(&one).is_some());
        assert_eq!(number(&one), number(&one));
        assert_ne!(number(&one), number(&other));

        std::fs::remove_dir(&one).unwrap();
        assert_eq!(identity(&one), None);
    }
}
