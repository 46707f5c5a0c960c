//! Credentials: which are accepted, and the many ways of refusing them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;

use crate::answer::{Answer, error};
use crate::faults::Refusal;
use crate::world::World;

const SIGN_IN: &str = "<!DOCTYPE html>\r\n<html lang=\"en-US\"><head><title>Azure DevOps Services | Sign In</title></head>\
    <body><div>Microsoft Internet Explorer's Enhanced Security Configuration is currently enabled on your environment.</div></body></html>";

/// What a request carries as its token.
pub(crate) fn given(headers: &HeaderMap) -> Option<(&'static str, String)> {
    let value = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())?;
    let (scheme, rest) = value.split_once(' ')?;

    match scheme.to_lowercase().as_str() {
        "bearer" => Some(("Bearer", rest.trim().to_owned())),
        "basic" => password(rest.trim()).map(|password| ("Basic", password)),
        _ => None,
    }
}

/// Whether the request carries one of the tokens, or at Services one of Entra's.
pub(crate) fn authorized(headers: &HeaderMap, world: &World) -> bool {
    let Some((scheme, token)) = given(headers) else {
        return false;
    };
    if world.tokens.contains(&token) {
        return true;
    }

    let hosted = world.settings.deployment_type == "hosted";
    let of_entra = scheme == "Bearer" && hosted && world.entra.accepts(&token);

    of_entra && !(world.settings.conditional_access && suppresses(headers))
}

/// Whether the client asks for a plain refusal in place of a sign-in page.
pub(crate) fn suppresses(headers: &HeaderMap) -> bool {
    let value = headers
        .get("x-tfs-fedauthredirect")
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.eq_ignore_ascii_case("suppress"))
}

/// `user:password` for a proxy.
pub(crate) fn proxy_user(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("proxy-authorization")?.to_str().ok()?;
    String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()
}

fn password(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// What the service answers to credentials it does not accept.
pub(crate) fn refuse(headers: &HeaderMap, method: &str) -> Answer {
    if suppresses(headers) {
        return refusal(Refusal::Empty401);
    }
    refusal(if method == "PATCH" {
        Refusal::Json401
    } else {
        Refusal::SignInPage203
    })
}

/// One of the faces of refused credentials.
pub(crate) fn refusal(which: Refusal) -> Answer {
    let html = "text/html; charset=utf-8";
    let anonymous = "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.";
    let unauthorized = "Microsoft.TeamFoundation.Framework.Server.UnauthorizedRequestException, Microsoft.TeamFoundation.Framework.Server";

    match which {
        Refusal::SignInPage203 => Answer::new(203, html, SIGN_IN),
        Refusal::SignInPage200 => Answer::new(200, html, SIGN_IN),
        Refusal::Redirect302 => Answer::new(
            302,
            html,
            "<html><head><title>Object moved</title></head><body></body></html>",
        )
        .with(
            "location",
            "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com&reply_to=x",
        ),
        Refusal::Empty401 => challenge(Answer::empty(401)),
        Refusal::Json401 => challenge(error(401, unauthorized, anonymous)),
        Refusal::Expired401 => challenge(Answer::empty(401)).with(
            "X-TFS-ServiceError",
            "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired.",
        ),
        Refusal::Forbidden403 => error(403, unauthorized, anonymous),
    }
}

fn challenge(answer: Answer) -> Answer {
    answer.with("WWW-Authenticate", "Bearer").with(
        "WWW-Authenticate",
        "Basic realm=\"https://tfsprodweu1.app.visualstudio.com/\"",
    )
}
