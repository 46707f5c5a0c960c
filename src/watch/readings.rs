//! Looks that read, each on a thread that can be left behind.
//!
//! Whoever writes a project decides how long its files take to read, and a file system may never
//! answer at all. So a look is waited for only a little; one that takes longer goes on beside the
//! looks at other folders, and its result is taken when it is there. The folders of a project have
//! a share of each round, and a number of looks under way, so that the runs of other projects are
//! seen in the meantime. A look that is still not over after [`Limits::longest`] is given up in
//! words: the folder counts as one that cannot be read, until its thread comes back after all.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::plural::span;
use crate::watch::turns::Turns;
use crate::worker::Worker;

/// How long a look may take before it counts as one that cannot be read.
const LONGEST_LOOK: Duration = Duration::from_secs(5 * 60);

/// How much looks may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long a look is waited for before others go on beside it.
    pub patience: Duration,
    /// Longest look.
    pub longest: Duration,
    /// Looks that go on beside the others, in one project and in all.
    pub of_project: usize,
    pub of_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            longest: LONGEST_LOOK,
            of_project: 4,
            of_all: 16,
        }
    }
}

/// The looks that are under way, and how much of this round each project took.
pub(super) struct Readings<T> {
    limits: Limits,
    under_way: HashMap<PathBuf, Reading<T>>,
    turns: Turns,
}

/// A look that is under way.
struct Reading<T> {
    project: PathBuf,
    since: Stopwatch,
    result: Receiver<T>,
}

/// What became of a look.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Reached<T> {
    /// It is over.
    Done(T),
    /// It is under way, or it is begun when others are over.
    Later,
    /// It takes longer than the longest look, or would wait for one that does.
    Stuck,
}

impl<T> Default for Readings<T> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            under_way: HashMap::new(),
            turns: Turns::default(),
        }
    }
}

impl<T: Send + 'static> Readings<T> {
    /// Begins a round, in which each project has its whole share.
    pub(super) fn begin_round(&mut self) {
        self.turns.begin_round();
    }

    /// What became of the look at a folder that is under way; `None` where none is.
    pub(super) fn take(&mut self, folder: &Path) -> Option<io::Result<Reached<T>>> {
        let reading = self.under_way.get(folder)?;
        match reading.result.try_recv() {
            Ok(result) => {
                self.under_way.remove(folder);
                Some(Ok(Reached::Done(result)))
            }
            Err(TryRecvError::Empty) if reading.since.elapsed() < self.limits.longest => {
                Some(Ok(Reached::Later))
            }
            Err(TryRecvError::Empty) => Some(Ok(Reached::Stuck)),
            Err(TryRecvError::Disconnected) => {
                self.under_way.remove(folder);
                Some(Err(panicked()))
            }
        }
    }

    /// Why a folder of this project cannot be looked at now; `None` when it can.
    pub(super) fn obstacle(&self, project: &Path) -> Option<Reached<T>> {
        if self.turns.is_over(project) {
            return Some(Reached::Later);
        }

        let all = self.under_way.values();
        let of_project: Vec<_> = all.filter(|one| one.project == project).collect();
        let is_full = of_project.len() >= self.limits.of_project;
        if !is_full && self.under_way.len() < self.limits.of_all {
            return None;
        }

        // What is begun only after these would be as long in coming.
        let longest = self.limits.longest;
        if is_full && of_project.iter().all(|one| one.since.elapsed() >= longest) {
            Some(Reached::Stuck)
        } else {
            Some(Reached::Later)
        }
    }

    /// Looks at a folder of a project.
    ///
    /// # Errors
    /// When no thread can be had, or when the look panicked.
    pub(super) fn begin(
        &mut self,
        folder: &Path,
        project: &Path,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Reached<T>> {
        let worker = Worker::idle()?;
        let since = Stopwatch::start();
        let result = worker.begin(look);

        let reached = result.recv_timeout(self.limits.patience);
        self.turns.spend(project, since.elapsed());
        match reached {
            Ok(result) => {
                worker.give_back();
                Ok(Reached::Done(result))
            }
            Err(RecvTimeoutError::Disconnected) => Err(panicked()),
            Err(RecvTimeoutError::Timeout) => {
                let reading = Reading {
                    project: project.to_owned(),
                    since,
                    result,
                };
                self.under_way.insert(folder.to_owned(), reading);
                Ok(Reached::Later)
            }
        }
    }

    /// Lets go of the look at a folder that is gone.
    pub(super) fn forget(&mut self, folder: &Path) {
        self.under_way.remove(folder);
    }
}

/// What is said of a look that is given up.
pub(super) fn stuck() -> io::Error {
    let text = format!(
        "reading its files takes longer than {}; look at the disk or share that they lie on",
        span(LONGEST_LOOK.as_secs())
    );
    io::Error::new(ErrorKind::TimedOut, text)
}

fn panicked() -> io::Error {
    io::Error::other("kado failed on it; that is a defect, please report it")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;

    use super::*;

    /// Readings without patience for a look.
    fn readings(longest: Duration) -> Readings<u8> {
        Readings {
            limits: Limits {
                patience: Duration::ZERO,
                longest,
                of_project: 2,
                of_all: 3,
            },
            ..Readings::default()
        }
    }

    /// Begins a look that is over when something is sent, or when the sender is dropped.
    fn begin(readings: &mut Readings<u8>, folder: &str, project: &str) -> Sender<u8> {
        let (sender, receiver) = channel();

        let reached = readings.begin(Path::new(folder), Path::new(project), move || {
            receiver.recv().unwrap_or_default()
        });

        assert_eq!(reached.unwrap(), Reached::Later);
        sender
    }

    fn wait_for(readings: &mut Readings<u8>, folder: &str) -> u8 {
        loop {
            match readings.take(Path::new(folder)) {
                Some(Ok(Reached::Done(result))) => return result,
                Some(Ok(_)) => thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_look_that_is_not_waited_for_is_taken_when_it_is_over() {
        let mut readings = readings(Duration::MAX);
        let slow = begin(&mut readings, "a", "shop");
        assert_eq!(
            readings.take(Path::new("a")).unwrap().unwrap(),
            Reached::Later
        );

        slow.send(7).unwrap();

        assert_eq!(wait_for(&mut readings, "a"), 7);
        assert!(readings.take(Path::new("a")).is_none());
    }

    #[test]
    fn a_project_has_so_many_looks_under_way_and_another_still_has_its_own() {
        let mut readings = readings(Duration::MAX);
        let _first = begin(&mut readings, "a", "shop");
        let _second = begin(&mut readings, "b", "shop");

        assert_eq!(readings.obstacle(Path::new("shop")), Some(Reached::Later));
        assert_eq!(readings.obstacle(Path::new("bank")), None);
    }

    #[test]
    fn what_would_wait_for_looks_without_an_end_is_stuck_as_well() {
        let mut readings = readings(Duration::ZERO);
        let _first = begin(&mut readings, "a", "shop");
        let _second = begin(&mut readings, "b", "shop");

        assert_eq!(
            readings.take(Path::new("a")).unwrap().unwrap(),
            Reached::Stuck
        );
        assert_eq!(readings.obstacle(Path::new("shop")), Some(Reached::Stuck));
    }
}
