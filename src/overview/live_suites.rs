//! The suites that have a live run: they run still, or their submissions are on the way.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::clock;
use crate::discovery::claim::Claim;
use crate::discovery::command_of_run::KnownCommands;
use crate::katalon::collection_report::Membership;
use crate::outbox::store::{LiveFate, LiveRun};
use crate::outbox::{Store, StoreError};
use crate::overview::exec_commands::ExecCommands;
use crate::plan::snapshot::Snapshot;
use crate::workspace;

/// A suite with its live run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct LiveSuite {
    pub suite: String,
    /// The Katalon project.
    pub project: String,
    pub plan_id: u32,
    pub ado_run_id: u32,
    pub url: Option<String>,
    /// What is not shown of it.
    pub remark: Option<String>,
    /// kado's key, which its submission has.
    #[serde(skip)]
    pub key: String,
}

impl LiveSuite {
    /// All of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn read(store: &Store) -> Result<Vec<Self>, StoreError> {
        let live = store.live_runs()?;
        Ok(live.into_iter().filter_map(Self::of).collect())
    }

    /// `None` while it is not known whether the test run was made.
    pub(crate) fn of(live: LiveRun) -> Option<Self> {
        Some(Self {
            suite: live.snapshot.run.suite,
            project: live.snapshot.project_name,
            plan_id: live.plan_id,
            ado_run_id: live.ado_run_id?,
            url: live.url,
            remark: live.remark,
            key: live.key,
        })
    }
}

/// A suite that has a live run although the `kado exec` that ran it was killed, and of which
/// nothing is recorded: without a service nobody submits it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AbandonedSuite {
    pub suite: LiveSuite,
    /// Its run folder.
    pub folder: String,
}

impl AbandonedSuite {
    /// All of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(store: &Store, state_dir: &Path) -> Result<Vec<Self>, StoreError> {
        let live = store.live_runs()?;
        if live.is_empty() {
            return Ok(Vec::new());
        }

        let commands = ExecCommands::of(store.claims(clock::now())?, state_dir);
        let mut abandoned = Vec::new();
        for run in live {
            if !is_abandoned(&commands, &run.snapshot) {
                continue;
            }
            // What is recorded is listed, with what it waits for.
            let Some(identity) = run.snapshot.identity() else {
                continue;
            };
            if store.fate_of_live(&run.key, &identity, &run.snapshot.root())? != LiveFate::Running {
                continue;
            }

            let folder = run.snapshot.folder.clone();
            abandoned.extend(LiveSuite::of(run).map(|suite| Self { suite, folder }));
        }
        Ok(abandoned)
    }
}

/// Whether a suite was run by a `kado exec` that was killed, and by none that may still run.
fn is_abandoned(commands: &ExecCommands, suite: &Snapshot) -> bool {
    covers(&commands.killed, suite) && !covers(&commands.running, suite)
}

fn covers(claims: &[Claim], suite: &Snapshot) -> bool {
    let root = Path::new(&suite.project_root);
    let commands = KnownCommands {
        root: workspace::without_links(root).unwrap_or_else(|| root.to_owned()),
        membership: match &suite.collection {
            Some(id) => Membership::Of(id.clone()),
            None => Membership::Single,
        },
        claims: claims.to_vec(),
        seen: Vec::new(),
    };

    let folder = Path::new(&suite.folder);
    commands
        .of_run(&suite.run, folder, &clock::host_name())
        .claimed
}

/// Behind the name of the suite.
impl fmt::Display for LiveSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "test run {} in test plan {} shows it in Azure DevOps until it is submitted",
            self.ado_run_id, self.plan_id
        )?;
        match &self.remark {
            Some(remark) => write!(f, "; {remark}"),
            None => Ok(()),
        }
    }
}
