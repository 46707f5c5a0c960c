//! File events as hints: every one of them, and every error, means no more than "look there".
//!
//! On Windows one recursive watch on each watched folder keeps no handle on what lies below, so
//! that a checkout can always be deleted and made anew. Elsewhere `Reports` folders are watched
//! with all below them, and of the rest only the watched folders and the projects themselves,
//! because each folder costs a watch.
//!
//! What cannot be watched is polled: the sweep finds everything all the same, only later.
//! [`Hints::polled`] says why.

pub mod polled;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::file_names::{has_extension, is_named};
use crate::watch::hints::polled::Polled;

/// Most paths that are remembered between two looks; more mean "look everywhere".
const PATHS: usize = 256;

/// Watches folders and wakes whoever waits.
#[derive(Default)]
pub struct Hints {
    watcher: Option<RecommendedWatcher>,
    wake: Arc<Notify>,
    /// What is watched, with what the folder was then: one made anew at the same place is another
    /// folder.
    watched: HashMap<PathBuf, Option<system::Identity>>,
    /// What could not be watched at the last try, and why.
    polled: BTreeMap<PathBuf, String>,
    /// Why there is no watcher at all.
    no_watcher: Option<String>,
    heard: Arc<Mutex<Heard>>,
}

/// What the watcher told since it was asked last.
#[derive(Debug, Default)]
struct Heard {
    touched: Touched,
    /// Folders that were removed or moved: what watched them watches nothing any more.
    lost: Vec<PathBuf>,
    /// Something went wrong, such as no room for another watch: all folders have to be watched
    /// anew.
    in_doubt: bool,
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
    /// Listens to nothing yet; `wake` is notified of every change once folders are watched.
    pub fn new(wake: Arc<Notify>) -> Self {
        Self {
            wake,
            ..Self::default()
        }
    }

    /// What changed since this was asked last.
    pub fn take(&self) -> Touched {
        std::mem::take(&mut self.heard().touched)
    }

    /// What is polled instead of watched, and why; `None` when all is watched.
    pub fn polled(&self) -> Option<Polled> {
        match &self.no_watcher {
            Some(reason) => Some(Polled::Everything(reason.clone())),
            None if self.polled.is_empty() => None,
            None => Some(Polled::Folders(self.polled.clone())),
        }
    }

    /// Watches what is to be watched for these roots and projects, and nothing else; what failed
    /// before is tried again. Tells whether something is watched that was not: whatever happened in
    /// it before went unheard.
    pub fn watch(&mut self, roots: &[PathBuf], projects: &[PathBuf]) -> bool {
        if !self.has_watcher() {
            return false;
        }
        let wanted = system::wanted(roots, projects);
        self.forget_what_ended(&wanted);
        let missing: Vec<_> = wanted
            .into_iter()
            .filter(|(folder, _)| !self.watched.contains_key(folder))
            .collect();
        self.polled.clear();
        let mut any = false;
        for (folder, mode) in missing {
            any |= self.add(&folder, mode);
        }
        any
    }

    fn has_watcher(&mut self) -> bool {
        if self.watcher.is_some() {
            return true;
        }
        let (heard, wake) = (Arc::clone(&self.heard), Arc::clone(&self.wake));
        let made = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(event)
            {
                wake.notify_one();
            }
        });
        self.no_watcher = made.as_ref().err().map(system::reason);
        self.watcher = made.ok();
        self.watcher.is_some()
    }

    /// Drops watches of folders that are gone, that are other folders by now, or that nobody wants
    /// any more.
    fn forget_what_ended(&mut self, wanted: &BTreeMap<PathBuf, RecursiveMode>) {
        let (lost, in_doubt) = {
            let mut heard = self.heard();
            (
                std::mem::take(&mut heard.lost),
                std::mem::take(&mut heard.in_doubt),
            )
        };
        let ended = |folder: &PathBuf, was: &Option<system::Identity>| {
            in_doubt
                || !wanted.contains_key(folder)
                || lost.contains(folder)
                || *was != system::identity(folder)
        };
        let ended: Vec<_> = self
            .watched
            .iter()
            .filter(|(folder, was)| ended(folder, was))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in ended {
            self.watched.remove(&folder);
            if let Some(watcher) = &mut self.watcher {
                // A folder that was deleted is no longer watched anyway.
                let _ = watcher.unwatch(&folder);
            }
        }
    }

    /// Watches one folder; tells whether that worked.
    fn add(&mut self, folder: &Path, mode: RecursiveMode) -> bool {
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        // What the folder is before it is watched: should another one take its place meanwhile, the
        // next try sees that.
        let identity = system::identity(folder);
        match watcher.watch(folder, mode) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), identity);
                true
            }
            Err(error) if is_gone(&error) => false,
            Err(error) => {
                self.polled
                    .insert(folder.to_owned(), system::reason(&error));
                false
            }
        }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder that is not there needs no watch; the one that holds it tells when it comes.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Whether a watched folder may have been removed or moved; of a file that is known not to be one.
const fn may_end_a_watch(kind: &EventKind) -> bool {
    match kind {
        EventKind::Remove(removed) => !matches!(removed, RemoveKind::File),
        EventKind::Modify(ModifyKind::Name(_)) => true,
        _ => false,
    }
}

impl Heard {
    /// Takes in what the watcher says; tells whether there is anything to look at.
    fn add(&mut self, event: notify::Result<Event>) -> bool {
        match event {
            // Reading files is not a change; kado's own looks must not wake it.
            Ok(event) if event.kind.is_access() => false,
            Ok(event) => {
                if may_end_a_watch(&event.kind) {
                    self.lose(&event.paths);
                }
                self.touched.add(Some(event))
            }
            Err(error) => {
                tracing::debug!(%error, "the watcher failed");
                self.in_doubt = true;
                self.touched.add(None)
            }
        }
    }

    /// Too many lost folders mean that all watches are in doubt.
    fn lose(&mut self, paths: &[PathBuf]) {
        let new: Vec<_> = paths
            .iter()
            .filter(|path| !self.lost.contains(path))
            .cloned()
            .collect();
        self.lost.extend(new);
        if self.lost.len() > PATHS {
            self.lost.clear();
            self.in_doubt = true;
        }
    }
}

impl Touched {
    /// Adds the paths of an event that matter; an event without paths, or the loss of one, means
    /// "look everywhere". Tells whether anything was added.
    fn add(&mut self, event: Option<Event>) -> bool {
        let Some(mut event) = event.filter(|event| !event.need_rescan() && !event.paths.is_empty())
        else {
            tracing::debug!("file events were lost; everything is looked at");
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
                paths.extend(
                    event
                        .paths
                        .into_iter()
                        .filter(|path| !paths.contains(path))
                        .collect::<Vec<_>>(),
                );
            }
            Self::Nothing => *self = Self::Paths(event.paths),
        }
        true
    }
}

/// Whether a change there can concern kado: something of a `Reports` folder, a project file, or a
/// folder. A recursive watch on Windows tells of every file that a compiler writes.
fn matters(path: &Path) -> bool {
    let in_reports = path
        .components()
        .any(|part| is_named(part.as_os_str(), "Reports"));
    in_reports || path.extension().is_none() || has_extension(path, "prj")
}
