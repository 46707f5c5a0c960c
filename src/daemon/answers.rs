//! Every run folder that the service meets has an answer, which is stored for whoever asks: what
//! became of it, or why it is not settled yet. After a sweep the answers are counted, and what
//! changed is said.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::blocking::lend;
use crate::clock;
use crate::config::Config;
use crate::discovery::folder_answer::{AnsweredFolder, FolderAnswer, OpenFolder};
use crate::file_names::key;
use crate::outbox::run_folders::RunFolders;
use crate::outbox::{Outbox, StoreError};
use crate::watch::Scout;

/// Keeps the answers of run folders in the outbox.
pub(super) struct Answers {
    outbox: Outbox,
    /// What is stored of folders that are to be read again, by their keys.
    open: HashMap<String, OpenFolder>,
    /// The numbers that were said last, and how much the outbox had changed by then.
    counted: Option<(u64, RunFolders)>,
    /// Projects of which it was said that they have runs from before the history.
    older: HashSet<String>,
}

impl Answers {
    /// The answers that are stored in an outbox.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn load(outbox: Outbox) -> Result<Self, StoreError> {
        Ok(Self {
            open: outbox.with(|store| store.open_folders()).await?,
            outbox,
            counted: None,
            older: HashSet::new(),
        })
    }

    /// Stores what became of folders that are settled, or left alone for now.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn note(&mut self, answered: Vec<AnsweredFolder>) -> Result<(), StoreError> {
        if answered.is_empty() {
            return Ok(());
        }

        for folder in &answered {
            let key = key(&folder.folder);
            match folder.settled {
                Some(_) => self.open.remove(&key),
                None => self.open.insert(key, OpenFolder::of(folder)),
            };
        }
        self.outbox
            .with(move |store| store.note_folders(&answered))
            .await
    }

    /// Takes note of folders that are to be read again, by their keys.
    pub(super) fn reopen(&mut self, keys: &[String]) {
        for key in keys {
            let reopened = OpenFolder {
                answer: FolderAnswer::Recorded,
                is_run_known: true,
            };
            self.open.insert(key.clone(), reopened);
        }
    }

    /// Stores what changed about the folders that are followed, and of which nothing is left but
    /// what the last look saw.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn note_followed(&mut self, scout: &Scout) -> Result<(), StoreError> {
        let mut followed = HashSet::new();
        let mut changed = Vec::new();
        for folder in scout.open_answers() {
            let key = key(&folder.folder);
            if self.open.get(&key) != Some(&OpenFolder::of(&folder)) {
                changed.push(folder);
            }
            followed.insert(key);
        }
        self.note(changed).await?;

        // What is neither followed nor settled is gone.
        let mut gone = Vec::new();
        for key in self.open.keys() {
            if !followed.contains(key) && !scout.was_decided(key) {
                gone.push(key.clone());
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        for key in &gone {
            self.open.remove(key);
        }
        self.outbox
            .with(move |store| store.lose_folders(&gone, clock::now()))
            .await
    }

    /// Takes note of which settled folders are gone; gives back `folders`, which a walk found.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn age(
        &self,
        scout: &mut Scout,
        folders: Vec<PathBuf>,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let now = clock::now();

        // A service that is up for years meets a new path with each job: what is gone is forgotten.
        let (ageing, folders) =
            lend(scout, move |scout| (scout.age(&folders, now), folders)).await?;
        if !ageing.is_empty() {
            self.outbox
                .with(move |store| store.age_folders(&ageing, now))
                .await?;
        }
        Ok(folders)
    }

    /// Says how many run folders have which answer, when that has changed; and once for each
    /// project that it has runs from before the history.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn report(&mut self, config: &Config) -> Result<(), StoreError> {
        let counted_at = self.counted.as_ref().map(|(changes, _)| *changes);
        let counted = self
            .outbox
            .with(move |store| {
                // There may be thousands of folders, so they are counted only after a change.
                let changes = store.rows_written();
                if counted_at == Some(changes) {
                    return Ok(None);
                }
                let folders = store.run_folders(&HashSet::new())?;
                Ok(Some((changes, folders, store.older_runs()?)))
            })
            .await?;
        let Some((changes, folders, older)) = counted else {
            return Ok(());
        };

        let is_said = matches!(&self.counted, Some((_, said)) if *said == folders);
        if !is_said && folders.seen() > 0 {
            tracing::info!(
                answers = folders.line(config.history),
                "each run folder has an answer"
            );
        }
        self.counted = Some((changes, folders));

        for runs in older {
            if self.older.insert(runs.project.clone()) {
                tracing::info!(
                    project = runs.project,
                    runs = runs.count,
                    newest = runs.newest,
                    ended = %runs.ended,
                    "runs of this project ended before kado's history begins and are not \
                     submitted; `history = \"all\"` or an earlier instant in kado.toml submits \
                     them, `kado submit FOLDER` a single one"
                );
            }
        }
        Ok(())
    }
}
