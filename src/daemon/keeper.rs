//! Keeps the outbox up to date: sweeps, records what is over, answers requests, follows the configuration.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Config, paths};
use crate::daemon::commands::CommandWatch;
use crate::daemon::late;
use crate::daemon::record::{Decided, Recorder};
use crate::daemon::requests::{self, carry_out};
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::outbox::request::Answer;
use crate::outbox::{Outbox, StoreError};
use crate::spool::Spool;
use crate::submit::connections::SeenTokens;
use crate::watch::hints::{Hints, Touched};
use crate::watch::{LookRules, Scout, Sweep};

/// Longest time between two sweeps over everything.
const SWEEP: Duration = Duration::from_secs(30);
/// Time between looks at the requests of the command line.
const REQUESTS: Duration = Duration::from_secs(1);
/// Events come in bursts; a sweep begins this long after the first one.
const SETTLE: Duration = Duration::from_millis(300);

/// Least time between two sweeps over everything that events ask for.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);

/// Least time between two looks for late reports.
const BETWEEN_TIDYINGS: Duration = Duration::from_secs(10);
/// How long answered requests are kept.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long commands are remembered: a run that is retried later has only the options that its folder tells.
const COMMANDS: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Shortest pause between two turns.
const SHORTEST: Duration = Duration::from_millis(50);
/// Pause when nothing can be recorded.
const NO_RECORD: Duration = Duration::from_secs(5);

/// When to look next.
#[derive(Default)]
struct Next {
    last_sweep: Moment,
    sweep: Moment,
    look: Option<Moment>,
}

impl Next {
    fn soonest(&self) -> Moment {
        self.look.map_or(self.sweep, |look| look.min(self.sweep))
    }
}

/// What an event is worth.
enum Worth {
    Nothing,
    /// A look at the folders that are followed.
    Look,
    /// A sweep over everything.
    Sweep,
}

/// The part of the service that watches.
pub struct Keeper {
    outbox: Outbox,
    config: watch::Sender<Arc<Config>>,
    config_file: Option<PathBuf>,
    config_text: Option<String>,
    scout: Option<Scout>,
    recorder: Recorder,
    commands: CommandWatch,
    first_seen: Moment,
    tidied: Moment,
    /// Wakes the submitter.
    changed: Arc<Notify>,
    known_projects: HashSet<PathBuf>,
}

impl Keeper {
    /// A keeper for an outbox; it wakes `changed` when there is something to send, and adds tokens of projects that it
    /// comes across to `tokens`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn new(
        outbox: Outbox,
        config: watch::Sender<Arc<Config>>,
        config_file: Option<PathBuf>,
        changed: Arc<Notify>,
        tokens: Arc<SeenTokens>,
    ) -> Result<Self, StoreError> {
        let first_seen = outbox.with(|store| store.first_seen(clock::now())).await?;
        let settled = outbox.with(|store| store.settled_folders()).await?;
        let yesterday = clock::now().minus(DAY);
        outbox.with(move |store| store.prune_requests(yesterday)).await?;
        let long_ago = clock::now().minus(COMMANDS);
        outbox.with(move |store| store.prune_commands(long_ago)).await?;
        let config_text = config_file.as_deref().and_then(paths::text_of);
        let scout = Some(Scout::new(settled));
        let recorder = Recorder::new(outbox.clone(), first_seen, tokens);
        Ok(Self {
            outbox,
            config,
            config_file,
            config_text,
            scout,
            recorder,
            commands: CommandWatch::default(),
            first_seen,
            tidied: Moment::default(),
            changed,
            known_projects: HashSet::new(),
        })
    }

    /// Watches until `stop`, and calls `turned` at every turn.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub async fn serve(&mut self, stop: &CancellationToken, turned: impl Fn()) -> Result<(), StoreError> {
        let wake = Arc::new(Notify::new());
        let mut hints = Hints::new(Arc::clone(&wake));
        let mut next = Next::default();
        let mut told = false;
        self.announce();
        while !stop.is_cancelled() {
            turned();
            let pause = match self.turn(&mut hints, &mut next).await {
                Ok(()) => {
                    told = false;
                    next.soonest().since(clock::now()).clamp(SHORTEST, REQUESTS)
                }
                Err(error) if error.may_pass() => {
                    if !std::mem::replace(&mut told, true) {
                        let error = chain(&error);
                        tracing::error!(error, "the outbox cannot be used; no run is recorded or sent until it can");
                    }
                    NO_RECORD
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = wake.notified() => {
                    tokio::time::sleep(SETTLE).await;
                    let now = clock::now();
                    match self.worth(&hints.take()) {
                        Worth::Nothing => {}
                        Worth::Look => next.look = Some(now),
                        Worth::Sweep => next.sweep = next.sweep.min(next.last_sweep.plus(BETWEEN_SWEEPS).max(now)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at what is due for a look, and answers requests.
    async fn turn(&mut self, hints: &mut Hints, next: &mut Next) -> Result<(), StoreError> {
        let now = clock::now();
        // A clock that was set back must not put the next sweep off.
        let whole = now >= next.sweep || now < next.last_sweep;
        if whole || next.look.is_some_and(|look| now >= look) {
            let sweep = self.sweep(whole).await?;
            if whole {
                self.reload();
                hints.watch(&self.config.borrow().watch, &sweep.projects);
                (next.last_sweep, next.sweep) = (now, now.plus(SWEEP));
            }
            next.look = sweep.look_again;
        }
        self.answer_requests().await
    }

    /// A suite that runs touches its folder all the time, and a look at that folder is enough.
    fn worth(&self, touched: &Touched) -> Worth {
        let follows = |paths: &[PathBuf]| self.scout.as_ref().is_some_and(|scout| scout.follows(paths));
        match touched {
            Touched::Nothing => Worth::Nothing,
            Touched::Paths(paths) if follows(paths) => Worth::Look,
            Touched::Paths(_) | Touched::Anything => Worth::Sweep,
        }
    }

    /// Sweeps until no run waits for its grace time any more; for `--once`.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub async fn sweep_until_settled(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        while !self.sweep(true).await?.in_grace.is_empty() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        self.answer_requests().await
    }

    /// Looks at everything, or only at what is followed, and records what is over.
    async fn sweep(&mut self, whole: bool) -> Result<Sweep, StoreError> {
        let config = Arc::clone(&self.config.borrow());
        let mut scout = self.scout.take().unwrap_or_default();
        let rules =
            LookRules { abort_after: config.abort_after, history_begins: config.history.begin(self.first_seen) };
        let looked = tokio::task::spawn_blocking(move || {
            let now = clock::now();
            let sweep = if whole { scout.sweep(&config.watch, &rules, now) } else { scout.follow(&rules, now) };
            (scout, sweep)
        });
        let (scout, mut sweep) = looked.await.map_err(|_| StoreError::Stopped)?;
        self.scout = Some(scout);
        self.look_for_commands(&mut sweep).await?;
        self.record(&mut sweep).await?;
        if whole {
            self.greet(&sweep.projects);
            self.tidy().await?;
        }
        Ok(sweep)
    }

    /// Looks for the commands of runs that are young, before they are recorded.
    async fn look_for_commands(&mut self, sweep: &mut Sweep) -> Result<(), StoreError> {
        let new = std::mem::take(&mut sweep.new);
        if !self.config.borrow().katalonc_options {
            return Ok(());
        }
        self.commands.want(new, clock::now());
        self.commands.look(&self.outbox).await?;
        // A command that was not found yet is worth a look before anything else is.
        if let Some(again) = self.commands.look_again() {
            sweep.look_again = Some(sweep.look_again.map_or(again, |known| known.min(again)));
        }
        Ok(())
    }

    /// Looks for late reports and copies that nobody needs, however often events ask for a sweep not more than that often.
    async fn tidy(&mut self) -> Result<(), StoreError> {
        let now = clock::now();
        if self.tidied <= now && now.since(self.tidied) < BETWEEN_TIDYINGS {
            return Ok(());
        }
        self.tidied = now;
        if late::add_late_reports(&self.outbox).await? {
            self.changed.notify_one();
        }
        self.purge_spool().await
    }

    /// Records what is due or gone, and holds what is in its grace time.
    async fn record(&mut self, sweep: &mut Sweep) -> Result<(), StoreError> {
        let config = Arc::clone(&self.config.borrow());
        let mut settled = std::mem::take(&mut sweep.remembered);
        let mut new = Vec::new();
        for over in std::mem::take(&mut sweep.over) {
            let (decided, ids) = self.recorder.record(&config, &over).await?;
            new.extend(ids);
            match (decided, &mut self.scout) {
                (Decided::Settled, Some(scout)) => {
                    scout.settle(&over.folder, over.fingerprint);
                    settled.push((over.folder.to_string_lossy().into_owned(), over.fingerprint));
                }
                _ => sweep.in_grace.push(over),
            }
        }
        for folder in &sweep.gone {
            new.extend(self.recorder.record_gone(&config, folder).await?);
        }
        for over in &sweep.in_grace {
            self.recorder.hold(&config, over).await;
        }
        if !settled.is_empty() {
            // Should this be lost, the folders are read once more and found to be known.
            self.outbox.with(move |store| store.settle_folders(&settled)).await?;
        }
        self.tell(new).await
    }

    async fn tell(&self, new: Vec<i64>) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        for row in self.outbox.with(move |store| store.rows(Some(&new))).await? {
            let (id, suite, folder, state) = (row.id, row.suite, row.folder, row.state.word());
            tracing::info!(id, suite, folder, state, reason = row.error, "suite run is over");
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn purge_spool(&self) -> Result<(), StoreError> {
        let spool = {
            let config = self.config.borrow();
            Spool::new(&config.state_dir, config.spool_limit)
        };
        let mut keep = self.outbox.with(|store| store.open_runs()).await?;
        keep.extend(self.recorder.held());
        tokio::task::spawn_blocking(move || spool.purge(keep.iter())).await.map_err(|_| StoreError::Stopped)
    }

    async fn answer_requests(&self) -> Result<(), StoreError> {
        let config = Arc::clone(&self.config.borrow());
        for (id, request) in self.outbox.with(|store| store.open_requests()).await? {
            tracing::info!(?request, "asked by the command line");
            let answer = match request {
                Some(request) => carry_out(&self.outbox, &config, request).await?,
                None => Answer::Refused(
                    "the running service is of another version and does not know this request".to_owned(),
                ),
            };
            self.outbox.with(move |store| store.answer(id, &answer)).await?;
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Loads a changed configuration; a bad one is refused and the old one stays.
    fn reload(&mut self) {
        let Some(file) = &self.config_file else { return };
        let text = paths::text_of(file);
        if text == self.config_text {
            return;
        }
        self.config_text = text;
        match paths::read(file) {
            Ok(new) if new.state_dir != self.config.borrow().state_dir => {
                tracing::error!("`state_dir` changed; restart kado to use it");
            }
            Ok(new) => {
                tracing::info!("configuration changed and is loaded");
                self.config.send_replace(Arc::new(new));
                self.changed.notify_one();
            }
            Err(error) => tracing::error!(%error, "configuration changed and cannot be used; the old one stays"),
        }
    }

    fn announce(&self) {
        let config = self.config.borrow();
        let watch: Vec<_> = config.watch.iter().map(|folder| folder.display().to_string()).collect();
        let state = config.state_dir.display();
        tracing::info!(watch = watch.join(", "), %state, submits = requests::rules_in_words(&config), "kado {} watches", env!("CARGO_PKG_VERSION"));
        for key in &config.not_carried_out {
            tracing::warn!(key, "this version does not carry this key out yet");
        }
    }

    fn greet(&mut self, projects: &[PathBuf]) {
        for project in projects {
            if self.known_projects.insert(project.clone()) {
                tracing::info!(project = %project.display(), "found a Katalon project");
            }
        }
        self.known_projects.retain(|project| projects.contains(project));
    }
}
