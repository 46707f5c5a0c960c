//! A service principal's token: the grant `client_credentials` at its tenant's authority.

use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::ado::entra::RESOURCE;
use crate::ado::entra::answer::{Asked, GoodAnswer};
use crate::ado::entra::assertion::Certificate;
use crate::ado::error::AdoError;
use crate::ado::http::Caller;
use crate::clock;

/// The authority of the public cloud; others are set with `azure.authority_url`.
pub(crate) const PUBLIC: &str = "https://login.microsoftonline.com";

/// What to look at when the authority refuses an application.
const LOOK: &str =
    "see `azure.identity` in kado.toml, and whether its secret or certificate has ended";

/// What a service principal proves itself with.
pub(crate) enum Proof {
    /// A client secret.
    Secret(SecretString),
    /// A certificate that the application knows, with its key.
    Certificate(Certificate),
}

/// An application that is registered in a tenant.
pub(crate) struct ServicePrincipal {
    /// The client that reaches the authority.
    pub(crate) http: Caller,
    /// The authority.
    pub(crate) authority: Url,
    /// The tenant, by GUID or domain.
    pub(crate) tenant_id: String,
    /// The application's id.
    pub(crate) client_id: String,
    /// How it proves itself.
    pub(crate) proof: Proof,
}

impl ServicePrincipal {
    pub(super) async fn fetch(&self) -> Result<GoodAnswer, AdoError> {
        let url = self.endpoint();
        let scope = format!("{RESOURCE}/.default");
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.client_id.clone()),
            ("scope", scope),
        ];
        match &self.proof {
            Proof::Secret(secret) => {
                form.push(("client_secret", secret.expose_secret().to_owned()));
            }
            Proof::Certificate(certificate) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                let assertion =
                    certificate.assertion(&self.client_id, url.as_str(), clock::now())?;
                form.extend([
                    ("client_assertion_type", kind.to_owned()),
                    ("client_assertion", assertion),
                ]);
            }
        }
        let text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .http
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(text);
        let response = request.header(ACCEPT, "application/json").send().await;
        let asked = Asked {
            name: self.authority.as_str().trim_end_matches('/'),
            look: LOOK,
        };
        asked
            .read(
                &self.http,
                response.map_err(|error| asked.unreachable(&self.http, &error))?,
            )
            .await
    }

    /// Where tokens are issued.
    fn endpoint(&self) -> Url {
        let mut url = self.authority.clone();
        url.path_segments_mut()
            .expect("an authority is an http URL")
            .pop_if_empty()
            .extend([&self.tenant_id, "oauth2", "v2.0", "token"]);
        url
    }
}
