//! `kado check`: each line of what was looked at, ok or not, with a hint.

mod people;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use people::Shown;

use crate::check::{
    Report, ServerChecks, check_machine, check_machine_server, check_project, check_watches,
};
use crate::cli::json;
use crate::cli::runtime::runtime;
use crate::cli::terminal::Screen;
use crate::config::{Config, paths};
use crate::exit::Exit;
use crate::watch::Survey;
use crate::{service, watch, workspace};

/// Arguments of `kado check`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A project folder; default: all projects below `watch`
    project: Option<PathBuf>,
    /// Ask nothing of Azure DevOps
    #[arg(long)]
    offline: bool,
    /// Show only what is wrong, off, or was not looked at
    #[arg(long, conflicts_with = "json")]
    problems: bool,
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
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    if arguments.as_service {
        return check_as_service(arguments, config);
    }

    let mut report = Report::default();
    match paths::load(config) {
        Ok(config) => look(arguments, &config, &mut report)?,
        // A configuration that cannot be used is a finding like others: scripts get their JSON.
        Err(error) => report.failed(
            "configuration",
            format!("{:#}", anyhow::Error::from(error)),
            "docs/configuration.md lists every key",
            Exit::Usage,
        ),
    }

    if arguments.json {
        let value = json!({ "ok": report.ok(), "checks": report.checks });
        json::print(&value, out)?;
    } else {
        let shown = if arguments.problems {
            Shown::Problems
        } else {
            Shown::All
        };
        people::print(&report, shown, out)?;
    }
    Ok(report.exit())
}

fn look(arguments: &Arguments, config: &Config, report: &mut Report) -> anyhow::Result<()> {
    // The machine and its folders come first: what is wrong there explains what fails below.
    let survey = watch::survey(&config.watch);
    check_machine(config, &survey, report);

    let projects = projects(arguments.project.as_deref(), &survey)?;
    if projects.is_empty() {
        report.wrong(
            "projects",
            "none found below the watched folders",
            "a Katalon project is a folder with a `.prj` file; `kado check FOLDER` checks one",
        );
    }
    check_watches(config, &projects, report);

    let runtime = runtime()?;
    let server_checks = if arguments.offline {
        ServerChecks::Skip
    } else {
        ServerChecks::Ask
    };

    // The checks of a project ask its server; where there is none yet, the machine's is asked.
    if projects.is_empty() && server_checks == ServerChecks::Ask {
        runtime.block_on(check_machine_server(config, report));
    }
    for project in projects {
        // One that is named need not lie in a watched folder.
        let unseen = watch::problems_of_project(&project);
        runtime.block_on(check_project(
            &project,
            &unseen,
            config,
            server_checks,
            report,
        ));
    }

    Ok(())
}

/// What looking at the machine and all its projects comes to.
pub(super) fn findings(config: &Config, server: ServerChecks) -> anyhow::Result<Report> {
    let arguments = Arguments {
        project: None,
        offline: server == ServerChecks::Skip,
        json: true,
        problems: false,
        as_service: false,
    };
    let mut report = Report::default();
    look(&arguments, config, &mut report)?;
    Ok(report)
}

/// What `kado check` says of the machine and its watched projects.
pub(super) fn print_all(config: &Config, out: &mut Screen<'_>) -> anyhow::Result<Exit> {
    let arguments = Arguments {
        project: None,
        offline: false,
        json: false,
        as_service: false,
        problems: false,
    };
    let mut report = Report::default();
    look(&arguments, config, &mut report)?;

    people::print(&report, Shown::All, out)?;
    Ok(report.exit())
}

/// The project that is named, or all projects of the watched folders.
fn projects(named: Option<&Path>, survey: &Survey) -> anyhow::Result<Vec<PathBuf>> {
    let Some(path) = named else {
        return Ok(survey.projects.clone());
    };

    // Where no project is, the check of the project says so.
    let path = std::path::absolute(path)?;
    Ok(vec![workspace::find_project_root(&path).unwrap_or(path)])
}

/// Has the same command carried out as the service sees the machine; it prints by itself.
fn check_as_service(arguments: &Arguments, config: Option<&Path>) -> anyhow::Result<Exit> {
    // The service has another working folder, so every path has to be absolute.
    let mut words = vec!["check".to_owned()];
    if let Some(config) = config {
        words.push("--config".to_owned());
        words.push(std::path::absolute(config)?.display().to_string());
    }

    if let Some(project) = &arguments.project {
        words.push(std::path::absolute(project)?.display().to_string());
    }
    if arguments.offline {
        words.push("--offline".to_owned());
    }
    if arguments.json {
        words.push("--json".to_owned());
    }
    if arguments.problems {
        words.push("--problems".to_owned());
    }

    let status = service::as_service(&words)?
        .status()
        .context("the command cannot be run as the service")?;
    status
        .code()
        .and_then(Exit::from_code)
        .context("the command that ran as the service did not end by itself")
}
