//! Reads an answer within limits and says what it means for the caller.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use serde::de::DeserializeOwned;

use crate::ado::classify::{Meaning, ServerAnswer, classify, is_own_header, without_mark};
use crate::ado::credential::Credential;
use crate::ado::error::{AdoError, Refusal};
use crate::ado::gone;
use crate::ado::headers::{self, header};
use crate::ado::transport::{AdoClient, CallFailure, FailureCause};
use crate::ado::version;
use crate::error_chain::chain;

/// Largest answer that is read, in bytes: a page of 200 results with all their details has 2 MiB.
const LARGEST: usize = 16 * 1024 * 1024;

/// The content of an answer, with the token of the next page.
pub(in crate::ado) struct Page<T> {
    pub(in crate::ado) content: T,
    /// Bytes of the answer.
    pub(in crate::ado) bytes: usize,
    /// `x-ms-continuationtoken`.
    pub(in crate::ado) next: Option<String>,
}

impl AdoClient {
    /// Fails with what the answer means, unless the call worked.
    pub(super) fn judge(
        &self,
        response: &Response,
        body: &[u8],
        retry_after: Option<Duration>,
    ) -> Result<(), CallFailure> {
        let headers = response.headers();
        // Asked first: to `classify` a redirect is one to a sign-in page, or somebody else's.
        if response.status().is_redirection()
            && let Some(target) = headers::https_target(response.url(), headers)
        {
            let message = gone::wants_https(&self.server, &target);
            return Err(AdoError::Configuration(message).into());
        }

        let status = response.status().as_u16();
        let service_error = header(headers, "x-tfs-serviceerror").map(percent_decoded);
        let challenge = challenge(headers);
        let meaning = classify(&ServerAnswer {
            status,
            content_type: header(headers, CONTENT_TYPE.as_str()),
            service_error: service_error.as_deref(),
            location: header(headers, LOCATION.as_str()),
            challenge: challenge.as_deref(),
            own_header: headers.keys().any(|name| is_own_header(name.as_str())),
            body,
        });

        if meaning != Meaning::Done {
            // By its activity Microsoft's support finds a request.
            let activity = header(headers, "x-vss-e2eid").or_else(|| header(headers, "activityid"));
            tracing::debug!(
                status,
                url = response.url().path(),
                activity,
                "azure devops did not accept a request"
            );
        }

        self.error_of(meaning, status, retry_after)
    }

    fn error_of(
        &self,
        meaning: Meaning,
        status: u16,
        wait: Option<Duration>,
    ) -> Result<(), CallFailure> {
        let error = match meaning {
            Meaning::Done => return Ok(()),

            Meaning::CredentialsRefused(refusal) => {
                return Err(CallFailure {
                    error: self.refused_with(self.with_fitting_advice(refusal)),
                    cause: FailureCause::Token,
                });
            }
            // A permission is one of a project or a path in it: the token may be good for all the
            // rest, so it is not remembered as refused.
            Meaning::Forbidden(refusal) => self.refused_with(refusal),

            Meaning::Unavailable(message) => AdoError::Unavailable { message, wait },
            Meaning::InBetween(answer) => AdoError::InBetween {
                server: self.server.base().to_owned(),
                answer: Box::new(answer),
                correction: None,
                wait,
            },

            Meaning::Gone(what, message) => AdoError::Gone { what, message },
            Meaning::Rejected(message) => AdoError::Rejected {
                status,
                message: self.with_hint_at_version(message),
            },
        };

        Err(error.into())
    }

    /// What a server says of a version that it does not know, with what mends that.
    fn with_hint_at_version(&self, message: String) -> String {
        if version::is_unknown(&message) {
            let message = message.trim_end_matches('.');
            let way_out = version::way_out(self.version.origin());
            format!("{message}; {way_out}")
        } else {
            message
        }
    }

    /// A refusal with what mends it: hints about personal access tokens do not help an identity.
    fn with_fitting_advice(&self, refusal: Refusal) -> Refusal {
        match &self.credential {
            Credential::Pat(_) | Credential::Bearer(_) => refusal,
            Credential::Entra(_) if self.server.is_services() => Refusal::of_identity(
                refusal.said,
                Some(
                    "is the identity among the users of the organization, with a licence? \
                     `azure.suppress_sign_in` has to be off in tenants with Conditional Access",
                ),
            ),

            Credential::Entra(_) => Refusal::of_identity(
                refusal.said,
                Some(
                    "identities of Entra are for Azure DevOps Services: Azure DevOps Server wants \
                     a token",
                ),
            ),
        }
    }
}

/// Reads a body to its end, as far as it is believable.
pub(super) async fn read_body(response: &mut Response) -> Result<Vec<u8>, AdoError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            AdoError::unavailable(format!("the answer broke off: {}", chain(&error)))
        })?;
        let Some(chunk) = chunk else {
            return Ok(body);
        };

        // An answer without end must not fill the memory.
        if body.len() + chunk.len() > LARGEST {
            return Err(AdoError::unavailable(format!(
                "an answer is larger than {LARGEST} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
}

/// The content of an answer that means that the call worked.
pub(super) fn page<T: DeserializeOwned>(
    response: &Response,
    body: &[u8],
) -> Result<Page<T>, AdoError> {
    // Some answers have no content at all; they read as `null`.
    let mut json = without_mark(body);
    if json.is_empty() {
        json = b"null";
    }

    // What cannot be read is taken for trouble that passes: somebody in between cut it or put
    // something of his own in its place. The path of the member tells which, in the one line that
    // people see.
    let mut reader = serde_json::Deserializer::from_slice(json);
    let content = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        AdoError::unavailable(format!("an answer of Azure DevOps cannot be read: {error}"))
    })?;
    Ok(Page {
        content,
        bytes: body.len(),
        next: header(response.headers(), "x-ms-continuationtoken").map(str::to_owned),
    })
}

/// All that a server asks for as credentials, in one; `None` when it asks for nothing.
fn challenge(headers: &HeaderMap) -> Option<String> {
    let mut challenges = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        challenges.extend(value.to_str().ok());
    }
    (!challenges.is_empty()).then(|| challenges.join(", "))
}

fn percent_decoded(text: &str) -> String {
    // The form decoder of the url crate would turn `+` into a blank; the header has none.
    let form = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
