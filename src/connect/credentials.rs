//! Which credential goes to which server. A credential and a server are a pair from one source
//! (invariant I10): that of this invocation, of a `[[project]]` table, of the machine, or of the
//! Katalon project. A credential goes to no other server than the one it came with. An Entra
//! identity of a table counts like its token.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ado::Credential;
use crate::config::identity::IdentityKind;
use crate::config::{Access, Config, Tables};
use crate::connect::entra::Identities;
use crate::connect::error::{ConnectError, NoToken};
use crate::connect::network::network;
use crate::connect::seen_tokens::SeenTokens;
use crate::katalon::secret::ProjectToken;
use crate::secrets::{TokenError, TokenOwner};
use crate::server::{Server, ServerIdentity};
use crate::workspace;

/// Where credentials are taken from.
#[derive(Default)]
pub(super) struct Credentials {
    /// Longest time that whoever issues tokens is waited for.
    pub(super) patience: Option<Duration>,
    /// A pair that came with this invocation.
    pub(super) pair: Option<(ServerIdentity, Credential)>,
    pub(super) seen: Arc<SeenTokens>,
    pub(super) identities: Identities,
}

/// A credential, and where it comes from in words.
pub(super) struct SourcedCredential {
    pub(super) credential: Credential,
    pub(super) source: String,
}

impl SourcedCredential {
    fn new(credential: Credential, source: impl Into<String>) -> Self {
        Self {
            credential,
            source: source.into(),
        }
    }
}

impl Credentials {
    /// The credential for a server, on behalf of the project at `root`.
    ///
    /// # Errors
    /// When the one source that belongs to the server has none that can be used.
    pub(super) fn for_project(
        &self,
        config: &Config,
        root: &Path,
        server: &Server,
    ) -> Result<SourcedCredential, ConnectError> {
        if let Some(credential) = self.before_project(config, root, server)? {
            return Ok(credential);
        }

        // A project further up is another one. One that is there speaks for itself: also when it
        // says nothing of this server any more.
        if workspace::find_project_root(root).as_deref() == Some(root) {
            self.of_katalon_project(root, server)
        } else {
            self.of_gone_project(root, server)
        }
    }

    /// The credential that is taken in place of the own one of the project at `root`; `None` where
    /// there is none for this server.
    ///
    /// # Errors
    /// When there is one that cannot be used: the project's own is not taken then either.
    pub(super) fn before_project(
        &self,
        config: &Config,
        root: &Path,
        server: &Server,
    ) -> Result<Option<SourcedCredential>, ConnectError> {
        if let Some(credential) = self.of_invocation(server) {
            return Ok(Some(credential));
        }

        // The certificates and the proxy are the project's even where the identity is the
        // machine's.
        let access = config.access(root);
        if let Some(tables) = config.project_tables(root) {
            let credential = self.of_table(tables, TokenOwner::Projects, &access, server)?;
            if credential.is_some() {
                return Ok(credential);
            }
        }
        self.of_table(&config.machine, TokenOwner::Machine, &access, server)
    }

    /// The credential for the machine's own server, on behalf of no project.
    ///
    /// # Errors
    /// When there is none that can be used.
    pub(super) fn for_machine(
        &self,
        config: &Config,
        server: &Server,
    ) -> Result<SourcedCredential, ConnectError> {
        if let Some(credential) = self.of_invocation(server) {
            return Ok(credential);
        }

        let tables = &config.machine;
        self.of_table(tables, TokenOwner::Machine, &tables.access, server)?
            .ok_or_else(|| no_token(server, NoToken::Machine))
    }

    fn of_invocation(&self, server: &Server) -> Option<SourcedCredential> {
        match &self.pair {
            Some((identity, credential)) if identity == server.identity() => Some(
                SourcedCredential::new(credential.clone(), "this invocation"),
            ),
            _ => None,
        }
    }

    /// The identity or token of a table, if the table is about this server.
    fn of_table(
        &self,
        tables: &Tables,
        owner: TokenOwner,
        access: &Access,
        server: &Server,
    ) -> Result<Option<SourcedCredential>, ConnectError> {
        if !is_same(tables.overrides.server_url.as_ref(), server) {
            return Ok(None);
        }

        if let Some(identity) = &tables.access.identity {
            let network = network(access)?;
            let credential =
                self.identities
                    .of(identity, server.base(), &network, self.patience)?;
            return Ok(Some(SourcedCredential::new(
                credential,
                match identity.kind {
                    IdentityKind::Federated(_) => "the federated identity of `azure.identity`",
                    IdentityKind::ServicePrincipal { .. } | IdentityKind::ManagedIdentity(_) => {
                        "the Entra identity of `azure.identity`"
                    }
                },
            )));
        }

        let sources = tables.access.token_sources(owner);

        // A token that is there and cannot be used ends the search: with the next one kado would
        // act as somebody else without a word.
        let Some(token) = sources.token().map_err(ConnectError::Secret)? else {
            return Ok(None);
        };
        let source = match sources.first() {
            Some(source) => source.to_string(),
            None => "kado.toml".to_owned(),
        };
        Ok(Some(SourcedCredential::new(Credential::Pat(token), source)))
    }

    fn of_katalon_project(
        &self,
        root: &Path,
        server: &Server,
    ) -> Result<SourcedCredential, ConnectError> {
        // What cannot be read is told where the project's settings are; no token comes out of it.
        let Ok(settings) = workspace::read_azure_settings(root) else {
            return Err(no_token(server, NoToken::Unreadable(root.to_owned())));
        };
        if settings.server_url.is_none() {
            return Err(no_token(server, NoToken::Project));
        }
        if !is_same(settings.server_url.as_ref(), server) {
            return Err(no_token(server, NoToken::OtherServer));
        }

        match settings.token {
            ProjectToken::Set(token) => {
                // The workspace may be wiped before the run is sent, and its settings with it.
                self.seen.note(root, server.identity(), &token);
                Ok(SourcedCredential::new(
                    Credential::Pat(token),
                    "the Katalon project's own token",
                ))
            }

            ProjectToken::Undecryptable(reason) => Err(ConnectError::Undecryptable {
                project: root.to_owned(),
                reason,
            }),
            ProjectToken::Unset => Err(no_token(server, NoToken::Project)),
        }
    }

    /// The project is gone with its settings: what it had itself before will do, and nothing that
    /// belongs to another.
    fn of_gone_project(
        &self,
        root: &Path,
        server: &Server,
    ) -> Result<SourcedCredential, ConnectError> {
        match self.seen.last_of(root, server.identity()) {
            Some(token) => Ok(SourcedCredential::new(
                Credential::Pat(token),
                "the project's token",
            )),
            None => Err(no_token(server, NoToken::ProjectGone(root.to_owned()))),
        }
    }
}

/// What stands in the place of tokens of kado.toml and of the machine, and is none by its form, as
/// far as this process sees it. Whether a token is accepted only its server knows.
pub(crate) fn misplaced(config: &Config) -> Vec<TokenError> {
    let mut tables = vec![(&config.machine, TokenOwner::Machine)];
    for project in &config.projects {
        tables.push((&project.tables, TokenOwner::Projects));
    }

    let mut misplaced = Vec::new();
    for (tables, owner) in tables {
        // An identity is taken before any token.
        if tables.access.identity.is_some() {
            continue;
        }
        if let Err(error @ TokenError::Misfit { .. }) = tables.access.token_sources(owner).token() {
            misplaced.push(error);
        }
    }
    misplaced
}

/// Whether a table or project is about this server.
fn is_same(url: Option<&String>, server: &Server) -> bool {
    match url.map(|url| Server::parse(url)) {
        Some(Ok(other)) => other.identity() == server.identity(),
        Some(Err(_)) | None => false,
    }
}

fn no_token(server: &Server, reason: NoToken) -> ConnectError {
    ConnectError::NoToken {
        server: server.base().to_owned(),
        reason,
    }
}
