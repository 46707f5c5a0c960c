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
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plural::counted;
use crate::server::Server;
use crate::watch::WatchProblems;
use crate::workspace;

/// Where Katalon keeps what mends most of what is found here.
const SETTINGS_PAGE: &str = "in Katalon under Project > Settings > Integrations > Azure DevOps";

/// Whether ADO is asked about a project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ServerChecks {
    Ask,
    /// `--offline`
    Skip,
}

/// Looks at a project; `unseen` has what the search for its runs did not see.
pub(crate) async fn check_project(
    root: &Path,
    unseen: &WatchProblems,
    config: &Config,
    server_checks: ServerChecks,
    report: &mut Report,
) {
    let name = format!("project {}", root.display());
    let project = match workspace::read_project(root) {
        Ok(project) => project,
        Err(error) => {
            return report.wrong(
                name,
                chain(&error),
                "name the folder that holds the `.prj` file",
            );
        }
    };

    report.fine(name, summary(&project));
    check_files(&project, report);
    check_project_folders(root, unseen, report);

    let own_file = ProjectFile::of(root, config);
    check_project_file(&own_file, report);

    let overrides = config.overrides_over(root, &own_file);

    // No run is looked at, so what katalonc was told for one run has no say.
    let options = overrides::effective(&project.settings, &overrides, &RunOptions::default());
    let server = server_of(&options, report);
    if let Some(server) = &server {
        check_proxy(server, &config.access(root), report);
    }
    check_integration(&project, &overrides, report);
    katalon_upload::check_katalon_upload(&project, config, &overrides, &options, report);
    check_token(&project.settings.token, report);
    check_outcomes(&options.outcomes, report);
    check_attachments(&options, report);

    // Last, because what is wrong up to here often explains what fails there.
    if let Some(server) = server
        && server_checks == ServerChecks::Ask
    {
        server::check_server(&project, config, &options, server, report).await;
    }
}

fn summary(project: &Project) -> String {
    let mapped = project
        .test_cases
        .iter()
        .filter(|case| case.azure_ids.is_some())
        .count();

    format!(
        "{}: {}, {mapped} with ADO ids",
        project.name,
        counted(project.test_cases.len(), "test case")
    )
}

/// What the files of the project have that kado could not use.
fn check_files(project: &Project, report: &mut Report) {
    for warning in project.warnings.iter().chain(&project.settings.warnings) {
        report.note("files", warning.clone(), "");
    }

    for case in &project.test_cases {
        for warning in &case.warnings {
            // A run leaves out a test whose ids cannot be known.
            if case.damage.is_some() {
                report.wrong("files", warning.clone(), "mend the file of the test case");
            } else {
                report.note("files", warning.clone(), "");
            }
        }
    }
}

/// The server that the project is integrated with, as far as its URL names one.
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
                    "it works as it is; the shorter one belongs in Katalon's Azure DevOps settings",
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
fn check_project_file(file: &ProjectFile, report: &mut Report) {
    let name = "kado.toml of the project";

    if let Some(problem) = file.problem() {
        report.wrong(
            name,
            problem,
            "until it is corrected the runs of this project are parked",
        );
    }
    for warning in &file.warnings {
        report.note(name, warning.clone(), "");
    }
}

/// Whether runs of the project are submitted by themselves.
fn check_integration(project: &Project, overrides: &Overrides, report: &mut Report) {
    if project.settings.enabled {
        report.fine("integration", "switched on");
    } else {
        report.wrong(
            "integration",
            "switched off, so nothing of this project is submitted",
            format!("switch it on {SETTINGS_PAGE}"),
        );
    }

    // Where Katalon submits, its automatic submission is looked at with all else that it needs.
    let left_to_katalon = overrides.katalon_submits == Some(KatalonSubmits::Always);
    if !left_to_katalon && !overrides::auto_submit(&project.settings, overrides) {
        report.note(
            "automatic submission",
            "off: runs are listed as ignored",
            "`submit.auto_submit = true` switches it on; `kado submit FOLDER` submits single runs",
        );
    }
}

fn check_token(token: &ProjectToken, report: &mut Report) {
    if let ProjectToken::Undecryptable(why) = token {
        report.wrong(
            "token of the project",
            format!("cannot be decrypted: {why}"),
            format!("enter it again {SETTINGS_PAGE}"),
        );
    }
}

fn check_attachments(options: &Options, report: &mut Report) {
    if options.attachments.kinds.contains(&FileKind::Log) {
        report.note(
            "attachments",
            "execution logs are sent as Katalon wrote them; they can hold test data and secrets \
             that tests typed",
            "`submit.attachments` without \"LOG\" keeps them here",
        );
    }
}
