//! What ADO says: connection, project, plans, configurations, and every mapped id.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ado::listing::DefinitionKind;
use crate::ado::scope::Scope;
use crate::ado::{AdoClient, AdoError};
use crate::check::connection::{check_connection, check_proxy, check_scopes};
use crate::check::coverage::{PlanPoints, Situations};
use crate::check::definitions::check_definition;
use crate::check::folders::profiles;
use crate::check::mapped_ids;
use crate::check::mapping_rows::{self, Remark};
use crate::check::report::{CORRECT_SETTINGS, Report};
use crate::config::Config;
use crate::connect::{ConnectError, Connections};
use crate::katalon::project::Project;
use crate::katalon::settings::ConfigurationRow;
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::options::Options;
use crate::server::Server;

/// Asks the server that the project is integrated with.
pub(super) async fn check_server(
    project: &Project,
    config: &Config,
    options: &Options,
    server: Server,
    report: &mut Report,
) {
    let Some((client, source)) = connect(project, config, server, report) else {
        return;
    };
    if !check_connection(&client, &source, report).await {
        return;
    }
    let Some(name) = &options.project else {
        return report.wrong(
            "ADO project",
            "none is set",
            "`kado list projects` shows them; set one in Katalon's Azure DevOps settings",
        );
    };
    if !ado_project(&client, name, report).await {
        return;
    }
    let mut scopes = vec![Scope::TestWrite, Scope::Work];
    if options.automation.is_some() {
        scopes.push(Scope::WorkWrite);
    }
    check_scopes(&client, name, &scopes, report).await;
    let rows = judged_rows(project, options);
    let names = configurations(&client, name, &rows, report).await;
    client.forget_refusal();
    let plans = plans(&client, name, options, report).await;
    client.forget_refusal();
    if plans.is_empty() {
        report.note(
            "mapped ids",
            "not looked at: no test plan could be read",
            "",
        );
    } else {
        // A row that never matches wants no points.
        let live = rows
            .iter()
            .filter(|(_, remark)| !matches!(remark, Some(Remark::Never(..))));
        let live: Vec<_> = live.map(|(row, _)| *row).collect();
        let situations =
            Situations::new(&plans, options.multiple_points, &live, names).of(&options.plans);
        mapped_ids::check_ids(&client, name, project, &situations, report).await;
    }
    if let Some(BuildChoice::LatestOf(id)) = options.build {
        check_definition(&client, name, DefinitionKind::Build, id, None, report).await;
    }
    if let Some(ReleaseChoice::LatestOf { definition, stage }) = &options.release {
        check_definition(
            &client,
            name,
            DefinitionKind::Release,
            *definition,
            stage.as_deref(),
            report,
        )
        .await;
    }
}

/// "Fetch Project": whether the project is there. A token that may not read projects can submit all
/// the same.
async fn ado_project(client: &AdoClient, name: &str, report: &mut Report) -> bool {
    let found = client.project(name).await;
    client.forget_refusal();
    match found {
        Ok(found) => report.fine("ADO project", format!("{} ({})", found.name, found.id)),
        Err(AdoError::CredentialsRefused { .. }) => report.note(
            "ADO project",
            format!("{name}; the token may not read projects, so it cannot be verified"),
            "submitting does not need it; `kado list projects` needs the scope Project and Team (read)",
        ),
        Err(error) => {
            report.ado_failed("ADO project", &error);
            return false;
        }
    }
    true
}

/// Asks the machine's own server, where there is no project yet to ask for.
pub(crate) async fn check_machine_server(config: &Config, report: &mut Report) {
    let Some(url) = &config.machine.overrides.server_url else {
        return;
    };
    let Ok(server) = Server::parse(url) else {
        return;
    };
    check_proxy(&server, &config.machine.access, report);
    let connections = Connections::default();
    let source = connections
        .source(config, None, &server)
        .unwrap_or_default();
    if let Some(client) = connected(connections.for_machine(config, server), report) {
        check_connection(&client, &source, report).await;
    }
}

/// The client for the project's server, and where its credential comes from.
fn connect(
    project: &Project,
    config: &Config,
    server: Server,
    report: &mut Report,
) -> Option<(Arc<AdoClient>, String)> {
    let connections = Connections::default();
    let source = connections
        .source(config, Some(&project.root), &server)
        .unwrap_or_default();
    Some((
        connected(
            connections.for_server(config, &project.root, server),
            report,
        )?,
        source,
    ))
}

/// The client, or why there is none.
fn connected(
    client: Result<Arc<AdoClient>, ConnectError>,
    report: &mut Report,
) -> Option<Arc<AdoClient>> {
    match client {
        Ok(client) => return Some(client),
        Err(ConnectError::Ado(error)) => report.ado_failed("server", &error),
        Err(error) => report.wrong("token", error.to_string(), ""),
    }
    None
}

/// A row of the mapping, and what is to be said of it.
type JudgedRow<'a> = (&'a ConfigurationRow, Option<Remark>);

fn judged_rows<'a>(project: &Project, options: &'a Options) -> Vec<JudgedRow<'a>> {
    let remarks = mapping_rows::remarks(&options.configuration_rows, &profiles(&project.root));
    options.configuration_rows.iter().zip(remarks).collect()
}

/// Whether the configurations of the mapping exist. Their names by id; none where nobody had to
/// ask, or ADO did not say.
async fn configurations(
    client: &AdoClient,
    name: &str,
    rows: &[JudgedRow<'_>],
    report: &mut Report,
) -> BTreeMap<u32, String> {
    if rows.is_empty() {
        let hint = "a test case with points in several configurations then needs `multiple points` to be allowed";
        report.note(
            "test configurations",
            "no mapping is set: points are not filtered by configuration",
            hint,
        );
        return BTreeMap::new();
    }
    let found = match client.configurations(name).await {
        Ok(found) => found,
        Err(error) => {
            report.ado_failed("test configurations", &error);
            return BTreeMap::new();
        }
    };
    let names: BTreeMap<u32, String> = found
        .into_iter()
        .map(|known| (known.id, known.name))
        .collect();
    for (row, remark) in rows {
        let (title, id) = (
            format!("mapping {}", mapping_rows::title(row)),
            row.configuration_id,
        );
        let Some(known) = names.get(&id) else {
            let known: Vec<_> = names
                .iter()
                .map(|(id, name)| format!("{id} ({name})"))
                .collect();
            let detail = format!("configuration {id} does not exist in project {name}");
            report.wrong(
                title,
                detail,
                format!("the project has {}", known.join(", ")),
            );
            continue;
        };
        let detail = format!("configuration {id} ({known})");
        match remark {
            None => report.fine(title, detail),
            Some(Remark::Hardly(why, hint)) => {
                report.note(title, format!("{detail}; {why}"), *hint);
            }
            Some(Remark::Never(why, hint)) => {
                report.wrong(title, format!("{detail}; {why}"), *hint);
            }
        }
    }
    names
}

async fn plans(
    client: &AdoClient,
    name: &str,
    options: &Options,
    report: &mut Report,
) -> Vec<PlanPoints> {
    if options.plans.is_empty() {
        report.wrong("test plan", "none is set", CORRECT_SETTINGS);
    }
    let mut plans = Vec::new();
    for plan_id in &options.plans {
        let title = format!("test plan {plan_id}");
        let found = match client.test_plan(name, *plan_id).await {
            Ok(found) => found,
            Err(error) => {
                report.ado_failed(&title, &error);
                continue;
            }
        };
        match client.points(name, *plan_id).await {
            Ok(points) => {
                report.fine(
                    title,
                    format!("{}: {} test points", found.name, points.len()),
                );
                plans.push(PlanPoints {
                    plan_id: *plan_id,
                    points,
                });
            }
            Err(error) => report.ado_failed(&title, &error),
        }
    }
    plans
}
