//! The connections of the page. They are few and short: whoever opens many, or sends a request
//! letter by letter, holds up others who look, and never an upload.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at once; one more waits.
const MOST: usize = 32;
/// Time for one request and its answer.
const TIME: Duration = Duration::from_secs(30);
/// Time for the head of a request.
const TIME_OF_HEAD: Duration = Duration::from_secs(5);
/// Pause when nothing can be accepted, because the process has no more handles.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves all listeners until `stop`; what is open then is cut.
pub(super) async fn serve(listeners: Vec<TcpListener>, router: &Router, stop: &CancellationToken) {
    let room = Arc::new(Semaphore::new(MOST));
    let accepting = listeners
        .into_iter()
        .map(|listener| accept(listener, router, Arc::clone(&room), stop));
    futures_util::future::join_all(accepting).await;
}

async fn accept(
    listener: TcpListener,
    router: &Router,
    room: Arc<Semaphore>,
    stop: &CancellationToken,
) {
    loop {
        let taken = Arc::clone(&room).acquire_owned();
        let next = async {
            // It is never closed.
            let permit = taken.await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next => next,
        };

        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let router = router.clone();
        let stop = stop.clone();
        tokio::spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = stop.cancelled() => {}
                () = answer(stream, router) => {}
            }
        });
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, router: Router) {
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIME_OF_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);

    // Who hangs up, or sends what is no request, is nobody to tell something.
    if let Ok(Err(error)) = tokio::time::timeout(TIME, served).await {
        tracing::debug!(%error, "a connection of the status page ended");
    }
}
