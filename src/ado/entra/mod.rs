//! Tokens of Entra identities: fetched when the first request needs one, kept in memory, renewed before they end.
//!
//! A service principal proves itself to its authority with a secret or a certificate ([`authority`], [`assertion`]); a
//! managed identity asks the machine it runs on ([`managed`]). A secret goes to the authority and nowhere else, and the
//! token to the one server of the table that it stands in (invariant I10). An authority that refuses is "credentials
//! refused", one that does not answer is "unreachable"; as long as the last token is good, it is used all the same.

pub mod assertion;
pub mod authority;
pub mod managed;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::ado::error::AdoError;
use crate::clock;
use crate::error_chain::chain;
use crate::moment::Moment;

use authority::ServicePrincipal;
use managed::ManagedIdentity;

/// Azure DevOps as Entra knows it (`ado/api.md` §2).
const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";
/// How long before its end a token is renewed; a shorter-lived one at half its life.
const BEFORE_END: Duration = Duration::from_secs(5 * 60);
/// How long after a renewal that failed the next one is tried, while the last token is good.
const AGAIN: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const ANSWER: usize = 1024 * 1024;

/// Who issues the tokens.
pub enum Issuer {
    /// An application that is registered in a tenant.
    ServicePrincipal(ServicePrincipal),
    /// The identity of the machine.
    ManagedIdentity(ManagedIdentity),
}

/// An identity with its token.
pub struct Entra {
    issuer: Issuer,
    /// What tells this identity from another.
    digest: [u8; 32],
    current: Mutex<Option<Issued>>,
}

/// A token and its time.
struct Issued {
    token: SecretString,
    renew_at: Moment,
    until: Moment,
}

/// How far a token is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// It is used.
    Fresh,
    /// Another is to be had, but this one still does.
    Ageing,
    /// It does no longer.
    Ended,
}

impl Issued {
    fn stage(&self, now: Moment) -> Stage {
        if now >= self.until {
            Stage::Ended
        } else if now >= self.renew_at {
            Stage::Ageing
        } else {
            Stage::Fresh
        }
    }
}

impl Entra {
    /// An identity; nothing is fetched yet. `digest` tells it from others, its secret included.
    pub fn new(issuer: Issuer, digest: [u8; 32]) -> Self {
        Self { issuer, digest, current: Mutex::new(None) }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// When the authority refuses the identity or cannot be reached, and there is no token that is still good.
    pub async fn token(&self) -> Result<SecretString, AdoError> {
        let mut current = self.current.lock().await;
        let now = clock::now();
        if let Some(issued) = current.as_ref().filter(|issued| issued.stage(now) == Stage::Fresh) {
            return Ok(issued.token.clone());
        }
        let error = match self.fetch().await {
            Ok(issued) => return Ok(current.insert(issued).token.clone()),
            Err(error) => error,
        };
        let Some(last) = current.as_mut().filter(|last| last.stage(now) == Stage::Ageing) else { return Err(error) };
        tracing::warn!(reason = chain(&error), "the token cannot be renewed; the last one is still good");
        last.renew_at = now.plus(AGAIN);
        Ok(last.token.clone())
    }

    /// Fetches another token in place of one that a server refused; `false` when there is no other.
    ///
    /// # Errors
    /// When the authority refuses the identity or cannot be reached.
    pub async fn renew(&self, refused: &SecretString) -> Result<bool, AdoError> {
        let mut current = self.current.lock().await;
        let is_refused = |issued: &Issued| issued.token.expose_secret() == refused.expose_secret();
        if current.as_ref().is_some_and(|issued| !is_refused(issued)) {
            return Ok(true);
        }
        let issued = self.fetch().await?;
        let other = !is_refused(&issued);
        *current = Some(issued);
        Ok(other)
    }

    /// When the token in hand ends; `None` before the first.
    pub async fn valid_until(&self) -> Option<Moment> {
        self.current.lock().await.as_ref().map(|issued| issued.until)
    }

    /// Tells this identity from another without keeping its secret.
    pub(super) const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    async fn fetch(&self) -> Result<Issued, AdoError> {
        let answer = match &self.issuer {
            Issuer::ServicePrincipal(principal) => principal.fetch().await?,
            Issuer::ManagedIdentity(identity) => identity.fetch().await?,
        };
        Ok(answer.issued(clock::now()))
    }
}

/// What an authority answers. Numbers come as numbers or as texts.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<SecretString>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

/// A token that was issued.
struct GoodAnswer {
    token: SecretString,
    lives: Duration,
}

impl GoodAnswer {
    fn issued(self, now: Moment) -> Issued {
        let until = now.plus(self.lives);
        let renew_at = now.plus(self.lives.saturating_sub(BEFORE_END).max(self.lives / 2));
        Issued { token: self.token, renew_at, until }
    }
}

/// Reads an answer to its end, as far as it is believable.
async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an answer of `authority` means.
fn judge(authority: &str, status: u16, wait: Option<Duration>, body: &[u8]) -> Result<GoodAnswer, AdoError> {
    let answer: Option<TokenAnswer> = serde_json::from_slice(body).ok();
    let busy = |message: String| Err(AdoError::Unavailable { message, wait, unclear: false });
    let Some(answer) = answer else {
        return busy(format!("{authority} answered with status {status} and no token; is it the right address?"));
    };
    if let (200, Some(token)) = (status, answer.access_token) {
        let lives = Duration::from_secs(answer.expires_in.unwrap_or(600));
        return Ok(GoodAnswer { token, lives });
    }
    let error = answer.error.unwrap_or_default();
    let words = answer.error_description.unwrap_or_else(|| format!("{error} (status {status})"));
    // What follows serves Microsoft's support and fills lines.
    let words = words.split(" Trace ID:").next().unwrap_or_default().lines().next().unwrap_or_default().trim();
    let words: String = words.trim_end_matches('.').chars().filter(|c| !c.is_control()).take(400).collect();
    match status {
        400 | 401 | 403 if !matches!(error.as_str(), "temporarily_unavailable" | "server_error") => {
            let message =
                format!("{words}; see `azure.identity` in kado.toml, and whether its secret or certificate has ended");
            Err(AdoError::CredentialsRefused { server: authority.to_owned(), message, repeated: false })
        }
        _ => busy(format!("{authority} gave no token: {words}")),
    }
}

fn unreachable(authority: &str, error: &reqwest::Error) -> AdoError {
    AdoError::not_sent(format!("{authority} cannot be reached for a token: {}", chain(error)))
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let text = response.headers().get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> String {
        match judge("https://login", status, None, body.as_bytes()) {
            Ok(good) => format!("good for {} s", good.lives.as_secs()),
            Err(AdoError::CredentialsRefused { message, .. }) => format!("refused: {message}"),
            Err(AdoError::Unavailable { message, .. }) => format!("busy: {message}"),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn an_answer_is_a_token_a_refusal_or_trouble_that_passes() {
        let invalid = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2"}"#;
        let seen = [
            kind(200, r#"{"access_token":"x","expires_in":3599}"#),
            kind(200, r#"{"access_token":"x","expires_in":"86399"}"#),
            kind(401, invalid),
            kind(400, r#"{"error":"unauthorized_client"}"#),
            kind(400, r#"{"error":"temporarily_unavailable"}"#),
            kind(404, r#"{"error":"not_found"}"#),
            kind(429, "{}"),
            kind(503, "<html>"),
            kind(200, "<html>"),
        ];
        insta::assert_snapshot!(seen.join("\n"), @r"
        good for 3599 s
        good for 86399 s
        refused: AADSTS7000215: Invalid client secret provided; see `azure.identity` in kado.toml, and whether its secret or certificate has ended
        refused: unauthorized_client (status 400); see `azure.identity` in kado.toml, and whether its secret or certificate has ended
        busy: https://login gave no token: temporarily_unavailable (status 400)
        busy: https://login gave no token: not_found (status 404)
        busy: https://login gave no token: (status 429)
        busy: https://login answered with status 503 and no token; is it the right address?
        busy: https://login answered with status 200 and no token; is it the right address?
        ");
    }

    #[test]
    fn a_token_is_renewed_five_minutes_before_its_end_and_a_short_one_at_half_its_life() {
        let at = |seconds: i64| Moment::from_millis(seconds * 1000);
        let stages = |lives, times: [i64; 4]| {
            let token = SecretString::from("x".to_owned());
            let issued = GoodAnswer { token, lives: Duration::from_secs(lives) }.issued(at(0));
            times.map(|seconds| issued.stage(at(seconds)))
        };
        let path = [Stage::Fresh, Stage::Ageing, Stage::Ageing, Stage::Ended];
        assert_eq!(stages(3600, [3299, 3300, 3599, 3600]), path);
        assert_eq!(stages(400, [199, 200, 399, 400]), path);
    }
}
