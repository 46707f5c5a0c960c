//! The log: lines on standard error, and files in the log folder that cannot grow without bound.
//!
//! Standard output is for results only. A line is a fixed sentence with fields; its level says what
//! an operator has to do: error now, warn when convenient, info nothing. A log that cannot be
//! written ends nothing: what is lost is the line.

mod capped;
#[cfg_attr(unix, path = "telemetry/event_log/unix.rs")]
#[cfg_attr(windows, path = "telemetry/event_log/windows.rs")]
mod event_log;
mod journal;
pub(crate) mod notice;
mod one_line;
mod recent;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{Directive, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use capped::Capped;
use one_line::OneLine;

use crate::clock;
use crate::foreign;
use crate::state_dir;

pub(crate) use recent::{RecentWarning, RecentWarnings};

/// How the names of log files begin and end; the day, in UTC, stands between.
const PREFIX: &str = "kado";
const SUFFIX: &str = "log";
/// Log files that are kept: one for each of the last days.
const DAYS: usize = 14;
/// Largest log file in bytes; a day that has more to say says it on standard error only.
const LARGEST: u64 = 20 * 1024 * 1024;
/// Lines that wait for the disk. The queue has all of its room from the start, and the 128,000
/// lines of the library are 4 MB of memory for the whole life of the service.
const QUEUE: usize = 4096;
/// What the watcher library says of its own affairs is nothing that an operator can act on.
const QUIET: &str = "notify=error";
/// Target of events that say what became of a submission: whoever waits for one reads it in the
/// result of the command.
pub(crate) const OUTCOMES: &str = "kado::outcomes";
/// Environment variable with a filter such as `kado=debug`.
pub(crate) const LOG_VARIABLE: &str = "KADO_LOG";

/// Lets something through that writes to standard error, where something else is drawn there.
pub(crate) type Passage = Arc<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

/// Where an operator looks first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Console {
    /// Every line goes to standard error: to a terminal, the journal, or a file of the service
    /// manager.
    StandardError,
    /// Nobody reads standard error; warnings and errors go to the Event Log of Windows.
    EventLog,
}

/// Writes what is left to the log files when it is dropped.
#[must_use]
pub(crate) struct LogGuard {
    /// Held for what it does when it is dropped.
    _files: Option<WorkerGuard>,
    no_files: Option<String>,
    warnings: RecentWarnings,
}

impl LogGuard {
    /// Why no log files are written.
    pub(crate) fn no_files(&self) -> Option<&str> {
        self.no_files.as_deref()
    }

    /// The last warnings of this process.
    pub(crate) fn warnings(&self) -> RecentWarnings {
        self.warnings.clone()
    }
}

/// Logs what goes wrong during a command, on standard error, but not what its result says as well.
/// `$KADO_LOG` may ask for more.
pub(crate) fn start_for_command(passage: Option<Passage>) {
    let usual = filter(LevelFilter::WARN);
    // Whoever asks for a log gets all of it, also what the result says as well.
    let is_asked_for = EnvFilter::try_from_env(LOG_VARIABLE).is_ok();
    let filter = if is_asked_for {
        usual
    } else {
        usual.add_directive(directive(&format!("{OUTCOMES}=off")))
    };

    // A second start in the same process, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(standard_error(passage))
        .try_init();
}

/// Logs what the service does: to the console, and to files in `folder`. `$KADO_LOG` may ask for
/// more or less.
pub(crate) fn start_for_service(
    console: Console,
    folder: &Path,
    passage: Option<Passage>,
) -> LogGuard {
    let warnings = RecentWarnings::default();
    let kept = warnings.layer();
    let (writer, guard) = match open_files(folder) {
        Ok((writer, worker)) => {
            let guard = LogGuard {
                _files: Some(worker),
                no_files: None,
                warnings,
            };

            (Some(writer), guard)
        }

        Err(error) => {
            let guard = LogGuard {
                _files: None,
                // There is no log yet that could say so; the caller does when there is one.
                no_files: Some(format!("{error:#}")),
                warnings,
            };

            (None, guard)
        }
    };

    let files = writer.map(|writer| {
        fmt::layer()
            .with_writer(OneLine(writer))
            .with_ansi(false)
            .log_internal_errors(false)
    });

    let console = match console {
        Console::StandardError => standard_error(passage),
        Console::EventLog => event_log::layer(),
    };

    // A second start in the same process, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(filter(LevelFilter::INFO))
        .with(console)
        .with(files)
        .with(kept)
        .try_init();
    guard
}

/// An error that ends a command, as standard error takes it: for the journal with its priority.
pub(crate) fn as_error(text: &str) -> String {
    let text = format!("error: {}\n", foreign::lines(text));
    if journal::is_journal() {
        journal::error(&text)
    } else {
        text
    }
}

/// What is logged: by `$KADO_LOG`, else from `level` on.
fn filter(level: LevelFilter) -> EnvFilter {
    // A word that is wrong in the variable must not keep the service from its work.
    EnvFilter::builder()
        .with_default_directive(level.into())
        .with_env_var(LOG_VARIABLE)
        .from_env_lossy()
        .add_directive(directive(QUIET))
}

fn directive(text: &str) -> Directive {
    text.parse().expect("a directive of our own is well-formed")
}

/// Lines on standard error, for a person or for the journal.
fn standard_error<S>(passage: Option<Passage>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // A reader of standard error that is gone must not end the program: what cannot be written is
    // left out silently.
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false)
        .log_internal_errors(false);

    if journal::is_journal() {
        lines.event_format(journal::Prioritised).boxed()
    } else {
        lines
            .with_writer(OneLine(move || Errors(passage.clone())))
            .boxed()
    }
}

/// Standard error, beside what may be drawn there.
struct Errors(Option<Passage>);

impl Write for Errors {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(passage) = &self.0 else {
            return io::stderr().write(bytes);
        };

        let mut written = Ok(0);
        passage(&mut || written = io::stderr().write(bytes));
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The log files of a folder, written by a thread of their own until the guard is dropped.
fn open_files(folder: &Path) -> anyhow::Result<(NonBlocking, WorkerGuard)> {
    state_dir::make_folder(folder)?;
    // Before the appender does, which goes by the umask.
    let written = make_file_of_today(folder)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(DAYS)
        .build(folder)?;

    // What was written before a restart counts for the limit of the day.
    let folder = folder.to_owned();
    let capped = Capped::new(
        appender,
        LARGEST,
        written,
        Box::new(move || {
            // What cannot be made now is made by the appender, or is lost with its lines.
            let _ = make_file_of_today(&folder);
        }),
    );

    // Lines are never dropped: a full queue holds the program back instead.
    Ok(NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(QUEUE)
        .finish(capped))
}

/// Makes the log file of this day, for whoever may use its folder; gives its size.
fn make_file_of_today(folder: &Path) -> std::io::Result<u64> {
    let now = clock::now().to_string();
    let today = now.split('T').next().unwrap_or_default();
    let file = state_dir::open_file(&folder.join(format!("{PREFIX}.{today}.{SUFFIX}")))?;
    Ok(file.metadata()?.len())
}
