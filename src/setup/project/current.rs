//! A project as it is before it is set up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ado::{AdoClient, Credential};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::connect::{ConnectError, Connections};
use crate::katalon::run::RunOptions;
use crate::katalon::settings::AzureSettings;
use crate::plan::options::Options;
use crate::plan::overrides;
use crate::server::Server;
use crate::setup::project::{NoSetup, ProjectChoices, Verified};
use crate::workspace::{self, ReadError};

/// What is there.
pub(crate) struct CurrentProject {
    pub root: PathBuf,
    /// Katalon's settings.
    pub settings: AzureSettings,
    /// The project's own `kado.toml`.
    pub own_file: ProjectFile,
    /// What a run would be submitted with.
    pub options: Options,
}

impl CurrentProject {
    /// Reads the project at or around `folder`.
    ///
    /// # Errors
    /// When there is none, or when what it says cannot be read.
    pub(crate) fn read(folder: &Path, config: &Config) -> Result<Self, NoSetup> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let Some(root) = workspace::find_project_root(&folder) else {
            return Err(NoSetup::Unreadable(ReadError::NoProject(folder)));
        };

        let settings = workspace::read_azure_settings(&root)?;
        let own_file = ProjectFile::of(&root, config);
        if let Some(problem) = own_file.problem() {
            return Err(NoSetup::ProjectFile(problem));
        }

        let overrides = config.overrides_over(&root, &own_file);
        Ok(Self {
            options: overrides::effective(&settings, &overrides, &RunOptions::default()),
            settings,
            own_file,
            root,
        })
    }

    /// The server that the project talks to, where it names one.
    ///
    /// # Errors
    /// When what stands there is no URL of one.
    pub(crate) fn server(&self) -> Result<Option<Server>, ConnectError> {
        match &self.options.server_url {
            Some(url) => Ok(Some(Server::parse(url)?)),
            None => Ok(None),
        }
    }

    /// The ADO project that was chosen, else the one in force; empty where there is none.
    pub(crate) fn project_in_force(&self, choices: &ProjectChoices) -> String {
        let project = choices.project.as_ref().or(self.options.project.as_ref());
        project.cloned().unwrap_or_default()
    }

    /// What of `kado.toml` goes before what was verified and written, in words.
    pub(crate) fn stronger_than(&self, verified: &Verified) -> Vec<String> {
        let mut stronger = Vec::new();
        if let Some(project) = &self.options.project
            && *project != verified.project.name
            && *project != verified.project.id
        {
            stronger.push(format!(
                "`azure.project` in kado.toml is `{project}` and goes before Katalon's settings"
            ));
        }

        let in_force = self.options.plan_ids();
        let has_other_plans = in_force
            .iter()
            .any(|id| verified.plans.iter().all(|plan| plan.id != *id));
        if has_other_plans {
            let ids: Vec<String> = in_force.iter().map(u32::to_string).collect();
            stronger.push(format!(
                "`submit.test_plans` in kado.toml is {} and goes before Katalon's settings",
                ids.join(", ")
            ));
        }
        stronger
    }

    /// Whether the settings name another server than this one.
    pub(crate) fn changes_server(&self, server: &Server) -> bool {
        match self.settings.server_url.as_deref().map(Server::parse) {
            Some(Ok(stored)) => stored.identity() != server.identity(),
            Some(Err(_)) | None => true,
        }
    }

    /// The client for a server, with the token that was chosen, else with what belongs to the
    /// server already.
    ///
    /// # Errors
    /// When there is no token for the server, or the connection cannot be set up.
    pub(crate) fn connect(
        &self,
        config: &Config,
        server: &Server,
        choices: &ProjectChoices,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let mut connections = Connections::default();
        if let Some(token) = &choices.token {
            connections = connections.with_pair(server, Credential::Pat(token.clone()));
        }
        connections.for_server(config, &self.root, server.clone(), &self.options)
    }
}
