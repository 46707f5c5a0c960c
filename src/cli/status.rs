//! `kado status`: is the service up, what waits, what failed. It reads beside a running service.

mod folders;
mod problem;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use folders::FolderCounts;
use problem::{Problem, reason};

use crate::cli::json;
use crate::cli::table::{or_dash, plain};
use crate::clock;
use crate::config::Config;
use crate::connect;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::lock::{ServiceMark, ServiceState};
use crate::outbox::run_folders::RunFolders;
use crate::outbox::store::{OlderRuns, ServiceFacts};
use crate::outbox::submission::{Obstacle, ServerWithoutToken, SubmissionState, SubmissionSummary};
use crate::outbox::{OpenError, Store};
use crate::plural::{counted, form};
use crate::record::{self, Unreadable};
use crate::spool::Spool;
use crate::watch::{self, ToldWatchProblem};
use crate::{service, state_dir};

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
    /// The version of the running service; without one, of this program.
    version: String,
    host: String,
    /// Whose service runs.
    account: Option<String>,
    uptime_s: Option<u64>,
    /// `kado.toml`, as this command read it.
    config: Option<PathBuf>,
    state_dir: PathBuf,
    /// These three are missing where the outbox cannot be read: 0 would not be true.
    pending: Option<usize>,
    submitting: Option<usize>,
    parked: Option<usize>,
    last_success: Option<Moment>,
    /// When the run ended that ended last of those that are recorded.
    last_run_seen: Option<Moment>,
    oldest_pending: Option<Moment>,
    run_folders: Option<FolderCounts>,
    problems: Vec<Problem>,
}

/// The same with what people see besides.
struct Overview {
    status: Status,
    service: ServiceState,
    /// Bytes that are free where the state lies.
    free: Option<u64>,
    servers_without_token: usize,
    /// How many run folders have which answer; `None` where the outbox cannot be read.
    run_folders: Option<String>,
    older_runs: Vec<OlderRuns>,
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
    problems.extend(Problem::of_service(config, service));

    // A damaged outbox is a problem like any other: what else is known is shown all the same.
    let outbox = match open_whole(config) {
        Ok(Some(store)) => Some(OutboxState::read(&store, service)?),
        Ok(None) => Some(OutboxState::default()),
        Err(error) => {
            // That this account may not look is said already.
            if service != ServiceState::Unknown {
                problems.push(Problem::of_outbox(chain(&error)));
            }
            None
        }
    };

    problems.extend(Problem::of_disk(&config.state_dir, free));
    problems.extend(folder_problems(config, service, outbox.as_ref()));
    if let Some(outbox) = &outbox {
        problems.extend(outbox.problems(config));
    }
    for error in connect::misplaced(config) {
        // Runs that wait for it say so as well.
        let text = error.to_string();
        if !problems.iter().any(|problem| problem.text.contains(&text)) {
            problems.push(Problem::of_token(text));
        }
    }
    Ok(Overview {
        servers_without_token: outbox.as_ref().map_or(0, |known| known.without_token.len()),
        status: status_of(config, service, outbox.as_ref(), problems),
        run_folders: outbox
            .as_ref()
            .map(|known| folders::in_words(&known.run_folders, config.history)),
        older_runs: outbox.map(|known| known.older_runs).unwrap_or_default(),
        service,
        free,
    })
}

/// What of the watched folders is not seen: by the service, which may have another account.
fn folder_problems(
    config: &Config,
    state: ServiceState,
    outbox: Option<&OutboxState>,
) -> Vec<Problem> {
    let unseen = match (state, outbox) {
        (ServiceState::Running, Some(known)) => known.unseen.clone(),
        // Without one the folders are looked at from above, no more: a walk may take long.
        _ => watch::problems_of_roots(&config.watch).tell(service::how_to_grant),
    };
    unseen.iter().map(Problem::of_folder).collect()
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

fn status_of(
    config: &Config,
    service: ServiceState,
    outbox: Option<&OutboxState>,
    problems: Vec<Problem>,
) -> Status {
    let facts = outbox.and_then(|known| known.service.as_ref());
    let uptime = facts.map(|facts| clock::now().since(facts.started));

    Status {
        running: service == ServiceState::Running,
        version: facts.map_or_else(
            || env!("CARGO_PKG_VERSION").to_owned(),
            |facts| facts.version.clone(),
        ),
        host: facts.map_or_else(clock::host_name, |facts| facts.host.clone()),
        account: facts.map(|facts| facts.account.clone()),
        uptime_s: uptime.as_ref().map(Duration::as_secs),
        config: config.file.clone(),
        state_dir: config.state_dir.clone(),
        pending: outbox.map(|known| known.count(SubmissionState::Pending)),
        submitting: outbox.map(|known| known.count(SubmissionState::Submitting)),
        parked: outbox.map(|known| known.count(SubmissionState::Parked)),
        last_success: outbox.and_then(|known| known.last_success),
        last_run_seen: outbox.and_then(|known| known.last_run_seen),
        oldest_pending: outbox.and_then(OutboxState::oldest_pending),
        run_folders: outbox.map(|known| FolderCounts::of(&known.run_folders)),
        problems,
    }
}

/// What the outbox says.
#[derive(Default)]
struct OutboxState {
    rows: Vec<SubmissionSummary>,
    last_success: Option<Moment>,
    last_run_seen: Option<Moment>,
    run_folders: RunFolders,
    older_runs: Vec<OlderRuns>,
    without_token: Vec<ServerWithoutToken>,
    /// The service, if it runs.
    service: Option<ServiceFacts>,
    /// Why it polls folders, if it does.
    polled: Option<String>,
    /// What it does not see of the watched folders.
    unseen: Vec<ToldWatchProblem>,
    /// Members of collections that are kept and cannot be read.
    unreadable: Vec<Unreadable>,
}

impl OutboxState {
    fn read(store: &Store, service: ServiceState) -> anyhow::Result<Self> {
        let mut state = Self {
            rows: store.summaries(None)?,
            last_success: store.last_success()?,
            last_run_seen: store.last_run_seen()?,
            run_folders: store.run_folders(&HashSet::new())?,
            older_runs: store.older_runs()?,
            without_token: store.without_token()?,
            unreadable: record::unreadable(store)?,
            ..Self::default()
        };

        // What a service that has ended was, and could not watch, is no news.
        if service == ServiceState::Running {
            state.service = store.service()?;
            state.polled = store.polled()?;
            state.unseen = store.watch_problems()?;
        }
        Ok(state)
    }

    fn problems(&self, config: &Config) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.without_token.iter().map(Problem::of_credentials));
        problems.extend(self.polled.as_deref().map(Problem::of_polling));

        let spool = Spool::new(&config.state_dir, config.spool_limit);
        for member in &self.unreadable {
            problems.push(Problem::of_member(member, &spool));
        }

        for row in &self.rows {
            if row.state == SubmissionState::Parked {
                problems.push(Problem::of_parked(row));
            }
        }
        problems.extend(self.held_up());
        problems
    }

    /// One for all runs that wait for the same reason; missing tokens are problems of their own.
    fn held_up(&self) -> Vec<Problem> {
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

        by_reason
            .into_iter()
            .map(|(reason, rows)| Problem::of_waiting(reason, &rows))
            .collect()
    }

    /// When the run ended that waits longest: since then somebody waits for it.
    fn oldest_pending(&self) -> Option<Moment> {
        self.rows
            .iter()
            .filter(|row| is_waiting(row))
            .filter_map(|row| row.ended)
            .min()
    }

    fn count(&self, state: SubmissionState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
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

fn print(overview: &Overview, out: &mut dyn Write) -> anyhow::Result<()> {
    let status = &overview.status;
    let free = overview.free.map(|free| format!("{} MiB free", free >> 20));

    writeln!(out, "Service       {}", service_in_words(overview))?;
    writeln!(out, "Waiting       {}", waiting_in_words(status))?;
    writeln!(out, "Oldest        {}", or_dash(status.oldest_pending))?;
    writeln!(out, "Parked        {}", or_dash(status.parked))?;
    writeln!(out, "Last success  {}", or_dash(status.last_success))?;
    writeln!(out, "Last run      {}", or_dash(status.last_run_seen))?;
    writeln!(
        out,
        "Run folders   {}",
        or_dash(overview.run_folders.as_deref())
    )?;
    writeln!(out, "Credentials   {}", credentials_in_words(overview))?;
    writeln!(out, "Disk          {}", or_dash(free))?;

    folders::print_older(&overview.older_runs, out)?;
    for problem in &status.problems {
        writeln!(out, "problem: {}", plain(&problem.text))?;
        if let Some(hint) = &problem.hint {
            writeln!(out, "         → {}", plain(hint))?;
        }
    }
    Ok(())
}

fn service_in_words(overview: &Overview) -> String {
    let status = &overview.status;
    let mut words = word(overview.service).to_owned();

    if let (Some(account), Some(seconds)) = (&status.account, status.uptime_s) {
        let version = &status.version;
        let up = up_for(seconds);
        words.push_str(&format!(" for {up} as {account}, version {version}"));
    }
    plain(&words)
}

/// A span as people say it, by its largest unit.
fn up_for(seconds: u64) -> String {
    match seconds {
        0..60 => counted(seconds, "second"),
        60..3600 => counted(seconds / 60, "minute"),
        3600..86_400 => counted(seconds / 3600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

fn waiting_in_words(status: &Status) -> String {
    let (Some(pending), Some(submitting)) = (status.pending, status.submitting) else {
        return or_dash(None::<usize>);
    };
    let waiting = pending + submitting;
    format!("{waiting}, {submitting} of them under way")
}

fn credentials_in_words(overview: &Overview) -> String {
    if overview.status.pending.is_none() {
        return or_dash(None::<usize>);
    }
    match overview.servers_without_token {
        0 => "nothing waits for a token".to_owned(),
        servers => format!(
            "{} {} no usable token",
            counted(servers, "server"),
            form(servers, "has", "have")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_the_service_is_up_is_said_in_its_largest_unit() {
        assert_eq!(up_for(0), "0 seconds");
        assert_eq!(up_for(60), "1 minute");
        assert_eq!(up_for(7199), "1 hour");
        assert_eq!(up_for(200_000), "2 days");
    }
}
