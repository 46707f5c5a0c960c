//! Tokens of other issuers that an application trusts (workload identity federation): they stand in
//! for its secret, and live for minutes, so that each is had anew for each token of Entra.
//!
//! Kubernetes, on AKS or with Azure Arc, keeps one in a file. Azure Pipelines issues one for a
//! service connection to whoever has the job's token (Microsoft Learn, "Oidctoken - Create"); the
//! job's token goes to the job's own server alone (invariant I10).

use std::path::PathBuf;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::ado::entra::answer::TokenEndpoint;
use crate::ado::error::{AdoError, Refusal};
use crate::ado::http::Caller;
use crate::blocking::blocking;
use crate::error_chain::chain;
use crate::secrets;

/// The version of the call that Azure Pipelines answers.
const API_VERSION: &str = "7.1";
/// What to look at when Azure Pipelines gives no token.
const ADVICE: &str = "may this pipeline use the service connection of `service_connection_id` in \
                      `azure.identity`?";

/// Where the tokens of the other issuer come from.
pub(crate) enum FederatedToken {
    /// This file, which somebody keeps new.
    File(PathBuf),
    /// The job of Azure Pipelines.
    Job(JobTokens),
}

/// The tokens of a service connection.
pub(crate) struct JobTokens {
    /// The client that reaches the server of the job.
    pub(crate) http: Caller,
    /// `SYSTEM_OIDCREQUESTURI`.
    pub(crate) url: Url,
    /// `SYSTEM_ACCESSTOKEN`.
    pub(crate) job_token: SecretString,
    /// The service connection, by its id.
    pub(crate) service_connection_id: String,
}

/// What Azure Pipelines answers.
#[derive(Deserialize)]
struct OidcAnswer {
    #[serde(rename = "oidcToken")]
    token: Option<String>,
}

impl FederatedToken {
    /// A token of now.
    pub(super) async fn fetch(&self) -> Result<SecretString, AdoError> {
        match self {
            Self::File(file) => from_file(file.clone()).await,
            Self::Job(job) => job.fetch().await,
        }
    }
}

async fn from_file(file: PathBuf) -> Result<SecretString, AdoError> {
    let read = blocking(move || secrets::projected_token(&file)).await;
    let Ok(read) = read else {
        return Err(AdoError::unavailable("kado is stopping"));
    };

    // It was there when the identity was made, so whoever keeps it new may be about to.
    read.map_err(|error| AdoError::unavailable(chain(&error.of("federated token file"))))
}

impl JobTokens {
    async fn fetch(&self) -> Result<SecretString, AdoError> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("api-version", API_VERSION)
            .append_pair("serviceConnectionId", &self.service_connection_id);
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", self.job_token.expose_secret())).map_err(
                |_| self.refused("the job's token holds a sign that no token has".to_owned()),
            )?;
        bearer.set_sensitive(true);
        let request = self
            .http
            .client
            .post(url)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .header(CONTENT_LENGTH, "0");

        let name = self.name();
        let source = TokenEndpoint {
            name: &name,
            advice: ADVICE,
            caller: &self.http,
        };
        let (status, body) = source.read_whole(source.send(request).await?).await?;

        let answer = serde_json::from_slice::<OidcAnswer>(&body).ok();
        match (status, answer.and_then(|answer| answer.token)) {
            (200, Some(token)) => Ok(SecretString::from(token)),
            (400..=404, _) => Err(self.refused(format!("no token is given (status {status})"))),
            _ => Err(AdoError::unavailable(format!(
                "{name} answered with status {status} and no token"
            ))),
        }
    }

    fn name(&self) -> String {
        format!(
            "the service connection at {}",
            self.url.origin().ascii_serialization()
        )
    }

    fn refused(&self, said: String) -> AdoError {
        AdoError::CredentialsRefused {
            server: self.name(),
            refusal: Refusal::of_identity(said, Some(ADVICE)),
            repeated: false,
            accepted: None,
        }
    }
}
