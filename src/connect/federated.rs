//! A federated identity with what the environment says of it: workload identity of Kubernetes sets
//! `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST` in
//! a pod, the agent of Azure Pipelines `SYSTEM_OIDCREQUESTURI` in a job. `kado.toml` comes first.

#![expect(
    clippy::disallowed_methods,
    reason = "workload identity and pipelines say what they offer in the environment"
)]

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::ado::entra::federated::{FederatedToken, JobTokens};
use crate::ado::http::{self, Network};
use crate::config::identity::{FederatedIdentity, TrustedIssuer};
use crate::connect::error::{ConnectError, FederationError, OIDC_VARIABLE};
use crate::pipeline::TOKEN_VARIABLE;
use crate::secrets;

/// Authorities that are believed without a word in `kado.toml`: those of Microsoft's clouds
/// (Microsoft Learn, "National clouds").
const AUTHORITIES: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];

const COLLECTION_VARIABLE: &str = "SYSTEM_COLLECTIONURI";

/// A federated identity with nothing left open.
#[derive(Debug)]
pub(super) struct Federated {
    pub tenant_id: String,
    pub client_id: String,
    /// Who is asked, where `azure.authority_url` does not say it.
    pub authority: Option<Url>,
    pub issuer: ProvingTokens,
}

/// Who issues the tokens that the application trusts.
#[derive(Debug)]
pub(super) enum ProvingTokens {
    File(PathBuf),
    Job {
        url: Url,
        job_token: SecretString,
        service_connection_id: String,
    },
}

impl Federated {
    /// The identity of `kado.toml` and the environment.
    ///
    /// # Errors
    /// When something of it is nowhere, or leads where it must not; when the token file cannot be
    /// read.
    pub(super) fn read(identity: &FederatedIdentity) -> Result<Self, ConnectError> {
        let tenant_id = identity.tenant_id.as_deref();
        let client_id = identity.client_id.as_deref();

        Ok(Self {
            tenant_id: or_variable(tenant_id, "tenant_id", "AZURE_TENANT_ID")?,
            client_id: or_variable(client_id, "client_id", "AZURE_CLIENT_ID")?,
            authority: authority_of_environment()?,
            issuer: match &identity.issuer {
                TrustedIssuer::File(file) => ProvingTokens::of_file(file.clone())?,
                TrustedIssuer::ServiceConnection(id) => ProvingTokens::of_job(id)?,
            },
        })
    }
}

impl ProvingTokens {
    fn of_file(configured: Option<PathBuf>) -> Result<Self, ConnectError> {
        let file = match configured {
            Some(file) => file,
            None => or_variable(None, "token_file", "AZURE_FEDERATED_TOKEN_FILE")?.into(),
        };

        // Read once now: what is wrong with the file is better said of it than of the authority.
        if let Err(error) = secrets::projected_token(&file) {
            return Err(ConnectError::Secret(error.of("federated token file")));
        }
        Ok(Self::File(file))
    }

    fn of_job(service_connection_id: &str) -> Result<Self, ConnectError> {
        let url = of_job(OIDC_VARIABLE)?;
        let collection = of_job(COLLECTION_VARIABLE)?;
        let job_token = of_job(TOKEN_VARIABLE)?;

        match Url::parse(&url) {
            Ok(url) if is_below(&url, &collection) => Ok(Self::Job {
                url,
                job_token: SecretString::from(job_token),
                service_connection_id: service_connection_id.to_owned(),
            }),
            Ok(url) => {
                let origin = url.origin().ascii_serialization();
                Err(FederationError::ForeignServer(origin).into())
            }
            Err(_) => Err(FederationError::ForeignServer("nowhere".to_owned()).into()),
        }
    }

    /// What has the tokens.
    ///
    /// # Errors
    /// When no connection can be set up.
    pub(super) fn tokens(
        self,
        network: &Network,
        patience: Option<Duration>,
    ) -> Result<FederatedToken, ConnectError> {
        Ok(match self {
            Self::File(file) => FederatedToken::File(file),

            Self::Job {
                url,
                job_token,
                service_connection_id,
            } => FederatedToken::Job(JobTokens {
                http: http::issuing(&url, network, patience)?,
                url,
                job_token,
                service_connection_id,
            }),
        })
    }
}

/// Whether an address lies below that of the job's organization or collection.
fn is_below(url: &Url, collection: &str) -> bool {
    let Ok(collection) = Url::parse(collection) else {
        return false;
    };
    let folder = collection.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(folder);
    url.origin() == collection.origin() && rest.is_some_and(|rest| rest.starts_with('/'))
}

fn authority_of_environment() -> Result<Option<Url>, FederationError> {
    let Some(text) = variable("AZURE_AUTHORITY_HOST") else {
        return Ok(None);
    };

    // Some set the host alone.
    let url = if text.contains("://") {
        Url::parse(&text)
    } else {
        Url::parse(&format!("https://{text}"))
    };
    match url {
        Ok(url) if is_of_microsoft(&url) => Ok(Some(url)),
        Ok(url) => Err(FederationError::ForeignAuthority(
            url.host_str().unwrap_or_default().to_owned(),
        )),
        Err(_) => Err(FederationError::ForeignAuthority("nothing".to_owned())),
    }
}

fn is_of_microsoft(url: &Url) -> bool {
    let is_plain = url.scheme() == "https" && url.port().is_none() && url.username().is_empty();
    is_plain
        && url
            .host_str()
            .is_some_and(|host| AUTHORITIES.contains(&host))
}

fn or_variable(
    configured: Option<&str>,
    key: &'static str,
    name: &'static str,
) -> Result<String, FederationError> {
    match configured {
        Some(value) => Ok(value.to_owned()),
        None => variable(name).ok_or(FederationError::NotSet {
            key,
            variable: name,
        }),
    }
}

/// What the job of a pipeline says.
fn of_job(variable_of_job: &'static str) -> Result<String, FederationError> {
    variable(variable_of_job).ok_or(FederationError::NoJob(variable_of_job))
}

/// A variable that has a value: an agent leaves what it cannot resolve as it is, `$(System.X)`.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    (!value.is_empty() && !value.starts_with("$(")).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jobs_token_goes_below_its_own_collection_alone() {
        let below = |url: &str| is_below(&Url::parse(url).unwrap(), "https://dev.azure.com/acme/");

        assert!(below("https://dev.azure.com/acme/1/_apis/oidctoken"));
        assert!(!below("https://dev.azure.com/acme2/1/_apis/oidctoken"));
        assert!(!below(
            "https://dev.azure.com.evil.example/acme/1/oidctoken"
        ));
        assert!(!below("http://dev.azure.com/acme/1/_apis/oidctoken"));
    }

    #[test]
    fn an_authority_that_only_looks_like_one_of_microsofts_is_none() {
        let is = |url: &str| is_of_microsoft(&Url::parse(url).unwrap());

        assert!(is("https://login.microsoftonline.com/"));
        assert!(!is("http://login.microsoftonline.com/"));
        assert!(!is("https://login.microsoftonline.com.evil.example/"));
        assert!(!is("https://login.microsoftonline.com@evil.example/"));
        assert!(!is("https://login.microsoftonIine.com/"));
    }
}
