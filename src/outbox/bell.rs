//! Wakes a running service: a command left a request in the database, or something else happened
//! that the service would have to look for otherwise.
//!
//! A ring is a hint and no message. What somebody asks for stands in the database before anybody
//! rings, and the service looks there from time to time all the same: rings that are lost cost
//! time, never a request.
//!
//! Whoever rings makes a file in the state folder and removes it, and the service watches that
//! folder: a name that comes and goes is told at once by every system, whereas a file that stays
//! open, such as the database, is told of late by some. Not every folder tells of anything, so the
//! service rings for itself first; until it hears that, and where it never does, it looks as often
//! as if there were no bell.

#![expect(
    clippy::disallowed_methods,
    reason = "the bell is a file of the state folder"
)]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::outbox::lock;
use crate::state_dir;

/// Name of the bell in the state folder.
const FILE: &str = "kado.bell";

/// What a service hears. Clones hear the same.
#[derive(Clone, Default)]
pub(crate) struct Bell(Arc<Heard>);

#[derive(Default)]
struct Heard {
    /// Whether anything is heard at all.
    is_proven: AtomicBool,
    /// Somebody left a request, or one of the files changed.
    rung: Notify,
    /// Something happened to the state folder itself, or to the lock in it.
    folder_touched: Notify,
}

/// Keeps a [`Bell`] sounding until it is dropped.
pub(crate) struct HungBell {
    watcher: Option<RecommendedWatcher>,
    files: Vec<PathBuf>,
}

/// Rings for the service of a state folder, if there is one.
pub(crate) fn ring(state_dir: &Path) {
    let file = state_dir.join(FILE);

    // One that lies there already, of a command that was killed, is as good: its end is told too.
    let made = state_dir::open_file(&file);
    let rung = made.and_then(|_| fs::remove_file(&file));
    if let Err(error) = rung {
        tracing::debug!(%error, "cannot ring for the service; it looks by itself");
    }
}

impl Bell {
    /// Hangs the bell of a state folder, which sounds also when one of these files changes.
    pub(crate) fn hang(&self, state_dir: &Path, files: &[PathBuf]) -> HungBell {
        let watcher = match self.watcher(state_dir, files) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::debug!(%error, "nothing tells of requests; they are looked for");
                None
            }
        };
        let mut hung = HungBell {
            watcher,
            files: files.to_owned(),
        };
        hung.watch_files();

        ring(state_dir);
        hung
    }

    fn watcher(&self, state_dir: &Path, files: &[PathBuf]) -> notify::Result<RecommendedWatcher> {
        let heard = Arc::clone(&self.0);
        let own_folder = state_dir.file_name().map(OsStr::to_owned);
        let names: BTreeSet<OsString> = files
            .iter()
            .filter_map(|file| file.file_name().map(OsStr::to_owned))
            .collect();
        let mut watcher = RecommendedWatcher::new(
            move |event: notify::Result<Event>| {
                heard.take(event, own_folder.as_deref(), &names);
            },
            notify::Config::default(),
        )?;

        watcher.watch(state_dir, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }

    /// Whether the bell was heard: then what it does not tell of may be looked for rarely.
    pub(crate) fn is_proven(&self) -> bool {
        self.0.is_proven.load(Ordering::Relaxed)
    }

    /// Somebody wants a turn.
    pub(crate) fn wake(&self) {
        self.0.rung.notify_one();
    }

    /// Waits until somebody left a request or one of the files changed.
    pub(crate) async fn rung(&self) {
        self.0.rung.notified().await;
    }

    /// Waits until something happens to the state folder itself.
    pub(crate) async fn folder_touched(&self) {
        self.0.folder_touched.notified().await;
    }
}

impl HungBell {
    /// Watches the files as they lie there now: many programs put another file in the place of the
    /// one that they change, and a watch stays with the old one. Their folders are not watched, in
    /// which others may write all the time.
    pub(crate) fn watch_files(&mut self) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for file in &self.files {
            // One that was replaced has no watch any more.
            let _ = watcher.unwatch(file);
            if let Err(error) = watcher.watch(file, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, file = %file.display(), "not watched");
            }
        }
    }
}

impl Heard {
    /// Takes in an event. Names are enough: some systems tell of a path behind its links.
    fn take(
        &self,
        event: notify::Result<Event>,
        state_dir: Option<&OsStr>,
        files: &BTreeSet<OsString>,
    ) {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            // Something was lost, or there is no room for what was watched.
            Ok(_) | Err(_) => {
                self.is_proven.store(false, Ordering::Relaxed);
                self.rung.notify_one();
                self.folder_touched.notify_one();
                return;
            }
        };

        // Reading is no change, and kado reads these files itself.
        if event.kind.is_access() {
            return;
        }
        for path in &event.paths {
            let Some(name) = path.file_name() else {
                continue;
            };
            if name == FILE {
                self.is_proven.store(true, Ordering::Relaxed);
                self.rung.notify_one();
            } else if files.contains(name) {
                self.rung.notify_one();
            } else if Some(name) == state_dir || name == lock::FILE {
                self.folder_touched.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Longer than any system takes to tell.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn heard(sound: impl Future<Output = ()>) {
        tokio::time::timeout(PATIENCE, sound).await.unwrap();
    }

    #[tokio::test]
    async fn a_bell_that_hangs_has_proven_that_rings_are_heard() {
        let folder = tempfile::tempdir().unwrap();
        let bell = Bell::default();
        assert!(!bell.is_proven());

        let _hung = bell.hang(folder.path(), &[]);
        heard(bell.rung()).await;

        assert!(bell.is_proven());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_that_is_changed_or_replaced_rings_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("kado.toml");
        fs::write(&file, "one").unwrap();
        let bell = Bell::default();
        let mut hung = bell.hang(folder.path(), std::slice::from_ref(&file));
        heard(bell.rung()).await;

        for text in ["two", "three", "four"] {
            let new = elsewhere.path().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, &file).unwrap();
            heard(bell.rung()).await;
            hung.watch_files();
        }
    }

    #[tokio::test]
    async fn a_lock_that_is_taken_away_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join(lock::FILE);
        fs::write(&lock, "").unwrap();
        let bell = Bell::default();
        let _hung = bell.hang(folder.path(), &[]);

        fs::remove_file(&lock).unwrap();

        heard(bell.folder_touched()).await;
    }
}
