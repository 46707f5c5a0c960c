//! Knows when the katalonc that made a run has ended: then nothing of the run can come any more,
//! neither reports nor Katalon's own upload, so nobody waits for them.
//!
//! Only commands that were seen running count. Of all others, as of Katalon Studio's window, it is
//! not known when they end, and their runs wait for as long as the contract says.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::blocking::{Stopped, blocking};
use crate::clock;
use crate::discovery::command::ProcessKey;
use crate::door;
use crate::moment::Moment;
use crate::watch::processes;

/// Time between two looks while somebody waits for the end of a command.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How long the end of a command is remembered after it was seen; its run is recorded within the
/// grace time.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// The commands of runs.
#[derive(Default)]
pub(super) struct RunningCommands {
    /// Run folders with the processes that may have made their run, while any of them runs.
    running: HashMap<PathBuf, Vec<ProcessKey>>,
    /// Run folders of which all have ended, since when that is known.
    ended: HashMap<PathBuf, Moment>,
    /// Submissions that are held back for Katalon's own upload, by their run folders.
    held: HashMap<PathBuf, Vec<i64>>,
    last_look: Moment,
}

impl RunningCommands {
    /// These processes may have made the run in a folder.
    pub(super) fn follow(&mut self, folder: PathBuf, processes: Vec<ProcessKey>) {
        if !processes.is_empty() {
            self.running.insert(folder, processes);
        }
    }

    /// The run in a folder was recorded; gives those of its submissions that nobody has to wait
    /// with.
    pub(super) fn recorded(&mut self, folder: &Path, submissions: &[i64]) -> Vec<i64> {
        if self.ended.contains_key(folder) {
            return submissions.to_vec();
        }
        if self.running.contains_key(folder) && !submissions.is_empty() {
            self.held.insert(folder.to_owned(), submissions.to_vec());
        }
        Vec::new()
    }

    /// When the processes are to be looked at, if at all.
    pub(super) fn look_again(&self) -> Option<Moment> {
        (!self.held.is_empty()).then(|| self.last_look.plus(BETWEEN_LOOKS))
    }

    /// The folders whose command has ended.
    pub(super) fn ended(&self) -> Arc<HashSet<PathBuf>> {
        Arc::new(self.ended.keys().cloned().collect())
    }

    /// Looks which commands have ended; gives the submissions that need not wait for Katalon any
    /// more.
    ///
    /// # Errors
    /// When the service ends.
    pub(super) async fn look(&mut self) -> Result<Vec<i64>, Stopped> {
        let now = clock::now();
        self.ended
            .retain(|_, since| *since <= now && now.since(*since) < REMEMBERED);

        let looked_just_now = self.last_look <= now && now.since(self.last_look) < BETWEEN_LOOKS;
        if self.running.is_empty() || looked_just_now {
            return Ok(Vec::new());
        }

        self.last_look = now;
        let asked: Vec<ProcessKey> = self.running.values().flatten().copied().collect();
        let looked = blocking(move || door::answered(move || processes::running(&asked)));
        // A system that does not answer says nothing of an end.
        let Ok(alive) = looked.await? else {
            return Ok(Vec::new());
        };
        Ok(self.take_in(&alive, now))
    }

    /// Takes in which of the processes run.
    fn take_in(&mut self, alive: &HashSet<ProcessKey>, now: Moment) -> Vec<i64> {
        let mut released = Vec::new();
        for (folder, processes) in std::mem::take(&mut self.running) {
            if processes.iter().any(|process| alive.contains(process)) {
                self.running.insert(folder, processes);
                continue;
            }

            tracing::debug!(folder = %folder.display(), "the katalonc of this run has ended");
            released.extend(self.held.remove(&folder).unwrap_or_default());
            self.ended.insert(folder, now);
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KATALONC: ProcessKey = ProcessKey {
        id: 7,
        started: Moment::from_millis(1000),
    };

    fn folder() -> PathBuf {
        PathBuf::from("Reports/one")
    }

    fn followed() -> RunningCommands {
        let mut commands = RunningCommands::default();
        commands.follow(folder(), vec![KATALONC]);
        commands
    }

    #[test]
    fn what_is_held_back_for_katalon_is_let_go_when_its_katalonc_has_ended() {
        let mut commands = followed();
        let now = Moment::from_millis(9000);

        assert!(commands.recorded(&folder(), &[3, 4]).is_empty());
        assert!(commands.look_again().is_some());
        assert!(commands.take_in(&HashSet::from([KATALONC]), now).is_empty());

        assert_eq!(commands.take_in(&HashSet::new(), now), [3, 4]);
        assert_eq!(commands.look_again(), None);
        assert!(commands.ended().contains(&folder()));
    }

    #[test]
    fn a_run_that_is_recorded_after_its_katalonc_has_ended_waits_for_nothing() {
        let mut commands = followed();
        commands.take_in(&HashSet::new(), Moment::from_millis(9000));

        assert_eq!(commands.recorded(&folder(), &[3]), [3]);
    }

    #[test]
    fn another_process_with_the_same_number_is_not_the_katalonc() {
        let mut commands = followed();
        let other = ProcessKey {
            started: Moment::from_millis(8000),
            ..KATALONC
        };

        commands.take_in(&HashSet::from([other]), Moment::from_millis(9000));

        assert!(commands.ended().contains(&folder()));
    }

    #[test]
    fn of_a_run_whose_command_was_never_seen_no_end_is_known() {
        let mut commands = RunningCommands::default();
        commands.follow(folder(), Vec::new());

        assert!(commands.recorded(&folder(), &[3]).is_empty());
        assert_eq!(commands.look_again(), None);
        assert!(commands.ended().is_empty());
    }
}
