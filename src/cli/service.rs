//! `kado service`: the service of the system or of the user. The same words and results on every
//! system.

use std::io::{Read as _, Write};
use std::path::Path;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};

use crate::cli::error::UsageError;
use crate::cli::json;
use crate::config::paths::places;
use crate::exit::Exit;
use crate::secrets;
use crate::service::{self, Installation, Leftovers, Scope, ServiceError, ServiceStatus, Summary};

/// Longest token that is read, in bytes; whatever is longer is something else.
const LONGEST: u64 = 16 * 1024;

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
    out: &mut dyn Write,
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
        Command::SetToken(whose) => {
            service::store_token(whose.scope(), config, &token_from_input()?)?
        }
        Command::Status { whose, json } => {
            return print_status(&service::status(whose.scope())?, *json, out);
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

/// The token: everything on standard input but the white space around it.
fn token_from_input() -> anyhow::Result<SecretString> {
    // Never an argument, which every list of processes would show.
    // One byte more than the limit shows that there is too much.
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    let is_too_long = u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST);

    let found = match secrets::token_in(&bytes) {
        _ if is_too_long => format!("holds more than {LONGEST} bytes"),
        Ok(token) if token.expose_secret().is_empty() => "is empty".to_owned(),
        Ok(token) => return Ok(token),
        Err(misfit) => misfit.to_string(),
    };
    Err(UsageError(format!(
        "standard input must hold a token and nothing else, such as `kado service set-token < \
         FILE`; it {found}"
    ))
    .into())
}

fn print_status(status: &ServiceStatus, json: bool, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if json {
        json::print(status, out)?;
    } else {
        let running = match status.pid {
            Some(pid) => format!("yes, process {pid}"),
            None => yes_or_no(status.running).to_owned(),
        };

        writeln!(out, "Service        {}", status.scope)?;
        writeln!(out, "Installed      {}", yes_or_no(status.installed))?;
        writeln!(out, "Starts itself  {}", yes_or_no(status.enabled))?;
        writeln!(out, "Running        {running}")?;
        writeln!(out, "State          {}", status.detail)?;
        writeln!(out, "Account        {}", status.account)?;
        writeln!(out, "Defined by     {}", status.definition)?;
        writeln!(out, "Configuration  {}", status.config.display())?;
        writeln!(out, "State folder   {}", status.state.display())?;
        writeln!(out, "Log folder     {}", status.logs.display())?;
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
fn print_summary(summary: &Summary, out: &mut dyn Write) -> anyhow::Result<()> {
    if summary.done.is_empty() {
        writeln!(out, "nothing to do: everything is as asked already")?;
    }
    for done in &summary.done {
        writeln!(out, "{done}")?;
    }

    if !summary.next.is_empty() {
        writeln!(out, "\nnext:")?;
    }
    for next in &summary.next {
        writeln!(out, "  • {next}")?;
    }
    Ok(())
}
