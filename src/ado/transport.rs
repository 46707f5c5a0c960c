//! One HTTP client for one server and token: connections are reused, HTTP/2 is taken where it is offered, every call
//! has a time-out that fits its size, and no redirect is followed.

#![expect(clippy::disallowed_methods, reason = "pauses that the server asks for are measured with the monotonic clock")]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::ado::classify::{Head, Verdict, classify, without_mark};
use crate::ado::credential::Credential;
use crate::ado::error::AdoError;
use crate::ado::pace::Budget;
use crate::ado::slots::{Gate, Lane};
use crate::ado::version::{self, Call};
use crate::clock;
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::server::Server;

/// Longest time to set up a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time for a call without a file: ADO itself delays calls by up to 30 s when it is busy.
const CALL: Duration = Duration::from_secs(100);
/// How long an idle connection is kept; routers forget them sooner than servers do.
const IDLE: Duration = Duration::from_secs(20);
/// Longest pause that is waited for in place; a longer one sends the submission back to the queue.
const PAUSE: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const ANSWER: usize = 64 * 1024 * 1024;
/// How long a refused token is not tried again.
const REFUSED: Duration = Duration::from_secs(55);

/// How a server is spoken to.
#[derive(Clone)]
pub struct Settings {
    /// The server.
    pub server: Server,
    /// How requests identify themselves; it is sent to this server only.
    pub credential: Credential,
    /// `azure.api_version`.
    pub api_version: Option<String>,
    /// Certificates to trust besides the system's, as PEM.
    pub ca: Option<Vec<u8>>,
    /// `azure.proxy`.
    pub proxy: Option<String>,
    /// `azure.allow_http`.
    pub allow_http: bool,
    /// Longest time for a call without a file, when it is to be shorter than usual.
    pub patience: Option<Duration>,
    /// Where requests of all servers of this process wait for their turn.
    pub gate: Gate,
}

/// What a request does, as far as sending it depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
    /// It carries a file.
    Upload,
    /// It changes nothing, and nothing else depends on it: a token that may not do this may still do all the rest.
    ReadAside,
}

impl Kind {
    const fn writes(self) -> bool {
        !matches!(self, Self::Read | Self::ReadAside)
    }

    /// Whether a refusal says that the token is no good for anything.
    const fn speaks_for_token(self) -> bool {
        !matches!(self, Self::ReadAside)
    }
}

/// A client for one server and token.
pub struct AdoClient {
    http: reqwest::Client,
    server: Server,
    version: Mutex<String>,
    version_is_configured: bool,
    patience: Duration,
    lane: Lane,
    /// No call leaves before this time, because the server asked for a pause.
    pause: Mutex<Option<Instant>>,
    /// Why and when the token was refused.
    refused: Mutex<Option<(String, Instant)>>,
}

impl AdoClient {
    /// Builds the client; nothing is sent yet.
    ///
    /// # Errors
    /// When the token would travel unencrypted without permission, or when certificates or proxy cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, AdoError> {
        let server = settings.server.clone();
        if server.is_exposed() && !settings.allow_http {
            return Err(AdoError::Configuration(format!(
                "the token would travel unencrypted to {}; use https, or allow it with `azure.allow_http = true`",
                server.base()
            )));
        }
        let http = build(settings)?;
        let version = settings.api_version.clone().unwrap_or_else(|| version::DEFAULT.to_owned());
        Ok(Self {
            http,
            server,
            version: Mutex::new(version),
            version_is_configured: settings.api_version.is_some(),
            patience: settings.patience.unwrap_or(CALL).min(CALL),
            lane: settings.gate.lane(),
            pause: Mutex::new(None),
            refused: Mutex::new(None),
        })
    }

    /// The server that this client speaks to.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A request below the server's base, or the release area's; `path` segments are encoded.
    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> RequestBuilder {
        let base = if call == Call::Release { self.server.release_base() } else { self.server.base().to_owned() };
        let mut url = Url::parse(&base).expect("the base of a server is a URL");
        url.path_segments_mut().expect("http URLs have segments").pop_if_empty().extend(path);
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("api-version", &version::api_version(call, &self.version()));
        self.http.request(method, url).timeout(self.patience)
    }

    /// Reads with GET.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Page<T>, AdoError> {
        loop {
            let spoken = self.version();
            let page = self.send(self.request(Method::GET, path, call, query), Kind::Read).await;
            match page {
                Err(AdoError::Rejected { status: 400, message }) if self.steps_down(&spoken, &message) => {}
                page => return page,
            }
        }
    }

    /// Reads with GET something that nothing else depends on.
    pub(super) async fn get_aside<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<T, AdoError> {
        Ok(self.send(self.request(Method::GET, path, call, query), Kind::ReadAside).await?.content)
    }

    /// The version that this server is spoken to with.
    fn version(&self) -> String {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Speaks an older version from now on, when the server does not know this one and none is configured. Every
    /// submission begins with reading, so a version is found before anything is written.
    fn steps_down(&self, spoken: &str, message: &str) -> bool {
        let older = version::older(spoken).filter(|_| !self.version_is_configured && version::is_unknown(message));
        if let Some(older) = older {
            tracing::info!(server = self.server.base(), version = older, "the server speaks an older api-version");
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = older.to_owned();
        }
        older.is_some()
    }

    /// Sends a JSON body.
    pub(super) async fn put_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &(impl Serialize + Sync),
        kind: Kind,
    ) -> Result<T, AdoError> {
        let request = self.request(method, path, Call::Released, &[]).json(body);
        Ok(self.send(request, kind).await?.content)
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        kind: Kind,
    ) -> Result<Page<T>, AdoError> {
        let _slot = self.lane.take(kind == Kind::Upload).await;
        self.not_refused()?;
        self.keep_pause().await?;
        let page = self.exchange(request, kind).await;
        match &page {
            Ok(_) => self.lane.went_well(),
            Err(AdoError::Unavailable { .. }) => self.lane.went_badly(),
            Err(_) => {}
        }
        page
    }

    async fn exchange<T: DeserializeOwned>(&self, request: RequestBuilder, kind: Kind) -> Result<Page<T>, AdoError> {
        let writes = kind.writes();
        let mut response = request.send().await.map_err(|error| unreachable(&self.server, &error, writes))?;
        let budget = budget(response.headers());
        self.note_pause(budget.pause());
        let body = read(&mut response).await.map_err(|error| match error {
            // What was answered before the connection broke does not matter to a call that only reads.
            AdoError::Unavailable { message, wait, .. } => AdoError::Unavailable { message, wait, unclear: writes },
            other => other,
        })?;
        self.judge(&response, &body, kind, budget.retry_after)?;
        let next = header(response.headers(), "x-ms-continuationtoken").map(str::to_owned);
        let content =
            decode(&body).map_err(|message| AdoError::Unavailable { message, wait: None, unclear: writes })?;
        Ok(Page { content, next })
    }

    fn judge(
        &self,
        response: &Response,
        body: &[u8],
        kind: Kind,
        retry_after: Option<Duration>,
    ) -> Result<(), AdoError> {
        let headers = response.headers();
        let service_error = header(headers, "x-tfs-serviceerror").map(percent_decoded);
        let status = response.status().as_u16();
        let verdict = classify(&Head {
            status,
            writes: kind.writes(),
            content_type: header(headers, CONTENT_TYPE.as_str()),
            retry_after,
            service_error: service_error.as_deref(),
            body,
        });
        if verdict != Verdict::Done {
            let activity = header(headers, "x-vss-e2eid").or_else(|| header(headers, "activityid"));
            tracing::debug!(status, url = response.url().path(), activity, "azure devops did not accept a request");
        }
        self.error_of(verdict, status, kind)
    }

    fn error_of(&self, verdict: Verdict, status: u16, kind: Kind) -> Result<(), AdoError> {
        let server = || self.server.base().to_owned();
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::Busy(wait, message) => Err(AdoError::Unavailable { message, wait, unclear: false }),
            Verdict::Unclear(wait, message) => Err(AdoError::Unavailable { message, wait, unclear: true }),
            Verdict::Rejected(message) => Err(AdoError::Rejected { status, message }),
            Verdict::Gone(message) => Err(AdoError::Gone(message)),
            Verdict::Forbidden(message) => {
                Err(AdoError::CredentialsRefused { server: server(), message, repeated: false })
            }
            Verdict::CredentialsRefused(message) => {
                if kind.speaks_for_token() {
                    let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                    *refused = Some((message.clone(), Instant::now()));
                }
                Err(AdoError::CredentialsRefused { server: server(), message, repeated: false })
            }
        }
    }

    /// A token that was refused is tried again only after a while; another token has another client.
    fn not_refused(&self) -> Result<(), AdoError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.as_ref().filter(|(_, at)| at.elapsed() < REFUSED) {
            Some((message, _)) => Err(AdoError::CredentialsRefused {
                server: self.server.base().to_owned(),
                message: message.clone(),
                repeated: true,
            }),
            None => Ok(()),
        }
    }

    async fn keep_pause(&self) -> Result<(), AdoError> {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = until else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left > PAUSE {
            let message = format!("Azure DevOps asked for a pause of {} more seconds", left.as_secs());
            return Err(AdoError::Unavailable { message, wait: Some(left), unclear: false });
        }
        tokio::time::sleep(left).await;
        Ok(())
    }

    /// What the server asks for counts on any status, also when the request worked.
    fn note_pause(&self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            let until = Instant::now() + wait;
            *pause = Some(pause.map_or(until, |before| before.max(until)));
        }
    }
}

fn build(settings: &Settings) -> Result<reqwest::Client, AdoError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("kado/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(&settings.credential)?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE);
    if let Some(ca) = &settings.ca {
        let certificates = reqwest::Certificate::from_pem_bundle(ca)
            .map_err(|error| AdoError::Configuration(format!("`azure.ca_file` holds no certificates: {error}")))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|error| AdoError::Configuration(format!("`azure.proxy` cannot be used: {error}")))?;
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.1,::1")));
    }
    builder.build().map_err(|error| {
        // Certificates and the proxy are all of the configuration that a builder can stumble over.
        let about = if settings.ca.is_some() { "; look at the certificates in `azure.ca_file`" } else { "" };
        let server = settings.server.base();
        AdoError::Configuration(format!("the connection to {server} cannot be set up: {}{about}", chain(&error)))
    })
}

/// An answer with the token of the next page.
pub struct Page<T> {
    /// What it says.
    pub content: T,
    /// `x-ms-continuationtoken`.
    pub next: Option<String>,
}

fn headers(credential: &Credential) -> Result<HeaderMap, AdoError> {
    let authorization = credential.authorization()?;
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (ACCEPT, HeaderValue::from_static("application/json")),
        // Turns a redirect to the sign-in page into a plain refusal.
        (HeaderName::from_static("x-tfs-fedauthredirect"), HeaderValue::from_static("Suppress")),
        (HeaderName::from_static("x-vss-forcemsapassthrough"), HeaderValue::from_static("true")),
    ]))
}

async fn read(response: &mut Response) -> Result<Vec<u8>, AdoError> {
    let mut body = Vec::new();
    loop {
        let chunk = response
            .chunk()
            .await
            .map_err(|error| AdoError::not_sent(format!("the answer broke off: {}", chain(&error))))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > ANSWER {
            return Err(AdoError::not_sent(format!("an answer is larger than {ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = without_mark(body);
    // Some answers have no content at all; they read as `null`.
    let body = if body.is_empty() { b"null" } else { body };
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("an answer of Azure DevOps cannot be read: {error}"))
}

fn unreachable(server: &Server, error: &reqwest::Error, writes: bool) -> AdoError {
    let server = server.base();
    let message = match error {
        error if error.is_connect() => format!("{server} cannot be reached: {}", chain(error)),
        error if error.is_timeout() => format!("{server} did not answer in time"),
        error => format!("the connection to {server} broke: {}", chain(error)),
    };
    AdoError::Unavailable { message, wait: None, unclear: writes && !error.is_connect() }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn budget(headers: &HeaderMap) -> Budget {
    let number = |name| header(headers, name).and_then(|text| text.trim().parse::<f64>().ok());
    let seconds = |name| number(name).filter(|seconds| (0.0..1e9).contains(seconds)).map(Duration::from_secs_f64);
    let reset = number("x-ratelimit-reset").map(|seconds| Moment::from_millis((seconds * 1000.0) as i64));
    Budget {
        retry_after: seconds("retry-after"),
        limit: number("x-ratelimit-limit"),
        remaining: number("x-ratelimit-remaining"),
        reset: reset.map(|reset| reset.since(clock::now())),
    }
}

fn percent_decoded(text: &str) -> String {
    // The form decoder of the url crate would turn `+` into a blank; the header has none.
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
