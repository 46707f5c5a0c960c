//! File events as hints: every one of them, and every error, means no more than "look there".
//!
//! On Windows one recursive watch on each watched folder keeps no handle on what lies below, so
//! that a checkout can always be deleted and made anew. Elsewhere each folder costs a watch: the
//! watched folders, the projects and their `Reports` are watched themselves, and with all below it
//! what lies in `Reports` and is lively.
//!
//! What cannot be watched is polled: the sweep finds everything all the same, only later.
//! [`Hints::polled`] says why.

pub(crate) mod polled;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use notify::event::{ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::discovery::settled::FolderDigest;
use crate::file_names::{has_extension, is_named};
use crate::katalon::REPORTS;
use crate::locked::locked;
use crate::watch::hints::polled::Polled;
use crate::watch::walk::count_folders;

/// Most paths that are remembered between two looks; more mean "look everywhere".
const MOST_PATHS: usize = 256;

/// Watches folders and wakes whoever waits.
#[derive(Default)]
pub(crate) struct Hints {
    watcher: Option<RecommendedWatcher>,
    wake: Arc<Notify>,
    /// What is watched, with what the folder was then: one made anew at the same place is another
    /// folder.
    watched: HashMap<PathBuf, Option<system::FolderIdentity>>,
    /// What could not be watched at the last try, and why.
    polled: BTreeMap<PathBuf, String>,
    /// Why there is no watcher at all.
    no_watcher: Option<String>,
    /// Folders that were to be watched and are not there: nobody says when they come.
    awaited: usize,
    heard: Arc<Mutex<Heard>>,
}

/// What is known of sessions, the folders directly in `Reports`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    /// Something goes on in them, or did lately.
    pub lively: BTreeSet<PathBuf>,
    /// They hold run folders; others may just have been made.
    pub with_runs: HashSet<FolderDigest>,
}

/// What the watcher said since it was last asked.
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
pub(crate) enum Touched {
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
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        Self {
            wake,
            ..Self::default()
        }
    }

    /// What changed since this was last asked.
    pub(crate) fn take(&self) -> Touched {
        std::mem::take(&mut self.heard().touched)
    }

    /// Whether all that happens is heard, or at least that something was missed.
    pub(crate) fn hears_all(&self) -> bool {
        system::TELLS_OF_LOSSES && self.awaited == 0 && self.polled().is_none()
    }

    /// What is polled instead of watched, and why; `None` when all is watched.
    pub(crate) fn polled(&self) -> Option<Polled> {
        if let Some(reason) = &self.no_watcher {
            return Some(Polled::Everything(reason.clone()));
        }
        (!self.polled.is_empty()).then(|| Polled::Folders(self.polled.clone()))
    }

    /// Watches what is to be watched for these roots and projects, and nothing else; what failed
    /// before is tried again. Says whether something is watched now that was not: whatever happened
    /// in it before went unheard.
    pub(crate) fn watch(
        &mut self,
        roots: &[PathBuf],
        projects: &[PathBuf],
        sessions: &Sessions,
    ) -> bool {
        if !self.ensure_watcher() {
            return false;
        }

        let wanted = system::wanted(roots, projects, sessions);
        self.end_watches(&wanted);

        self.polled.clear();
        self.awaited = 0;
        let mut is_any_new = false;
        for (folder, mode) in wanted {
            if !self.watched.contains_key(&folder) {
                is_any_new |= self.add(&folder, mode);
                self.awaited += usize::from(!self.watched.contains_key(&folder));
            }
        }
        is_any_new
    }

    /// Watches these sessions as well, until the next [`Hints::watch`] decides. Says as that does
    /// whether something is watched now that was not.
    pub(crate) fn watch_also(&mut self, sessions: &BTreeSet<PathBuf>) -> bool {
        if !self.ensure_watcher() {
            return false;
        }

        let mut is_any_new = false;
        for (folder, mode) in system::recursively(sessions) {
            // One that was moved away and back, or made anew, is not watched any more.
            let is_lost = self.heard().lost.contains(&folder);
            let known = self.watched.get(&folder).copied();
            if !is_lost && known.is_some_and(|known| known == system::identity(&folder)) {
                continue;
            }
            if known.is_some() {
                self.heard().lost.retain(|lost| *lost != folder);
                self.end_watch(&folder);
            }
            is_any_new |= self.add(&folder, mode);
        }
        is_any_new
    }

    /// Makes the watcher if there is none, and says whether there is one then; a failure is tried
    /// again at the next call.
    fn ensure_watcher(&mut self) -> bool {
        if self.watcher.is_some() {
            return true;
        }

        // No run behind a link is looked at, and one could lead to the whole disk.
        let config = notify::Config::default().with_follow_symlinks(false);

        let heard = Arc::clone(&self.heard);
        let wake = Arc::clone(&self.wake);
        let watcher = RecommendedWatcher::new(
            move |event: notify::Result<Event>| {
                let mut heard = locked(&heard);
                if heard.add(event) {
                    wake.notify_one();
                }
            },
            config,
        );

        self.no_watcher = watcher.as_ref().err().map(system::reason);
        self.watcher = watcher.ok();
        self.watcher.is_some()
    }

    /// Drops watches of folders that are gone, that are other folders by now, or that nobody wants
    /// any more.
    fn end_watches(&mut self, wanted: &BTreeMap<PathBuf, RecursiveMode>) {
        let mut heard = self.heard();
        let lost = std::mem::take(&mut heard.lost);
        let in_doubt = std::mem::take(&mut heard.in_doubt);
        // Let go of before a watch is ended: that waits for the watcher's thread, which may wait
        // for this.
        drop(heard);

        let mut ended = Vec::new();
        for (folder, identity) in &self.watched {
            let is_wanted = wanted.contains_key(folder) && !lost.contains(folder) && !in_doubt;
            if !is_wanted || *identity != system::identity(folder) {
                ended.push(folder.clone());
            }
        }

        for folder in ended {
            self.end_watch(&folder);
        }
    }

    fn end_watch(&mut self, folder: &Path) {
        self.watched.remove(folder);
        if let Some(watcher) = &mut self.watcher {
            // A folder that was deleted is no longer watched anyway.
            let _ = watcher.unwatch(folder);
        }
    }

    /// Watches one folder; says whether that worked.
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
                    .extend(reason(folder, &error).map(|reason| (folder.to_owned(), reason)));
                false
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        locked(&self.heard)
    }
}

/// How many folders are watched for these roots and projects, with those below them, at most
/// `most`.
pub(crate) fn count(roots: &[PathBuf], projects: &[PathBuf], most: usize) -> usize {
    let mut count = 0;
    for (folder, mode) in system::wanted(roots, projects, &Sessions::default()) {
        count += match mode {
            RecursiveMode::Recursive => count_folders(&folder, most.saturating_sub(count)),
            RecursiveMode::NonRecursive => 1,
        };
    }
    count
}

/// A folder that is not there needs no watch; the one that holds it says when it comes.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Why a folder is polled that cannot be watched; `None` for a closed one, in which a sweep sees
/// nothing either: that is told as a problem of the folder itself (`watch::problems`).
fn reason(folder: &Path, error: &notify::Error) -> Option<String> {
    let is_closed = matches!(
        &error.kind,
        ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied
    );
    if !is_closed {
        return Some(system::reason(error));
    }

    // Watching a `Reports` with all below it fails by one closed folder in it.
    match error.paths.first() {
        Some(closed) if closed != folder => Some(format!("`{}` is closed", closed.display())),
        _ => None,
    }
}

/// Whether a watched folder may have been removed or moved; not so if the event is known to be
/// about a file.
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
                self.touched.add(event)
            }

            Err(error) => {
                tracing::debug!(%error, "the watcher failed");
                self.in_doubt = true;
                self.touched.add_anything()
            }
        }
    }

    /// Remembers folders whose watch may have ended. Too many of them mean that all watches are in
    /// doubt.
    fn lose(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if !self.lost.contains(path) {
                self.lost.push(path.clone());
            }
        }
        if self.lost.len() > MOST_PATHS {
            self.lost.clear();
            self.in_doubt = true;
        }
    }
}

impl Touched {
    /// Adds the paths of an event that matter; an event without paths means "look everywhere".
    /// Tells whether anything was added.
    fn add(&mut self, event: Event) -> bool {
        if event.need_rescan() || event.paths.is_empty() {
            return self.add_anything();
        }

        let mut paths = event.paths;
        paths.retain(|path| matters(path));
        if paths.is_empty() {
            return false;
        }

        match self {
            Self::Anything => {}
            Self::Paths(touched) if touched.len() >= MOST_PATHS => *self = Self::Anything,
            Self::Paths(touched) => {
                paths.retain(|path| !touched.contains(path));
                touched.extend(paths);
            }
            Self::Nothing => *self = Self::Paths(paths),
        }
        true
    }

    /// Something changed, nobody knows where.
    fn add_anything(&mut self) -> bool {
        tracing::debug!("file events were lost; everything is looked at");
        *self = Self::Anything;
        true
    }
}

/// Whether a change there can concern kado: something of a `Reports` folder, a project file, or a
/// folder. A recursive watch on Windows tells of every file that a compiler writes.
fn matters(path: &Path) -> bool {
    let is_in_reports = path
        .components()
        .any(|part| is_named(part.as_os_str(), REPORTS));
    // What was removed cannot be asked what it was; folders rarely have an extension.
    is_in_reports || path.extension().is_none() || has_extension(path, "prj")
}
