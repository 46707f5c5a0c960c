//! `kado support`: a file for whoever helps, without a secret.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::check::ServerChecks;
use crate::cli::check;
use crate::cli::terminal::Screen;
use crate::clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::support::{self, Existing};
use crate::watch;

/// Arguments of `kado support`.
#[derive(Debug, Args)]
#[command(
    after_help = "It holds versions, kado.toml without secrets and comments, what `kado status` \
                  and `kado check` say, the newest 20 runs, the newest log files, and the names \
                  of environment variables. Names of folders, suites and test cases are in it: \
                  look through it before you hand it on."
)]
pub(super) struct Arguments {
    /// The file; default: kado-support-HOST-DAY.zip in this folder
    file: Option<PathBuf>,
    /// Ask nothing of Azure DevOps
    #[arg(long)]
    offline: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// Writes the file. One that would hold a secret is not kept, with exit code 1.
pub(super) fn support(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let file = arguments.file.clone().unwrap_or_else(default_name);
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };

    let server = if arguments.offline {
        ServerChecks::Skip
    } else {
        ServerChecks::Ask
    };

    let report = check::findings(config, server)?;
    let projects = watch::survey(&config.watch).projects;
    let bundle = support::collect(config, &projects, &report);
    bundle.write(&file, existing)?;

    writeln!(out, "{} holds:", file.display())?;
    for name in bundle.names() {
        writeln!(out, "  {name}")?;
    }
    out.sentence(
        0,
        "no secret of this machine is in it; names of folders, suites and test cases are",
    )?;
    Ok(Exit::Done)
}

fn default_name() -> PathBuf {
    // A name that another system chose may hold what is no part of a file's name here.
    let host: String = clock::host_name()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    PathBuf::from(format!("kado-support-{host}-{}.zip", clock::today()))
}
