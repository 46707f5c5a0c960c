//! Where a person's requests are carried out: by the running service, through the database, or
//! without one by the command itself. Whoever holds the lock of the state folder does the work;
//! should that process end while a command waits for it, the command takes over.

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::cli::runtime::runtime;
use crate::clock;
use crate::config::Config;
use crate::daemon;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::lock::StateLock;
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::SubmissionSummary;
use crate::outbox::submission::{Obstacle, SubmissionState};
use crate::outbox::{Outbox, Store};
use crate::record;
use crate::submit::Attempt;
use crate::submit::now::{self, Effort};

/// How often the answer of a service is looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How long a service may take to answer a request.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a command waits for the service to send.
const SENT: Duration = Duration::from_secs(15 * 60);

/// A place to leave requests at.
pub(super) struct Delegate<'a> {
    config: &'a Config,
    lock: Option<StateLock>,
    outbox: Outbox,
    runtime: tokio::runtime::Runtime,
    /// How long the answer of a service is waited for.
    patience: Duration,
    /// Cancelled when the waiting is to end.
    stop: CancellationToken,
}

/// What became of the submissions that a command asked for.
#[derive(Default)]
pub(super) struct Sent {
    /// Their rows.
    pub rows: Vec<SubmissionSummary>,
    /// How their attempts ended.
    pub attempts: Vec<(i64, Attempt)>,
}

impl<'a> Delegate<'a> {
    /// Opens the outbox, with the lock of the state folder if it is free.
    ///
    /// # Errors
    /// When the state folder or the outbox cannot be used.
    pub(super) fn open(config: &'a Config) -> anyhow::Result<Self> {
        let state = config.state_dir.display();
        let lock = StateLock::take(&config.state_dir)
            .with_context(|| format!("state folder `{state}` cannot be used"))?;
        let outbox = match lock {
            Some(_) => Outbox::open(&config.state_dir)?,
            None => Outbox::open_beside(&config.state_dir)?,
        };
        let (patience, stop) = (ANSWER, CancellationToken::new());
        Ok(Self {
            config,
            lock,
            outbox,
            runtime: runtime()?,
            patience,
            stop,
        })
    }

    /// Waits for an answer no longer than this, and lets a signal that asks to end do so.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub(super) fn within(mut self, patience: Duration) -> anyhow::Result<Self> {
        let stop = self.stop.clone();
        self.runtime
            .block_on(async { daemon::stop_on_signal(stop) })?;
        self.patience = patience.min(ANSWER);
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

    /// Has requests carried out; a service finds all of them at once. Gives the answers in the same
    /// order.
    ///
    /// # Errors
    /// When the outbox fails, or when the service does not answer.
    pub(super) fn ask_all(&mut self, requests: &[Request]) -> anyhow::Result<Vec<Answer>> {
        let mut left = Vec::new();
        if self.lock.is_none() {
            let all = requests.to_vec();
            let leave = move |store: &mut Store| {
                all.iter().map(|one| store.ask(one, clock::now())).collect()
            };
            left = self.runtime.block_on(self.outbox.with::<Vec<i64>>(leave))?;
        }
        let mut answers = Vec::new();
        for (place, request) in requests.iter().enumerate() {
            let answered = left
                .get(place)
                .map_or(Ok(None), |asked| self.wait_for_answer(*asked))?;
            answers.push(match answered {
                Some(answer) => answer,
                None => self.runtime.block_on(record::carry_out(
                    &self.outbox,
                    self.config,
                    request.clone(),
                ))?,
            });
        }
        Ok(answers)
    }

    /// Sends these submissions, or waits until the service tried to.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) fn send(&mut self, ids: &[i64]) -> anyhow::Result<Sent> {
        let stop = CancellationToken::new();
        let effort = Effort {
            budget: now::ONCE_BUDGET,
            pair: None,
        };
        self.send_until(ids, clock::now().plus(SENT), is_under_way, effort, &stop)
    }

    /// Sends these submissions, or waits until the service has sent them, at most for the budget;
    /// what does not answer is tried again meanwhile. What another process sent counts as well.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) fn send_within(&mut self, ids: &[i64], effort: Effort) -> anyhow::Result<Sent> {
        let stop = self.stop.clone();
        let open = |row: &SubmissionSummary| {
            is_open(row)
                && (row.next_attempt.is_none()
                    || matches!(
                        row.obstacle,
                        Some(Obstacle::Unreachable | Obstacle::Katalon)
                    ))
        };
        let mut sent =
            self.send_until(ids, clock::now().plus(effort.budget), open, effort, &stop)?;
        let by_others = sent
            .rows
            .iter()
            .filter(|row| sent.attempts.iter().all(|(id, _)| *id != row.id));
        let by_others: Vec<_> = by_others.filter_map(attempt_of).collect();
        sent.attempts.extend(by_others);
        Ok(sent)
    }

    /// Waits until `until` for the service while it is to be waited for, or sends with this effort.
    fn send_until(
        &mut self,
        ids: &[i64],
        until: Moment,
        waits_for: impl Fn(&SubmissionSummary) -> bool,
        effort: Effort,
        stop: &CancellationToken,
    ) -> anyhow::Result<Sent> {
        while self.lock.is_none() {
            let rows = self.rows(ids)?;
            if !rows.iter().any(&waits_for) || clock::now() > until || stop.is_cancelled() {
                let attempts = rows.iter().filter_map(attempt_of).collect();
                return Ok(Sent { rows, attempts });
            }
            self.pause()?;
        }
        let attempts = self.runtime.block_on(async {
            let stop = CancellationToken::new();
            daemon::stop_on_signal(stop.clone())?;
            anyhow::Ok(now::send(&self.outbox, self.config, ids, effort, &stop).await?)
        })?;
        Ok(Sent {
            rows: self.rows(ids)?,
            attempts,
        })
    }

    /// The answer of the service; `None` when the service is gone, and the request is this
    /// command's to carry out.
    fn wait_for_answer(&mut self, request: i64) -> anyhow::Result<Option<Answer>> {
        let until = clock::now().plus(self.patience);
        loop {
            if let Some(answer) = self
                .runtime
                .block_on(self.outbox.with(move |store| store.answer_to(request)))?
            {
                return Ok(Some(answer));
            }
            let late = clock::now() > until || self.stop.is_cancelled();
            if self.lock.is_none() {
                self.pause()?;
                if !late && self.lock.is_none() {
                    continue;
                }
            }
            let withdrawn = self
                .runtime
                .block_on(self.outbox.with(move |store| store.withdraw(request)))?;
            if withdrawn && self.lock.is_some() {
                return Ok(None);
            }
            if withdrawn && self.stop.is_cancelled() {
                anyhow::bail!(
                    "interrupted before the running service answered; it takes what is claimed by itself"
                );
            }
            if withdrawn {
                anyhow::bail!(
                    "the running service did not answer in {} seconds; look at its log",
                    self.patience.as_secs()
                );
            }
        }
    }

    /// Waits a little, and takes the lock should it have become free.
    fn pause(&mut self) -> anyhow::Result<()> {
        self.runtime
            .block_on(async { tokio::time::sleep(LOOK).await });
        self.lock = StateLock::take(&self.config.state_dir)?;
        Ok(())
    }

    fn rows(&self, ids: &[i64]) -> anyhow::Result<Vec<SubmissionSummary>> {
        let ids = ids.to_vec();
        Ok(self
            .runtime
            .block_on(self.outbox.with(move |store| store.summaries(Some(&ids))))?)
    }
}

impl Sent {
    /// The exit code for these submissions.
    pub(super) fn exit(&self) -> Exit {
        crate::submit::outcome::exit(&self.rows, &self.attempts)
    }
}

fn is_under_way(row: &SubmissionSummary) -> bool {
    is_open(row) && row.next_attempt.is_none()
}

fn is_open(row: &SubmissionSummary) -> bool {
    matches!(
        row.state,
        SubmissionState::Pending | SubmissionState::Submitting
    )
}

/// What a row says of the attempt of a service. One that is still under way when nobody waits any
/// longer counts as not reached.
fn attempt_of(row: &SubmissionSummary) -> Option<(i64, Attempt)> {
    let attempt = match row.state {
        SubmissionState::Submitted => Attempt::Submitted,
        SubmissionState::Parked => Attempt::Parked,
        SubmissionState::Ignored => return None,
        SubmissionState::Pending | SubmissionState::Submitting => {
            let cause = row.obstacle.unwrap_or(Obstacle::Unreachable);
            Attempt::Waits {
                cause,
                until: row.next_attempt.unwrap_or_default(),
            }
        }
    };
    Some((row.id, attempt))
}
