//! `kado run`: the service in the foreground.

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{UsageError, runtime};
use crate::config::{Config, paths};
use crate::exit::Exit;
use crate::{daemon, telemetry};

/// Arguments of `kado run`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Submit what is finished and what waits, then end
    #[arg(long)]
    once: bool,
}

/// Runs the service until a signal stops it, or once.
pub fn run(arguments: &Arguments, config: &Config) -> anyhow::Result<Exit> {
    if config.watch.is_empty() {
        let places: Vec<_> = paths::candidates().iter().map(|file| file.display().to_string()).collect();
        return Err(UsageError(format!(
            "there is no configuration, so nothing is watched; write a kado.toml with `watch = [\"FOLDER\"]` to one of {} or \
             name it with --config",
            places.join(", ")
        ))
        .into());
    }
    let logs = paths::log_dir(config);
    let guard = telemetry::start(LevelFilter::INFO, Some(&logs));
    if !guard.writes_files() {
        tracing::warn!(folder = %logs.display(), "no log files can be written there; the log goes to standard error only");
    }
    let (config, file) = (config.clone(), config.file.clone());
    let runtime = runtime()?;
    let result = if arguments.once {
        runtime.block_on(daemon::once(config, file))
    } else {
        runtime.block_on(daemon::serve(config, file))
    };
    // What still blocks a thread, such as a hanging network share, must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
