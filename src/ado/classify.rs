//! What an answer means. One total function, asked once for each answer; nothing else in kado looks
//! at a status.
//!
//! Azure DevOps does not say 401 alone when it refuses a token (`ado/api.md` §2): a 203 or a
//! redirect to a sign-in page, or HTML in place of JSON, mean the same. Bodies of errors come in
//! seven shapes (§13), some after a byte order mark.

use serde_json::Value;

use crate::ado::error::{Missing, Refusal};

/// An answer, as far as its meaning depends on it.
#[derive(Clone, Copy, Debug)]
pub struct ServerAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `X-TFS-ServiceError`, decoded.
    pub service_error: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What an answer means, by what is to be done about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// It worked.
    Done,
    /// Leave the server alone for a while. Whether the request was carried out is not known.
    Unavailable(String),
    /// The same, but not from Azure DevOps: a web page of something before it.
    WebPage(String),
    /// The same request will be refused again.
    Rejected(String),
    /// The token is refused, so everything else of this server will be too.
    CredentialsRefused(Refusal),
    /// The token is known and lacks a permission for this.
    Forbidden(Refusal),
    /// Something that the request names is not there, or hidden from this token.
    Gone(Missing, String),
}

/// The longest text of a server that is repeated to people, in characters.
const LONGEST: usize = 500;

/// Says what an answer means.
pub fn classify(answer: &ServerAnswer<'_>) -> Meaning {
    match answer.status {
        // Not "unavailable", which would be tried again and again: servers lock out an account
        // whose token keeps being refused.
        203 | 300..=399 => Meaning::CredentialsRefused(sign_in_page()),
        200..=299 if is_json(answer) => Meaning::Done,
        204 if answer.body.is_empty() => Meaning::Done,
        200..=299 => Meaning::CredentialsRefused(sign_in_page()),
        401 => Meaning::CredentialsRefused(refused_token(message(answer))),
        403 => Meaning::Forbidden(Refusal::new(
            message(answer),
            "the token's owner lacks a permission",
        )),

        // Azure DevOps says so in JSON, in plain text or in a header; a web page is somebody's in
        // between, such as a load balancer without a back end.
        404 | 410 if is_web_page(answer) => Meaning::WebPage(web_page(answer.status)),
        404 | 410 => Meaning::Gone(missing(answer), message(answer)),

        407 => Meaning::Unavailable(
            "the proxy refused to let the request pass (407); put user and password into \
             `azure.proxy`, or the server into `azure.no_proxy`"
                .to_owned(),
        ),
        429 => Meaning::Unavailable(format!(
            "Azure DevOps asks for a pause: {}",
            message(answer)
        )),

        // 409 is taken for somebody else's change at the same moment (`TestObjectUpdatedException`,
        // `ado/api.md` §13), which is over at the next attempt.
        408 | 409 | 500..=599 => Meaning::Unavailable(message(answer)),
        400..=499 => Meaning::Rejected(message(answer)),

        // A status that nobody has seen yet: to wait loses nothing, while a refusal would need a
        // person.
        _ => Meaning::Unavailable(message(answer)),
    }
}

/// The body without a byte order mark.
pub fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn is_json(answer: &ServerAnswer<'_>) -> bool {
    answer
        .content_type
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

fn is_web_page(answer: &ServerAnswer<'_>) -> bool {
    answer.service_error.is_none()
        && answer
            .content_type
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// What is missing when an answer says "not found".
fn missing(answer: &ServerAnswer<'_>) -> Missing {
    let Some(words) = words(answer) else {
        // Also any web server at a wrong URL answers so. Whether it can be that is known to the
        // caller, who has seen this server answer before or not.
        return Missing::Unsaid;
    };

    // A project that does not exist or is hidden, by name (TF200016) or by GUID (VS800075); the
    // codes stand in every language (`ado/api.md` §13).
    if words.contains("TF200016") || words.contains("VS800075") {
        return Missing::Project;
    }

    // Plain text of the web server; Azure DevOps itself says what is missing in JSON.
    if words.contains("controller for path") {
        return Missing::Route;
    }

    Missing::Object
}

fn web_page(status: u16) -> String {
    format!(
        "a web page came with status {status} in place of an answer of Azure DevOps; the server \
         or something in front of it is not ready, or the server URL is wrong"
    )
}

fn sign_in_page() -> Refusal {
    Refusal::new(
        "a sign-in page came in place of data, so the token is wrong, expired or revoked",
        "make a new one in Azure DevOps under User settings > Personal access tokens",
    )
}

fn refused_token(message: String) -> Refusal {
    // Only a token that has expired is told as that; of all the others the answers look alike.
    let advice = if message.to_lowercase().contains("expired") {
        "make a new one in Azure DevOps under User settings > Personal access tokens"
    } else {
        "the token is wrong, expired or revoked, lacks a scope, or belongs to another organization"
    };
    Refusal::new(message, advice)
}

/// What an answer says for people, at least its status.
fn message(answer: &ServerAnswer<'_>) -> String {
    words(answer).unwrap_or_else(|| format!("status {}", answer.status))
}

/// The best words in an answer: those of its JSON, else of the header, else of plain text.
fn words(answer: &ServerAnswer<'_>) -> Option<String> {
    let body = without_mark(answer.body);
    let json: Value = serde_json::from_slice(body).unwrap_or_default();

    // The header comes behind the JSON, which says more, and before plain text, which may be a web
    // server's own. It is what remains where the body is empty or a page.
    let words = json["message"]
        .as_str()
        .or_else(|| json["Message"].as_str())
        .or_else(|| json["value"]["Message"].as_str())
        .or(answer.service_error)
        .or_else(|| plain_text(answer.content_type, body))?
        .trim();
    if words.is_empty() {
        return None;
    }

    Some(words.chars().take(LONGEST).collect())
}

fn plain_text<'a>(content_type: Option<&str>, body: &'a [u8]) -> Option<&'a str> {
    if content_type?.to_ascii_lowercase().starts_with("text/plain") {
        std::str::from_utf8(body).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer<'a>(status: u16, content_type: &'a str, body: &'a [u8]) -> ServerAnswer<'a> {
        ServerAnswer {
            status,
            content_type: Some(content_type),
            service_error: None,
            body,
        }
    }

    /// The name of the meaning of a status with a JSON body.
    fn name_of(status: u16) -> &'static str {
        match classify(&answer(status, "application/json", b"{}")) {
            Meaning::Done => "done",
            Meaning::Unavailable(_) => "unavailable",
            Meaning::WebPage(_) => "web page",
            Meaning::Rejected(_) => "rejected",
            Meaning::CredentialsRefused(_) => "credentials",
            Meaning::Forbidden(_) => "forbidden",
            Meaning::Gone(..) => "gone",
        }
    }

    #[test]
    fn a_page_of_a_load_balancer_passes_and_an_answer_of_azure_devops_does_not() {
        let page = answer(
            404,
            "text/html; charset=utf-8",
            b"<html>no such backend</html>",
        );
        let hidden = ServerAnswer {
            service_error: Some("Test plan 18 not found."),
            ..page
        };

        assert!(
            matches!(classify(&page), Meaning::WebPage(message) if message.contains("status 404"))
        );
        assert_eq!(
            classify(&hidden),
            Meaning::Gone(Missing::Object, "Test plan 18 not found.".to_owned())
        );
    }

    #[test]
    fn what_is_missing_is_told_apart() {
        let missing = |content_type, body| match classify(&answer(404, content_type, body)) {
            Meaning::Gone(missing, _) => missing,
            other => panic!("{other:?}"),
        };

        let route =
            b"The controller for path '/tfs/_apis/connectionData' was not found or does not \
                      implement IController.";
        let project = br#"{"message":"TF200016: The following project does not exist: X."}"#;
        let plan = br#"{"message":"Test plan 18 not found."}"#;
        assert_eq!(missing("text/plain", route), Missing::Route);
        assert_eq!(missing("text/plain", b""), Missing::Unsaid);
        assert_eq!(missing("application/json", project), Missing::Project);
        assert_eq!(missing("application/json", plan), Missing::Object);
    }

    #[test]
    fn every_status_has_one_meaning() {
        let mut ranges: Vec<(u16, u16, &str)> = Vec::new();
        for status in 100..=600 {
            let name = name_of(status);
            match ranges.last_mut() {
                Some((_, last, same)) if *same == name => *last = status,
                _ => ranges.push((status, status, name)),
            }
        }

        let table: Vec<_> = ranges
            .iter()
            .map(|(first, last, name)| format!("{first}-{last} {name}"))
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        100-199 unavailable
        200-202 done
        203-203 credentials
        204-299 done
        300-399 credentials
        400-400 rejected
        401-401 credentials
        402-402 rejected
        403-403 forbidden
        404-404 gone
        405-406 rejected
        407-409 unavailable
        410-410 gone
        411-428 rejected
        429-429 unavailable
        430-499 rejected
        500-600 unavailable
        ");
    }

    #[test]
    fn a_page_in_place_of_json_means_that_the_token_is_refused() {
        for page in [
            answer(200, "text/html", b"<html>"),
            answer(203, "text/html", b"<html>"),
            answer(302, "text/html", b""),
        ] {
            assert!(
                matches!(classify(&page), Meaning::CredentialsRefused(_)),
                "{page:?}"
            );
        }
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
                classify(&answer(400, "application/json", body)),
                Meaning::Rejected("TF1: why".to_owned())
            );
        }

        assert_eq!(
            classify(&answer(404, "text/plain", b"TF1: why")),
            Meaning::Gone(Missing::Object, "TF1: why".to_owned())
        );
        assert_eq!(
            classify(&answer(400, "text/html", b"<html>")),
            Meaning::Rejected("status 400".to_owned())
        );
    }

    #[test]
    fn an_expired_token_is_called_expired() {
        let expired = ServerAnswer {
            service_error: Some("Access Denied: The Personal Access Token used has expired."),
            ..answer(401, "text/html", b"")
        };

        let Meaning::CredentialsRefused(refusal) = classify(&expired) else {
            panic!("not refused")
        };
        assert_eq!(
            refusal.said,
            "Access Denied: The Personal Access Token used has expired."
        );
        assert!(
            refusal
                .advice
                .is_some_and(|advice| advice.starts_with("make a new one"))
        );
    }
}
