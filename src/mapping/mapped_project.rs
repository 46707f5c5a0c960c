//! The project whose test cases are mapped: which one is meant, what it says, and the server that
//! has its test cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ado::{AdoClient, AdoError};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::connect::{ConnectError, Connections};
use crate::exit::Exit;
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::katalon::id_source::IdSource;
use crate::katalon::project::Project;
use crate::katalon::run::RunOptions;
use crate::katalon::test_case::TestCase;
use crate::plan::options::Options;
use crate::plan::overrides;
use crate::plan::plan_choice::NoSuchPlan;
use crate::server::{Server, ServerUrlError};
use crate::shell_word::shell_word;
use crate::watch;
use crate::workspace::{self, ReadError};

/// Projects that are named where one has to be chosen.
const MOST_NAMED: usize = 20;

/// Why test cases cannot be mapped, or ADO cannot be asked about them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// No project was named, and there is not one that must be meant.
    #[error("{}", no_choice(.0))]
    NoChoice(Vec<PathBuf>),
    /// The project, or its settings, cannot be read.
    #[error("{}", crate::error_chain::chain(.0))]
    Unreadable(#[from] ReadError),
    /// The project's own `kado.toml` may name another server: nothing is asked on a guess.
    #[error("{0}")]
    ProjectFile(String),
    /// Nothing names a server.
    #[error(
        "the project has no server; set it with `kado setup PROJECT`, in Katalon's Azure DevOps \
         settings or as `azure.server_url` in kado.toml"
    )]
    NoServer,
    /// What is set as server is no URL of one.
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlError),
    /// Nothing names an ADO project.
    #[error(
        "no ADO project: set it with `kado setup PROJECT`, in Katalon's Azure DevOps settings or as \
         `azure.project` in kado.toml; `kado list projects` shows them"
    )]
    NoAdoProject,
    /// Nothing names a test plan.
    #[error(
        "no test plan: choose one with `kado setup PROJECT`, in Katalon's Azure DevOps settings or as `submit.test_plans` in \
         kado.toml, or ask for all test cases of the ADO project with `--all`; `kado list plans` \
         shows the plans"
    )]
    NoPlan,
    /// An entry of `submit.test_plans` means no plan.
    #[error(transparent)]
    Plan(#[from] NoSuchPlan),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server did not answer as it should.
    #[error("{}", with_scopes(.0))]
    Ado(#[from] AdoError),
}

impl NoAnswer {
    /// The exit code of a command that this ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::NoChoice(_)
            | Self::ProjectFile(_)
            | Self::NoServer
            | Self::ServerUrl(_)
            | Self::NoAdoProject
            | Self::NoPlan => Exit::Usage,
            Self::Unreadable(_) | Self::Plan(_) => Exit::NotDone,
            Self::Connect(error) => error.exit(),
            Self::Ado(error) => error.exit(),
        }
    }
}

fn no_choice(projects: &[PathBuf]) -> String {
    if projects.is_empty() {
        return "no project is named, the working folder lies in none, and none was found below the \
                watched folders; name the folder of a Katalon project with `--project`"
            .to_owned();
    }

    let mut names: Vec<String> = projects
        .iter()
        .take(MOST_NAMED)
        .map(|project| format!("`{}`", project.display()))
        .collect();
    if projects.len() > MOST_NAMED {
        names.push(format!("{} more", projects.len() - MOST_NAMED));
    }
    format!(
        "no project is named, and several are watched: {}; name one with `--project`",
        names.join(", ")
    )
}

fn with_scopes(error: &AdoError) -> String {
    match error {
        AdoError::CredentialsRefused { refusal, .. } if refusal.is_of_token() => format!(
            "{error}; mapping needs the scopes Test Management (read) and Work Items (read)"
        ),
        _ => error.to_string(),
    }
}

/// The project that is meant: the one that is named, else that of the working folder, else the only
/// watched one.
///
/// # Errors
/// When none must be meant.
pub(crate) fn chosen_root(named: Option<&Path>, config: &Config) -> Result<PathBuf, NoAnswer> {
    if let Some(named) = named {
        // Where no project is, reading it says so.
        return Ok(workspace::find_project_root(named).unwrap_or_else(|| named.to_owned()));
    }
    if let Some(root) = project_here() {
        return Ok(root);
    }

    let mut projects = watched_projects(config);
    if projects.len() == 1 {
        return Ok(projects.remove(0));
    }
    Err(NoAnswer::NoChoice(projects))
}

/// The project in which the working folder lies.
pub(crate) fn project_here() -> Option<PathBuf> {
    workspace::find_project_root(Path::new("."))
}

/// All projects of the watched folders.
pub(crate) fn watched_projects(config: &Config) -> Vec<PathBuf> {
    watch::survey(&config.watch).projects
}

/// The command that proposes ids for the test cases of a project.
pub(crate) fn suggest_command(root: &Path) -> String {
    format!(
        "`kado map suggest --project {}`",
        shell_word(root.display())
    )
}

/// A project with what its test cases say.
pub(crate) struct MappedProject {
    /// With the ids where the rule lets them stand.
    pub katalon: Project,
    /// Where that is.
    pub rule: IdRule,
    /// What a run of it would be submitted with.
    pub options: Options,
}

impl MappedProject {
    /// Reads the project at `root`.
    ///
    /// # Errors
    /// When there is none, or when its settings or its own `kado.toml` cannot be used.
    pub(crate) fn read(root: &Path, config: &Config) -> Result<Self, NoAnswer> {
        let mut katalon = workspace::read_project(root)?;
        // With settings that cannot be read it looks as if it had none.
        workspace::read_azure_settings(root)?;

        let own_file = ProjectFile::of(root, config);
        if let Some(problem) = own_file.problem() {
            return Err(NoAnswer::ProjectFile(problem));
        }

        let overrides = config.overrides_over(root, &own_file);
        let rule = overrides.id_rule();
        katalon.find_ids(&rule);
        Ok(Self {
            options: overrides::effective(&katalon.settings, &overrides, &RunOptions::default()),
            katalon,
            rule,
        })
    }

    /// The client for its server.
    ///
    /// # Errors
    /// When it names none, or there is no connection to it.
    pub(crate) fn connect(&self, config: &Config) -> Result<Arc<AdoClient>, NoAnswer> {
        let url = self.options.server_url.as_ref().ok_or(NoAnswer::NoServer)?;
        let server = Server::parse(url)?;
        let client =
            Connections::default().for_server(config, &self.katalon.root, server, &self.options)?;
        Ok(client)
    }

    /// The ADO project that its runs are submitted to.
    ///
    /// # Errors
    /// When nothing names it.
    pub(crate) fn ado_project(&self) -> Result<&str, NoAnswer> {
        self.options
            .project
            .as_deref()
            .ok_or(NoAnswer::NoAdoProject)
    }

    /// Where the ids of a test case would stand that count, if its integration tab held `ids`;
    /// `test_case` is as it was read, without the rule.
    pub(crate) fn counting_place(&self, test_case: &TestCase, ids: Option<&str>) -> Counting {
        let mut changed = test_case.clone();
        changed.azure_ids = ids.map(str::to_owned);
        self.rule.apply(&mut changed, &mut IdEffort::of_reading());

        match (changed.azure_ids, changed.source) {
            (Some(_), IdSource::Integration) => Counting::Tab,
            (Some(ids), source) => Counting::Elsewhere { source, ids },
            (None, _) if ids.is_some() => Counting::Nowhere,
            (None, _) => Counting::Tab,
        }
    }

    /// Whether ids on the integration tab count at all.
    pub(crate) fn reads_tab(&self) -> bool {
        self.rule.from.contains(&IdSource::Integration)
    }
}

/// Which ids of a test case count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Counting {
    /// Those of its integration tab.
    Tab,
    /// Those that stand in another place, which goes before the tab.
    Elsewhere { source: IdSource, ids: String },
    /// None: the tab is not among the places.
    Nowhere,
}
