//! `kado runs`: the submissions of the outbox. Listing reads beside a running service; what changes
//! something is asked of the service when there is one.

mod filter;
mod show;
mod verify;
mod watch;

use clap::{Args, Subcommand};

use filter::{Filter, Since};
use show::Part;

use crate::cli::delegate::Delegate;
use crate::cli::json::{self, OutputForm};
use crate::cli::plain::{or_dash, plain};
use crate::cli::progress::Progress;
use crate::cli::submission;
use crate::cli::tell::tell;
use crate::cli::terminal::{Clock, Piece, Screen, Terminal, Tone, always, table, weighing};
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::lock::NextTry;
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::{Obstacle, SubmissionState, SubmissionSummary, SubmittedBy};
use crate::outbox::{Store, StoreError};
use crate::overview::live_suites::LiveSuite;
use crate::overview::run_details::RunDetails;
use crate::overview::run_history::history_of;
use crate::telemetry;

/// Arguments of `kado runs`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show the list anew whenever it changes, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show one run: every result, every attachment, and what was left out
    Show {
        /// Id from `kado runs`
        #[arg(value_parser = run_id)]
        id: i64,
        /// What happened to it, from the beginning, in place of its tests
        #[arg(long)]
        history: bool,
    },
    /// Try a run now; one without an ADO run is planned anew from today's settings
    Retry {
        /// Id from `kado runs`
        #[arg(required_unless_present = "failed", value_parser = run_id)]
        id: Option<i64>,
        /// Everything that is parked, or waits with an error
        #[arg(long, conflicts_with = "id")]
        failed: bool,
        /// The test plan that it goes to, whatever settings and the options of katalonc say
        #[arg(
            long,
            value_name = "PLAN",
            conflicts_with = "failed",
            value_parser = test_plan
        )]
        plan: Option<u32>,
    },
    /// Compare what Azure DevOps holds of submitted runs with what was sent; changes nothing
    Verify {
        /// Id from `kado runs`
        #[arg(value_parser = run_id)]
        id: Option<i64>,
        /// Runs that ended since then: an instant, a day such as 2026-01-31, or a span such as 3d
        #[arg(long, value_name = "WHEN", default_value = "7d", conflicts_with = "id")]
        since: Since,
    },
    /// Never submit a run by itself; it stays listed as ignored
    Forget {
        /// Id from `kado runs`
        #[arg(value_parser = run_id)]
        id: i64,
    },
}

/// The id of a run.
fn run_id(text: &str) -> Result<i64, &'static str> {
    let id = text.trim().parse();
    id.map_err(|_| "must be the number that `kado runs` shows in its first column")
}

/// The number of a test plan.
fn test_plan(text: &str) -> Result<u32, &'static str> {
    const EXPECTED: &str = "must be the number of a test plan, as `kado list plans` shows it";

    let plan = text.trim().parse().map_err(|_| EXPECTED)?;
    if plan == 0 { Err(EXPECTED) } else { Ok(plan) }
}

/// Lists, shows, retries or forgets.
pub(super) fn runs(
    arguments: &Arguments,
    config: &Config,
    clock: Clock,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let form = OutputForm::of_flag(arguments.json);
    let progress = || Progress::new(&Terminal::of_errors(clock), config.state_dir.clone());
    if arguments.action.is_some() {
        let watch = arguments.watch.then_some("--watch");
        filter::refuse_beside_action(arguments.filter.given().or(watch))?;
    }

    match &arguments.action {
        None if arguments.watch => watch::watch(&arguments.filter, config, out),
        None => {
            let rows = listed(&arguments.filter, config, out)?;
            if rows.is_empty() && form == OutputForm::Text {
                out.sentence(0, arguments.filter.nothing())?;
            } else {
                print_list(&rows, NextTry::look(&config.state_dir), form, out)?;
            }
            if form == OutputForm::Text {
                print_live(&live_suites(&arguments.filter, config)?, out)?;
            }
            Ok(Exit::Done)
        }

        Some(Action::Show { id, history }) => {
            let part = Part::of_flag(*history);
            show_run(*id, part, form, config, out)?;
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

            ask(&requests, form, config, progress(), out)
        }

        Some(Action::Verify { id, since }) => verify::verify(*id, since, form, config, out),

        Some(Action::Forget { id }) => {
            let request = Request::Forget { submission: *id };
            ask(&[request], form, config, progress(), out)
        }
    }
}

/// The rows that a filter lets through.
fn listed(
    filter: &Filter,
    config: &Config,
    out: &Screen<'_>,
) -> anyhow::Result<Vec<SubmissionSummary>> {
    let mut rows = rows(config)?;
    filter.apply(&mut rows, out.terminal().times())?;
    Ok(rows)
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
            row.error.is_some() && row.obstacle != Some(Obstacle::AnotherSender)
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

fn print_list(
    rows: &[SubmissionSummary],
    attempts: NextTry,
    form: OutputForm,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    if form == OutputForm::Json {
        return json::print(&rows, out);
    }

    let mut list = table([
        always("Id"),
        always("State"),
        weighing(7, "Started"),
        weighing(5, "Project"),
        always("Suite"),
        weighing(6, "Plan"),
        weighing(8, "ADO run"),
        weighing(4, "Passed"),
        weighing(9, "Failed"),
        weighing(2, "Results"),
        weighing(1, "Files"),
        weighing(3, "Left out"),
    ]);
    for row in rows {
        let outcomes = row.outcomes;
        list.add_row([
            Piece::new(row.id.to_string()),
            state(row),
            Piece::whole(or_dash(
                row.started.map(|at| out.terminal().times().told(at)),
            )),
            Piece::new(&row.project),
            Piece::new(&row.suite),
            Piece::new(plan_in_words(row)),
            Piece::new(or_dash(row.ado_run_id)).at(row.url.as_deref()),
            Piece::new(outcomes.passed.to_string()),
            failed_tests(outcomes.failed),
            Piece::new(row.results.to_string()),
            Piece::new(row.attachments.to_string()),
            Piece::new(row.left_out().to_string()),
        ]);
    }
    out.table(&list)?;

    // Reasons are too long for a column.
    for row in rows {
        if let Some(remark) = row.remark() {
            let next = next_try(row, attempts);
            let remark = out.terminal().times().told_in(&format!("{remark}{next}"));
            let id = row.id.to_string();
            let indent = id.len() + 1;
            let state = Piece::toned(tone(row.state), row.state.word());
            out.line(
                indent,
                &[format!("{id} ").into(), state, format!(": {remark}").into()],
            )?;
        }
    }
    Ok(())
}

/// The suites with a live run: they are no runs of the list before they end, so a filter lets none
/// through.
fn live_suites(filter: &Filter, config: &Config) -> anyhow::Result<Vec<LiveSuite>> {
    if filter.given().is_some() {
        return Ok(Vec::new());
    }
    match Store::open_to_read(&config.state_dir)? {
        Some(store) => Ok(LiveSuite::read(&store)?),
        None => Ok(Vec::new()),
    }
}

fn print_live(suites: &[LiveSuite], out: &mut Screen<'_>) -> anyhow::Result<()> {
    for live in suites {
        let mut line = vec![Piece::new(format!("{}: {live}", live.suite))];
        if let Some(url) = &live.url {
            line.push(": ".into());
            line.push(Piece::new(url).at(Some(url)));
        }
        out.line(4, &line)?;
    }
    Ok(())
}

/// When a run that waits is tried next, behind why it waits.
fn next_try(row: &SubmissionSummary, attempts: NextTry) -> String {
    // One that goes after another says when itself.
    if !row.is_waiting() || row.goes_after.is_some() {
        return String::new();
    }

    match (attempts, row.next_attempt) {
        (NextTry::Never, _) => format!("; {}", NextTry::NEVER),
        (NextTry::AsNoted, Some(at)) => format!("; next try {at}"),
        (NextTry::AsNoted, None) => String::new(),
    }
}

/// The state of a row, as the list shows it.
fn state(row: &SubmissionSummary) -> Piece {
    Piece::toned(tone(row.state), state_in_words(row))
}

/// What a state means to a person.
const fn tone(state: SubmissionState) -> Tone {
    match state {
        SubmissionState::Pending | SubmissionState::Submitting => Tone::Open,
        SubmissionState::Submitted => Tone::Good,
        SubmissionState::Parked => Tone::Bad,
        SubmissionState::Ignored => Tone::Quiet,
    }
}

fn failed_tests(count: usize) -> Piece {
    match count {
        0 => Piece::new("0"),
        _ => Piece::toned(Tone::Bad, count.to_string()),
    }
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

fn show_run(
    id: i64,
    part: Part,
    form: OutputForm,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    let unknown = StoreError::UnknownSubmission(id);
    let Some(store) = Store::open_to_read(&config.state_dir)? else {
        return Err(unknown.into());
    };
    let Some(details) = RunDetails::read(&store, id)? else {
        return Err(unknown.into());
    };

    let next_try = NextTry::look(&config.state_dir);
    match part {
        Part::Tests => show::show(&details, next_try, form, out),
        Part::History => {
            let history = history_of(&store, &details.submission)?;
            show::show_history(&details, &history, next_try, form, out)
        }
    }
}

/// Has requests carried out, and sends what was retried. As JSON it prints the rows of all that was
/// done.
fn ask(
    requests: &[Request],
    form: OutputForm,
    config: &Config,
    progress: Progress,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    // Whoever asked for all that failed sees no row, and no reason why.
    if requests.is_empty() && form == OutputForm::Text {
        out.sentence(
            0,
            "No run needs a person or waits with an error; `kado runs` lists all.",
        )?;
        return Ok(Exit::Done);
    }

    telemetry::start_for_command(progress.passage());
    let mut delegate = Delegate::open(config, progress)?;

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

    if form == OutputForm::Json {
        let done = [sent.rows, forgotten].concat();
        print_list(&done, NextTry::look(&config.state_dir), form, out)?;
        return Ok(exit);
    }
    for row in &forgotten {
        print_forgotten(row, out)?;
    }
    // Not before this command lets go of the lock.
    drop(delegate);
    submission::print_all(&sent.rows, NextTry::look(&config.state_dir), out)?;
    Ok(exit)
}

/// Says that a run is forgotten, and that what was sent of it stays in Azure DevOps.
fn print_forgotten(row: &SubmissionSummary, out: &mut Screen<'_>) -> anyhow::Result<()> {
    let id = row.id;
    let text = match row.ado_run_id {
        Some(run) => format!(
            "{id} is forgotten; test run {run}, which it began, stays in Azure DevOps as it is: {}",
            row.url.as_deref().unwrap_or_default()
        ),
        None => format!("{id} is forgotten"),
    };
    out.sentence(0, &text)?;
    Ok(())
}
