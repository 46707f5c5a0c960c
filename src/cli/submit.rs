//! `kado submit`: run folders on a person's word. Beside a running service the request goes through
//! the database and the service carries it out; without one the command does it itself.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::delegate::Desk;
use crate::cli::table::{counted, plain};
use crate::cli::{dry_run, runtime};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::intake::SubmissionState;
use crate::outbox::request::{Answer, Request};
use crate::outbox::row::{Row, SubmittedBy};
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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Submits run folders.
pub(super) fn submit(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let _guard = telemetry::start(LevelFilter::WARN, None);
    if arguments.dry_run {
        let folders = &arguments.folders;
        return runtime()?.block_on(dry_run::dry_run(folders, arguments.json, config, out));
    }
    let mut desk = Desk::open(config)?;
    let (mut ids, mut known, mut exit) = (Vec::new(), Vec::new(), Exit::Done);
    for folder in &arguments.folders {
        let folder = std::path::absolute(folder)?;
        let request = Request::Submit {
            folder: folder.to_string_lossy().into_owned(),
            again: arguments.again,
        };
        match desk.ask(&request)? {
            Answer::Taken {
                submissions,
                note: Some(note),
            } => {
                eprintln!("{}", plain(&note));
                known.extend(submissions.iter().copied());
                ids.extend(submissions);
            }
            Answer::Taken {
                submissions,
                note: None,
            } => ids.extend(submissions),
            Answer::Refused(reason) => {
                eprintln!(
                    "{}",
                    plain(&format!(
                        "`{}` is not submitted: {reason}",
                        folder.display()
                    ))
                );
                exit = exit.and(Exit::NotDone);
            }
        }
    }
    let mut sent = desk.send(&ids)?;
    // What was left out counts in the invocation that submitted the run.
    sent.attempts.retain(|(id, _)| !known.contains(id));
    report(arguments.json, &sent.rows, out)?;
    Ok(exit.and(sent.exit()))
}

fn report(json: bool, rows: &[Row], out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, rows)?;
        writeln!(out)?;
        return Ok(());
    }
    rows.iter().try_for_each(|row| people(row, out))
}

/// What became of one submission, for people.
pub(super) fn people(row: &Row, out: &mut dyn Write) -> anyhow::Result<()> {
    let plan = row
        .plan_id
        .map(|plan| format!(" (test plan {plan})"))
        .unwrap_or_default();
    let suite = plain(&row.suite);
    let error = plain(row.error.as_deref().unwrap_or_default());
    match row.state {
        SubmissionState::Submitted if row.submitted_by == Some(SubmittedBy::Katalon) => writeln!(
            out,
            "{suite}{plan}: submitted by Katalon itself as test run {}; kado sent nothing\n    {}",
            row.ado_run_id.unwrap_or_default(),
            plain(row.url.as_deref().unwrap_or_default())
        )?,
        SubmissionState::Submitted => writeln!(
            out,
            "{suite}{plan}: submitted as test run {} with {} and {}\n    {}",
            row.ado_run_id.unwrap_or_default(),
            counted(row.results, "result"),
            counted(row.attachments, "attachment"),
            plain(row.url.as_deref().unwrap_or_default())
        )?,
        SubmissionState::Parked => writeln!(out, "{suite}{plan}: parked: {error}")?,
        SubmissionState::Ignored => writeln!(out, "{suite}{plan}: ignored: {error}")?,
        SubmissionState::Pending | SubmissionState::Submitting if row.error.is_none() => {
            writeln!(
                out,
                "{suite}{plan}: is not submitted yet; `kado runs show {}` says what becomes of it",
                row.id
            )?;
        }
        SubmissionState::Pending | SubmissionState::Submitting => {
            writeln!(out, "{suite}{plan}: waits: {error}")?;
        }
    }
    for left_out in &row.skipped {
        writeln!(out, "    left out: {}", plain(&left_out.to_string()))?;
    }
    Ok(())
}
