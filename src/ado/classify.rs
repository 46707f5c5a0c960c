//! What an answer means. One total function, asked once for each answer; nothing else in kado looks
//! at a status.
//!
//! Azure DevOps does not say 401 alone when it refuses a token (`ado/api.md` §2): a 203, a redirect
//! or a page mean the same, where they lead to its sign-in. Bodies of errors come in seven shapes
//! (§13), some after a byte order mark.
//!
//! Proxies, web filters, load balancers and portals answer as well, in its place. Only what shows
//! by its headers or its body that it comes from Azure DevOps says something about the token; a
//! page is never Azure DevOps speaking, but for that of its sign-in.

use serde_json::Value;
use url::Url;

use crate::ado::error::{ForeignAnswer, Missing, Refusal};
use crate::ado::html;

/// An answer, as far as its meaning depends on it.
#[derive(Clone, Copy, Default, Debug)]
pub struct ServerAnswer<'a> {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `X-TFS-ServiceError`, decoded.
    pub service_error: Option<&'a str>,
    /// `Location`.
    pub location: Option<&'a str>,
    /// `WWW-Authenticate`, all of them in one.
    pub challenge: Option<&'a str>,
    /// Whether one of its headers is of Azure DevOps' own ([`is_own_header`]).
    pub own_header: bool,
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
    /// Something between here and Azure DevOps answered, so Azure DevOps was not asked.
    InBetween(ForeignAnswer),
    /// The same request will be refused again.
    Rejected(String),
    /// The token is refused, so everything else of this server will be too.
    CredentialsRefused(Refusal),
    /// The token is known and lacks a permission for this.
    Forbidden(Refusal),
    /// Something that the request names is not there, or hidden from this token.
    Gone(Missing, String),
}

/// Bytes of an error that are read as JSON, whose values take many times as much.
const LARGEST_ERROR: usize = 1 << 20;

/// The longest text of a server that is repeated to people, in characters.
const LONGEST: usize = 500;

/// Hosts that Azure DevOps sends to its sign-in.
const SIGN_IN_HOSTS: [&str; 3] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "vssps.visualstudio.com",
];

/// Whether a header is one that only Azure DevOps sends (`ado/api.md` §13 and the recordings).
pub fn is_own_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "activityid" || name.starts_with("x-tfs-") || name.starts_with("x-vss-")
}

/// Says what an answer means.
pub fn classify(answer: &ServerAnswer<'_>) -> Meaning {
    if is_foreign(answer) {
        return Meaning::InBetween(foreign_answer(answer));
    }

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
        408 | 409 | 500..=599 => Meaning::Unavailable(troubled(answer)),
        400..=499 => Meaning::Rejected(message(answer)),

        // A status that nobody has seen yet: to wait loses nothing, while a refusal would need a
        // person.
        _ => Meaning::Unavailable(troubled(answer)),
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
    match answer.content_type {
        Some(kind) => kind.to_ascii_lowercase().contains("html"),
        None => answer.body.trim_ascii_start().starts_with(b"<"),
    }
}

/// Whether somebody else answered in place of Azure DevOps.
fn is_foreign(answer: &ServerAnswer<'_>) -> bool {
    if is_own(answer) {
        return false;
    }

    match answer.status {
        // The proxy's own word, with a way out of its own.
        407 => false,
        204 if answer.body.is_empty() => false,
        200..=299 => !is_json(answer),
        // These would say something about the token, so whoever says it has to show who it is.
        300..=399 | 401 | 403 => true,
        // Azure DevOps says the others in JSON, in plain text or in a header.
        _ => is_web_page(answer),
    }
}

/// Whether an answer shows that it comes from Azure DevOps.
fn is_own(answer: &ServerAnswer<'_>) -> bool {
    answer.own_header
        || answer.service_error.is_some()
        || is_own_error(answer)
        || is_own_challenge(answer)
        || leads_to_sign_in(answer)
        || is_sign_in_page(answer)
}

/// Whether the body is one of Azure DevOps' errors: many services say `message`, only those of
/// Microsoft say the type as well, and only Azure DevOps has codes such as TF400813.
fn is_own_error(answer: &ServerAnswer<'_>) -> bool {
    let body = without_mark(answer.body);
    let json = json_of(body);
    let has_type = ["typeKey", "typeName", "ClassName"]
        .iter()
        .any(|member| json[*member].is_string());
    if has_type || json["value"]["Message"].is_string() {
        return true;
    }

    let words = words(answer).unwrap_or_default();
    let code = words.strip_prefix("TF").or(words.strip_prefix("VS"));
    code.is_some_and(|code| code.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a 401 asks for what Azure DevOps asks for. A gateway that wants a password of its own
/// shows a page with that.
fn is_own_challenge(answer: &ServerAnswer<'_>) -> bool {
    const WORDS: [&str; 6] = [
        "bearer",
        "negotiate",
        "ntlm",
        "tfs-federated",
        "visualstudio.com",
        "azure.com",
    ];
    let Some(challenge) = answer.challenge.filter(|_| answer.status == 401) else {
        return false;
    };

    let challenge = challenge.to_ascii_lowercase();
    !is_web_page(answer) || WORDS.iter().any(|word| challenge.contains(word))
}

/// Whether a redirect leads to the sign-in of Azure DevOps.
fn leads_to_sign_in(answer: &ServerAnswer<'_>) -> bool {
    let Some(location) = answer.location else {
        return false;
    };

    // What stands behind `?` may name any address.
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let host = host_of(location).unwrap_or_default();
    path.contains("/_signin") || SIGN_IN_HOSTS.iter().any(|known| host.ends_with(known))
}

/// Whether a page is that of the sign-in of Azure DevOps. Its title is translated, but begins with
/// the product.
fn is_sign_in_page(answer: &ServerAnswer<'_>) -> bool {
    const PRODUCTS: [&str; 3] = ["Azure DevOps", "Visual Studio", "Team Foundation"];
    if !is_web_page(answer) || !matches!(answer.status, 200..=399 | 401) {
        return false;
    }

    let page = String::from_utf8_lossy(answer.body);
    let title = html::title(&page).unwrap_or_default();
    page.contains("/_signin")
        || page.contains("login.microsoftonline.com")
        || PRODUCTS.iter().any(|product| title.starts_with(product))
}

fn foreign_answer(answer: &ServerAnswer<'_>) -> ForeignAnswer {
    let page = String::from_utf8_lossy(answer.body);
    ForeignAnswer {
        status: answer.status,
        is_page: is_web_page(answer),
        title: html::title(&page).filter(|_| is_web_page(answer)),
        leads_to: answer.location.and_then(host_of),
    }
}

fn host_of(location: &str) -> Option<String> {
    Some(Url::parse(location).ok()?.host_str()?.to_owned())
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

/// What an answer says that only waiting helps: its words alone may be those of anybody.
fn troubled(answer: &ServerAnswer<'_>) -> String {
    let status = answer.status;
    match words(answer) {
        Some(words) => format!("Azure DevOps answered with status {status}: {words}"),
        None => format!("Azure DevOps answered with status {status}"),
    }
}

/// The best words in an answer: those of its JSON, else of the header, else of plain text.
fn words(answer: &ServerAnswer<'_>) -> Option<String> {
    let body = without_mark(answer.body);
    let json = json_of(body);

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

/// A body as JSON; nothing where it is none, or larger than an error is.
fn json_of(body: &[u8]) -> Value {
    if body.len() > LARGEST_ERROR {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer<'a>(status: u16, content_type: &'a str, body: &'a [u8]) -> ServerAnswer<'a> {
        ServerAnswer {
            status,
            content_type: Some(content_type),
            body,
            ..ServerAnswer::default()
        }
    }

    /// The name of the meaning of a status with an error of Azure DevOps as its body.
    fn name_of(status: u16) -> &'static str {
        match classify(&answer(status, "application/json", br#"{"typeKey":"X"}"#)) {
            Meaning::Done => "done",
            Meaning::Unavailable(_) => "unavailable",
            Meaning::InBetween(_) => "in between",
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

        assert!(matches!(
            classify(&page),
            Meaning::InBetween(ForeignAnswer { status: 404, .. })
        ));
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
    fn the_sign_in_of_azure_devops_means_that_the_token_is_refused() {
        let title = b"<html><head><title>\n Azure DevOps Services | Anmelden</title>";
        let form = br#"<form action="https://login.microsoftonline.com/common/oauth2/authorize">"#;
        let to = |location| ServerAnswer {
            location: Some(location),
            ..answer(302, "text/html", b"")
        };

        for own in [
            answer(200, "text/html", title),
            answer(203, "text/html", form),
            to("/_signin?realm=tfs.corp"),
            to("https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com"),
            to("https://login.microsoftonline.com/common/oauth2/authorize"),
            ServerAnswer {
                own_header: true,
                ..answer(203, "text/html", b"<html>")
            },
        ] {
            assert!(
                matches!(classify(&own), Meaning::CredentialsRefused(_)),
                "{own:?}"
            );
        }
    }

    #[test]
    fn a_page_of_somebody_else_says_nothing_about_the_token() {
        let page = b"<HTML><TITLE>Blocked &amp; logged</TITLE>";
        for status in [200, 203, 302, 307, 400, 401, 403, 413, 502] {
            let foreign = ServerAnswer {
                location: Some("https://portal.corp/?for=https://acme.dev/_signin"),
                challenge: Some("Basic realm=\"WebGuard\""),
                ..answer(status, "text/html", page)
            };

            let expected = ForeignAnswer {
                status,
                is_page: true,
                title: Some("Blocked & logged".to_owned()),
                leads_to: Some("portal.corp".to_owned()),
            };
            assert_eq!(classify(&foreign), Meaning::InBetween(expected));
        }
    }

    #[test]
    fn a_refusal_counts_only_with_a_mark_of_azure_devops() {
        let own = [
            ServerAnswer {
                challenge: Some("Basic realm=\"https://tfsprodsin1.app.visualstudio.com/\""),
                ..answer(401, "text/html", b"")
            },
            ServerAnswer {
                own_header: true,
                ..answer(401, "text/html", b"<html>")
            },
            answer(401, "text/plain", b"TF400813: not authorized"),
            answer(401, "application/json", br#"{"value":{"Message":"no"}}"#),
        ];
        let foreign = [
            answer(401, "text/plain", b"go away"),
            answer(401, "application/json", br#"{"message":"Forbidden"}"#),
            answer(403, "text/plain", b""),
        ];

        for own in own {
            let meaning = classify(&own);
            assert!(matches!(meaning, Meaning::CredentialsRefused(_)), "{own:?}");
        }
        for foreign in foreign {
            let meaning = classify(&foreign);
            assert!(matches!(meaning, Meaning::InBetween(_)), "{foreign:?}");
        }
    }

    #[test]
    fn headers_of_azure_devops_are_known_by_their_names() {
        for own in ["ActivityId", "x-tfs-processid", "X-VSS-E2EID"] {
            assert!(is_own_header(own), "{own}");
        }
        for foreign in ["via", "x-cache", "x-activity", "www-authenticate"] {
            assert!(!is_own_header(foreign), "{foreign}");
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
            classify(&answer(400, "application/json", b"{}")),
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
