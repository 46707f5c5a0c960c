//! `[azure.identity]`: an Entra identity in place of a token. Its secret is not part of the
//! configuration, only the place where it lies.

use std::path::{Path, PathBuf};

use toml::de::DeValue;
use url::Url;

use crate::config::section::{Problems, Section};
use crate::config::value_error::ValueError;
use crate::config::values::{self, Read};

/// An Entra identity and its authority; always beside a `server_url`, and used for that server
/// alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub kind: IdentityKind,
    /// `azure.authority_url`: who issues its tokens, when that is not the public cloud's or the
    /// machine's own.
    pub authority: Option<Url>,
}

/// The kinds of identities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum IdentityKind {
    /// An application that is registered in a tenant.
    ServicePrincipal {
        /// The tenant, by GUID or domain.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// What it proves itself with.
        proof: ProofFile,
    },
    /// The identity of the machine; its id where the machine has several.
    ManagedIdentity(Option<String>),
    /// An application that trusts tokens of another issuer, which prove it without a secret.
    Federated(FederatedIdentity),
}

impl IdentityKind {
    /// Whether the job of a pipeline proves it.
    pub(crate) const fn uses_service_connection(&self) -> bool {
        matches!(
            self,
            Self::Federated(FederatedIdentity {
                issuer: TrustedIssuer::ServiceConnection(_),
                ..
            })
        )
    }
}

/// What `kado.toml` says of a federated identity; what is `None` the environment says, as workload
/// identity sets it there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FederatedIdentity {
    /// The tenant, else `$AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// The application's id, else `$AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    pub issuer: TrustedIssuer,
}

/// Who issues the tokens that the application trusts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TrustedIssuer {
    /// Kubernetes, or anybody else who keeps a file new; else `$AZURE_FEDERATED_TOKEN_FILE`.
    File(Option<PathBuf>),
    /// Azure Pipelines, for the service connection with this id.
    ServiceConnection(String),
}

/// Where the proof of a service principal lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ProofFile {
    /// `client_secret_file`.
    Secret(PathBuf),
    /// `certificate_file`: certificate and key as PEM.
    Certificate(PathBuf),
}

/// What `kind` says.
#[derive(Clone, Copy)]
enum Kind {
    ServicePrincipal,
    ManagedIdentity,
    Federated,
}

/// The words of it.
const KINDS: [(&str, Kind); 3] = [
    ("service-principal", Kind::ServicePrincipal),
    ("managed-identity", Kind::ManagedIdentity),
    ("federated", Kind::Federated),
];

/// What `kind` may be.
pub(crate) fn kind_words() -> [&'static str; 3] {
    KINDS.map(|(word, _)| word)
}

/// The keys of the table beside `kind`.
struct Keys {
    tenant_id: Option<String>,
    client_id: Option<String>,
    secret: Option<ProofFile>,
    certificate: Option<ProofFile>,
    token_file: Option<PathBuf>,
    service_connection_id: Option<String>,
}

/// Reads the table `identity` of `azure`; relative paths start at `folder`.
pub(super) fn read(
    azure: &mut Section<'_, '_>,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> Option<Identity> {
    let authority = azure.read_hidden("authority_url", problems, authority);
    let at = azure.raw("identity").map_or(0..0, toml::Spanned::span);
    let mut table = azure.table("identity", problems)?;
    let kind = table.read("kind", problems, |value| values::choice(value, &KINDS));
    let names_kind = table.raw("kind").is_some();

    let secret = table.read_hidden("client_secret_file", problems, values::path);
    let certificate = table.read("certificate_file", problems, values::path);
    let token_file = table.read_hidden("token_file", problems, values::path);
    let keys = Keys {
        tenant_id: table.read("tenant_id", problems, part),
        client_id: table.read("client_id", problems, part),
        secret: secret.map(|path| ProofFile::Secret(folder.join(path))),
        certificate: certificate.map(|path| ProofFile::Certificate(folder.join(path))),
        token_file: token_file.map(|path| folder.join(path)),
        service_connection_id: table.read("service_connection_id", problems, connection),
    };
    table.finish(problems);

    let identity = match kind {
        Some(kind) => keys.identity_of(kind),
        // A wrong word is a problem of its own.
        None if names_kind => return None,
        None => Err("needs `kind`: \"service-principal\", \"managed-identity\" or \"federated\""),
    };
    match identity {
        Ok(kind) => Some(Identity { kind, authority }),
        Err(why) => {
            problems.add(at, format!("`{}` {why}", azure.name("identity")));
            None
        }
    }
}

impl Keys {
    /// What the keys say as a whole.
    fn identity_of(self, kind: Kind) -> Result<IdentityKind, &'static str> {
        match kind {
            Kind::ServicePrincipal => self.service_principal().ok_or(
                "of a service principal needs `tenant_id`, `client_id` and one of \
                 `client_secret_file` and `certificate_file`",
            ),
            Kind::ManagedIdentity => self
                .managed_identity()
                .ok_or("of a managed identity takes `client_id` and nothing else"),
            Kind::Federated => self.federated().ok_or(
                "of a federated identity takes `tenant_id`, `client_id` and one of `token_file` \
                 and `service_connection_id`",
            ),
        }
    }

    fn service_principal(self) -> Option<IdentityKind> {
        if self.has_federation() {
            return None;
        }
        let proof = match (self.secret, self.certificate) {
            (Some(proof), None) | (None, Some(proof)) => proof,
            _ => return None,
        };
        Some(IdentityKind::ServicePrincipal {
            tenant_id: self.tenant_id?,
            client_id: self.client_id?,
            proof,
        })
    }

    /// Whether there are keys of a federated identity.
    const fn has_federation(&self) -> bool {
        self.token_file.is_some() || self.service_connection_id.is_some()
    }

    fn federated(self) -> Option<IdentityKind> {
        if self.secret.is_some() || self.certificate.is_some() {
            return None;
        }
        let issuer = match (self.token_file, self.service_connection_id) {
            (file, None) => TrustedIssuer::File(file),
            (None, Some(id)) => TrustedIssuer::ServiceConnection(id),
            (Some(_), Some(_)) => return None,
        };
        Some(IdentityKind::Federated(FederatedIdentity {
            tenant_id: self.tenant_id,
            client_id: self.client_id,
            issuer,
        }))
    }

    fn managed_identity(self) -> Option<IdentityKind> {
        match self {
            Self {
                tenant_id: None,
                client_id,
                secret: None,
                certificate: None,
                token_file: None,
                service_connection_id: None,
            } => Some(IdentityKind::ManagedIdentity(client_id)),
            // A key that counts for nothing would let people believe that it did.
            _ => None,
        }
    }
}

/// A part of a URL's path or query: a GUID or a domain.
fn part(value: &DeValue<'_>) -> Read<String> {
    let word = values::word(value)?;
    let is_plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_'));

    if is_plain {
        Ok(word)
    } else {
        Err(ValueError::MustBe("a GUID or a domain"))
    }
}

/// The id of a service connection, which becomes part of a URL.
fn connection(value: &DeValue<'_>) -> Read<String> {
    part(value).map_err(|_| {
        ValueError::MustBe(
            "the id of a service connection, a GUID: it stands in the address of its page in \
         Azure DevOps",
        )
    })
}

/// What is wrong with the URL of an authority; `None` where nothing is.
pub(crate) fn wrong_authority(text: &str) -> Option<String> {
    authority_at(text).err().map(|error| error.to_string())
}

fn authority(value: &DeValue<'_>) -> Read<Url> {
    authority_at(&values::word(value)?)
}

/// An authority: a secret goes there, so it is encrypted unless it is this machine or the one
/// beside it.
fn authority_at(text: &str) -> Read<Url> {
    match Url::parse(text) {
        Ok(url) if is_authority(&url) => Ok(url),
        _ => Err(ValueError::MustBe(
            "an https URL such as \"https://login.microsoftonline.us\", without user and \
             password",
        )),
    }
}

fn is_authority(url: &Url) -> bool {
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_near(url));
    is_safe && url.has_host() && url.username().is_empty() && url.password().is_none()
}

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        // The metadata service of a virtual machine has an address of its link, and knows no https.
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
