//! Makes the test runs of suites while they run (`submit.live`), beside the durable way, which
//! knows nothing of it.
//!
//! Such a test run is a *live run* until its submission has it, and what is written into it is a
//! *preview*, because the submission writes over it: these are the only words for it.
//!
//! A suite that runs has a task of its own (`task`): as soon as it is known which run it is and
//! which tests are planned, the live run is made with kado's key, and the outcome of each test is
//! written when it ends (`runs`). When the suite is over the task ends, and the ordinary submission
//! finds the run by its key and writes everything anew. Which live runs were made is in the outbox
//! from before each is made until its submission has it; those that no submission will have are
//! abandoned, and are ended (`fate`).
//!
//! A live run yields to everything: no more than one request in two seconds is sent for a suite,
//! none while something that is due waits for the server, and none any more once the server said
//! that there were too many. What fails costs previews and nothing else.

mod fate;
mod requests;
pub(crate) mod rules;
mod runs;
mod stop;
mod task;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Stopwatch;
use crate::config::Config;
use crate::connect::Connections;
use crate::error_chain::chain;
use crate::outbox::Outbox;

pub(crate) use fate::EndedLiveRun;

/// Time between two looks at what became of live runs.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// The run folders with a suite that runs, as the last look saw them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RunningSuites {
    /// The folders.
    pub folders: BTreeSet<PathBuf>,
    /// Folders with a suite that is over and that is recorded soon: nothing of it is lost.
    pub over: BTreeSet<PathBuf>,
    /// Whether all folders were looked at, so that a suite that is not among them does not run.
    pub is_whole: bool,
}

/// Makes live runs of the suites that run, and writes into them.
#[derive(Clone)]
pub(crate) struct LiveWriter {
    pub(crate) outbox: Outbox,
    pub(crate) connections: Arc<Connections>,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) running: watch::Receiver<RunningSuites>,
}

impl LiveWriter {
    /// Works until `stop`.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let mut suites = SuiteTasks::default();
        // On its own, one at a time: a server that hangs holds up no suite that begins.
        let mut endings = JoinSet::new();
        let mut looked: Option<Stopwatch> = None;

        while !stop.is_cancelled() {
            self.begin_new(&mut suites);

            let is_due = looked.is_none_or(|looked| looked.elapsed() >= BETWEEN_LOOKS);
            if is_due && endings.is_empty() {
                endings.spawn(self.clone().end_abandoned_now());
                looked = Some(Stopwatch::start());
            }

            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
                changed = self.running.changed() => {
                    // Nobody looks at folders any more.
                    if changed.is_err() {
                        while suites.tasks.join_next().await.is_some() {}
                        return;
                    }
                }
                changed = self.config.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // What was not to be live may be by now, and the other way round; what is
                    // begun is found again.
                    suites.tasks.abort_all();
                    suites.folders.clear();
                }
                Some(ended) = endings.join_next() => {
                    // From its end on: one that took long leaves the server alone as well.
                    looked = Some(Stopwatch::start());
                    if let Err(error) = ended {
                        tracing::debug!(%error, "what became of live runs is not known");
                    }
                }
                Some(ended) = suites.tasks.join_next() => {
                    // A panic costs only its own suite.
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a suite is not shown any more");
                    }
                }
            }
        }
    }

    /// Ends the live runs that nobody will complete; what cannot be ended now is ended later.
    async fn end_abandoned_now(self) {
        if let Err(error) = self.end_abandoned().await {
            let error = chain(&error);
            tracing::debug!(error, "what became of live runs is not known");
        }
    }

    /// Begins a task for each suite that runs and has none yet.
    fn begin_new(&mut self, suites: &mut SuiteTasks) {
        let running = self.running.borrow_and_update().clone();
        suites
            .folders
            .retain(|folder| running.folders.contains(folder));
        self.config.mark_unchanged();

        for folder in running.folders {
            if !suites.folders.contains(&folder) {
                suites.tasks.spawn(task::run(self.clone(), folder.clone()));
                suites.folders.insert(folder);
            }
        }
    }

    /// Whether the suite in a folder still runs, as far as the last look knows.
    fn is_running(&self, folder: &Path) -> bool {
        self.running.borrow().folders.contains(folder)
    }
}

/// The suites that run and their tasks; one whose task has ended gets no other.
#[derive(Default)]
struct SuiteTasks {
    tasks: JoinSet<()>,
    folders: HashSet<PathBuf>,
}
