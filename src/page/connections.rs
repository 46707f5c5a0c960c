//! The connections of the page. They are few and short, and hold up no upload. Whoever opens many,
//! sends a request letter by letter, or does not read the answer, holds up nobody else who looks: a
//! connection for which there is no place takes that of the oldest one whose peer is awaited. One
//! that listens for changes ([`PageConnection::lasts`]) gives its place back and is counted
//! elsewhere.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::locked::locked;

/// Connections at once; one more takes the place of another, or waits where all are at work.
const MOST: usize = 32;
/// Time for one request and its answer.
const TIME: Duration = Duration::from_secs(30);
/// Time for the head of a request.
const TIME_OF_HEAD: Duration = Duration::from_secs(5);
/// How long a place is waited for before another connection is cut for it.
const TIME_OF_CUT: Duration = Duration::from_millis(50);
/// Pause when nothing can be accepted, because the process has no more handles.
const PAUSE: Duration = Duration::from_secs(1);

/// The connection of a request.
#[derive(Clone)]
pub(super) struct PageConnection(Arc<Place>);

struct Place {
    /// Among the short ones.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    lasts: AtomicBool,
    /// A whole request is there, and its answer is being made.
    is_at_work: AtomicBool,
    /// Another one needs the place.
    cut: CancellationToken,
}

/// While this lives the connection is at work, and keeps its place.
pub(super) struct AtWork(Arc<Place>);

/// The places of the short connections.
struct ShortPlaces {
    free: Arc<Semaphore>,
    /// Those that were taken, the oldest first.
    taken: Mutex<VecDeque<Weak<Place>>>,
}

impl PageConnection {
    /// Its answer goes on for as long as it likes. Who says so has a limit of its own.
    pub(super) fn lasts(&self) {
        self.0.lasts.store(true, Ordering::Relaxed);
        locked(&self.0.permit).take();
    }

    /// A whole request is there.
    pub(super) fn at_work(&self) -> AtWork {
        self.0.is_at_work.store(true, Ordering::Relaxed);
        AtWork(Arc::clone(&self.0))
    }

    /// Returns when its time is over, which it never is where it lasts, or when another one needs
    /// its place.
    async fn ends(&self) {
        let too_long = async {
            tokio::time::sleep(TIME).await;
            if self.0.lasts.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = too_long => {}
            () = self.0.cut.cancelled() => {}
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.is_at_work.store(false, Ordering::Relaxed);
    }
}

impl ShortPlaces {
    fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            taken: Mutex::default(),
        }
    }

    /// A place for one more connection.
    async fn take(&self) -> PageConnection {
        loop {
            let free = Arc::clone(&self.free);
            if let Ok(permit) = free.try_acquire_owned() {
                return self.taken_by(permit);
            }

            self.cut_oldest();
            let free = Arc::clone(&self.free).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(TIME_OF_CUT, free).await {
                return self.taken_by(permit);
            }
        }
    }

    fn taken_by(&self, permit: OwnedSemaphorePermit) -> PageConnection {
        let place = Arc::new(Place {
            permit: Mutex::new(Some(permit)),
            lasts: AtomicBool::new(false),
            is_at_work: AtomicBool::new(false),
            cut: CancellationToken::new(),
        });

        let mut taken = locked(&self.taken);
        taken.retain(|place| place.upgrade().is_some_and(|place| place.holds_permit()));
        taken.push_back(Arc::downgrade(&place));
        PageConnection(place)
    }

    /// Cuts the oldest connection whose peer is awaited, where there is one.
    fn cut_oldest(&self) {
        let mut taken = locked(&self.taken);
        let oldest = taken.iter().position(|place| {
            place
                .upgrade()
                .is_some_and(|place| place.holds_permit() && !place.is_at_work())
        });

        if let Some(place) = oldest.and_then(|oldest| taken.remove(oldest)?.upgrade()) {
            place.cut.cancel();
        }
    }
}

impl Place {
    fn holds_permit(&self) -> bool {
        locked(&self.permit).is_some()
    }

    fn is_at_work(&self) -> bool {
        self.is_at_work.load(Ordering::Relaxed)
    }
}

/// Serves all listeners until `stop`; what is open then is cut.
pub(super) async fn serve(listeners: Vec<TcpListener>, router: &Router, stop: &CancellationToken) {
    let places = Arc::new(ShortPlaces::new(MOST));
    let accepting = listeners
        .into_iter()
        .map(|listener| accept(listener, router, Arc::clone(&places), stop));
    futures_util::future::join_all(accepting).await;
}

async fn accept(
    listener: TcpListener,
    router: &Router,
    places: Arc<ShortPlaces>,
    stop: &CancellationToken,
) {
    loop {
        let next = async {
            let (stream, _) = listener.accept().await?;
            Ok::<_, io::Error>((stream, places.take().await))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = next => accepted,
        };

        let Ok((stream, connection)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let router = router.clone();
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = answer(stream, router, connection) => {}
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Takes places until one more has to wait.
    fn take_all(places: &ShortPlaces) -> Vec<PageConnection> {
        let mut taken = Vec::new();
        while places.free.available_permits() > 0 {
            taken.extend(places.take().now_or_never());
        }
        taken
    }

    fn is_cut(connection: &PageConnection) -> bool {
        connection.0.cut.is_cancelled()
    }

    #[tokio::test]
    async fn one_more_takes_the_place_of_the_oldest_whose_peer_is_awaited() {
        let places = ShortPlaces::new(3);
        let mut taken = take_all(&places);
        let _working = taken[0].at_work();

        let mut waiting = Box::pin(places.take());
        assert!(waiting.as_mut().now_or_never().is_none());

        assert_eq!(
            taken.iter().map(is_cut).collect::<Vec<_>>(),
            [false, true, false]
        );
        drop(taken.remove(1));
        assert!(!is_cut(&waiting.await));
    }

    #[tokio::test]
    async fn those_at_work_keep_their_places_until_their_answers_are_made() {
        let places = ShortPlaces::new(2);
        let taken = take_all(&places);
        let working: Vec<AtWork> = taken.iter().map(PageConnection::at_work).collect();

        places.cut_oldest();
        assert!(!taken.iter().any(is_cut));

        drop(working);
        places.cut_oldest();
        assert!(is_cut(&taken[0]) && !is_cut(&taken[1]));
    }

    #[tokio::test]
    async fn one_that_lasts_is_not_cut() {
        let places = ShortPlaces::new(2);
        let taken = take_all(&places);
        taken[0].lasts();

        places.cut_oldest();

        assert!(!is_cut(&taken[0]) && is_cut(&taken[1]));
    }
}
