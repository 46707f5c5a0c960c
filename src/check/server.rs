//! What ADO says: connection, project, plans, configurations, and every mapped id.

use std::sync::Arc;

use crate::ado::listing::DefinitionKind;
use crate::ado::scope::Scope;
use crate::ado::{AdoClient, AdoError};
use crate::check::connection::{check_connection, check_proxy, check_scopes};
use crate::check::definitions::check_definition;
use crate::check::folders::profiles;
use crate::check::rows::{self, Remark};
use crate::check::{Report, ids};
use crate::config::Config;
use crate::exit::Exit;
use crate::katalon::project::Project;
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::points::Point;
use crate::plan::snapshot::Options;
use crate::server::Server;
use crate::submit::Stop;
use crate::submit::connections::Connections;

pub(super) const SETTINGS: &str = "correct it in Katalon's Azure DevOps settings, or in kado.toml";

/// Asks the server that the project is integrated with.
pub async fn check_server(project: &Project, config: &Config, options: &Options, report: &mut Report) {
    let Some((client, source)) = connect(project, config, options, report) else { return };
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
    configurations(&client, name, project, options, report).await;
    client.forget_refusal();
    let plans = plans(&client, name, options, report).await;
    client.forget_refusal();
    if !plans.is_empty() {
        ids::check_ids(&client, name, project, options, &plans, report).await;
    }
    if let Some(BuildChoice::LatestOf(id)) = options.build {
        check_definition(&client, name, DefinitionKind::Build, id, None, report).await;
    }
    if let Some(ReleaseChoice::LatestOf { definition, stage }) = &options.release {
        check_definition(&client, name, DefinitionKind::Release, *definition, stage.as_deref(), report).await;
    }
}

/// "Fetch Project": whether the project is there. A token that may not read projects can submit all the same.
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
            failed("ADO project", &error, report);
            return false;
        }
    }
    true
}

/// Asks the machine's own server, where there is no project yet to ask for.
pub async fn check_machine_server(config: &Config, report: &mut Report) {
    let Some(url) = &config.machine.overrides.server_url else { return };
    check_proxy(url, &config.machine.access, report);
    let Ok(server) = Server::parse(url) else { return };
    let connections = Connections::default();
    let source = connections.source(config, None, &server).unwrap_or_default();
    if let Some(client) = connected(connections.for_machine(config, server), report) {
        check_connection(&client, &source, report).await;
    }
}

/// A plan with its points.
pub struct PlanPoints {
    /// The test plan.
    pub plan_id: u32,
    /// Its points.
    pub points: Vec<Point>,
}

/// The client for the project's server, and where its credential comes from.
fn connect(
    project: &Project,
    config: &Config,
    options: &Options,
    report: &mut Report,
) -> Option<(Arc<AdoClient>, String)> {
    let Some(url) = &options.server_url else {
        report.wrong("server", "none is set", SETTINGS);
        return None;
    };
    let server = match Server::parse(url) {
        Ok(server) => server,
        Err(error) => {
            report.wrong("server", error.to_string(), SETTINGS);
            return None;
        }
    };
    let connections = Connections::default();
    let source = connections.source(config, Some(&project.root), &server).unwrap_or_default();
    Some((connected(connections.for_server(config, &project.root, server), report)?, source))
}

/// The client, or why there is none.
fn connected(client: Result<Arc<AdoClient>, Stop>, report: &mut Report) -> Option<Arc<AdoClient>> {
    match client {
        Ok(client) => return Some(client),
        Err(Stop::Ado(error)) => failed("server", &error, report),
        Err(stop) => report.wrong("token", stop.to_string(), ""),
    }
    None
}

async fn configurations(client: &AdoClient, name: &str, project: &Project, options: &Options, report: &mut Report) {
    if options.configuration_rows.is_empty() {
        let hint = "a test case with points in several configurations then needs `multiple points` to be allowed";
        return report.note("test configurations", "no mapping is set: points are not filtered by configuration", hint);
    }
    let found = match client.configurations(name).await {
        Ok(found) => found,
        Err(error) => return failed("test configurations", &error, report),
    };
    let remarks = rows::remarks(&options.configuration_rows, &profiles(&project.root));
    for (row, remark) in options.configuration_rows.iter().zip(remarks) {
        let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
        let title = format!("mapping {} / {} / {}", any(&row.os), any(&row.platform), any(&row.profile));
        match found.iter().find(|configuration| configuration.id == row.configuration_id) {
            Some(configuration) => {
                let detail = format!("configuration {} ({})", configuration.id, configuration.name);
                match remark {
                    None => report.fine(title, detail),
                    Some(Remark::Hardly(why, hint)) => report.note(title, format!("{detail}; {why}"), hint),
                    Some(Remark::Never(why, hint)) => report.wrong(title, format!("{detail}; {why}"), hint),
                }
            }
            None => {
                let known: Vec<_> = found.iter().map(|known| format!("{} ({})", known.id, known.name)).collect();
                let detail = format!("configuration {} does not exist in project {name}", row.configuration_id);
                report.wrong(title, detail, format!("the project has {}", known.join(", ")));
            }
        }
    }
}

async fn plans(client: &AdoClient, name: &str, options: &Options, report: &mut Report) -> Vec<PlanPoints> {
    if options.plans.is_empty() {
        report.wrong("test plan", "none is set", SETTINGS);
    }
    let mut plans = Vec::new();
    for plan_id in &options.plans {
        let title = format!("test plan {plan_id}");
        let found = match client.test_plan(name, *plan_id).await {
            Ok(found) => found,
            Err(error) => {
                failed(&title, &error, report);
                continue;
            }
        };
        match client.points(name, *plan_id).await {
            Ok(points) => {
                report.fine(title, format!("{}: {} test points", found.name, points.len()));
                plans.push(PlanPoints { plan_id: *plan_id, points });
            }
            Err(error) => failed(&title, &error, report),
        }
    }
    plans
}

/// Reports an error of ADO with the exit code it has.
pub(super) fn failed(name: &str, error: &AdoError, report: &mut Report) {
    let (hint, exit) = match error {
        AdoError::CredentialsRefused { .. } => {
            ("the token needs the scopes Test Management (read & write) and Work Items (read)", Exit::Refused)
        }
        AdoError::Unavailable { .. } => {
            ("look at the network, the proxy (`azure.proxy`) and the certificates (`azure.ca_file`)", Exit::Unreachable)
        }
        AdoError::Configuration(_) => ("", Exit::Usage),
        AdoError::Gone(_) | AdoError::Rejected { .. } | AdoError::File { .. } => (SETTINGS, Exit::NotDone),
    };
    report.failed(name, error.to_string(), hint, exit);
}
