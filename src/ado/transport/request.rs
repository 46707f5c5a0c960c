//! Builds requests: where they go, and what each of them carries.

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use url::Url;

use crate::ado::transport::{AdoClient, project_in};
use crate::ado::version::{self, Call};

/// How much depends on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ado) enum Importance {
    /// Nothing works without it: where its token is refused, the token is no good for anything.
    Essential,
    /// Nothing else depends on it: a token that may not do this may still do all the rest.
    Optional,
}

impl AdoClient {
    /// A request below the server's base, or the release area's; `path` segments are encoded. A
    /// project in it that was renamed is asked for by its GUID.
    pub(in crate::ado) fn request(
        &self,
        method: Method,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> RequestBuilder {
        // The release area has a host of its own at Services.
        let base = if call == Call::Release {
            self.server.release_base()
        } else {
            self.server.base().to_owned()
        };
        let mut url = Url::parse(&base).expect("the base of a server is a URL");

        let project = project_in(path).map(|project| self.address_of(project));
        let segments = path.iter().map(|segment| match &project {
            Some(address) if project_in(path) == Some(segment) => address.as_str(),
            _ => segment,
        });

        // Names of projects hold blanks and other signs, so each segment is encoded.
        url.path_segments_mut()
            .expect("http URLs have segments")
            .pop_if_empty()
            .extend(segments);
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("api-version", &version::api_version(call, &self.version()));

        self.http.client.request(method, url).timeout(self.patience)
    }
}

/// What every request carries.
pub(super) fn default_headers(suppress_sign_in: bool) -> HeaderMap {
    // Microsoft's own clients send both of these (`ado/api.md` §2).
    let mut headers = HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (
            HeaderName::from_static("x-vss-forcemsapassthrough"),
            HeaderValue::from_static("true"),
        ),
    ]);

    if suppress_sign_in {
        // Turns a redirect to the sign-in page into a plain refusal.
        headers.insert(
            "x-tfs-fedauthredirect",
            HeaderValue::from_static("Suppress"),
        );
    }
    headers
}
