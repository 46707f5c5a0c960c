//! `kado run`: the service in the foreground.

use std::io::sink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::cli::error::{UsageError, exit_of};
use crate::cli::progress::Progress;
use crate::cli::runtime::runtime;
use crate::cli::submission;
use crate::cli::terminal::{Clock, Piece, Screen, Terminal};
use crate::config::paths;
use crate::daemon::{self, Once};
use crate::exit::Exit;
use crate::overview::WHERE_TO_LOOK;
use crate::service::{self, Failure};
use crate::state_dir;
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
pub(super) fn run(
    arguments: Arguments,
    config: Option<PathBuf>,
    clock: Clock,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let errors = Terminal::of_errors(clock);
    if !arguments.service {
        let stop = CancellationToken::new();
        return load_and_watch(&arguments, config.as_deref(), stop, &errors, out);
    }

    // The service manager of Windows calls this on a thread of its own.
    service::run(move |stop| {
        let mut nobody = Screen::new(sink(), Terminal::pipe());
        load_and_watch(&arguments, config.as_deref(), stop, &errors, &mut nobody).map_err(|error| {
            Failure {
                exit: exit_of(&error),
                error,
            }
        })
    })
}

fn load_and_watch(
    arguments: &Arguments,
    config: Option<&Path>,
    stop: CancellationToken,
    errors: &Terminal,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let config = paths::load(config)?;
    if config.watch.is_empty() {
        return Err(nothing_to_watch().into());
    }

    // Only now: with nothing to watch no folder is made. The state folder comes before the log
    // folder in it, which would otherwise be made for whoever the umask lets in.
    state_dir::make(&config.state_dir).with_context(|| {
        format!(
            "state folder `{}` cannot be used",
            config.state_dir.display()
        )
    })?;
    let logs = paths::log_dir(&config);
    let console = if service::is_dispatched() {
        Console::EventLog
    } else {
        Console::StandardError
    };

    let mut progress = Progress::new(errors, config.state_dir.clone());
    let passage = progress.passage().filter(|_| arguments.once);
    let guard = telemetry::start_for_service(console, &logs, passage);
    if let Some(error) = guard.no_files() {
        let folder = logs.display();
        tracing::warn!(
            %folder,
            error,
            "no log files can be written there; the log goes to standard error only"
        );
    }

    if let Some(exposure) = state_dir::exposure(&config.state_dir) {
        tracing::warn!(
            folder = %config.state_dir.display(),
            permissions = exposure.permissions,
            remedy = exposure.remedy,
            "others can use the state folder, which holds what was tested and where"
        );
    }

    // Not the path of `--config`: a file that was found without it is followed as well.
    let file = config.file.clone();
    let runtime = runtime()?;
    let result = if arguments.once {
        let once = daemon::once(config, file, progress.measures(), stop);
        runtime
            .block_on(progress.during(None, once))
            .and_then(|once| say(once, out))
    } else {
        runtime.block_on(daemon::serve(config, file, guard.warnings(), stop))
    };

    drop(runtime);
    result
}

/// Says what is missing of the runs that were sent, and what became of all run folders, which is
/// the last that a single pass says.
fn say(once: Once, out: &mut Screen<'_>) -> anyhow::Result<Exit> {
    // The log says what became of them; without this nobody would know why the exit code is 1.
    submission::print_each(&once.not_done, out)?;

    if let Some(newest) = once.newest_sent {
        out.sentence(0, WHERE_TO_LOOK)?;
        let mut told = once.not_done.iter().filter_map(|row| row.url.as_ref());
        if !told.any(|url| *url == newest) {
            out.line(4, &["    ".into(), Piece::new(&newest).at(Some(&newest))])?;
        }
    }

    // Last, because scripts read the last line.
    if let Some(folders) = once.folders {
        out.sentence(0, &folders)?;
    }
    Ok(once.exit)
}

fn nothing_to_watch() -> UsageError {
    let files: Vec<String> = paths::candidates()
        .iter()
        .map(|file| file.display().to_string())
        .collect();

    UsageError(format!(
        "there is no configuration, so nothing is watched; `kado setup` makes one, or write a \
         kado.toml with `watch = [\"FOLDER\"]` to one of {}, or name it with --config",
        files.join(", ")
    ))
}
