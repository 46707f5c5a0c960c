//! `kado submit`: run folders on a person's word. Beside a running service the request goes through
//! the database and the service carries it out; without one the command does it itself.

use std::path::PathBuf;

use clap::Args;

use crate::cli::agent;
use crate::cli::delegate::Delegate;
use crate::cli::dry_run;
use crate::cli::error::UsageError;
use crate::cli::filling::Filling;
use crate::cli::json::{self, OutputForm};
use crate::cli::plain::plain;
use crate::cli::progress::Progress;
use crate::cli::runtime::runtime;
use crate::cli::submission;
use crate::cli::tell::tell;
use crate::cli::terminal::{Clock, Screen, Terminal};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::lock::NextTry;
use crate::outbox::request::{Answer, Request};
use crate::telemetry;

/// Arguments of `kado submit`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run folders
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Print the plan and send nothing that writes
    #[arg(long)]
    dry_run: bool,
    /// Submit once more what was submitted already
    #[arg(long, conflicts_with = "dry_run")]
    again: bool,
    #[command(flatten)]
    filling: Filling,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Submits run folders.
pub(super) fn submit(
    arguments: &Arguments,
    config: &Config,
    clock: Clock,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let into = arguments.filling.filled_run(None)?;
    if arguments.filling.completes() && arguments.folders.len() > 1 {
        return Err(UsageError(
            "`--complete` goes with one run folder: the others would find the test run completed; \
             name the last one in a call of its own"
                .to_owned(),
        )
        .into());
    }
    if arguments.dry_run && into.is_some() {
        return Err(UsageError("`--dry-run` cannot be had with `--into`".to_owned()).into());
    }

    let progress = Progress::new(&Terminal::of_errors(clock), config.state_dir.clone());
    telemetry::start_for_command(progress.passage());
    if arguments.dry_run {
        let folders = &arguments.folders;
        let form = OutputForm::of_flag(arguments.json);
        return runtime()?.block_on(dry_run::dry_run(folders, form, config, out));
    }

    let mut delegate = Delegate::open(config, progress)?;
    let mut exit = Exit::Done;
    let mut ids = Vec::new();
    let mut submitted_before = Vec::new();
    let mut problems = Vec::new();
    for folder in &arguments.folders {
        // The service, which may read the request, has another working folder.
        let folder = std::path::absolute(folder)?;
        let request = Request::Submit {
            folder: folder.to_string_lossy().into_owned(),
            again: arguments.again,
            into,
        };

        match delegate.ask(&request)? {
            Answer::Taken { submissions, note } => {
                // A note says that the run was submitted before this command.
                if let Some(note) = note {
                    tell(&plain(&note));
                    submitted_before.extend_from_slice(&submissions);
                }

                ids.extend(submissions);
            }

            Answer::Refused(reason) => {
                let message = format!("`{}` is not submitted: {reason}", folder.display());
                tell(&plain(&message));
                problems.push(message);
                exit = exit.and(Exit::NotDone);
            }
        }
    }

    let mut sent = delegate.send(&ids)?;

    // What was left out counts in the invocation that submitted the run.
    sent.attempts
        .retain(|(id, _)| !submitted_before.contains(id));

    if arguments.json {
        json::print(&sent.rows, out)?;
    } else {
        // Not before this command lets go of the lock.
        drop(delegate);
        submission::print_all(&sent.rows, NextTry::look(&config.state_dir), out)?;
    }
    agent::tell(&sent.rows, &problems);
    Ok(exit.and(sent.exit()))
}
