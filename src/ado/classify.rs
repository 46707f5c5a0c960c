//! What an answer means. One total function, asked once for each answer; nothing else in kado looks
//! at a status.
//!
//! Azure DevOps does not say 401 alone when it refuses a token (`ado/api.md` §2): a 203 or a
//! redirect to a sign-in page, or HTML in place of JSON, mean the same. Bodies of errors come in
//! seven shapes (§13), some after a byte order mark.

use std::time::Duration;

use serde_json::Value;

/// An answer, as far as its meaning depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// HTTP status.
    pub status: u16,
    /// Whether the request may change something on the server.
    pub writes: bool,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<Duration>,
    /// `X-TFS-ServiceError`, decoded.
    pub service_error: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What to do with an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It worked.
    Done,
    /// Leave the server alone for a while; nothing was carried out.
    Busy(Option<Duration>, String),
    /// It may have been carried out: ask before it is sent again.
    Unclear(Option<Duration>, String),
    /// The same request will be refused again.
    Rejected(String),
    /// The token is refused, so everything else of this server will be too.
    CredentialsRefused(String),
    /// The token is known and lacks a permission for this.
    Forbidden(String),
    /// Something that the request names is not there, or hidden from this token.
    Gone(String),
}

/// Says what an answer means.
pub fn classify(answer: &Head<'_>) -> Verdict {
    let message = || message(answer);
    match answer.status {
        203 | 300..=399 => Verdict::CredentialsRefused(sign_in()),
        200..=299 if is_json(answer) => Verdict::Done,
        200..=299 if answer.body.is_empty() && answer.status == 204 => Verdict::Done,
        200..=299 => Verdict::CredentialsRefused(sign_in()),
        401 => Verdict::CredentialsRefused(refused(&message())),
        403 => Verdict::Forbidden(format!(
            "{}; the token's owner lacks a permission",
            message()
        )),
        // Azure DevOps says so in JSON, in plain text or in a header; a web page is somebody's in
        // between.
        404 | 410 if is_page(answer) && answer.writes => {
            Verdict::Unclear(answer.retry_after, page(answer.status))
        }
        404 | 410 if is_page(answer) => Verdict::Busy(answer.retry_after, page(answer.status)),
        404 | 410 => Verdict::Gone(message()),
        407 => Verdict::Busy(answer.retry_after, proxy()),
        429 => Verdict::Busy(
            answer.retry_after,
            format!("Azure DevOps asks for a pause: {}", message()),
        ),
        408 | 409 | 500..=599 if answer.writes => Verdict::Unclear(answer.retry_after, message()),
        408 | 409 | 500..=599 => Verdict::Busy(answer.retry_after, message()),
        400..=499 => Verdict::Rejected(message()),
        _ => Verdict::Unclear(answer.retry_after, message()),
    }
}

/// The body without a byte order mark.
pub fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn is_json(answer: &Head<'_>) -> bool {
    answer
        .content_type
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

fn is_page(answer: &Head<'_>) -> bool {
    answer.service_error.is_none()
        && answer
            .content_type
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// How it begins when a web page came in place of an answer.
const PAGE: &str = "a web page came with status";

/// Whether a message says that a web page came in place of an answer, so that nothing of Azure
/// DevOps was asked.
pub fn is_about_page(message: &str) -> bool {
    message.starts_with(PAGE)
}

fn page(status: u16) -> String {
    format!(
        "{PAGE} {status} in place of an answer of Azure DevOps; the server or something before it is \
         not ready, or the server URL is wrong"
    )
}

fn sign_in() -> String {
    "a sign-in page came in place of data, so the token is wrong, expired or revoked; make a new one in Azure DevOps \
     under User settings > Personal access tokens"
        .to_owned()
}

fn proxy() -> String {
    "the proxy refused to let the request pass (407); put user and password into `azure.proxy`, or the server into \
     `azure.no_proxy`"
        .to_owned()
}

fn refused(message: &str) -> String {
    if message.to_lowercase().contains("expired") {
        format!(
            "{message}; make a new one in Azure DevOps under User settings > Personal access tokens"
        )
    } else {
        format!(
            "{message}; the token is wrong, expired or revoked, lacks a scope, or belongs to another organization"
        )
    }
}

/// The best words in an answer: of its JSON, else of the header, else of the status.
fn message(answer: &Head<'_>) -> String {
    let body = without_mark(answer.body);
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let from_json = json.as_ref().and_then(|json| {
        [
            &json["message"],
            &json["Message"],
            &json["value"]["Message"],
        ]
        .into_iter()
        .find_map(Value::as_str)
    });
    let plain = || {
        let is_text = answer
            .content_type
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"));
        std::str::from_utf8(body).ok().filter(|_| is_text)
    };
    let words = from_json
        .or(answer.service_error)
        .or_else(plain)
        .map(str::trim)
        .filter(|words| !words.is_empty());
    match words {
        Some(words) => words.chars().take(500).collect(),
        None => format!("status {}", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head<'a>(status: u16, content_type: &'a str, body: &'a [u8]) -> Head<'a> {
        Head {
            status,
            writes: true,
            content_type: Some(content_type),
            retry_after: None,
            service_error: None,
            body,
        }
    }

    /// The name of the verdict for every status, with a JSON body.
    fn kind(status: u16, writes: bool) -> &'static str {
        match classify(&Head {
            writes,
            ..head(status, "application/json", b"{}")
        }) {
            Verdict::Done => "done",
            Verdict::Busy(..) => "busy",
            Verdict::Unclear(..) => "unclear",
            Verdict::Rejected(_) => "rejected",
            Verdict::CredentialsRefused(_) => "credentials",
            Verdict::Forbidden(_) => "forbidden",
            Verdict::Gone(_) => "gone",
        }
    }

    #[test]
    fn a_page_of_a_load_balancer_passes_and_an_answer_of_azure_devops_does_not() {
        let page = head(
            404,
            "text/html; charset=utf-8",
            b"<html>no such backend</html>",
        );
        assert!(
            matches!(classify(&page), Verdict::Unclear(None, message) if message.contains("status 404"))
        );
        assert!(matches!(
            classify(&Head {
                writes: false,
                ..page
            }),
            Verdict::Busy(None, _)
        ));
        let hidden = Head {
            service_error: Some("Test plan 18 not found."),
            ..page
        };
        assert_eq!(
            classify(&hidden),
            Verdict::Gone("Test plan 18 not found.".to_owned())
        );
        let route = head(
            404,
            "text/plain",
            b"The controller for path '/x' was not found",
        );
        assert!(matches!(classify(&route), Verdict::Gone(_)));
    }

    #[test]
    fn every_status_has_one_meaning() {
        let mut runs: Vec<(u16, u16, &str, &str)> = Vec::new();
        for status in 100..=600 {
            let (write, read) = (kind(status, true), kind(status, false));
            match runs.last_mut() {
                Some(last) if (last.2, last.3) == (write, read) => last.1 = status,
                _ => runs.push((status, status, write, read)),
            }
        }
        let table: Vec<_> = runs
            .iter()
            .map(|(from, to, write, read)| format!("{from}-{to} {write}/{read}"))
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        100-199 unclear/unclear
        200-202 done/done
        203-203 credentials/credentials
        204-299 done/done
        300-399 credentials/credentials
        400-400 rejected/rejected
        401-401 credentials/credentials
        402-402 rejected/rejected
        403-403 forbidden/forbidden
        404-404 gone/gone
        405-406 rejected/rejected
        407-407 busy/busy
        408-409 unclear/busy
        410-410 gone/gone
        411-428 rejected/rejected
        429-429 busy/busy
        430-499 rejected/rejected
        500-599 unclear/busy
        600-600 unclear/unclear
        ");
    }

    #[test]
    fn a_page_in_place_of_json_means_that_the_token_is_refused() {
        assert!(matches!(
            classify(&head(200, "text/html", b"<html>")),
            Verdict::CredentialsRefused(_)
        ));
        assert!(matches!(
            classify(&head(203, "text/html", b"<html>")),
            Verdict::CredentialsRefused(_)
        ));
        assert!(matches!(
            classify(&head(302, "text/html", b"")),
            Verdict::CredentialsRefused(_)
        ));
    }

    #[test]
    fn the_words_of_every_shape_of_error_are_found() {
        let shapes: [&[u8]; 4] = [
            br#"{"$id":"1","message":"TF1: why","typeKey":"X"}"#,
            br#"{"count":1,"value":{"Message":"TF1: why"}}"#,
            br#"{"ClassName":"X","Message":"TF1: why"}"#,
            b"\xef\xbb\xbf{\"message\":\"TF1: why\"}",
        ];
        for body in shapes {
            assert_eq!(
                classify(&head(400, "application/json", body)),
                Verdict::Rejected("TF1: why".to_owned())
            );
        }
        assert_eq!(
            classify(&head(404, "text/plain", b"TF1: why")),
            Verdict::Gone("TF1: why".to_owned())
        );
        assert_eq!(
            classify(&head(400, "text/html", b"<html>")),
            Verdict::Rejected("status 400".to_owned())
        );
    }

    #[test]
    fn an_expired_token_is_called_expired() {
        let expired = Head {
            service_error: Some("Access Denied: The Personal Access Token used has expired."),
            ..head(401, "text/html", b"")
        };
        let Verdict::CredentialsRefused(message) = classify(&expired) else {
            panic!("not refused")
        };
        assert!(
            message.starts_with("Access Denied: The Personal Access Token used has expired."),
            "{message}"
        );
    }
}
