//! File events as hints: every one of them, and every error, means no more than "look there".
//!
//! On Windows one recursive watch on each watched folder keeps no handle on what lies below, so that a checkout can
//! always be deleted and made anew. Elsewhere `Reports` folders are watched with all below them, and of the rest only the
//! watched folders and the projects themselves, because each folder costs a watch.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// Most paths that are remembered between two looks; more mean "look everywhere".
const PATHS: usize = 256;

/// Watches folders and wakes whoever waits.
pub struct Hints {
    watcher: Option<RecommendedWatcher>,
    /// What is watched, with what the folder was then: one made anew at the same place is another folder.
    watched: HashMap<PathBuf, Option<u64>>,
    complained: HashSet<PathBuf>,
    touched: Arc<Mutex<Touched>>,
}

/// Where something changed since the last look.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Touched {
    /// Nowhere that is known of.
    #[default]
    Nothing,
    /// At these paths.
    Paths(Vec<PathBuf>),
    /// Somewhere: too much changed, or events were lost.
    Anything,
}

impl Hints {
    /// Starts to listen; `wake` is notified of every change. Where watching is impossible the sweep alone has to do.
    pub fn new(wake: Arc<Notify>) -> Self {
        let touched = Arc::new(Mutex::new(Touched::default()));
        let note = Arc::clone(&touched);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading files is not a change; kado's own looks must not wake it.
            if event.as_ref().is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            if note.lock().unwrap_or_else(PoisonError::into_inner).add(event.ok()) {
                wake.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "file events are not to be had; folders are polled instead"))
            .ok();
        Self { watcher, watched: HashMap::new(), complained: HashSet::new(), touched }
    }

    /// What changed since this was asked last.
    pub fn take(&self) -> Touched {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Watches what is to be watched for these roots and projects, and nothing else.
    pub fn watch(&mut self, roots: &[PathBuf], projects: &[PathBuf]) {
        let wanted = wanted(roots, projects);
        let Some(watcher) = &mut self.watcher else { return };
        let stale = |folder: &PathBuf, was: &Option<u64>| !wanted.contains_key(folder) || *was != identity(folder);
        let stale: Vec<_> =
            self.watched.iter().filter(|(folder, was)| stale(folder, was)).map(|(folder, _)| folder.clone()).collect();
        for folder in stale {
            // A folder that was deleted is no longer watched anyway.
            let _ = watcher.unwatch(&folder);
            self.watched.remove(&folder);
        }
        for (folder, mode) in wanted {
            self.add(&folder, mode);
        }
    }

    fn add(&mut self, folder: &Path, mode: RecursiveMode) {
        let Some(watcher) = &mut self.watcher else { return };
        if self.watched.contains_key(folder) {
            return;
        }
        match watcher.watch(folder, mode) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), identity(folder));
                self.complained.remove(folder);
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
            Err(error) => {
                if self.complained.insert(folder.to_owned()) {
                    tracing::warn!(folder = %folder.display(), %error, "folder cannot be watched; it is polled instead");
                }
            }
        }
    }
}

/// Tells a folder from one that was made anew at its place; `None` where the system does not say.
fn identity(folder: &Path) -> Option<u64> {
    system::identity(folder)
}

/// On Windows the roots with all below them; elsewhere the roots and projects themselves, where a project or its
/// `Reports` may appear, and each `Reports` with all below it.
fn wanted(roots: &[PathBuf], projects: &[PathBuf]) -> HashMap<PathBuf, RecursiveMode> {
    if cfg!(windows) {
        return roots.iter().map(|root| (root.clone(), RecursiveMode::Recursive)).collect();
    }
    let folders = roots.iter().chain(projects).map(|folder| (folder.clone(), RecursiveMode::NonRecursive));
    folders.chain(projects.iter().map(|project| (project.join("Reports"), RecursiveMode::Recursive))).collect()
}

impl Touched {
    /// Adds the paths of an event that matter; an event without paths, or the loss of one, means "look everywhere".
    /// Tells whether anything was added.
    fn add(&mut self, event: Option<notify::Event>) -> bool {
        let Some(mut event) = event.filter(|event| !event.need_rescan() && !event.paths.is_empty()) else {
            *self = Self::Anything;
            return true;
        };
        event.paths.retain(|path| matters(path));
        if event.paths.is_empty() {
            return false;
        }
        match self {
            Self::Anything => {}
            Self::Paths(paths) if paths.len() >= PATHS => *self = Self::Anything,
            Self::Paths(paths) => {
                paths.extend(event.paths.into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>());
            }
            Self::Nothing => *self = Self::Paths(event.paths),
        }
        true
    }
}

/// Whether a change there can concern kado: something of a `Reports` folder, a project file, or a folder. A recursive
/// watch on Windows tells of every file that a compiler writes.
fn matters(path: &Path) -> bool {
    let in_reports = path.components().any(|part| part.as_os_str() == "Reports");
    in_reports || path.extension().is_none_or(|extension| extension == "prj")
}
