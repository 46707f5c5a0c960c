//! `kado run`: the service in the foreground.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::cli::error::{UsageError, exit_of};
use crate::cli::runtime::runtime;
use crate::config::{Config, paths};
use crate::daemon;
use crate::exit::Exit;
use crate::service::{self, Failure};
use crate::telemetry::{self, Console};

/// Arguments of `kado run`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Submit what is finished and what waits, then end
    #[arg(long)]
    once: bool,
    /// Started by a service manager that has to be answered; `kado service install` sets this where
    /// it is needed
    #[arg(long, hide = true, conflicts_with = "once")]
    service: bool,
}

/// Runs the service until a signal or the service manager stops it, or once.
pub(super) fn run(arguments: Arguments, config: Option<PathBuf>) -> anyhow::Result<Exit> {
    if !arguments.service {
        return load_and_watch(&arguments, config.as_deref(), CancellationToken::new());
    }

    // The service manager of Windows calls this on a thread of its own.
    service::run(move |stop| {
        load_and_watch(&arguments, config.as_deref(), stop).map_err(|error| Failure {
            exit: exit_of(&error),
            error,
        })
    })
}

fn load_and_watch(
    arguments: &Arguments,
    config: Option<&Path>,
    stop: CancellationToken,
) -> anyhow::Result<Exit> {
    watch(arguments, &paths::load(config)?, stop)
}

fn watch(arguments: &Arguments, config: &Config, stop: CancellationToken) -> anyhow::Result<Exit> {
    if config.watch.is_empty() {
        let places: Vec<_> = paths::candidates()
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        return Err(UsageError(format!(
            "there is no configuration, so nothing is watched; write a kado.toml with `watch = [\"FOLDER\"]` to one of {} or \
             name it with --config",
            places.join(", ")
        ))
        .into());
    }
    let logs = paths::log_dir(config);
    let console = if service::is_dispatched() {
        Console::EventLog
    } else {
        Console::StandardError
    };
    let guard = telemetry::start_for_service(console, &logs);
    if let Some(error) = guard.no_files() {
        let folder = logs.display();
        tracing::warn!(%folder, error, "no log files can be written there; the log goes to standard error only");
    }
    let (config, file) = (config.clone(), config.file.clone());
    let runtime = runtime()?;
    let result = if arguments.once {
        runtime.block_on(daemon::once(config, file, stop))
    } else {
        runtime.block_on(daemon::serve(config, file, stop))
    };
    // What still blocks a thread, such as a hanging network share, must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
