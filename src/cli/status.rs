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
use crate::outbox::OpenError;
use crate::outbox::Store;
use crate::outbox::lock::{ServiceMark, ServiceState};
use crate::outbox::submission::{Obstacle, ServerWithoutToken, SubmissionState, SubmissionSummary};
use crate::plural::{counted, form};
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
struct Overview {
    status: Status,
    service: ServiceState,
    /// Bytes that are free where the state lies.
    free: Option<u64>,
    servers_without_token: usize,
}

/// Whether a service runs, in a word.
const fn word(service: ServiceState) -> &'static str {
    match service {
        ServiceState::Running => "running",
        ServiceState::NotRunning => "not running",
        ServiceState::Failed => "not running: it did not end by itself",
        ServiceState::Unknown => "unknown: this account may not look",
    }
}

/// Says how things stand. Anything that needs a person makes the exit code 1.
pub(super) fn status(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let overview = look(config)?;

    if arguments.json {
        json::print(&overview.status, out)?;
    } else {
        print(&overview, out)?;
    }
    Ok(if overview.status.problems.is_empty() {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

fn look(config: &Config) -> anyhow::Result<Overview> {
    let service = ServiceMark::look(&config.state_dir);
    let free = state_dir::free_bytes(&config.state_dir);
    let mut problems = Vec::new();
    problems.extend(service_problem(config, service));

    // A damaged outbox is a problem like any other: what else is known is shown all the same.
    let outbox = match open_whole(config) {
        Ok(Some(store)) => OutboxState::read(&store, service)?,
        Ok(None) => OutboxState::default(),
        Err(error) => {
            problems.push(chain(&error));
            OutboxState::default()
        }
    };
    problems.extend(disk_problem(config, free));
    problems.extend(outbox.problems(config));

    Ok(Overview {
        servers_without_token: outbox.without_token.len(),
        status: outbox.status(service, problems),
        service,
        free,
    })
}

/// The outbox, unless it is damaged.
fn open_whole(config: &Config) -> Result<Option<Store>, OpenError> {
    // Opening reads little of the file, so one that is damaged further on opens well.
    let store = Store::open_to_read(&config.state_dir)?;
    if let Some(store) = &store {
        store.check_whole(&config.state_dir)?;
    }
    Ok(store)
}

/// What the outbox says.
#[derive(Default)]
struct OutboxState {
    rows: Vec<SubmissionSummary>,
    last_success: Option<Moment>,
    without_token: Vec<ServerWithoutToken>,
    /// Why the service polls folders, if it does.
    polled: Option<String>,
    /// Members of collections that are kept and cannot be read.
    unreadable: Vec<Unreadable>,
}

impl OutboxState {
    fn read(store: &Store, service: ServiceState) -> anyhow::Result<Self> {
        // What a service that has ended could not watch is no news.
        let polled = match service {
            ServiceState::Running => store.polled()?,
            ServiceState::NotRunning | ServiceState::Failed | ServiceState::Unknown => None,
        };

        Ok(Self {
            rows: store.summaries(None)?,
            last_success: store.last_success()?,
            without_token: store.without_token()?,
            polled,
            unreadable: record::unreadable(store)?,
        })
    }

    fn problems(&self, config: &Config) -> Vec<String> {
        let mut problems: Vec<String> = self.without_token.iter().map(token_problem).collect();

        if let Some(reason) = &self.polled {
            problems.push(format!(
                "folders are polled, so runs are found later: {reason}"
            ));
        }

        let spool = Spool::new(&config.state_dir, config.spool_limit);
        for member in &self.unreadable {
            problems.push(format!("{member}; {}", member.way_out(&spool)));
        }

        problems.extend(self.parked());
        problems.extend(self.held_up());
        problems
    }

    /// One line for each parked run.
    fn parked(&self) -> Vec<String> {
        self.rows
            .iter()
            .filter(|row| row.state == SubmissionState::Parked)
            .map(|row| format!("run {} ({}) is parked: {}", row.id, row.suite, reason(row)))
            .collect()
    }

    /// One line for all runs that wait for the same reason; missing tokens have lines of their own.
    fn held_up(&self) -> Vec<String> {
        let wait_for_token: HashSet<i64> = self
            .without_token
            .iter()
            .flat_map(|server| server.ids.iter().copied())
            .collect();

        // A server that is down holds up hundreds of runs: one line says it.
        let mut by_reason: BTreeMap<&str, Vec<&SubmissionSummary>> = BTreeMap::new();
        for row in &self.rows {
            if is_held_up(row) && !wait_for_token.contains(&row.id) {
                by_reason.entry(reason(row)).or_default().push(row);
            }
        }

        let mut lines = Vec::new();
        for (reason, rows) in by_reason {
            lines.push(match rows.as_slice() {
                [row] => format!("run {} ({}) waits: {reason}", row.id, row.suite),
                rows => format!("{} runs wait: {reason}", rows.len()),
            });
        }
        lines
    }

    fn status(&self, service: ServiceState, problems: Vec<String>) -> Status {
        // By the end of the run, because that is what somebody waits for since then.
        let oldest_pending = self
            .rows
            .iter()
            .filter(|row| is_waiting(row))
            .filter_map(|row| row.ended)
            .min();

        Status {
            running: service == ServiceState::Running,
            pending: self.count(SubmissionState::Pending),
            submitting: self.count(SubmissionState::Submitting),
            parked: self.count(SubmissionState::Parked),
            last_success: self.last_success,
            oldest_pending,
            problems,
        }
    }

    fn count(&self, state: SubmissionState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }
}

fn reason(row: &SubmissionSummary) -> &str {
    row.error.as_deref().unwrap_or("no reason is known")
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

fn token_problem(server: &ServerWithoutToken) -> String {
    let name = if server.server.is_empty() {
        "a server"
    } else {
        &server.server
    };
    let since = match server.since {
        Some(since) => format!(" since {since}"),
        None => String::new(),
    };

    format!(
        "no usable token for {name}{since}; {} {}: {}",
        counted(server.waiting, "run"),
        form(server.waiting, "waits", "wait"),
        server.reason
    )
}

/// A service that was killed watches nothing, and nobody asked it to end.
fn service_problem(config: &Config, service: ServiceState) -> Option<String> {
    (service == ServiceState::Failed).then(|| {
        format!(
            "the service did not end by itself, it was killed or it failed, and it does not run; \
             look at its log, then start it with `kado service start` or `kado run` (where no \
             service is wanted any more, remove `{}`)",
            ServiceMark::path(&config.state_dir).display()
        )
    })
}

/// What is wrong with the disk of the state folder: nothing is sent that cannot be recorded.
fn disk_problem(config: &Config, free: Option<u64>) -> Option<String> {
    let state = config.state_dir.display();

    // Before the room, of which a read-only disk may have plenty.
    if state_dir::is_read_only(&config.state_dir) == Some(true) {
        return Some(format!(
            "the state folder `{state}` lies on a read-only file system; nothing can be recorded, \
             so nothing is sent"
        ));
    }

    match free? {
        0 => Some(format!(
            "there is no room where the state folder `{state}` lies; nothing can be recorded, so \
             nothing is sent"
        )),
        free if free < LITTLE => Some(format!(
            "only {} MiB are free where the state folder `{state}` lies; nothing is sent without \
             room",
            free >> 20
        )),
        _ => None,
    }
}

fn print(overview: &Overview, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = &overview.status;
    let waiting = status.pending + status.submitting;
    let tokens = match overview.servers_without_token {
        0 => "nothing waits for a token".to_owned(),
        servers => format!(
            "{} {} no usable token",
            counted(servers, "server"),
            form(servers, "has", "have")
        ),
    };
    let free = overview.free.map(|free| format!("{} MiB free", free >> 20));

    writeln!(out, "Service       {}", word(overview.service))?;
    writeln!(
        out,
        "Waiting       {waiting}, {} of them under way",
        status.submitting
    )?;
    writeln!(out, "Oldest        {}", or_dash(status.oldest_pending))?;
    writeln!(out, "Parked        {}", status.parked)?;
    writeln!(out, "Last success  {}", or_dash(status.last_success))?;
    writeln!(out, "Credentials   {tokens}")?;
    writeln!(out, "Disk          {}", or_dash(free))?;
    for problem in &status.problems {
        writeln!(out, "problem: {}", plain(problem))?;
    }
    Ok(())
}
