//! Which token goes to which server. A token and a server are a pair from one source (invariant I10): that of a
//! `[[project]]` table, that of the machine, or that of the Katalon project. A token goes to no other server than the
//! one it came with.

#![expect(clippy::disallowed_methods, reason = "certificates to trust lie in a file")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use crate::ado::slots::Gate;
use crate::ado::{AdoClient, AdoError, Credential, Settings};
use crate::config::{Access, Config};
use crate::error_chain::chain;
use crate::katalon::secret::ProjectToken;
use crate::plan::snapshot::Snapshot;
use crate::secrets;
use crate::server::{Server, ServerIdentity};
use crate::submit::Stop;
use crate::workspace;

/// Clients that are in use, and tokens of projects as they were last seen.
#[derive(Default)]
pub struct Connections {
    /// Longest time for a call without a file; `None` leaves the client's own.
    patience: Option<Duration>,
    clients: Mutex<HashMap<ClientKey, Arc<AdoClient>>>,
    /// What all clients share: the number of requests that are under way.
    gate: Gate,
    seen: Arc<SeenTokens>,
    /// A pair that came with this invocation.
    given: Option<(ServerIdentity, Credential)>,
}

/// Tokens of projects as they were last seen, in memory only: a project's token outlives its folder until the process
/// ends.
#[derive(Default)]
pub struct SeenTokens(Mutex<HashMap<ServerIdentity, SecretString>>);

impl SeenTokens {
    /// Remembers the token of a project for its server.
    pub fn note(&self, server: &ServerIdentity, token: &SecretString) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(server.clone(), token.clone());
    }

    /// The token that was seen last for a server.
    fn of(&self, server: &ServerIdentity) -> Option<SecretString> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(server).cloned()
    }
}

#[derive(PartialEq, Eq, Hash)]
struct ClientKey {
    server: String,
    /// A digest, so that the token stands in memory only where it is needed.
    credential: [u8; 32],
    access: String,
}

/// Most clients that are kept; more mean that tokens come and go.
const CLIENTS: usize = 64;

impl Connections {
    /// Connections whose calls take no longer than `patience`.
    pub fn with_patience(patience: Duration) -> Self {
        Self { patience: Some(patience), ..Self::default() }
    }

    /// With a pair that came with this invocation, such as the collection and the token of a pipeline job: it is taken
    /// before any other for that server, and goes to no other.
    #[must_use]
    pub fn with_pair(self, server: &Server, credential: Credential) -> Self {
        Self { given: Some((server.identity().clone(), credential)), ..self }
    }

    /// Tokens of projects; whoever reads settings may add to them.
    pub fn seen_tokens(&self) -> Arc<SeenTokens> {
        Arc::clone(&self.seen)
    }

    /// The client for a run.
    ///
    /// # Errors
    /// When there is no usable token for its server, or when the connection cannot be set up.
    pub fn for_run(&self, config: &Config, snapshot: &Snapshot) -> Result<Arc<AdoClient>, Stop> {
        let Some(url) = &snapshot.options.server_url else {
            return Err(Stop::Park("no server url; set it in Katalon's Azure DevOps settings".to_owned()));
        };
        let server = Server::parse(url).map_err(|error| Stop::Park(error.to_string()))?;
        self.for_server(config, Path::new(&snapshot.project_root), server)
    }

    /// The client for a server, on behalf of the project at `root`.
    ///
    /// # Errors
    /// When there is no usable token for the server, or when the connection cannot be set up.
    pub fn for_server(&self, config: &Config, root: &Path, server: Server) -> Result<Arc<AdoClient>, Stop> {
        let credential = self.credential(config, root, &server)?;
        self.client(server, credential, &config.access(root))
    }

    /// How to identify oneself to a server: with the pair of this invocation, else with a token.
    fn credential(&self, config: &Config, root: &Path, server: &Server) -> Result<Credential, Stop> {
        match &self.given {
            Some((identity, credential)) if identity == server.identity() => Ok(credential.clone()),
            _ => self.token(config, root, server).map(Credential::Pat),
        }
    }

    /// The token for a server, from the one source that belongs to that server.
    fn token(&self, config: &Config, root: &Path, server: &Server) -> Result<SecretString, Stop> {
        let same = |url: Option<&String>| {
            url.and_then(|url| Server::parse(url).ok()).is_some_and(|other| other.identity() == server.identity())
        };
        let tables = config.project_tables(root).map(|tables| (tables, false));
        for (tables, machine) in tables.into_iter().chain([(&config.machine, true)]) {
            if same(tables.overrides.server_url.as_ref()) {
                let found = secrets::machine_token(&tables.access, machine);
                if let Some(token) = found.map_err(|error| Stop::NoToken(chain(&error)))? {
                    return Ok(token);
                }
            }
        }
        let others = config.projects.iter().map(|project| &project.tables);
        let anybodys = others
            .filter(|tables| same(tables.overrides.server_url.as_ref()))
            .find_map(|tables| secrets::machine_token(&tables.access, false).ok().flatten());
        self.project_token(root, server, &same, anybodys)
    }

    fn project_token(
        &self,
        root: &Path,
        server: &Server,
        same: &dyn Fn(Option<&String>) -> bool,
        anybodys: Option<SecretString>,
    ) -> Result<SecretString, Stop> {
        let here = workspace::find_project_root(root).is_some_and(|found| found == root);
        let settings = if here { workspace::read_azure_settings(root).ok() } else { None };
        match settings.filter(|settings| settings.server_url.is_some()) {
            Some(settings) if same(settings.server_url.as_ref()) => match settings.token {
                ProjectToken::Set(token) => {
                    self.seen.note(server.identity(), &token);
                    Ok(token)
                }
                ProjectToken::Undecryptable(why) => Err(Stop::NoToken(format!(
                    "the token of the project in `{}` cannot be decrypted ({why}); enter it again in Katalon's Azure \
                     DevOps settings",
                    root.display()
                ))),
                ProjectToken::Unset => Err(Stop::NoToken(no_token(server, "the project has none"))),
            },
            Some(_) => Err(Stop::NoToken(no_token(server, "the project's own token belongs to another server"))),
            // The project is gone with its settings; any token that came with this server will do.
            None => anybodys.or_else(|| self.seen.of(server.identity())).ok_or_else(|| {
                Stop::NoToken(no_token(server, &format!("the project in `{}` is gone", root.display())))
            }),
        }
    }

    fn client(&self, server: Server, credential: Credential, access: &Access) -> Result<Arc<AdoClient>, Stop> {
        let key = ClientKey {
            server: server.base().to_owned(),
            credential: credential.digest(),
            access: format!("{access:?}"),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(Arc::clone(client));
        }
        let settings =
            Settings { patience: self.patience, gate: self.gate.clone(), ..settings(server, credential, access)? };
        let client = Arc::new(AdoClient::new(&settings)?);
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}

/// How a server is spoken to, with the certificates read from their file.
fn settings(server: Server, credential: Credential, access: &Access) -> Result<Settings, AdoError> {
    let read = |file: &std::path::PathBuf| {
        std::fs::read(file).map_err(|error| {
            AdoError::Configuration(format!("`azure.ca_file` `{}` cannot be read: {error}", file.display()))
        })
    };
    Ok(Settings {
        server,
        credential,
        api_version: access.api_version.clone(),
        ca: access.ca_file.as_ref().map(read).transpose()?,
        proxy: access.proxy.clone(),
        allow_http: access.allow_http.unwrap_or(false),
        patience: None,
        gate: Gate::default(),
    })
}

fn no_token(server: &Server, why: &str) -> String {
    format!(
        "no token for {}: {why}; set `azure.token_file` together with `azure.server_url` in kado.toml, or enter the token \
         in Katalon's Azure DevOps settings",
        server.base()
    )
}
