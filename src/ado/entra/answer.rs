//! What whoever issues tokens answers, and what it means. Answers are untrusted: their size is
//! limited, and of their words one line is kept.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::ado::error::{AdoError, Refusal};
use crate::ado::headers;
use crate::ado::http::Caller;
use crate::clock;
use crate::moment::Moment;

/// How long a token is taken to live when nobody says.
const DEFAULT_LIFE: Duration = Duration::from_secs(10 * 60);
/// Largest answer that is read, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The longest line that is repeated to people, in characters.
const LONGEST_LINE: usize = 400;

/// The number by which Entra says that a client secret has ended (AADSTS7000222).
const SECRET_ENDED: u64 = 7_000_222;
/// What mends that.
const NEW_SECRET: &str = "make a new client secret for the application in Entra, put it into \
                          `client_secret_file`, and correct `azure.expires` where it is set";

/// Who is asked for a token.
pub(super) struct TokenEndpoint<'a> {
    /// In words.
    pub(super) name: &'a str,
    /// What to look at when it refuses.
    pub(super) advice: &'static str,
    /// The client that reaches it.
    pub(super) caller: &'a Caller,
}

/// A token that was issued.
pub(super) struct GoodAnswer {
    pub(super) token: SecretString,
    /// For how long it is good.
    pub(super) lives: Duration,
}

/// An answer that was read to its end.
#[derive(Clone, Copy)]
struct RawAnswer<'a> {
    status: u16,
    /// `Retry-After`.
    wait: Option<Duration>,
    body: &'a [u8],
}

impl TokenEndpoint<'_> {
    /// Asks.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, AdoError> {
        request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))
    }

    /// Reads an answer to its end and says what it means.
    pub(super) async fn read(&self, response: Response) -> Result<GoodAnswer, AdoError> {
        let wait = headers::retry_after(response.headers());
        let (status, body) = self.read_whole(response).await?;

        let answer = RawAnswer {
            status,
            wait,
            body: &body,
        };
        judge(answer, self.name, self.advice, clock::now())
    }

    /// The status and body of an answer.
    pub(super) async fn read_whole(&self, response: Response) -> Result<(u16, Vec<u8>), AdoError> {
        if response.status().is_redirection() {
            return Err(AdoError::unavailable(self.sends_on(&response)));
        }

        let status = response.status().as_u16();
        let body = read_body(response)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok((status, body))
    }

    /// Says where a redirect leads to. The secret belongs to the authority that was configured, so
    /// no request follows.
    fn sends_on(&self, response: &Response) -> String {
        let location = headers::header(response.headers(), "location").unwrap_or_default();
        let target = response.url().join(location).ok();
        let host = match target.as_ref().and_then(Url::host_str) {
            Some(host) => format!("`{host}`"),
            None => "somewhere else".to_owned(),
        };
        format!(
            "{} gave no token and sends requests on to {host}, which kado does not follow; is it \
             the right address?",
            self.name
        )
    }

    fn unreachable(&self, error: &reqwest::Error) -> AdoError {
        AdoError::unavailable(format!(
            "{} cannot be reached for a token{}",
            self.name,
            self.caller.why(error)
        ))
    }
}

/// What an answer means that came at `now`.
fn judge(
    raw: RawAnswer<'_>,
    name: &str,
    advice: &str,
    now: Moment,
) -> Result<GoodAnswer, AdoError> {
    let RawAnswer { status, wait, body } = raw;
    let unavailable = |message| AdoError::Unavailable { message, wait };

    // What is no JSON is a page of a proxy or a wrong address: nobody has judged the identity yet,
    // so nobody is told that it was refused.
    let Ok(answer) = serde_json::from_slice::<TokenAnswer>(body) else {
        return Err(unavailable(format!(
            "{name} answered with status {status} and no token; is it the right address?"
        )));
    };

    let lives = answer.lives(now);
    if status == 200
        && let Some(token) = answer.access_token
    {
        return Ok(GoodAnswer { token, lives });
    }

    let has_ended = answer.says_that_the_secret_ended();
    let error = answer.error.unwrap_or_default();
    let words = match &answer.error_description {
        // What follows leads to the portal, and would leave no room for what mends it here.
        Some(description) if has_ended => {
            let sentence = description.split(". ").next();
            short(sentence.unwrap_or(description))
        }
        Some(description) => short(description),
        None => short(&format!("{error} (status {status})")),
    };

    // The two words tell of trouble of the authority's own, whatever status they come with. A 404
    // is no refusal either: a metadata service answers so while it is being updated.
    let is_refusal = matches!(status, 400 | 401 | 403)
        && !matches!(error.as_str(), "temporarily_unavailable" | "server_error");
    if is_refusal {
        return Err(AdoError::CredentialsRefused {
            server: name.to_owned(),
            refusal: Refusal::of_identity(words, Some(if has_ended { NEW_SECRET } else { advice })),
            repeated: false,
            accepted: None,
        });
    }
    Err(unavailable(format!("{name} gave no token: {words}")))
}

/// The first line of a description. What follows its "Trace ID:" serves Microsoft's support and
/// fills lines.
fn short(description: &str) -> String {
    let (words, _) = description
        .split_once(" Trace ID:")
        .unwrap_or((description, ""));

    let line = words.lines().next().unwrap_or_default().trim();
    line.trim_end_matches('.')
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_LINE)
        .collect()
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
    /// Numbers of what is wrong; a managed identity's service has none.
    #[serde(default)]
    error_codes: serde_json::Value,
}

impl TokenAnswer {
    /// How long the token lives from now on. The length is preferred, because an end needs two
    /// clocks that agree.
    fn lives(&self, now: Moment) -> Duration {
        if let Some(seconds) = self.expires_in {
            return Duration::from_secs(seconds);
        }

        match self.end() {
            Some(end) => end.since(now),
            None => DEFAULT_LIFE,
        }
    }

    fn says_that_the_secret_ended(&self) -> bool {
        self.error_codes
            .as_array()
            .is_some_and(|codes| codes.iter().any(|code| code.as_u64() == Some(SECRET_ENDED)))
    }

    fn end(&self) -> Option<Moment> {
        let seconds = i64::try_from(self.expires_on?).ok()?;
        Some(Moment::from_millis(seconds.checked_mul(1000)?))
    }
}

/// Reads an answer to its end, as far as it is believable.
async fn read_body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        // What is cut here holds no token that can be read.
        if body.len() + chunk.len() > LARGEST {
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

    /// What an answer that comes at second 1,000,000 means.
    fn meaning(status: u16, body: &str) -> String {
        let answer = RawAnswer {
            status,
            wait: None,
            body: body.as_bytes(),
        };
        let now = Moment::from_millis(1_000_000_000);
        match judge(answer, "https://login", "look there", now) {
            Ok(good) => format!("good for {} s", good.lives.as_secs()),
            Err(AdoError::CredentialsRefused { refusal, .. }) => format!("refused: {refusal}"),
            Err(AdoError::Unavailable { message, .. }) => format!("busy: {message}"),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn an_answer_is_a_token_a_refusal_or_trouble_that_passes() {
        let invalid = r#"{"error":"invalid_client","error_description":
            "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2"}"#;
        let ended = r#"{"error":"invalid_client","error_codes":[7000222],"error_description":
            "AADSTS7000222: The provided client secret keys for app 'a' are expired. Visit the portal."}"#;
        let two_ends = r#"{"access_token":"x","expires_on":1003600,"expires_in":60}"#;

        let meanings = [
            meaning(200, r#"{"access_token":"x","expires_in":3599}"#),
            meaning(200, r#"{"access_token":"x","expires_in":"86399"}"#),
            meaning(200, r#"{"access_token":"x","expires_on":"1003600"}"#),
            meaning(200, two_ends),
            meaning(200, r#"{"access_token":"x","expires_on":"999999"}"#),
            meaning(200, r#"{"access_token":"x","expires_on":"tomorrow"}"#),
            meaning(401, invalid),
            meaning(401, ended),
            meaning(400, r#"{"error":"unauthorized_client"}"#),
            meaning(400, r#"{"error":"temporarily_unavailable"}"#),
            meaning(404, r#"{"error":"not_found"}"#),
            meaning(429, "{}"),
            meaning(503, "<html>"),
            meaning(200, "<html>"),
        ];

        insta::assert_snapshot!(meanings.join("\n"), @r"
        good for 3599 s
        good for 86399 s
        good for 3600 s
        good for 60 s
        good for 0 s
        good for 600 s
        refused: AADSTS7000215: Invalid client secret provided; look there
        refused: AADSTS7000222: The provided client secret keys for app 'a' are expired; make a new client secret for the application in Entra, put it into `client_secret_file`, and correct `azure.expires` where it is set
        refused: unauthorized_client (status 400); look there
        busy: https://login gave no token: temporarily_unavailable (status 400)
        busy: https://login gave no token: not_found (status 404)
        busy: https://login gave no token: (status 429)
        busy: https://login answered with status 503 and no token; is it the right address?
        busy: https://login answered with status 200 and no token; is it the right address?
        ");
    }
}
