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

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::ado::entra::RESOURCE;
use crate::ado::entra::answer::{Asked, GoodAnswer};
use crate::ado::error::{AdoError, Refusal};
use crate::ado::http::Caller;

/// Where a virtual machine finds its metadata service.
const IMDS: &str = "http://169.254.169.254";
/// What to look at when no token is given to this machine.
const LOOK: &str = "is an identity assigned to this machine, and is it the one of `client_id` in `azure.identity`, if one is set \
                    there?";
/// Largest key file of the Arc agent.
const KEY: u64 = 4096;

/// A managed identity of this machine.
pub(crate) struct ManagedIdentity {
    /// A client that knows no proxy.
    pub(crate) http: Caller,
    /// The identity's id, where the machine has several.
    pub(crate) client_id: Option<String>,
    /// Who issues its tokens.
    pub(crate) place: Place,
}

/// Who issues tokens for this machine.
pub(crate) enum Place {
    /// The metadata service of a virtual machine, below this base.
    Imds(Url),
    /// App Service, with the header that it wants to see.
    AppService(Url, SecretString),
    /// The agent of Azure Arc.
    Arc(Url),
}

impl Place {
    /// Where this machine gets its tokens: below `configured`, else where the environment says,
    /// else from IMDS.
    pub(crate) fn of_machine(configured: Option<&Url>) -> Self {
        if let Some(url) = configured {
            return Self::Imds(url.clone());
        }
        let endpoint = std::env::var("IDENTITY_ENDPOINT")
            .ok()
            .and_then(|text| Url::parse(&text).ok());
        match (
            endpoint,
            std::env::var("IDENTITY_HEADER"),
            std::env::var("IMDS_ENDPOINT"),
        ) {
            (Some(endpoint), Ok(header), _) => {
                Self::AppService(endpoint, SecretString::from(header))
            }
            (Some(endpoint), Err(_), Ok(_)) => Self::Arc(endpoint),
            _ => Self::Imds(Url::parse(IMDS).expect("the constant is a URL")),
        }
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

impl ManagedIdentity {
    pub(super) async fn fetch(&self) -> Result<GoodAnswer, AdoError> {
        let name = self.place.name();
        let asked = Asked {
            name: &name,
            look: LOOK,
        };
        let failed = |error: reqwest::Error| asked.unreachable(&self.http, &error);
        let mut response = self.request().send().await.map_err(failed)?;
        if let (Place::Arc(_), 401) = (&self.place, response.status().as_u16()) {
            let key = arc_key(&response).map_err(|why| refused(&name, why))?;
            let again = self
                .request()
                .header("authorization", format!("Basic {}", key.expose_secret()));
            response = again.send().await.map_err(failed)?;
        }
        asked.read(&self.http, response).await
    }

    fn request(&self) -> RequestBuilder {
        let (url, version, header) = match &self.place {
            Place::Imds(base) => {
                let mut url = base.clone();
                url.set_path("/metadata/identity/oauth2/token");
                (url, "2018-02-01", ("metadata", "true"))
            }
            Place::AppService(url, header) => (
                url.clone(),
                "2019-08-01",
                ("x-identity-header", header.expose_secret()),
            ),
            Place::Arc(url) => (url.clone(), "2020-06-01", ("metadata", "true")),
        };
        let mut query = vec![("api-version", version), ("resource", RESOURCE)];
        query.extend(self.client_id.as_deref().map(|id| ("client_id", id)));
        let mut url = url;
        url.query_pairs_mut().extend_pairs(query);
        self.http.client.get(url).header(header.0, header.1)
    }
}

fn refused(name: &str, why: String) -> AdoError {
    AdoError::CredentialsRefused {
        server: name.to_owned(),
        refusal: Refusal {
            said: why,
            advice: None,
        },
        repeated: false,
    }
}

/// The key that only the machine's own services can read, from the file that the agent names; it
/// must lie where the agent puts its keys, because an answer must not make kado send any other
/// file.
fn arc_key(response: &reqwest::Response) -> Result<SecretString, String> {
    let challenge = response
        .headers()
        .get("www-authenticate")
        .and_then(|value| value.to_str().ok());
    let file = challenge
        .and_then(|text| text.split_once("realm="))
        .map(|(_, file)| file.trim().trim_matches('"'));
    let file = Path::new(file.ok_or("it did not name its key file")?);
    let proper =
        file.parent() == Some(&arc_keys()) && file.extension().is_some_and(|kind| kind == "key");
    if !proper {
        return Err(format!(
            "it named `{}` as its key file, which is not where keys of the agent lie",
            file.display()
        ));
    }
    let small = std::fs::metadata(file).is_ok_and(|found| found.len() <= KEY);
    let text = small.then(|| std::fs::read_to_string(file).ok()).flatten();
    text.map(|text| SecretString::from(text.trim().to_owned())).ok_or_else(|| {
        format!(
            "its key file `{}` cannot be read; the account that runs kado must be in the agent's group",
            file.display()
        )
    })
}

#[cfg(not(windows))]
fn arc_keys() -> PathBuf {
    PathBuf::from("/var/opt/azcmagent/tokens")
}

#[cfg(windows)]
fn arc_keys() -> PathBuf {
    let data = std::env::var_os("ProgramData").unwrap_or_else(|| "C:\\ProgramData".into());
    PathBuf::from(data)
        .join("AzureConnectedMachineAgent")
        .join("Tokens")
}
