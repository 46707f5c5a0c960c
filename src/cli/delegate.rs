//! Where a person's requests are carried out: by the running service, through the database, or
//! without one by the command itself.
//!
//! Whoever holds the lock of the state folder does the work. Should that process end while a
//! command waits for it, the command takes the lock and the work over; a request that is answered
//! by neither is withdrawn before the command ends, so that nobody carries it out later unseen.

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::blocking::unless_stopped;
use crate::cli::progress::Progress;
use crate::cli::runtime::{Runtime, runtime};
use crate::cli::tell::tell;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::daemon;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::Outbox;
use crate::outbox::lock::StateLock;
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::{Obstacle, SubmissionState, SubmissionSummary};
use crate::record;
use crate::submit::now::{self, Effort};
use crate::submit::{SendAttempt, outcome};

/// First time between two looks for the answer of a service; most answers are there by then. Each
/// pause is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How long a service may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long the answer is waited for in silence.
const SAID_AFTER: Duration = Duration::from_secs(3);
/// How long a command reads on when it is asked to end.
const READ_ON: Duration = Duration::from_secs(1);
/// How long a command waits for the service to send.
const SENT_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Hands requests to the service, or carries them out.
pub(super) struct Delegate<'a> {
    config: &'a Config,
    /// Held by this command as long as it is the one that does the work.
    lock: Option<StateLock>,
    outbox: Outbox,
    runtime: Runtime,
    /// How long the answer of a service is waited for.
    patience: Duration,
    /// Time to the next look for it.
    next_pause: Duration,
    on_signal: OnSignal,
    /// Shows how far sending is.
    progress: Progress,
    /// It was said that the service is waited for.
    wait_is_said: bool,
}

/// What a signal that asks to end does while a service is waited for.
enum OnSignal {
    /// It ends the command, as it does every program.
    EndsCommand,
    /// It ends the waiting: this is cancelled then.
    EndsWait(CancellationToken),
}

/// A signal ended the waiting.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the running service answered")]
pub(super) struct Interrupted;

/// What became of the submissions that a command asked for.
#[derive(Default)]
pub(super) struct Sent {
    pub rows: Vec<SubmissionSummary>,
    /// How the attempts ended, by the ids of submissions.
    pub attempts: Vec<(i64, SendAttempt)>,
}

impl<'a> Delegate<'a> {
    /// Opens the outbox, with the lock of the state folder if it is free.
    ///
    /// # Errors
    /// When the state folder or the outbox cannot be used.
    pub(super) fn open(config: &'a Config, progress: Progress) -> anyhow::Result<Self> {
        // Whoever ends meanwhile is seen to at the next look.
        let lock = StateLock::take_if_free(&config.state_dir).with_context(|| {
            let folder = config.state_dir.display();
            format!("state folder `{folder}` cannot be used")
        })?;

        // Only the holder of the lock checks the database and mends it.
        let outbox = match lock {
            Some(_) => Outbox::open(&config.state_dir)?,
            None => Outbox::open_beside(&config.state_dir)?,
        };

        Ok(Self {
            config,
            lock,
            outbox,
            runtime: runtime()?,
            patience: ANSWER_WITHIN,
            next_pause: FIRST_PAUSE,
            on_signal: OnSignal::EndsCommand,
            progress,
            wait_is_said: false,
        })
    }

    /// Waits for an answer no longer than this, and lets a signal that asks to end do so.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub(super) fn within(mut self, patience: Duration) -> anyhow::Result<Self> {
        // A service that hangs must neither outlast `--wait` nor make the command deaf to signals.
        let stop = CancellationToken::new();
        self.runtime
            .block_on(async { daemon::stop_on_signal(stop.clone()) })?;

        self.on_signal = OnSignal::EndsWait(stop);
        self.patience = patience.min(ANSWER_WITHIN);
        Ok(self)
    }

    /// Has a request carried out.
    ///
    /// # Errors
    /// When the outbox fails, or when the service does not answer.
    pub(super) fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let mut answers = self.ask_all(std::slice::from_ref(request))?;
        answers.pop().context("every request has an answer")
    }

    /// Has requests carried out. Gives the answers in the same order.
    ///
    /// # Errors
    /// When the outbox fails, or when the service does not answer.
    pub(super) fn ask_all(&mut self, requests: &[Request]) -> anyhow::Result<Vec<Answer>> {
        if self.lock.is_some() {
            return requests.iter().map(|one| self.carry_out(one)).collect();
        }

        // All are left before the first answer is waited for, so the service finds them at once.
        let ids = self.leave(requests.to_vec())?;
        let mut answers = Vec::new();
        for (place, request) in requests.iter().enumerate() {
            let answered = match self.wait_for_answer(ids[place]) {
                Ok(Some(answer)) => Ok(answer),
                // The service ended and its lock is taken over. The requests behind this one still
                // come through here, because it may have answered some of them before.
                Ok(None) => self.carry_out(request),
                Err(error) => Err(error),
            };
            match answered {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    self.withdraw_all(&ids[place + 1..]);
                    return Err(error);
                }
            }
        }
        Ok(answers)
    }

    /// Withdraws requests behind one that failed, or they would be carried out unseen.
    fn withdraw_all(&self, ids: &[i64]) {
        for id in ids.iter().copied() {
            let withdrawn = self.outbox.with(move |store| store.withdraw(id));
            if let Err(error) = self.runtime.block_on(withdrawn) {
                tracing::debug!(%error, "a request cannot be withdrawn");
            }
        }
    }

    /// Leaves requests for the service in the database. Gives their ids.
    fn leave(&self, requests: Vec<Request>) -> anyhow::Result<Vec<i64>> {
        Ok(self.runtime.block_on(self.outbox.ask(requests))?)
    }

    fn carry_out(&self, request: &Request) -> anyhow::Result<Answer> {
        let answer = record::carry_out(&self.outbox, self.config, request.clone());
        let answer = match &self.on_signal {
            OnSignal::EndsCommand => self.runtime.block_on(answer)?,
            OnSignal::EndsWait(stop) => self
                .runtime
                .block_on(unless_stopped(answer, stop, READ_ON))??,
        };
        Ok(answer)
    }

    /// Sends these submissions, or waits until the service tried to.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) fn send(&mut self, ids: &[i64]) -> anyhow::Result<Sent> {
        let effort = Effort {
            budget: now::ONCE_BUDGET,
            // The token of a pipeline's job is handed over to `kado exec` alone.
            pair: None,
            measures: self.progress.measures(),
        };

        let until = clock::now().plus(SENT_WITHIN);
        self.send_until(ids, until, is_untried, effort)
    }

    /// Sends these submissions, or waits until the service has sent them, at most for the budget;
    /// what does not answer is tried again meanwhile. What another process sent counts as well.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) fn send_within(&mut self, ids: &[i64], effort: Effort) -> anyhow::Result<Sent> {
        let until = clock::now().plus(effort.budget);
        let mut sent = self.send_until(ids, until, may_still_be_sent, effort)?;

        let mut by_others = Vec::new();
        for row in &sent.rows {
            let is_attempted = sent.attempts.iter().any(|(id, _)| *id == row.id);
            if !is_attempted {
                by_others.extend(attempt_of(row));
            }
        }
        sent.attempts.extend(by_others);
        Ok(sent)
    }

    /// Waits for the service until `until`, as long as it `waits_for` one of the submissions; or
    /// sends with this effort.
    fn send_until(
        &mut self,
        ids: &[i64],
        until: Moment,
        waits_for: fn(&SubmissionSummary) -> bool,
        effort: Effort,
    ) -> anyhow::Result<Sent> {
        self.next_pause = FIRST_PAUSE;
        while self.lock.is_none() {
            let rows = self.rows(ids)?;
            let is_over = !rows.iter().any(waits_for);
            if is_over || clock::now() > until || self.is_interrupted() {
                self.progress.clear();
                let attempts = rows.iter().filter_map(attempt_of).collect();
                return Ok(Sent { rows, attempts });
            }

            self.runtime.block_on(self.progress.look(Some(ids)));

            // A pause may take the lock of a service that ended; then the work is done below.
            self.pause()?;
        }

        // From here on a signal lets the step in hand end, so that its answer is not lost.
        let attempts = self.runtime.block_on(async {
            let stop_sending = CancellationToken::new();
            daemon::stop_on_signal(stop_sending.clone())?;
            let sending = now::send(&self.outbox, self.config, ids, effort, &stop_sending);
            anyhow::Ok(self.progress.during(Some(ids), sending).await?)
        })?;
        Ok(Sent {
            rows: self.rows(ids)?,
            attempts,
        })
    }

    /// The answer of the service; `None` when the service is gone, and the request is this
    /// command's to carry out.
    fn wait_for_answer(&mut self, request: i64) -> anyhow::Result<Option<Answer>> {
        self.next_pause = FIRST_PAUSE;
        let waited = Stopwatch::start();
        loop {
            let answer = self.outbox.with(move |store| store.answer_to(request));
            if let Some(answer) = self.runtime.block_on(answer)? {
                return Ok(Some(answer));
            }
            if waited.elapsed() >= SAID_AFTER && !self.wait_is_said {
                self.wait_is_said = true;
                tell("waiting for the running service, which has not answered yet");
            }

            let is_late = waited.elapsed() > self.patience || self.is_interrupted();
            if self.lock.is_none() {
                self.pause()?;
                if self.lock.is_none() && !is_late {
                    continue;
                }
            }

            if self.lock.is_some() {
                // Of a service that is gone also what it had taken up; not what it answered.
                let withdrawn = self
                    .outbox
                    .with(move |store| store.withdraw_abandoned(request));
                if self.runtime.block_on(withdrawn)? {
                    return Ok(None);
                }
                continue;
            }

            let withdrawn = self.outbox.with(move |store| store.withdraw(request));
            let withdrawn = self.runtime.block_on(withdrawn)?;
            return self.give_up(request, withdrawn);
        }
    }

    /// What is said when a service was waited for in vain. What it had taken up it goes on with.
    fn give_up(&self, request: i64, withdrawn: bool) -> anyhow::Result<Option<Answer>> {
        let answer = self.outbox.with(move |store| store.answer_to(request));
        if let Some(answer) = self.runtime.block_on(answer)? {
            return Ok(Some(answer));
        }
        if self.is_interrupted() && withdrawn {
            return Err(Interrupted.into());
        }

        let seconds = self.patience.as_secs();
        if withdrawn {
            anyhow::bail!(
                "the running service did not answer in {seconds} seconds; look at its log"
            );
        }
        anyhow::bail!(
            "the running service took this up and has not answered; it may still carry it out: look \
             at its log, and at `kado runs`"
        );
    }

    /// Whether a signal has ended the waiting.
    fn is_interrupted(&self) -> bool {
        match &self.on_signal {
            OnSignal::EndsCommand => false,
            OnSignal::EndsWait(stop) => stop.is_cancelled(),
        }
    }

    /// Waits a little, and takes the lock should it have become free.
    fn pause(&mut self) -> anyhow::Result<()> {
        let pause = self.next_pause;
        self.runtime
            .block_on(async { tokio::time::sleep(pause).await });
        self.next_pause = LONGEST_PAUSE.min(2 * pause);

        self.lock = StateLock::take_if_free(&self.config.state_dir)?;
        Ok(())
    }

    fn rows(&self, ids: &[i64]) -> anyhow::Result<Vec<SubmissionSummary>> {
        let ids = ids.to_vec();
        let rows = self.outbox.with(move |store| store.summaries(Some(&ids)));
        Ok(self.runtime.block_on(rows)?)
    }
}

impl Sent {
    /// The exit code for these submissions.
    pub(super) fn exit(&self) -> Exit {
        outcome::exit(&self.rows, &self.attempts)
    }
}

/// Whether the service has not yet tried once to send a submission.
fn is_untried(row: &SubmissionSummary) -> bool {
    // One attempt is waited for; when it has failed, there is a time for the next one.
    is_open(row) && row.next_attempt.is_none()
}

/// Whether the service may yet send a submission without anybody's help.
fn may_still_be_sent(row: &SubmissionSummary) -> bool {
    // These two may pass while somebody waits; for the others a person is needed.
    let passes = matches!(
        row.obstacle,
        Some(Obstacle::Unreachable | Obstacle::AnotherSender)
    );
    is_open(row) && (row.next_attempt.is_none() || passes)
}

const fn is_open(row: &SubmissionSummary) -> bool {
    matches!(
        row.state,
        SubmissionState::Pending | SubmissionState::Submitting
    )
}

/// What a row says of the attempt of a service. One that is still under way when nobody waits any
/// longer counts as not reached.
fn attempt_of(row: &SubmissionSummary) -> Option<(i64, SendAttempt)> {
    let attempt = match row.state {
        SubmissionState::Submitted => SendAttempt::Submitted,
        SubmissionState::Parked => SendAttempt::Parked,
        // Nothing was attempted, and nothing is missing.
        SubmissionState::Ignored => return None,
        SubmissionState::Pending | SubmissionState::Submitting => SendAttempt::Waits {
            obstacle: row.obstacle.unwrap_or(Obstacle::Unreachable),
            until: row.next_attempt.unwrap_or_default(),
        },
    };

    Some((row.id, attempt))
}
