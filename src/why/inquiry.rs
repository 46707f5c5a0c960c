//! Somebody asks about a folder: with what the question is answered.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::clock;
use crate::config::Config;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::file_names::comparable;
use crate::moment::Moment;
use crate::outbox::Store;
use crate::outbox::lock::{NextTry, ServiceMark, ServiceState};
use crate::outbox::submission::SubmissionSummary;
use crate::overview::DiskFault;
use crate::overview::live_suites::LiveSuite;
use crate::shell_word::shell_word;
use crate::watch::{Survey, WatchProblems, survey};

/// With what questions are answered.
pub(crate) struct Inquiry<'a> {
    pub(super) config: &'a Config,
    /// The outbox; `None` before there is one.
    pub(super) store: Option<Store>,
    /// Why the outbox cannot be read, where it is there: then nobody knows what was submitted.
    pub(super) outbox_fault: Option<OutboxFault>,
    pub(super) service: ServiceState,
    /// Why nothing can be recorded at present, so that nothing is sent.
    pub(super) disk_fault: Option<DiskFault>,
    /// When kado first saw this machine, or now.
    pub(super) first_seen: Moment,
    pub(super) now: Moment,
    /// All rows of the outbox, by their ids.
    rows: BTreeMap<i64, SubmissionSummary>,
    /// What lies in the watched folders; looked at only when somebody has to know.
    watched: OnceCell<Watched>,
}

/// Why the outbox has no answer, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OutboxFault(pub String);

/// What the service finds in the watched folders.
pub(super) struct Watched {
    /// Projects and run folders, comparable.
    found: HashSet<PathBuf>,
    /// What it does not see.
    pub problems: WatchProblems,
}

impl Watched {
    /// Whether the service finds a project or run folder.
    pub(super) fn has(&self, folder: &Path) -> bool {
        self.found.contains(&comparable(folder))
    }
}

impl<'a> Inquiry<'a> {
    /// Opens what there is to read; nothing of it has to be there.
    pub(crate) fn open(config: &'a Config) -> Self {
        let now = clock::now();
        let mut inquiry = Self {
            config,
            store: None,
            outbox_fault: None,
            service: ServiceMark::look(&config.state_dir),
            disk_fault: DiskFault::of(&config.state_dir),
            first_seen: now,
            now,
            rows: BTreeMap::new(),
            watched: OnceCell::new(),
        };

        if let Err(error) = inquiry.read_outbox() {
            inquiry.store = None;
            inquiry.outbox_fault = Some(OutboxFault(format!("{error:#}")));
        }
        inquiry
    }

    fn read_outbox(&mut self) -> anyhow::Result<()> {
        let Some(store) = Store::open_to_read(&self.config.state_dir)? else {
            return Ok(());
        };
        if let Some(first_seen) = store.known_first_seen()? {
            self.first_seen = first_seen;
        }
        for row in store.summaries(None)? {
            self.rows.insert(row.id, row);
        }
        self.store = Some(store);
        Ok(())
    }

    /// Whether a run that ended then lies before the history.
    pub(super) fn is_history(&self, ended: Moment) -> bool {
        let begin = self.config.history.begin(self.first_seen);
        begin.is_some_and(|begin| ended < begin)
    }

    /// The rows of these submissions.
    pub(super) fn rows_with(&self, ids: &[i64]) -> Vec<&SubmissionSummary> {
        ids.iter().filter_map(|id| self.rows.get(id)).collect()
    }

    /// The rows of runs whose folders are chosen.
    pub(super) fn rows_in(&self, chosen: impl Fn(&Path) -> bool) -> Vec<&SubmissionSummary> {
        self.rows
            .values()
            .filter(|row| chosen(Path::new(&row.folder)))
            .collect()
    }

    /// Who tries what waits.
    pub(super) fn next_try(&self) -> NextTry {
        NextTry::look(&self.config.state_dir)
    }

    /// The live runs of a suite, in words.
    pub(super) fn live_suites(&self, run: &RunIdentity) -> Vec<String> {
        let mut lines = Vec::new();
        for live in self.ask(Store::live_runs).unwrap_or_default() {
            let identity = live.snapshot.identity();
            if let Some(suite) = LiveSuite::of(live)
                && identity.is_some_and(|identity| identity.is_same_run(run))
            {
                lines.push(suite.to_string());
            }
        }
        lines
    }

    /// What the service finds in the watched folders, by the walk of its sweep.
    pub(super) fn watched(&self) -> &Watched {
        self.watched.get_or_init(|| {
            let Survey {
                projects,
                folders,
                problems,
            } = survey(&self.config.watch);

            let found = projects.iter().chain(&folders);
            Watched {
                found: found.map(|folder| comparable(folder)).collect(),
                problems,
            }
        })
    }

    /// The answer of the outbox, which is nothing before there is one; or why it cannot be read.
    pub(super) fn ask<T: Default, E: std::error::Error + 'static>(
        &self,
        question: impl FnOnce(&Store) -> Result<T, E>,
    ) -> Result<T, OutboxFault> {
        if let Some(fault) = &self.outbox_fault {
            return Err(fault.clone());
        }
        match &self.store {
            Some(store) => question(store).map_err(|error| OutboxFault(chain(&error))),
            None => Ok(T::default()),
        }
    }
}

/// A command about a folder, as a shell takes it.
pub(super) fn command(name: &str, folder: &Path) -> String {
    format!("`kado {name} {}`", shell_word(folder.display()))
}
