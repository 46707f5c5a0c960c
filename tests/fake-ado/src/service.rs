//! One request from its arrival to its answer: log, faults, credentials, version, schema, handler.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response};
use tokio::sync::Notify;

use crate::answer::{Answer, Outcome, Speaker, binding, error, no_project, no_route};
use crate::api::{self, Call};
use crate::auth;
use crate::body::{self, Body};
use crate::control;
use crate::entra;
use crate::faults::FaultAction;
use crate::page;
use crate::query::{Query, decode};
use crate::record::RecordedRequest;
use crate::route::{Route, negotiate};
use crate::scopes;
use crate::server::{Shared, lock};
use crate::site::Site;

type Reply = Response<BoxBody<Bytes, std::io::Error>>;

/// More than the largest attachment as base64.
const BODY_LIMIT: usize = 160 << 20;
/// Far more than any order of a script.
const CONTROL_LIMIT: usize = 64 << 10;

/// Answers one request. A connection that is to be cut is told so and never answered.
pub(crate) async fn handle(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    cut: Arc<Notify>,
) -> Result<Reply, Infallible> {
    let (parts, incoming) = request.into_parts();
    let path = parts.uri.path().to_owned();

    if path.starts_with("/_fake/") {
        let Ok(body) = Limited::new(incoming, CONTROL_LIMIT)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
        else {
            return Ok(reply(Answer::empty(413)));
        };
        return Ok(reply(control::answer(&shared, &parts.method, &path, &body)));
    }

    let site = Site::of(&parts);
    let issues = entra::tenant(&path).is_some()
        || entra::is_metadata(&path)
        || entra::is_service_connection(&path);
    let Some(path) = (if issues {
        Some(path.clone())
    } else {
        site.below(&parts, &shared)
    }) else {
        return Ok(reply(no_route(&path)));
    };

    if let Some(page) = page::answer(&shared, &parts, &path) {
        return Ok(reply(page));
    }

    let flight = Flight::begin(&shared, &parts, &path);
    let query = parts.uri.query().unwrap_or_default();
    let fault = lock(&shared.faults).pick(parts.method.as_str(), &path, query);
    if matches!(fault, Some(FaultAction::DropBefore)) {
        return close(&cut, flight).await;
    }

    if matches!(fault, Some(FaultAction::DropInBody)) {
        let mut incoming = incoming;
        let _first_piece = incoming.frame().await;
        return close(&cut, flight).await;
    }

    let Ok(bytes) = Limited::new(incoming, BODY_LIMIT)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
    else {
        return Ok(reply(flight.end(Answer::empty(413))));
    };

    flight.note(|request| request.body_size = bytes.len() as u64);
    if let Some(answer) = instead(fault.as_ref()).await {
        return Ok(reply(flight.end(answer)));
    }

    let answer = if issues {
        issue(&shared, &parts, &path, &bytes)
    } else {
        process(&shared, &parts, &path, &bytes, &flight)
    };
    drop(bytes);

    match fault {
        Some(FaultAction::DropAfter) => close(&cut, flight).await,
        Some(FaultAction::HangAfter) => std::future::pending().await,
        Some(FaultAction::CutAnswer) => Ok(cut_reply(&flight.end(answer))),
        other => Ok(reply(flight.end(afterwards(other, answer).await))),
    }
}

async fn close(cut: &Notify, flight: Flight<'_>) -> Result<Reply, Infallible> {
    drop(flight);
    cut.notify_one();
    std::future::pending().await
}

/// What a fault answers without processing; sleeps if it says so.
async fn instead(fault: Option<&FaultAction>) -> Option<Answer> {
    match fault? {
        FaultAction::Status {
            code,
            headers,
            body,
        } => Some(given(*code, headers, body)),
        FaultAction::Hang => std::future::pending().await,
        FaultAction::Garbage200 => Some(Answer {
            speaker: Speaker::InBetween,
            ..Answer::new(
                200,
                "text/html",
                "<html><body><h1>It works!</h1></body></html>",
            )
        }),
        FaultAction::Refused(which) => Some(auth::refusal(*which)),
        FaultAction::Delay(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
            None
        }
        _ => None,
    }
}

/// What a fault makes of the answer.
async fn afterwards(fault: Option<FaultAction>, mut answer: Answer) -> Answer {
    match fault {
        Some(FaultAction::StatusAfter {
            code,
            headers,
            body,
        }) => given(code, &headers, &body),
        Some(FaultAction::AddHeaders(headers)) => {
            answer.headers.extend(headers);
            answer
        }
        Some(FaultAction::DelayAfter(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            answer
        }
        _ => answer,
    }
}

/// The answer of a fault; a web page is that of something before the service.
fn given(status: u16, headers: &[(String, String)], body: &[u8]) -> Answer {
    let is_page = headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("text/html"));
    Answer {
        speaker: if is_page {
            Speaker::InBetween
        } else {
            Speaker::AzureDevOps
        },
        status,
        headers: headers.to_vec(),
        body: Bytes::copy_from_slice(body),
    }
}

/// The authority and the metadata service.
fn issue(shared: &Shared, parts: &Parts, path: &str, bytes: &Bytes) -> Answer {
    let mut world = lock(&shared.world);

    match (entra::tenant(path), parts.method.as_str()) {
        (Some(tenant), "POST") => {
            let host = parts
                .headers
                .get("host")
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default();
            entra::authority(
                &mut world.entra,
                tenant,
                &format!("http://{host}{path}"),
                bytes,
            )
        }
        (None, "POST") if entra::is_service_connection(path) => entra::service_connection(
            &mut world.entra,
            parts.uri.query().unwrap_or_default(),
            &parts.headers,
        ),
        (None, "GET") => entra::metadata(
            &mut world.entra,
            parts.uri.query().unwrap_or_default(),
            &parts.headers,
        ),
        _ => Answer::empty(405),
    }
}

/// Credentials, route, version, body, schema, handler.
fn process(
    shared: &Shared,
    parts: &Parts,
    path: &str,
    bytes: &Bytes,
    flight: &Flight<'_>,
) -> Answer {
    let authorized = auth::authorized(&parts.headers, &lock(&shared.world));
    flight.note(|request| request.authorized = authorized);
    if !authorized {
        return auth::refuse(&parts.headers, parts.method.as_str());
    }

    routed(shared, parts, path, bytes).unwrap_or_else(|answer| answer)
}

fn routed(shared: &Shared, parts: &Parts, path: &str, bytes: &Bytes) -> Outcome {
    let (project, rest) = split_path(path).ok_or_else(|| no_route(path))?;
    let max = lock(&shared.world).settings.max_api_version.clone();
    let method = parts.method.as_str();
    if method == "OPTIONS" {
        return Ok(api::locations(rest.first().map(String::as_str), &max));
    }
    let route = Route::of(&rest)
        .filter(|route| Site::of(parts).has(route))
        .ok_or_else(|| no_route(path))?;
    if !route.any_level() && route.needs_project() != project.is_some() {
        return Err(no_route(path));
    }

    check_content_type(&parts.headers, bytes)?;

    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let asked = asked_version(&parts.headers, &query);
    let mute = lock(&shared.world).settings.too_new_is_no_route && route != Route::ConnectionData;
    let version = negotiate(&route, asked.as_deref(), &max);
    let version = version.map_err(|refused| {
        if mute && refused.status == 400 {
            no_route(path)
        } else {
            refused
        }
    })?;
    let token = auth::given(&parts.headers)
        .map(|(_, token)| token)
        .unwrap_or_default();
    {
        let world = lock(&shared.world);
        scopes::check(
            world.scopes.get(&token),
            method,
            &route,
            world.settings.missing_scope_status,
        )?;
    }
    let file = route.takes_attachment() && method == "POST";
    let body = if file {
        body::parse_attachment(bytes)?
    } else {
        body::parse(bytes)?
    };

    check_schema(shared, method, &route, &body)?;
    note_unknown_members(shared, method, &route, version, &body);
    let mut world = lock(&shared.world);
    let project = match project {
        Some(key) => Some(world.position(&key).ok_or_else(|| no_project(&key))?),
        None => None,
    };
    let call = Call {
        world: &mut world,
        project,
        query,
        body,
        base: &shared.base,
        version,
        headers: &parts.headers,
    };
    Ok(stamped(api::dispatch(method, &route, call)?, version))
}

/// What a server before 2020 does not know on the creation of a run and ignores without a word.
fn note_unknown_members(
    shared: &Shared,
    method: &str,
    route: &Route,
    version: (u32, u32),
    body: &Body<'_>,
) {
    if (method, route) != ("POST", &Route::Runs) || version >= (6, 0) {
        return;
    }

    let found = ["tags", "runSummary", "pipelineReference"]
        .into_iter()
        .filter(|name| !body.value[*name].is_null());
    let remarks =
        found.map(|name| format!("fake-ado: `{name}` of a new run is not known before 6.0"));
    lock(&shared.log).violations.extend(remarks);
}

/// A body must say that it is JSON.
fn check_content_type(headers: &HeaderMap, bytes: &Bytes) -> Result<(), Answer> {
    let given = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if bytes.is_empty() || given.starts_with("application/json") {
        return Ok(());
    }

    let message =
        format!("The request indicated a Content-Type of \"{given}\" which is not supported.");

    Err(error(
        415,
        "Microsoft.VisualStudio.Services.WebApi.VssRequestContentTypeNotSupportedException",
        &message,
    ))
}

/// The project, if there is one, and the segments after `_apis`, decoded.
fn split_path(path: &str) -> Option<(Option<String>, Vec<String>)> {
    let mut segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect();
    let marker = segments
        .iter()
        .position(|segment| segment.eq_ignore_ascii_case("_apis"));
    let rest = segments.split_off(marker.filter(|at| *at < 2)? + 1);
    segments.pop();

    Some((segments.pop(), rest))
}

fn stamped(mut answer: Answer, version: (u32, u32)) -> Answer {
    let json = answer
        .headers
        .iter_mut()
        .find(|(name, value)| name == "content-type" && value.contains("json"));
    if let Some((_, value)) = json {
        value.push_str(&format!("; api-version={}.{}", version.0, version.1));
    }

    answer
}

fn check_schema(
    shared: &Shared,
    method: &str,
    route: &Route,
    body: &Body<'_>,
) -> Result<(), Answer> {
    let (Some(checker), Some(path)) = (&shared.checker, route.described_as()) else {
        return Ok(());
    };
    let remarks = checker.check(method, path, &body.value);
    let Some(first) = remarks.first().cloned() else {
        return Ok(());
    };
    lock(&shared.log).violations.extend(remarks);

    Err(binding(&format!(
        "fake-ado: the body does not fit the API description: {first}"
    )))
}

fn asked_version(headers: &HeaderMap, query: &Query) -> Option<String> {
    let in_query = query.get("api-version").map(str::to_owned);
    in_query.or_else(|| {
        let accept = headers.get("accept")?.to_str().ok()?;
        let (_, rest) = accept.split_once("api-version=")?;
        rest.split([';', ',', ' ']).next().map(str::to_owned)
    })
}

fn response(answer: &Answer) -> hyper::http::response::Builder {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }

    let builder = builder.header("cache-control", "no-cache");
    if answer.speaker == Speaker::InBetween {
        return builder;
    }

    let id = blake3::hash(format!("{:?}", std::time::SystemTime::now()).as_bytes()).to_hex();

    builder
        .header("ActivityId", &id[..32])
        .header("X-VSS-E2EID", &id[..32])
}

fn reply(answer: Answer) -> Reply {
    let builder = response(&answer);
    let body = Full::new(answer.body)
        .map_err(|never| match never {})
        .boxed();
    builder.body(body).expect("a fault's headers are valid")
}

/// The head and half of the body, then an error that makes the server close the connection.
fn cut_reply(answer: &Answer) -> Reply {
    let builder = response(answer).header("content-length", answer.body.len().max(2));
    let half = answer.body.slice(..answer.body.len() / 2);
    let frames: [Result<Frame<Bytes>, std::io::Error>; 2] =
        [Ok(Frame::data(half)), Err(std::io::Error::other("cut"))];
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();

    builder.body(body).expect("a fault's headers are valid")
}

/// A request being worked on: its entry in the log is closed however it ends.
struct Flight<'a> {
    shared: &'a Shared,
    order: usize,
    status: u16,
}

impl<'a> Flight<'a> {
    fn begin(shared: &'a Shared, parts: &Parts, path: &str) -> Flight<'a> {
        let query = parts.uri.query().unwrap_or_default();
        let request = RecordedRequest {
            order: 0,
            method: parts.method.to_string(),
            host: parts.uri.host().unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status: 0,
            body_size: 0,
            api_version: asked_version(&parts.headers, &Query::parse(query)),
            authorization: parts
                .headers
                .get("authorization")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            authorized: false,
            scheme: auth::given(&parts.headers).map(|(scheme, _)| scheme),
            suppresses_sign_in: auth::suppresses(&parts.headers),
            proxy_user: auth::proxy_user(&parts.headers),
            at_ms: elapsed(shared),
            took_ms: 0,
        };

        let order = lock(&shared.log).begin(request);

        Flight {
            shared,
            order,
            status: 0,
        }
    }

    fn note(&self, change: impl FnOnce(&mut RecordedRequest)) {
        if let Some(request) = lock(&self.shared.log).requests.get_mut(self.order) {
            change(request);
        }
    }

    fn end(mut self, answer: Answer) -> Answer {
        self.status = answer.status;
        answer
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        lock(&self.shared.log).end(self.order, self.status, elapsed(self.shared));
    }
}

fn elapsed(shared: &Shared) -> u64 {
    u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
