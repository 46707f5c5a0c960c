//! A message by a command: the text on its standard input, and how it ends says whether it arrived.
//!
//! It gets nothing of kado's environment that is meant for kado, no shell reads its arguments, and
//! a message is never one of them, so that nobody else's text is taken for an option.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};

use crate::child_environment;
use crate::config::notify::TellCommand;
use crate::plan::text;

/// Longest time that a command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of what it says that are kept.
const LARGEST: usize = 4096;
/// Time for what it said to be read when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Letters of an argument that may be a secret.
const SHORTEST_SECRET: usize = 6;

/// A command did not pass a message on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It cannot be started.
    #[error("`{program}` cannot be started: {source}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It cannot be waited for.
    #[error("`{program}` cannot be waited for: {source}")]
    Wait {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` ended with {status}{said}")]
    Failed {
        program: String,
        status: ExitStatus,
        /// What it said, with its punctuation; empty for nothing.
        said: String,
    },
    /// It did not end.
    #[error("`{program}` took longer than {} s, and was ended", PATIENCE.as_secs())]
    TooLong { program: String },
}

/// Starts the command with this text, and waits for its end.
///
/// # Errors
/// When it does not end well, or not in time.
pub(super) async fn tell(command: &TellCommand, text: &str) -> Result<(), CommandError> {
    let program = command.program.display().to_string();
    let mut prepared = Command::from(child_environment::program(&command.program));
    prepared
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Also when kado is asked to end meanwhile.
        .kill_on_drop(true);
    let mut child = prepared.spawn().map_err(|source| CommandError::Start {
        program: program.clone(),
        source,
    })?;

    let Ok(ended) = tokio::time::timeout(PATIENCE, hand_over(&mut child, text)).await else {
        return Err(CommandError::TooLong { program });
    };
    let Ended { status, said } = ended.map_err(|source| CommandError::Wait {
        program: program.clone(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(CommandError::Failed {
        program,
        status,
        said: as_said(&said, command),
    })
}

/// How a command ended.
struct Ended {
    status: ExitStatus,
    said: String,
}

/// Writes the text, hears what the command says, and waits for its end: all at once, because one
/// that says much before it reads would wait for a reader.
async fn hand_over(child: &mut Child, text: &str) -> io::Result<Ended> {
    let input = child.stdin.take();
    let reading = child
        .stderr
        .take()
        .map(|output| tokio::spawn(first_line(output)));

    let write = async {
        if let Some(mut input) = input {
            // One that ends without reading says by its end whether that was well.
            let _ = input.write_all(text.as_bytes()).await;
            let _ = input.shutdown().await;
        }
    };
    let ((), status) = tokio::join!(write, child.wait());

    // What it left running may hold its output open.
    let said = match reading {
        Some(reading) => match tokio::time::timeout(LAST_WORDS, reading).await {
            Ok(Ok(said)) => said,
            _ => String::new(),
        },
        None => String::new(),
    };
    Ok(Ended {
        status: status?,
        said,
    })
}

/// The first line that a command says; the rest is read and dropped.
async fn first_line(mut output: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = output.read(&mut piece).await {
        let room = LARGEST - kept.len();
        kept.extend_from_slice(&piece[..read.min(room)]);
    }

    let kept = String::from_utf8_lossy(&kept);
    let line = kept.lines().find(|line| !line.trim().is_empty());
    text::quoted(line.unwrap_or_default().trim())
}

/// What a command said as it goes behind how it ended: nothing where it repeats an argument, which
/// may be a secret.
fn as_said(said: &str, command: &TellCommand) -> String {
    let mut arguments = command.arguments.iter();
    if said.is_empty()
        || arguments.any(|one| one.len() >= SHORTEST_SECRET && said.contains(one.as_str()))
    {
        String::new()
    } else {
        format!(": {said}")
    }
}
