//! How answers look: what a browser is told not to do with them, and what a failure says.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::error_chain::chain;
use crate::foreign;
use crate::page::guard::Refusal;

/// What every answer says. Nothing from outside is loaded, nobody frames it, nothing of it is kept.
/// There is no script in the page, so none may run.
const CLOSED: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The answer with what every answer says.
pub(super) fn closed(mut response: Response) -> Response {
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

/// A page, unless it could not be made.
pub(super) fn html(page: Result<String, askama::Error>) -> Response {
    match page {
        Ok(page) => text(StatusCode::OK, "text/html; charset=utf-8", page),
        Err(error) => failed(&error),
    }
}

/// A document for scripts, in the form of `--json`.
pub(super) fn json(value: &impl Serialize) -> Response {
    json_of(serde_json::to_value(value))
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
