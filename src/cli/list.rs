//! `kado list`: what Katalon's dialogs show under "Fetch Project" and "Fetch Test Plans", and the
//! ids to map test cases to.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use crate::ado::{AdoClient, AdoError};
use crate::cli::error::UsageError;
use crate::cli::json;
use crate::cli::plain::plain;
use crate::cli::runtime::runtime;
use crate::cli::tell::tell;
use crate::cli::terminal::{Column, Piece, Screen, Table, always, table, weighing};
use crate::clock;
use crate::config::Config;
use crate::connect::{ConnectError, Connections};
use crate::exit::Exit;
use crate::katalon::azure_ids;
use crate::katalon::project::Project;
use crate::mapping::{
    MappedProject, NoAnswer, chosen_root, project_here, suggest_command, watched_projects,
};
use crate::plan::plan_choice::PlanChoice;
use crate::plural::{counted, form};
use crate::server::Server;

/// Arguments of `kado list`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to list
    what: What,
    /// A Katalon project, whose server and ADO project count; default: that of the working folder,
    /// else those of kado.toml, else the only watched project
    project: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
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

/// The server and the projects whose lists are wanted.
struct Origin {
    client: Arc<AdoClient>,
    ado_project: Option<String>,
    plans: Vec<PlanChoice>,
    /// The Katalon project that was named, if any.
    katalon: Option<Project>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum NoList {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Ado(#[from] AdoError),
    #[error(transparent)]
    Project(#[from] NoAnswer),
    /// The project or the server's address cannot be read.
    #[error(transparent)]
    Local(#[from] anyhow::Error),
}

/// A list for people and for scripts.
struct Listing {
    table: Table,
    json: Vec<Value>,
    /// What people read behind the table.
    way_on: Option<String>,
}

impl Listing {
    fn new<const N: usize>(columns: [Column; N]) -> Self {
        Self {
            table: table(columns),
            json: Vec::new(),
            way_on: None,
        }
    }

    fn add<const N: usize>(&mut self, row: [String; N], json: Value) {
        self.table.add_row(row.map(Piece::from));
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
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let listing = match fetch(arguments, config) {
        Ok(listing) => listing,
        Err(NoList::Usage(error)) => return Err(error.into()),
        Err(NoList::Local(error)) => return Err(error),
        // These end the command here, because an error that goes up has no exit code of its own.
        Err(NoList::Connect(error)) => return Ok(failed(&error.to_string(), error.exit())),
        Err(NoList::Project(error)) => return Ok(failed(&error.to_string(), error.exit())),
        Err(NoList::Ado(error)) => {
            let mut message = error.to_string();
            if let AdoError::CredentialsRefused { refusal, .. } = &error
                && refusal.is_of_token()
            {
                message.push_str("; this list needs the scope ");
                message.push_str(arguments.what.scopes());
            }

            return Ok(failed(&message, error.exit()));
        }
    };

    if arguments.json {
        json::print(&listing.json, out)?;
    } else if listing.json.is_empty() {
        out.sentence(0, "There is nothing, or nothing that this token can see.")?;
    } else {
        out.table(&listing.table)?;
        if let Some(way_on) = &listing.way_on {
            writeln!(out)?;
            out.sentence(0, way_on)?;
        }
    }
    Ok(Exit::Done)
}

fn failed(reason: &str, exit: Exit) -> Exit {
    tell(&format!("error: {}", plain(reason)));
    exit
}

fn fetch(arguments: &Arguments, config: &Config) -> Result<Listing, NoList> {
    let origin = match &arguments.project {
        Some(folder) => katalon_project(folder, config)?,
        None => unnamed(arguments.what, config)?,
    };

    runtime()?.block_on(async {
        match arguments.what {
            What::Projects => projects(&origin.client).await,
            What::Plans => plans(&origin.client, origin.ado_project()?).await,
            What::Configurations => configurations(&origin.client, origin.ado_project()?).await,
            What::TestCases => test_cases(&origin).await,
        }
    })
}

/// What is asked when no project is named: the server of the project in the working folder, else
/// the machine's, else that of the only watched project.
fn unnamed(what: What, config: &Config) -> Result<Origin, NoList> {
    if let Some(root) = project_here() {
        return katalon_project(&root, config);
    }

    let overrides = &config.machine.overrides;
    let has_project = what == What::Projects || overrides.project.is_some();
    if let Some(url) = &overrides.server_url
        && has_project
    {
        return machine(url, config);
    }
    if let [only] = watched_projects(config).as_slice() {
        return katalon_project(only, config);
    }

    match &overrides.server_url {
        // Without an ADO project the list itself says what is missing.
        Some(url) => machine(url, config),
        None => Err(UsageError(
            "no server: name the folder of a Katalon project, or set `azure.server_url` in \
             kado.toml, for which `kado setup` asks"
                .to_owned(),
        )
        .into()),
    }
}

/// The machine's server, with what kado.toml sets beside it.
fn machine(url: &str, config: &Config) -> Result<Origin, NoList> {
    let overrides = &config.machine.overrides;
    let server = Server::parse(url).map_err(anyhow::Error::from)?;
    Ok(Origin {
        client: Connections::default().for_machine(config, server)?,
        ado_project: overrides.project.clone(),
        plans: overrides.test_plans.clone().unwrap_or_default(),
        katalon: None,
    })
}

/// The server of a Katalon project, with what is set beside it.
fn katalon_project(folder: &Path, config: &Config) -> Result<Origin, NoList> {
    let folder = std::path::absolute(folder).map_err(anyhow::Error::from)?;
    let root = chosen_root(Some(&folder), config)?;
    let project = MappedProject::read(&root, config)?;

    Ok(Origin {
        client: project.connect(config)?,
        ado_project: project.options.project,
        plans: project.options.plans,
        katalon: Some(project.katalon),
    })
}

impl Origin {
    fn ado_project(&self) -> Result<&str, UsageError> {
        self.ado_project.as_deref().ok_or_else(|| {
            UsageError(
                "no ADO project: set it with `kado setup PROJECT`, in Katalon's Azure DevOps \
                 settings or as `azure.project` in kado.toml; `kado list projects` shows them"
                    .to_owned(),
            )
        })
    }
}

/// The ids of projects are GUIDs, all others are numbers.
async fn projects(client: &AdoClient) -> Result<Listing, NoList> {
    let mut projects = client.projects().await?;

    // As people look for names, without regard to case.
    projects.sort_by_key(|project| project.name.to_lowercase());

    let mut listing = Listing::new([always("ID"), always("NAME")]);
    for project in projects {
        let json = json!({ "id": project.id, "name": project.name });
        listing.add([project.id, project.name], json);
    }
    Ok(listing)
}

async fn plans(client: &AdoClient, project: &str) -> Result<Listing, NoList> {
    let mut listing = Listing::new([always("ID"), always("NAME"), weighing(1, "STATE")]);
    for plan in client.test_plans(project).await? {
        let json = json!({ "id": plan.id, "name": plan.name, "state": plan.state });
        let state = plan.state.unwrap_or_default();
        listing.add([plan.id.to_string(), plan.name, state], json);
    }
    Ok(listing)
}

async fn configurations(client: &AdoClient, project: &str) -> Result<Listing, NoList> {
    let mut listing = Listing::new([always("ID"), always("NAME")]);
    for configuration in client.configurations(project).await? {
        let json = json!({ "id": configuration.id, "name": configuration.name });
        listing.add([configuration.id.to_string(), configuration.name], json);
    }
    Ok(listing)
}

async fn test_cases(origin: &Origin) -> Result<Listing, NoList> {
    let project = origin.ado_project()?;
    if origin.plans.is_empty() {
        return Err(UsageError(
            "no test plan: choose one with `kado setup PROJECT`, in Katalon's Azure DevOps settings or as \
             `submit.test_plans` in kado.toml; `kado list plans` shows them"
                .to_owned(),
        )
        .into());
    }

    // Asked only where a plan is not named by its id.
    let is_open = origin.plans.iter().any(|choice| choice.id().is_none());
    let known = if is_open {
        origin.client.known_plans(project).await?
    } else {
        Vec::new()
    };

    let mut cases: BTreeMap<u32, TestCase> = BTreeMap::new();
    let mut in_plan = HashSet::new();
    let mut with_configuration = HashSet::new();
    for choice in &origin.plans {
        let plan = choice
            .among(&known, project, clock::now())
            .map_err(anyhow::Error::from)?;
        for point in origin.client.points(project, plan).await? {
            let case = cases.entry(point.test_case_id).or_default();
            case.id = point.test_case_id;
            if in_plan.insert((case.id, plan)) {
                case.plans.push(plan);
            }

            let name = point.configuration_name;
            if with_configuration.insert((case.id, name.clone())) {
                case.configurations.push(name);
            }
        }
    }

    let ids: Vec<u32> = cases.keys().copied().collect();

    // Points carry the ids of test cases and not their titles.
    // A work item that the token may not see is left out of the answer, and its title stays empty.
    for item in origin.client.work_items(project, &ids).await? {
        if let Some(case) = cases.get_mut(&item.id) {
            case.name = item.fields.title.unwrap_or_default();
        }
    }
    if let Some(katalon) = &origin.katalon {
        add_mapped(katalon, &mut cases);
    }

    let mut listing = list_of_test_cases(cases);
    listing.way_on = origin.katalon.as_ref().and_then(way_to_ids);
    Ok(listing)
}

/// The command that finds ids for the test cases of the project that have none.
fn way_to_ids(katalon: &Project) -> Option<String> {
    let cases = katalon.test_cases.iter();
    let without = cases
        .filter(|case| case.azure_ids.is_none() && case.damage.is_none())
        .count();

    (without > 0).then(|| {
        format!(
            "{} of the project {} no id; {} proposes some",
            counted(without, "test case"),
            form(without, "has", "have"),
            suggest_command(&katalon.root)
        )
    })
}

/// Adds to each test case those of the Katalon project that have its id.
fn add_mapped(katalon: &Project, cases: &mut BTreeMap<u32, TestCase>) {
    for case in &katalon.test_cases {
        let raw = case.azure_ids.as_deref().unwrap_or_default();
        for id in azure_ids::resolve(raw, &azure_ids::variables(None, Some(case))).ids {
            // An id without a point in these plans is for `kado check` to name.
            if let Some(of_ado) = cases.get_mut(&id) {
                of_ado.mapped.push(case.id.clone());
            }
        }
    }
}

fn list_of_test_cases(cases: BTreeMap<u32, TestCase>) -> Listing {
    let mut listing = Listing::new([
        always("ID"),
        always("TITLE"),
        weighing(2, "TEST PLANS"),
        weighing(1, "CONFIGURATIONS"),
        weighing(3, "KATALON TEST CASES"),
    ]);

    for case in cases.into_values() {
        let json = json!(case);
        let plans: Vec<String> = case.plans.iter().map(u32::to_string).collect();
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

    listing
}
