//! Carries submissions out: takes what is due from the outbox, step by step to ADO, and records
//! each confirmation.
//!
//! [`Submitter`] makes one attempt at a submission: `planning` makes its plan, `executor` has its
//! `steps` carried out with what `execution` lends them, and `probe` answers "did it happen?" for
//! those that may have. `serve` is the loop of the service, `drain` that of a command, and `now`
//! sends for a command without a service beside it.
//!
//! A submission that cannot go on ([`Stop`]) waits, growing to a quarter of an hour (`backoff`), or
//! is parked with a reason; others go on meanwhile. Submissions of the same test plan go one after
//! the other, in the order in which their runs ended. When the outbox cannot be written nothing is
//! sent, because nothing could be recorded (invariant I4).

pub(crate) mod backoff;
mod content;
pub(crate) mod creation;
mod drain;
mod execution;
mod executor;
pub(crate) mod facts;
mod katalon_upload;
pub(crate) mod now;
mod open_plans;
pub(crate) mod outcome;
mod planning;
pub(crate) mod probe;
pub(crate) mod recount;
mod run_to_fill;
mod serve;
mod steps;
mod stop;

pub(crate) use execution::{Earlier, ResultRef};

use std::sync::Arc;

use tokio::sync::{OnceCell, watch};

use execution::{Execution, Sender};
use planning::Planned;
use stop::Stop;

use crate::ado::{AdoClient, AdoError};
use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::connect::Connections;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::outbox::store::unreadable;
use crate::outbox::submission::{IgnoredAs, Obstacle, Submission};
use crate::outbox::{Outbox, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::snapshot::Snapshot;
use crate::spool::Spool;
use crate::telemetry::OUTCOMES;

/// What one attempt at a submission led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SendAttempt {
    /// Everything is confirmed.
    Submitted,
    /// Nothing was sent yet, but it is known now to which test plan it goes; it is due there.
    PlanFound,
    /// It waits.
    Waits {
        /// Why.
        obstacle: Obstacle,
        /// Until when.
        until: Moment,
    },
    /// It needs a person.
    Parked,
    /// There is nothing to do.
    Ignored,
}

impl SendAttempt {
    /// Why it waits, if it does.
    pub(crate) const fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Waits { obstacle, .. } => Some(*obstacle),
            Self::Submitted | Self::PlanFound | Self::Parked | Self::Ignored => None,
        }
    }
}

/// Carries out submissions.
pub(crate) struct Submitter {
    outbox: Outbox,
    connections: Arc<Connections>,
    config: watch::Receiver<Arc<Config>>,
    sender: Sender,
    /// Done once the connections know which tokens worked before.
    remembered: OnceCell<()>,
}

impl Submitter {
    /// The submitter of the service; it follows changes of the configuration.
    pub(crate) fn for_service(outbox: Outbox, config: watch::Receiver<Arc<Config>>) -> Self {
        Self {
            outbox,
            connections: Arc::default(),
            config,
            sender: Sender::Service,
            remembered: OnceCell::new(),
        }
    }

    /// The submitter of a command that somebody waits for: no submission waits for Katalon or for
    /// another kado. The connections are those of [`Connections::with_patience`].
    pub(crate) fn for_command(
        outbox: Outbox,
        config: watch::Receiver<Arc<Config>>,
        connections: Connections,
    ) -> Self {
        Self {
            outbox,
            connections: Arc::new(connections),
            config,
            sender: Sender::Command,
            remembered: OnceCell::new(),
        }
    }

    /// What it connects with.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    /// One attempt at a submission.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(crate) async fn attempt(&self, id: i64) -> Result<SendAttempt, StoreError> {
        self.attempt_until_written(id, || ()).await
    }

    /// As [`Submitter::attempt`]; `written` is called when all results are in ADO, so that the
    /// order of outcomes no longer depends on this submission.
    async fn attempt_until_written(
        &self,
        id: i64,
        written: impl Fn() + Send + Sync,
    ) -> Result<SendAttempt, StoreError> {
        self.remember_tokens().await?;
        let submission = match self.outbox.with(move |store| store.load(id)).await {
            Ok(submission) => submission,
            // One row that cannot be understood costs only itself.
            Err(StoreError::Content(error)) => {
                self.park(id, None, &unreadable(&error), None).await?;
                return Ok(SendAttempt::Parked);
            }
            Err(error) => return Err(error),
        };
        let suite = submission.snapshot.run.suite.clone();
        let attempts = submission.attempts;
        let runs = submission.snapshot.run_identities();
        let root = submission.snapshot.root();

        let attempt = match self.advance(submission, &written).await {
            Ok(ado_run) => {
                self.outbox
                    .with(move |store| store.submitted(id, clock::now()))
                    .await?;
                tracing::info!(id, suite, ado_run, "submitted");
                SendAttempt::Submitted
            }
            Err(stop) => self.record_stop(id, attempts, &suite, stop).await?,
        };

        self.keep_tokens().await;

        // Only now: until the outbox says so, a crash would leave the copies needed.
        if matches!(attempt, SendAttempt::Submitted | SendAttempt::Ignored) {
            self.empty_spool(&runs, root).await?;
        }
        Ok(attempt)
    }

    /// Brings back which tokens worked before this process began, once.
    async fn remember_tokens(&self) -> Result<(), StoreError> {
        self.remembered
            .get_or_try_init(|| self.bring_tokens_back())
            .await?;
        Ok(())
    }

    async fn bring_tokens_back(&self) -> Result<(), StoreError> {
        let kept = self.outbox.with(|store| store.worked_tokens()).await?;
        self.connections.worked_tokens().remember(kept);
        Ok(())
    }

    /// Keeps which tokens worked, from time to time.
    async fn keep_tokens(&self) {
        let Some(tokens) = self.connections.worked_tokens().to_keep() else {
            return;
        };

        // Only words depend on it, so an outbox that does not take it fails no attempt.
        let kept = self
            .outbox
            .with(move |store| store.note_worked_tokens(&tokens));
        if let Err(error) = kept.await {
            tracing::debug!(error = chain(&error), "which tokens worked is not kept");
        }
    }

    /// Brings a submission as far as it gets; gives its ADO run when everything is confirmed.
    async fn advance(
        &self,
        submission: Submission,
        written: &(dyn Fn() + Send + Sync),
    ) -> Result<u32, Stop> {
        let client = self.connect(&submission.snapshot).await?;
        let id = submission.id;
        let had_plan = submission.plan.is_some();
        let submission = if !had_plan && submission.snapshot.options.has_open_plans() {
            open_plans::settle(&self.outbox, &client, submission).await?
        } else {
            submission
        };

        match self.carry_out(&client, submission, written).await {
            // Since the plan was made a point of it may have been removed in ADO. A plan that was
            // made a moment ago would come out the same.
            Err(Stop::Ado(refused @ (AdoError::Gone { .. } | AdoError::Rejected { .. })))
                if had_plan =>
            {
                let unplanned = planning::drop_plan(&self.outbox, id, refused).await?;
                self.carry_out(&client, unplanned, written).await
            }
            done => done,
        }
    }

    /// Plans a submission that has no plan, and carries out what is left to do.
    async fn carry_out(
        &self,
        client: &AdoClient,
        submission: Submission,
        written: &(dyn Fn() + Send + Sync),
    ) -> Result<u32, Stop> {
        // A stored plan is carried out as it is (invariant I3): what was sent of it before a crash
        // has to fit what is sent now.
        let overtaken = self.config.borrow().overtaken;
        let planned = if submission.plan.is_some() {
            Planned::from(submission)
        } else {
            planning::plan(&self.outbox, client, &submission, overtaken).await?
        };

        let spool = self.spool();
        let Planned {
            submission,
            early_look,
        } = planned;
        let execution = Execution::new(&self.outbox, client, &spool, submission, self.sender)
            .with_early_look(early_look)
            .with_overtaken(overtaken);
        executor::execute(execution, written).await
    }

    /// The connection for a run, with a token from one source for just this server. Settings and
    /// tokens may lie on a share that hangs, so they are read on a thread that may block.
    async fn connect(&self, snapshot: &Snapshot) -> Result<Arc<AdoClient>, Stop> {
        let connections = self.connections();
        let config = Arc::clone(&self.config.borrow());
        let snapshot = snapshot.clone();
        Ok(blocking(move || connections.for_run(&config, &snapshot)).await??)
    }

    /// Records why a submission does not go on: it waits, is parked, or there is nothing to do.
    async fn record_stop(
        &self,
        id: i64,
        attempts: u32,
        suite: &str,
        stop: Stop,
    ) -> Result<SendAttempt, StoreError> {
        let reason = stop.to_string();

        match stop {
            // An outbox that cannot be written cannot record this either; the submission stays as
            // it is stored, and due.
            Stop::Store(error) => Err(error),
            Stop::Elsewhere { plan, .. } => self.ignore(id, suite, reason, None, plan).await,
            Stop::WithoutIds { plan, .. } => {
                let ignored_as = Some(IgnoredAs::WithoutIds);
                self.ignore(id, suite, reason, ignored_as, plan).await
            }

            Stop::PlanFound { plan } => {
                tracing::info!(id, suite, plan, "the test plan is found");
                Ok(SendAttempt::PlanFound)
            }
            Stop::SamePlan => {
                tracing::info!(id, suite, reason, "ignored");
                Ok(SendAttempt::Ignored)
            }

            Stop::ByKatalon { run, url, project } => {
                tracing::info!(
                    id,
                    ado_run = run,
                    "Katalon submitted this run itself; kado sends nothing"
                );
                self.outbox
                    .with(move |store| {
                        store.submitted_by_katalon(id, run, &url, &project, clock::now())
                    })
                    .await?;
                Ok(SendAttempt::Submitted)
            }

            stop => match stop.obstacle() {
                Some(obstacle) => self.wait(id, attempts, suite, obstacle, &stop).await,
                None => {
                    self.park(id, Some(suite), &reason, stop.into_plan())
                        .await?;
                    Ok(SendAttempt::Parked)
                }
            },
        }
    }

    /// Takes a submission of which there is nothing to send off the list of what is to be sent.
    async fn ignore(
        &self,
        id: i64,
        suite: &str,
        reason: String,
        ignored_as: Option<IgnoredAs>,
        plan: Box<SubmissionPlan>,
    ) -> Result<SendAttempt, StoreError> {
        tracing::info!(id, suite, reason, "ignored");
        self.outbox
            .with(move |store| store.ignore(id, &reason, ignored_as, &plan, clock::now()))
            .await?;
        Ok(SendAttempt::Ignored)
    }

    /// Lets a submission wait for its next attempt.
    async fn wait(
        &self,
        id: i64,
        attempts: u32,
        suite: &str,
        obstacle: Obstacle,
        stop: &Stop,
    ) -> Result<SendAttempt, StoreError> {
        let reason = stop.to_string();
        let now = clock::now();
        let delay = match stop {
            Stop::AwaitsAnother { until, .. } => until.since(now),
            Stop::Ado(AdoError::Unavailable { wait, .. } | AdoError::InBetween { wait, .. }) => {
                backoff::delay(attempts, *wait, backoff::random())
            }
            // The file changed or vanished while it was sent: the next attempt looks at it anew.
            Stop::Ado(AdoError::File { .. }) => backoff::delay(attempts, None, backoff::random()),
            // A person mends these, and is not to wait long for the effect.
            _ => backoff::CREDENTIALS,
        };
        let until = now.plus(delay);

        match stop {
            // The first refusal is in the log; the others are known from it.
            Stop::Ado(AdoError::CredentialsRefused { repeated: true, .. }) => {
                tracing::debug!(id, suite, reason, until = %until, "waits for another token");
            }
            Stop::AwaitsAnother { .. } => {
                tracing::info!(id, suite, reason, until = %until, "waits");
            }
            _ => tracing::warn!(target: OUTCOMES, id, suite, reason, until = %until, "waits"),
        }

        self.outbox
            .with(move |store| store.wait(id, obstacle, &reason, until, now))
            .await?;
        Ok(SendAttempt::Waits { obstacle, until })
    }

    /// Parks a submission until a person does something about it, with the plan that shows why.
    async fn park(
        &self,
        id: i64,
        suite: Option<&str>,
        reason: &str,
        plan: Option<Box<SubmissionPlan>>,
    ) -> Result<(), StoreError> {
        tracing::error!(target: OUTCOMES, id, suite, reason, "parked: needs a person");
        let reason = reason.to_owned();
        self.outbox
            .with(move |store| store.park(id, &reason, plan.as_deref(), clock::now()))
            .await
    }

    fn spool(&self) -> Spool {
        let config = self.config.borrow();
        Spool::new(&config.state_dir, config.spool_limit)
    }

    /// Removes the copies of a run that is confirmed, unless another submission of it still needs
    /// them. Copies that outlive this, because of a crash, are removed by the next purge.
    async fn empty_spool(&self, runs: &[RunIdentity], root: String) -> Result<(), StoreError> {
        let runs = runs.to_owned();
        let done = self
            .outbox
            .with(move |store| {
                let mut done = Vec::new();
                for run in runs {
                    if !store.is_open(&run)? {
                        done.push(run);
                    }
                }
                Ok(done)
            })
            .await?;

        let spool = self.spool();
        blocking(move || {
            for run in &done {
                spool.remove(run, &root);
            }
        })
        .await?;
        Ok(())
    }
}
