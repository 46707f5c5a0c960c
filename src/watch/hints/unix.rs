//! Each folder costs a watch (inotify) and some memory, and a machine keeps the reports of years.
//! So only what can hold something new is watched: of `Reports` the folder itself and the sessions
//! in which something changed lately. What changes in an old one is found by the next sweep.
//!
//! Folders are told apart by their inode and by when they were made, because a file system gives an
//! inode out again.

#![expect(
    clippy::disallowed_methods,
    reason = "inodes and links are on the disk"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use notify::{ErrorKind, RecursiveMode};

use super::Sessions;
use crate::clock;
use crate::discovery::settled::FolderDigest;
use crate::file_names::key;
use crate::katalon::REPORTS;
use crate::moment::Moment;
use crate::watch::LIVELY;

/// Whether lost events are told of.
// The kernel says when its queue ran over, and that is a reason to look everywhere.
pub(super) const TELLS_OF_LOSSES: bool = true;

/// Whether a watch on a folder with all below it is one watch (`FSEvents`), so that nothing is
/// saved by watching less.
const WATCHES_TREES: bool = cfg!(target_os = "macos");

/// Tells a folder from one that was made anew at its place: its inode and when it was made.
pub(super) type FolderIdentity = (u64, Option<SystemTime>);

/// `EMFILE`, which `inotify_init` gives when the user has no instance left.
const TOO_MANY_FILES: i32 = 24;

/// The identity of a folder; `None` when it is not there.
pub(super) fn identity(folder: &Path) -> Option<FolderIdentity> {
    // Not every file system tells when a folder was made; then its inode alone has to do.
    let metadata = std::fs::metadata(folder).ok()?;
    Some((metadata.ino(), metadata.created().ok()))
}

/// The roots and projects themselves, where a project or its `Reports` may appear, each `Reports`,
/// and with all below them the sessions in it that are lively, or young and still without a run; in
/// an order that does not change, so that where watches are short the same folders have one.
pub(super) fn wanted(
    roots: &[PathBuf],
    projects: &[PathBuf],
    sessions: &Sessions,
) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut wanted = BTreeMap::new();
    for folder in roots.iter().chain(projects) {
        wanted.insert(folder.clone(), RecursiveMode::NonRecursive);
    }

    for project in projects {
        let reports = project.join(REPORTS);
        let is_link = std::fs::symlink_metadata(&reports).is_ok_and(|reports| reports.is_symlink());
        if is_link {
            continue;
        }

        if WATCHES_TREES {
            wanted.insert(reports, RecursiveMode::Recursive);
            continue;
        }

        for session in young_folders_without_runs(&reports, sessions) {
            wanted.insert(session, RecursiveMode::Recursive);
        }
        wanted.insert(reports, RecursiveMode::NonRecursive);
    }

    wanted.extend(recursively(&sessions.lively));
    wanted
}

/// Sessions as they are watched.
pub(super) fn recursively(folders: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut wanted = BTreeMap::new();
    if WATCHES_TREES {
        return wanted;
    }
    for folder in folders {
        wanted.insert(folder.clone(), RecursiveMode::Recursive);
    }
    wanted
}

/// The sessions in `Reports` into which something came lately, and in which no run was met.
fn young_folders_without_runs(reports: &Path, sessions: &Sessions) -> Vec<PathBuf> {
    let now = clock::now();
    let mut young = Vec::new();
    for entry in std::fs::read_dir(reports).into_iter().flatten().flatten() {
        // Of years there are many, so the disk is asked for the others only.
        let path = entry.path();
        if sessions.with_runs.contains(&FolderDigest::of(&key(&path))) {
            continue;
        }

        // Of the entry itself and not of what a link leads to.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let changed = Moment::from_millis(metadata.mtime().saturating_mul(1000));
        if metadata.is_dir() && now.since(changed) < LIVELY {
            young.push(path);
        }
    }
    young
}

/// Why a folder cannot be watched, with the way out.
pub(super) fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => "the system's limit of file watches is reached; raise \
             `fs.inotify.max_user_watches` (sysctl)"
            .to_owned(),
        ErrorKind::Io(io) if io.raw_os_error() == Some(TOO_MANY_FILES) => format!(
            "{io}; raise `fs.inotify.max_user_instances` (sysctl) or the limit of open files"
        ),
        ErrorKind::Io(io) => io.to_string(),
        _ => error.to_string(),
    }
}
