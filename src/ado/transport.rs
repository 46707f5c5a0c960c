//! One HTTP client for one server and token: connections are reused, HTTP/2 is taken where it is
//! offered, every call has a time-out that fits its size, and no redirect is followed.

#![expect(
    clippy::disallowed_methods,
    reason = "pauses that the server asks for are measured with the monotonic clock"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::Instant;
use url::Url;

use crate::ado::classify::{Head, Verdict, classify, without_mark};
use crate::ado::credential::Credential;
use crate::ado::error::AdoError;
use crate::ado::gone::{self, Missing};
use crate::ado::headers::{self, budget, date, header};
use crate::ado::http::{self, Caller, Network};
use crate::ado::known_keys::KnownKeys;
use crate::ado::refused::Refused;
use crate::ado::slots::{Gate, Lane};
use crate::ado::version::{self, Call};
use crate::clock;
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::server::Server;

/// Longest time for a call without a file: ADO itself delays calls by up to 30 s when it is busy.
const CALL: Duration = Duration::from_secs(100);
/// Longest pause that is waited for in place; a longer one sends the submission back to the queue.
const PAUSE: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const ANSWER: usize = 64 * 1024 * 1024;

/// How a server is spoken to.
#[derive(Clone)]
pub struct Settings {
    /// The server.
    pub server: Server,
    /// How requests identify themselves; it is sent to this server only.
    pub credential: Credential,
    /// `azure.api_version`.
    pub api_version: Option<String>,
    /// How the network is used.
    pub network: Network,
    /// Whether servers are asked not to answer with a sign-in page; `None` leaves it to the
    /// credential.
    pub suppress_sign_in: Option<bool>,
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
    /// It changes nothing, and nothing else depends on it: a token that may not do this may still
    /// do all the rest.
    ReadAside,
    /// It may change something, and nothing else depends on it.
    WriteAside,
}

impl Kind {
    const fn writes(self) -> bool {
        !matches!(self, Self::Read | Self::ReadAside)
    }

    /// Whether a refusal says that the token is no good for anything.
    const fn speaks_for_token(self) -> bool {
        !matches!(self, Self::ReadAside | Self::WriteAside)
    }
}

/// A client for one server and token.
pub struct AdoClient {
    http: Caller,
    server: Server,
    credential: Credential,
    version: Mutex<String>,
    version_is_configured: bool,
    /// Whether a call in this version has worked.
    proven: AtomicBool,
    patience: Duration,
    lane: Lane,
    /// No call leaves before this time, because the server asked for a pause.
    pause: Mutex<Option<Instant>>,
    /// Whether the token was refused a while ago.
    refused: Refused,
    /// By how much this machine's clock was ahead of the server's at the last answer, in
    /// milliseconds.
    ahead: Mutex<Option<i64>>,
    known_keys: KnownKeys,
}

/// A call that did not succeed.
struct Failed {
    error: AdoError,
    /// Whether the token itself was refused, so that another one may do.
    token: bool,
}

impl From<AdoError> for Failed {
    fn from(error: AdoError) -> Self {
        Self {
            error,
            token: false,
        }
    }
}

impl AdoClient {
    /// Builds the client; nothing is sent yet.
    ///
    /// # Errors
    /// When the token would travel unencrypted without permission, or when certificates or proxy
    /// cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, AdoError> {
        let server = settings.server.clone();
        if server.is_exposed() && !settings.allow_http {
            return Err(AdoError::Configuration(format!(
                "the token would travel unencrypted to {}; use https, or allow it with `azure.allow_http = true`",
                server.base()
            )));
        }
        let suppress = settings
            .suppress_sign_in
            .unwrap_or_else(|| settings.credential.suppresses_sign_in());
        let http = http::client(&settings.network, headers(suppress))?;
        let version = settings
            .api_version
            .clone()
            .unwrap_or_else(|| version::DEFAULT.to_owned());
        Ok(Self {
            http,
            server,
            credential: settings.credential.clone(),
            version: Mutex::new(version),
            version_is_configured: settings.api_version.is_some(),
            proven: AtomicBool::new(false),
            patience: settings.patience.unwrap_or(CALL).min(CALL),
            lane: settings.gate.lane(),
            pause: Mutex::new(None),
            refused: Refused::default(),
            ahead: Mutex::new(None),
            known_keys: KnownKeys::default(),
        })
    }

    /// Whether another client may reach the server where this one does not: a certificate was not
    /// accepted, and its authority may be known by now.
    pub fn is_outdated(&self) -> bool {
        self.http.distrusts() || self.credential.is_outdated()
    }

    /// The server that this client speaks to.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How requests identify themselves.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// By how many milliseconds this machine's clock was ahead of the server's at the last answer
    /// that told the time; negative when it is behind. Servers tell it in whole seconds.
    pub fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a call may take, where that is shorter than usual because somebody waits.
    pub(super) fn patience(&self) -> Option<Duration> {
        Some(self.patience).filter(|patience| *patience < CALL)
    }

    /// The time now, as far as known by the server's clock.
    pub fn server_time(&self) -> Moment {
        self.on_server(clock::now())
    }

    /// A time of this machine, as the server would have told it.
    pub fn on_server(&self, time: Moment) -> Moment {
        Moment::from_millis(
            time.millis()
                .saturating_sub(self.clock_ahead().unwrap_or(0)),
        )
    }

    /// What is remembered of runs whose comment the server's lists leave out.
    pub(super) fn known_keys(&self) -> &KnownKeys {
        &self.known_keys
    }

    /// A request below the server's base, or the release area's; `path` segments are encoded.
    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> RequestBuilder {
        let base = if call == Call::Release {
            self.server.release_base()
        } else {
            self.server.base().to_owned()
        };
        let mut url = Url::parse(&base).expect("the base of a server is a URL");
        url.path_segments_mut()
            .expect("http URLs have segments")
            .pop_if_empty()
            .extend(path);
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("api-version", &version::api_version(call, &self.version()));
        self.http.client.request(method, url).timeout(self.patience)
    }

    /// Reads with GET.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Page<T>, AdoError> {
        self.get_or(path, call, query, |message| message).await
    }

    /// Reads with GET; `gone` says what is not there when server and project are, and gets what the
    /// server said.
    pub(super) async fn get_or<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
        gone: impl FnOnce(String) -> String,
    ) -> Result<Page<T>, AdoError> {
        self.in_its_version(path, call, query)
            .await
            .map_err(|error| self.explained(path, error, gone))
    }

    /// Reads with GET in a version that the server knows.
    async fn in_its_version<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Page<T>, AdoError> {
        let mut asked = false;
        loop {
            let spoken = self.version();
            let page = self
                .send(self.request(Method::GET, path, call, query), Kind::Read)
                .await;
            match page {
                Err(AdoError::Rejected {
                    status: 400,
                    message,
                }) if self.steps_down(&spoken, &message) => {}
                Err(AdoError::Rejected {
                    status: 400,
                    message,
                }) if version::is_unknown(&message) => {
                    let message = message.trim_end_matches('.');
                    let message = format!(
                        "{message}; {}",
                        version::way_out(self.version_is_configured)
                    );
                    return Err(AdoError::Rejected {
                        status: 400,
                        message,
                    });
                }
                // Some routes do not say that the version is too new; the one that everybody has
                // does.
                Err(error)
                    if !asked && call != Call::ConnectionData && self.may_be_too_new(&error) =>
                {
                    asked = true;
                    let told: Result<Page<IgnoredAny>, _> = Box::pin(self.in_its_version(
                        &["_apis", "connectionData"],
                        Call::ConnectionData,
                        &[],
                    ))
                    .await;
                    if told.is_err() || self.version() == spoken {
                        return Err(error);
                    }
                }
                page => {
                    self.proven.fetch_or(page.is_ok(), Ordering::Relaxed);
                    return page;
                }
            }
        }
    }

    /// Whether an error may come of a version that the server does not know, as long as none has
    /// worked yet: old servers answer some routes with 404 or an internal error then (`ado/api.md`
    /// §1).
    fn may_be_too_new(&self, error: &AdoError) -> bool {
        let looks_so = match error {
            AdoError::Gone(message) => message.contains("controller for path"),
            AdoError::Unavailable { message, .. } => message.contains("TF400898"),
            _ => false,
        };
        looks_so && !self.version_is_configured && !self.is_proven()
    }

    /// Whether a call that reads has worked.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Reads with GET something that nothing else depends on.
    pub(super) async fn get_aside<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<T, AdoError> {
        Ok(self
            .send(
                self.request(Method::GET, path, call, query),
                Kind::ReadAside,
            )
            .await?
            .content)
    }

    /// Whether the server takes tags for runs: from version 6.0 on, that is Azure DevOps Server
    /// 2020 (`ado/api.md` §1).
    pub fn takes_tags(&self) -> bool {
        !self.version().starts_with("5.")
    }

    /// Whether the server knows the place in a pipeline that a run belongs to: not Server 2019
    /// (`ado/api.md` §1).
    pub fn knows_pipelines(&self) -> bool {
        !self.version().starts_with("5.")
    }

    /// The version that this server is spoken to with; found out by the first call that reads.
    pub fn version(&self) -> String {
        self.version
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the server is older than 2020; known after the first call that read.
    pub fn is_before_2020(&self) -> bool {
        version::is_before_2020(&self.version())
    }

    /// Speaks an older version from now on, when the server does not know this one and none is
    /// configured. Every submission begins with reading, so a version is found before anything is
    /// written.
    fn steps_down(&self, spoken: &str, message: &str) -> bool {
        let older = version::older(spoken)
            .filter(|_| !self.version_is_configured && version::is_unknown(message));
        if let Some(older) = older {
            tracing::info!(
                server = self.server.base(),
                version = older,
                "the server speaks an older api-version"
            );
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
        let page = self.send(request, kind).await;
        Ok(page
            .map_err(|error| self.explained(path, error, |message| message))?
            .content)
    }

    /// The error of a call to `path`: where an answer says that something was not found, with what
    /// that is and the way out. `thing` says so of what the call itself asks for.
    pub(super) fn explained(
        &self,
        path: &[&str],
        error: AdoError,
        thing: impl FnOnce(String) -> String,
    ) -> AdoError {
        let AdoError::Gone(message) = error else {
            return error;
        };
        let project = match path {
            ["_apis", "projects", project] | [project, "_apis", ..] => Some(project),
            _ => None,
        };
        AdoError::Gone(match (gone::missing(&message, self.is_proven()), project) {
            (Missing::Interface, _) => gone::no_interface(self.server(), &message),
            (Missing::Project, Some(project)) => gone::no_project(self.server(), project),
            (Missing::Project, None) | (Missing::Thing, _) => thing(message),
        })
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
            Err(Failed {
                error: AdoError::Unavailable { .. },
                ..
            }) => self.lane.went_badly(),
            Err(failed) if failed.token && kind.speaks_for_token() => {
                self.note_refused(&failed.error);
            }
            Err(_) => {}
        }
        page.map_err(|failed| failed.error)
    }

    /// One request, and once more with another token where the first is refused and there is
    /// another.
    async fn exchange<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        kind: Kind,
    ) -> Result<Page<T>, Failed> {
        let renewable = matches!(self.credential, Credential::Entra(_));
        let again = if renewable { request.try_clone() } else { None };
        let issued = |error| Failed {
            token: matches!(error, AdoError::CredentialsRefused { .. }),
            error,
        };
        let authorization = self.credential.authorization().await.map_err(issued)?;
        let page = self
            .once(
                request.header(AUTHORIZATION, authorization.header.clone()),
                kind,
            )
            .await;
        let refused = matches!(&page, Err(failed) if failed.token);
        if !refused
            || !self
                .credential
                .renew(&authorization)
                .await
                .map_err(issued)?
        {
            return page;
        }
        tracing::info!(
            server = self.server.base(),
            "the token was refused and is renewed"
        );
        let Some(again) = again else {
            return Err(AdoError::not_sent(
                "the token was refused and renewed; the file is sent again",
            )
            .into());
        };
        let authorization = self.credential.authorization().await.map_err(issued)?;
        self.once(again.header(AUTHORIZATION, authorization.header), kind)
            .await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        kind: Kind,
    ) -> Result<Page<T>, Failed> {
        let writes = kind.writes();
        let mut response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error, writes))?;
        let budget = budget(response.headers());
        self.note_pause(budget.pause());
        self.note_time(response.headers());
        let body = read(&mut response).await.map_err(|error| match error {
            // What was answered before the connection broke does not matter to a call that only
            // reads.
            AdoError::Unavailable { message, wait, .. } => AdoError::Unavailable {
                message,
                wait,
                unclear: writes,
            },
            other => other,
        })?;
        self.judge(&response, &body, kind, budget.retry_after)?;
        let next = header(response.headers(), "x-ms-continuationtoken").map(str::to_owned);
        let content = decode(&body).map_err(|message| AdoError::Unavailable {
            message,
            wait: None,
            unclear: writes,
        })?;
        Ok(Page { content, next })
    }

    fn unreachable(&self, error: &reqwest::Error, writes: bool) -> AdoError {
        let server = self.server.base();
        let message = match error {
            error if error.is_connect() => {
                format!("{server} cannot be reached{}", self.http.why(error))
            }
            error if error.is_timeout() => format!(
                "{server} did not answer in time{}",
                self.http.through(error)
            ),
            error => format!("the connection to {server} broke: {}", chain(error)),
        };
        AdoError::Unavailable {
            message,
            wait: None,
            unclear: writes && !error.is_connect(),
        }
    }

    fn judge(
        &self,
        response: &Response,
        body: &[u8],
        kind: Kind,
        retry_after: Option<Duration>,
    ) -> Result<(), Failed> {
        let headers = response.headers();
        let service_error = header(headers, "x-tfs-serviceerror").map(percent_decoded);
        let status = response.status().as_u16();
        if let Some(target) =
            headers::secure(response.url(), headers).filter(|_| response.status().is_redirection())
        {
            return Err(AdoError::Configuration(gone::wants_https(&self.server, &target)).into());
        }
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
            tracing::debug!(
                status,
                url = response.url().path(),
                activity,
                "azure devops did not accept a request"
            );
        }
        self.error_of(verdict, status)
    }

    fn error_of(&self, verdict: Verdict, status: u16) -> Result<(), Failed> {
        let server = || self.server.base().to_owned();
        let refused = |message| AdoError::CredentialsRefused {
            server: server(),
            message,
            repeated: false,
        };
        Err(match verdict {
            Verdict::Done => return Ok(()),
            Verdict::Busy(wait, message) => AdoError::Unavailable {
                message,
                wait,
                unclear: false,
            }
            .into(),
            Verdict::Unclear(wait, message) => AdoError::Unavailable {
                message,
                wait,
                unclear: true,
            }
            .into(),
            Verdict::Rejected(message)
                if self.version_is_configured && version::is_unknown(&message) =>
            {
                let message = format!(
                    "{message} Leave `azure.api_version` out of kado.toml, or set it to that"
                );
                AdoError::Rejected { status, message }.into()
            }
            Verdict::Rejected(message) => AdoError::Rejected { status, message }.into(),
            Verdict::Gone(message) => AdoError::Gone(message).into(),
            Verdict::Forbidden(message) => refused(message).into(),
            Verdict::CredentialsRefused(message) => Failed {
                error: refused(self.in_words_of_kind(message)),
                token: true,
            },
        })
    }

    /// A refusal with what mends it: hints about personal access tokens do not help an identity.
    fn in_words_of_kind(&self, message: String) -> String {
        if !matches!(self.credential, Credential::Entra(_)) {
            return message;
        }
        let said = message.split(';').next().unwrap_or_default();
        if self.server.is_services() {
            format!(
                "{said}; is the identity among the users of the organization, with a licence? `azure.suppress_sign_in` has \
                 to be off in tenants with Conditional Access"
            )
        } else {
            format!(
                "{said}; identities of Entra are for Azure DevOps Services: Azure DevOps Server wants a token"
            )
        }
    }

    fn note_refused(&self, error: &AdoError) {
        if let AdoError::CredentialsRefused { message, .. } = error {
            self.refused.note(message.clone(), Instant::now());
        }
    }

    /// Tries the token again although it was refused a moment ago: a call may need a scope that it
    /// lacks while others do not. For `kado check`, which asks each thing once.
    pub fn forget_refusal(&self) {
        self.refused.forget();
    }

    /// Whether the token was refused a moment ago, for everything and not just for one call.
    pub fn token_is_refused(&self) -> bool {
        self.refused.counts(Instant::now()).is_some()
    }

    /// As [`AdoClient::forget_refusal`], unless the token was refused this very moment.
    pub fn forget_old_refusal(&self) {
        self.refused.forget_old(Instant::now());
    }

    /// A token that was refused is tried again only after a while; another token has another
    /// client.
    fn not_refused(&self) -> Result<(), AdoError> {
        match self.refused.counts(Instant::now()) {
            Some(message) => Err(AdoError::CredentialsRefused {
                server: self.server.base().to_owned(),
                message,
                repeated: true,
            }),
            None => Ok(()),
        }
    }

    fn note_time(&self, headers: &HeaderMap) {
        if let Some(date) = date(headers, "date") {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(clock::now().millis() - date);
        }
    }

    async fn keep_pause(&self) -> Result<(), AdoError> {
        let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = until else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left > PAUSE {
            let message = format!(
                "Azure DevOps asked for a pause of {} more seconds",
                left.as_secs()
            );
            return Err(AdoError::Unavailable {
                message,
                wait: Some(left),
                unclear: false,
            });
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

/// An answer with the token of the next page.
pub struct Page<T> {
    /// What it says.
    pub content: T,
    /// `x-ms-continuationtoken`.
    pub next: Option<String>,
}

fn headers(suppress_sign_in: bool) -> HeaderMap {
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

async fn read(response: &mut Response) -> Result<Vec<u8>, AdoError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            AdoError::not_sent(format!("the answer broke off: {}", chain(&error)))
        })?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > ANSWER {
            return Err(AdoError::not_sent(format!(
                "an answer is larger than {ANSWER} bytes"
            )));
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

fn percent_decoded(text: &str) -> String {
    // The form decoder of the url crate would turn `+` into a blank; the header has none.
    url::form_urlencoded::parse(
        format!("x={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes(),
    )
    .next()
    .map(|(_, value)| value.into_owned())
    .unwrap_or_default()
}
