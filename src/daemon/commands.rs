//! Looking for the commands that started runs, while the runs are young.
//!
//! katalonc's `ado*` options stand on no disk, so they are read from its command line while it
//! runs, and remembered in the outbox at once: neither the end of katalonc nor a restart of kado
//! before the run is recorded loses them. Runs of `kado exec` are told by its claim instead.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock;
use crate::discovery::command::{CandidateCommand, Command, SoughtRun, candidates};
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::record::commands::{collection_of, root_of};
use crate::watch::processes;
use crate::workspace;

/// Least time between two looks at the processes.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// How long the command of a run is looked for. It started the run, so it is there from the first
/// look on; only the launcher's file that names the suite may come a moment later.
const LOOKED_FOR: Duration = Duration::from_secs(30);
/// How old a run folder may be when it is first seen to be young: what was written long ago has
/// lost its command.
const YOUNG: Duration = Duration::from_secs(10 * 60);

/// Looks for the commands of runs that are young.
#[derive(Default)]
pub(crate) struct CommandWatch {
    /// Folders whose command is looked for, since when.
    wanted: HashMap<PathBuf, Moment>,
    looked: Moment,
}

impl CommandWatch {
    /// Takes note of run folders that were seen for the first time, each with the time of its
    /// oldest file.
    pub(crate) fn want(&mut self, new: Vec<(PathBuf, Moment)>, now: Moment) {
        let young = new
            .into_iter()
            .filter(|(_, oldest)| now.since(*oldest) < YOUNG);
        self.wanted.extend(young.map(|(folder, _)| (folder, now)));
    }

    /// When the processes are to be looked at, if at all.
    pub(crate) fn look_again(&self) -> Option<Moment> {
        (!self.wanted.is_empty()).then(|| self.looked.plus(BETWEEN_LOOKS))
    }

    /// Looks at the processes if somebody's command is looked for, and remembers what was found.
    ///
    /// # Errors
    /// When the outbox fails; the folders are looked at again then.
    pub(crate) async fn look(&mut self, outbox: &Outbox) -> Result<(), StoreError> {
        let now = clock::now();
        self.wanted
            .retain(|_, since| *since <= now && now.since(*since) <= LOOKED_FOR);
        if self.wanted.is_empty() || (self.looked <= now && now.since(self.looked) < BETWEEN_LOOKS)
        {
            return Ok(());
        }
        self.looked = now;
        let wanted: Vec<PathBuf> = self.wanted.keys().cloned().collect();
        let found = blocking(move || look_for(&wanted, now)).await?;
        for (folder, found) in found {
            let noted = folder.clone();
            outbox
                .with(move |store| store.note_commands(&noted, &found, now))
                .await?;
            self.wanted.remove(&folder);
        }
        Ok(())
    }
}

/// What may have started the runs in these folders; a folder of which nothing can be said yet is
/// not among them.
fn look_for(folders: &[PathBuf], now: Moment) -> Vec<(PathBuf, Vec<CandidateCommand>)> {
    let commands = processes::katalon_commands();
    folders
        .iter()
        .filter_map(|folder| Some((folder.clone(), found_for(folder, &commands, now)?)))
        .collect()
}

/// `None` while nothing can be said; a run of Katalon Studio's window has no command.
fn found_for(folder: &Path, commands: &[Command], now: Moment) -> Option<Vec<CandidateCommand>> {
    let launch = workspace::read_launch(folder)?;
    if launch
        .running_mode
        .as_deref()
        .is_some_and(|mode| mode.eq_ignore_ascii_case("GUI"))
    {
        return Some(Vec::new());
    }
    let root = root_of(folder)?;
    let collection = collection_of(folder);
    let suite = launch.suite.unwrap_or_default();
    let oldest = workspace::list_run_folder(folder)
        .ok()?
        .oldest()
        .unwrap_or(now);
    let sought = SoughtRun {
        root: &root,
        suite: &suite,
        collection: collection.as_ref().map(Option::as_deref),
        seen: oldest.min(now),
    };
    let found = candidates(&sought, commands);
    for candidate in &found {
        let (folder, options) = (folder.display(), candidate.options.said());
        tracing::info!(%folder, ?options, "katalonc was seen running for this run");
    }
    (!found.is_empty()).then_some(found)
}
