//! A service principal's token: the grant `client_credentials` at its tenant's authority.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::ado::entra::RESOURCE;
use crate::ado::entra::answer::{GoodAnswer, TokenEndpoint};
use crate::ado::entra::assertion::Certificate;
use crate::ado::entra::federated::FederatedToken;
use crate::ado::error::AdoError;
use crate::ado::http::Caller;
use crate::clock;

/// The authority of the public cloud; others are set with `azure.authority_url`.
pub(crate) const PUBLIC: &str = "https://login.microsoftonline.com";

/// What to look at when the authority refuses an application.
const ADVICE: &str =
    "see `azure.identity` in kado.toml, and whether its secret or certificate has ended";

/// What to look at when it refuses one that is proven by a token of another issuer.
const ADVICE_FEDERATED: &str = "see `azure.identity` in kado.toml, and the federated credential of \
                                the application: its issuer, subject and audience";

/// The kind of a signed statement (RFC 7523).
const ASSERTION_KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a service principal proves itself with.
pub(crate) enum Proof {
    /// A client secret.
    Secret(SecretString),
    /// A certificate that the application knows, with its key.
    Certificate(Certificate),
    /// A token of an issuer that the application trusts.
    Federated(FederatedToken),
}

/// An application that is registered in a tenant.
pub(crate) struct ServicePrincipal {
    /// The client that reaches the authority.
    pub(crate) http: Caller,
    pub(crate) authority: Url,
    /// The tenant, by GUID or domain.
    pub(crate) tenant_id: String,
    /// The application's id.
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
}

impl ServicePrincipal {
    pub(super) async fn fetch(&self) -> Result<GoodAnswer, AdoError> {
        let url = self.endpoint();
        let form = self.form(url.as_str()).await?;
        let request = self
            .http
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(form);

        let source = TokenEndpoint {
            name: self.authority.as_str().trim_end_matches('/'),
            advice: match self.proof {
                Proof::Secret(_) | Proof::Certificate(_) => ADVICE,
                Proof::Federated(_) => ADVICE_FEDERATED,
            },
            caller: &self.http,
        };
        source.read(source.send(request).await?).await
    }

    async fn form(&self, endpoint: &str) -> Result<String, AdoError> {
        // Before the form, which would else be kept while the other issuer is asked.
        let assertion =
            match &self.proof {
                Proof::Secret(_) => None,
                // The statement names this endpoint, so that whoever else got it could do nothing
                // with it.
                Proof::Certificate(certificate) => Some(SecretString::from(
                    certificate.assertion(&self.client_id, endpoint, clock::now())?,
                )),
                Proof::Federated(token) => Some(token.fetch().await?),
            };

        // An application cannot choose single scopes: `.default` is whatever it was granted.
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &format!("{RESOURCE}/.default"));

        if let Proof::Secret(secret) = &self.proof {
            form.append_pair("client_secret", secret.expose_secret());
        }
        if let Some(assertion) = assertion {
            form.append_pair("client_assertion_type", ASSERTION_KIND)
                .append_pair("client_assertion", assertion.expose_secret());
        }

        Ok(form.finish())
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
