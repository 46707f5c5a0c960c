//! The log of requests.

use serde::Serialize;

/// A request that reached the server.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedRequest {
    /// Its number in the order of arrival, from 0.
    pub order: usize,
    /// Its method.
    pub method: String,
    /// The host of a whole URL, as a proxy gets it; empty for a request to the fake itself.
    pub host: String,
    /// The path after the base, such as `/Shop/_apis/test/runs`, still percent-encoded.
    pub path: String,
    /// The query without `?`, still percent-encoded; empty when there is none.
    pub query: String,
    /// The status of the answer; 0 while there is none, and when there never was one.
    pub status: u16,
    /// The size of its body, 0 when it was not read.
    pub body_size: u64,
    /// The API version it asked for.
    pub api_version: Option<String>,
    /// `Authorization` as it was sent; only for those who hold the fake, never served.
    #[serde(skip)]
    pub authorization: Option<String>,
    /// Whether it carried accepted credentials.
    pub authorized: bool,
    /// The scheme of its credentials: `Basic` or `Bearer`.
    pub scheme: Option<&'static str>,
    /// Whether it asked for a plain refusal in place of a sign-in page.
    pub suppresses_sign_in: bool,
    /// Whether it came through a proxy that wants credentials, with these: `user:password`.
    pub proxy_user: Option<String>,
    /// Milliseconds from the server's start to its arrival.
    pub at_ms: u64,
    /// Milliseconds from its arrival to its answer.
    pub took_ms: u64,
}

/// The log with what is being worked on.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) violations: Vec<String>,
    pub(crate) in_flight: usize,
    pub(crate) peak: usize,
}

impl RequestLog {
    pub(crate) fn begin(&mut self, mut request: RecordedRequest) -> usize {
        let order = self.requests.len();
        request.order = order;
        self.requests.push(request);
        self.in_flight += 1;
        self.peak = self.peak.max(self.in_flight);

        order
    }

    pub(crate) fn end(&mut self, order: usize, status: u16, at_ms: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(request) = self.requests.get_mut(order) {
            request.status = status;
            request.took_ms = at_ms.saturating_sub(request.at_ms);
        }
    }
}
