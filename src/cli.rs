//! The command line: types for clap, and what each command does.
//!
//! Results go to standard output, the log to standard error. Exit codes are those of
//! `crate::exit`.

mod agent;
mod check;
mod delegate;
mod dry_run;
mod error;
mod examples;
mod exec;
mod facts;
mod filling;
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    path = "cli/heaps/glibc.rs"
)]
#[cfg_attr(
    not(all(target_os = "linux", target_env = "gnu")),
    path = "cli/heaps/elsewhere.rs"
)]
mod heaps;
pub mod inspect;
mod json;
mod list;
mod man;
mod map;
mod metrics;
mod notify;
mod output;
mod page;
mod plain;
mod plan_tables;
mod progress;
mod run;
mod runs;
mod runtime;
mod service;
mod setup;
mod silence;
mod status;
mod submission;
mod submit;
mod support;
mod tell;
mod terminal;
mod token_input;
mod why;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use tell::tell;
use terminal::{Clock, Screen, Terminal};

use crate::config::paths;
use crate::error_chain;
use crate::exit::Exit;
use crate::foreign;
use crate::katalon::run::lifecycle::ABORT_AFTER;
use crate::secrets::dumps;
use crate::telemetry;

/// Submits finished Katalon Studio suite runs to Azure DevOps Test Plans.
#[derive(Debug, Parser)]
#[command(name = "kado", version, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file; default: $KADO_CONFIG, else the system's kado.toml, else the user's
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show times in UTC instead of this machine's time zone; JSON always has UTC
    #[arg(long, global = true)]
    utc: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch and submit in the foreground
    Run(run::Arguments),
    /// Submit run folders now
    Submit(submit::Arguments),
    /// Run katalonc and submit the runs that it makes
    Exec(exec::Arguments),
    /// Show what kado reads from a run folder or a project, offline
    Inspect(InspectArguments),
    /// Check settings, connection, project, plans, configurations and every mapped id
    Check(check::Arguments),
    /// Set up this machine, or a Katalon project, by questions or by options
    Setup(Box<setup::Arguments>),
    /// List projects, test plans, test configurations or test cases of Azure DevOps, with their ids
    List(list::Arguments),
    /// Show, enter and propose the ADO ids of test cases
    Map(map::Arguments),
    /// List runs: what waits, what was submitted, what needs a person
    Runs(runs::Arguments),
    /// Say whether the service is up, what waits and what failed
    Status(status::Arguments),
    /// Print where the status page is, and open it
    Page(page::Arguments),
    /// Tell how things stand as metrics, for Prometheus or node_exporter
    Metrics(metrics::Arguments),
    /// Say what kado knows and decided of a folder, and what would change it, offline
    Why(why::Arguments),
    /// Try the ways by which people are told when something needs them
    Notify(notify::Arguments),
    /// Write a file for whoever helps: versions, state, findings and logs, without a secret
    Support(support::Arguments),
    /// Install kado as a service, start and stop it, store its token
    Service(service::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man(man::Arguments),
}

/// Arguments of `kado inspect`.
#[derive(Debug, Args)]
struct InspectArguments {
    /// A run folder, a project folder or a .prj file
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the program.
pub fn main() -> ExitCode {
    // Before anything reads a token: a core dump would hold it as well.
    dumps::keep_out();
    heaps::limit();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            spell_arguments(&mut error);

            // clap knows which of its messages are help and which are errors. Where it cannot be
            // printed there is nobody to tell.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };

            return exit.into();
        }
    };

    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(telemetry::as_error(&format!("{error:#}")).trim_end());
            error::exit_of(&error).into()
        }
    }
}

/// Escapes the arguments that an error names: one may be the name of a folder that others made.
fn spell_arguments(error: &mut clap::Error) {
    let mut spelled = Vec::new();
    for (kind, value) in error.context() {
        if let ContextValue::String(text) = value
            && let Cow::Owned(text) = foreign::one_line(text)
        {
            spelled.push((kind, text));
        }
    }
    if spelled.is_empty() {
        return;
    }

    // The tip names the argument as well, and who meets such a name needs none.
    error.insert(ContextKind::Suggested, ContextValue::None);
    for (kind, text) in spelled {
        error.insert(kind, ContextValue::String(text));
    }
}

/// The command line, with examples in the help of every command.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = examples::with_examples(Cli::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let file = cli.config.as_deref();
    let clock = if cli.utc { Clock::Utc } else { Clock::Local };
    let terminal = Terminal::of_output(clock);
    let mut out = Screen::new(std::io::stdout().lock(), terminal);

    // The service, and `kado exec` beside a running katalonc, go on without what does not answer.
    if !matches!(cli.command, Command::Run(_) | Command::Exec(_)) {
        silence::end_at_silence()?;
    }

    // Not loaded for all at once: `check`, `inspect` and `service` have work to do also where
    // kado.toml is broken or not there yet.
    match cli.command {
        Command::Run(arguments) => run::run(arguments, cli.config, clock, &mut out),
        Command::Submit(arguments) => {
            submit::submit(&arguments, &paths::load(file)?, clock, &mut out)
        }
        // Its exit code is that of another program, which is more than a byte on Windows.
        Command::Exec(arguments) => {
            std::process::exit(exec::exec(&arguments, &paths::load(file)?, clock)?)
        }
        Command::Inspect(arguments) => {
            inspect::show(
                &arguments.path,
                &terms(file),
                inspect::OutputForm::of_flag(arguments.json),
                &mut out,
            )?;
            Ok(Exit::Done)
        }

        Command::Check(arguments) => check::check(&arguments, file, &mut out),
        Command::Setup(arguments) => setup::setup(&arguments, file, &mut out),
        Command::List(arguments) => list::list(&arguments, &paths::load(file)?, &mut out),
        Command::Map(arguments) => map::map(&arguments, &paths::load(file)?, &mut out),
        Command::Runs(arguments) => runs::runs(&arguments, &paths::load(file)?, clock, &mut out),
        Command::Status(arguments) => status::status(&arguments, &paths::load(file)?, &mut out),
        Command::Page(arguments) => page::page(&arguments, &paths::load(file)?, &mut out),
        Command::Metrics(arguments) => metrics::metrics(&arguments, &paths::load(file)?, &mut out),
        Command::Why(arguments) => why::why(&arguments, &paths::load(file)?, &mut out),
        Command::Notify(arguments) => notify::notify(&arguments, paths::load(file)?, &mut out),
        Command::Support(arguments) => support::support(&arguments, &paths::load(file)?, &mut out),
        Command::Service(arguments) => service::service(&arguments, file, &mut out),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "kado", &mut out);
            Ok(Exit::Done)
        }

        Command::Man(arguments) => man::man(&arguments, Cli::command(), &mut out),
    }
}

/// A broken configuration keeps nobody from looking at a run: what it would have changed is said.
fn terms(config: Option<&Path>) -> inspect::InspectTerms {
    match paths::load(config) {
        Ok(config) => inspect::InspectTerms::of(config),
        Err(error) => {
            tell(&format!(
                "warning: {}\nwithout `abort_after`, a run without an end counts as aborted after \
                 two hours",
                error_chain::chain(&error)
            ));
            inspect::InspectTerms::without_config(ABORT_AFTER)
        }
    }
}
