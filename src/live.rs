//! Shows suites in Azure DevOps while they run (`submit.live`): a preview beside the durable way,
//! which knows nothing of it.
//!
//! A suite that runs is *followed* by a task of its own (`follow`): as soon as it is known which
//! run it is and which tests are planned, the test run is made with kado's key, and the outcome of
//! each test is written when it ends (`shown`). When the suite is over the task ends, and the
//! ordinary submission finds the run by its key and writes everything anew. Which runs were made is
//! in the outbox from before each is made until its submission has it; those that no submission
//! will have are ended (`fate`).
//!
//! A preview yields to everything: it sends no more than one request in two seconds for a suite,
//! none while something that is due waits for the server, and none any more once the server said
//! that there were too many. What fails costs the preview and nothing else.

mod fate;
mod follow;
mod requests;
pub(crate) mod rules;
mod shown;
mod stop;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::blocking::unless_stopped;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::connect::Connections;
use crate::error_chain::chain;
use crate::outbox::Outbox;

pub(crate) use fate::EndedPreview;

/// Time between two looks at what became of runs that were made.
const BETWEEN_SETTLINGS: Duration = Duration::from_secs(10);

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

/// Shows suites while they run.
#[derive(Clone)]
pub(crate) struct Previewer {
    pub(crate) outbox: Outbox,
    pub(crate) connections: Arc<Connections>,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) running: watch::Receiver<RunningSuites>,
}

impl Previewer {
    /// Works until `stop`.
    pub(crate) async fn serve(mut self, stop: CancellationToken) {
        let mut followed = FollowedSuites::default();
        let mut settled: Option<Stopwatch> = None;

        while !stop.is_cancelled() {
            self.follow_new(&mut followed);
            if settled.is_none_or(|settled| settled.elapsed() >= BETWEEN_SETTLINGS) {
                // A server that hangs must not keep the service from ending.
                let settling = unless_stopped(self.settle(), &stop, Duration::ZERO);
                if let Ok(Err(error)) = settling.await {
                    let error = chain(&error);
                    tracing::debug!(error, "what became of live runs is not known");
                }
                settled = Some(Stopwatch::start());
            }

            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(BETWEEN_SETTLINGS) => {}
                changed = self.running.changed() => {
                    // Nobody looks at folders any more.
                    if changed.is_err() {
                        while followed.tasks.join_next().await.is_some() {}
                        return;
                    }
                }
                changed = self.config.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // What was not to be shown may be by now, and the other way round; what is
                    // begun is found again.
                    followed.tasks.abort_all();
                    followed.folders.clear();
                }
                Some(ended) = followed.tasks.join_next() => {
                    // A panic costs only its own suite.
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a suite is not shown any more");
                    }
                }
            }
        }
    }

    /// Begins to follow the suites that run and are not followed.
    fn follow_new(&mut self, followed: &mut FollowedSuites) {
        let running = self.running.borrow_and_update().clone();
        followed
            .folders
            .retain(|folder| running.folders.contains(folder));
        self.config.mark_unchanged();

        for folder in running.folders {
            if followed.folders.contains(&folder) {
                continue;
            }
            followed
                .tasks
                .spawn(follow::follow(self.clone(), folder.clone()));
            followed.folders.insert(folder);
        }
    }

    /// Whether the suite in a folder still runs, as far as the last look knows.
    fn is_running(&self, folder: &Path) -> bool {
        self.running.borrow().folders.contains(folder)
    }
}

/// The suites that are followed; one whose task has ended is not followed again.
#[derive(Default)]
struct FollowedSuites {
    tasks: JoinSet<()>,
    folders: HashSet<PathBuf>,
}
