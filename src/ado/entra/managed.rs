//! The identity of the machine: tokens from its metadata service (IMDS of a virtual machine), from
//! App Service, or from the agent of Azure Arc (learn.microsoft.com, "How to use managed identities
//! … to acquire an access token").
//!
//! These services are on the machine or beside it, so no proxy is ever between.

#![expect(
    clippy::disallowed_methods,
    reason = "App Service and Arc say through the environment and a file where they are"
)]

use std::path::{Path, PathBuf};

use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::ado::entra::RESOURCE;
use crate::ado::entra::answer::{GoodAnswer, TokenEndpoint};
use crate::ado::error::{AdoError, Refusal};
use crate::ado::http::Caller;

/// Where a virtual machine finds its metadata service.
const IMDS: &str = "http://169.254.169.254";
/// What to look at when no token is given to this machine.
const ADVICE: &str = "is an identity assigned to this machine, and is it the one of `client_id` \
                      in `azure.identity`, if one is set there?";
/// Largest key file of the Arc agent, in bytes.
const LARGEST_KEY: u64 = 4096;

/// A managed identity of this machine.
pub(crate) struct ManagedIdentity {
    /// A client that knows no proxy.
    pub(crate) http: Caller,
    /// The identity's id, where the machine has several.
    pub(crate) client_id: Option<String>,
    pub(crate) service: TokenService,
}

/// Who issues tokens for this machine.
pub(crate) enum TokenService {
    /// The metadata service of a virtual machine, below this base.
    Imds(Url),
    /// App Service, with the header that it wants to see.
    AppService(Url, SecretString),
    /// The agent of Azure Arc.
    Arc(Url),
}

impl TokenService {
    /// Where this machine gets its tokens: below `configured`, else where the environment says,
    /// else from IMDS.
    pub(crate) fn of_machine(configured: Option<&Url>) -> Self {
        if let Some(url) = configured {
            return Self::Imds(url.clone());
        }

        if let Some(endpoint) = url_in_environment("IDENTITY_ENDPOINT") {
            // App Service wants to see its header again; the agent of Arc names IMDS as well.
            if let Ok(header) = std::env::var("IDENTITY_HEADER") {
                return Self::AppService(endpoint, SecretString::from(header));
            }
            if std::env::var("IMDS_ENDPOINT").is_ok() {
                return Self::Arc(endpoint);
            }
        }

        Self::Imds(Url::parse(IMDS).expect("the constant is a URL"))
    }

    fn name(&self) -> String {
        let (kind, url) = match self {
            Self::Imds(url) => ("metadata service", url),
            Self::AppService(url, _) => ("App Service", url),
            Self::Arc(url) => ("Azure Arc agent", url),
        };
        format!("the {kind} at {}", url.origin().ascii_serialization())
    }
}

fn url_in_environment(name: &str) -> Option<Url> {
    Url::parse(&std::env::var(name).ok()?).ok()
}

impl ManagedIdentity {
    pub(super) async fn fetch(&self) -> Result<GoodAnswer, AdoError> {
        let name = self.service.name();
        let source = TokenEndpoint {
            name: &name,
            advice: ADVICE,
            caller: &self.http,
        };

        let mut response = source.send(self.request()).await?;

        // The agent of Arc first names a file that only accounts of its group can read. Who sends
        // its content back has proven to be one of them, and gets the token.
        let is_challenge = matches!(self.service, TokenService::Arc(_))
            && response.status() == StatusCode::UNAUTHORIZED;
        if is_challenge {
            let key = arc_key(&response).map_err(|error| refused(&name, &error))?;
            let value = format!("Basic {}", key.expose_secret());
            let again = self.request().header(AUTHORIZATION, value);
            response = source.send(again).await?;
        }

        source.read(response).await
    }

    fn request(&self) -> RequestBuilder {
        let (mut url, version, header) = match &self.service {
            TokenService::Imds(base) => {
                let mut url = base.clone();
                url.set_path("/metadata/identity/oauth2/token");
                (url, "2018-02-01", ("metadata", "true"))
            }
            TokenService::AppService(url, header) => {
                let header = ("x-identity-header", header.expose_secret());
                (url.clone(), "2019-08-01", header)
            }
            TokenService::Arc(url) => (url.clone(), "2020-06-01", ("metadata", "true")),
        };

        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", RESOURCE);
        if let Some(id) = &self.client_id {
            url.query_pairs_mut().append_pair("client_id", id);
        }

        let (header_name, header_value) = header;
        self.http.client.get(url).header(header_name, header_value)
    }
}

/// That the agent of Azure Arc could not be answered.
#[derive(Debug, thiserror::Error)]
enum KeyFileError {
    #[error("it did not name its key file")]
    NotNamed,
    #[error(
        "it named `{}` as its key file, which is not where keys of the agent lie",
        .0.display()
    )]
    Elsewhere(PathBuf),
    #[error(
        "its key file `{}` cannot be read; the account that runs kado must be in the agent's group",
        .0.display()
    )]
    Unreadable(PathBuf),
}

fn refused(name: &str, error: &KeyFileError) -> AdoError {
    AdoError::CredentialsRefused {
        server: name.to_owned(),
        refusal: Refusal::of_identity(error.to_string(), None),
        repeated: false,
        accepted: None,
    }
}

/// The key that only the machine's own services can read, from the file that the agent names; it
/// must lie where the agent puts its keys, because an answer must not make kado send any other
/// file.
fn arc_key(response: &Response) -> Result<SecretString, KeyFileError> {
    let file = key_file_in(response).ok_or(KeyFileError::NotNamed)?;

    let file = Path::new(file);
    let is_key = file.extension().is_some_and(|extension| extension == "key");
    if !is_key || file.parent() != Some(&arc_key_folder()) {
        return Err(KeyFileError::Elsewhere(file.to_owned()));
    }

    let unreadable = || KeyFileError::Unreadable(file.to_owned());

    // The answer names the file, so what is no key must not be read whole, let alone sent.
    let metadata = std::fs::metadata(file).map_err(|_| unreadable())?;
    if metadata.len() > LARGEST_KEY {
        return Err(unreadable());
    }
    let text = std::fs::read_to_string(file).map_err(|_| unreadable())?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// What the agent's challenge names, such as `Basic realm=/var/opt/azcmagent/tokens/x.key`.
fn key_file_in(response: &Response) -> Option<&str> {
    let challenge = response.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, file) = challenge.split_once("realm=")?;
    Some(file.trim().trim_matches('"'))
}

#[cfg(not(windows))]
fn arc_key_folder() -> PathBuf {
    PathBuf::from("/var/opt/azcmagent/tokens")
}

#[cfg(windows)]
fn arc_key_folder() -> PathBuf {
    let data = std::env::var_os("ProgramData").unwrap_or_else(|| "C:\\ProgramData".into());
    PathBuf::from(data)
        .join("AzureConnectedMachineAgent")
        .join("Tokens")
}
