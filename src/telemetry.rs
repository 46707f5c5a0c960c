//! The log: lines on standard error, and files in the log folder that cannot grow without bound.
//!
//! Standard output is for results only. A line is a fixed sentence with fields; its level says what
//! an operator has to do: error now, warn when convenient, info nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "log files lie in a folder that may have to be made"
)]

mod capped;
mod event_log;
mod journal;

use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use capped::Capped;

use crate::clock;

/// How the names of log files begin and end; the day, in UTC, stands between.
const PREFIX: &str = "kado";
const SUFFIX: &str = "log";
/// Log files that are kept: one for each of the last days.
const DAYS: usize = 14;
/// Largest log file in bytes; a day that has more to say says it on standard error only.
const LARGEST: u64 = 20 * 1024 * 1024;
/// What the watcher library says of its own affairs is nothing that an operator can act on.
const QUIET: &str = "notify=error";
/// Environment variable with a filter such as `kado=debug`.
pub(crate) const LOG_VARIABLE: &str = "KADO_LOG";

/// Writes what is left to the log files when it is dropped.
#[must_use]
pub(crate) struct LogGuard {
    /// Held for what it does when it is dropped.
    _files: Option<WorkerGuard>,
    no_files: Option<String>,
}

/// Starts to log: to standard error, and with `folder` to files as well. `level` counts where
/// `$KADO_LOG` does not.
pub(crate) fn start(level: LevelFilter, folder: Option<&Path>) -> LogGuard {
    let quiet = QUIET
        .parse()
        .expect("a directive of our own is well-formed");
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .with_env_var(LOG_VARIABLE)
        .from_env_lossy()
        .add_directive(quiet);
    // A reader of standard error that is gone must not end the program: what cannot be written is
    // left out silently.
    let stderr = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .log_internal_errors(false);
    let stderr = if journal::is_journal() {
        stderr.event_format(journal::Prioritised).boxed()
    } else {
        stderr.boxed()
    };
    let stderr = (!event_log::is_used()).then_some(stderr);
    let (files, no_files) = match folder.map(files).transpose() {
        Ok(files) => (files, None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let (file_layer, guard) = match files {
        Some(appender) => {
            // Lines are never dropped: a full queue holds the program back instead.
            let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(appender);
            (
                Some(
                    fmt::layer()
                        .with_writer(writer)
                        .with_ansi(false)
                        .log_internal_errors(false),
                ),
                Some(guard),
            )
        }
        None => (None, None),
    };
    // A second start in the same process, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(event_log::layer())
        .with(stderr)
        .with(file_layer)
        .try_init();
    LogGuard {
        _files: guard,
        no_files,
    }
}

/// An error that ends a command, as standard error takes it: for the journal with its priority.
pub(crate) fn as_error(text: &str) -> String {
    let text = format!("error: {text}\n");
    if journal::is_journal() {
        journal::error(&text)
    } else {
        text
    }
}

impl LogGuard {
    /// Why no log files are written where they were asked for.
    pub(crate) fn no_files(&self) -> Option<&str> {
        self.no_files.as_deref()
    }
}

fn files(folder: &Path) -> anyhow::Result<Capped<RollingFileAppender>> {
    std::fs::create_dir_all(folder)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(DAYS)
        .build(folder)?;
    let now = clock::now().to_string();
    let today = now.split('T').next().unwrap_or_default();
    let written = std::fs::metadata(folder.join(format!("{PREFIX}.{today}.{SUFFIX}")))
        .map_or(0, |file| file.len());
    Ok(Capped::new(appender, LARGEST, written))
}
