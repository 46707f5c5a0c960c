//! `[azure.identity]`: an Entra identity in place of a token. Its secret is not part of the
//! configuration, only the place where it lies.

use std::path::{Path, PathBuf};

use toml::de::DeValue;
use url::Url;

use crate::config::section::{Problems, Section};
use crate::config::values::{self, Read};

/// An Entra identity and its authority; always beside a `server_url`, and used for that server
/// alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    /// Which kind.
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
}

/// Where the proof of a service principal lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ProofFile {
    /// `client_secret_file`.
    Secret(PathBuf),
    /// `certificate_file`: certificate and key as PEM.
    Certificate(PathBuf),
}

#[derive(Clone, Copy)]
enum Word {
    ServicePrincipal,
    ManagedIdentity,
}

/// Reads the table `identity` of `azure`; relative paths start at `folder`.
pub(crate) fn read(
    azure: &mut Section<'_, '_>,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> Option<Identity> {
    let authority = azure.read("authority_url", problems, authority);
    let at = azure.raw("identity").map_or(0..0, toml::Spanned::span);
    let mut table = azure.table("identity", problems)?;
    let words = [
        ("service-principal", Word::ServicePrincipal),
        ("managed-identity", Word::ManagedIdentity),
    ];
    let word = table.read("kind", problems, |value| values::choice(value, &words));
    // A wrong word is told already.
    let has_word = table.raw("kind").is_some();
    let ids = (
        table.read("tenant_id", problems, part),
        table.read("client_id", problems, part),
    );
    let file = |path: String| folder.join(path);
    let secret = table
        .read("client_secret_file", problems, values::word)
        .map(file)
        .map(ProofFile::Secret);
    let certificate = table
        .read("certificate_file", problems, values::word)
        .map(file)
        .map(ProofFile::Certificate);
    let name = azure.name("identity");
    table.finish(problems);
    let found = match word {
        Some(word) => kind(
            word,
            ids,
            [secret, certificate].into_iter().flatten().collect(),
        ),
        None if has_word => return None,
        None => Err("needs `kind`: \"service-principal\" or \"managed-identity\""),
    };
    found
        .map_err(|why| problems.add(at, format!("`{name}` {why}")))
        .ok()
        .map(|kind| Identity { kind, authority })
}

/// What a table of this word says as a whole.
fn kind(
    word: Word,
    (tenant_id, client_id): (Option<String>, Option<String>),
    mut proofs: Vec<ProofFile>,
) -> Result<IdentityKind, &'static str> {
    match (word, tenant_id, client_id, proofs.pop(), proofs.is_empty()) {
        (Word::ServicePrincipal, Some(tenant_id), Some(client_id), Some(proof), true) => {
            Ok(IdentityKind::ServicePrincipal {
                tenant_id,
                client_id,
                proof,
            })
        }
        (Word::ServicePrincipal, ..) => Err(
            "of a service principal needs `tenant_id`, `client_id` and one of `client_secret_file` and `certificate_file`",
        ),
        (Word::ManagedIdentity, None, client_id, None, _) => {
            Ok(IdentityKind::ManagedIdentity(client_id))
        }
        (Word::ManagedIdentity, ..) => {
            Err("of a managed identity takes `client_id` and nothing else")
        }
    }
}

/// A part of a URL's path or query: a GUID or a domain.
fn part(value: &DeValue<'_>) -> Read<String> {
    let word = values::word(value)?;
    let plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if plain {
        Ok(word)
    } else {
        Err("must be a GUID or a domain".to_owned())
    }
}

/// An authority: a secret goes there, so it is encrypted unless it is this machine or the one
/// beside it.
fn authority(value: &DeValue<'_>) -> Read<Url> {
    let text = values::word(value)?;
    let url = Url::parse(&text)
        .ok()
        .filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
    url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_near(url))).ok_or_else(|| {
        "must be an https URL such as \"https://login.microsoftonline.us\", without user and password".to_owned()
    })
}

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
