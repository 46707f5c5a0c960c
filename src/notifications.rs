//! Tells people when something needs them, and when it is over (`[notify]`).
//!
//! A look at how things stand is turned into *causes* (`found`), compared with what was told
//! (`decide`), and what follows is recorded before anybody hears of it. Then each *way* sends what
//! it has to tell, as one message (`message`, `ways`): a way that fails holds up no other.
//!
//! What it keeps: each way tells of a cause once, and once of its end. A message is recorded as
//! intended before it leaves and as delivered when the other side has said so. In between, when
//! kado is killed or nobody answers, nobody can know whether it arrived; then it is sent again,
//! under the same id: whoever is asleep is better woken twice than not at all. At most one message
//! a minute is delivered by a way; what comes meanwhile is in the next one. One that nobody takes
//! is tried for a week.
//!
//! Nothing of this holds up a run: what fails is a warning in the log, and a problem of `kado
//! status`.

mod decide;
mod found;
mod message;
mod test;
mod unrecorded;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use decide::Teller;
use message::{Message, MessageContent};
use unrecorded::Unrecorded;

use crate::blocking::blocking;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::config::notify::NotifyRules;
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::outbox::notification::{Decision, OpenMessage, Way};
use crate::outbox::store::LONGEST_MESSAGE_WAIT;
use crate::outbox::{Outbox, StoreError};
use crate::overview::{self, Overview};
use crate::submit::backoff;

pub(crate) use test::{Arrival, send_test};

/// Time between two glances at whether anything has changed, while something was written or waits
/// to be told; a glance reads no table.
const GLANCE: Duration = Duration::from_secs(1);
/// The same where this process wrote nothing: a command beside it may have.
const MAKE_SURE: Duration = Duration::from_secs(10);
/// Least time from one look to the next, and how many times as long as a look took: a machine with
/// thousands of runs is not busy with looking at them.
const DISTANCE: Duration = Duration::from_secs(2);
const SHARE: u32 = 50;
/// Longest time without a look: a disk fills up, and a token comes to its end, without a word in
/// the outbox.
const LONGEST: Duration = Duration::from_secs(60);
/// Least time between two messages that one way delivers.
const BETWEEN_MESSAGES: Duration = Duration::from_secs(60);
/// How long a message is tried.
const TRIED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long what was delivered is remembered.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a single pass waits for those whom it tells.
const PASS: Duration = Duration::from_secs(20);

/// Tells people for as long as the service runs.
pub(crate) async fn serve(
    outbox: Outbox,
    mut config: watch::Receiver<Arc<Config>>,
    stop: CancellationToken,
) {
    let mut rounds = Rounds::new(outbox);
    while !stop.is_cancelled() {
        let current = Arc::clone(&config.borrow_and_update());
        tokio::select! {
            () = stop.cancelled() => return,
            () = rounds.glance(&current) => {}
        }

        // Where nobody is to be told anything, only another configuration changes that.
        let is_anybody_told = current.notify.is_some();
        tokio::select! {
            () = stop.cancelled() => return,
            Ok(()) = config.changed() => {}
            () = rounds.worth_a_glance(), if is_anybody_told => {}
        }
    }
}

/// Tells people once, for a pass that has just swept: what waits for its minute or for its next
/// attempt is left to the next pass.
pub(crate) async fn tell_once(outbox: &Outbox, config: &Arc<Config>, stop: &CancellationToken) {
    let mut rounds = Rounds::new(outbox.clone());
    let told = tokio::time::timeout(PASS, rounds.glance(config));
    tokio::select! {
        () = stop.cancelled() => {}
        told = told => {
            if told.is_err() {
                tracing::warn!("nobody takes the notifications in time; the next pass tries again");
            }
        }
    }
}

/// Looks and tells, over and over.
struct Rounds {
    outbox: Outbox,
    /// How the outbox was at the last look; `None` before the first one.
    seen: Option<(i64, i64)>,
    /// The configuration of the last look.
    config: Option<Arc<Config>>,
    /// Since the last look.
    since_look: Stopwatch,
    /// No look before so much time has passed since the last one.
    distance: Duration,
    /// When time alone makes something of what is known.
    next: Option<Moment>,
    /// Whether something is to be done soon, though nothing more is written.
    is_busy: bool,
    /// Whether the log says already that the outbox cannot be used.
    is_outage_logged: bool,
    unrecorded: Unrecorded,
}

impl Rounds {
    fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            seen: None,
            config: None,
            since_look: Stopwatch::start(),
            distance: Duration::ZERO,
            next: None,
            is_busy: true,
            is_outage_logged: false,
            unrecorded: Unrecorded::default(),
        }
    }

    /// Waits until there may be something to see or to send.
    async fn worth_a_glance(&self) {
        if !self.is_busy {
            let now = clock::now();
            let next = self.next.map_or(MAKE_SURE, |next| next.since(now));
            tokio::select! {
                () = tokio::time::sleep(next.min(MAKE_SURE)) => return,
                () = self.outbox.written() => {}
            }
        }

        // What is written comes in bursts.
        tokio::time::sleep(GLANCE).await;
    }

    /// Looks if there is anything to see, and sends what is due.
    async fn glance(&mut self, config: &Arc<Config>) {
        let Some(rules) = &config.notify else {
            self.config = None;
            return;
        };

        match self.turn(config, rules).await {
            Ok(()) => self.is_outage_logged = false,
            // It may pass; the two halves of the service say more of it.
            Err(error) => {
                if !self.is_outage_logged {
                    tracing::warn!(
                        error = chain(&error),
                        "notifications cannot be recorded, so but for the disk nobody is told"
                    );
                }
                self.is_outage_logged = true;
                self.is_busy = true;
                self.unrecorded.look(config, rules).await;
            }
        }
    }

    async fn turn(&mut self, config: &Arc<Config>, rules: &NotifyRules) -> Result<(), StoreError> {
        let ways = ways::ways_of(rules);
        self.follow(config, &ways).await?;
        self.record_what_was_told().await?;

        if self.is_look_due().await? {
            let watch = Stopwatch::start();
            self.look(config, rules, &ways).await?;
            self.distance = DISTANCE.max(watch.elapsed() * SHARE);
            self.since_look = Stopwatch::start();
        }

        // Side by side: one that hangs holds up no other.
        let sending = ways.iter().map(|way| send(&self.outbox, config, *way));
        for sent in futures_util::future::join_all(sending).await {
            sent?;
        }

        let is_told = self.outbox.with(|store| store.is_everybody_told());
        self.is_busy |= !is_told.await?;
        Ok(())
    }

    /// Another configuration may have other ways and other rules, and somebody may have mended the
    /// address to which nothing got through.
    async fn follow(&mut self, config: &Arc<Config>, ways: &[Way]) -> Result<(), StoreError> {
        if self
            .config
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, config))
        {
            return Ok(());
        }

        let ways = ways.to_owned();
        let before = clock::now().minus(REMEMBERED);
        let is_first = self.config.is_none();
        self.outbox
            .with(move |store| {
                store.keep_only_ways(&ways)?;
                store.forget_messages(before)?;
                if is_first {
                    return Ok(());
                }
                store.make_messages_due()
            })
            .await?;
        self.config = Some(Arc::clone(config));
        self.seen = None;
        Ok(())
    }

    /// Records what was told while that could not be recorded.
    async fn record_what_was_told(&mut self) -> Result<(), StoreError> {
        // A look that only reads must not take what the next write may refuse.
        if !self.unrecorded.is_any() {
            return Ok(());
        }

        let causes = self.unrecorded.causes();
        self.outbox
            .with(move |store| {
                store.note_causes(&Decision {
                    kept: causes,
                    ..Decision::default()
                })
            })
            .await?;
        self.unrecorded = Unrecorded::default();
        self.seen = None;
        Ok(())
    }

    /// Whether there may be something new.
    async fn is_look_due(&mut self) -> Result<bool, StoreError> {
        let now = clock::now();
        let elapsed = self.since_look.elapsed();
        let count = self.outbox.with(|store| store.change_count()).await?;
        let is_changed = self.seen != Some(count);
        let is_time = self.next.is_some_and(|next| next <= now);

        let is_wanted = is_changed || is_time;

        let is_due =
            elapsed >= LONGEST || self.seen.is_none() || (elapsed >= self.distance && is_wanted);
        if is_due {
            self.seen = Some(count);
        }
        self.is_busy = is_wanted && !is_due;
        Ok(is_due)
    }

    /// Looks how things stand, and records what follows.
    async fn look(
        &mut self,
        config: &Arc<Config>,
        rules: &NotifyRules,
        ways: &[Way],
    ) -> Result<(), StoreError> {
        let read_with = Arc::clone(config);
        let overview = blocking(move || overview::look_after_sweep(&read_with)).await??;
        let now = clock::now();
        let silence = silence_at(&overview, rules);

        let found = found::causes(&overview, config, rules);
        let host = clock::host_name();
        let ways = ways.to_owned();
        let next = self
            .outbox
            .with(move |store| {
                let known = store.causes()?;
                let teller = Teller {
                    host: &host,
                    ways: &ways,
                };
                let decision = teller.decide(&known, &found, now);
                if !decision.is_empty() {
                    store.note_causes(&decision)?;
                }
                Ok(decision.next)
            })
            .await?;

        // One that has come already is part of this look.
        let times = [next, silence].into_iter().flatten();
        self.next = times.filter(|time| *time > now).min();
        Ok(())
    }
}

/// When the machine will have been silent for too long.
fn silence_at(overview: &Overview, rules: &NotifyRules) -> Option<Moment> {
    let quiet_since = overview.quiet_since?;
    Some(quiet_since.plus(rules.silence_after))
}

/// Sends what a way has to tell, if it is due.
async fn send(outbox: &Outbox, config: &Arc<Config>, way: Way) -> Result<(), StoreError> {
    let now = clock::now();
    let id = new_id(way, now);
    let next = outbox
        .with(move |store| store.message_to_send(way, &id, now, BETWEEN_MESSAGES))
        .await?;
    let Some(open) = next else {
        return Ok(());
    };

    let wait = backoff::delay(open.attempts, None, backoff::random());
    let id = open.id.clone();
    outbox
        .with(move |store| store.intend_message(&id, now.plus(wait)))
        .await?;

    let host = clock::host_name();
    let message = Message {
        id: &open.id,
        host: &host,
        at: open.made,
        content: MessageContent::Notices(&open.notices),
    };
    match ways::deliver(way, config, &message).await {
        Ok(()) => delivered(outbox, way, open).await,
        Err(error) => failed(outbox, way, open, &error).await,
    }
}

async fn delivered(outbox: &Outbox, way: Way, open: OpenMessage) -> Result<(), StoreError> {
    tracing::debug!(
        way = way.word(),
        id = open.id,
        "a notification was delivered"
    );
    if open.attempts > 0 {
        tracing::info!(way = way.word(), "notifications arrive again");
    }
    let now = clock::now();
    outbox
        .with(move |store| store.message_delivered(&open.id, now))
        .await
}

async fn failed(
    outbox: &Outbox,
    way: Way,
    open: OpenMessage,
    error: &ways::DeliveryError,
) -> Result<(), StoreError> {
    let reason = chain(error);
    let now = clock::now();
    if now.since(open.made) >= TRIED_FOR {
        tracing::warn!(
            way = way.word(),
            reason,
            "a notification is given up after a week"
        );
        return outbox
            .with(move |store| store.give_message_up(&open.id, now))
            .await;
    }

    // Once for each message: a wrong address is wrong for hours.
    if open.attempts == 0 {
        tracing::warn!(
            way = way.word(),
            reason,
            "a notification does not arrive; it is tried again"
        );
    }
    let wanted = error.wait().map(|wait| wait.min(LONGEST_MESSAGE_WAIT));
    let wait = backoff::delay(open.attempts, wanted, backoff::random());
    outbox
        .with(move |store| store.message_failed(&open.id, &reason, now.plus(wait)))
        .await
}

/// An id that no other message has, on this machine or another.
fn new_id(way: Way, now: Moment) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("kado message of notifications");
    hasher.update(clock::host_name().as_bytes());
    hasher.update(way.word().as_bytes());
    hasher.update(&now.millis().to_be_bytes());
    hasher.update(&backoff::random().to_be_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}
