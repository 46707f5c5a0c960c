//! `kado exec --live`: the suites of the command are live. A service beside it does that itself, by
//! the claim; without one it is done here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::{self, Sender};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ado::Credential;
use crate::blocking::blocking;
use crate::cli::exec::claim::{ClaimKeeper, FILE_TIMES};
use crate::config::Config;
use crate::connect::Connections;
use crate::live::{EndedLiveRun, LiveWriter, RunningSuites};
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::lock::{ServiceMark, ServiceState};
use crate::server::Server;
use crate::watch::find_runs;
use crate::workspace;

/// Time between two looks for new run folders.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Longest wait for a request that is under way when the command has ended, and for those that end
/// test runs when it is known what became of its suites.
const LAST_REQUEST: Duration = Duration::from_secs(10);

/// A command whose suites are live.
pub(super) struct LiveCommand {
    running: Arc<Sender<RunningSuites>>,
    looks: JoinHandle<()>,
    writes: JoinHandle<()>,
    writer: LiveWriter,
    /// The configuration does not change while the command runs.
    _config: Sender<Arc<Config>>,
}

/// Makes the suites of a claim live from now on, while no service does.
pub(super) fn begin(
    claim: &ClaimKeeper,
    config: &Config,
    pair: Option<(Server, Credential)>,
) -> LiveCommand {
    let (outbox, root, from) = claim.ground();
    let state_dir = config.state_dir.clone();
    let connections = match pair {
        Some((server, credential)) => Connections::default().with_pair(&server, credential),
        None => Connections::default(),
    };
    let (config_sender, config) = watch::channel(Arc::new(config.clone()));
    let (running_sender, running) = watch::channel(RunningSuites::default());
    let writer = LiveWriter {
        outbox,
        connections: Arc::new(connections),
        config,
        running,
    };

    let running_sender = Arc::new(running_sender);
    let told = Arc::clone(&running_sender);
    let looks = tokio::spawn(look_on(root, from, state_dir, told));
    LiveCommand {
        running: running_sender,
        looks,
        writes: tokio::spawn(writer.clone().serve(CancellationToken::new())),
        writer,
        _config: config_sender,
    }
}

/// Looks again and again which run folders are the command's.
async fn look_on(
    root: PathBuf,
    from: Moment,
    state_dir: PathBuf,
    told: Arc<Sender<RunningSuites>>,
) {
    loop {
        let root = root.clone();
        let state_dir = state_dir.clone();
        let looked = blocking(move || {
            // A service that is started meanwhile goes on with the runs that are there.
            if ServiceMark::look(&state_dir) == ServiceState::Running {
                return RunningSuites::default();
            }
            RunningSuites {
                folders: changed_since(&root, from),
                over: BTreeSet::new(),
                is_whole: true,
            }
        });
        let Ok(now) = looked.await else {
            return;
        };

        told.send_if_modified(|told| {
            let is_news = *told != now;
            *told = now;
            is_news
        });
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The run folders in which something changed since then.
fn changed_since(root: &Path, from: Moment) -> BTreeSet<PathBuf> {
    let mut changed = BTreeSet::new();
    for folder in find_runs(root) {
        let Ok(listing) = workspace::list_run_folder(&folder) else {
            continue;
        };
        if listing
            .newest()
            .is_some_and(|newest| newest.plus(FILE_TIMES) >= from)
        {
            changed.insert(folder);
        }
    }
    changed
}

impl LiveCommand {
    /// The command has ended: nothing is live any more, and no request is under way. What is given
    /// knows the live runs that were made.
    pub(super) async fn end(self) -> LiveWriter {
        // It must tell nothing more, and lets go of what it tells with.
        self.looks.abort();
        let _ = self.looks.await;
        self.running.send_replace(RunningSuites::default());
        drop(self.running);

        if tokio::time::timeout(LAST_REQUEST, self.writes)
            .await
            .is_err()
        {
            tracing::debug!("a request about a live run is still under way");
        }
        self.writer
    }
}

/// Ends the live runs of suites that turned out not to be submitted, and gives them: with no
/// service on the machine nobody else would.
///
/// # Errors
/// When the outbox fails.
pub(super) async fn end_unsubmitted(writer: &LiveWriter) -> Result<Vec<EndedLiveRun>, StoreError> {
    let ending = tokio::time::timeout(LAST_REQUEST, writer.end_abandoned());
    // What is not ended now is ended by whoever looks next.
    ending.await.unwrap_or_else(|_| Ok(Vec::new()))
}
