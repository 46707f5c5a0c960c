//! Posts a message to a webhook, which is nobody of Azure DevOps: through the same proxy and with
//! the same certificates, but with nothing that says who kado is there, and to that address alone.
//!
//! The address is a secret. Nothing of it but its host is in any error, also where the other side
//! repeats it.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::ado::error::AdoError;
use crate::ado::headers;
use crate::ado::http::{self, Network};
use crate::config::notify::WebhookAddress;
use crate::plan::text;

/// The header by which a receiver knows a message that comes twice.
const ID: &str = "x-kado-message";
/// Longest time for a message, from the first byte to the last of the answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const LARGEST: usize = 4096;
/// Letters of a part of the address that are a secret, wherever they stand.
const SHORTEST_SECRET: usize = 6;

/// A message did not arrive, or nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// Nobody answered. It may have arrived all the same.
    #[error("`{host}` cannot be reached{why}")]
    Unreachable { host: String, why: String },
    /// It was not taken.
    #[error("`{host}` does not take it (status {status}{said})")]
    Refused {
        host: String,
        status: u16,
        /// What it said, with its punctuation; empty for nothing.
        said: String,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// The other side sends on to another address.
    #[error(
        "`{host}` sends on to another address (status {status}), and kado follows none: write the \
         last one into `notify.webhook`"
    )]
    SentOn { host: String, status: u16 },
    /// The configuration of the network does not let it leave.
    #[error(transparent)]
    Configuration(#[from] AdoError),
}

impl PostError {
    /// How long the other side asks to wait.
    pub(crate) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            _ => None,
        }
    }
}

/// Posts a message with this id.
///
/// # Errors
/// When it did not arrive, and when nobody knows.
pub(crate) async fn post(
    address: &WebhookAddress,
    network: &Network,
    id: &str,
    body: &Value,
) -> Result<(), PostError> {
    let url = address.expose();
    let caller = http::outward(url, network, PATIENCE)?;
    let answer = caller
        .client
        .post(url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(ID, id)
        .body(body.to_string())
        .send()
        .await
        .map_err(|error| PostError::Unreachable {
            host: address.to_string(),
            why: caller.why(&error),
        })?;

    // Where the answer breaks off behind its head, the message has arrived.
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        return Err(PostError::SentOn {
            host: address.to_string(),
            status: status.as_u16(),
        });
    }
    Err(PostError::Refused {
        host: address.to_string(),
        status: status.as_u16(),
        wait: pause(answer.headers()),
        said: said(answer, address).await,
    })
}

fn pause(headers: &HeaderMap) -> Option<Duration> {
    headers::retry_after(headers)
}

/// The first line of an answer, such as `invalid_payload`, with the punctuation before it.
async fn said(mut answer: Response, address: &WebhookAddress) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = LARGEST - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == LARGEST {
            break;
        }
    }

    let body = String::from_utf8_lossy(&body);
    let line = body.lines().find(|line| !line.trim().is_empty());
    match line {
        // A page of a proxy or portal says nothing in its first line.
        Some(line) if !line.trim_start().starts_with('<') && !repeats(line, address) => {
            format!(": {}", text::quoted(line.trim()))
        }
        _ => String::new(),
    }
}

/// Whether a text holds a part of the address that is a secret.
fn repeats(text: &str, address: &WebhookAddress) -> bool {
    let url = address.expose();
    let parts = [
        url.path(),
        url.query().unwrap_or_default(),
        url.fragment().unwrap_or_default(),
        url.username(),
        url.password().unwrap_or_default(),
    ];
    let mut words = parts.iter().flat_map(|part| part.split(['/', '&', '=']));
    words.any(|word| word.len() >= SHORTEST_SECRET && text.contains(word))
}
