//! Keeps the outbox up to date: sweeps, records what is over, answers requests.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::blocking::{blocking, lend};
use crate::clock;
use crate::connect::Connections;
use crate::daemon::commands::CommandWatch;
use crate::daemon::polling::{News, Polling};
use crate::daemon::reload::Following;
use crate::daemon::schedule::{Due, SWEEP, Schedule};
use crate::daemon::tidy::Tidier;
use crate::discovery::settled::Settled;
use crate::discovery::tracker::BETWEEN_LOOKS;
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::outbox::request::{Answer, Request};
use crate::outbox::{Outbox, StoreError};
use crate::plan::katalon_rule::DEFAULT_WAIT;
use crate::record::recorder::{Extent, Handling, RecordedCollections, Recorder};
use crate::record::requests::carry_out;
use crate::watch::hints::polled::Polled;
use crate::watch::hints::{Hints, Touched};
use crate::watch::{self, FoundFolders, LookRules, Scout, Sweep};

/// Time between looks at the requests of the command line.
const REQUESTS: Duration = Duration::from_secs(1);
/// Events come in bursts; a look begins this long after the first one.
const SETTLE: Duration = Duration::from_millis(300);
/// Run folders that are looked at before what was seen is recorded: a sweep that is cut off goes on
/// from there.
const BATCH: usize = 200;
/// Shortest pause between two turns.
const SHORTEST: Duration = Duration::from_millis(50);
/// Pause when nothing can be recorded.
const NO_RECORD: Duration = Duration::from_secs(5);
/// A submission that waits longer at the start was put off by a clock that was wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Longest time that `--once` waits: for the grace of a run, of the collection that it is part of,
/// and some.
const ALL_GRACE: Duration = Duration::from_secs(3 * 60);
/// A clock that goes back by less is no concern.
const BACK: Duration = Duration::from_secs(2);
/// Runs that ended this long before a clock that was set back was noticed are new ones.
const UNNOTICED: Duration = Duration::from_secs(60);

/// The part of the service that watches.
pub(crate) struct Keeper {
    outbox: Outbox,
    config: Following,
    scout: Scout,
    recorder: Recorder,
    connections: Arc<Connections>,
    commands: CommandWatch,
    first_seen: Moment,
    /// When the last turn began, to notice a clock that was set back.
    turned: Moment,
    tidier: Tidier,
    polling: Polling,
    /// Why folders are polled, as it is recorded for `kado status`.
    polled: Option<String>,
    /// Wakes the submitter.
    changed: Arc<Notify>,
    known_projects: HashSet<PathBuf>,
}

impl Keeper {
    /// A keeper for an outbox; it wakes `changed` when there is something to send, and adds tokens
    /// of projects that it comes across to those of `connections`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub(crate) async fn new(
        outbox: Outbox,
        config: Following,
        changed: Arc<Notify>,
        connections: Arc<Connections>,
    ) -> Result<Self, StoreError> {
        let (first_seen, polled) = outbox
            .with(|store| Ok((store.first_seen(clock::now())?, store.polled()?)))
            .await?;
        let settled = outbox.with(|store| store.settled_folders()).await?;
        let latest = clock::now().plus(LONGEST_WAIT);
        outbox
            .with(move |store| store.wait_at_most_until(latest))
            .await?;
        let recorder = Recorder::new(outbox.clone(), first_seen, connections.seen_tokens()).await?;
        Ok(Self {
            tidier: Tidier::new(outbox.clone()),
            outbox,
            config,
            scout: Scout::new(Settled::new(settled)),
            recorder,
            connections,
            commands: CommandWatch::default(),
            first_seen,
            // A clock that was set back while kado was not running shows in this.
            turned: first_seen,
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
    pub(crate) async fn serve(
        &mut self,
        stop: &CancellationToken,
        turned: impl Fn(),
    ) -> Result<(), StoreError> {
        let wake = Arc::new(Notify::new());
        let mut hints = Hints::new(Arc::clone(&wake));
        let mut schedule = Schedule::default();
        let mut told = false;
        self.config.announce();
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
                        tracing::error!(
                            error,
                            "the outbox cannot be used; no run is recorded or sent until it can"
                        );
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
        if self.config.reload().await? {
            self.changed.notify_one();
            schedule.asked(Due::Sweep, now);
        }
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
                let done = clock::now();
                schedule.swept(done, done.since(now), seen.look_again);
                let watch = self.config.current().watch.clone();
                if lend(hints, move |hints| hints.watch(&watch, &projects)).await? {
                    tracing::debug!("folders are watched that were not");
                    // What happened in a folder before it was watched went unheard.
                    schedule.asked(Due::Sweep, done);
                }
                self.tell_polling(hints.polled()).await?;
            }
        }
        self.answer_requests().await
    }

    /// A clock that was set back must lose no run and put nothing off: what waits is due, and runs
    /// from now on are new even if kado first saw this machine at what is now a later time.
    async fn mind_the_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.turned, now);
        if before.since(now) <= BACK {
            return Ok(());
        }
        tracing::warn!(
            by_seconds = before.since(now).as_secs(),
            "the clock was set back; what waits is tried now"
        );
        self.outbox
            .with(move |store| store.make_all_due(now.plus(DEFAULT_WAIT)))
            .await?;
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
        // First what others read: whoever saw it in the log finds it there.
        if text != self.polled {
            let told = text.clone();
            self.outbox
                .with(move |store| store.note_polled(told.as_deref()))
                .await?;
            self.polled.clone_from(&text);
        }
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
        Ok(())
    }

    /// A suite that runs touches its folder all the time, and a look at that folder is enough.
    fn worth(&self, touched: &Touched) -> Due {
        match touched {
            Touched::Nothing => Due::Nothing,
            Touched::Paths(paths) if self.scout.follows(paths) => Due::Look,
            Touched::Paths(_) | Touched::Anything => Due::Sweep,
        }
    }

    /// Sweeps until no run waits for its grace time any more; for `--once`. What cannot be read for
    /// longer than any grace time is left to the next start.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(crate) async fn sweep_until_settled(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut until = None;
        loop {
            let seen = self.sweep(stop).await?.1;
            if seen.in_grace.is_empty() && !self.recorder.has_news() {
                break;
            }
            // The first sweep may take long.
            if clock::now() >= *until.get_or_insert_with(|| clock::now().plus(ALL_GRACE)) {
                tracing::warn!(
                    runs = seen.in_grace.len(),
                    "runs that are over cannot be recorded yet; the next start tries again"
                );
                break;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        self.answer_requests().await
    }

    /// Looks at everything and records what is over, some folders at a time; gives the projects and
    /// what was seen.
    async fn sweep(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(Vec<PathBuf>, Sweep), StoreError> {
        let watch = self.config.current().watch.clone();
        let FoundFolders {
            projects,
            folders,
            gone,
        } = lend(&mut self.scout, move |scout| scout.find(&watch)).await?;
        let mut seen = Sweep {
            gone,
            ..Sweep::default()
        };
        self.record(&mut seen).await?;
        seen.absorb(self.look_at_all(&folders, stop).await?);
        if stop.is_cancelled() {
            return Ok((projects, seen));
        }
        tracing::debug!(
            projects = projects.len(),
            folders = folders.len(),
            read = seen.read,
            "looked at everything"
        );
        self.record_collections(Extent::Everything).await?;
        self.greet(&projects);
        self.tidy(&projects, folders).await?;
        Ok((projects, seen))
    }

    /// Looks at the folders that are not settled; after a first sweep that may be thousands.
    async fn look_at_followed(&mut self, stop: &CancellationToken) -> Result<Sweep, StoreError> {
        let followed = self.scout.followed();
        let mut seen = self.look_at_all(&followed, stop).await?;
        if stop.is_cancelled() {
            return Ok(seen);
        }
        self.record_collections(Extent::News).await?;
        if self.recorder.has_news() {
            let soon = clock::now().plus(BETWEEN_LOOKS);
            seen.look_again = Some(seen.look_again.map_or(soon, |known| known.min(soon)));
        }
        Ok(seen)
    }

    /// Looks at folders, some at a time, and records what is over of each batch before the next.
    async fn look_at_all(
        &mut self,
        folders: &[PathBuf],
        stop: &CancellationToken,
    ) -> Result<Sweep, StoreError> {
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
        let config = self.config.current();
        let history_begins = config.history.begin(self.first_seen);
        let rules = LookRules {
            abort_after: config.abort_after,
            history_begins,
            claimed,
        };
        let look = move |scout: &mut Scout| scout.look(&folders, &rules, clock::now());
        let mut seen = lend(&mut self.scout, look).await?;
        let looked = self.look_for_commands(&mut seen).await;
        // What vanished is told once, so it is recorded before anything is given up.
        self.record(&mut seen).await?;
        looked?;
        Ok(seen)
    }

    /// Looks for the commands of runs that are young, before they are recorded.
    async fn look_for_commands(&mut self, sweep: &mut Sweep) -> Result<(), StoreError> {
        let new = std::mem::take(&mut sweep.new);
        if !self.config.current().katalonc_options {
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

    /// Looks for late reports and removes what nobody needs any more. `folders` are all run folders
    /// that are there.
    async fn tidy(
        &mut self,
        projects: &[PathBuf],
        folders: Vec<PathBuf>,
    ) -> Result<(), StoreError> {
        if !self.tidier.is_due() {
            return Ok(());
        }
        if self.tidier.late_reports().await? {
            self.changed.notify_one();
        }
        if self.tidier.prune().await? {
            self.recorder
                .forget_what_was_said(&folders.iter().cloned().collect(), projects);
        }
        let now = clock::now();
        let ageing = lend(&mut self.scout, move |scout| scout.age(&folders, now)).await?;
        if !ageing.is_empty() {
            // Should this be lost, it is found again after a restart.
            self.outbox
                .with(move |store| store.age_folders(&ageing, now))
                .await?;
        }
        self.tidier
            .purge_spool(&self.config.current(), self.recorder.held())
            .await
    }

    /// Records what is due or gone, and holds what is in its grace time.
    async fn record(&mut self, sweep: &mut Sweep) -> Result<(), StoreError> {
        self.recorder.vanished(&sweep.gone);
        let (mut settled, mut new) = (std::mem::take(&mut sweep.remembered), Vec::new());
        let recorded = self.record_all(sweep, &mut settled, &mut new).await;
        // What was recorded before something failed is recorded all the same.
        self.remember(settled).await?;
        self.tell(new).await?;
        recorded
    }

    async fn record_all(
        &mut self,
        sweep: &mut Sweep,
        settled: &mut Vec<(String, u64)>,
        new: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let config = self.config.current();
        for over in std::mem::take(&mut sweep.over) {
            let (decided, ids) = self.recorder.record(&config, &over).await?;
            new.extend(ids);
            match decided {
                Handling::Settled => {
                    settled.push((
                        self.scout.settle(&over.folder, over.fingerprint),
                        over.fingerprint,
                    ));
                }
                // Should this be lost, the folder is read and gathered once more.
                Handling::Gathered => {
                    self.scout.settle(&over.folder, over.fingerprint);
                }
                Handling::NotYet => sweep.in_grace.push(over),
            }
        }
        for over in &sweep.in_grace {
            self.recorder.hold(&config, over).await?;
        }
        self.recorder.record_gone(&config, new).await
    }

    /// Records collections that are over as one run each.
    async fn record_collections(&mut self, extent: Extent) -> Result<(), StoreError> {
        let config = self.config.current();
        let RecordedCollections {
            submissions,
            folders,
        } = self
            .recorder
            .record_collections(&config, &self.scout, extent)
            .await?;
        let look = |folder: PathBuf| Some((watch::fingerprint_of(&folder)?, folder));
        let looks: Vec<_> =
            blocking(move || folders.into_iter().filter_map(look).collect()).await?;
        let settle = |(fingerprint, folder): (u64, PathBuf)| {
            (self.scout.settle(&folder, fingerprint), fingerprint)
        };
        let settled = looks.into_iter().map(settle).collect();
        self.remember(settled).await?;
        self.tell(submissions).await
    }

    /// Remembers settled folders. Should this be lost, they are read once more and found to be
    /// known.
    async fn remember(&self, settled: Vec<(String, u64)>) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        self.outbox
            .with(move |store| store.settle_folders(&settled))
            .await
    }

    async fn tell(&self, new: Vec<i64>) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        for row in self
            .outbox
            .with(move |store| store.summaries(Some(&new)))
            .await?
        {
            let (id, suite, folder, state) = (row.id, row.suite, row.folder, row.state.word());
            tracing::info!(
                id,
                suite,
                folder,
                state,
                reason = row.error,
                "suite run is over"
            );
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn answer_requests(&self) -> Result<(), StoreError> {
        let config = self.config.current();
        for (id, request) in self.outbox.with(|store| store.open_requests()).await? {
            tracing::info!(?request, "asked by the command line");
            if matches!(
                request,
                Some(Request::Retry { .. } | Request::Submit { .. })
            ) {
                self.connections.forget_refusals();
            }
            let answer = match request {
                Some(request) => carry_out(&self.outbox, &config, request).await?,
                None => Answer::Refused(
                    "the running service is of another version and does not know this request"
                        .to_owned(),
                ),
            };
            self.outbox
                .with(move |store| store.answer(id, &answer))
                .await?;
            self.changed.notify_one();
        }
        Ok(())
    }

    fn greet(&mut self, projects: &[PathBuf]) {
        for project in projects {
            if self.known_projects.insert(project.clone()) {
                tracing::info!(project = %project.display(), "found a Katalon project");
            }
        }
        self.known_projects
            .retain(|project| projects.contains(project));
    }
}
