//! What the outbox knows of the commands that may have started a run.

use std::path::{Path, PathBuf};

use crate::blocking::blocking;
use crate::clock;
use crate::discovery::claim::KnownCommands;
use crate::outbox::{Outbox, Store, StoreError};
use crate::workspace;

/// What the outbox knows of the commands that may have started the run in a folder. The disk is
/// looked at before the outbox is, so that a share that hangs holds up nobody else.
///
/// # Errors
/// When the outbox fails.
pub(crate) async fn known(outbox: &Outbox, folder: &Path) -> Result<KnownCommands, StoreError> {
    let folder = folder.to_owned();
    match blocking(move || CommandClues::of(&folder)).await? {
        Some(clues) => outbox.with(move |store| clues.known_in(store)).await,
        None => Ok(KnownCommands::nothing()),
    }
}

/// What a run folder says that tells which command may have started its run.
pub(crate) struct CommandClues {
    /// The project, without links: a claim names it so.
    root: PathBuf,
    collection: Option<Option<String>>,
    /// The folder that the run was written to, and the one that it lies in; a copy
    /// (`-reportFolder`) has two.
    folders: Vec<PathBuf>,
}

impl CommandClues {
    /// Looks at a run folder; `None` when it lies in no project.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let root = root_of(folder)?;

        let mut folders = Vec::new();
        if let Some(launch) = workspace::read_launch(folder) {
            folders.extend(launch.recorded_folder.map(PathBuf::from));
        }
        folders.push(folder.to_owned());

        Some(Self {
            root,
            collection: collection_of(folder),
            folders,
        })
    }

    /// What a store knows of the commands that may have started the run.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn known_in(self, store: &Store) -> Result<KnownCommands, StoreError> {
        let mut seen = Vec::new();
        for folder in &self.folders {
            if let Some(noted) = store.noted_commands(folder)? {
                seen = noted;
                break;
            }
        }

        Ok(KnownCommands {
            claims: store.claims(clock::now())?,
            collection: self.collection,
            root: self.root,
            seen,
        })
    }
}

/// The project of a run folder, without links.
pub(crate) fn root_of(folder: &Path) -> Option<PathBuf> {
    workspace::without_links(&workspace::find_project_root(folder)?)
}

/// The collection that a run folder is a member of, and its id.
pub(crate) fn collection_of(folder: &Path) -> Option<Option<String>> {
    Some(workspace::collection_of(folder)?.report.id)
}
