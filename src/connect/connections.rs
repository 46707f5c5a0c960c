//! Clients in use, by what tells them apart: a client remembers what its server said, such as a
//! pause or the refusal of a token, so all runs of the same server and credential share one. That
//! much outlives a client that is forgotten: whoever writes projects can name any number of
//! servers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::ado::Credential;
use crate::ado::http::Network;
use crate::ado::slots::Gate;
use crate::ado::{AdoClient, ClientState, ServerMemory, Settings};
use crate::config::project_file::ProjectFile;
use crate::config::{Access, Config};
use crate::connect::credentials::{Credentials, SourcedCredential};
use crate::connect::error::ConnectError;
use crate::connect::network::network;
use crate::connect::recent::Recent;
use crate::connect::seen_tokens::SeenTokens;
use crate::locked::locked;
use crate::measures::Measures;
use crate::plan::options::Options;
use crate::plan::snapshot::Snapshot;
use crate::server::Server;
use crate::worked_tokens::WorkedTokens;

/// Most clients that are kept; more mean that tokens come and go.
const MOST_CLIENTS: usize = 64;
/// Servers and credentials of which it is remembered what they said, with a client or without.
const MOST_MEMORIES: usize = 1024;

/// Clients that are in use, and where their credentials come from.
#[derive(Default)]
pub(crate) struct Connections {
    /// Longest time for a call without a file; `None` leaves the client's own.
    patience: Option<Duration>,
    clients: Mutex<Clients>,
    /// What all clients share: the number of requests that are under way.
    gate: Gate,
    /// What was measured of all of them.
    measures: Arc<Measures>,
    worked_tokens: Arc<WorkedTokens>,
    credentials: Credentials,
}

/// The clients that are kept, and what is remembered for them and for others.
#[derive(Default)]
struct Clients {
    connected: Recent<ClientKey, Connected>,
    memories: Recent<ClientKey, Arc<ServerMemory>>,
}

/// A client, and where its credential comes from in words.
struct Connected {
    client: Arc<AdoClient>,
    source: String,
}

/// A server that this process speaks to.
pub(crate) struct ConnectedServer {
    pub state: ClientState,
    /// Where its credential comes from, in words.
    pub source: String,
}

/// What tells two clients apart.
#[derive(Clone, PartialEq, Eq, Hash)]
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

impl ClientKey {
    fn new(server: &Server, credential: &Credential, access: &Access, network: &Network) -> Self {
        let digest = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
        Self {
            server: server.base().to_owned(),
            credential: credential.digest(),
            // This form names every member, also one that is added later, and shows no secret.
            access: format!("{access:?}"),
            proxy: access
                .proxy
                .as_ref()
                .map(|proxy| digest(proxy.expose().as_str().as_bytes())),
            ca: network.ca.as_deref().map(digest),
        }
    }
}

impl Clients {
    /// What is remembered of a server and a credential.
    fn memory(&mut self, key: &ClientKey) -> Arc<ServerMemory> {
        if let Some(known) = self.memories.get(key) {
            return Arc::clone(known);
        }

        let memory = Arc::new(ServerMemory::default());
        self.memories
            .insert(key.clone(), Arc::clone(&memory), MOST_MEMORIES, |memory| {
                memory.matters()
            });
        memory
    }

    /// Keeps a client. Another may be forgotten for it: one that is in use lives on with whoever
    /// holds it, and would have to share its server's pace with its successor.
    fn keep(&mut self, key: ClientKey, connected: Connected) {
        self.connected
            .insert(key, connected, MOST_CLIENTS, |connected| {
                Arc::strong_count(&connected.client) > 1
            });
    }
}

impl Connections {
    /// Connections whose calls take no longer than `patience`.
    pub(crate) fn with_patience(patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            credentials: Credentials {
                patience: Some(patience),
                ..Credentials::default()
            },
            ..Self::default()
        }
    }

    /// With a pair that came with this invocation, such as the collection and the token of a
    /// pipeline job: it is taken before any other for that server, and goes to no other.
    #[must_use]
    pub(crate) fn with_pair(mut self, server: &Server, credential: Credential) -> Self {
        self.credentials.pair = Some((server.identity().clone(), credential));
        self
    }

    /// With what goes over them measured there.
    #[must_use]
    pub(crate) fn measured_by(self, measures: Arc<Measures>) -> Self {
        Self { measures, ..self }
    }

    /// Tokens of projects; whoever reads settings may add to them.
    pub(crate) fn seen_tokens(&self) -> Arc<SeenTokens> {
        Arc::clone(&self.credentials.seen)
    }

    /// What was measured of what went over these connections.
    pub(crate) fn measures(&self) -> Arc<Measures> {
        Arc::clone(&self.measures)
    }

    /// Which tokens worked from when until when; what was kept of that is brought back here.
    pub(crate) fn worked_tokens(&self) -> &WorkedTokens {
        &self.worked_tokens
    }

    /// The servers that were connected to, as their last answers left them. Asks nobody.
    pub(crate) fn servers(&self) -> Vec<ConnectedServer> {
        let mut servers = Vec::new();
        for connected in locked(&self.clients).connected.values() {
            servers.push(ConnectedServer {
                state: connected.client.state(),
                source: connected.source.clone(),
            });
        }
        servers.sort_by(|a, b| a.state.server.cmp(&b.state.server));
        servers
    }

    /// Whether nothing was ever heard of the server with this identity, or nothing at last.
    pub(crate) fn is_silent(&self, server: &str) -> bool {
        let mut is_connected = false;
        for connected in locked(&self.clients).connected.values() {
            if connected.client.server().identity().to_string() != server {
                continue;
            }
            if !connected.client.is_silent() {
                return false;
            }
            is_connected = true;
        }

        // What was heard before this process began counts until there is something newer.
        let has_answered = self.worked_tokens.servers().iter().any(|worked| {
            Server::parse(worked).is_ok_and(|worked| worked.identity().to_string() == server)
        });
        is_connected || !has_answered
    }

    /// A person asks for another attempt: what was refused a while ago may be allowed by now, also
    /// to the same token.
    pub(crate) fn forget_refusals(&self) {
        for memory in locked(&self.clients).memories.values() {
            memory.forget_old_refusal();
        }
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
        // Of the run and not of the project as it is set up today: it may have changed since
        // (invariant I3).
        let server = Server::parse(url)?;
        let root = Path::new(&snapshot.project_root);
        let sourced = self.credentials.for_project(config, root, &server)?;

        let mut access = config.access(root);
        // kado.toml counts before the project's own file, as that was when the run ended.
        if access.api_version.is_none() {
            access.api_version.clone_from(&snapshot.options.api_version);
        }
        let client = self.client(server, sourced, &access)?;
        introduce(&client, &snapshot.options);
        Ok(client)
    }

    /// The client for a server, on behalf of the project at `root` with these options.
    ///
    /// # Errors
    /// When there is no usable token for the server, or when the connection cannot be set up.
    pub(crate) fn for_server(
        &self,
        config: &Config,
        root: &Path,
        server: Server,
        options: &Options,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let sourced = self.credentials.for_project(config, root, &server)?;

        let mut access = config.access(root);
        if access.api_version.is_none() {
            access.api_version = ProjectFile::of(root, config).api_version;
        }
        let client = self.client(server, sourced, &access)?;
        introduce(&client, options);
        Ok(client)
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
        let sourced = self.credentials.for_machine(config, &server)?;
        self.client(server, sourced, &config.machine.access)
    }

    /// Where the credential of a server comes from, in words; `root` is `None` for the machine's
    /// own server. `None` when there is none.
    pub(crate) fn source(
        &self,
        config: &Config,
        root: Option<&Path>,
        server: &Server,
    ) -> Option<String> {
        let sourced = match root {
            Some(root) => self.credentials.for_project(config, root, server),
            None => self.credentials.for_machine(config, server),
        };
        sourced.ok().map(|sourced| sourced.source)
    }

    /// What is taken for a server in place of the own token of the project at `root`, in words;
    /// `None` where nothing is.
    pub(crate) fn source_before_project(
        &self,
        config: &Config,
        root: &Path,
        server: &Server,
    ) -> Option<String> {
        match self.credentials.before_project(config, root, server) {
            Ok(sourced) => sourced.map(|sourced| sourced.source),
            // What is wrong with it is told by whoever needs it.
            Err(_) => Some("what kado.toml names".to_owned()),
        }
    }

    fn client(
        &self,
        server: Server,
        sourced: SourcedCredential,
        access: &Access,
    ) -> Result<Arc<AdoClient>, ConnectError> {
        let SourcedCredential { credential, source } = sourced;
        let network = network(access)?;
        let key = ClientKey::new(&server, &credential, access, &network);

        let mut clients = locked(&self.clients);
        // One that did not trust the server's certificate is built anew: certificates are read when
        // a client is built.
        let memory = clients.memory(&key);
        if let Some(connected) = clients.connected.get(&key) {
            if !connected.client.is_outdated() {
                return Ok(Arc::clone(&connected.client));
            }
            memory.forget_refusal();
        }

        let client = Arc::new(AdoClient::new(&Settings {
            server,
            credential,
            api_version: access.api_version.clone(),
            network,
            suppress_sign_in: access.suppress_sign_in,
            allow_http: access.allow_http.unwrap_or(false),
            patience: self.patience,
            gate: self.gate.clone(),
            measures: Arc::clone(&self.measures),
            worked_tokens: Arc::clone(&self.worked_tokens),
            memory,
        })?);
        let connected = Connected {
            client: Arc::clone(&client),
            source,
        };
        clients.keep(key, connected);
        Ok(client)
    }
}

/// Tells a client what is known of the ADO project that it is asked for.
fn introduce(client: &AdoClient, options: &Options) {
    if let (Some(name), Some(guid)) = (&options.project, &options.project_guid) {
        client.know_project(name, guid);
    }
}
