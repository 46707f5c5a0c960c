//! `kado status`: is the service up, what waits, what failed, for people and for scripts.

use clap::Args;

use crate::cli::facts::{fact, fact_if_known, fact_in_pieces};
use crate::cli::json;
use crate::cli::plain::or_dash;
use crate::cli::terminal::{Piece, Screen, Tone};
use crate::config::Config;
use crate::exit::Exit;
use crate::moment::Moment;
use crate::outbox::lock::ServiceState;
use crate::overview::{self, KadoStatus, Overview, Problem};
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
    out: &mut Screen<'_>,
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
const fn word(service: ServiceState) -> (Tone, &'static str) {
    match service {
        ServiceState::Running => (Tone::Good, "running"),
        ServiceState::NotRunning => (Tone::Open, "not running"),
        ServiceState::Failed => (Tone::Bad, "not running: it did not end by itself"),
        ServiceState::Unknown => (Tone::Bad, "unknown: this account may not look"),
    }
}

/// How many projects and servers are shown, the ones with the newest runs.
const SHOWN: usize = 10;

fn print(overview: &Overview, out: &mut Screen<'_>) -> anyhow::Result<()> {
    print_service(overview, out)?;
    print_folders(overview, out)?;
    print_runs(overview, out)?;

    for problem in &overview.status.problems {
        print_problem(Piece::toned(Tone::Bad, "problem"), problem, out)?;
    }
    for note in &overview.status.notes {
        print_problem(Piece::toned(Tone::Open, "note"), note, out)?;
    }
    Ok(())
}

/// What is wrong, or to be known, with what mends it below.
fn print_problem(mark: Piece, problem: &Problem, out: &mut Screen<'_>) -> std::io::Result<()> {
    let indent = mark.width() + 2;
    let text = out.terminal().times().told_in(&problem.text);
    out.line(indent, &[mark, format!(": {text}").into()])?;

    match &problem.hint {
        Some(hint) => out.sentence(indent + 2, &format!("{:indent$}→ {hint}", "")),
        None => Ok(()),
    }
}

/// Who the service is, or why there is none.
fn print_service(overview: &Overview, out: &mut Screen<'_>) -> std::io::Result<()> {
    let status = &overview.status;
    let (tone, word) = word(overview.service);
    let mut service = vec![Piece::toned(tone, word)];
    if let (Some(account), Some(seconds)) = (&status.account, status.uptime_s) {
        let up = span(seconds);
        service.push(format!(" for {up} as {account}, version {}", status.version).into());
    }
    let free = overview.free.map(|free| format!("{} MiB free", free >> 20));

    fact_in_pieces(out, "Service", service)?;
    if status.account.is_none() {
        fact(out, "Version", &*status.version)?;
    }
    fact(out, "Host", &*status.host)?;
    let config = status.config.as_ref().map(|file| file.display());
    fact_if_known(out, "Configuration", config)?;
    fact(out, "State folder", status.state_dir.display().to_string())?;
    fact(out, "Disk", or_dash(free))
}

/// What is watched, and where it goes.
fn print_folders(overview: &Overview, out: &mut Screen<'_>) -> std::io::Result<()> {
    for (number, folder) in overview.watched.iter().enumerate() {
        fact(out, once(number, "Watched"), folder.display().to_string())?;
    }

    let times = out.terminal().times().clone();
    for (number, project) in overview.projects.iter().take(SHOWN).enumerate() {
        let mut words = format!("{}: {}", project.name, counted(project.runs, "run"));
        if let Some(ended) = project.last_ended {
            words.push_str(&format!(", the last ended {}", times.told(ended)));
        }
        fact(out, once(number, "Projects"), words)?;
    }
    print_more(overview.projects.len(), out)?;

    for (number, server) in overview.servers.iter().take(SHOWN).enumerate() {
        let mut words = format!("{}: {} waiting", server.server, server.waiting);
        if let Some(success) = server.last_success {
            words.push_str(&format!(", last success {}", times.told(success)));
        }
        fact(out, once(number, "Servers"), words)?;
    }
    print_more(overview.servers.len(), out)
}

/// The name of a fact, where it is the first of several alike.
const fn once(number: usize, name: &'static str) -> &'static str {
    if number == 0 { name } else { "" }
}

/// How many more there are than are shown.
fn print_more(all: usize, out: &mut Screen<'_>) -> std::io::Result<()> {
    match all.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => fact(out, "", format!("and {more} more")),
    }
}

/// What waits, what was sent, and what became of the run folders.
fn print_runs(overview: &Overview, out: &mut Screen<'_>) -> std::io::Result<()> {
    let status = &overview.status;
    let times = out.terminal().times().clone();
    let told = |moment: Option<Moment>| or_dash(moment.map(|moment| times.told(moment)));
    let parked = match status.parked {
        Some(1..) => Piece::toned(Tone::Bad, or_dash(status.parked)),
        _ => Piece::new(or_dash(status.parked)),
    };

    for (number, live) in status.live.iter().take(SHOWN).enumerate() {
        let words = format!("{} ({}): {live}", live.suite, live.project);
        fact(out, once(number, "Shown live"), words)?;
    }
    print_more(status.live.len(), out)?;
    fact(out, "Waiting", waiting_in_words(status))?;
    fact(out, "Oldest", told(status.oldest_pending))?;
    fact(out, "Parked", parked)?;
    fact(out, "Last success", told(status.last_success))?;
    fact(out, "Last run", told(status.last_run_seen))?;
    fact(out, "Run folders", or_dash(overview.run_folders.as_deref()))?;
    fact(out, "Credentials", credentials_in_words(overview))
}

fn waiting_in_words(status: &KadoStatus) -> String {
    let (Some(pending), Some(submitting)) = (status.pending, status.submitting) else {
        return or_dash(None::<usize>);
    };
    match pending + submitting {
        0 => "nothing".to_owned(),
        waiting => format!("{waiting}, {submitting} of them under way"),
    }
}

fn credentials_in_words(overview: &Overview) -> String {
    if overview.status.pending.is_none() {
        return or_dash(None::<usize>);
    }
    match overview.without_token.len() {
        0 => "nothing waits for a token".to_owned(),
        servers => format!(
            "{} {} no usable token",
            counted(servers, "server"),
            form(servers, "has", "have")
        ),
    }
}
