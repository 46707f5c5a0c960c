//! Who may ask the page. A browser on this machine carries pages of strangers, and they can have it
//! ask anything of any address; so what decides is what a stranger's page cannot choose: the host
//! that was asked, and a password where there is one. What changes something needs the page's own
//! origin and its token besides.
//!
//! Judging is pure: a request's head in, a refusal out.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::config::status_page::StatusPage;
use crate::secrets;

/// Names of loopback, as they stand in `Host`.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The header in which the page's script sends its token.
const TOKEN_HEADER: &str = "x-kado-token";
/// The one kind of body that is taken: no form of a stranger's page can have it.
const JSON: &str = "application/json";

/// The rules of one configuration.
pub(super) struct Guard {
    /// Hosts with their port, in lower-case letters.
    hosts: Vec<String>,
    password: Password,
    /// The token of whoever may change something; `None` where nobody may.
    token: Option<SecretString>,
}

/// What everybody who asks has to know.
enum Password {
    /// The page is for this machine, and nobody set one.
    None,
    /// It was read when the page began.
    Known(SecretSlice<u8>),
    /// It cannot be read, so nobody knows it.
    Unreadable(String),
}

/// Why a request gets no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It was asked for by a name that is not the page's.
    Host,
    /// Nothing is changed here.
    Method,
    /// The password is missing or wrong.
    Password,
    /// The password cannot be read.
    NoPassword(String),
    /// Another page asks for a change.
    Origin,
    /// The body of what asks for a change is of another kind.
    Kind,
    /// The page's token is missing or wrong.
    Token,
}

impl Refusal {
    /// The status of the answer.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Password => StatusCode::UNAUTHORIZED,
            Self::NoPassword(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Origin | Self::Token => StatusCode::FORBIDDEN,
            Self::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// What its text says.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Host => {
                "the status page of kado is asked for as `localhost` or by a name in \
                 `status_page.allowed_hosts`, with its port"
            }
            Self::Method => {
                "nothing is changed here; this page takes GET alone, and POST for its buttons \
                 where `status_page.actions` is true"
            }
            Self::Password => "this page wants the password of `status_page.password_file`",
            Self::NoPassword(reason) => reason,
            Self::Origin => "only the page of kado itself may ask for a change",
            Self::Kind => "a change is asked for as `application/json`",
            Self::Token => "`kado page` opens this page with its buttons",
        }
    }
}

impl Guard {
    /// The rules of these settings, for a page at this port with this token. Reads the password.
    pub(super) fn new(settings: &StatusPage, port: u16, token: Option<SecretString>) -> Self {
        let mut hosts = Vec::new();
        for name in LOOPBACK {
            hosts.push(format!("{name}:{port}"));
        }
        for name in &settings.allowed_hosts {
            hosts.push(format!("{name}:{port}"));
        }

        let password = match &settings.password_file {
            None => Password::None,
            Some(file) => match secrets::closed_file(file) {
                Ok(text) => Password::Known(text),
                Err(error) => {
                    let reason = error.of("password file").to_string();
                    tracing::warn!(reason, "the status page is shown to nobody");
                    Password::Unreadable(reason)
                }
            },
        };
        Self {
            hosts,
            password,
            token,
        }
    }

    /// Whether a request with this head is answered.
    ///
    /// # Errors
    /// What speaks against it.
    pub(super) fn judge(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        if !self.is_asked(uri, headers) {
            return Err(Refusal::Host);
        }
        let is_change = match (method, &self.token) {
            (&Method::GET | &Method::HEAD, _) => false,
            (&Method::POST, Some(_)) => true,
            _ => return Err(Refusal::Method),
        };

        match &self.password {
            Password::None => {}
            Password::Unreadable(reason) => return Err(Refusal::NoPassword(reason.clone())),
            Password::Known(password) => {
                let given = given_password(headers).unwrap_or_default();
                if !is_equal(&given, without_line_end(password.expose_secret())) {
                    return Err(Refusal::Password);
                }
            }
        }

        if is_change {
            self.judge_change(headers)?;
        }
        Ok(())
    }

    /// Whether the page itself asks, on behalf of somebody who may read the state folder.
    fn judge_change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let origin = only(headers, ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        if !origin.is_some_and(|host| self.hosts.iter().any(|own| own == host)) {
            return Err(Refusal::Origin);
        }

        let kind = only(headers, CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(JSON) {
            return Err(Refusal::Kind);
        }

        let given = only(headers, HeaderName::from_static(TOKEN_HEADER)).unwrap_or_default();
        match &self.token {
            Some(token) if is_equal(given.as_bytes(), token.expose_secret().as_bytes()) => Ok(()),
            _ => Err(Refusal::Token),
        }
    }

    /// Whether the host that was asked is the page's. Two of them, or one in the address as well,
    /// are a request that two readers read in two ways.
    fn is_asked(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Some(host) = only(headers, HOST) else {
            return false;
        };

        let is_ours = |host: &str| self.hosts.contains(&host.to_ascii_lowercase());
        is_ours(host) && uri.authority().is_none_or(|other| is_ours(other.as_str()))
    }
}

/// The text of a header that stands there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut named = headers.get_all(name).iter();
    match (named.next(), named.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The password of basic authentication; its user name says nothing here.
fn given_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let encoded = header.strip_prefix("Basic ")?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

/// An editor ends the file with a line end, which nobody types.
fn without_line_end(password: &[u8]) -> &[u8] {
    let password = password.strip_suffix(b"\n").unwrap_or(password);
    password.strip_suffix(b"\r").unwrap_or(password)
}

/// Whether both are equal, by their digests: how long it takes says nothing of how much is right.
fn is_equal(given: &[u8], password: &[u8]) -> bool {
    // The comparison of this type takes the same time whatever is in it.
    !password.is_empty() && blake3::hash(given) == blake3::hash(password)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn guard(password: Option<&str>) -> Guard {
        let settings = StatusPage {
            allowed_hosts: vec!["agent7.example".to_owned()],
            ..StatusPage::default()
        };
        let mut guard = Guard::new(&settings, 7440, None);
        if let Some(password) = password {
            guard.password = Password::Known(SecretSlice::from(password.as_bytes().to_vec()));
        }
        guard
    }

    /// The judgement of a request with these headers.
    fn judged(guard: &Guard, method: &Method, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        guard.judge(method, &Uri::from_static("/"), &map)
    }

    #[test]
    fn only_the_names_of_the_page_are_answered() {
        for (host, answered) in [
            ("localhost:7440", true),
            ("LOCALHOST:7440", true),
            ("127.0.0.1:7440", true),
            ("[::1]:7440", true),
            ("agent7.example:7440", true),
            ("localhost", false),
            ("localhost:80", false),
            ("127.0.0.1.evil.example:7440", false),
            ("localhost.:7440", false),
            ("127.1:7440", false),
            ("evil.example:7440", false),
            ("", false),
        ] {
            let judged = judged(&guard(None), &Method::GET, &[("host", host)]);

            assert_eq!(judged.is_ok(), answered, "{host}");
        }
    }

    #[test]
    fn a_request_with_no_host_or_two_is_refused() {
        let two = [("host", "localhost:7440"), ("host", "localhost:7440")];

        assert_eq!(judged(&guard(None), &Method::GET, &[]), Err(Refusal::Host));
        assert_eq!(judged(&guard(None), &Method::GET, &two), Err(Refusal::Host));
    }

    #[test]
    fn an_address_in_the_request_line_counts_as_well() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:7440"));
        let elsewhere = Uri::from_static("http://evil.example:7440/");

        let judged = guard(None).judge(&Method::GET, &elsewhere, &headers);

        assert_eq!(judged, Err(Refusal::Host));
    }

    #[test]
    fn nothing_but_reading_is_taken() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let judged = judged(&guard(None), &method, &[("host", "localhost:7440")]);

            assert_eq!(judged, Err(Refusal::Method));
        }
    }

    #[test]
    fn where_there_is_a_password_everybody_has_to_know_it() {
        let guard = guard(Some("open sesame\r\n"));
        let with = |password: &str| {
            let word = format!("Basic {}", STANDARD.encode(format!("kado:{password}")));
            let headers = [("host", "localhost:7440"), ("authorization", &*word)];
            judged(&guard, &Method::GET, &headers)
        };

        assert_eq!(with("open sesame"), Ok(()));
        for wrong in ["", "open", "open sesame\r\n", "kado:open sesame"] {
            assert_eq!(with(wrong), Err(Refusal::Password), "{wrong:?}");
        }
        let without = judged(&guard, &Method::GET, &[("host", "localhost:7440")]);
        assert_eq!(without, Err(Refusal::Password));
    }

    /// What is asked of the page by its own script: host, origin, kind and token.
    const RIGHT: [(&str, &str); 4] = [
        ("host", "localhost:7440"),
        ("origin", "http://localhost:7440"),
        ("content-type", "application/json"),
        ("x-kado-token", "t0ken"),
    ];

    fn guard_with_buttons() -> Guard {
        Guard {
            token: Some(SecretString::from("t0ken")),
            ..guard(None)
        }
    }

    /// The judgement of the right request with another value in place of one of its headers.
    fn judged_with(name: &str, value: &str) -> Result<(), Refusal> {
        let headers = RIGHT.map(|right| {
            if right.0 == name {
                (name, value)
            } else {
                right
            }
        });
        judged(&guard_with_buttons(), &Method::POST, &headers)
    }

    #[test]
    fn a_change_is_taken_from_the_page_itself_with_its_token() {
        assert_eq!(judged(&guard_with_buttons(), &Method::POST, &RIGHT), Ok(()));
        assert_eq!(judged_with("origin", "http://agent7.example:7440"), Ok(()));
        assert_eq!(
            judged_with("content-type", "application/json; charset=utf-8"),
            Ok(())
        );
    }

    #[test]
    fn a_change_from_another_origin_is_refused() {
        for origin in [
            "",
            "null",
            "http://localhost",
            "http://localhost:80",
            "https://localhost:7440",
            "http://evil.example:7440",
            "http://localhost:7440.evil.example",
            "http://localhost:7440/",
        ] {
            assert_eq!(
                judged_with("origin", origin),
                Err(Refusal::Origin),
                "{origin}"
            );
        }

        let without = [RIGHT[0], RIGHT[2], RIGHT[3]];
        assert_eq!(
            judged(&guard_with_buttons(), &Method::POST, &without),
            Err(Refusal::Origin)
        );
    }

    #[test]
    fn a_change_of_a_kind_that_forms_can_send_is_refused() {
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
        ] {
            assert_eq!(
                judged_with("content-type", kind),
                Err(Refusal::Kind),
                "{kind}"
            );
        }
    }

    #[test]
    fn a_change_without_the_token_is_refused() {
        for token in ["", "t0ke", "t0kenn", "T0KEN"] {
            assert_eq!(
                judged_with("x-kado-token", token),
                Err(Refusal::Token),
                "{token}"
            );
        }
        let two = [RIGHT[0], RIGHT[1], RIGHT[2], RIGHT[3], RIGHT[3]];
        assert_eq!(
            judged(&guard_with_buttons(), &Method::POST, &two),
            Err(Refusal::Token)
        );
    }

    #[test]
    fn no_other_method_changes_anything_even_with_the_token() {
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let judged = judged(&guard_with_buttons(), &method, &RIGHT);

            assert_eq!(judged, Err(Refusal::Method));
        }
    }

    #[test]
    fn where_there_is_a_password_a_change_needs_it_as_well() {
        let guard = Guard {
            token: Some(SecretString::from("t0ken")),
            ..guard(Some("open sesame"))
        };

        let judged = judged(&guard, &Method::POST, &RIGHT);

        assert_eq!(judged, Err(Refusal::Password));
    }
}
