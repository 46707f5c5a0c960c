//! `kado service`: the service of the system or of the user. The same words and results on every
//! system.

use std::io::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};

use crate::cli::facts::fact;
use crate::cli::json::{self, OutputForm};
use crate::cli::terminal::Screen;
use crate::cli::token_input::token_from_input;
use crate::config::paths::places;
use crate::exit::Exit;
use crate::service::{self, Installation, Leftovers, Scope, ServiceError, ServiceStatus, Summary};

/// Arguments of `kado service`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the service, so that it starts with the machine, and start it if it is configured
    Install(Whose),
    /// Stop and remove the service; configuration, state and token stay
    Uninstall {
        #[command(flatten)]
        whose: Whose,
        /// Remove configuration, state, log files and token too
        #[arg(long)]
        purge: bool,
    },
    /// Start the service
    Start {
        #[command(flatten)]
        whose: Whose,
        /// Do nothing while kado.toml is missing or cannot be used; for installers
        #[arg(long, hide = true)]
        if_configured: bool,
    },
    /// Stop the service; a step in hand gets a few seconds
    Stop(Whose),
    /// Stop the service and start it again
    Restart(Whose),
    /// Say whether the service is installed, starts by itself and runs
    Status {
        #[command(flatten)]
        whose: Whose,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Store the token of this machine, read from standard input
    SetToken(Whose),
}

/// Whose service is meant.
#[derive(Clone, Copy, Debug, Args)]
struct Whose {
    /// The service of your own account instead of the machine's
    #[arg(long)]
    user: bool,
}

impl Whose {
    const fn scope(self) -> Scope {
        if self.user {
            Scope::User
        } else {
            Scope::System
        }
    }
}

/// Carries out a command on the service.
pub(super) fn service(
    arguments: &Arguments,
    config: Option<&Path>,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let summary = match &arguments.command {
        Command::Install(whose) => {
            service::install(&Installation::of_this_program(whose.scope(), config)?)?
        }
        Command::Uninstall { whose, purge } => {
            let leftovers = if *purge {
                Leftovers::Purge
            } else {
                Leftovers::Keep
            };

            service::uninstall(whose.scope(), leftovers)?
        }

        Command::Start {
            whose,
            if_configured: true,
        } => start_if_configured(whose.scope(), config)?,
        Command::Start { whose, .. } => service::start(whose.scope(), config)?,
        Command::Stop(whose) => service::stop(whose.scope())?,
        Command::Restart(whose) => service::restart(whose.scope(), config)?,
        Command::SetToken(whose) => service::store_token(
            whose.scope(),
            config,
            &token_from_input("kado service set-token")?,
        )?,
        Command::Status { whose, json } => {
            return print_status(
                &service::status(whose.scope())?,
                OutputForm::of_flag(*json),
                out,
            );
        }
    };

    print_summary(&summary, out)?;
    Ok(Exit::Done)
}

/// Starts the service; an installer goes on without where the machine is not configured yet.
fn start_if_configured(scope: Scope, config: Option<&Path>) -> Result<Summary, ServiceError> {
    let problem = match service::start(scope, config) {
        Err(ServiceError::NotConfigured(problem)) => problem,
        result => return result,
    };

    let file = places(scope)
        .map(|places| places.config.display().to_string())
        .unwrap_or_default();
    Ok(Summary {
        done: vec!["not started: there is nothing to watch yet".to_owned()],
        next: vec![format!(
            "set `watch` in `{file}`, then run `kado service start{}` ({problem})",
            service::flag(scope)
        )],
    })
}

fn print_status(
    status: &ServiceStatus,
    form: OutputForm,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    if form == OutputForm::Json {
        json::print(status, out)?;
    } else {
        let running = match status.pid {
            Some(pid) => format!("yes, process {pid}"),
            None => yes_or_no(status.running).to_owned(),
        };

        fact(out, "Service", status.scope.to_string())?;
        fact(out, "Installed", yes_or_no(status.installed))?;
        fact(out, "Starts itself", yes_or_no(status.enabled))?;
        fact(out, "Running", running)?;
        fact(out, "State", status.detail.to_string())?;
        fact(out, "Account", status.account.to_string())?;
        fact(out, "Defined by", status.definition.to_string())?;
        fact(out, "Configuration", status.config.display().to_string())?;
        fact(out, "State folder", status.state.display().to_string())?;
        fact(out, "Log folder", status.logs.display().to_string())?;
    }

    // Scripts ask with this command whether the service runs.
    Ok(if status.running {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

const fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// What a command did, and what is left to a person.
pub(super) fn print_summary(summary: &Summary, out: &mut Screen<'_>) -> anyhow::Result<()> {
    if summary.done.is_empty() {
        out.sentence(0, "nothing to do: everything is as asked already")?;
    }
    for done in &summary.done {
        out.sentence(4, done)?;
    }

    if !summary.next.is_empty() {
        writeln!(out, "\nnext:")?;
    }
    for next in &summary.next {
        out.sentence(4, &format!("  • {next}"))?;
    }
    Ok(())
}
