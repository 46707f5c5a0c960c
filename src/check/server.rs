//! What ADO says: connection, project, plans, configurations, and every mapped id.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::ado::listing::DefinitionKind;
use crate::ado::scope::TokenScope;
use crate::ado::{AdoClient, AdoError};
use crate::check::connection::{Connection, check_connection, check_proxy, check_scopes};
use crate::check::coverage::{Coverage, PlanPoints};
use crate::check::definitions::check_definition;
use crate::check::folders::execution_profiles;
use crate::check::mapped_ids::{Unverified, check_mapped_ids};
use crate::check::mapping_rows::{self, Remark, Severity};
use crate::check::report::{CORRECT_SETTINGS, Report};
use crate::clock;
use crate::config::Config;
use crate::connect::{ConnectError, Connections};
use crate::katalon::project::Project;
use crate::katalon::settings::{ConfigurationRow, is_guid};
use crate::outbox::Store;
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::options::Options;
use crate::plan::plan_choice::PlanChoice;
use crate::plural::counted;
use crate::server::Server;

/// Configurations that a message names.
const SHOWN: usize = 100;

/// Asks the server that the project is integrated with.
///
/// # Errors
/// When it did not come to the mapped ids; what kept it from them is reported.
pub(super) async fn check_server(
    project: &Project,
    config: &Config,
    options: &Options,
    server: Server,
    report: &mut Report,
) -> Result<(), Unverified> {
    let connections = connections(config);
    let source = connections
        .source(config, Some(&project.root), &server)
        .unwrap_or_default();
    let client = connections.for_server(config, &project.root, server, options);
    let Some(client) = connected(client, report) else {
        return Err(Unverified::NotConnected);
    };
    if check_connection(&client, &source, report).await == Connection::Failed {
        return Err(Unverified::NotConnected);
    }

    let Some(name) = &options.project else {
        report.wrong(
            "ADO project",
            "none is set",
            "`kado list projects` shows them; set one with `kado setup PROJECT`, or in Katalon's \
             Azure DevOps settings",
        );
        return Err(Unverified::NoProject);
    };

    // Every further request names the project and would fail for the same reason.
    let Some(name) = check_ado_project(&client, name, report).await else {
        return Err(Unverified::NoProject);
    };

    check_scopes(&client, &name, &scopes(options), report).await;
    let looked = check_plans_and_ids(&client, &name, project, options, report).await;

    // The links last: a definition that cannot be read costs no result.
    check_links(&client, &name, options, report).await;
    looked
}

/// The scopes that submitting a run of the project needs.
fn scopes(options: &Options) -> Vec<TokenScope> {
    // Without those for builds and releases only the link is missing: `check_links` asks.
    let mut scopes = vec![TokenScope::TestWrite, TokenScope::Work];
    if options.automation.is_some() {
        scopes.push(TokenScope::WorkWrite);
    }
    scopes
}

/// "Fetch Project": whether the project is there, and what it is called; `None` when nothing of it
/// can be asked for. A token that may not read projects can submit all the same.
async fn check_ado_project(client: &AdoClient, name: &str, report: &mut Report) -> Option<String> {
    let answer = client.project(name).await;

    // The scope for projects is not needed for anything else.
    client.forget_refusal();
    match answer {
        Ok(project) => {
            let detail = format!("{} ({})", project.name, project.id);
            let is_meant = is_guid(name) || project.name.to_lowercase() == name.to_lowercase();
            if is_meant {
                report.fine("ADO project", detail);
            } else {
                report.note(
                    "ADO project",
                    format!(
                        "{detail}; Katalon's settings say `{name}`, it is called `{}` now",
                        project.name
                    ),
                    "it is found by its GUID, so nothing is lost; fetch the project anew in \
                     Katalon's Azure DevOps settings",
                );
            }
            Some(project.name)
        }

        Err(AdoError::CredentialsRefused { .. }) => {
            report.note(
                "ADO project",
                format!("{name}; the token may not read projects, so it cannot be verified"),
                "submitting does not need it; `kado list projects` needs the scope Project and \
                 Team (read)",
            );
            Some(name.to_owned())
        }

        Err(error) => {
            report.ado_failed("ADO project", &error);
            None
        }
    }
}

/// Asks the machine's own server, where there is no project yet to ask for.
pub(crate) async fn check_machine_server(config: &Config, report: &mut Report) {
    let Some(url) = &config.machine.overrides.server_url else {
        return;
    };

    // kado.toml with such a URL is refused when it is read, so this is never met.
    let Ok(server) = Server::parse(url) else {
        return;
    };
    check_proxy(&server, &config.machine.access, report);

    let connections = connections(config);
    let source = connections
        .source(config, None, &server)
        .unwrap_or_default();
    if let Some(client) = connected(connections.for_machine(config, server), report) {
        check_connection(&client, &source, report).await;
    }
}

/// Connections that know which tokens worked before, as far as this account may read that.
fn connections(config: &Config) -> Connections {
    let connections = Connections::default();
    if let Ok(Some(store)) = Store::open_to_read(&config.state_dir)
        && let Ok(kept) = store.worked_tokens()
    {
        connections.worked_tokens().remember(kept);
    }
    connections
}

/// The client; why there is none is reported.
fn connected(
    client: Result<Arc<AdoClient>, ConnectError>,
    report: &mut Report,
) -> Option<Arc<AdoClient>> {
    match client {
        Ok(client) => return Some(client),
        Err(ConnectError::Ado(error)) => report.ado_failed("server", &error),
        // Told where the project's settings are looked at.
        Err(ConnectError::Undecryptable { .. }) => {}
        Err(error) => report.failed("token", error.to_string(), "", error.exit()),
    }
    None
}

/// Whether the test plans can be read, and whether every mapped id has its points in them.
async fn check_plans_and_ids(
    client: &AdoClient,
    name: &str,
    project: &Project,
    options: &Options,
    report: &mut Report,
) -> Result<(), Unverified> {
    let rows = mapping(project, options);

    // A refusal is remembered for the token, and here each scope is looked at by itself.
    if project.settings.lost_rows {
        report.wrong(
            "test configurations",
            "not all rows of the mapping can be read (`files` says why), so it is not known which \
             test points runs meet by the others",
            CORRECT_SETTINGS,
        );
    }
    let names = if rows.is_empty() && project.settings.lost_rows {
        BTreeMap::new()
    } else {
        check_configurations(client, name, &rows, report).await
    };
    client.forget_refusal();
    let plan_ids = check_named_plans(client, name, &options.plans, report).await;
    let plans = check_plans(client, name, &plan_ids, report).await;
    client.forget_refusal();

    // Without points every id would look as if it had none.
    if plans.is_empty() {
        return Err(Unverified::NoPlan);
    }

    // A row that never matches wants no points.
    let matching: Vec<&ConfigurationRow> = rows
        .iter()
        .filter(|row| !row.never_matches())
        .map(|row| row.row)
        .collect();
    let mut coverage = Coverage::new(&plans, &plan_ids, options.multiple_points, &matching, names);
    if project.settings.lost_rows {
        coverage = coverage.without_all_rows();
    }

    // One that was renamed goes by its GUID, which no work item is compared with.
    let address = client.address_of(name);
    check_mapped_ids(client, &address, project, &coverage, report).await;
    Ok(())
}

/// A row of the mapping, and what is to be said of it.
struct MappingRow<'a> {
    row: &'a ConfigurationRow,
    remark: Option<Remark>,
}

impl MappingRow<'_> {
    fn never_matches(&self) -> bool {
        self.remark
            .as_ref()
            .is_some_and(|remark| remark.severity == Severity::NeverMatches)
    }
}

fn mapping<'a>(project: &Project, options: &'a Options) -> Vec<MappingRow<'a>> {
    let profiles = execution_profiles(&project.root);
    let remarks = mapping_rows::remarks(&options.configuration_rows, &profiles);

    options
        .configuration_rows
        .iter()
        .zip(remarks)
        .map(|(row, remark)| MappingRow { row, remark })
        .collect()
}

/// Whether the configurations of the mapping exist. Gives their names by id; none where nobody had
/// to ask, or ADO did not say.
async fn check_configurations(
    client: &AdoClient,
    project: &str,
    rows: &[MappingRow<'_>],
    report: &mut Report,
) -> BTreeMap<u32, String> {
    if rows.is_empty() {
        report.note(
            "test configurations",
            "no mapping is set: points are not filtered by configuration",
            "a test case with points in several configurations then needs `multiple points` to be \
             allowed",
        );
        return BTreeMap::new();
    }

    let configurations = match client.configurations(project).await {
        Ok(configurations) => configurations,
        Err(error) => {
            report.ado_failed("test configurations", &error);
            return BTreeMap::new();
        }
    };

    let names: BTreeMap<u32, String> = configurations
        .into_iter()
        .map(|configuration| (configuration.id, configuration.name))
        .collect();
    for row in rows {
        check_mapping_row(row, project, &names, report);
    }
    names
}

fn check_mapping_row(
    row: &MappingRow<'_>,
    project: &str,
    names: &BTreeMap<u32, String>,
    report: &mut Report,
) {
    let title = format!("mapping {}", mapping_rows::title(row.row));
    let id = row.row.configuration_id;

    let Some(name) = names.get(&id) else {
        return report.wrong(
            title,
            format!("configuration {id} does not exist in project {project}"),
            format!("the project has {}", listed(names)),
        );
    };

    let detail = format!("configuration {id} ({name})");
    let Some(remark) = &row.remark else {
        return report.fine(title, detail);
    };
    let detail = format!("{detail}; {}", remark.finding);
    match remark.severity {
        Severity::HardlyMatches => report.note(title, detail, remark.hint),
        Severity::NeverMatches => report.wrong(title, detail, remark.hint),
    }
}

/// The first configurations of a project, and how many more there are.
fn listed(names: &BTreeMap<u32, String>) -> String {
    let mut list: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|(id, name)| format!("{id} ({name})"))
        .collect();

    if names.len() > SHOWN {
        list.push(format!("… and {} more", names.len() - SHOWN));
    }
    list.join(", ")
}

/// Which test plans are meant now, by their ids, names or descriptions.
async fn check_named_plans(
    client: &AdoClient,
    project: &str,
    choices: &[PlanChoice],
    report: &mut Report,
) -> Vec<u32> {
    if choices.is_empty() {
        report.wrong("test plan", "none is set", CORRECT_SETTINGS);
    }

    let is_open = choices.iter().any(|choice| choice.id().is_none());
    let known = if is_open {
        match client.known_plans(project).await {
            Ok(known) => known,
            Err(error) => {
                report.ado_failed("test plans", &error);
                return choices.iter().filter_map(PlanChoice::id).collect();
            }
        }
    } else {
        Vec::new()
    };

    let mut ids = Vec::new();
    let mut unique = HashSet::new();
    for choice in choices {
        let title = format!("test plan `{choice}`");
        match choice.among(&known, project, clock::now()) {
            Ok(id) => {
                if choice.id().is_none() {
                    report.fine(title, format!("is test plan {id} now"));
                }
                if unique.insert(id) {
                    ids.push(id);
                }
            }
            Err(problem) => report.wrong(
                title,
                problem.to_string(),
                "correct `submit.test_plans` in kado.toml; `kado list plans` shows what this token \
                 can see",
            ),
        }
    }
    ids
}

/// Gives the plans that could be read, with their points.
async fn check_plans(
    client: &AdoClient,
    project: &str,
    plan_ids: &[u32],
    report: &mut Report,
) -> Vec<PlanPoints> {
    let mut plans = Vec::new();
    for plan_id in plan_ids.iter().copied() {
        let title = format!("test plan {plan_id}");
        let plan = match client.test_plan(project, plan_id).await {
            Ok(plan) => plan,
            Err(error) => {
                report.ado_failed(&title, &error);

                // As in a submission, a plan that cannot be read holds up only itself.
                continue;
            }
        };

        match client.points(project, plan_id).await {
            Ok(points) => {
                let count = counted(points.len(), "test point");
                report.fine(title, format!("{}: {count}", plan.name));
                plans.push(PlanPoints { plan_id, points });
            }
            Err(error) => report.ado_failed(&title, &error),
        }
    }
    plans
}

/// The definitions whose latest build and release a run is linked with.
async fn check_links(client: &AdoClient, project: &str, options: &Options, report: &mut Report) {
    if let Some(BuildChoice::LatestOf(id)) = options.build {
        check_definition(client, project, DefinitionKind::Build, id, None, report).await;
    }

    if let Some(ReleaseChoice::LatestOf { definition, stage }) = &options.release {
        check_definition(
            client,
            project,
            DefinitionKind::Release,
            *definition,
            stage.as_deref(),
            report,
        )
        .await;
    }
}
