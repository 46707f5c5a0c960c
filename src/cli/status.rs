//! `kado status`: is the service up, what waits, what failed, for people and for scripts.

use std::io::{self, Write};

use clap::Args;

use crate::cli::json;
use crate::cli::table::{or_dash, plain};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::lock::ServiceState;
use crate::outbox::store::OlderRuns;
use crate::overview::{self, Overview, Status};
use crate::plural::{counted, form, span};

/// Arguments of `kado status`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Says how things stand. Anything that needs a person makes the exit code 1.
pub(super) fn status(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let overview = overview::look(config)?;

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

/// Whether a service runs, in a word.
const fn word(service: ServiceState) -> &'static str {
    match service {
        ServiceState::Running => "running",
        ServiceState::NotRunning => "not running",
        ServiceState::Failed => "not running: it did not end by itself",
        ServiceState::Unknown => "unknown: this account may not look",
    }
}

/// Says of each project how many runs are older than the history, the newest of them, and what
/// submits them.
fn print_older(older: &[OlderRuns], out: &mut dyn Write) -> io::Result<()> {
    for runs in older {
        let suite = runs.suite.as_deref().unwrap_or("a suite that is not known");
        let text = format!(
            "{} of `{}` {} older than the history; the newest is of {suite}, ended {}",
            counted(runs.count, "run"),
            runs.project,
            form(runs.count, "is", "are"),
            runs.ended
        );
        let hint = format!(
            "`history = \"all\"` or an earlier instant in kado.toml submits them, `kado submit \
             \"{}\"` the newest alone",
            runs.newest
        );

        writeln!(out, "older: {}", plain(&text))?;
        writeln!(out, "       → {}", plain(&hint))?;
    }
    Ok(())
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

    print_older(&overview.older_runs, out)?;
    for problem in &status.problems {
        writeln!(out, "problem: {}", plain(&problem.text))?;
        if let Some(hint) = &problem.hint {
            writeln!(out, "         → {}", plain(hint))?;
        }
    }
    for note in &status.notes {
        writeln!(out, "note: {}", plain(&note.text))?;
        if let Some(hint) = &note.hint {
            writeln!(out, "      → {}", plain(hint))?;
        }
    }
    Ok(())
}

fn service_in_words(overview: &Overview) -> String {
    let status = &overview.status;
    let mut words = word(overview.service).to_owned();

    if let (Some(account), Some(seconds)) = (&status.account, status.uptime_s) {
        let version = &status.version;
        let up = span(seconds);
        words.push_str(&format!(" for {up} as {account}, version {version}"));
    }
    plain(&words)
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
