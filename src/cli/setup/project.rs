//! `kado setup PROJECT`: the choices of Katalon's Azure DevOps settings.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::error::UsageError;
use crate::cli::setup::{Common, Manner};
use crate::exit::Exit;

/// Options of a project.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of a project")]
#[group(id = "project_options")]
pub(super) struct Options {
    /// The ADO project
    #[arg(long, value_name = "NAME")]
    project_name: Option<String>,
    /// A test plan; may be repeated
    #[arg(long, value_name = "ID")]
    plan: Vec<String>,
    /// The name of test runs
    #[arg(long, value_name = "NAME")]
    run_name: Option<String>,
    /// The outcome for a status of Katalon; may be repeated
    #[arg(long, value_name = "STATUS=OUTCOME")]
    status: Vec<String>,
    /// The test configuration for a system, browser and profile; may be repeated
    #[arg(long, value_name = "OS,BROWSER[,PROFILE]=ID")]
    map_configuration: Vec<String>,
    /// Which types of files are attached
    #[arg(long, value_name = "TYPES")]
    attachments: Option<String>,
    /// Of which runs files are attached
    #[arg(long, value_name = "WHICH")]
    attach: Option<String>,
    /// Whether a test case with several test points gets a result in each
    #[arg(long, value_name = "BOOL")]
    multiple_points: Option<String>,
    /// The build definition whose latest build a test run is linked with
    #[arg(long, value_name = "ID")]
    build_definition: Option<String>,
    /// The release definition whose latest release a test run is linked with
    #[arg(long, value_name = "ID")]
    release_definition: Option<String>,
    /// Write the project's own kado.toml in place of Katalon's settings file
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl Options {
    /// Which of them were given, as they are written.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let all = [
            ("--project-name", self.project_name.is_some()),
            ("--plan", !self.plan.is_empty()),
            ("--run-name", self.run_name.is_some()),
            ("--status", !self.status.is_empty()),
            ("--map-configuration", !self.map_configuration.is_empty()),
            ("--attachments", self.attachments.is_some()),
            ("--attach", self.attach.is_some()),
            ("--multiple-points", self.multiple_points.is_some()),
            ("--build-definition", self.build_definition.is_some()),
            ("--release-definition", self.release_definition.is_some()),
            ("--to", self.to.is_some()),
        ];

        let mut given = Vec::new();
        for (name, is_given) in all {
            if is_given {
                given.push(name);
            }
        }
        given
    }
}

/// Sets up the project at `folder`.
pub(super) fn setup(
    folder: &Path,
    _options: &Options,
    _common: &Common<'_>,
    _manner: &Manner,
    _out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    Err(UsageError(format!(
        "this version does not set up projects (`{}`); Katalon's Azure DevOps settings do, and \
         docs/configuration.md has the same keys for kado.toml",
        folder.display()
    ))
    .into())
}
