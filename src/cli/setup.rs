//! `kado setup`: a machine, or with a project that project, from nothing to the first run that is
//! submitted. `setup` in the library knows what is written; here are the options and the questions.
//!
//! Everything is asked and looked at before anything is written. With `--unattended` nothing is
//! asked, and all that is missing is named at once (exit code 2).

mod dialogue;
mod machine;
mod project;

use std::path::{Path, PathBuf};

use clap::Args;

use dialogue::Dialogue;

use crate::cli::error::UsageError;
use crate::cli::terminal::Screen;
use crate::exit::Exit;

/// Arguments of `kado setup`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A Katalon project, to set that up; without it this machine
    project: Option<PathBuf>,
    /// Ask nothing; what is missing is named, with exit code 2
    #[arg(long)]
    unattended: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The organization or collection, as the browser shows it
    #[arg(long, value_name = "URL")]
    server_url: Option<String>,
    /// Read the token from standard input
    #[arg(long)]
    token_stdin: bool,
    #[command(flatten)]
    of_machine: machine::MachineOptions,
    #[command(flatten)]
    of_project: project::ProjectOptions,
}

/// How the choices are made that no option made.
enum Manner {
    /// They are asked for.
    Ask(Dialogue),
    /// What can be left out is, and what cannot be is an error.
    Unattended,
}

/// Whether anything is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Writing {
    Real,
    /// What would be written is shown.
    Dry,
}

/// What the setup of a machine and that of a project have in common.
struct Common<'a> {
    server_url: Option<&'a str>,
    token: TokenInput,
    writing: Writing,
    /// `--config`.
    config: Option<&'a Path>,
}

/// Where the token comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TokenInput {
    /// `--token-stdin`.
    Standard,
    /// A prompt, where one is wanted at all.
    Prompt,
}

/// An option without which `--unattended` cannot go on.
struct Missing {
    /// As it is written, such as `--watch FOLDER`.
    option: &'static str,
    /// What it is for.
    what: &'static str,
}

/// The names of those options that were given.
fn named(options: &[(&'static str, bool)]) -> Vec<&'static str> {
    let mut given = Vec::new();
    for (name, is_given) in options {
        if *is_given {
            given.push(*name);
        }
    }
    given
}

/// Sets up.
pub(super) fn setup(
    arguments: &Arguments,
    config: Option<&Path>,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let common = Common {
        server_url: arguments.server_url.as_deref(),
        token: if arguments.token_stdin {
            TokenInput::Standard
        } else {
            TokenInput::Prompt
        },
        writing: if arguments.dry_run {
            Writing::Dry
        } else {
            Writing::Real
        },
        config,
    };

    match &arguments.project {
        Some(folder) => {
            refuse_others(
                &arguments.of_machine.given(),
                "sets up the machine: leave the project out",
            )?;
            project::setup(
                folder,
                &arguments.of_project,
                &common,
                &manner(arguments)?,
                out,
            )
        }
        None => {
            refuse_others(
                &arguments.of_project.given(),
                "sets up a project: name its folder, as in `kado setup FOLDER`",
            )?;
            machine::setup(&arguments.of_machine, &common, &manner(arguments)?, out)
        }
    }
}

fn manner(arguments: &Arguments) -> Result<Manner, UsageError> {
    if arguments.unattended {
        return Ok(Manner::Unattended);
    }
    Dialogue::at_terminal().map(Manner::Ask)
}

/// Refuses options of the other half, which would count for nothing.
fn refuse_others(given: &[&str], why: &str) -> Result<(), UsageError> {
    if given.is_empty() {
        return Ok(());
    }
    Err(UsageError(format!("`{}` {why}", given.join("`, `"))))
}

/// Names everything that is missing at once.
fn refuse_missing(missing: &[Missing]) -> Result<(), UsageError> {
    if missing.is_empty() {
        return Ok(());
    }

    let mut text = "`--unattended` asks nothing, and this is missing:".to_owned();
    for missing in missing {
        text.push_str(&format!("\n  {}: {}", missing.option, missing.what));
    }
    Err(UsageError(text))
}
