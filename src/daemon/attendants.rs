//! What runs beside the two loops of the service: the look at the state folder, the notifications,
//! the page, what is shown while suites run, and the signs of life.
//!
//! Runs are submitted without any of these, so one that fails, which is a defect, does not end the
//! service: it is said at once, in the log and by `kado status`, until the service starts anew.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::daemon::watchdog::{self, LoopTurns};
use crate::daemon::{state_folder, token_ends};
use crate::error_chain::chain;
use crate::live::{LiveWriter, RunningSuites};
use crate::notifications;
use crate::outbox::Outbox;
use crate::outbox::bell::Bell;
use crate::outbox::lock::StateLock;
use crate::page::{self, RunningService};

/// What the tasks beside the two loops need.
pub(super) struct Surroundings {
    pub lock: Arc<StateLock>,
    /// Whether the state folder was taken away.
    pub lost: Arc<AtomicBool>,
    pub config: watch::Receiver<Arc<Config>>,
    pub shown: RunningService,
    pub running: watch::Receiver<RunningSuites>,
    pub turns: Arc<LoopTurns>,
    pub changed: Arc<Notify>,
    pub bell: Bell,
    pub stop: CancellationToken,
}

/// Starts what runs beside the two loops until `stop`.
pub(super) fn attend(around: Surroundings) -> [Attendant; 4] {
    let Surroundings {
        lock,
        lost,
        config,
        shown,
        running,
        turns,
        changed,
        bell,
        stop,
    } = around;
    let outbox = shown.outbox.clone();

    [
        Attendant::start(
            "the look at the state folder",
            &outbox,
            state_folder::mind(lock, lost, bell.clone(), stop.clone()),
        ),
        Attendant::start(
            "the notifications",
            &outbox,
            notifications::serve(outbox.clone(), config.clone(), stop.clone()),
        ),
        Attendant::start(
            "the page, or what is shown while suites run,",
            &outbox,
            show(config, shown, running, stop.clone()),
        ),
        Attendant::start(
            "the signs of life",
            &outbox,
            give_signs(outbox.clone(), turns, changed, bell, stop),
        ),
    ]
}

/// A task that lives as long as the service.
pub(super) struct Attendant {
    what: &'static str,
    task: JoinHandle<Result<(), JoinError>>,
}

impl Attendant {
    fn start(
        what: &'static str,
        outbox: &Outbox,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let outbox = outbox.clone();
        Self {
            what,
            task: tokio::spawn(async move {
                let ended = tokio::spawn(task).await;
                if let Err(failed) = &ended {
                    tell_failed(what, failed, &outbox).await;
                }
                ended
            }),
        }
    }
}

/// Says that the service goes on without a part of it.
async fn tell_failed(what: &'static str, failed: &JoinError, outbox: &Outbox) {
    tracing::error!(
        part = what,
        error = %failed,
        "a part of the service failed, and the service goes on without it until it starts anew; \
         that is a defect, please report it"
    );

    let noted = outbox.with(move |store| store.note_failed_part(what)).await;
    if let Err(error) = noted {
        tracing::warn!(
            part = what,
            error = chain(&error),
            "`kado status` does not say that a part of the service failed"
        );
    }
}

/// Waits for the end of what attends the service.
pub(super) async fn join(attendants: [Attendant; 4]) -> anyhow::Result<()> {
    for Attendant { what, task } in attendants {
        task.await?.with_context(|| format!("{what} failed"))?;
    }
    Ok(())
}

/// Shows people how things stand until `stop`: on the page, in the log when a token ends, and in
/// Azure DevOps while suites run.
async fn show(
    config: watch::Receiver<Arc<Config>>,
    shown: RunningService,
    running: watch::Receiver<RunningSuites>,
    stop: CancellationToken,
) {
    let writer = LiveWriter {
        outbox: shown.outbox.clone(),
        connections: Arc::clone(&shown.connections),
        config: config.clone(),
        running,
    };

    tokio::join!(
        writer.serve(stop.clone()),
        token_ends::tell(config.clone(), stop.clone()),
        page::serve(config, shown, stop),
    );
}

/// Tells the service manager that the service lives, and how things stand, until `stop`.
async fn give_signs(
    outbox: Outbox,
    turns: Arc<LoopTurns>,
    changed: Arc<Notify>,
    bell: Bell,
    stop: CancellationToken,
) {
    tokio::join!(
        watchdog::give_signs(turns, changed, bell, stop.clone()),
        watchdog::report(outbox, stop),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_fails_is_told_at_once_and_is_an_error_of_the_end() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let outbox = Outbox::open(folder.path()).expect("an outbox can be made");

        let failing = Attendant::start("the page", &outbox, async { panic!("on purpose") });
        let ended = failing.task.await.expect("the task around it goes on");

        assert!(ended.is_err());
        let told = outbox.with(|store| store.failed_parts()).await;
        assert_eq!(told.expect("it can be read"), ["the page"]);
    }
}
