//! `kado map`: shows, enters and proposes the ADO ids of a project's test cases. The work is done
//! by `mapping`; here are its options, tables and sentences.
//!
//! What is written is a `.tc` file of the project, and only by `set`, `clear`, `import` and
//! `suggest --apply`; each of them lists the files that it changed.

mod changing;
mod listing;
mod set;
mod suggest;
mod table_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::ado::AdoClient;
use crate::cli::plain::plain;
use crate::cli::runtime::runtime;
use crate::cli::tell::tell;
use crate::cli::terminal::Screen;
use crate::config::Config;
use crate::exit::Exit;
use crate::mapping::{AdoCases, CaseScope, MappedProject, NoAnswer, chosen_root};

/// Arguments of `kado map`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every test case with its ids, their titles, states and test points, and what is missing
    List(listing::Arguments),
    /// Give a test case its ids
    Set(set::SetArguments),
    /// Take the ids away from test cases
    Clear(set::ClearArguments),
    /// Propose ids for the test cases that have none, and with --apply write the sure ones
    Suggest(suggest::Arguments),
    /// Write all test cases with their ids into a table for spreadsheets
    Export(table_file::ExportArguments),
    /// Give test cases the ids of a table; with an error in it nothing is written
    Import(table_file::ImportArguments),
    /// Verify every id: a test case of the ADO project, with a point in the test plan
    Verify(listing::Arguments),
}

/// Which project is meant.
#[derive(Debug, Args)]
struct ProjectArgument {
    /// The project's folder; default: that of the working folder, else the only watched one
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
}

impl ProjectArgument {
    fn read(&self, config: &Config) -> Result<MappedProject, NoAnswer> {
        let named = self.project.as_deref().map(absolute);
        let root = chosen_root(named.as_deref(), config)?;
        MappedProject::read(&root, config)
    }
}

/// A path that leads to the same place from everywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Maps.
pub(super) fn map(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    match &arguments.command {
        Command::List(arguments) => listing::list(arguments, config, out),
        Command::Set(arguments) => set::set(arguments, config, out),
        Command::Clear(arguments) => set::clear(arguments, config, out),
        Command::Suggest(arguments) => suggest::suggest(arguments, config, out),
        Command::Export(arguments) => table_file::export(arguments, config, out),
        Command::Import(arguments) => table_file::import(arguments, config, out),
        Command::Verify(arguments) => listing::verify(arguments, config, out),
    }
}

/// Ends a command with an error that has an exit code of its own.
fn refused(error: &NoAnswer) -> Exit {
    failed(&error.to_string(), error.exit())
}

fn failed(reason: &str, exit: Exit) -> Exit {
    tell_error(reason);
    exit
}

fn tell_error(reason: &str) {
    tell(&format!("error: {}", plain(reason)));
}

fn warn(what: &str) {
    tell(&format!("warning: {}", plain(what)));
}

/// Asks ADO for the test cases of `scope`, and for those with these ids.
fn ask(
    project: &MappedProject,
    config: &Config,
    ids: &[u32],
    scope: CaseScope,
) -> anyhow::Result<Result<AdoCases, NoAnswer>> {
    let runtime = runtime()?;
    Ok(
        connection(project, config).and_then(|(client, ado_project)| {
            let plans = &project.options.plans;
            runtime.block_on(AdoCases::ask(&client, ado_project, plans, ids, scope))
        }),
    )
}

fn connection<'a>(
    project: &'a MappedProject,
    config: &Config,
) -> Result<(Arc<AdoClient>, &'a str), NoAnswer> {
    let ado_project = project.ado_project()?;
    Ok((project.connect(config)?, ado_project))
}

/// The way to the command for ids that are missing, with the project.
fn way_to_suggest(project: &MappedProject) -> String {
    crate::mapping::suggest_command(&project.katalon.root)
}
