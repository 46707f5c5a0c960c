//! What the recorder says once in the log, however often it meets the same: a look comes every
//! second. Kept in memory: a start of kado says it anew.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error_chain::chain;
use crate::intake::IntakeError;
use crate::record::handling::NotRead;

/// Of what it was said already.
#[derive(Default)]
pub(super) struct SaidOnce {
    /// Run folders that cannot be read.
    unread: HashSet<PathBuf>,
    /// Roots of projects whose runs Katalon may submit as well.
    katalon_too: HashSet<String>,
    /// Folders that are gone, and collections, that wait for a run of another project.
    waits: HashSet<PathBuf>,
}

impl SaidOnce {
    /// Forgets what was said of run folders and projects that are not among these any more.
    pub(super) fn forget_but_of(&mut self, folders: &HashSet<PathBuf>, projects: &[PathBuf]) {
        self.unread.retain(|folder| folders.contains(folder));

        let projects: HashSet<&Path> = projects.iter().map(PathBuf::as_path).collect();
        self.katalon_too
            .retain(|root| projects.contains(Path::new(root)));
    }

    /// Says of a run folder that it cannot be read.
    pub(super) fn on_unread(&mut self, folder: &Path, not_read: &NotRead) {
        let error = match not_read {
            // Said by the share itself, once for all the runs of the project.
            NotRead::ShareUsed(_) => return,
            NotRead::Run(IntakeError::SettingsInFlux(_)) => {
                tracing::debug!(
                    folder = %folder.display(),
                    "waits for the project's settings, which are being written"
                );
                return;
            }
            NotRead::Unsure(error) => chain(error),
            NotRead::Run(error) => chain(error),
        };

        if self.unread.insert(folder.to_owned()) {
            tracing::warn!(
                folder = %folder.display(),
                error,
                "the run folder cannot be read"
            );
        }
    }

    /// A run folder is read: should it not be some time, that is news.
    pub(super) fn folder_is_read(&mut self, folder: &Path) {
        self.unread.remove(folder);
    }

    /// Says of a project that Katalon may submit its runs as well.
    pub(super) fn on_katalon(&mut self, project: &str, root: String) {
        if self.katalon_too.insert(root) {
            tracing::warn!(
                project,
                "Katalon may submit runs of this project as well, if it has a licence: \
                 autoSubmitTestRun is on. kado looks for its test run before it sends; \
                 `submit.katalon_submits = \"never\"` says that there is none"
            );
        }
    }

    /// Says what a run waits for whose folder is gone, or a collection.
    pub(super) fn on_wait(&mut self, folder: &Path, reason: &str) {
        if self.waits.insert(folder.to_owned()) {
            tracing::info!(
                folder = %folder.display(),
                reason,
                "a run that is held waits for one of another project"
            );
        }
    }

    /// It does not wait any more.
    pub(super) fn waits_no_more(&mut self, folder: &Path) {
        self.waits.remove(folder);
    }
}
