//! `kado status`: is the service up, what waits, what failed. It reads beside a running service.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::cli::json;
use crate::cli::table::{or_dash, plain};
use crate::config::Config;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::Store;
use crate::outbox::lock::StateLock;
use crate::outbox::submission::ServerWithoutToken;
use crate::outbox::submission::SubmissionSummary;
use crate::outbox::submission::{Obstacle, SubmissionState};
use crate::record::{self, Unreadable};
use crate::spool::Spool;
use crate::state_dir;

/// Free bytes below which a person should make room.
const LITTLE: u64 = 100 << 20;

/// Arguments of `kado status`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
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

/// The same with what people see besides.
struct Seen {
    status: Status,
    /// Whether a service runs; `None` when this account may not look.
    running: Option<bool>,
    /// Bytes that are free where the state lies.
    free: Option<u64>,
    /// Servers without a usable token.
    without_token: usize,
}

/// Says how things stand. Anything that needs a person makes the exit code 1.
pub(super) fn status(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let seen = look(config)?;
    if arguments.json {
        json::print(&seen.status, out)?;
    } else {
        people(&seen, out)?;
    }
    Ok(if seen.status.problems.is_empty() {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

fn look(config: &Config) -> anyhow::Result<Seen> {
    let held = StateLock::is_held(&config.state_dir);
    let running = held == Some(true);
    let opened = Store::open_to_read(&config.state_dir).and_then(|store| {
        store
            .as_ref()
            .map_or(Ok(()), |store| store.check_whole(&config.state_dir))?;
        Ok(store)
    });
    let (store, damage) = match opened {
        Ok(store) => (store, None),
        Err(error) => (None, Some(chain(&error))),
    };
    let mut of_store = OfStore::default();
    if let Some(store) = &store {
        of_store = OfStore {
            rows: store.summaries(None)?,
            last_success: store.last_success()?,
            without_token: store.without_token()?,
            // What a service that has ended could not watch is no news.
            polled: store.polled()?.filter(|_| running),
            unreadable: record::unreadable(store)?,
        };
    }
    let free = state_dir::free_bytes(&config.state_dir);
    let mut problems: Vec<String> = damage.into_iter().chain(disk(config, free)).collect();
    problems.extend(of_store.without_token.iter().map(token));
    problems.extend(
        of_store
            .polled
            .as_ref()
            .map(|reason| format!("folders are polled, so runs are found later: {reason}")),
    );
    let spool = Spool::new(&config.state_dir, config.spool_limit);
    problems.extend(
        of_store
            .unreadable
            .iter()
            .map(|member| format!("{member}; {}", member.way_out(&spool))),
    );
    problems.extend(failures(&of_store));
    let without_token = of_store.without_token.len();
    Ok(Seen {
        status: of_store.counts(running, problems),
        running: held,
        free,
        without_token,
    })
}

/// What the outbox says.
#[derive(Default)]
struct OfStore {
    rows: Vec<SubmissionSummary>,
    last_success: Option<Moment>,
    without_token: Vec<ServerWithoutToken>,
    polled: Option<String>,
    /// Members of collections that are kept and cannot be read.
    unreadable: Vec<Unreadable>,
}

impl OfStore {
    fn counts(&self, running: bool, problems: Vec<String>) -> Status {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        Status {
            running,
            pending: count(SubmissionState::Pending),
            submitting: count(SubmissionState::Submitting),
            parked: count(SubmissionState::Parked),
            last_success: self.last_success,
            oldest_pending: self
                .rows
                .iter()
                .filter(|row| is_waiting(row))
                .filter_map(|row| row.ended)
                .min(),
            problems,
        }
    }
}

const fn is_waiting(row: &SubmissionSummary) -> bool {
    matches!(
        row.state,
        SubmissionState::Pending | SubmissionState::Submitting
    )
}

/// Whether it waits for something that went wrong; time that is given to Katalon is none.
fn is_held_up(row: &SubmissionSummary) -> bool {
    is_waiting(row) && row.error.is_some() && row.obstacle != Some(Obstacle::Katalon)
}

/// One line for each parked run, and one for all that wait for the same reason; tokens have lines
/// of their own.
fn failures(of_store: &OfStore) -> Vec<String> {
    let for_token: HashSet<i64> = of_store
        .without_token
        .iter()
        .flat_map(|server| server.ids.iter().copied())
        .collect();
    let mut waits: BTreeMap<&str, Vec<&SubmissionSummary>> = BTreeMap::new();
    let mut lines = Vec::new();
    for row in &of_store.rows {
        let error = row.error.as_deref().unwrap_or("for no known reason");
        if row.state == SubmissionState::Parked {
            lines.push(format!("run {} ({}) is parked: {error}", row.id, row.suite));
        } else if is_held_up(row) && !for_token.contains(&row.id) {
            waits.entry(error).or_default().push(row);
        }
    }
    lines.extend(
        waits
            .into_iter()
            .map(|(error, rows)| match rows.as_slice() {
                [row] => format!("run {} ({}) waits: {error}", row.id, row.suite),
                rows => format!("{} runs wait: {error}", rows.len()),
            }),
    );
    lines
}

fn token(server: &ServerWithoutToken) -> String {
    let since = server
        .since
        .map(|since| format!(" since {since}"))
        .unwrap_or_default();
    let runs = if server.waiting == 1 {
        "1 run waits".to_owned()
    } else {
        format!("{} runs wait", server.waiting)
    };
    let name = if server.server.is_empty() {
        "a server"
    } else {
        &server.server
    };
    format!(
        "no usable token for {name}{since}; {runs}: {}",
        server.reason
    )
}

/// What is wrong with the disk of the state folder: nothing is sent that cannot be recorded.
fn disk(config: &Config, free: Option<u64>) -> Option<String> {
    let state = config.state_dir.display();
    if state_dir::is_read_only(&config.state_dir) == Some(true) {
        return Some(format!(
            "the state folder `{state}` lies on a read-only file system; nothing can be recorded, so nothing is sent"
        ));
    }
    match free.filter(|free| *free < LITTLE)? {
        0 => Some(format!(
            "there is no room where the state folder `{state}` lies; nothing can be recorded, so nothing is sent"
        )),
        free => Some(format!(
            "only {} MiB are free where the state folder `{state}` lies; nothing is sent without room",
            free >> 20
        )),
    }
}

fn people(seen: &Seen, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = &seen.status;
    let service = match seen.running {
        Some(true) => "running",
        Some(false) => "not running",
        None => "not to be told by this account",
    };
    writeln!(out, "Service       {service}")?;
    writeln!(
        out,
        "Waiting       {}, {} of them under way",
        status.pending + status.submitting,
        status.submitting
    )?;
    writeln!(out, "Oldest        {}", or_dash(status.oldest_pending))?;
    writeln!(out, "Parked        {}", status.parked)?;
    writeln!(out, "Last success  {}", or_dash(status.last_success))?;
    let tokens = match seen.without_token {
        0 => "nothing waits for a token".to_owned(),
        1 => "1 server has no usable token".to_owned(),
        servers => format!("{servers} servers have no usable token"),
    };
    writeln!(out, "Credentials   {tokens}")?;
    writeln!(
        out,
        "Disk          {}",
        or_dash(seen.free.map(|free| format!("{} MiB free", free >> 20)))
    )?;
    for problem in &status.problems {
        writeln!(out, "problem: {}", plain(problem))?;
    }
    Ok(())
}
