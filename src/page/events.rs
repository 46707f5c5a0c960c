//! What changed on a page, as it changes: server-sent events, one for each section.
//!
//! Nothing is looked at for this but what a listener asks for, and all of them share the looks of
//! the [`Lookout`]. A listener has a limited life: a browser comes
//! back by itself, and one that reads no more holds its place no longer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Stopwatch;
use crate::page::connections::PageConnection;
use crate::page::html::{PageParts, PageSection};
use crate::page::lookout::{LookError, Lookout};
use crate::page::{Page, answers};

/// Listeners at once.
const MOST: usize = 32;
/// Time between two looks of a listener.
const BETWEEN: Duration = Duration::from_secs(2);
/// How long one listens.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// How often something is sent to one to whom there is nothing to say.
const SIGN: Duration = Duration::from_secs(10);

/// The places of listeners; clones share them.
#[derive(Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

/// The page that somebody follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Followed {
    Overview,
    Run(i64),
}

/// A section as a script takes it.
#[derive(Serialize)]
struct ChangedSection<'a> {
    id: &'a str,
    html: &'a str,
}

struct Listener {
    page: Arc<Page>,
    followed: Followed,
    life: Stopwatch,
    /// What it has by now; `None` when that is another page than the one of the first look.
    has: Option<Vec<PageSection>>,
    to_send: VecDeque<Event>,
    first: bool,
    _place: OwnedSemaphorePermit,
}

/// Tells somebody who has a page with this digest what changes of it.
pub(super) fn listen(
    page: Arc<Page>,
    followed: Followed,
    digest: String,
    connection: &PageConnection,
) -> Response {
    let Ok(place) = Arc::clone(&page.places.0).try_acquire_owned() else {
        return answers::too_many();
    };
    connection.lasts();

    let listener = Listener {
        page,
        followed,
        life: Stopwatch::start(),
        has: None,
        to_send: VecDeque::new(),
        first: true,
        _place: place,
    };
    let keep_alive = KeepAlive::new().interval(SIGN);
    Sse::new(events(listener, digest))
        .keep_alive(keep_alive)
        .into_response()
}

fn events(listener: Listener, digest: String) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold((listener, digest), |(mut listener, digest)| async move {
        loop {
            if let Some(event) = listener.to_send.pop_front() {
                return Some((Ok(event), (listener, digest)));
            }
            if listener.life.elapsed() >= LIFE {
                return None;
            }
            if !listener.first {
                tokio::time::sleep(BETWEEN).await;
            }
            listener.first = false;

            // What cannot be looked at now may be at the next look.
            if let Ok(Some(page)) = look(&listener.page.lookout, listener.followed).await {
                listener.compare(&page, &digest);
            }
        }
    })
}

async fn look(lookout: &Lookout, followed: Followed) -> Result<Option<Arc<PageParts>>, LookError> {
    match followed {
        Followed::Overview => Ok(Some(lookout.page().await?)),
        Followed::Run(id) => Ok(lookout.run_page(id).await?.map(Arc::new)),
    }
}

impl Listener {
    /// Has what changed sent.
    fn compare(&mut self, page: &PageParts, digest: &str) {
        let has = match self.has.take() {
            Some(has) => has,
            // The page was made a moment ago, mostly from the same look.
            None if page.digest() == digest => page.sections.clone(),
            None => Vec::new(),
        };

        for section in &page.sections {
            if !has.contains(section) {
                self.to_send.extend(event(section));
            }
        }
        self.has = Some(page.sections.clone());
    }
}

fn event(section: &PageSection) -> Option<Event> {
    let changed = ChangedSection {
        id: section.id,
        html: &section.html,
    };
    // Texts always have a form in JSON.
    Event::default().event("section").json_data(changed).ok()
}
