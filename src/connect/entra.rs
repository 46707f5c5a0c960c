//! From the `[azure.identity]` of a table to an [`Entra`] identity: reads its proof, and keeps the
//! identities in use, so that a token is fetched once an hour and not for each attempt. The proof
//! is read anew for each attempt; another content is another identity.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::Url;

use crate::ado::entra::assertion::Certificate;
use crate::ado::entra::authority::{PUBLIC, Proof, ServicePrincipal};
use crate::ado::entra::managed::{ManagedIdentity, Place};
use crate::ado::entra::{Entra, Issuer};
use crate::ado::http::{self, Network};
use crate::ado::{AdoError, Credential};
use crate::config::identity::{Identity, IdentityKind, ProofFile};
use crate::connect::error::ConnectError;
use crate::secrets::{self, TokenError};

/// Most identities that are kept; more mean that proofs come and go.
const MOST: usize = 64;

/// Identities in use, by what tells them apart.
#[derive(Default)]
pub(crate) struct Identities(Mutex<HashMap<[u8; 32], Arc<Entra>>>);

impl Identities {
    /// The identity that a table names, for one server. Whoever issues its tokens is waited for no
    /// longer than `patience`.
    ///
    /// # Errors
    /// When its proof cannot be read or used, or when no connection can be set up.
    pub(crate) fn of(
        &self,
        identity: &Identity,
        server: &str,
        network: &Network,
        patience: Option<Duration>,
    ) -> Result<Credential, ConnectError> {
        let proof = match &identity.kind {
            IdentityKind::ServicePrincipal { proof, .. } => Some(read(proof)?),
            IdentityKind::ManagedIdentity(_) => None,
        };
        let mut hasher = blake3::Hasher::new_derive_key("kado entra identity");
        hasher.update(format!("{identity:?} {server} {:?}", network.proxy).as_bytes());
        hasher.update(
            network
                .proxy
                .proxy
                .as_ref()
                .map_or("", |proxy| proxy.expose().as_str())
                .as_bytes(),
        );
        hasher.update(network.ca.as_deref().unwrap_or_default());
        hasher.update(proof.as_ref().map_or(&[], |proof| proof.expose_secret()));
        let digest = *hasher.finalize().as_bytes();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entra) = known.get(&digest).filter(|entra| !entra.is_outdated()) {
            return Ok(Credential::Entra(Arc::clone(entra)));
        }
        let entra = Arc::new(Entra::new(
            issuer(identity, proof, network, patience)?,
            digest,
        ));
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest, Arc::clone(&entra));
        Ok(Credential::Entra(entra))
    }
}

fn issuer(
    identity: &Identity,
    proof: Option<SecretSlice<u8>>,
    network: &Network,
    patience: Option<Duration>,
) -> Result<Issuer, ConnectError> {
    match (&identity.kind, proof) {
        (
            IdentityKind::ServicePrincipal {
                tenant_id,
                client_id,
                proof: place,
            },
            Some(proof),
        ) => {
            let authority = identity.authority.clone();
            Ok(Issuer::ServicePrincipal(ServicePrincipal {
                http: http::issuing(network, patience)?,
                authority: authority
                    .unwrap_or_else(|| Url::parse(PUBLIC).expect("the constant is a URL")),
                tenant_id: tenant_id.clone(),
                client_id: client_id.clone(),
                proof: usable(place, &proof)?,
            }))
        }
        (kind, _) => {
            let client_id = if let IdentityKind::ManagedIdentity(id) = kind {
                id.clone()
            } else {
                None
            };
            let place = Place::of_machine(identity.authority.as_ref());
            Ok(Issuer::ManagedIdentity(ManagedIdentity {
                http: http::of_machine(network, patience)?,
                client_id,
                place,
            }))
        }
    }
}

fn usable(place: &ProofFile, proof: &SecretSlice<u8>) -> Result<Proof, ConnectError> {
    match place {
        ProofFile::Secret(file) => {
            let secret = one_line(proof.expose_secret()).map(Proof::Secret);
            secret.ok_or_else(|| ConnectError::NoClientSecret(file.clone()))
        }
        ProofFile::Certificate(file) => Certificate::from_pem(proof.expose_secret())
            .map(Proof::Certificate)
            .map_err(|why| {
                AdoError::Configuration(format!("`certificate_file` `{}` {why}", file.display()))
                    .into()
            }),
    }
}

/// The only line of a text, without white space around it.
fn one_line(text: &[u8]) -> Option<SecretString> {
    let line = std::str::from_utf8(text).ok()?.trim();
    (!line.contains(char::is_control)).then(|| SecretString::from(line.to_owned()))
}

/// The content of the file that a service principal proves itself with.
fn read(place: &ProofFile) -> Result<SecretSlice<u8>, ConnectError> {
    let (kind, file): (_, &Path) = match place {
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
