//! Keeps the outbox up to date: has everything swept in time, follows what changes around it (the
//! clock, `kado.toml`, which folders can be watched), and answers requests.
//!
//! One turn follows another until the service stops. An outbox that cannot be used for the moment
//! is said once, and turned to again; any other failure of it ends the service.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::blocking::{Stopped, blocking, lend, unless_stopped};
use crate::clock::{self, Stopwatch};
use crate::connect::Connections;
use crate::daemon::polling::Polling;
use crate::daemon::reload::FollowedConfig;
use crate::daemon::schedule::{Due, Events, Schedule, SweepCause};
use crate::daemon::sweeper::Sweeper;
use crate::live::RunningSuites;
use crate::measures::SweepMeasures;
use crate::moment::Moment;
use crate::outbox::bell::Bell;
use crate::outbox::request::{Answer, Request};
use crate::outbox::{Outage, Outbox, StoreError};
use crate::plan::katalon_rule::DEFAULT_WAIT;
use crate::record::requests::carry_out;
use crate::watch::LookTotals;
use crate::watch::hints::{Hints, Touched};

/// Time between looks at the requests of the command line and at `kado.toml`, where nothing tells
/// of them.
const REQUESTS: Duration = Duration::from_secs(1);
/// The same where the bell does. Somebody whose ring was lost waits this long.
const MAKE_SURE: Duration = Duration::from_secs(10);
/// Events come in bursts; a look begins this long after the first one.
const BURST: Duration = Duration::from_millis(300);
/// Shortest pause between two turns.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// A submission that waits longer at the start was put off by a clock that was wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// How long a turn goes on when kado is asked to end: enough for everything but what hangs.
const READ_ON: Duration = Duration::from_secs(4);
/// Longest time that `--once` waits: for the grace of a run, of the collection that it is part of,
/// and some.
const ALL_GRACE: Duration = Duration::from_secs(3 * 60);
/// Longest time that `--once` goes on where the folders of a project take more than their share.
const ALL_READING: Duration = Duration::from_secs(60 * 60);
/// A clock that is set back by less is no concern.
const SET_BACK: Duration = Duration::from_secs(2);
/// Runs that ended this long before a clock that was set back was noticed are new ones, unless they
/// are known to be older: kado may have run last before the clock was set.
const UNNOTICED: Duration = Duration::from_secs(24 * 60 * 60);

/// The part of the service that watches.
pub(crate) struct Keeper {
    outbox: Outbox,
    config: FollowedConfig,
    sweeper: Sweeper,
    connections: Arc<Connections>,
    first_seen: Moment,
    /// When the last turn began, to notice a clock that was set back.
    last_turn: Moment,
    polling: Polling,
    /// Sessions in which something was touched since everything in them was looked at.
    touched: BTreeSet<PathBuf>,
    /// Whether a sweep found what no event told of.
    events_fail: bool,
    has_swept: bool,
    /// Wakes the submitter.
    changed: Arc<Notify>,
}

impl Keeper {
    /// A keeper for an outbox; it wakes `changed` when there is something to send, and adds tokens
    /// of projects that it comes across to those of `connections`. It tells `running` which suites
    /// run.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub(crate) async fn new(
        outbox: Outbox,
        config: FollowedConfig,
        changed: Arc<Notify>,
        connections: Arc<Connections>,
        running: watch::Sender<RunningSuites>,
    ) -> Result<Self, StoreError> {
        let now = clock::now();
        let first_seen = outbox.with(move |store| store.first_seen(now)).await?;
        let polled = outbox.with(|store| store.polled()).await?;
        outbox
            .with(move |store| store.wait_at_most_until(now.plus(LONGEST_WAIT)))
            .await?;

        let tokens = connections.seen_tokens();
        let sweeper = Sweeper::new(
            outbox.clone(),
            first_seen,
            tokens,
            Arc::clone(&changed),
            running,
        )
        .await?;
        Ok(Self {
            outbox,
            config,
            sweeper,
            connections,
            first_seen,
            // A clock that was set back while kado was not running shows in this.
            last_turn: first_seen,
            polling: Polling::new(polled),
            touched: BTreeSet::new(),
            events_fail: false,
            has_swept: false,
            changed,
        })
    }

    /// Watches until `stop`, and calls `turned` at every turn; there is one at each ring of `bell`.
    ///
    /// # Errors
    /// When the outbox cannot be read or written, and that will not pass.
    pub(crate) async fn serve(
        &mut self,
        bell: Bell,
        stop: &CancellationToken,
        turned: impl Fn(),
    ) -> Result<(), StoreError> {
        let wake = Arc::new(Notify::new());
        let mut hints = Hints::new(Arc::clone(&wake));
        let mut schedule = Schedule::default();
        let mut outage = Outage::new("no run is recorded or sent");
        self.config.announce();

        // Before the first turn looks for requests: none may come in between.
        let hung = bell.clone();
        let state_dir = self.config.current().state_dir.clone();
        let files: Vec<PathBuf> = self.config.file().into_iter().collect();
        let mut hung = blocking(move || hung.hang(&state_dir, &files)).await?;

        while !stop.is_cancelled() {
            turned();

            let turn = self.turn(&mut hints, &mut schedule, stop);
            let turn = match unless_stopped(turn, stop, READ_ON).await {
                Ok(turn) => turn,
                Err(Stopped) => {
                    tracing::info!("what is being read is left; the next start reads it");
                    return Ok(());
                }
            };

            if turn.is_ok() && self.config.is_settling() {
                // Another file may lie there now.
                hung.watch_files();
            }
            let idle = schedule
                .pause(clock::now())
                .clamp(SHORTEST_PAUSE, self.longest_pause(&bell));
            let pause = outage.pause_after(turn.map(|()| idle))?;

            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = bell.rung() => hung.watch_files(),
                () = wake.notified() => {
                    tokio::time::sleep(BURST).await;
                    schedule.asked(self.worth(hints.take()), clock::now());
                }
            }
        }
        Ok(())
    }

    /// How long nobody looks for requests and at `kado.toml` while nothing tells of them.
    fn longest_pause(&self, bell: &Bell) -> Duration {
        if bell.is_proven() && !self.config.is_settling() {
            MAKE_SURE
        } else {
            REQUESTS
        }
    }

    /// Looks at what is due for a look, and answers requests.
    async fn turn(
        &mut self,
        hints: &mut Hints,
        schedule: &mut Schedule,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let now = clock::now();

        // The clock first, because all that follows compares times with it.
        self.mind_the_clock(now).await?;

        if self.config.reload().await? {
            self.changed.notify_one();

            // Other folders may be watched now, and other runs count.
            schedule.asked(Due::Sweep, now);
        }

        match schedule.due(now) {
            Due::Nothing => {}
            Due::Look => self.look(hints, schedule, stop).await?,
            Due::Rules => {
                let config = self.config.current();
                if self.sweeper.mind_rules(&config).await? {
                    schedule.asked(Due::Sweep, now);
                }
                schedule.minded_rules(now);
            }
            Due::Tidying => {
                let config = self.config.current();
                self.sweeper.tidy(&config, None).await?;
                schedule.tidied(self.sweeper.next_tidying());
            }
            Due::Sweep => self.sweep(hints, schedule, stop).await?,
        }

        // In every turn, whatever was due: somebody sits in front of the command line and waits.
        self.answer_requests().await
    }

    /// Looks at what is followed and at what was touched, and has the latter watched.
    async fn look(
        &mut self,
        hints: &mut Hints,
        schedule: &mut Schedule,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let begun = clock::now();
        let config = self.config.current();
        let touched = self.touched.clone();
        let found = self.sweeper.find_in_sessions(touched.clone()).await?;
        if found.is_none() {
            schedule.asked(Due::Sweep, begun);
        }

        let found = found.unwrap_or_default();
        let totals = self.sweeper.look_at_followed(&config, found, stop).await?;
        self.touched.clear();

        let done = clock::now();
        if !touched.is_empty() {
            tracing::debug!(sessions = touched.len(), "looked at what an event told of");

            // It may have told of a report that came late.
            schedule.asked(Due::Tidying, done);
        }

        schedule.looked(done, done.since(begun), totals.look_again);
        if !totals.postponed.is_empty() {
            schedule.go_on(done);
        }

        let watched = touched.clone();
        if lend(hints, move |hints| hints.watch_also(&watched)).await? {
            // What happened in a folder before it was watched went unheard.
            self.touched = touched;
            schedule.asked(Due::Look, done);
        }
        Ok(())
    }

    /// Sweeps everything, and then has the folders watched that were found.
    async fn sweep(
        &mut self,
        hints: &mut Hints,
        schedule: &mut Schedule,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let config = self.config.current();
        // Not by the clock: one that is set meanwhile would make the sweep look dear.
        let taken = Stopwatch::start();
        let (projects, totals) = self.sweeper.sweep(&config, stop).await?;
        let took = taken.elapsed();
        self.touched.clear();
        let done = clock::now();
        self.doubt_events(schedule.cause(), &totals);
        self.connections.measures().swept(SweepMeasures {
            ended: done,
            took,
            projects: projects.clone(),
        });

        // Before it is decided when the next sweep is due: that depends on what is heard.
        let watch = config.watch.clone();
        let sessions = self.sweeper.scout().sessions();
        let is_any_new = lend(hints, move |hints| {
            hints.watch(&watch, &projects, &sessions)
        })
        .await?;
        let is_all_seen = hints.hears_all() && !self.sweeper.has_unseen();
        let events = if is_all_seen && !self.events_fail {
            Events::Trusted
        } else {
            Events::Doubted
        };
        schedule.swept(done, took, totals.look_again, events);
        schedule.tidied(self.sweeper.next_tidying());

        if !totals.postponed.is_empty() {
            schedule.go_on(done);
        }
        if is_any_new {
            tracing::debug!("folders are watched that were not");

            // What happened in a folder before it was watched went unheard.
            schedule.asked(Due::Sweep, done);
        }
        self.polling.report(&self.outbox, hints.polled()).await
    }

    /// A sweep that nothing asked for and that finds run folders which are not just being made
    /// shows that events do not tell everything here, as of folders that another machine writes to.
    fn doubt_events(&mut self, cause: SweepCause, looks: &LookTotals) {
        let is_first = std::mem::replace(&mut self.has_swept, true);
        if !is_first && cause == SweepCause::Time && looks.unheard > 0 && !self.events_fail {
            tracing::debug!(
                folders = looks.unheard,
                "no event told of run folders that are there; everything is swept more often"
            );
            self.events_fail = true;
        }
    }

    /// A clock that was set back must lose no run and put nothing off: what waits is due, and runs
    /// from now on are new even if kado first saw this machine at what is now a later time.
    async fn mind_the_clock(&mut self, now: Moment) -> Result<(), StoreError> {
        let set_back_by = self.last_turn.since(now);
        self.last_turn = now;
        if set_back_by <= SET_BACK {
            return Ok(());
        }

        tracing::warn!(
            by_seconds = set_back_by.as_secs(),
            "the clock was set back; what waits is tried now"
        );
        self.outbox
            // What is left to Katalon is not due at once, or both could submit it.
            .with(move |store| store.make_all_due(now.plus(DEFAULT_WAIT)))
            .await?;
        self.changed.notify_one();

        if now < self.first_seen {
            let first_seen = self
                .outbox
                .with(move |store| {
                    let oldest = now.minus(UNNOTICED);
                    let known = store.newest_older_run(now)?;
                    let first_seen = known.map_or(oldest, |known| oldest.max(known));
                    store.saw_first(first_seen)?;
                    Ok(first_seen)
                })
                .await?;
            self.first_seen = first_seen;
            self.sweeper.correct_first_seen(first_seen);
        }
        Ok(())
    }

    /// A suite that runs touches its folder all the time, and a look at that folder is enough; for
    /// a new run one at its session is. Anything else may be a new project.
    fn worth(&mut self, touched: Touched) -> Due {
        match touched {
            Touched::Nothing => Due::Nothing,
            Touched::Anything => Due::Sweep,
            Touched::Paths(paths) if self.sweeper.scout().follows(&paths) => Due::Look,
            // What was not seen may be seen now.
            Touched::Paths(_) if self.sweeper.has_unseen() => Due::Sweep,
            Touched::Paths(paths) => match self.sweeper.scout().sessions_of(&paths) {
                Some(sessions) => {
                    self.touched.extend(sessions);
                    Due::Look
                }
                None => Due::Sweep,
            },
        }
    }

    /// Whether the last sweep did not see everything in the watched folders.
    pub(crate) fn has_unseen(&self) -> bool {
        self.sweeper.has_unseen()
    }

    /// Sweeps until no run waits for its grace time any more; for `--once`. What cannot be read for
    /// longer than any grace time is left to the next start. Gives the run folders that cannot be
    /// read, of which waiting mends nothing.
    ///
    /// # Errors
    /// When the outbox cannot be read or written, and when `stop` cut it off.
    pub(crate) async fn sweep_until_settled(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<BTreeSet<PathBuf>, StoreError> {
        self.sweeper.wait_for_nothing();
        let config = self.config.current();
        let mut first_swept = None;
        let mut unread = BTreeSet::new();
        loop {
            // As in each turn of the service: it may also have been set back since the last call.
            self.mind_the_clock(clock::now()).await?;
            let sweep = self.sweeper.sweep(&config, stop);
            let (_, totals) = unless_stopped(sweep, stop, READ_ON).await??;
            unread.extend(totals.unread);
            if stop.is_cancelled() {
                return Err(Stopped.into());
            }

            // What is postponed comes to an end by itself: a look that takes too long is given up.
            let is_settled = totals.in_grace == 0 && !self.sweeper.has_news();
            if is_settled && totals.postponed.is_empty() {
                break;
            }

            // Counted from the end of the first sweep, which may take long.
            let first_swept = *first_swept.get_or_insert_with(clock::now);
            let waited = clock::now().since(first_swept);
            if waited >= ALL_READING && !totals.postponed.is_empty() {
                tracing::warn!(
                    folders = totals.postponed.len(),
                    "run folders are not looked at, because those of their projects take too long; \
                     the next start goes on"
                );
                unread.extend(totals.postponed);
                break;
            }
            if waited >= ALL_GRACE && totals.postponed.is_empty() {
                tracing::warn!(
                    runs = totals.in_grace,
                    "runs that are over cannot be recorded yet; the next start tries again"
                );
                break;
            }

            tokio::select! {
                () = stop.cancelled() => return Err(Stopped.into()),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        self.answer_requests().await?;
        Ok(unread)
    }

    /// Carries out what commands asked for, which leave their requests in the outbox.
    async fn answer_requests(&self) -> Result<(), StoreError> {
        let config = self.config.current();
        for (id, request) in self.outbox.with(|store| store.open_requests()).await? {
            // Who asked may have taken it back while those before it were carried out.
            let is_there = self.outbox.with(move |store| store.take_up_request(id));
            if !is_there.await? {
                continue;
            }
            let asked = request.as_ref().map(Request::to_string);
            tracing::info!(asked, "asked by the command line");

            // Somebody who asks may have corrected a token that was refused.
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
}
