//! `kado list`: what Katalon's dialogs show under "Fetch Project" and "Fetch Test Plans", and the
//! ids to map test cases to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use comfy_table::Table;
use serde::Serialize;
use serde_json::{Value, json};

use crate::ado::{AdoClient, AdoError};
use crate::cli::error::UsageError;
use crate::cli::json;
use crate::cli::runtime::runtime;
use crate::cli::table::{plain, table};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::connect::{ConnectError, Connections};
use crate::exit::Exit;
use crate::katalon::azure_ids;
use crate::katalon::project::Project;
use crate::katalon::run::RunOptions;
use crate::plan::overrides;
use crate::server::Server;
use crate::workspace;

/// Arguments of `kado list`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to list
    what: What,
    /// A Katalon project, whose server and ADO project count; default: those of kado.toml
    project: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Projects of the organization or collection
    Projects,
    /// Test plans of the project
    Plans,
    /// Test configurations of the project
    Configurations,
    /// Test cases in the test plans, with the Katalon test cases that have their ids
    TestCases,
}

impl What {
    /// The scopes that a token needs for it.
    const fn scopes(self) -> &'static str {
        match self {
            Self::Projects => "Project and Team (read)",
            Self::Plans | Self::Configurations => "Test Management (read)",
            Self::TestCases => "Test Management (read) and Work Items (read)",
        }
    }
}

/// Whose lists are wanted.
struct Place {
    client: Arc<AdoClient>,
    project: Option<String>,
    plans: Vec<u32>,
    katalon: Option<Project>,
}

/// A list for people and for scripts.
struct Listing {
    table: Table,
    json: Vec<Value>,
}

impl Listing {
    fn new<const N: usize>(titles: [&str; N]) -> Self {
        Self {
            table: table(titles),
            json: Vec::new(),
        }
    }

    fn add<const N: usize>(&mut self, row: [String; N], json: Value) {
        self.table.add_row(row.map(|text| plain(&text)));
        self.json.push(json);
    }
}

/// A test case that has a point in one of the plans.
#[derive(Default, Serialize)]
struct TestCase {
    id: u32,
    name: String,
    /// The plans that hold it.
    plans: Vec<u32>,
    /// The configurations of its points.
    configurations: Vec<String>,
    /// The test cases of the Katalon project that have its id.
    mapped: Vec<String>,
}

/// Lists.
pub(super) fn list(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let place = match place(arguments.project.as_deref(), config)? {
        Ok(place) => place,
        Err(error) => return Ok(told(&error.to_string(), error.exit())),
    };
    match runtime()?.block_on(fetch(arguments.what, &place)) {
        Ok(listing) if arguments.json => {
            json::print(&listing.json, out)?;
        }
        Ok(listing) if listing.json.is_empty() => {
            writeln!(out, "There is nothing, or nothing that this token can see.")?;
        }
        Ok(listing) => writeln!(out, "{}", listing.table)?,
        Err(Failed::Usage(text)) => return Err(UsageError(text).into()),
        Err(Failed::Ado(error)) => {
            let scopes = match &error {
                AdoError::CredentialsRefused { .. } => {
                    format!("; this list needs the scope {}", arguments.what.scopes())
                }
                _ => String::new(),
            };
            return Ok(told(&format!("{error}{scopes}"), error.exit()));
        }
    }
    Ok(Exit::Done)
}

fn told(reason: &str, exit: Exit) -> Exit {
    eprintln!("error: {}", plain(reason));
    exit
}

/// The server of a Katalon project, or the machine's, with what is set beside it.
fn place(folder: Option<&Path>, config: &Config) -> anyhow::Result<Result<Place, ConnectError>> {
    let connections = Connections::default();
    let Some(folder) = folder else {
        let overrides = &config.machine.overrides;
        let url = overrides.server_url.as_ref().ok_or_else(|| {
            UsageError(
                "no server: name the folder of a Katalon project, or set `azure.server_url` in kado.toml".to_owned(),
            )
        })?;
        let client = connections.for_machine(config, Server::parse(url)?);
        let plans = overrides.test_plans.clone().unwrap_or_default();
        return Ok(client.map(|client| Place {
            client,
            project: overrides.project.clone(),
            plans,
            katalon: None,
        }));
    };
    let folder = std::path::absolute(folder)?;
    let root = workspace::find_project_root(&folder).unwrap_or(folder);
    let katalon = workspace::read_project(&root)?;
    let own = ProjectFile::of(&root, config);
    if let Some(problem) = own.problem() {
        return Err(UsageError(problem).into());
    }
    let overrides = config.overrides_over(&root, &own);
    let options = overrides::effective(&katalon.settings, &overrides, &RunOptions::default());
    let url = options.server_url.context(UsageError(
        "the project has no server; set it in Katalon's Azure DevOps settings or as `azure.server_url` in kado.toml"
            .to_owned(),
    ))?;
    let server = Server::parse(&url).map_err(|error| UsageError(error.to_string()))?;
    let client = connections.for_server(config, &root, server);
    Ok(client.map(|client| Place {
        client,
        project: options.project,
        plans: options.plans,
        katalon: Some(katalon),
    }))
}

enum Failed {
    Usage(String),
    Ado(AdoError),
}

impl From<AdoError> for Failed {
    fn from(error: AdoError) -> Self {
        Self::Ado(error)
    }
}

async fn fetch(what: What, place: &Place) -> Result<Listing, Failed> {
    if let What::Projects = what {
        return projects(&place.client).await;
    }
    let project = place.project.as_deref().ok_or_else(|| {
        let text = "no ADO project: set it in Katalon's Azure DevOps settings or as `azure.project` in kado.toml; \
                    `kado list projects` shows them";
        Failed::Usage(text.to_owned())
    })?;
    match what {
        What::Plans => plans(&place.client, project).await,
        What::Configurations => configurations(&place.client, project).await,
        What::TestCases | What::Projects => test_cases(place, project).await,
    }
}

/// The ids of projects are GUIDs, all others are numbers.
async fn projects(client: &AdoClient) -> Result<Listing, Failed> {
    let mut found = client.projects().await?;
    found.sort_by_key(|project| project.name.to_lowercase());
    let mut listing = Listing::new(["ID", "NAME"]);
    for project in found {
        let json = json!({ "id": project.id, "name": project.name });
        listing.add([project.id, project.name], json);
    }
    Ok(listing)
}

async fn plans(client: &AdoClient, project: &str) -> Result<Listing, Failed> {
    let mut listing = Listing::new(["ID", "NAME", "STATE"]);
    for plan in client.test_plans(project).await? {
        let json = json!({ "id": plan.id, "name": plan.name, "state": plan.state });
        listing.add(
            [
                plan.id.to_string(),
                plan.name,
                plan.state.unwrap_or_default(),
            ],
            json,
        );
    }
    Ok(listing)
}

async fn configurations(client: &AdoClient, project: &str) -> Result<Listing, Failed> {
    let mut listing = Listing::new(["ID", "NAME"]);
    for found in client.configurations(project).await? {
        let json = json!({ "id": found.id, "name": found.name });
        listing.add([found.id.to_string(), found.name], json);
    }
    Ok(listing)
}

async fn test_cases(place: &Place, project: &str) -> Result<Listing, Failed> {
    if place.plans.is_empty() {
        let text = "no test plan: choose one in Katalon's Azure DevOps settings or as `submit.test_plans` in kado.toml; \
                    `kado list plans` shows them";
        return Err(Failed::Usage(text.to_owned()));
    }
    let mut cases: BTreeMap<u32, TestCase> = BTreeMap::new();
    for plan in &place.plans {
        for point in place.client.points(project, *plan).await? {
            let case = cases.entry(point.test_case_id).or_default();
            case.id = point.test_case_id;
            push(&mut case.plans, *plan);
            push(&mut case.configurations, point.configuration_name);
        }
    }
    let ids: Vec<u32> = cases.keys().copied().collect();
    for item in place.client.work_items(project, &ids).await? {
        if let Some(case) = cases.get_mut(&item.id) {
            case.name = item.fields.title.unwrap_or_default();
        }
    }
    for case in place.katalon.iter().flat_map(|project| &project.test_cases) {
        let raw = case.azure_ids.as_deref().unwrap_or_default();
        for id in azure_ids::resolve(raw, &azure_ids::variables(None, Some(case))).ids {
            if let Some(found) = cases.get_mut(&id) {
                push(&mut found.mapped, case.id.clone());
            }
        }
    }
    let mut listing = Listing::new([
        "ID",
        "TITLE",
        "TEST PLANS",
        "CONFIGURATIONS",
        "KATALON TEST CASES",
    ]);
    for case in cases.into_values() {
        let json = json!(case);
        let plans: Vec<_> = case.plans.iter().map(u32::to_string).collect();
        let mapped = if case.mapped.is_empty() {
            "-".to_owned()
        } else {
            case.mapped.join(", ")
        };
        let row = [
            case.id.to_string(),
            case.name,
            plans.join(", "),
            case.configurations.join(", "),
            mapped,
        ];
        listing.add(row, json);
    }
    Ok(listing)
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
