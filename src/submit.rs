//! Carries submissions out: takes what is due from the outbox, step by step to ADO, and records
//! each confirmation.
//!
//! One module executes steps (`execute`), one answers "did it happen?" for those that may have
//! (`probe`). A submission that cannot go on waits, growing to [`backoff::LONGEST`], or is parked
//! with a reason; others go on meanwhile. Submissions of the same test plan go one after the other,
//! in the order in which their runs ended.

pub(crate) mod backoff;
mod content;
mod drain;
mod execution;
mod executor;
pub(crate) mod facts;
mod katalon_upload;
pub(crate) mod now;
pub(crate) mod outcome;
mod planning;
mod probe;
mod serve;
mod steps;
mod stop;

pub(crate) use execution::ResultRef;
pub(crate) use stop::Stop;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::ado::{AdoClient, AdoError, Credential};
use crate::blocking::blocking;
use crate::clock;
use crate::config::{Config, Late};
use crate::connect::Connections;
use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::store::unreadable;
use crate::outbox::submission::Obstacle;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, Store, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::katalon_upload::project_key;
use crate::plan::snapshot::Snapshot;
use crate::server::Server;
use crate::spool::Spool;

/// What one attempt at a submission led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Attempt {
    /// Everything is confirmed.
    Submitted,
    /// It waits.
    Waits {
        /// Why.
        cause: Obstacle,
        /// Until when.
        until: Moment,
    },
    /// It needs a person.
    Parked,
    /// There is nothing to do.
    Ignored,
}

impl Attempt {
    /// Why it waits, if it does.
    pub(crate) const fn cause(&self) -> Option<Obstacle> {
        match self {
            Self::Waits { cause, .. } => Some(*cause),
            Self::Submitted | Self::Parked | Self::Ignored => None,
        }
    }
}

/// Carries out submissions.
pub(crate) struct Submitter {
    outbox: Outbox,
    connections: Arc<Connections>,
    config: watch::Receiver<Arc<Config>>,
    /// Whether nobody waits for it, so that it may wait for others.
    patient: bool,
}

impl Submitter {
    /// A submitter for an outbox; it follows changes of the configuration.
    pub(crate) fn new(outbox: Outbox, config: watch::Receiver<Arc<Config>>) -> Self {
        Self {
            outbox,
            connections: Arc::default(),
            config,
            patient: true,
        }
    }

    /// As [`Submitter::new`], for a command that somebody waits for: no call takes longer than
    /// `patience`.
    pub(crate) fn impatient(
        outbox: Outbox,
        config: watch::Receiver<Arc<Config>>,
        patience: Duration,
    ) -> Self {
        Self {
            outbox,
            connections: Arc::new(Connections::with_patience(patience)),
            config,
            patient: false,
        }
    }

    /// With a pair of server and credential that came with this invocation; see
    /// [`Connections::with_pair`].
    #[must_use]
    pub(crate) fn with_pair(
        self,
        server: &Server,
        credential: Credential,
        patience: Duration,
    ) -> Self {
        let connections = Connections::with_patience(patience).with_pair(server, credential);
        Self {
            connections: Arc::new(connections),
            ..self
        }
    }

    /// The connection for a run, with a token from one source for just this server. Settings and
    /// tokens may lie on a share that hangs, so they are read on a thread that may block.
    async fn connect(&self, snapshot: &Snapshot) -> Result<Arc<AdoClient>, Stop> {
        let (connections, snapshot) = (Arc::clone(&self.connections), snapshot.clone());
        let config = Arc::clone(&self.config.borrow());
        Ok(blocking(move || connections.for_run(&config, &snapshot)).await??)
    }

    /// What it connects with.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    /// One attempt at a submission.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(crate) async fn attempt(&self, id: i64) -> Result<Attempt, StoreError> {
        self.attempt_until_written(id, || ()).await
    }

    /// As [`Submitter::attempt`]; `written` is called when all results are in ADO, so that the
    /// order of outcomes no longer depends on this submission.
    async fn attempt_until_written(
        &self,
        id: i64,
        written: impl Fn() + Send + Sync,
    ) -> Result<Attempt, StoreError> {
        let submission = match self.outbox.with(move |store| store.load(id)).await {
            Err(StoreError::Content(error)) => return self.unreadable(id, &error).await,
            loaded => loaded?,
        };
        let attempts = submission.attempts;
        let suite = submission.snapshot.run.suite.clone();
        let runs: Vec<_> = submission.snapshot.run_identities().into_iter().collect();
        match self.advance(submission, &written).await {
            Ok(run) => {
                self.outbox
                    .with(move |store| store.submitted(id, clock::now()))
                    .await?;
                tracing::info!(id, suite, ado_run = run, "submitted");
                self.empty_spool(&runs).await?;
                Ok(Attempt::Submitted)
            }
            Err(Stop::Store(error)) => Err(error),
            Err(Stop::Elsewhere { reason, plan }) => {
                tracing::info!(id, suite, reason, "ignored");
                self.outbox
                    .with(move |store| store.ignore(id, &reason, &plan, clock::now()))
                    .await?;
                self.empty_spool(&runs).await?;
                Ok(Attempt::Ignored)
            }
            Err(Stop::ByKatalon { run, url }) => {
                self.by_katalon(id, run, url).await?;
                self.empty_spool(&runs).await?;
                Ok(Attempt::Submitted)
            }
            Err(stop) => self.stop(id, attempts, &suite, stop).await,
        }
    }

    /// Katalon submitted the run itself: that is recorded, and nothing is sent.
    async fn by_katalon(&self, id: i64, run: u32, url: String) -> Result<(), StoreError> {
        tracing::info!(
            id,
            ado_run = run,
            "Katalon submitted this run itself; kado sends nothing"
        );
        let record = move |store: &mut Store| {
            let snapshot = store.load(id)?.snapshot;
            let project = project_key(&snapshot.options, &snapshot.project_name);
            store.submitted_by_katalon(id, run, &url, &project, clock::now())
        };
        self.outbox.with(record).await
    }

    fn spool(&self) -> Spool {
        let config = self.config.borrow();
        Spool::new(&config.state_dir, config.spool_limit)
    }

    /// Removes the copies of a run that is confirmed, unless another submission of it still needs
    /// them.
    async fn empty_spool(&self, runs: &[RunIdentity]) -> Result<(), StoreError> {
        let open = self.outbox.with(|store| store.open_runs()).await?;
        let spool = self.spool();
        let done: Vec<_> = runs
            .iter()
            .filter(|run| !open.iter().any(|other| other.is_same_run(run)))
            .cloned()
            .collect();
        // Copies that outlive this are removed by the next purge.
        Ok(blocking(move || done.iter().for_each(|run| spool.remove(run))).await?)
    }

    /// One row that cannot be understood costs only itself.
    async fn unreadable(&self, id: i64, error: &serde_json::Error) -> Result<Attempt, StoreError> {
        let reason = unreadable(error);
        tracing::error!(id, reason, "parked: needs a person");
        self.outbox
            .with(move |store| store.park(id, &reason, None, clock::now()))
            .await?;
        Ok(Attempt::Parked)
    }

    async fn advance(
        &self,
        submission: Submission,
        written: &(dyn Fn() + Send + Sync),
    ) -> Result<u32, Stop> {
        let client = self.connect(&submission.snapshot).await?;
        let id = submission.id;
        let planned_before = submission.plan.is_some();
        match self.carry_out(&client, submission, written).await {
            // Since the plan was made a point of it may have been removed in ADO.
            Err(Stop::Ado(refused @ (AdoError::Gone { .. } | AdoError::Rejected { .. })))
                if planned_before =>
            {
                let reason = refused.to_string();
                if !self
                    .outbox
                    .with(move |store| store.plan_anew(id, &reason, clock::now()))
                    .await?
                {
                    return Err(refused.into());
                }
                tracing::info!(id, reason = %refused, "planned anew");
                let anew = self.outbox.with(move |store| store.load(id)).await?;
                self.carry_out(&client, anew, written).await
            }
            done => done,
        }
    }

    /// Plans a submission that has no plan, and carries out what is left to do.
    async fn carry_out(
        &self,
        client: &AdoClient,
        mut submission: Submission,
        written: &(dyn Fn() + Send + Sync),
    ) -> Result<u32, Stop> {
        if submission.plan.is_none() {
            let plan = planning::plan(client, &submission).await?;
            if plan.results.is_empty() {
                return Err(planning::nothing_to_submit(plan));
            }
            let id = submission.id;
            self.not_overtaken(id, &plan).await?;
            submission = self
                .outbox
                .with(move |store| {
                    store.store_plan(id, &plan, clock::now())?;
                    store.load(id)
                })
                .await?;
        }
        let spool = self.spool();
        execution::Execution::new(&self.outbox, client, &spool, submission, self.patient)
            .run(written)
            .await
    }

    /// An older run whose points have a newer result is left to a person: ADO would show the older
    /// outcome as the latest.
    async fn not_overtaken(&self, id: i64, plan: &SubmissionPlan) -> Result<(), Stop> {
        if self.config.borrow().late == Late::Send {
            return Ok(());
        }
        let asked = plan.clone();
        let newer = self
            .outbox
            .with(move |store| store.overtaken_by(id, &asked, clock::now()))
            .await?;
        newer.map_or(Ok(()), |(other, point)| {
            Err(Stop::Nothing {
                reason: format!(
                    "late: test point {point} has a newer result already, from run {other} of `kado runs`, and Azure DevOps \
                     would show this older outcome as the latest; `late = \"send\"` and `kado runs retry {id}` send it all \
                     the same"
                ),
                plan: Box::new(plan.clone()),
            })
        })
    }

    async fn stop(
        &self,
        id: i64,
        attempts: u32,
        suite: &str,
        stop: Stop,
    ) -> Result<Attempt, StoreError> {
        let reason = stop.to_string();
        let now = clock::now();
        let Some(cause) = stop::cause(&stop) else {
            tracing::error!(id, suite, reason, "parked: needs a person");
            let plan = if let Stop::Nothing { plan, .. } = stop {
                Some(plan)
            } else {
                None
            };
            self.outbox
                .with(move |store| store.park(id, &reason, plan.as_deref(), now))
                .await?;
            return Ok(Attempt::Parked);
        };
        let wanted = match &stop {
            Stop::Ado(AdoError::Unavailable { wait, .. }) => *wait,
            _ => None,
        };
        let delay = match (cause, &stop) {
            (_, Stop::AwaitsAnother { until, .. }) => until.since(now),
            (Obstacle::Unreachable, _) => backoff::delay(attempts, wanted, backoff::random()),
            _ => backoff::CREDENTIALS,
        };
        let until = now.plus(delay);
        if matches!(
            stop,
            Stop::Ado(AdoError::CredentialsRefused { repeated: true, .. })
        ) {
            tracing::debug!(id, suite, reason, until = %until, "waits for another token");
        } else if cause == Obstacle::Katalon {
            tracing::info!(id, suite, reason, until = %until, "waits");
        } else {
            tracing::warn!(id, suite, reason, until = %until, "waits");
        }
        self.outbox
            .with(move |store| store.wait(id, cause, &reason, until, now))
            .await?;
        Ok(Attempt::Waits { cause, until })
    }
}
