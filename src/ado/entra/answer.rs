//! What whoever issues tokens answers, and what it means. Answers are untrusted: their size is
//! limited, and of their words one line is kept.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::ado::error::{AdoError, Refusal};
use crate::ado::headers;
use crate::ado::http::Caller;
use crate::clock;
use crate::moment::Moment;

/// How long a token is taken to live when nobody says.
const UNTOLD: Duration = Duration::from_secs(10 * 60);
/// Largest answer that is read.
const ANSWER: usize = 1024 * 1024;

/// Who was asked for a token.
pub(super) struct Asked<'a> {
    /// In words.
    pub(crate) name: &'a str,
    /// What to look at when it refuses.
    pub(crate) look: &'static str,
}

impl Asked<'_> {
    /// What an answer means that came at `now`.
    fn judge(
        &self,
        status: u16,
        wait: Option<Duration>,
        body: &[u8],
        now: Moment,
    ) -> Result<GoodAnswer, AdoError> {
        let Self { name, look } = self;
        let answer: Option<TokenAnswer> = serde_json::from_slice(body).ok();
        let busy = |message: String| {
            Err(AdoError::Unavailable {
                message,
                wait,
                web_page: false,
            })
        };
        let Some(answer) = answer else {
            return busy(format!(
                "{name} answered with status {status} and no token; is it the right address?"
            ));
        };
        let lives = answer.lives(now);
        if let (200, Some(token)) = (status, answer.access_token) {
            return Ok(GoodAnswer { token, lives });
        }
        let error = answer.error.unwrap_or_default();
        let words = answer
            .error_description
            .unwrap_or_else(|| format!("{error} (status {status})"));
        // What follows serves Microsoft's support and fills lines.
        let words = words
            .split(" Trace ID:")
            .next()
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default()
            .trim();
        let words: String = words
            .trim_end_matches('.')
            .chars()
            .filter(|c| !c.is_control())
            .take(400)
            .collect();
        match status {
            400 | 401 | 403
                if !matches!(error.as_str(), "temporarily_unavailable" | "server_error") =>
            {
                Err(AdoError::CredentialsRefused {
                    server: (*name).to_owned(),
                    refusal: Refusal::new(words, *look),
                    repeated: false,
                })
            }
            _ => busy(format!("{name} gave no token: {words}")),
        }
    }

    /// Nobody answered.
    pub(super) fn unreachable(&self, caller: &Caller, error: &reqwest::Error) -> AdoError {
        AdoError::unavailable(format!(
            "{} cannot be reached for a token{}",
            self.name,
            caller.why(error)
        ))
    }

    /// Reads an answer to its end and says what it means.
    pub(super) async fn read(
        &self,
        caller: &Caller,
        response: reqwest::Response,
    ) -> Result<GoodAnswer, AdoError> {
        let (status, wait) = (
            response.status().as_u16(),
            headers::retry_after(response.headers()),
        );
        let body = body(response)
            .await
            .map_err(|error| self.unreachable(caller, &error))?;
        self.judge(status, wait, &body, clock::now())
    }
}

/// A token that was issued.
pub(super) struct GoodAnswer {
    /// The token.
    pub(crate) token: SecretString,
    /// For how long.
    pub(crate) lives: Duration,
}

/// What an authority answers. Numbers come as numbers or as texts.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<SecretString>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    /// Seconds since 1970; all that App Service tells of the end.
    #[serde(default, deserialize_with = "seconds")]
    expires_on: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

impl TokenAnswer {
    /// How long the token lives from now on. The length is preferred, because an end needs two
    /// clocks that agree.
    fn lives(&self, now: Moment) -> Duration {
        let end = || {
            let end = i64::try_from(self.expires_on?).ok()?.checked_mul(1000)?;
            Some(Moment::from_millis(end).since(now))
        };
        self.expires_in
            .map(Duration::from_secs)
            .or_else(end)
            .unwrap_or(UNTOLD)
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

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> String {
        let asked = Asked {
            name: "https://login",
            look: "look there",
        };
        match asked.judge(
            status,
            None,
            body.as_bytes(),
            Moment::from_millis(1_000_000_000),
        ) {
            Ok(good) => format!("good for {} s", good.lives.as_secs()),
            Err(AdoError::CredentialsRefused { refusal, .. }) => format!("refused: {refusal}"),
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
            kind(200, r#"{"access_token":"x","expires_on":"1003600"}"#),
            kind(
                200,
                r#"{"access_token":"x","expires_on":1003600,"expires_in":60}"#,
            ),
            kind(200, r#"{"access_token":"x","expires_on":"999999"}"#),
            kind(200, r#"{"access_token":"x","expires_on":"tomorrow"}"#),
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
        good for 3600 s
        good for 60 s
        good for 0 s
        good for 600 s
        refused: AADSTS7000215: Invalid client secret provided; look there
        refused: unauthorized_client (status 400); look there
        busy: https://login gave no token: temporarily_unavailable (status 400)
        busy: https://login gave no token: not_found (status 404)
        busy: https://login gave no token: (status 429)
        busy: https://login answered with status 503 and no token; is it the right address?
        busy: https://login answered with status 200 and no token; is it the right address?
        ");
    }
}
