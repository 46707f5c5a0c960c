//! `kado notify test`: sends a test by each way that `[notify]` names, and says whether it arrived.

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::cli::error::UsageError;
use crate::cli::runtime::runtime;
use crate::cli::terminal::{Piece, Screen, Tone};
use crate::config::Config;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::notifications::{self, Arrival};

/// Arguments of `kado notify`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a test by each way that `[notify]` of kado.toml names
    Test,
}

/// Sends what was asked for. A message that did not arrive makes the exit code 1, an address that
/// cannot be reached 4, and a configuration that names nobody 2.
pub(super) fn notify(
    arguments: &Arguments,
    config: Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Test => test(config, out),
    }
}

fn test(config: Config, out: &mut Screen<'_>) -> anyhow::Result<Exit> {
    if config.notify.is_none() {
        return Err(UsageError(
            "nobody is told of anything: kado.toml has no table `[notify]`; write one with \
             `webhook = \"https://…\"` or `command = [\"PROGRAM\"]`"
                .to_owned(),
        )
        .into());
    }

    let arrivals = runtime()?.block_on(notifications::send_test(&Arc::new(config)));
    if arrivals.is_empty() {
        out.sentence(
            0,
            "this system has neither journal nor Event Log, and kado.toml names no \
             `notify.webhook` and no `notify.command`: the service tells its own log",
        )?;
    }

    let mut exit = Exit::Done;
    for Arrival { way, result } in arrivals {
        match result {
            Ok(()) => {
                let arrived = Piece::toned(Tone::Good, "arrived");
                out.line(2, &[format!("{way}: ").into(), arrived])?;
            }
            Err(error) => {
                exit = exit.and(error.exit());
                out.sentence(2, &format!("{way}: {}", chain(&error)))?;
                out.sentence(4, &format!("  → {}", error.remedy()))?;
            }
        }
    }
    Ok(exit)
}
