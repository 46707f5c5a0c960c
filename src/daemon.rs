//! `kado run`: composes what watches and what submits, until it is told to stop.
//!
//! Two long-lived parts share the outbox. The `keeper` has the watched folders swept and what is
//! over recorded, answers requests of the command line and follows changes of the configuration;
//! the submitter sends. Either one ending early ends the process, so that the service manager
//! starts it anew; it is told that the service lives only while both turn (`watchdog`). Stopping is
//! one token: the keeper ends at once, the submitter gives the step in hand a few seconds. What
//! attends them (`attendants`) may fail and takes neither with it, which is said at once.
//!
//! In here is only what lives as long as the service. What becomes of one run, also for commands
//! without a service, is in `record`.

mod answers;
mod attendants;
mod commands;
mod found_projects;
mod given_up;
mod keeper;
mod late_reports;
mod listings;
mod polling;
mod reload;
mod running_commands;
mod schedule;
mod signal;
mod state_folder;
mod sweeper;
mod tidy;
mod token_ends;
mod unseen;
mod watchdog;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use attendants::{Surroundings, attend, join};
use keeper::Keeper;
use reload::FollowedConfig;
use watchdog::LoopTurns;

use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::connect::Connections;
use crate::exit::Exit;
use crate::live::{LiveWriter, RunningSuites};
use crate::measures::Measures;
use crate::moment::Moment;
use crate::notifications;
use crate::outbox::bell::Bell;
use crate::outbox::lock::{ServiceMark, StateLock};
use crate::outbox::store::ServiceFacts;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};
use crate::outbox::{Outbox, StoreError};
use crate::page::RunningService;
use crate::record;
use crate::service;
use crate::submit::now::ONCE_BUDGET;
use crate::submit::{SendAttempt, Submitter, outcome};
use crate::telemetry::RecentWarnings;

pub(crate) use signal::stop_on_signal;

/// Runs the service until `stop` is cancelled or a signal stops it.
///
/// # Errors
/// When the state folder cannot be used, or when the outbox fails.
pub(crate) async fn serve(
    config: Config,
    config_file: Option<PathBuf>,
    warnings: RecentWarnings,
    stop: CancellationToken,
) -> anyhow::Result<Exit> {
    // The lock before the outbox: only its holder may check the database and mend it.
    let lock = Arc::new(lock(&config)?);
    let outbox = Outbox::open(&config.state_dir)?;
    stop_on_signal(stop.clone())?;

    // Before the mark: whoever sees the mark takes these for the facts of the one that runs.
    introduce(&outbox).await?;
    let mark = ServiceMark::set(&config.state_dir)
        .context("the state folder cannot be marked as that of a running service")?;

    let state_dir = config.state_dir.clone();
    let (config_sender, config_receiver) = watch::channel(Arc::new(config));
    let shown_config = config_receiver.clone();
    let changed = Arc::new(Notify::new());
    let submitter = Arc::new(Submitter::for_service(outbox.clone(), config_receiver));
    let config = FollowedConfig::new(config_sender, config_file).await?;
    let connections = submitter.connections();
    let (running_sender, running) = watch::channel(RunningSuites::default());
    let mut keeper = Keeper::new(
        outbox.clone(),
        config,
        Arc::clone(&changed),
        Arc::clone(&connections),
        running_sender,
    )
    .await?;
    let bell = Bell::default();

    // Only now: a service that cannot use its state folder must not be told to be up.
    service::ready();

    let turns = Arc::new(LoopTurns::new());
    let lost = Arc::new(AtomicBool::new(false));
    let shown = RunningService {
        signs: turns.clone(),
        outbox,
        connections,
        warnings,
    };
    let attendants = attend(Surroundings {
        lock: Arc::clone(&lock),
        lost: Arc::clone(&lost),
        config: shown_config,
        shown,
        running,
        turns: Arc::clone(&turns),
        changed: Arc::clone(&changed),
        bell: bell.clone(),
        stop: stop.clone(),
    });
    let (submitting, kept) = run_both(&mut keeper, submitter, changed, bell, &turns, &stop).await;

    // The service manager must not take the last step of the submitter for a service that hangs.
    service::stopping();
    submitting.await.context("the submitting task failed")??;
    join(attendants).await?;

    // Said before any failure of the outbox, which is what follows from it.
    refuse_lost_folder(&lost, &state_dir)?;
    kept?;

    // Only here: a service that failed leaves its mark behind, as one that was killed does.
    take_away(mark);
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Takes the mark of the service away: it ends as it was asked to.
fn take_away(mark: ServiceMark) {
    if let Err(error) = mark.remove() {
        tracing::warn!(%error, "`kado status` will say that the service failed: its mark stays");
    }
}

/// # Errors
/// When the state folder was taken away while the service ran.
fn refuse_lost_folder(lost: &AtomicBool, state_dir: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !lost.load(Ordering::Relaxed),
        "state folder `{}` was removed or replaced while kado ran; put it back from a backup \
         before kado is started, or runs that waited are forgotten",
        state_dir.display()
    );
    Ok(())
}

/// Records who this service is, for `kado status`.
async fn introduce(outbox: &Outbox) -> Result<(), StoreError> {
    // Asking for the account starts a program on some systems.
    let account = blocking(service::own_account).await?;
    let facts = ServiceFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: clock::host_name(),
        account,
        started: clock::now(),
    };
    outbox.with(move |store| store.note_service(&facts)).await
}

/// Runs the two halves until one ends; that ends the other, so that no half of a service goes on
/// alone. Gives the submitting half, which may still be at its last step, and how the other one
/// ended.
async fn run_both(
    keeper: &mut Keeper,
    submitter: Arc<Submitter>,
    changed: Arc<Notify>,
    bell: Bell,
    turns: &Arc<LoopTurns>,
    stop: &CancellationToken,
) -> (JoinHandle<Result<(), StoreError>>, Result<(), StoreError>) {
    // A guard cancels the token when it is dropped, also by a panic.
    let guard = stop.clone().drop_guard();
    let submitter_stop = stop.clone();
    let submitter_turns = Arc::clone(turns);
    let submitting = tokio::spawn(async move {
        let _guard = guard;
        submitter
            .serve(changed, submitter_stop, || {
                submitter_turns.submitter_turned();
            })
            .await
    });

    let _guard = stop.clone().drop_guard();
    let kept = keeper.serve(bell, stop, || turns.keeper_turned()).await;
    (submitting, kept)
}

/// How a single pass ended.
pub(crate) struct Once {
    /// Its exit code.
    pub exit: Exit,
    /// Runs that this pass ended without all of their results there, or parked, for which the exit
    /// code is not 0.
    pub not_done: Vec<SubmissionSummary>,
    /// How many run folders lie there, and what became of them, in one line that adds up; `None`
    /// of a pass that was cut off.
    pub folders: Option<String>,
    /// The address of the newest test run that it made and sent, if it did.
    pub newest_sent: Option<String>,
}

impl Once {
    const fn cut_off(exit: Exit, not_done: Vec<SubmissionSummary>) -> Self {
        Self {
            exit,
            not_done,
            folders: None,
            newest_sent: None,
        }
    }
}

/// `kado run --once`: submits what is finished and what waits, and ends. `measures` say how far
/// sending is.
///
/// # Errors
/// When the state folder cannot be used, or when the outbox fails.
pub(crate) async fn once(
    config: Config,
    config_file: Option<PathBuf>,
    measures: Arc<Measures>,
    stop: CancellationToken,
) -> anyhow::Result<Once> {
    let _lock = lock(&config)?;
    let outbox = Outbox::open(&config.state_dir)?;
    stop_on_signal(stop.clone())?;
    let parked_before = parked(&outbox).await?;
    let submitted_before = outbox.with(|store| store.submitted_ids()).await?;
    let history = config.history;
    let told_by = Arc::new(config.clone());

    let (config_sender, config_receiver) = watch::channel(Arc::new(config));
    let connections = Connections::with_patience(ONCE_BUDGET).measured_by(measures);
    let submitter = Submitter::for_command(outbox.clone(), config_receiver.clone(), connections);
    let config = FollowedConfig::new(config_sender, config_file).await?;

    // Nobody has to be woken: what is recorded is sent afterwards.
    let changed = Arc::new(Notify::new());
    let connections = submitter.connections();
    // A pass is over before a suite is that runs meanwhile.
    let (running_sender, running) = watch::channel(RunningSuites::default());
    let writer = LiveWriter {
        outbox: outbox.clone(),
        connections: Arc::clone(&connections),
        config: config_receiver,
        running,
    };
    let mut keeper =
        Keeper::new(outbox.clone(), config, changed, connections, running_sender).await?;
    let unread = keeper
        .sweep_until_settled(&stop)
        .await
        .context("not all run folders were looked at")?;

    // Whoever runs it once waits for no time of Katalon's; what Katalon submitted already is found
    // all the same.
    outbox
        .with(|store| store.make_all_due(Moment::default()))
        .await?;
    let attempts = submitter.drain(None, ONCE_BUDGET, &stop).await?;
    writer.end_abandoned().await?;
    notifications::tell_once(&outbox, &told_by, &stop).await;

    // What an earlier call parked was told by that call, and is a problem of `kado status`.
    let mut rows = outbox.with(|store| store.summaries(None)).await?;
    rows.retain(|row| row.state != SubmissionState::Parked || !parked_before.contains(&row.id));
    let exit = outcome::exit(&rows, &attempts);

    // A member that cannot be read keeps its collection from being sent, and no row says so; nor is
    // there one for a run that nobody saw, or a run folder that cannot be read.
    let unreadable = outbox.with(|store| record::unreadable(store)).await?;
    let is_all_seen = unreadable.is_empty() && unread.is_empty() && !keeper.has_unseen();
    let exit = if is_all_seen {
        exit
    } else {
        exit.and(Exit::NotDone)
    };

    if stop.is_cancelled() {
        let not_done = outcome::not_done(rows, &attempts);
        return Ok(Once::cut_off(exit, not_done));
    }
    let sent = sent_by(&attempts);
    let folders = outbox
        .with(move |store| store.run_folders_of_call(&submitted_before, &sent))
        .await?;
    Ok(Once {
        exit,
        folders: Some(folders.line_of_call(history)),
        newest_sent: newest_sent(&rows, &attempts),
        not_done: outcome::not_done(rows, &attempts),
    })
}

/// The submissions that these attempts sent.
fn sent_by(attempts: &[(i64, SendAttempt)]) -> Vec<i64> {
    let mut sent = Vec::new();
    for (id, attempt) in attempts {
        if *attempt == SendAttempt::Submitted {
            sent.push(*id);
        }
    }
    sent
}

/// The address of the newest test run among those that kado made and sent by these attempts.
fn newest_sent(rows: &[SubmissionSummary], attempts: &[(i64, SendAttempt)]) -> Option<String> {
    // They stand in the order of their runs, the newest first.
    let newest = rows.iter().find(|row| {
        row.is_made_by_kado() && attempts.contains(&(row.id, SendAttempt::Submitted))
    })?;
    newest.url.clone()
}

/// The submissions that are parked.
async fn parked(outbox: &Outbox) -> Result<HashSet<i64>, StoreError> {
    let rows = outbox.with(|store| store.summaries(None)).await?;
    Ok(rows
        .iter()
        .filter(|row| row.state == SubmissionState::Parked)
        .map(|row| row.id)
        .collect())
}

fn lock(config: &Config) -> anyhow::Result<StateLock> {
    let folder = config.state_dir.display();
    StateLock::take(&config.state_dir)
        .with_context(|| format!("state folder `{folder}` cannot be used"))?
        .with_context(|| {
            format!("another kado is running with the state folder `{folder}`; only one may send")
        })
}
