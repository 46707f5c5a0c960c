//! The status page: how things stand, for a browser, a health check, or a script.
//!
//! It shows, and where `status_page.actions` says so its buttons leave the requests that `kado runs
//! retry` and `forget` leave (`actions`). It opens the outbox for reading alone, and however often
//! it is asked it looks at most once a second (`lookout`), so that uploads do not notice it.
//! Whoever asks is judged before anything else (`guard`). What fails is one answer with a status,
//! never the service: a port in use is a warning.

mod actions;
mod answers;
mod connections;
mod events;
mod guard;
mod health;
mod html;
mod listener;
mod lookout;
mod project_reader;
mod room;
mod seen;
mod token;

use std::path;
use std::sync::Arc;

use axum::body::{self, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use connections::PageConnection;
use events::{Followed, Places};
use guard::Guard;
use listener::Bound;
use lookout::Lookout;

use crate::config::Config;
use crate::config::status_page::StatusPage;
use crate::outbox::request;

pub(crate) use health::{RunningService, SignsOfLife};
pub(crate) use token::PageAddress;

/// Most bytes of a body: what asks for something is an object of JSON without members.
const LARGEST_BODY: usize = 1024;

/// What every handler has at hand.
struct Page {
    lookout: Lookout,
    service: RunningService,
    places: Places,
}

/// Serves the page until `stop`; it moves when the configuration says so.
pub(crate) async fn serve(
    mut config: watch::Receiver<Arc<Config>>,
    service: RunningService,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let settings = config.borrow_and_update().status_page.clone();
        let moved = stop.child_token();
        let server = serve_as(&settings, config.clone(), service.clone(), moved.clone());

        tokio::select! {
            () = server => {}
            () = until_changed(&mut config, &settings) => moved.cancel(),
        }
    }
}

/// Returns when the configuration has other settings for the page.
async fn until_changed(config: &mut watch::Receiver<Arc<Config>>, settings: &StatusPage) {
    let changed = config.wait_for(|config| config.status_page != *settings);
    if changed.await.is_err() {
        // Nobody is left who could change it.
        std::future::pending::<()>().await;
    }
}

/// Serves the page with these settings until `stop`.
async fn serve_as(
    settings: &StatusPage,
    config: watch::Receiver<Arc<Config>>,
    service: RunningService,
    stop: CancellationToken,
) {
    let bound = match settings.listen {
        Some(address) => listener::bind(address).await,
        None => None,
    };
    let state_dir = config.borrow().state_dir.clone();
    let Some(bound) = bound else {
        remove_address(&state_dir);
        stop.cancelled().await;
        return;
    };

    let token = settings
        .actions
        .then(|| SecretString::from(token::random()));
    tell_address(&state_dir, &bound, token.clone());

    let page = Arc::new(Page {
        lookout: Lookout::new(config, service.clone()),
        service,
        places: Places::default(),
    });
    let router = router(page, Guard::new(settings, bound.address.port(), token));
    connections::serve(bound.listeners, &router, &stop).await;
    remove_address(&state_dir);
}

/// Leaves the address for `kado page`.
fn tell_address(state_dir: &path::Path, bound: &Bound, token: Option<SecretString>) {
    if let Err(error) = PageAddress::new(bound.address, token).write(state_dir) {
        tracing::warn!(
            %error,
            "`kado page` cannot find the status page: its address is not written"
        );
    }
}

fn remove_address(state_dir: &path::Path) {
    // One that stays says where a page was; `kado page` looks whether the service runs.
    if let Err(error) = PageAddress::remove(state_dir) {
        tracing::debug!(%error, "the address of the status page stays behind");
    }
}

/// Who answers what. The guard stands before the routes, so that nobody learns which there are.
fn router(page: Arc<Page>, guard: Guard) -> Router {
    let for_people = Router::new()
        .route("/", get(overview))
        .route("/events", get(follow_overview))
        .route("/runs/{id}", get(run))
        .route("/runs/{id}/events", get(follow_run))
        .route("/runs/{id}/retry", post(retry))
        .route("/runs/{id}/forget", post(forget))
        .route("/style.css", get(style))
        .route("/page.js", get(script));

    let for_programs = Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/status", get(status))
        .route("/api/runs", get(runs))
        .route("/api/runs/{id}", get(run_as_json))
        .route("/api/projects", get(projects));

    for_people
        .merge(for_programs)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded))
        .with_state(page)
}

async fn guarded(
    State(guard): State<Arc<Guard>>,
    Extension(connection): Extension<PageConnection>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(refusal) = guard.judge(request.method(), request.uri(), request.headers()) {
        return answers::closed(answers::refused(&refusal));
    }

    // Read here, so that a body that never comes is not taken for work.
    let (head, body) = request.into_parts();
    let Ok(body) = body::to_bytes(body, LARGEST_BODY).await else {
        return answers::closed(answers::too_large());
    };
    let _at_work = connection.at_work();
    answers::closed(next.run(Request::from_parts(head, body.into())).await)
}

async fn overview(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.page().await {
        Ok(page) => answers::html(&page),
        Err(error) => answers::failed(&error),
    }
}

async fn run(State(page): State<Arc<Page>>, Path(id): Path<i64>) -> Response {
    match page.lookout.run_page(id).await {
        Ok(Some(page)) => answers::html(&page),
        Ok(None) => answers::not_found(),
        Err(error) => answers::failed(&error),
    }
}

/// The digest of the page that somebody has who wants to follow it; empty where nobody says it.
fn seen_by(query: Option<&str>) -> String {
    let seen = query.and_then(|query| query.strip_prefix("seen="));
    seen.unwrap_or_default().to_owned()
}

async fn follow_overview(
    State(page): State<Arc<Page>>,
    Extension(connection): Extension<PageConnection>,
    RawQuery(query): RawQuery,
) -> Response {
    let seen = seen_by(query.as_deref());
    events::listen(page, Followed::Overview, seen, &connection)
}

async fn follow_run(
    State(page): State<Arc<Page>>,
    Path(id): Path<i64>,
    Extension(connection): Extension<PageConnection>,
    RawQuery(query): RawQuery,
) -> Response {
    let seen = seen_by(query.as_deref());
    events::listen(page, Followed::Run(id), seen, &connection)
}

async fn retry(State(page): State<Arc<Page>>, Path(id): Path<i64>, body: Bytes) -> Response {
    let request = request::Request::Retry {
        submission: id,
        plan: None,
        one_of_many: false,
    };
    actions::ask(&page.service.outbox, request, &body).await
}

async fn forget(State(page): State<Arc<Page>>, Path(id): Path<i64>, body: Bytes) -> Response {
    let request = request::Request::Forget { submission: id };
    actions::ask(&page.service.outbox, request, &body).await
}

async fn style() -> Response {
    answers::text(StatusCode::OK, "text/css; charset=utf-8", html::STYLE)
}

async fn script() -> Response {
    let kind = "text/javascript; charset=utf-8";
    answers::text(StatusCode::OK, kind, html::SCRIPT)
}

async fn alive(State(page): State<Arc<Page>>) -> Response {
    answers::health(page.service.signs.turns())
}

async fn ready(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::readiness(&health::reasons(&seen.overview)),
        Err(error) => answers::failed(&error),
    }
}

async fn metrics(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    let form = answers::form_asked_for(&headers);
    match page.lookout.metrics(form).await {
        Ok(text) => answers::metrics(text, form),
        Err(error) => answers::failed(&error),
    }
}

async fn status(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::json(&seen.overview.status),
        Err(error) => answers::failed(&error),
    }
}

async fn runs(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::json(&seen.overview.rows),
        Err(error) => answers::failed(&error),
    }
}

async fn run_as_json(State(page): State<Arc<Page>>, Path(id): Path<i64>) -> Response {
    match page.lookout.run(id).await {
        Ok(Some(run)) => answers::json_of(run.as_json()),
        Ok(None) => answers::not_found(),
        Err(error) => answers::failed(&error),
    }
}

async fn projects(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::json(&seen.projects),
        Err(error) => answers::failed(&error),
    }
}

async fn unknown() -> Response {
    answers::not_found()
}
