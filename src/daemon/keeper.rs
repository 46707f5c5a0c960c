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
use crate::daemon::late::LateReports;
use crate::daemon::polling::{News, Polling};
use crate::daemon::record::{Decided, Recorder};
use crate::daemon::requests::{self, carry_out};
use crate::daemon::schedule::{Due, SWEEP, Schedule};
use crate::discovery::tracker::BETWEEN_LOOKS;
use crate::error_chain::chain;
use crate::file_names::key;
use crate::moment::Moment;
use crate::outbox::request::{Answer, Request};
use crate::outbox::{Outbox, StoreError};
use crate::plan::katalon::DEFAULT_WAIT;
use crate::spool::Spool;
use crate::submit::connections::Connections;
use crate::watch::hints::polled::Polled;
use crate::watch::hints::{Hints, Touched};
use crate::watch::{LookRules, Scout, Sweep};

/// Time between looks at the requests of the command line.
const REQUESTS: Duration = Duration::from_secs(1);
/// Events come in bursts; a look begins this long after the first one.
const SETTLE: Duration = Duration::from_millis(300);
/// Run folders that are looked at before what was seen is recorded: a sweep that is cut off goes on from there.
const BATCH: usize = 200;
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
/// A submission that waits longer at the start was put off by a clock that was wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// A clock that goes back by less is no concern.
const BACK: Duration = Duration::from_secs(2);
/// Runs that ended this long before a clock that was set back was noticed are new ones.
const UNNOTICED: Duration = Duration::from_secs(60);

/// The part of the service that watches.
pub struct Keeper {
    outbox: Outbox,
    config: watch::Sender<Arc<Config>>,
    config_file: Option<PathBuf>,
    config_text: Option<String>,
    scout: Option<Scout>,
    recorder: Recorder,
    connections: Arc<Connections>,
    commands: CommandWatch,
    first_seen: Moment,
    /// When the last turn began, to notice a clock that was set back.
    turned: Moment,
    tidied: Moment,
    late: LateReports,
    polling: Polling,
    /// Why folders are polled, as it is recorded for `kado status`.
    polled: Option<String>,
    /// Wakes the submitter.
    changed: Arc<Notify>,
    known_projects: HashSet<PathBuf>,
}

impl Keeper {
    /// A keeper for an outbox; it wakes `changed` when there is something to send, and adds tokens of projects that it
    /// comes across to those of `connections`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn new(
        outbox: Outbox,
        config: watch::Sender<Arc<Config>>,
        config_file: Option<PathBuf>,
        changed: Arc<Notify>,
        connections: Arc<Connections>,
    ) -> Result<Self, StoreError> {
        let (first_seen, polled) = outbox.with(|store| Ok((store.first_seen(clock::now())?, store.polled()?))).await?;
        let settled = outbox.with(|store| store.settled_folders()).await?;
        let yesterday = clock::now().minus(DAY);
        let long_ago = clock::now().minus(COMMANDS);
        let latest = clock::now().plus(LONGEST_WAIT);
        outbox
            .with(move |store| {
                store.prune_requests(yesterday)?;
                store.prune_commands(long_ago)?;
                store.wait_at_most_until(latest)
            })
            .await?;
        let recorder = Recorder::new(outbox.clone(), first_seen, connections.seen_tokens()).await?;
        Ok(Self {
            outbox,
            config,
            config_text: config_file.as_deref().and_then(paths::text_of),
            config_file,
            scout: Some(Scout::new(settled)),
            recorder,
            connections,
            commands: CommandWatch::default(),
            first_seen,
            // A clock that was set back while kado was not running shows in this.
            turned: first_seen,
            tidied: Moment::default(),
            late: LateReports::default(),
            polling: Polling::default(),
            polled,
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
        let mut schedule = Schedule::default();
        let mut told = false;
        self.announce();
        while !stop.is_cancelled() {
            turned();
            let pause = match self.turn(&mut hints, &mut schedule, stop).await {
                Ok(()) => {
                    told = false;
                    schedule.pause(clock::now()).clamp(SHORTEST, REQUESTS)
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
                    schedule.asked(self.worth(&hints.take()), clock::now());
                }
            }
        }
        Ok(())
    }

    /// Looks at what is due for a look, and answers requests.
    async fn turn(
        &mut self,
        hints: &mut Hints,
        schedule: &mut Schedule,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let now = clock::now();
        self.mind_the_clock(now).await?;
        let due = schedule.due(now);
        match due {
            Due::Nothing => {}
            Due::Look => {
                let seen = self.look_at_followed(stop).await?;
                let done = clock::now();
                schedule.looked(done, done.since(now), seen.look_again);
            }
            Due::Sweep => {
                let (projects, seen) = self.sweep(stop).await?;
                self.reload();
                let done = clock::now();
                schedule.swept(done, done.since(now), seen.look_again);
                let watch = self.config.borrow().watch.clone();
                if hints.watch(&watch, &projects) {
                    // What happened in a folder before it was watched went unheard.
                    schedule.asked(Due::Sweep, done);
                }
                self.tell_polling(hints.polled()).await?;
            }
        }
        self.answer_requests().await
    }

    /// A clock that was set back must lose no run and put nothing off: what waits is due, and runs from now on are new
    /// even if kado first saw this machine at what is now a later time.
    async fn mind_the_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.turned, now);
        if before.since(now) <= BACK {
            return Ok(());
        }
        tracing::warn!(by_seconds = before.since(now).as_secs(), "the clock was set back; what waits is tried now");
        self.outbox.with(move |store| store.make_all_due(now.plus(DEFAULT_WAIT))).await?;
        self.changed.notify_one();
        if now < self.first_seen {
            let new = now.minus(UNNOTICED);
            self.outbox.with(move |store| store.saw_first(new)).await?;
            self.first_seen = new;
            self.recorder.saw_first(new);
        }
        Ok(())
    }

    /// Says why folders are polled, in the log and for `kado status`, and that they no longer are.
    async fn tell_polling(&mut self, polled: Option<Polled>) -> Result<(), StoreError> {
        let text = polled.as_ref().map(ToString::to_string);
        match self.polling.news(polled.as_ref()) {
            Some(News::Polled) => {
                let (reason, seconds) = (text.as_deref(), SWEEP.as_secs());
                tracing::warn!(
                    reason,
                    "folders are polled every {seconds} s instead of watched; no run is lost by that"
                );
            }
            Some(News::WatchedAgain) => tracing::info!("all folders are watched again"),
            None => {}
        }
        if text != self.polled {
            let told = text.clone();
            self.outbox.with(move |store| store.note_polled(told.as_deref())).await?;
            self.polled = text;
        }
        Ok(())
    }

    /// A suite that runs touches its folder all the time, and a look at that folder is enough.
    fn worth(&self, touched: &Touched) -> Due {
        let follows = |paths: &[PathBuf]| self.scout.as_ref().is_some_and(|scout| scout.follows(paths));
        match touched {
            Touched::Nothing => Due::Nothing,
            Touched::Paths(paths) if follows(paths) => Due::Look,
            Touched::Paths(_) | Touched::Anything => Due::Sweep,
        }
    }

    /// Sweeps until no run waits for its grace time any more; for `--once`.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub async fn sweep_until_settled(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        loop {
            let seen = self.sweep(stop).await?.1;
            if seen.in_grace.is_empty() && !self.recorder.has_news() {
                break;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        self.answer_requests().await
    }

    /// Looks at everything and records what is over, some folders at a time; gives the projects and what was seen.
    async fn sweep(&mut self, stop: &CancellationToken) -> Result<(Vec<PathBuf>, Sweep), StoreError> {
        let watch = self.config.borrow().watch.clone();
        let found = self.scouting(move |scout| scout.find(&watch)).await?;
        let mut seen = Sweep { gone: found.gone, ..Sweep::default() };
        self.record(&mut seen).await?;
        seen.absorb(self.look_at_all(&found.folders, stop).await?);
        if stop.is_cancelled() {
            return Ok((found.projects, seen));
        }
        tracing::debug!(
            projects = found.projects.len(),
            folders = found.folders.len(),
            read = seen.read,
            "looked at everything"
        );
        self.record_collections(true).await?;
        self.greet(&found.projects);
        self.tidy().await?;
        Ok((found.projects, seen))
    }

    /// Looks at the folders that are not settled; after a first sweep that may be thousands.
    async fn look_at_followed(&mut self, stop: &CancellationToken) -> Result<Sweep, StoreError> {
        let followed = self.scout.as_ref().map(Scout::followed).unwrap_or_default();
        let mut seen = self.look_at_all(&followed, stop).await?;
        if stop.is_cancelled() {
            return Ok(seen);
        }
        self.record_collections(false).await?;
        if self.recorder.has_news() {
            let soon = clock::now().plus(BETWEEN_LOOKS);
            seen.look_again = Some(seen.look_again.map_or(soon, |known| known.min(soon)));
        }
        Ok(seen)
    }

    /// Looks at folders, some at a time, and records what is over of each batch before the next.
    async fn look_at_all(&mut self, folders: &[PathBuf], stop: &CancellationToken) -> Result<Sweep, StoreError> {
        let mut seen = Sweep::default();
        for batch in folders.chunks(BATCH) {
            if stop.is_cancelled() {
                break;
            }
            seen.absorb(self.look_at(batch.to_vec()).await?);
        }
        Ok(seen)
    }

    /// Looks at some folders and records what is over.
    async fn look_at(&mut self, folders: Vec<PathBuf>) -> Result<Sweep, StoreError> {
        let claimed = self.outbox.with(|store| store.open_claims()).await?;
        let history_begins = self.config.borrow().history.begin(self.first_seen);
        let rules = LookRules { abort_after: self.config.borrow().abort_after, history_begins, claimed };
        let mut seen = self.scouting(move |scout| scout.look(&folders, &rules, clock::now())).await?;
        let looked = self.look_for_commands(&mut seen).await;
        // What vanished is told once, so it is recorded before anything is given up.
        self.record(&mut seen).await?;
        looked?;
        Ok(seen)
    }

    /// Lets the scout work on a thread that may block.
    async fn scouting<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Scout) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut scout = self.scout.take().unwrap_or_default();
        let done = tokio::task::spawn_blocking(move || {
            let seen = work(&mut scout);
            (scout, seen)
        });
        let (scout, seen) = done.await.map_err(|_| StoreError::Stopped)?;
        self.scout = Some(scout);
        Ok(seen)
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
        if self.late.add(&self.outbox).await? {
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
                    settled.push((key(&over.folder), over.fingerprint));
                }
                // Should this be lost, the folder is read and gathered once more.
                (Decided::Gathered, Some(scout)) => scout.settle(&over.folder, over.fingerprint),
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

    /// Records collections that are over as one run each; without a `whole` sweep only where there is news of one.
    async fn record_collections(&mut self, whole: bool) -> Result<(), StoreError> {
        let config = Arc::clone(&self.config.borrow());
        let Some(scout) = &mut self.scout else { return Ok(()) };
        let collected = self.recorder.record_collections(&config, scout, whole).await?;
        let mut settled = Vec::new();
        for folder in collected.folders {
            if let Some(fingerprint) = crate::watch::fingerprint_of(&folder) {
                scout.settle(&folder, fingerprint);
                settled.push((key(&folder), fingerprint));
            }
        }
        if !settled.is_empty() {
            self.outbox.with(move |store| store.settle_folders(&settled)).await?;
        }
        self.tell(collected.submissions).await
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
            if matches!(request, Some(Request::Retry { .. } | Request::Submit { .. })) {
                self.connections.forget_refusals();
            }
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
        for warning in &config.warnings {
            tracing::warn!(warning, "kado.toml");
        }
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
