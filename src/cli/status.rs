//! `kado status`: is the service up, what waits, what failed. It reads beside a running service.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::cli::table::{or_dash, plain};
use crate::config::Config;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::Store;
use crate::outbox::folder;
use crate::outbox::intake::SubmissionState;
use crate::outbox::lock::StateLock;
use crate::outbox::row::Row;

/// Free bytes below which a person should make room.
const LITTLE: u64 = 100 << 20;

/// Arguments of `kado status`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The state as scripts see it (product contract, section 6).
#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    pending: usize,
    submitting: usize,
    parked: usize,
    last_success: Option<Moment>,
    oldest_pending: Option<Moment>,
    problems: Vec<String>,
}

/// Says how things stand. Anything that needs a person makes the exit code 1.
pub fn status(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let status = look(config)?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &status)?;
        writeln!(out)?;
    } else {
        people(&status, out)?;
    }
    Ok(if status.problems.is_empty() { Exit::Done } else { Exit::NotDone })
}

fn look(config: &Config) -> anyhow::Result<Status> {
    let running = StateLock::is_held(&config.state_dir);
    let opened = Store::open_to_read(&config.state_dir).and_then(|store| {
        store.as_ref().map_or(Ok(()), |store| store.check_whole(&config.state_dir))?;
        Ok(store)
    });
    let (rows, last_success, problem) = match opened {
        Ok(Some(store)) => (store.rows(None)?, store.last_success()?, None),
        Ok(None) => (Vec::new(), None, None),
        Err(error) => (Vec::new(), None, Some(chain(&error))),
    };
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    let waiting = |row: &&Row| matches!(row.state, SubmissionState::Pending | SubmissionState::Submitting);
    let failed = |row: &&Row| row.state == SubmissionState::Parked || (waiting(row) && row.error.is_some());
    let mut problems: Vec<String> = problem.into_iter().chain(disk(config)).collect();
    problems.extend(rows.iter().filter(failed).map(|row| {
        let error = row.error.as_deref().unwrap_or("for no known reason");
        format!("run {} ({}) {}: {error}", row.id, row.suite, if waiting(&row) { "waits" } else { "is parked" })
    }));
    Ok(Status {
        running,
        pending: count(SubmissionState::Pending),
        submitting: count(SubmissionState::Submitting),
        parked: count(SubmissionState::Parked),
        last_success,
        oldest_pending: rows.iter().filter(waiting).filter_map(|row| row.ended).min(),
        problems,
    })
}

/// Whether the disk of the state folder is nearly full: nothing is sent that cannot be recorded.
fn disk(config: &Config) -> Option<String> {
    let free = folder::free_bytes(&config.state_dir).filter(|free| *free < LITTLE)?;
    let state = config.state_dir.display();
    Some(format!(
        "only {} MiB are free where the state folder `{state}` lies; nothing is sent without room",
        free >> 20
    ))
}

fn people(status: &Status, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "Service       {}", if status.running { "running" } else { "not running" })?;
    writeln!(out, "Waiting       {}, {} of them under way", status.pending + status.submitting, status.submitting)?;
    writeln!(out, "Oldest        {}", or_dash(status.oldest_pending))?;
    writeln!(out, "Parked        {}", status.parked)?;
    writeln!(out, "Last success  {}", or_dash(status.last_success))?;
    for problem in &status.problems {
        writeln!(out, "problem: {}", plain(problem))?;
    }
    Ok(())
}
