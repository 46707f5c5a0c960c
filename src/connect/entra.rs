//! From the `[azure.identity]` of a table to an [`Entra`] identity: reads its proof, and keeps the
//! identities in use, so that a token is fetched once an hour and not for each attempt. The proof
//! is read anew for each attempt; another content is another identity.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::Url;

use crate::ado::entra::assertion::Certificate;
use crate::ado::entra::authority::{PUBLIC, Proof, ServicePrincipal};
use crate::ado::entra::managed::{ManagedIdentity, TokenService};
use crate::ado::entra::{Entra, Issuer};
use crate::ado::http::{self, Network};
use crate::ado::{AdoError, Credential};
use crate::config::identity::{Identity, IdentityKind, ProofFile};
use crate::connect::error::ConnectError;
use crate::connect::federated::{self, Federated};
use crate::locked::locked;
use crate::secrets::{self, TokenError};

/// Most identities that are kept; more mean that proofs come and go.
const MOST_IDENTITIES: usize = 64;

/// Identities in use, by what tells them apart.
#[derive(Default)]
pub(super) struct Identities(Mutex<HashMap<[u8; 32], Arc<Entra>>>);

impl Identities {
    /// The identity that a table names, for one server. Whoever issues its tokens is waited for no
    /// longer than `patience`.
    ///
    /// # Errors
    /// When its proof cannot be read or used, or when no connection can be set up.
    pub(super) fn of(
        &self,
        identity: &Identity,
        server: &str,
        network: &Network,
        patience: Option<Duration>,
    ) -> Result<Credential, ConnectError> {
        let applicant = Applicant::read(&identity.kind)?;
        let digest = digest(identity, server, network, &applicant);

        // Locked until the end, or two runs would make two of the same, and each fetch a token.
        let mut identities = locked(&self.0);
        if let Some(entra) = identities.get(&digest)
            && !entra.is_outdated()
        {
            return Ok(Credential::Entra(Arc::clone(entra)));
        }

        let issuer = issuer(applicant, identity.authority.as_ref(), network, patience)?;
        let entra = Arc::new(Entra::new(issuer, digest));
        if identities.len() >= MOST_IDENTITIES {
            identities.clear();
        }
        identities.insert(digest, Arc::clone(&entra));
        Ok(Credential::Entra(entra))
    }
}

/// Who asks for tokens, with what its proof file holds.
enum Applicant<'a> {
    ServicePrincipal {
        tenant_id: &'a str,
        client_id: &'a str,
        proof_file: &'a ProofFile,
        proof: SecretSlice<u8>,
    },
    /// The machine, with the id of one of its identities where it has several.
    ManagedIdentity(Option<&'a str>),
    /// An application that another issuer's tokens prove.
    Federated(Box<Federated>),
}

impl<'a> Applicant<'a> {
    fn read(kind: &'a IdentityKind) -> Result<Self, ConnectError> {
        Ok(match kind {
            IdentityKind::ServicePrincipal {
                tenant_id,
                client_id,
                proof,
            } => Self::ServicePrincipal {
                tenant_id,
                client_id,
                proof_file: proof,
                proof: read(proof)?,
            },
            IdentityKind::ManagedIdentity(client_id) => Self::ManagedIdentity(client_id.as_deref()),
            IdentityKind::Federated(identity) => {
                Self::Federated(Box::new(Federated::read(identity)?))
            }
        })
    }

    /// What it is told from others by, beside the table that it stands in. A federated identity
    /// stays the same whatever tokens its issuer gives it.
    fn add_to(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::ServicePrincipal { proof, .. } => {
                hasher.update(proof.expose_secret());
            }
            Self::ManagedIdentity(_) => {}
            Self::Federated(federated) => {
                hasher.update(format!("{federated:?}").as_bytes());
                if let federated::ProvingTokens::Job { job_token, .. } = &federated.issuer {
                    hasher.update(job_token.expose_secret().as_bytes());
                }
            }
        }
    }
}

/// Tells identities apart that differ in anything, without keeping a secret.
fn digest(
    identity: &Identity,
    server: &str,
    network: &Network,
    applicant: &Applicant<'_>,
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("kado entra identity");
    // The server is in it: a token goes to one server only (invariant I10), so an identity that is
    // used for two of them is two.
    hasher.update(format!("{identity:?} {server} {:?}", network.proxy).as_bytes());

    // The printable form of the proxy lacks its password.
    if let Some(proxy) = &network.proxy.proxy {
        hasher.update(proxy.expose().as_str().as_bytes());
    }
    hasher.update(network.ca.as_deref().unwrap_or_default());
    applicant.add_to(&mut hasher);

    *hasher.finalize().as_bytes()
}

fn issuer(
    applicant: Applicant<'_>,
    authority: Option<&Url>,
    network: &Network,
    patience: Option<Duration>,
) -> Result<Issuer, ConnectError> {
    match applicant {
        Applicant::ManagedIdentity(client_id) => Ok(Issuer::ManagedIdentity(ManagedIdentity {
            http: http::of_machine(network, patience)?,
            client_id: client_id.map(str::to_owned),
            service: TokenService::of_machine(authority),
        })),

        Applicant::ServicePrincipal {
            tenant_id,
            client_id,
            proof_file,
            proof,
        } => {
            let authority = or_public(authority);
            Ok(Issuer::ServicePrincipal(ServicePrincipal {
                http: http::issuing(&authority, network, patience)?,
                authority,
                tenant_id: tenant_id.to_owned(),
                client_id: client_id.to_owned(),
                proof: parse(proof_file, &proof)?,
            }))
        }

        Applicant::Federated(federated) => {
            let authority = or_public(authority.or(federated.authority.as_ref()));
            Ok(Issuer::ServicePrincipal(ServicePrincipal {
                http: http::issuing(&authority, network, patience)?,
                authority,
                tenant_id: federated.tenant_id,
                client_id: federated.client_id,
                proof: Proof::Federated(federated.issuer.tokens(network, patience)?),
            }))
        }
    }
}

fn or_public(authority: Option<&Url>) -> Url {
    match authority {
        Some(url) => url.clone(),
        None => Url::parse(PUBLIC).expect("the constant is a URL"),
    }
}

/// What the content of a proof file proves.
fn parse(file: &ProofFile, content: &SecretSlice<u8>) -> Result<Proof, ConnectError> {
    match file {
        ProofFile::Secret(file) => match only_line(content.expose_secret()) {
            Some(secret) => Ok(Proof::Secret(secret)),
            None => Err(ConnectError::NoClientSecret(file.clone())),
        },
        ProofFile::Certificate(file) => Certificate::from_pem(content.expose_secret())
            .map(Proof::Certificate)
            .map_err(|error| {
                let file = file.display();
                let message = format!("`certificate_file` `{file}` {error}");
                ConnectError::Ado(AdoError::Configuration(message))
            }),
    }
}

/// The only line of a text, without white space around it.
fn only_line(text: &[u8]) -> Option<SecretString> {
    let line = std::str::from_utf8(text).ok()?.trim();
    // Unlike a token it may hold any sign; with a line break it is something else, such as a key.
    if line.contains(char::is_control) {
        return None;
    }
    Some(SecretString::from(line.to_owned()))
}

/// The content of the file that a service principal proves itself with.
fn read(proof: &ProofFile) -> Result<SecretSlice<u8>, ConnectError> {
    let (kind, file): (_, &Path) = match proof {
        ProofFile::Secret(file) => ("`client_secret_file`", file),
        ProofFile::Certificate(file) => ("`certificate_file`", file),
    };

    let content = if secrets::is_absent(file) {
        Err(TokenError::Missing(file.into()))
    } else {
        secrets::closed_file(file)
    };
    content.map_err(|error| ConnectError::Secret(error.of(kind)))
}
