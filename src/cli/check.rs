//! `kado check`: each line of what was looked at, ok or not, with a hint.

mod people;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::check::{Report, check_machine, check_machine_server, check_project, check_watches};
use crate::cli::json;
use crate::cli::runtime::runtime;
use crate::config::paths;
use crate::exit::Exit;
use crate::{service, watch, workspace};

/// Arguments of `kado check`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A project folder; default: all projects below `watch`
    project: Option<PathBuf>,
    /// Ask nothing of Azure DevOps
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Look with the account, the token and the sandbox of the installed service; needs root
    #[arg(long)]
    as_service: bool,
}

/// Looks at the machine and its projects.
pub(super) fn check(
    arguments: &Arguments,
    config: Option<&Path>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if arguments.as_service {
        return check_as_service(arguments, config);
    }
    let mut report = Report::default();
    match paths::load(config) {
        Ok(config) => {
            check_machine(&config, &mut report);
            let projects = match &arguments.project {
                Some(path) => {
                    let path = std::path::absolute(path)?;
                    vec![workspace::find_project_root(&path).unwrap_or(path)]
                }
                None => watch::find_projects(&config.watch),
            };
            if projects.is_empty() {
                let hint = "a Katalon project is a folder with a `.prj` file; `kado check FOLDER` checks one";
                report.wrong("projects", "none found below the watched folders", hint);
            }
            check_watches(&config, &projects, &mut report);
            let runtime = runtime()?;
            if projects.is_empty() && !arguments.offline {
                runtime.block_on(check_machine_server(&config, &mut report));
            }
            for project in projects {
                runtime.block_on(check_project(
                    &project,
                    &config,
                    arguments.offline,
                    &mut report,
                ));
            }
        }
        Err(error) => {
            let hint = "docs/configuration.md lists every key";
            report.failed(
                "configuration",
                format!("{:#}", anyhow::Error::from(error)),
                hint,
                Exit::Usage,
            );
        }
    }
    if arguments.json {
        json::print(&json!({ "ok": report.ok(), "checks": report.checks }), out)?;
    } else {
        people::tell(&report, out)?;
    }
    Ok(report.exit())
}

/// Has the same command carried out as the service sees the machine; it prints by itself.
fn check_as_service(arguments: &Arguments, config: Option<&Path>) -> anyhow::Result<Exit> {
    let mut words = vec!["check".to_owned()];
    if let Some(config) = config {
        words.extend([
            "--config".to_owned(),
            std::path::absolute(config)?.display().to_string(),
        ]);
    }
    if let Some(project) = &arguments.project {
        words.push(std::path::absolute(project)?.display().to_string());
    }
    words.extend(arguments.offline.then(|| "--offline".to_owned()));
    words.extend(arguments.json.then(|| "--json".to_owned()));
    let ended = service::as_service(&words)?
        .status()
        .context("the command cannot be run as the service")?;
    ended
        .code()
        .and_then(Exit::from_code)
        .context("the command that ran as the service did not end by itself")
}
