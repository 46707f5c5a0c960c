//! Whether the server takes a token or an identity, whose it is, and what it lacks: found out
//! before anything is written. Nothing is changed at the server.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use crate::ado::listing::DefinitionKind;
use crate::ado::scope::TokenScope;
use crate::ado::{AdoClient, AdoError, Credential};
use crate::config::Config;
use crate::config::paths::ConfigError;
use crate::connect::{ConnectError, Connections};
use crate::exit::Exit;
use crate::server::Server;
use crate::watch;
use crate::workspace;

/// What kado asks with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TestedWith<'a> {
    /// A token that lies nowhere yet.
    Token(&'a SecretString),
    /// What the configuration names.
    Configured,
}

/// A credential that the server takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TestedCredential {
    /// Whose it is.
    pub who: String,
    /// What it lacks, and what that costs.
    pub lacking: Vec<Lack>,
    /// What else is to be known of it.
    pub remarks: Vec<String>,
}

/// A scope that a credential lacks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Lack {
    /// As the page calls it on which tokens are made.
    pub scope: &'static str,
    /// What kado cannot do without it.
    pub costs: &'static str,
    /// Whether nothing is submitted without it.
    pub is_vital: bool,
}

impl TestedCredential {
    /// Whether runs can be submitted with it, as far as is known.
    pub(crate) fn can_submit(&self) -> bool {
        self.lacking.iter().all(|lack| !lack.is_vital)
    }
}

/// The server does not take it, or was not asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untested {
    /// What would be written is no configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Ado(#[from] AdoError),
}

impl Untested {
    /// The exit code of a command that this ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Usage,
            Self::Connect(error) => error.exit(),
            Self::Ado(error) => error.exit(),
        }
    }
}

/// Asks the machine's server in `config`.
///
/// # Errors
/// When the server does not take the credential, or does not answer as Azure DevOps does.
pub(crate) async fn test_credential(
    config: &Config,
    candidate: TestedWith<'_>,
) -> Result<TestedCredential, Untested> {
    let url = config.machine.overrides.server_url.as_ref();
    let server = Server::parse(url.ok_or(ConnectError::NoServer)?).map_err(ConnectError::from)?;
    let client = client(config, candidate, server)?;

    let user = client.connection().await?;
    let mut tested = TestedCredential {
        who: user
            .provider_display_name
            .unwrap_or_else(|| "somebody without a name".to_owned()),
        lacking: Vec::new(),
        remarks: Vec::new(),
    };

    match ado_project(&client, config, &mut tested).await? {
        Some(project) => look_for_scopes(&client, &project, config, &mut tested).await?,
        None => tested.remarks.push(
            "its scopes are not known yet, because no ADO project is: `kado check` looks at them \
             once a Katalon project names one"
                .to_owned(),
        ),
    }
    if matches!(candidate, TestedWith::Token(_)) && client.server().is_services() {
        tested.remarks.push(
            "a personal access token for all accessible organizations stops working on 1 December \
             2026: it has to be one of this organization alone; an Entra identity needs no renewal"
                .to_owned(),
        );
    }
    Ok(tested)
}

fn client(
    config: &Config,
    candidate: TestedWith<'_>,
    server: Server,
) -> Result<Arc<AdoClient>, ConnectError> {
    let connections = match candidate {
        TestedWith::Token(token) => {
            Connections::default().with_pair(&server, Credential::Pat(token.clone()))
        }
        TestedWith::Configured => Connections::default(),
    };
    connections.for_machine(config, server)
}

/// An ADO project to ask for scopes with: the one of kado.toml, else one that a watched Katalon
/// project submits to, else one that the token sees.
async fn ado_project(
    client: &AdoClient,
    config: &Config,
    tested: &mut TestedCredential,
) -> Result<Option<String>, AdoError> {
    let listed = client.projects().await;
    client.forget_refusal();

    let listed = match listed {
        Ok(projects) => projects,
        Err(AdoError::CredentialsRefused { .. }) => {
            tested.lacking.push(Lack {
                scope: "Project and Team (read)",
                costs: "`kado list projects` shows none, and a project that was renamed is not found",
                is_vital: false,
            });
            Vec::new()
        }
        Err(error) => return Err(error),
    };

    if let Some(name) = &config.machine.overrides.project {
        return Ok(Some(name.clone()));
    }
    if let Some(name) = project_of_katalon(&config.watch, client.server()) {
        return Ok(Some(name));
    }
    Ok(listed.into_iter().next().map(|project| project.name))
}

/// The ADO project of a watched Katalon project that submits to this server.
fn project_of_katalon(watched: &[PathBuf], server: &Server) -> Option<String> {
    for root in watch::survey(watched).projects {
        let Ok(settings) = workspace::read_azure_settings(&root) else {
            continue;
        };
        let Some(url) = &settings.server_url else {
            continue;
        };

        let is_same = Server::parse(url).is_ok_and(|other| other.identity() == server.identity());
        if is_same && let Some(project) = settings.project {
            return Some(project.name);
        }
    }
    None
}

async fn look_for_scopes(
    client: &AdoClient,
    project: &str,
    config: &Config,
    tested: &mut TestedCredential,
) -> Result<(), AdoError> {
    if client
        .lacks(project, TokenScope::TestWrite)
        .await?
        .is_some()
    {
        tested.lacking.push(Lack {
            scope: TokenScope::TestWrite.name(),
            costs: "nothing can be submitted",
            is_vital: true,
        });
    }
    if client.lacks(project, TokenScope::Work).await?.is_some() {
        tested.lacking.push(Lack {
            scope: TokenScope::Work.name(),
            costs: "`kado check` cannot verify ids, and `kado map` finds no test cases",
            is_vital: false,
        });
    }

    let writes_work_items = client
        .lacks(project, TokenScope::WorkWrite)
        .await?
        .is_none();
    if writes_work_items && config.machine.overrides.automation.is_none() {
        tested.remarks.push(
            "it may also change work items, which only `submit.automation_fields` needs: a token \
             with full access can do more than kado ever needs, one with Test Management (read & \
             write), Work Items (read), Build (read), Release (read) and Project and Team (read) is \
             enough"
                .to_owned(),
        );
    }

    for (kind, scope, costs) in [
        (
            DefinitionKind::Build,
            "Build (read)",
            "test runs are not linked with their build",
        ),
        (
            DefinitionKind::Release,
            "Release (read)",
            "test runs are not linked with their release",
        ),
    ] {
        if lacks_definitions(client, project, kind).await {
            tested.lacking.push(Lack {
                scope,
                costs,
                is_vital: false,
            });
        }
    }
    Ok(())
}

/// Whether a token may not read definitions: one that no server has is refused at the door, or not
/// found behind it.
async fn lacks_definitions(client: &AdoClient, project: &str, kind: DefinitionKind) -> bool {
    let answer = client
        .definition(project, kind, i32::MAX.unsigned_abs())
        .await;
    client.forget_refusal();
    matches!(answer, Err(AdoError::CredentialsRefused { .. }))
}
