//! The status page: how things stand, for a browser, a health check, or a script.
//!
//! It only shows. Nothing that it is asked changes anything, it opens the outbox for reading alone,
//! and however often it is asked it looks at most once a second (`lookout`), so that uploads do not
//! notice it. Whoever asks is judged before anything else (`guard`). What fails is one answer with
//! a status, never the service: a port in use is a warning.

mod answers;
mod connections;
mod guard;
mod health;
mod html;
mod listener;
mod lookout;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use guard::Guard;
use lookout::Lookout;

use crate::config::Config;
use crate::config::status_page::StatusPage;

pub(crate) use health::{Pulse, RunningService};

/// What every handler has at hand.
struct Page {
    lookout: Lookout,
    service: RunningService,
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
    let Some(bound) = bound else {
        stop.cancelled().await;
        return;
    };

    let page = Arc::new(Page {
        lookout: Lookout::new(config, service.clone()),
        service,
    });
    let router = router(page, Guard::new(settings, bound.port));
    connections::serve(bound.listeners, &router, &stop).await;
}

/// Who answers what. The guard stands before the routes, so that nobody learns which there are.
fn router(page: Arc<Page>, guard: Guard) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/runs/{id}", get(run))
        .route("/style.css", get(style))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/api/status", get(status))
        .route("/api/runs", get(runs))
        .route("/api/runs/{id}", get(run_as_json))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded))
        .with_state(page)
}

async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let refusal = match guard.judge(request.method(), request.uri(), request.headers()) {
        Ok(()) => return answers::closed(next.run(request).await),
        Err(refusal) => refusal,
    };
    answers::closed(answers::refused(&refusal))
}

async fn overview(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::html(html::overview(&seen)),
        Err(error) => answers::failed(&error),
    }
}

async fn run(State(page): State<Arc<Page>>, Path(id): Path<i64>) -> Response {
    match page.lookout.run(id).await {
        Ok(Some(run)) => answers::html(html::run(&run)),
        Ok(None) => answers::not_found(),
        Err(error) => answers::failed(&error),
    }
}

async fn style() -> Response {
    answers::text(StatusCode::OK, "text/css; charset=utf-8", html::STYLE)
}

async fn alive(State(page): State<Arc<Page>>) -> Response {
    answers::health(page.service.pulse.turns())
}

async fn ready(State(page): State<Arc<Page>>) -> Response {
    match page.lookout.look().await {
        Ok(seen) => answers::readiness(&health::reasons(&seen.overview)),
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

async fn unknown() -> Response {
    answers::not_found()
}
