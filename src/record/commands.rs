//! What is known of the commands that may have started a run.

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
    let place = blocking(move || CommandClues::of(&folder)).await?;
    let Some(place) = place else {
        return Ok(KnownCommands::nothing());
    };
    outbox.with(move |store| place.known_in(store)).await
}

/// Where a run lies, as far as its command can be told from that.
pub(crate) struct CommandClues {
    root: PathBuf,
    collection: Option<Option<String>>,
    /// The folder that the run was written to, and the one that it lies in; a copy
    /// (`-reportFolder`) has two.
    folders: Vec<PathBuf>,
}

impl CommandClues {
    /// Looks at a run folder; `None` when it lies in no project.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let recorded = workspace::read_launch(folder).and_then(|launch| launch.recorded_folder);
        let folders = recorded
            .into_iter()
            .map(PathBuf::from)
            .chain([folder.to_owned()])
            .collect();
        Some(Self {
            root: root_of(folder)?,
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

pub(crate) fn root_of(folder: &Path) -> Option<PathBuf> {
    workspace::without_links(&workspace::find_project_root(folder)?)
}

pub(crate) fn collection_of(folder: &Path) -> Option<Option<String>> {
    Some(workspace::collection_of(folder)?.report.id)
}
