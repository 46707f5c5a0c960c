//! `kado exec`: runs katalonc and submits the runs that it makes, with the `ado*` options that it
//! was given.
//!
//! The command gets everything that kado gets: standard input and output, the terminal, signals.
//! Its runs are claimed in the outbox *before* it starts, so that a service beside it never submits
//! them without the options; kado gives a sign of life for as long as the command runs, so a claim
//! outlives neither. When the command has ended its runs are looked for, recorded and sent, by the
//! service if one runs, else by kado itself, and are waited for with a limit. Nothing of this ever
//! keeps the command from running: what goes wrong is said on standard error, and only `--strict`
//! makes it the exit code.

#![expect(
    clippy::disallowed_methods,
    reason = "the command finds its variables in the environment"
)]

mod child;
mod claim;
mod live;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::ado::Credential;
use crate::blocking::unless_stopped;
use crate::cli::agent::{self, variable};
use crate::cli::delegate::{Delegate, Interrupted};
use crate::cli::error::UsageError;
use crate::cli::filling::Filling;
use crate::cli::progress::Progress;
use crate::cli::runtime::runtime;
use crate::cli::terminal::{Clock, Terminal};
use crate::config::expiry::token_tables;
use crate::config::{Config, nearest};
use crate::discovery::claim::Terms;
use crate::katalon::command_line::{CommandLine, CommandTarget, hidden_option};
use crate::outbox::lock::NextTry;
use crate::outbox::request::{Answer, Request};
use crate::pipeline::{
    JobPage, PipelineJob, RunOrigin, TOKEN_VARIABLE, page_address, test_run_of_job,
};
use crate::server::Server;
use crate::submit::now::Effort;
use crate::{clock, daemon, telemetry, workspace};

use claim::{ClaimKeeper, RunsOfCommand};
use live::LiveCommand;
use report::{JobToken, Report};

/// Least time that a service gets to answer: one that is there answers at once, and that much it
/// gets also where nobody is to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long kado reads on when it is asked to end.
const READ_ON: Duration = Duration::from_secs(1);

/// Arguments of `kado exec`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Longest wait for the submission when the command has ended, such as 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    wait: Duration,
    /// Fail when the command succeeds and a run of it is not submitted completely
    #[arg(long)]
    strict: bool,
    /// Show the results of the suite in Azure DevOps while it runs
    #[arg(long)]
    live: bool,
    /// Folder of the project, where the command's -projectPath does not lead to it, as with a
    /// container
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// Where the job publishes Katalon's report; the test run's comment says it
    #[arg(long, value_name = "URL", value_parser = web_address)]
    report_url: Option<String>,
    #[command(flatten)]
    filling: Filling,
    /// The command with its arguments, such as katalonc -projectPath=… -adoPlanId=18
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

/// Runs the command; gives the exit code of the process.
///
/// # Errors
/// When the command cannot be started, or when no project is named, so that its runs could not be
/// found.
pub(super) fn exec(arguments: &Arguments, config: &Config, clock: Clock) -> anyhow::Result<i32> {
    let done = run_command(arguments, config, clock);
    if let Err(error) = &done {
        // Later steps of the job read what this one says, also where it could not begin.
        agent::tell(&[], &[format!("{error:#}")]);
    }
    done
}

/// As [`exec`], for whoever tells the agent of the pipeline of an error.
fn run_command(arguments: &Arguments, config: &Config, clock: Clock) -> anyhow::Result<i32> {
    refuse_option(&arguments.command)?;
    let terminal = Terminal::of_errors(clock);
    let progress = Progress::new(&terminal, config.state_dir.clone());
    telemetry::start_for_command(progress.passage());

    // Only to find options in: the command itself gets its arguments as they are.
    let words: Vec<_> = arguments
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();

    // The first word is the program.
    let options = || words.iter().skip(1).map(AsRef::as_ref);
    let line = CommandLine::read(options());
    let root = project(arguments, &line)?;
    let terms = terms(arguments, line)?;

    let runtime = runtime()?;
    let mut report = Report::new(arguments.strict, terminal);
    if let Some(option) = hidden_option(options()) {
        report.hidden_option(&option);
    }

    // Before the command starts: a service beside it must not submit its first run unclaimed.
    let claim = report.note(
        runtime.block_on(ClaimKeeper::claim(config, &root, &terms)),
        "the runs of the command cannot be claimed, so they are not submitted by it",
    );
    let live = runtime.block_on(async { live_command(claim.as_ref()?, &terms, config) });
    let command = runtime.block_on(child::run(&arguments.command));
    let live = live.map(|live| runtime.block_on(live.end()));

    let runs = match claim {
        // It also ends the claim of a command that did not start: that one made no runs, and those
        // that come are another command's.
        Some(claim) => report.note(
            runtime.block_on(end(claim)),
            match command {
                Ok(_) => "the runs of the command cannot be looked for",
                Err(_) => "the claim of a command that did not start cannot be ended",
            },
        ),
        None => None,
    };
    let code = command?;

    if let Some(runs) = runs {
        report.of_others(&runs.of_others);
        let effort = Effort {
            budget: arguments.wait,
            pair: pair_of_job(&terms, config),
            measures: progress.measures(),
        };
        let sent = submit(&runs.own, &terms, effort, config, progress, &mut report);
        report.note(sent, "the runs of the command cannot be submitted");
        report.count(runs.own.len(), &root);
    }
    if let Some(writer) = live {
        let ended = runtime.block_on(live::end_unsubmitted(&writer));
        let what = "the test runs that showed the suites cannot be looked for";
        let ended = report.note(ended, what).unwrap_or_default();
        report.ended_live_runs(&ended);
    }
    report.tell_agent();

    drop(runtime);
    Ok(report.exit_code(code))
}

/// Refuses an option where the command has to begin: for the parser everything from a word that it
/// does not know belongs to the command.
fn refuse_option(command: &[OsString]) -> Result<(), UsageError> {
    let Some(word) = command.first().map(|word| word.to_string_lossy()) else {
        return Ok(());
    };
    if !word.starts_with('-') {
        return Ok(());
    }

    let name = word.split('=').next().unwrap_or_default();
    let known = Arguments::augment_args(clap::Command::default());
    let options = known.get_arguments().filter_map(clap::Arg::get_long);
    let way_out = match nearest(name, options) {
        Some(meant) => format!("did you mean `--{meant}`?"),
        None => "`kado exec --help` lists them, and the command begins behind them".to_owned(),
    };
    Err(UsageError(format!(
        "`{name}` is no option of `kado exec`; {way_out}"
    )))
}

/// What the command claims, and on what terms.
fn terms(arguments: &Arguments, line: CommandLine) -> Result<Terms, UsageError> {
    if arguments.filling.completes() && !matches!(line.target, CommandTarget::Suite(_)) {
        return Err(UsageError(
            "`--complete` goes with one suite (`-testSuitePath`): the first of several would \
             complete the test run, and the others could not fill it"
                .to_owned(),
        ));
    }

    if arguments.live && arguments.filling.is_named() {
        return Err(UsageError(
            "`--live` shows the suite in a test run of its own, and `--into` fills one that is \
             there: leave out one of the two"
                .to_owned(),
        ));
    }

    let into = arguments.filling.filled_run(test_run_of_job(variable))?;
    Ok(Terms {
        line,
        // In a container the runs carry its host name, and that is what `--project` is for.
        any_host: arguments.project.is_some(),
        pipeline: PipelineJob::read(variable),
        origin: RunOrigin {
            job: JobPage::read(variable),
            report: arguments.report_url.clone(),
        },
        // A live run is a test run of its own.
        live: arguments.live && into.is_none(),
        into,
    })
}

/// Makes the suites of a command live from now on, where that is wanted.
fn live_command(claim: &ClaimKeeper, terms: &Terms, config: &Config) -> Option<LiveCommand> {
    if !terms.live {
        return None;
    }
    let pair = pair_of_job(terms, config);
    Some(live::begin(claim, config, pair))
}

/// Ends a claim and looks for its runs, unless a signal asks to end meanwhile: those of the command
/// are heard by kado from its start on.
async fn end(claim: ClaimKeeper) -> anyhow::Result<RunsOfCommand> {
    let stop = CancellationToken::new();
    daemon::stop_on_signal(stop.clone())?;
    Ok(unless_stopped(claim.end(), &stop, READ_ON).await??)
}

/// The project whose runs the command makes.
fn project(arguments: &Arguments, line: &CommandLine) -> Result<PathBuf, UsageError> {
    let path = match (&arguments.project, &line.project) {
        (Some(folder), _) => folder.clone(),
        (None, Some(path)) => PathBuf::from(path),
        (None, None) => {
            return Err(UsageError(
                "the command has no -projectPath, so kado cannot find its runs; add the option, or \
                 name the project's folder with --project before the command"
                    .to_owned(),
            ));
        }
    };

    workspace::project_at(&path).ok_or_else(|| {
        UsageError(format!(
            "no Katalon project lies at `{}`: there is no `.prj` file; name the project's folder \
             with --project before the command if -projectPath is a path of another machine, such \
             as a container",
            path.display()
        ))
    })
}

/// Has the runs recorded and sent.
fn submit(
    runs: &[PathBuf],
    terms: &Terms,
    effort: Effort,
    config: &Config,
    progress: Progress,
    report: &mut Report,
) -> anyhow::Result<()> {
    if runs.is_empty() {
        return Ok(());
    }

    // Recording takes its time from that which sending may take.
    let until = clock::now().plus(effort.budget);
    let mut delegate =
        Delegate::open(config, progress)?.within(effort.budget.max(ANSWER_WITHIN))?;
    let mut ids = Vec::new();
    for folder in runs {
        // Not as `kado submit` asks: nobody named this very run, so what the project leaves to
        // Katalon stays left to it.
        let request = Request::Claimed {
            folder: folder.to_string_lossy().into_owned(),
            into: terms.into,
        };
        match delegate.ask(&request).map_err(with_what_follows)? {
            Answer::Taken { submissions, .. } => ids.extend(submissions),
            Answer::Refused(reason) => report.refused(folder, &reason),
        }
    }

    // Copies of a run are that run.
    ids.sort_unstable();
    ids.dedup();

    let rest_of_effort = Effort {
        budget: until.since(clock::now()),
        ..effort
    };
    let token = job_token(terms, &rest_of_effort, config);
    let sent = delegate.send_within(&ids, rest_of_effort)?;

    // Not before this command lets go of the lock.
    drop(delegate);
    let next_try = NextTry::look(&config.state_dir);
    report.sent(&sent, next_try);
    if next_try == NextTry::Never {
        report.token_of_job(token);
    }
    Ok(())
}

/// Adds to an interruption what becomes of the runs: they are claimed, so the service takes them.
fn with_what_follows(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Interrupted>() {
        Ok(interrupted) => {
            anyhow::anyhow!("{interrupted}; the service submits the claimed runs by itself")
        }
        Err(error) => error,
    }
}

/// The job's token for its server, unless it is handed over for something else.
fn pair_of_job(terms: &Terms, config: &Config) -> Option<(Server, Credential)> {
    if uses_service_connection(config) {
        return None;
    }
    token_of_job(terms.pipeline.as_ref()?)
}

/// What the job of a command does for its server.
fn job_token<'a>(terms: &'a Terms, effort: &Effort, config: &Config) -> JobToken<'a> {
    match &terms.pipeline {
        Some(job) if effort.pair.is_some() => JobToken::Given(job),
        Some(job) if !uses_service_connection(config) => JobToken::Missing(job),
        _ => JobToken::OfNoJob,
    }
}

/// Whether the job's token is handed over for an identity of `kado.toml`, which sends in its place.
fn uses_service_connection(config: &Config) -> bool {
    token_tables(config).iter().any(|table| {
        let identity = table.access().identity.as_ref();
        identity.is_some_and(|identity| identity.kind.uses_service_connection())
    })
}

/// The job's token, where its pipeline hands it over, with the only server that it is for
/// (invariant I10).
fn token_of_job(job: &PipelineJob) -> Option<(Server, Credential)> {
    let token = std::env::var(TOKEN_VARIABLE).ok()?;
    let token = token.trim();

    // Azure Pipelines leaves `$(System.AccessToken)` as it is where the variable has no value.
    if token.is_empty() || token.starts_with("$(") {
        return None;
    }

    let server = Server::parse(&job.collection).ok()?;
    let credential = Credential::Bearer(SecretString::from(token.to_owned()));
    Some((server, credential))
}

fn web_address(text: &str) -> Result<String, &'static str> {
    page_address(text).ok_or("must be an address that begins with https:// or http://")
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "must be a time such as 90s, 5m or 0s";

    let signed: SignedDuration = text.trim().parse().map_err(|_| EXPECTED)?;
    Duration::try_from(signed).map_err(|_| EXPECTED)
}
