//! Which token goes to which server. A token and a server are a pair from one source (invariant
//! I10): that of a `[[project]]` table, that of the machine, or that of the Katalon project. A
//! token goes to no other server than the one it came with, and an Entra identity of a table is a
//! token in this sense.

#![expect(
    clippy::disallowed_methods,
    reason = "certificates to trust lie in a file"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use crate::ado::http::{self, Network};
use crate::ado::proxy::ProxyRule;
use crate::ado::slots::Gate;
use crate::ado::{AdoClient, AdoError, Credential, Settings};
use crate::config::project_file::ProjectFile;
use crate::config::{Access, Config, Tables};
use crate::connect::entra::Identities;
use crate::connect::error::{ConnectError, NoToken};
use crate::katalon::secret::ProjectToken;
use crate::plan::snapshot::Snapshot;
use crate::secrets::TokenOwner;
use crate::server::{Server, ServerIdentity};
use crate::workspace;

/// Clients that are in use, and tokens of projects as they were last seen.
#[derive(Default)]
pub(crate) struct Connections {
    /// Longest time for a call without a file; `None` leaves the client's own.
    patience: Option<Duration>,
    clients: Mutex<HashMap<ClientKey, Arc<AdoClient>>>,
    /// What all clients share: the number of requests that are under way.
    gate: Gate,
    seen: Arc<SeenTokens>,
    identities: Identities,
    /// A pair that came with this invocation.
    given: Option<(ServerIdentity, Credential)>,
}

/// Tokens of projects as they were last seen, in memory only: a project's token outlives its folder
/// until the process ends.
#[derive(Default)]
pub(crate) struct SeenTokens(Mutex<HashMap<ServerIdentity, SecretString>>);

impl SeenTokens {
    /// Remembers the token of a project for its server.
    pub(crate) fn note(&self, server: &ServerIdentity, token: &SecretString) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(server.clone(), token.clone());
    }

    /// The token that was seen last for a server.
    fn of(&self, server: &ServerIdentity) -> Option<SecretString> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(server)
            .cloned()
    }
}

#[derive(PartialEq, Eq, Hash)]
struct ClientKey {
    server: String,
    /// A digest, so that the token stands in memory only where it is needed.
    credential: [u8; 32],
    access: String,
    /// A digest, because the printable form of the proxy lacks its password.
    proxy: Option<[u8; 32]>,
    /// A digest of the certificates: they are renewed in their file.
    ca: Option<[u8; 32]>,
}

/// Where the pair of an invocation comes from.
const GIVEN: &str = "this invocation";
/// Most clients that are kept; more mean that tokens come and go.
const CLIENTS: usize = 64;

impl Connections {
    /// Connections whose calls take no longer than `patience`.
    pub(crate) fn with_patience(patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..Self::default()
        }
    }

    /// With a pair that came with this invocation, such as the collection and the token of a
    /// pipeline job: it is taken before any other for that server, and goes to no other.
    #[must_use]
    pub(crate) fn with_pair(self, server: &Server, credential: Credential) -> Self {
        Self {
            given: Some((server.identity().clone(), credential)),
            ..self
        }
    }

    /// Tokens of projects; whoever reads settings may add to them.
    pub(crate) fn seen_tokens(&self) -> Arc<SeenTokens> {
        Arc::clone(&self.seen)
    }

    /// A person asks for another attempt: what was refused a while ago may be allowed by now, also
    /// to the same token.
    pub(crate) fn forget_refusals(&self) {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients
            .values()
            .for_each(|client| client.forget_old_refusal());
    }

    /// The client for a run.
    ///
    /// # Errors
    /// When there is no usable token for its server, or when the connection cannot be set up.
    pub(crate) fn for_run(
        &self,
        config: &Config,
        snapshot: &Snapshot,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let Some(url) = &snapshot.options.server_url else {
            return Err(ConnectError::NoServer);
        };
        let server = Server::parse(url)?;
        let root = Path::new(&snapshot.project_root);
        let (credential, _) = self.credential(config, root, &server)?;
        let mut access = config.access(root);
        access.api_version = access
            .api_version
            .or_else(|| snapshot.options.api_version.clone());
        self.client(server, credential, &access)
    }

    /// The client for a server, on behalf of the project at `root`.
    ///
    /// # Errors
    /// When there is no usable token for the server, or when the connection cannot be set up.
    pub(crate) fn for_server(
        &self,
        config: &Config,
        root: &Path,
        server: Server,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let (credential, _) = self.credential(config, root, &server)?;
        let mut access = config.access(root);
        access.api_version = access
            .api_version
            .or_else(|| ProjectFile::of(root, config).api_version);
        self.client(server, credential, &access)
    }

    /// Where the credential of a server comes from, in words; `root` is `None` for the machine's
    /// own server. `None` when there is none.
    pub(crate) fn source(
        &self,
        config: &Config,
        root: Option<&Path>,
        server: &Server,
    ) -> Option<String> {
        match root {
            Some(root) => self
                .credential(config, root, server)
                .ok()
                .map(|(_, source)| source),
            None if self.given(server).is_some() => Some(GIVEN.to_owned()),
            None => {
                let found = self
                    .of_table(
                        &config.machine,
                        TokenOwner::Machine,
                        &config.machine.access,
                        server,
                    )
                    .ok()
                    .flatten();
                found.map(|(_, source)| source)
            }
        }
    }

    /// The client for the machine's own server, on behalf of no project.
    ///
    /// # Errors
    /// When there is no usable token for the server, or when the connection cannot be set up.
    pub(crate) fn for_machine(
        &self,
        config: &Config,
        server: Server,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let access = &config.machine.access;
        let credential = match self.given(&server) {
            Some(credential) => credential,
            None => self
                .of_table(&config.machine, TokenOwner::Machine, access, &server)?
                .map(|(credential, _)| credential)
                .ok_or_else(|| no_token(&server, NoToken::Machine))?,
        };
        self.client(server, credential, access)
    }

    /// How to identify oneself to a server: with the pair of this invocation, else with that of the
    /// one source that belongs to the server; and where that is, in words.
    fn credential(
        &self,
        config: &Config,
        root: &Path,
        server: &Server,
    ) -> Result<(Credential, String), ConnectError> {
        if let Some(credential) = self.given(server) {
            return Ok((credential, GIVEN.to_owned()));
        }
        let access = config.access(root);
        let tables = config
            .project_tables(root)
            .map(|tables| (tables, TokenOwner::Projects));
        for (tables, owner) in tables
            .into_iter()
            .chain([(&config.machine, TokenOwner::Machine)])
        {
            if let Some(credential) = self.of_table(tables, owner, &access, server)? {
                return Ok(credential);
            }
        }
        let others = config.projects.iter().map(|project| &project.tables);
        let anybodys = others.filter_map(|tables| {
            self.of_table(tables, TokenOwner::Projects, &tables.access, server)
                .ok()
                .flatten()
        });
        self.project_token(root, server, anybodys)
    }

    /// The pair that came with this invocation, if it is for this server.
    fn given(&self, server: &Server) -> Option<Credential> {
        let (identity, credential) = self.given.as_ref()?;
        (identity == server.identity()).then(|| credential.clone())
    }

    /// The identity or token of a table, if the table is about this server.
    fn of_table(
        &self,
        tables: &Tables,
        owner: TokenOwner,
        access: &Access,
        server: &Server,
    ) -> Result<Option<(Credential, String)>, ConnectError> {
        if !is_same(tables.overrides.server_url.as_ref(), server) {
            return Ok(None);
        }
        if let Some(identity) = &tables.access.identity {
            let credential =
                self.identities
                    .of(identity, server.base(), &network(access)?, self.patience)?;
            return Ok(Some((
                credential,
                "the Entra identity of `azure.identity`".to_owned(),
            )));
        }
        let sources = tables.access.token_sources(owner);
        let token = sources.token().map_err(ConnectError::Secret)?;
        let source = sources
            .first()
            .map_or_else(|| "kado.toml".to_owned(), |source| source.to_string());
        Ok(token.map(|token| (Credential::Pat(token), source)))
    }

    fn project_token(
        &self,
        root: &Path,
        server: &Server,
        mut anybodys: impl Iterator<Item = (Credential, String)>,
    ) -> Result<(Credential, String), ConnectError> {
        let here = workspace::find_project_root(root).is_some_and(|found| found == root);
        let settings = if here {
            workspace::read_azure_settings(root).ok()
        } else {
            None
        };
        match settings.filter(|settings| settings.server_url.is_some()) {
            Some(settings) if is_same(settings.server_url.as_ref(), server) => match settings.token
            {
                ProjectToken::Set(token) => {
                    self.seen.note(server.identity(), &token);
                    Ok((
                        Credential::Pat(token),
                        "the Katalon project's own token".to_owned(),
                    ))
                }
                ProjectToken::Undecryptable(reason) => Err(ConnectError::Undecryptable {
                    project: root.to_owned(),
                    reason,
                }),
                ProjectToken::Unset => Err(no_token(server, NoToken::Project)),
            },
            Some(_) => Err(no_token(server, NoToken::OtherServer)),
            // The project is gone with its settings; any token that came with this server will do.
            None => {
                let seen = || {
                    Some((
                        Credential::Pat(self.seen.of(server.identity())?),
                        "the project's token".to_owned(),
                    ))
                };
                anybodys
                    .next()
                    .or_else(seen)
                    .ok_or_else(|| no_token(server, NoToken::ProjectGone(root.to_owned())))
            }
        }
    }

    fn client(
        &self,
        server: Server,
        credential: Credential,
        access: &Access,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let network = network(access)?;
        let key = ClientKey {
            server: server.base().to_owned(),
            credential: credential.digest(),
            access: format!("{access:?}"),
            proxy: access
                .proxy
                .as_ref()
                .map(|proxy| *blake3::hash(proxy.expose().as_str().as_bytes()).as_bytes()),
            ca: network.ca.as_ref().map(|ca| *blake3::hash(ca).as_bytes()),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key).filter(|client| !client.is_outdated()) {
            return Ok(Arc::clone(client));
        }
        let settings = Settings {
            patience: self.patience,
            gate: self.gate.clone(),
            ..settings(server, credential, access, network)
        };
        let client = Arc::new(AdoClient::new(&settings)?);
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}

/// Whether a table or project is about this server.
fn is_same(url: Option<&String>, server: &Server) -> bool {
    url.and_then(|url| Server::parse(url).ok())
        .is_some_and(|other| other.identity() == server.identity())
}

/// How a server is spoken to.
fn settings(server: Server, credential: Credential, access: &Access, network: Network) -> Settings {
    Settings {
        server,
        credential,
        api_version: access.api_version.clone(),
        network,
        suppress_sign_in: access.suppress_sign_in,
        allow_http: access.allow_http.unwrap_or(false),
        patience: None,
        gate: Gate::default(),
    }
}

/// How the network is used, with the certificates read from their file.
fn network(access: &Access) -> Result<Network, AdoError> {
    let read = |file: &PathBuf| {
        let wrong = |why: String| {
            AdoError::Configuration(format!("`azure.ca_file` `{}` {why}", file.display()))
        };
        let content =
            std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        http::authorities(&content).map_err(wrong)?;
        Ok::<_, AdoError>(content)
    };
    Ok(Network {
        ca: access.ca_file.as_ref().map(read).transpose()?,
        proxy: proxy_rule(access),
    })
}

/// What the configuration says of proxies for the servers of this access.
pub(crate) fn proxy_rule(access: &Access) -> ProxyRule {
    ProxyRule {
        proxy: access.proxy.clone(),
        no_proxy: access.no_proxy.clone().unwrap_or_default(),
    }
}

fn no_token(server: &Server, reason: NoToken) -> ConnectError {
    ConnectError::NoToken {
        server: server.base().to_owned(),
        reason,
    }
}
