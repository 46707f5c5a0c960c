//! `kado runs`: the ledger and the outbox. Listing reads beside a running service; what changes
//! something is asked of the service when there is one.

mod show;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::cli::delegate::Delegate;
use crate::cli::json;
use crate::cli::submission;
use crate::cli::table::{or_dash, plain, table};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::request::{Answer, Request};
use crate::outbox::store::OpenError;
use crate::outbox::submission::{Obstacle, SubmissionState};
use crate::outbox::submission::{SubmissionSummary, SubmittedBy};
use crate::outbox::{Store, StoreError};
use crate::telemetry;

/// Arguments of `kado runs`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show one run: every result, every attachment, and what was left out
    Show {
        /// Id from `kado runs`
        id: i64,
    },
    /// Try a run now; one without an ADO run is planned anew from today's settings
    Retry {
        /// Id from `kado runs`
        #[arg(required_unless_present = "failed")]
        id: Option<i64>,
        /// Everything that is parked, or waits with an error
        #[arg(long, conflicts_with = "id")]
        failed: bool,
        /// The test plan that it goes to, whatever settings and the options of katalonc say
        #[arg(long, value_name = "PLAN", conflicts_with = "failed", value_parser = clap::value_parser!(u32).range(1..))]
        plan: Option<u32>,
    },
    /// Never submit a run by itself; it stays listed as ignored
    Forget {
        /// Id from `kado runs`
        id: i64,
    },
}

/// Lists, shows, retries or forgets.
pub(super) fn runs(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match &arguments.action {
        None => list(&rows(config)?, arguments.json, out),
        Some(Action::Show { id }) => show_run(*id, arguments.json, config, out),
        Some(Action::Retry {
            id: Some(id), plan, ..
        }) => ask(
            &[Request::Retry {
                submission: *id,
                plan: *plan,
                one_of_many: false,
            }],
            arguments.json,
            config,
            out,
        ),
        Some(Action::Retry { id: None, .. }) => {
            let failed = rows(config)?.into_iter().filter(has_failed);
            let again = |row: SubmissionSummary| Request::Retry {
                submission: row.id,
                plan: None,
                one_of_many: true,
            };
            let requests: Vec<_> = failed.map(again).collect();
            ask(&requests, arguments.json, config, out)
        }
        Some(Action::Forget { id }) => ask(
            &[Request::Forget { submission: *id }],
            arguments.json,
            config,
            out,
        ),
    }
}

fn has_failed(row: &SubmissionSummary) -> bool {
    match row.state {
        SubmissionState::Parked => true,
        // One that is left to Katalon for a while has not failed.
        SubmissionState::Pending | SubmissionState::Submitting => {
            row.error.is_some() && row.obstacle != Some(Obstacle::Katalon)
        }
        SubmissionState::Submitted | SubmissionState::Ignored => false,
    }
}

fn rows(config: &Config) -> anyhow::Result<Vec<SubmissionSummary>> {
    Ok(open(config)?
        .map(|store| store.summaries(None))
        .transpose()?
        .unwrap_or_default())
}

fn open(config: &Config) -> Result<Option<Store>, OpenError> {
    Store::open_to_read(&config.state_dir)
}

fn list(rows: &[SubmissionSummary], json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if json {
        json::print(&rows, out)?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        writeln!(out, "No run is known yet.")?;
        return Ok(Exit::Done);
    }
    let mut listed = table([
        "Id", "State", "Started", "Project", "Suite", "Plan", "ADO run", "Results", "Files",
        "Left out",
    ]);
    for row in rows {
        listed.add_row([
            row.id.to_string(),
            state_of(row),
            or_dash(row.started),
            plain(&row.project),
            plain(&row.suite),
            or_dash(row.plan_id),
            or_dash(row.ado_run_id),
            row.results.to_string(),
            row.attachments.to_string(),
            row.skipped.len().to_string(),
        ]);
    }
    writeln!(out, "{}", listed.trim_fmt())?;
    for row in rows {
        if let Some(error) = &row.error {
            writeln!(out, "{} {}: {}", row.id, row.state.word(), plain(error))?;
        }
    }
    Ok(Exit::Done)
}

/// The state, and who submitted it if that was not kado.
fn state_of(row: &SubmissionSummary) -> String {
    let by = if row.submitted_by == Some(SubmittedBy::Katalon) {
        " (Katalon)"
    } else {
        ""
    };
    format!("{}{by}", row.state.word())
}

fn show_run(id: i64, json: bool, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let store = open(config)?.ok_or(StoreError::UnknownSubmission(id))?;
    let row = store
        .summaries(Some(&[id]))?
        .pop()
        .ok_or(StoreError::UnknownSubmission(id))?;
    let doubled = store
        .doubles(&row.project)?
        .into_iter()
        .find(|doubled| doubled.submission == id);
    show::show(&row, &store.load(id)?, doubled.as_ref(), json, out)?;
    Ok(Exit::Done)
}

/// Has requests carried out, and sends what was retried. As JSON it prints the rows of all that was
/// done.
fn ask(
    requests: &[Request],
    json: bool,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    telemetry::start_for_command();
    let mut delegate = Delegate::open(config)?;
    let mut exit = Exit::Done;
    let (mut retried, mut forgotten) = (Vec::new(), Vec::new());
    for (answer, request) in delegate.ask_all(requests)?.into_iter().zip(requests) {
        match (answer, request) {
            (Answer::Refused(reason), _) => {
                eprintln!("{}", plain(&reason));
                exit = Exit::NotDone;
            }
            (Answer::Taken { .. }, Request::Forget { submission }) => forgotten.push(*submission),
            (Answer::Taken { .. }, Request::Retry { submission, .. }) => retried.push(*submission),
            (Answer::Taken { .. }, Request::Submit { .. } | Request::Claimed { .. }) => {}
        }
    }
    let sent = delegate.send(&retried)?;
    let forgotten: Vec<SubmissionSummary> = if forgotten.is_empty() {
        Vec::new()
    } else {
        rows(config)?
            .into_iter()
            .filter(|row| forgotten.contains(&row.id))
            .collect()
    };
    if json {
        let done: Vec<SubmissionSummary> = sent.rows.iter().cloned().chain(forgotten).collect();
        list(&done, true, out)?;
        return Ok(exit.and(sent.exit()));
    }
    forgotten
        .iter()
        .try_for_each(|row| writeln!(out, "{}", farewell(row)))?;
    sent.rows
        .iter()
        .try_for_each(|row| submission::print(row, out))?;
    Ok(exit.and(sent.exit()))
}

/// What is said of a run that is forgotten: what was sent of it stays in Azure DevOps.
fn farewell(row: &SubmissionSummary) -> String {
    let stays = row.ado_run_id.map(|run| {
        let place = row.url.as_deref().unwrap_or_default();
        format!("; test run {run}, which it began, stays in Azure DevOps as it is: {place}")
    });
    format!("{} is forgotten{}", row.id, stays.unwrap_or_default())
}
