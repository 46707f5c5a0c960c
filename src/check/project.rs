//! A Katalon project: its settings, its token, its mapped test cases; then what ADO says to them.

use std::path::Path;

use crate::check::connection::check_proxy;
use crate::check::folders::check_project_folders;
use crate::check::live::check_live;
use crate::check::mapped_ids::{Unverified, mapped_ids, report_no_ids};
use crate::check::outcomes::check_outcomes;
use crate::check::report::{CORRECT_SETTINGS, Report};
use crate::check::{katalon_upload, server};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::connect::Connections;
use crate::error_chain::chain;
use crate::katalon::id_source::IdSource;
use crate::katalon::project::Project;
use crate::katalon::run::{FileKind, RunOptions};
use crate::katalon::secret::ProjectToken;
use crate::katalon::settings::{AzureSettings, SendingRule};
use crate::plan::attachments;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plural::counted;
use crate::server::Server;
use crate::shell_word::shell_word;
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
    report.begin_project(root);
    let name = format!("project {}", root.display());
    let mut project = match workspace::read_project(root) {
        Ok(project) => project,
        Err(error) => {
            return report.wrong(
                name,
                chain(&error),
                "name the folder that holds the `.prj` file",
            );
        }
    };

    let own_file = ProjectFile::of(root, config);
    let overrides = config.overrides_over(root, &own_file);
    project.find_ids(&overrides.id_rule());

    report.fine(name, summary(&project));
    let unreadable = unreadable_settings(root);
    if let Some(why) = &unreadable {
        report.wrong(
            "settings",
            why.clone(),
            "until they can be read no run of this project is submitted",
        );
    }

    if unreadable.is_none() && is_switched_off(&project.settings) {
        let overrides = config.overrides_over(root, &ProjectFile::of(root, config));
        return check_switched_off(&project, &overrides, report);
    }
    check_end_of_settings(&project.settings, report);
    check_files(&project, unreadable.as_deref(), report);
    check_project_folders(root, unseen, report);
    check_project_file(&own_file, report);

    // No run is looked at, so what katalonc was told for one run has no say.
    let options = overrides::effective(&project.settings, &overrides, &RunOptions::default());
    // What stands in settings that cannot be read is not known, so nothing is missed in them.
    let server = match &unreadable {
        Some(_) if options.server_url.is_none() => None,
        _ => server_of(&options, report),
    };
    if let Some(server) = &server {
        check_proxy(server, &config.access(root), report);
    }
    if unreadable.is_none() {
        check_submission(&project.settings, &overrides, report);
    }
    katalon_upload::check_katalon_upload(&project, config, &overrides, &options, report);
    check_live(&project.settings, &overrides, report);
    check_token(&project, config, server.as_ref(), report);
    check_outcomes(&options.outcomes, report);
    check_attachments(&options, report);

    // Last, because what is wrong up to here often explains what fails there.
    let looked = match (server, server_checks) {
        (None, _) => Err(Unverified::NoServer),
        (Some(_), ServerChecks::Skip) => Err(Unverified::Offline),
        (Some(server), ServerChecks::Ask) => {
            server::check_server(&project, config, &options, server, report).await
        }
    };
    if let Err(why) = looked {
        check_unverified(&project, &why, report);
    }
}

fn summary(project: &Project) -> String {
    let mapped = project
        .test_cases
        .iter()
        .filter(|case| case.azure_ids.is_some())
        .count();

    let mut summary = format!(
        "{}: {}, {mapped} with ADO ids",
        project.name,
        counted(project.test_cases.len(), "test case")
    );
    for source in IdSource::ALL {
        let found = project
            .test_cases
            .iter()
            .filter(|case| case.azure_ids.is_some() && case.source == source)
            .count();
        if found > 0 && !source.is_integration() {
            summary.push_str(&format!(", {found} of them by its {}", source.word()));
        }
    }
    summary
}

/// Why the project's settings cannot be read: such a project looks as if it had none.
fn unreadable_settings(root: &Path) -> Option<String> {
    let error = workspace::read_azure_settings(root).err()?;
    Some(chain(&error))
}

/// Whether the integration is switched off on purpose, for which the settings have to be whole.
const fn is_switched_off(settings: &AzureSettings) -> bool {
    !settings.enabled && settings.damage.is_none()
}

/// A project that nobody wants to be submitted: what else its settings say is nobody's mistake.
fn check_switched_off(project: &Project, overrides: &Overrides, report: &mut Report) {
    // Half of all projects have such a file, and one that was cut to nothing looks the same.
    let what = if project.settings.is_missing {
        "not set up in Katalon, whose file of settings is missing, so nothing of this project is \
         submitted and nothing else of it is looked at"
    } else if project.settings.is_blank {
        "not set up in Katalon, whose file of settings is empty, so nothing of this project is \
         submitted and nothing else of it is looked at"
    } else {
        "switched off in Katalon, so nothing of this project is submitted and nothing else of it \
         is looked at"
    };
    report.off(
        "integration",
        what,
        format!(
            "`kado setup {}` switches it on, or do it {SETTINGS_PAGE}",
            shell_word(project.root.display())
        ),
    );

    // Whoever says that Katalon submits does not want nobody to.
    if overrides.katalon_submits == Some(KatalonSubmits::Always) {
        katalon_upload::check_left_to_katalon(&project.settings, overrides, report);
    }
}

/// Whether Katalon's file of settings has its end.
fn check_end_of_settings(settings: &AzureSettings, report: &mut Report) {
    if let Some(cut) = settings.told_cut() {
        report.wrong(
            "settings",
            cut,
            format!(
                "until they are saved again {SETTINGS_PAGE}, or the file is mended, the runs of this \
                 project are parked"
            ),
        );
        return;
    }

    if let Some(doubt) = settings.told_doubt() {
        report.note(
            "settings",
            doubt,
            format!("unless that is on purpose, save them again {SETTINGS_PAGE}"),
        );
    }
}

/// What the files of the project have that kado could not use, but for what was told already.
fn check_files(project: &Project, told: Option<&str>, report: &mut Report) {
    // Whether its token is missed is said where it is looked at.
    let of_token = project.settings.token.warning();
    for warning in project.warnings.iter().chain(&project.settings.warnings) {
        let is_told = Some(warning.as_str()) == told
            || Some(warning) == of_token.as_ref()
            || Some(warning) == project.settings.cut.as_ref();
        if !is_told {
            report.note("files", warning.clone(), "");
        }
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

            if let Some(remark) = server.remark_on_host() {
                report.note("server", remark, "");
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
fn check_submission(settings: &AzureSettings, overrides: &Overrides, report: &mut Report) {
    if settings.enabled {
        report.fine("integration", "switched on");
    } else {
        // On purpose it would be switched off in settings that are whole.
        report.wrong(
            "integration",
            "the settings do not say that it is switched on, so nothing of this project is \
             submitted",
            format!("look at it {SETTINGS_PAGE}"),
        );
    }

    // Where Katalon submits, its automatic submission is looked at with all else that it needs.
    let left_to_katalon = overrides.katalon_submits == Some(KatalonSubmits::Always);
    if !left_to_katalon && !overrides::auto_submit(settings, overrides) {
        report.off(
            "automatic submission",
            "off: runs are listed as ignored",
            "`submit.auto_submit = true` switches it on; `kado submit FOLDER` submits single runs",
        );
    }
}

/// The project's own token, unless that of the machine is taken in its place.
fn check_token(project: &Project, config: &Config, server: Option<&Server>, report: &mut Report) {
    let ProjectToken::Undecryptable(why) = &project.settings.token else {
        return;
    };
    let name = "token of the project";
    let detail = format!("cannot be decrypted: {why}");

    let taken = server.and_then(|server| {
        Connections::default().source_before_project(config, &project.root, server)
    });
    match taken {
        Some(source) => report.note(
            name,
            format!("{detail}; it is not needed, because {source} is taken for this server"),
            "",
        ),
        None => report.wrong(name, detail, format!("enter it again {SETTINGS_PAGE}")),
    }
}

/// What can be said of the mapped ids without Azure DevOps, and that nobody verified them.
fn check_unverified(project: &Project, why: &Unverified, report: &mut Report) {
    if mapped_ids(project, report).is_empty() {
        return report_no_ids(&project.root, report);
    }
    report.not_looked_at("mapped ids", why, why.way_out());
}

fn check_attachments(options: &Options, report: &mut Report) {
    let is_any = !options.attachments.kinds.is_empty();
    if is_any && options.attachments.when == SendingRule::Failed {
        report.fine(
            "attachments",
            format!("{} (`submit.attach`)", attachments::ONLY_OF_FAILED),
        );
    }

    if options.attachments.kinds.contains(&FileKind::Log) {
        report.note(
            "attachments",
            "execution logs are sent as Katalon wrote them; they can hold test data and secrets \
             that tests typed",
            "`submit.attachments` without \"LOG\" keeps them here",
        );
    }
}
