//! A Katalon project: its settings, its token, its mapped test cases; then what ADO says to them.

use std::path::Path;

use crate::check::connection::check_proxy;
use crate::check::folders::check_project_folders;
use crate::check::outcomes::check_outcomes;
use crate::check::report::{CORRECT_SETTINGS, Report};
use crate::check::{katalon_upload, server};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::error_chain::chain;
use crate::katalon::project::Project;
use crate::katalon::run::{FileKind, RunOptions};
use crate::katalon::secret::ProjectToken;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits};
use crate::server::Server;
use crate::workspace;

/// Looks at a project; with `offline` nothing is asked of ADO.
pub(crate) async fn check_project(
    root: &Path,
    config: &Config,
    offline: bool,
    report: &mut Report,
) {
    let name = format!("project {}", root.display());
    let project = match workspace::read_project(root) {
        Ok(project) => project,
        Err(error) => {
            return report.wrong(
                name,
                chain(&error),
                "give the folder that holds the `.prj` file",
            );
        }
    };
    let mapped = project
        .test_cases
        .iter()
        .filter(|case| case.azure_ids.is_some())
        .count();
    report.fine(
        name,
        format!(
            "{}: {} test cases, {mapped} with ADO ids",
            project.name,
            project.test_cases.len()
        ),
    );
    let of_cases = project.test_cases.iter().flat_map(|case| &case.warnings);
    for warning in project
        .warnings
        .iter()
        .chain(&project.settings.warnings)
        .chain(of_cases)
    {
        report.note("files", warning.clone(), "");
    }
    check_project_folders(root, report);
    let own = ProjectFile::of(root, config);
    project_file(&own, report);
    let overrides = config.overrides_over(root, &own);
    let options = overrides::effective(&project.settings, &overrides, &RunOptions::default());
    let server = server_of(&options, report);
    if let Some(server) = &server {
        check_proxy(server, &config.access(root), report);
    }
    integration(&project, config, &options, report);
    if let Some(server) = server.filter(|_| !offline) {
        server::check_server(&project, config, &options, server, report).await;
    }
}

/// The server that the project is integrated with, as far as its URL tells.
fn server_of(options: &Options, report: &mut Report) -> Option<Server> {
    let Some(url) = &options.server_url else {
        report.wrong("server", "none is set", CORRECT_SETTINGS);
        return None;
    };
    match Server::parse(url) {
        Ok(server) => {
            if let Some(remark) = server.remark() {
                report.note(
                    "server",
                    remark,
                    "it works as it is; the shorter one belongs into Katalon's Azure DevOps settings",
                );
            }
            Some(server)
        }
        Err(error) => {
            report.wrong("server", error.to_string(), CORRECT_SETTINGS);
            None
        }
    }
}

/// The project's own `kado.toml`.
fn project_file(own: &ProjectFile, report: &mut Report) {
    let name = "kado.toml of the project";
    if let Some(problem) = own.problem() {
        report.wrong(
            name,
            problem,
            "until it is corrected the runs of this project are parked",
        );
    }
    for warning in &own.warnings {
        report.note(name, warning.clone(), "");
    }
}

fn integration(project: &Project, config: &Config, options: &Options, report: &mut Report) {
    let settings = &project.settings;
    let overrides = config.overrides_over(&project.root, &ProjectFile::of(&project.root, config));
    const WHERE: &str = "in Katalon under Project > Settings > Integrations > Azure DevOps";
    if settings.enabled {
        report.fine("integration", "switched on");
    } else {
        report.wrong(
            "integration",
            "switched off, so nothing of this project is submitted",
            format!("switch it on {WHERE}"),
        );
    }
    let left_to_katalon = overrides.katalon_submits == Some(KatalonSubmits::Always);
    if !left_to_katalon && !overrides::auto_submit(settings, &overrides) {
        let hint =
            "`submit.auto_submit = true` switches it on; `kado submit FOLDER` submits single runs";
        report.note(
            "automatic submission",
            "off: runs are listed as ignored",
            hint,
        );
    }
    katalon_upload::own_submission(project, config, options, report);
    if let ProjectToken::Undecryptable(why) = &settings.token {
        report.wrong(
            "token of the project",
            format!("cannot be decrypted: {why}"),
            format!("enter it again {WHERE}"),
        );
    }
    check_outcomes(&options.outcomes, report);
    let rule = &options.attachments;
    if rule.kinds.contains(&FileKind::Log) {
        let detail = "execution logs are sent as Katalon wrote them; they can hold test data and secrets that tests typed";
        report.note(
            "attachments",
            detail,
            "`submit.attachments` without \"LOG\" keeps them here",
        );
    }
}
