//! What the outbox knows of the commands that may have started a run.

use std::path::PathBuf;

use crate::clock;
use crate::discovery::command_of_run::KnownCommands;
use crate::file_names::is_in;
use crate::katalon::collection_report::Membership;
use crate::outbox::{Outbox, Store, StoreError};
use crate::record::disk::on_disk;
use crate::workspace::{self, Location};

/// What the outbox knows of the commands that may have started the run at a location. The disk is
/// looked at before the outbox is, so that a share that hangs holds up nobody else.
///
/// # Errors
/// When the outbox fails, and [`StoreError::Silent`] where the file system of the run does not
/// answer.
pub(crate) async fn look_up(
    outbox: &Outbox,
    location: &Location,
) -> Result<KnownCommands, StoreError> {
    let location = location.clone();
    match on_disk(move || CommandClues::of(&location)).await? {
        Some(clues) => {
            outbox
                .with(move |store| {
                    clues.warn_of_lost_claims(store)?;
                    clues.known_in(store)
                })
                .await
        }
        None => Ok(KnownCommands::nothing()),
    }
}

/// What a run folder says that tells which command may have started its run.
pub(crate) struct CommandClues {
    /// The project, without links: a claim names it so.
    root: PathBuf,
    membership: Membership,
    /// The folder that the run was written to, and the one that it lies in; a copy
    /// (`-reportFolder`) has two.
    folders: Vec<PathBuf>,
}

impl CommandClues {
    /// Looks at a run folder; `None` when it lies in no project.
    pub(crate) fn of(location: &Location) -> Option<Self> {
        let root = workspace::without_links(location.root.as_ref()?)?;

        // What it says of itself counts within its project: it could name the run of another one,
        // whose command is none of its business.
        let mut folders = Vec::new();
        let recorded = workspace::read_launch(&location.folder).and_then(|it| it.recorded_folder);
        if let Some(recorded) = recorded.map(PathBuf::from)
            && (is_in(&recorded, &root) || is_in(&recorded, location.root.as_ref()?))
        {
            folders.push(recorded);
        }
        folders.push(location.folder.clone());

        Some(Self {
            root,
            membership: location.membership(),
            folders,
        })
    }

    /// Says in the log that a claim of another version may be one on this run.
    fn warn_of_lost_claims(&self, store: &Store) -> Result<(), StoreError> {
        if let Some(folder) = self.folders.last()
            && store.has_unreadable_claim(&self.root)?
        {
            tracing::warn!(
                folder = %folder.display(),
                "a `kado exec` of another version claimed runs of this project, and what it wanted \
                 cannot be read; if it started this run, its options do not count"
            );
        }
        Ok(())
    }

    /// What a store knows of the commands that may have started the run.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn known_in(self, store: &Store) -> Result<KnownCommands, StoreError> {
        // The original comes before a copy: with it katalonc was seen while the run was young.
        let mut seen = Vec::new();
        for folder in &self.folders {
            if let Some(noted) = store.noted_commands(folder)? {
                seen = noted;
                break;
            }
        }

        Ok(KnownCommands {
            claims: store.claims(clock::now())?,
            membership: self.membership,
            root: self.root,
            seen,
        })
    }
}
