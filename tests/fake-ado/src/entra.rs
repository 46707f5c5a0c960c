//! The authority that issues tokens to Entra identities, and the metadata service of a machine:
//! routes of their own beside the organization, at `/{tenant}/oauth2/v2.0/token` and
//! `/metadata/identity/oauth2/token`; and the tokens that Azure Pipelines issues for service
//! connections, at `…/oidctoken`.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::answer::{Answer, json_answer};
use crate::query::{Query, now};

/// Azure DevOps as Entra knows it.
const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Identities, and the tokens that they got.
#[derive(Debug, Clone)]
pub struct Entra {
    pub(crate) applications: Vec<Application>,
    pub(crate) managed: Vec<String>,
    pub(crate) issued: Vec<IssuedToken>,
    /// How long a token lives, in seconds.
    pub lifetime_s: u64,
    /// How long clients are told that it lives, in seconds, if not as long as it does: for them it
    /// ages faster.
    pub told_lifetime_s: Option<u64>,
    /// The key file that the agent of Azure Arc names in its challenge, and the key that it expects
    /// then; without one there is no challenge.
    pub arc_key: Option<(String, String)>,
    /// Whether tokens that are still good are handed out again, as metadata services do.
    pub hands_out_again: bool,
    /// A service connection, the token of a job that may use it, and what it is given then.
    pub service_connection: Option<[String; 3]>,
}

impl Default for Entra {
    fn default() -> Self {
        Entra {
            applications: Vec::new(),
            managed: Vec::new(),
            issued: Vec::new(),
            lifetime_s: 3599,
            told_lifetime_s: None,
            arc_key: None,
            hands_out_again: false,
            service_connection: None,
        }
    }
}

/// A registered application.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
}

/// How an application proves itself.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    Secret(String),
    /// A secret whose last day is over.
    EndedSecret(String),
    /// Certificate and public key, as DER.
    Certificate(Vec<u8>, Vec<u8>),
    /// A token of an issuer that it trusts.
    Federated(String),
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: String,
    /// Whose it is.
    pub client_id: String,
    /// When it ends.
    pub until: Timestamp,
    /// Whether servers refuse it already.
    pub revoked: bool,
}

impl Entra {
    /// All tokens so far.
    pub fn issued(&self) -> &[IssuedToken] {
        &self.issued
    }

    /// Makes servers refuse every token that was issued so far.
    pub fn revoke_issued(&mut self) {
        self.issued
            .iter_mut()
            .for_each(|issued| issued.revoked = true);
    }

    /// Replaces the secret of an application, as an administrator does.
    pub fn set_secret(&mut self, client_id: &str, secret: &str) {
        let found = self
            .applications
            .iter_mut()
            .find(|application| application.client_id == client_id);
        if let Some(application) = found {
            application.proof = Proof::Secret(secret.into());
        }
    }

    /// Lets the secret of an application end.
    pub fn end_secret(&mut self, client_id: &str) {
        for application in &mut self.applications {
            if application.client_id == client_id
                && let Proof::Secret(secret) = &application.proof
            {
                application.proof = Proof::EndedSecret(secret.clone());
            }
        }
    }

    /// Replaces the token that proves an application, as its issuer does again and again.
    pub fn set_federated(&mut self, client_id: &str, token: &str) {
        let found = self
            .applications
            .iter_mut()
            .find(|application| application.client_id == client_id);
        if let Some(application) = found {
            application.proof = Proof::Federated(token.into());
        }
    }

    pub(crate) fn accepts(&self, token: &str) -> bool {
        let now = now();
        self.issued
            .iter()
            .any(|issued| issued.token == token && !issued.revoked && now < issued.until)
    }

    /// What an authority, IMDS and the agent of Arc answer.
    fn issue(&mut self, client_id: &str) -> Answer {
        let (token, _) = self.token_of(client_id);
        let told = self.told_lifetime_s.unwrap_or(self.lifetime_s);
        json_answer(
            200,
            &json!({"token_type": "Bearer", "expires_in": told, "access_token": token}),
        )
    }

    /// What App Service answers to version 2019-08-01: when the token ends, in seconds since 1970
    /// as text, and not how long it lives (learn.microsoft.com, "How to use managed identities for
    /// App Service and Azure Functions").
    fn issue_by_app_service(&mut self, client_id: &str) -> Answer {
        let (token, until) = self.token_of(client_id);
        let until = until.as_second().to_string();
        let answer = json!({"access_token": token, "expires_on": until, "resource": RESOURCE, "token_type": "Bearer", "client_id": client_id});

        json_answer(200, &answer)
    }

    /// A token and its end.
    fn token_of(&mut self, client_id: &str) -> (String, Timestamp) {
        let lives =
            SignedDuration::from_secs(i64::try_from(self.lifetime_s).unwrap_or(i64::MAX / 4));
        let good = self
            .issued
            .iter()
            .rev()
            .find(|issued| issued.client_id == client_id && now() < issued.until);
        if let Some(issued) = good.filter(|_| self.hands_out_again) {
            return (issued.token.clone(), issued.until);
        }

        let token = format!("entra-token-{}-of-{client_id}", self.issued.len() + 1);
        let until = now() + lives;
        self.issued.push(IssuedToken {
            token: token.clone(),
            client_id: client_id.into(),
            until,
            revoked: false,
        });

        (token, until)
    }
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    let number: String = description
        .strip_prefix("AADSTS")
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let codes: Vec<u64> = number.parse().into_iter().collect();
    let description = format!(
        "{description} Trace ID: 0e9f Correlation ID: 5c1a Timestamp: 2026-01-02 10:00:00Z"
    );
    json_answer(
        status,
        &json!({"error": error, "error_description": description, "error_codes": codes}),
    )
}

/// The tenant of a path of the authority.
pub(crate) fn tenant(path: &str) -> Option<&str> {
    path.strip_prefix('/')?
        .strip_suffix("/oauth2/v2.0/token")
        .filter(|tenant| !tenant.contains('/'))
}

/// Whether a path is the metadata service's.
pub(crate) fn is_metadata(path: &str) -> bool {
    path == "/metadata/identity/oauth2/token"
}

/// Whether a path is where a job gets tokens of a service connection.
pub(crate) fn is_service_connection(path: &str) -> bool {
    path.ends_with("/oidctoken")
}

/// `POST …/oidctoken`.
pub(crate) fn service_connection(entra: &mut Entra, query: &str, headers: &HeaderMap) -> Answer {
    let query = Query::parse(query);
    let Some([id, job_token, token]) = &entra.service_connection else {
        return Answer::empty(404);
    };
    let is_job = headers
        .get("authorization")
        .is_some_and(|sent| sent == format!("Bearer {job_token}").as_str());
    if !is_job {
        return Answer::empty(401);
    }
    if query.get("api-version").is_none() || query.get("serviceConnectionId") != Some(id) {
        return Answer::empty(400);
    }
    json_answer(200, &json!({"oidcToken": token}))
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(crate) fn authority(entra: &mut Entra, tenant: &str, audience: &str, body: &[u8]) -> Answer {
    let form = Query::parse(&String::from_utf8_lossy(body));
    let client_id = form.get("client_id").unwrap_or_default();
    if form.get("grant_type") != Some("client_credentials") {
        return refused(
            400,
            "unsupported_grant_type",
            "AADSTS70003: The app requested an unsupported grant type.",
        );
    }
    if form.get("scope") != Some(&format!("{RESOURCE}/.default")) {
        return refused(
            400,
            "invalid_scope",
            "AADSTS70011: The provided request must include a 'scope' input parameter.",
        );
    }
    if !entra
        .applications
        .iter()
        .any(|application| application.tenant == tenant)
    {
        return refused(
            400,
            "invalid_request",
            &format!("AADSTS90002: Tenant '{tenant}' not found."),
        );
    }
    let found = entra
        .applications
        .iter()
        .find(|known| known.tenant == tenant && known.client_id == client_id);
    let Some(application) = found else {
        let text = format!(
            "AADSTS700016: Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        );
        return refused(400, "unauthorized_client", &text);
    };
    let proven = match &application.proof {
        Proof::Secret(secret) if form.get("client_secret") == Some(secret) => Ok(()),
        Proof::EndedSecret(secret) if form.get("client_secret") == Some(secret) => Err(format!(
            "AADSTS7000222: The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
        )),
        Proof::Secret(_) | Proof::EndedSecret(_) => {
            Err("AADSTS7000215: Invalid client secret provided.".to_owned())
        }
        Proof::Federated(token)
            if form.get("client_assertion_type") == Some(ASSERTION)
                && form.get("client_assertion") == Some(token)
                && form.get("client_secret").is_none() =>
        {
            Ok(())
        }
        Proof::Federated(_) => Err(
            "AADSTS700213: No matching federated identity record found for presented assertion."
                .to_owned(),
        ),
        Proof::Certificate(certificate, key) => check(&form, client_id, audience, certificate, key).map_err(|why| {
            format!(
                "AADSTS700027: The certificate with identifier used to sign the client assertion is not good: {why}."
            )
        }),
    };

    match proven {
        Ok(()) => entra.issue(client_id),
        Err(why) => refused(401, "invalid_client", &why),
    }
}

/// Whether a signed statement is what the service accepts.
fn check(
    form: &Query,
    client_id: &str,
    audience: &str,
    certificate: &[u8],
    key: &[u8],
) -> Result<(), String> {
    if form.get("client_assertion_type") != Some(ASSERTION) {
        return Err("no client_assertion_type".into());
    }
    let assertion = form.get("client_assertion").ok_or("no client_assertion")?;
    let (signed, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
    let (header, claims) = signed.split_once('.').ok_or("no claims")?;
    let read = |part: &str| -> Result<Value, String> {
        let bytes = URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|error| error.to_string())?;
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    };
    let (header, claims) = (read(header)?, read(claims)?);

    let thumbprint =
        URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref());
    if header["alg"] != "RS256" || header["x5t"] != thumbprint {
        return Err(format!("header {header}"));
    }
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|error| error.to_string())?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| "wrong signature")?;
    let second = now().as_second();
    let time = |name: &str| claims[name].as_i64().unwrap_or_default();
    let good = claims["aud"] == audience
        && claims["iss"] == client_id
        && claims["sub"] == client_id
        && claims["jti"].as_str().is_some_and(|id| id.len() >= 16)
        && time("nbf") <= second
        && second < time("exp")
        && time("exp") - time("nbf") <= 24 * 60 * 60;
    if good {
        Ok(())
    } else {
        Err(format!("claims {claims}"))
    }
}

/// `GET /metadata/identity/oauth2/token`.
pub(crate) fn metadata(entra: &mut Entra, query: &str, headers: &HeaderMap) -> Answer {
    let query = Query::parse(query);
    if let Some((file, key)) = &entra.arc_key {
        match headers.get("authorization") {
            None => {
                return Answer::empty(401).with("WWW-Authenticate", format!("Basic realm={file}"));
            }
            Some(given) if given != format!("Basic {key}").as_str() => return Answer::empty(403),
            Some(_) => {}
        }
    }

    let virtual_machine = headers.get("metadata").is_some_and(|value| value == "true");
    let wanted = virtual_machine || headers.contains_key("x-identity-header");

    if !wanted || query.get("api-version").is_none() || query.get("resource") != Some(RESOURCE) {
        return refused(
            400,
            "invalid_request",
            "Required metadata header not specified, or a parameter is missing",
        );
    }

    let known = match query.get("client_id") {
        Some(id) => entra.managed.iter().find(|known| *known == id),
        None => entra.managed.first(),
    };

    match known.cloned() {
        Some(id) if headers.contains_key("x-identity-header") => entra.issue_by_app_service(&id),
        Some(id) => entra.issue(&id),
        None => refused(400, "invalid_request", "Identity not found"),
    }
}
