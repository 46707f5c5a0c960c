//! How answers look: what a browser is told not to do with them, and what a failure says.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response as HttpResponse, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::error_chain::chain;
use crate::foreign;
use crate::metrics::TextForm;
use crate::page::guard::Refusal;
use crate::page::html::{self, PageParts};
use crate::page::token;

/// What a page may: nothing from outside is loaded, nothing of it is sent anywhere, nobody frames
/// it. Which script may run stands before it.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What every answer says. Nobody guesses what it is, nothing of it is kept.
const CLOSED: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The answer with what every answer says. One that is no page of its own lets no script run.
pub(super) fn closed(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    for (name, value) in CLOSED {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A text of a kind.
pub(super) fn text(status: StatusCode, kind: &'static str, text: impl Into<Body>) -> Response {
    let mut response = HttpResponse::new(text.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn plain(status: StatusCode, lines: &str) -> Response {
    text(status, "text/plain; charset=utf-8", format!("{lines}\n"))
}

/// A page. The one script that has this answer's nonce may run, and ask this page alone.
pub(super) fn html(page: &PageParts) -> Response {
    let nonce = token::random();
    let page = match html::framed(page, &nonce) {
        Ok(page) => page,
        Err(error) => return failed(&error),
    };

    let mut response = text(StatusCode::OK, "text/html; charset=utf-8", page);
    let policy = format!("{POLICY}; script-src 'nonce-{nonce}'; connect-src 'self'");
    let policy = HeaderValue::try_from(policy).expect("a nonce is letters and digits");
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// A document for scripts, in the form of `--json`.
pub(super) fn json(value: &impl Serialize) -> Response {
    json_of(serde_json::to_value(value))
}

/// As [`json`], with another status.
pub(super) fn json_with(status: StatusCode, value: &serde_json::Value) -> Response {
    text(
        status,
        "application/json; charset=utf-8",
        format!("{value:#}\n"),
    )
}

/// As [`json`], of a value that may have no form in JSON.
pub(super) fn json_of(value: serde_json::Result<serde_json::Value>) -> Response {
    match value {
        Ok(value) => text(
            StatusCode::OK,
            "application/json; charset=utf-8",
            format!("{value:#}\n"),
        ),
        Err(error) => failed(&error),
    }
}

/// Metrics in a form.
pub(super) fn metrics(text: String, form: TextForm) -> Response {
    self::text(StatusCode::OK, form.content_type(), text)
}

/// The form of metrics that whoever asks understands.
pub(super) fn form_asked_for(headers: &HeaderMap) -> TextForm {
    for accepted in headers.get_all(header::ACCEPT) {
        let accepted = accepted.to_str().unwrap_or_default();
        if accepted.contains("application/openmetrics-text") {
            return TextForm::OpenMetrics;
        }
    }
    TextForm::Prometheus
}

/// Whether the process turns.
pub(super) fn health(turns: bool) -> Response {
    if turns {
        plain(StatusCode::OK, "ok")
    } else {
        plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "a part of the service hangs; start it anew",
        )
    }
}

/// Whether it can do its work, or every reason why not.
pub(super) fn readiness(reasons: &[String]) -> Response {
    if reasons.is_empty() {
        return plain(StatusCode::OK, "ok");
    }
    let lines: Vec<_> = reasons
        .iter()
        .map(|reason| foreign::one_line(reason))
        .collect();
    plain(StatusCode::SERVICE_UNAVAILABLE, &lines.join("\n"))
}

/// So many listen that there is no place for one more.
pub(super) fn too_many() -> Response {
    let mut response = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many listen already; ask for the page again in a while",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

/// The body is larger than any that asks for something.
pub(super) fn too_large() -> Response {
    plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}

/// There is nothing of this name.
pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "there is nothing here")
}

/// Nothing can be shown, for this reason.
pub(super) fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    plain(
        StatusCode::SERVICE_UNAVAILABLE,
        &foreign::lines(&chain(error)),
    )
}

/// Whoever asked may not.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut response = plain(refusal.status(), &foreign::lines(refusal.text()));
    if *refusal == Refusal::Password {
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"kado\", charset=\"UTF-8\""),
        );
    }
    response
}
