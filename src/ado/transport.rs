//! One HTTP client for one server and token: connections are reused, every call has a time-out that
//! fits its size and counts until the last byte of its answer, and no redirect is followed.
//!
//! A call waits for its turn ([`crate::ado::slots`]) and for the pause that the server asked for,
//! is sent with a token that is renewed once where that helps, and ends as the content of an answer
//! or as an [`AdoError`]. The parts: `request` builds it, `answer` reads what came back, `by_guid`
//! asks again where the project goes by another name, `versions` finds the api-version that the
//! server knows, `pause` and `server_clock` keep what headers said, `refusals` knows a token that
//! was refused.

#![expect(
    clippy::disallowed_methods,
    reason = "pauses that the server asks for are measured with the monotonic clock"
)]

mod answer;
mod by_guid;
mod memory;
mod pause;
mod refusals;
mod request;
mod server_clock;
mod state;
mod versions;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::ado::allowance::{QUICK, Sign};
use crate::ado::credential::Credential;
use crate::ado::error::{AdoError, Missing};
use crate::ado::gone;
use crate::ado::headers;
use crate::ado::http::{self, Caller, Network};
use crate::ado::known_runs::KnownRuns;
use crate::ado::recent_plans::RecentPlans;
use crate::ado::refused::SentFor;
use crate::ado::renamed::RenamedProjects;
use crate::ado::slots::{Gate, Heard, Lane, Repute, Slot, SlotUse};
use crate::ado::version::Call;
use crate::clock::{self, Stopwatch};
use crate::error_chain::chain;
use crate::locked::locked;
use crate::measures::{Measures, RequestEnd, ServerMeasures};
use crate::moment::Moment;
use crate::server::Server;
use crate::worked_tokens::WorkedTokens;

use by_guid::project_in;
use server_clock::ServerClock;
use versions::SpokenVersion;

pub(super) use answer::Page;
pub(crate) use memory::ServerMemory;
pub(super) use request::Importance;
pub(crate) use state::ClientState;

/// Longest time for a call without a file: ADO itself delays calls by up to 30 s when it is busy.
const CALL: Duration = Duration::from_secs(100);

/// How a server is spoken to.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    /// How requests identify themselves; it is sent to this server only.
    pub(crate) credential: Credential,
    /// `azure.api_version`.
    pub(crate) api_version: Option<String>,
    pub(crate) network: Network,
    /// Whether servers are asked not to answer with a sign-in page; `None` leaves it to the
    /// credential.
    pub(crate) suppress_sign_in: Option<bool>,
    /// `azure.allow_http`.
    pub(crate) allow_http: bool,
    /// Longest time for a call without a file, when it is to be shorter than usual.
    pub(crate) patience: Option<Duration>,
    /// Where requests of all servers of this process wait for their turn.
    pub(crate) gate: Gate,
    /// Where it is noted what was sent and answered.
    pub(crate) measures: Arc<Measures>,
    /// Which tokens worked before.
    pub(crate) worked_tokens: Arc<WorkedTokens>,
    /// What is remembered of the server and the credential.
    pub(crate) memory: Arc<ServerMemory>,
}

/// A client for one server and token.
pub(crate) struct AdoClient {
    http: Caller,
    server: Server,
    credential: Credential,
    version: SpokenVersion,
    patience: Duration,
    lane: Lane,
    /// What counts for other clients of the same server and credential as well.
    memory: Arc<ServerMemory>,
    clock: ServerClock,
    /// Who the token is, as the server's last good answer says.
    account: Mutex<Option<String>>,
    measures: Arc<Measures>,
    measured: Arc<ServerMeasures>,
    /// How many requests were refused because there were too many.
    too_many: AtomicU64,
    worked_tokens: Arc<WorkedTokens>,
    known_runs: KnownRuns,
    recent_plans: RecentPlans,
    renamed: RenamedProjects,
}

/// A call that did not succeed.
struct CallFailure {
    error: AdoError,
    cause: FailureCause,
}

/// What a call failed on, as far as the next one depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FailureCause {
    /// The token was refused as such, so that another one may do.
    Token,
    /// Anything else; a token that lacks a permission is among it.
    Other,
}

impl From<AdoError> for CallFailure {
    fn from(error: AdoError) -> Self {
        Self {
            error,
            cause: FailureCause::Other,
        }
    }
}

impl CallFailure {
    /// That whoever issues the token gave none.
    fn without_token(error: AdoError) -> Self {
        let cause = match error {
            AdoError::CredentialsRefused { .. } => FailureCause::Token,
            _ => FailureCause::Other,
        };
        Self { error, cause }
    }
}

impl AdoClient {
    /// Builds the client; nothing is sent yet.
    ///
    /// # Errors
    /// When the token would travel unencrypted without permission, or when certificates or proxy
    /// cannot be used.
    pub(crate) fn new(settings: &Settings) -> Result<Self, AdoError> {
        let server = settings.server.clone();
        if server.is_exposed() && !settings.allow_http {
            return Err(AdoError::Configuration(format!(
                "the token would travel unencrypted to {}; use https, or allow it with \
                 `azure.allow_http = true`",
                server.base()
            )));
        }

        let suppress_sign_in = settings
            .suppress_sign_in
            .unwrap_or_else(|| settings.credential.suppresses_sign_in());
        let worked = settings
            .worked_tokens
            .span(server.base(), &settings.credential.digest());
        let repute = match worked {
            Some(_) => Repute::Answered,
            None => Repute::Unknown,
        };
        let http = http::client(
            server.base(),
            &settings.network,
            request::default_headers(suppress_sign_in),
        )?;

        Ok(Self {
            http,
            measured: settings.measures.of_server(server.base()),
            measures: Arc::clone(&settings.measures),
            worked_tokens: Arc::clone(&settings.worked_tokens),
            account: Mutex::default(),
            too_many: AtomicU64::new(0),
            server,
            credential: settings.credential.clone(),
            version: SpokenVersion::new(settings.api_version.as_deref()),
            patience: settings.patience.unwrap_or(CALL).min(CALL),
            lane: settings.gate.lane(repute),
            memory: Arc::clone(&settings.memory),
            clock: ServerClock::default(),
            known_runs: KnownRuns::default(),
            recent_plans: RecentPlans::default(),
            renamed: RenamedProjects::default(),
        })
    }

    /// Whether another client may reach the server where this one does not: a certificate was not
    /// accepted, and its authority may be known by now.
    pub(crate) fn is_outdated(&self) -> bool {
        self.http.distrusts() || self.credential.is_outdated()
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Where uploads are counted.
    pub(crate) fn measures(&self) -> &Arc<Measures> {
        &self.measures
    }

    /// How long a call may take, where that is shorter than usual because somebody waits.
    pub(super) fn patience(&self) -> Option<Duration> {
        Some(self.patience).filter(|patience| *patience < CALL)
    }

    /// By how many milliseconds this machine's clock was ahead of the server's at the last answer
    /// that told the time; negative when it is behind. Servers tell it in whole seconds.
    pub(crate) fn clock_ahead(&self) -> Option<i64> {
        self.clock.ahead()
    }

    /// The time now, as far as known by the server's clock.
    pub(crate) fn server_time(&self) -> Moment {
        self.on_server(clock::now())
    }

    /// A time of this machine, as the server would have told it.
    pub(crate) fn on_server(&self, time: Moment) -> Moment {
        self.clock.on_server(time)
    }

    /// How many requests the server refused because there were too many.
    pub(crate) fn refused_as_too_many(&self) -> u64 {
        self.too_many.load(Ordering::Relaxed)
    }

    /// Whether the server asked for a pause that is not over.
    pub(crate) fn is_paused(&self) -> bool {
        self.memory.pause.left().is_some()
    }

    /// What lists said of the runs of test plans a moment ago.
    pub(super) fn known_runs(&self) -> &KnownRuns {
        &self.known_runs
    }

    /// What was read of test plans a moment ago.
    pub(super) fn recent_plans(&self) -> &RecentPlans {
        &self.recent_plans
    }

    /// Reads with GET, in a version that the server knows.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Page<T>, AdoError> {
        self.by_name_or_guid(path, || self.get_in_known_version(path, call, query))
            .await
            .map_err(|error| self.explained(path, error))
    }

    /// Reads with GET something that nothing else depends on.
    pub(super) async fn get_optional<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<T, AdoError> {
        // No version is looked for: what is optional is asked for after the points, which found
        // one.
        let request = self.request(Method::GET, path, call, query);
        let page = self.send(request, Importance::Optional).await?;
        Ok(page.content)
    }

    /// Sends a JSON body.
    pub(super) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &(impl Serialize + Sync),
        importance: Importance,
    ) -> Result<T, AdoError> {
        let send = || {
            let request = self.request(method.clone(), path, Call::Released, &[]);
            self.send(request.json(body), importance)
        };

        let page: Page<T> = self
            .by_name_or_guid(path, send)
            .await
            .map_err(|error| self.explained(path, error))?;
        Ok(page.content)
    }

    /// The error of a call to `path`: an answer that says that something was not found may be about
    /// the server's URL or the project, and then says so, with the way out.
    fn explained(&self, path: &[&str], error: AdoError) -> AdoError {
        let AdoError::Gone { what, message } = error else {
            return error;
        };
        match (what, project_in(path)) {
            // A server of which another call has worked lacks this route, or the object; that says
            // nothing about its URL.
            (Missing::Route | Missing::Unsaid, _) if !self.version.is_proven() => AdoError::Gone {
                what: Missing::Server,
                message: gone::no_server(&self.server, &message),
            },
            (Missing::Project, Some(project)) => AdoError::Gone {
                what: Missing::Project,
                message: gone::no_project(&self.server, project),
            },
            _ => AdoError::Gone { what, message },
        }
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        importance: Importance,
    ) -> Result<Page<T>, AdoError> {
        let slot = self.lane.take(SlotUse::Call).await;
        self.send_in_slot(request, importance, &slot).await
    }

    /// As [`AdoClient::send`], of a request that carries a file.
    pub(super) async fn send_file<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Page<T>, AdoError> {
        let slot = self.lane.take(SlotUse::Upload).await;
        self.send_in_slot(request, Importance::Essential, &slot)
            .await
    }

    async fn send_in_slot<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        importance: Importance,
        slot: &Slot,
    ) -> Result<Page<T>, AdoError> {
        // Looked at only now: much may have happened while this one waited for its slot.
        self.not_refused()?;
        self.memory.pause.keep().await?;
        self.memory.pause.keep_apart(slot.gap()).await?;

        let result = self.exchange(request, slot).await;

        match &result {
            Err(CallFailure {
                error: AdoError::Unavailable { .. } | AdoError::InBetween { .. },
                ..
            }) => {
                if let Some(sign) = SentFor::of_task().sign_of_trouble() {
                    slot.note(sign);
                }
            }
            // A token without the scope for something optional may still do all the rest.
            Err(CallFailure {
                error: AdoError::CredentialsRefused { refusal, .. },
                cause: FailureCause::Token,
            }) if importance == Importance::Essential => {
                let sent_for = SentFor::of_task();
                self.memory
                    .refused
                    .note(refusal.clone(), sent_for, Instant::now());
            }

            // An answer was noted where its headers were read. Any other refusal is about this
            // request, and says nothing of how the server or the token is.
            Ok(_) | Err(_) => {}
        }

        result.map_err(|failed| self.with_history(failed))
    }

    /// One request, and once more with another token where the first is refused and there is
    /// another.
    async fn exchange<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        slot: &Slot,
    ) -> Result<Page<T>, CallFailure> {
        // Only an identity has another token, so the others' bodies are not copied for nothing. A
        // body that is a stream cannot be.
        let again = match self.credential {
            Credential::Entra(_) => request.try_clone(),
            Credential::Pat(_) | Credential::Bearer(_) => None,
        };

        let authorization = self
            .credential
            .authorization()
            .await
            .map_err(CallFailure::without_token)?;
        let request = request.header(AUTHORIZATION, authorization.header.clone());
        let result = self.once(request, slot).await;
        let Err(CallFailure {
            cause: FailureCause::Token,
            ..
        }) = result
        else {
            return result;
        };

        let renewed = self.credential.renew(&authorization).await;
        if !renewed.map_err(CallFailure::without_token)? {
            return result;
        }
        tracing::info!(
            server = self.server.base(),
            "the token was refused and is renewed"
        );

        // Its bytes are gone; the step is carried out again, and then with the new token.
        let Some(again) = again else {
            let message = "the token was refused and renewed; the file is sent again";
            return Err(AdoError::unavailable(message).into());
        };

        let authorization = self
            .credential
            .authorization()
            .await
            .map_err(CallFailure::without_token)?;
        self.once(again.header(AUTHORIZATION, authorization.header), slot)
            .await
    }

    /// One request, which is measured whatever becomes of it.
    async fn once<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        slot: &Slot,
    ) -> Result<Page<T>, CallFailure> {
        let taken = Stopwatch::start();
        let result = self.ask(request, slot).await;

        self.measures.request_took(taken.elapsed());
        self.measured.ended(match &result {
            Ok(_) => RequestEnd::Ok,
            Err(failed) => failed.error.request_end(),
        });
        result
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        slot: &Slot,
    ) -> Result<Page<T>, CallFailure> {
        let asked = Instant::now();
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                note_silence(slot);
                return Err(self.unreachable(&error).into());
            }
        };

        // What the server says of itself counts on any status, also when the request worked.
        let budget = headers::budget(response.headers());
        let longer = self.memory.pause.note(budget.pause(), Instant::now());
        self.measured.throttled_for(longer);
        self.clock.note(response.headers());
        let is_refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        self.too_many
            .fetch_add(u64::from(is_refused), Ordering::Relaxed);
        let is_throttled = budget.is_short() || is_refused;
        if is_throttled {
            slot.note(Sign::Throttled);
        }

        let body = match answer::read_body(&mut response).await {
            Ok(body) => body,
            // Its beginning is easily sent, also by a server that hangs.
            Err(error) => {
                note_silence(slot);
                return Err(error.into());
            }
        };
        slot.hear(Heard::Answer);
        self.judge(&response, &body, budget.retry_after)?;
        let page = answer::page(&response, &body)?;

        let now = clock::now();
        self.measured.answered(now);
        self.worked_tokens
            .worked(self.server.base(), &self.credential.digest(), now);
        if let Some(account) = headers::account(response.headers()) {
            *locked(&self.account) = Some(account);
        }

        if !is_throttled {
            slot.note(if asked.elapsed() >= QUICK {
                Sign::Slow
            } else if budget.is_scarce() {
                Sign::QuickWhileScarce
            } else {
                Sign::Quick
            });
        }
        Ok(page)
    }

    fn unreachable(&self, error: &reqwest::Error) -> AdoError {
        let server = self.server.base();
        // A time-out while connecting is both of the first two: that nobody was reached says more.
        AdoError::unavailable(if error.is_connect() {
            format!("{server} cannot be reached{}", self.http.why(error))
        } else if error.is_timeout() {
            let proxy = self.http.through(error);
            format!("{server} did not answer in time{proxy}")
        } else {
            format!("the connection to {server} broke: {}", chain(error))
        })
    }
}

/// A request was not answered. Where that could be left out it takes nothing from those that count.
fn note_silence(slot: &Slot) {
    if SentFor::of_task().sign_of_trouble().is_some() {
        slot.hear(Heard::Nothing);
    }
}
