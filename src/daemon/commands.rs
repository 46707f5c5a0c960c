//! Looks for the commands that started runs, while the runs are young.
//!
//! katalonc's `ado*` options stand on no disk, so they are read from its command line while it
//! runs, and remembered in the outbox at once: neither the end of katalonc nor a restart of kado
//! before the run is recorded loses them. Runs of `kado exec` are known by its claim instead.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock;
use crate::daemon::running_commands::RunningCommands;
use crate::discovery::command::{CandidateCommand, Command, ProcessKey, SoughtRun, candidates};
use crate::door;
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::watch::accounts::trusted_for;
use crate::watch::processes;
use crate::workspace::{self, Location};

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
    /// Those of them of which it was said that a stranger's command names them.
    told: HashSet<PathBuf>,
    last_look: Moment,
}

impl CommandWatch {
    /// Takes note of run folders that were seen for the first time, each with the time of its
    /// oldest file.
    pub(crate) fn want(&mut self, new: &[(PathBuf, Moment)], now: Moment) {
        for (folder, oldest) in new {
            if now.since(*oldest) < YOUNG {
                self.wanted.insert(folder.clone(), now);
            }
        }
    }

    /// When the processes are to be looked at, if at all.
    pub(crate) fn look_again(&self) -> Option<Moment> {
        if self.wanted.is_empty() {
            return None;
        }
        Some(self.last_look.plus(BETWEEN_LOOKS))
    }

    /// Looks at the processes if somebody's command is looked for, and remembers what was found:
    /// in the outbox what the commands say, in `running` which they are.
    ///
    /// # Errors
    /// When the outbox fails; the folders are looked at again then.
    pub(crate) async fn look(
        &mut self,
        outbox: &Outbox,
        running: &mut RunningCommands,
    ) -> Result<(), StoreError> {
        let now = clock::now();

        // A clock that was set back must not have a command looked for longer, nor put a look off.
        self.wanted
            .retain(|_, since| *since <= now && now.since(*since) <= LOOKED_FOR);
        self.told.retain(|folder| self.wanted.contains_key(folder));
        let looked_just_now = self.last_look <= now && now.since(self.last_look) < BETWEEN_LOOKS;
        if self.wanted.is_empty() || looked_just_now {
            return Ok(());
        }

        self.last_look = now;
        let wanted: Vec<PathBuf> = self.wanted.keys().cloned().collect();
        let looked = blocking(move || door::answered(move || look_for(&wanted, now)));
        // What does not answer is passed over at the next look.
        for (folder, found) in looked.await?.unwrap_or_default() {
            self.tell_strangers(&folder, &found.strangers);
            if !found.is_known {
                continue;
            }

            let noted = folder.clone();
            outbox
                .with(move |store| store.note_commands(&noted, &found.candidates, now))
                .await?;
            running.follow(folder.clone(), found.processes);

            // A command line does not change while its process lives, so it is looked for no more.
            self.wanted.remove(&folder);
        }
        Ok(())
    }

    /// Says once of a folder that commands of others name its run.
    fn tell_strangers(&mut self, folder: &Path, accounts: &[u32]) {
        if !accounts.is_empty() && self.told.insert(folder.to_owned()) {
            tracing::warn!(
                folder = %folder.display(),
                ?accounts,
                "a command of another account says that it started this run, and its options do \
                 not count; `kado exec` gives a run its options whoever owns its folder"
            );
        }
    }
}

/// The commands that may have started a run.
#[derive(Default)]
struct FoundCommands {
    /// Whether it can be said which they are.
    is_known: bool,
    /// The accounts of commands that say so and have no say in it.
    strangers: Vec<u32>,
    candidates: Vec<CandidateCommand>,
    processes: Vec<ProcessKey>,
}

/// What may have started the runs in these folders; a folder of which nothing can be said yet is
/// not among them.
fn look_for(folders: &[PathBuf], now: Moment) -> Vec<(PathBuf, FoundCommands)> {
    // Once for all folders, because it looks at every process of the machine.
    let commands = processes::katalon_commands();

    let mut all = Vec::new();
    for folder in folders {
        if let Some(found) = commands_for(folder, &commands, now) {
            all.push((folder.clone(), found));
        }
    }
    all
}

/// Those of the commands that may have started the run in a folder; `None` while nothing can be
/// said.
fn commands_for(folder: &Path, commands: &[Command], now: Moment) -> Option<FoundCommands> {
    let launch = workspace::read_launch(folder)?;

    // A run of Katalon Studio's window has no command, whatever runs beside it.
    if let Some(mode) = &launch.running_mode
        && mode.eq_ignore_ascii_case("GUI")
    {
        return Some(FoundCommands {
            is_known: true,
            ..FoundCommands::default()
        });
    }

    let location = Location::of(folder);
    let root = workspace::without_links(location.root.as_ref()?)?;
    let suite = launch.suite.unwrap_or_default();
    let oldest = workspace::list_run_folder(folder).ok()?.oldest();

    let run = SoughtRun {
        root: &root,
        suite: &suite,
        membership: &location.membership(),
        seen: oldest.map_or(now, |oldest| oldest.min(now)),
        accounts: &trusted_for(folder, &root),
    };
    let found = found_for(&run, commands);
    for candidate in &found.candidates {
        tracing::info!(
            folder = %folder.display(),
            options = ?candidate.options.said(),
            "katalonc was seen running for this run"
        );
    }
    Some(found)
}

/// What is found of a run among the commands.
fn found_for(run: &SoughtRun<'_>, commands: &[Command]) -> FoundCommands {
    let mut found = FoundCommands {
        candidates: candidates(run, commands),
        ..FoundCommands::default()
    };
    // Its process may not have been seen yet.
    found.is_known = !found.candidates.is_empty();

    for command in commands {
        if command.may_have_started(run) {
            found.processes.push(command.process());
        } else if command.is_of_stranger(run) {
            found.strangers.extend(command.account);
        }
    }
    found
}
