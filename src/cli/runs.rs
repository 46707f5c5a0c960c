//! `kado runs`: the ledger and the outbox. Listing reads beside a running service; what changes
//! something is asked of the service when there is one.

mod show;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::cli::delegate::Delegate;
use crate::cli::json;
use crate::cli::output::tell;
use crate::cli::submission;
use crate::cli::table::{or_dash, plain, table};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::{Obstacle, SubmissionState, SubmissionSummary, SubmittedBy};
use crate::outbox::{Store, StoreError};
use crate::overview::run_details::RunDetails;
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
        #[arg(
            long,
            value_name = "PLAN",
            conflicts_with = "failed",
            value_parser = clap::value_parser!(u32).range(1..)
        )]
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
    let json = arguments.json;

    match &arguments.action {
        None => {
            print_list(&rows(config)?, json, out)?;
            Ok(Exit::Done)
        }

        Some(Action::Show { id }) => {
            show_run(*id, json, config, out)?;
            Ok(Exit::Done)
        }

        Some(Action::Retry { id, plan, .. }) => {
            let requests = match id {
                Some(id) => vec![Request::Retry {
                    submission: *id,
                    plan: *plan,
                    one_of_many: false,
                }],
                None => retries_of_all_failed(config)?,
            };

            ask(&requests, json, config, out)
        }

        Some(Action::Forget { id }) => {
            let request = Request::Forget { submission: *id };
            ask(&[request], json, config, out)
        }
    }
}

fn retries_of_all_failed(config: &Config) -> anyhow::Result<Vec<Request>> {
    let mut requests = Vec::new();
    for row in rows(config)? {
        if has_failed(&row) {
            requests.push(Request::Retry {
                submission: row.id,
                plan: None,
                // Nobody looked at each of them, so a test plan that is unclear is not guessed.
                one_of_many: true,
            });
        }
    }

    Ok(requests)
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

/// Every submission; none where there is no outbox yet.
fn rows(config: &Config) -> anyhow::Result<Vec<SubmissionSummary>> {
    match Store::open_to_read(&config.state_dir)? {
        Some(store) => Ok(store.summaries(None)?),
        None => Ok(Vec::new()),
    }
}

fn print_list(rows: &[SubmissionSummary], json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        return json::print(&rows, out);
    }
    if rows.is_empty() {
        writeln!(out, "No run is known yet.")?;
        return Ok(());
    }

    let mut list = table([
        "Id", "State", "Started", "Project", "Suite", "Plan", "ADO run", "Results", "Files",
        "Left out",
    ]);
    for row in rows {
        list.add_row([
            row.id.to_string(),
            state_in_words(row),
            or_dash(row.started),
            plain(&row.project),
            plain(&row.suite),
            plain(&plan_in_words(row)),
            or_dash(row.ado_run_id),
            row.results.to_string(),
            row.attachments.to_string(),
            row.skipped.len().to_string(),
        ]);
    }

    writeln!(out, "{}", list.trim_fmt())?;

    // Reasons are too long for a column.
    for row in rows {
        if let Some(error) = &row.error {
            writeln!(out, "{} {}: {}", row.id, row.state.word(), plain(error))?;
        }
    }
    Ok(())
}

/// The test plan, or what the settings say of it as long as nobody asked ADO.
fn plan_in_words(row: &SubmissionSummary) -> String {
    or_dash(
        row.plan_id
            .map(|plan| plan.to_string())
            .or(row.wanted_plan.clone()),
    )
}

/// The state, and who submitted it if that was not kado.
fn state_in_words(row: &SubmissionSummary) -> String {
    let state = row.state.word();
    if row.submitted_by == Some(SubmittedBy::Katalon) {
        format!("{state} (Katalon)")
    } else {
        state.to_owned()
    }
}

fn show_run(id: i64, json: bool, config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let unknown = StoreError::UnknownSubmission(id);
    let Some(store) = Store::open_to_read(&config.state_dir)? else {
        return Err(unknown.into());
    };
    let Some(details) = RunDetails::read(&store, id)? else {
        return Err(unknown.into());
    };
    show::show(&details, json, out)
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
    let mut retried = Vec::new();
    let mut forgotten = Vec::new();
    for (answer, request) in delegate.ask_all(requests)?.into_iter().zip(requests) {
        match (answer, request) {
            (Answer::Refused(reason), _) => {
                tell(&plain(&reason));

                // The others are carried out all the same.
                exit = Exit::NotDone;
            }
            (Answer::Taken { .. }, Request::Forget { submission }) => forgotten.push(*submission),
            (Answer::Taken { .. }, Request::Retry { submission, .. }) => retried.push(*submission),
            (Answer::Taken { .. }, Request::Submit { .. } | Request::Claimed { .. }) => {}
        }
    }

    let sent = delegate.send(&retried)?;
    exit = exit.and(sent.exit());

    // Read now, so that they show the state which the request led to.
    let forgotten = if forgotten.is_empty() {
        Vec::new()
    } else {
        let mut rows = rows(config)?;
        rows.retain(|row| forgotten.contains(&row.id));
        rows
    };

    if json {
        let done = [sent.rows, forgotten].concat();
        print_list(&done, json, out)?;
        return Ok(exit);
    }
    for row in &forgotten {
        print_forgotten(row, out)?;
    }
    for row in &sent.rows {
        submission::print(row, out)?;
    }
    Ok(exit)
}

/// Says that a run is forgotten, and that what was sent of it stays in Azure DevOps.
fn print_forgotten(row: &SubmissionSummary, out: &mut dyn Write) -> anyhow::Result<()> {
    match row.ado_run_id {
        Some(run) => writeln!(
            out,
            "{} is forgotten; test run {run}, which it began, stays in Azure DevOps as it is: {}",
            row.id,
            row.url.as_deref().unwrap_or_default()
        )?,
        None => writeln!(out, "{} is forgotten", row.id)?,
    }
    Ok(())
}
