//! The connections of the page. They are few and short: whoever opens many, or sends a request
//! letter by letter, holds up others who look, and never an upload. One that listens for changes
//! ([`PageConnection::lasts`]) gives its place back and is counted elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::locked::locked;

/// Connections at once; one more waits.
const MOST: usize = 32;
/// Time for one request and its answer.
const TIME: Duration = Duration::from_secs(30);
/// Time for the head of a request.
const TIME_OF_HEAD: Duration = Duration::from_secs(5);
/// Pause when nothing can be accepted, because the process has no more handles.
const PAUSE: Duration = Duration::from_secs(1);

/// The connection of a request.
#[derive(Clone)]
pub(super) struct PageConnection(Arc<Place>);

struct Place {
    /// Among the short ones.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    lasts: AtomicBool,
}

impl PageConnection {
    fn short(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Place {
            permit: Mutex::new(Some(permit)),
            lasts: AtomicBool::new(false),
        }))
    }

    /// Its answer goes on for as long as it likes. Who says so has a limit of its own.
    pub(super) fn lasts(&self) {
        self.0.lasts.store(true, Ordering::Relaxed);
        locked(&self.0.permit).take();
    }

    /// Returns when its time is over; never where it lasts.
    async fn ends(&self) {
        tokio::time::sleep(TIME).await;
        if self.0.lasts.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

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

        let (Some(permit), Ok((stream, _))) = (permit, accepted) else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let router = router.clone();
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = answer(stream, router, PageConnection::short(permit)) => {}
            }
        });
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, router: Router, connection: PageConnection) {
    let router = router.layer(Extension(connection.clone()));
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIME_OF_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);

    tokio::select! {
        // Who hangs up, or sends what is no request, is nobody to tell something.
        served = served => if let Err(error) = served {
            tracing::debug!(%error, "a connection of the status page ended");
        },
        () = connection.ends() => {}
    }
}
