//! One look for everybody who asks within a second.
//!
//! However many ask, there is one reader of the outbox, beside the service and not through its own
//! connection: uploads never wait for a page. What a look saw is rendered once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::blocking::{Stopped, blocking};
use crate::clock;
use crate::config::Config;
use crate::metrics::{self, TextForm};
use crate::moment::Moment;
use crate::outbox::{OpenError, Store, StoreError};
use crate::overview;
use crate::overview::projects;
use crate::overview::run_details::RunDetails;
use crate::page::health::RunningService;
use crate::page::html::{self, PageParts};
use crate::page::project_reader::ProjectReader;
use crate::page::room::RoomReader;
use crate::page::seen::{Buttons, Seen, ServiceSeen};

/// How long a look is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// The outbox cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no text for it.
    #[error("the metrics cannot be written")]
    Text(#[from] std::fmt::Error),
    /// The service is ending.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// What was seen cannot be put into its templates.
    #[error(transparent)]
    Render(#[from] askama::Error),
}

/// Looks, and remembers the last look.
pub(super) struct Lookout {
    config: watch::Receiver<Arc<Config>>,
    service: RunningService,
    projects: ProjectReader,
    room: RoomReader,
    last: Mutex<Option<Arc<Seen>>>,
    /// The first page of the last look that somebody wanted to see.
    rendered: Mutex<Option<(Moment, Arc<PageParts>)>>,
}

impl Lookout {
    pub(super) fn new(config: watch::Receiver<Arc<Config>>, service: RunningService) -> Self {
        Self {
            config,
            service,
            projects: ProjectReader::default(),
            room: RoomReader::default(),
            last: Mutex::new(None),
            rendered: Mutex::new(None),
        }
    }

    /// How things stand, as of less than a second ago.
    ///
    /// # Errors
    /// When the outbox cannot be asked.
    pub(super) async fn look(&self) -> Result<Arc<Seen>, LookError> {
        // Held while it looks, so that those who ask meanwhile get the same answer.
        let mut last = self.last.lock().await;
        let now = clock::now();
        if let Some(seen) = &*last
            && seen.at <= now
            && now.since(seen.at) < GOOD_FOR
        {
            return Ok(Arc::clone(seen));
        }

        let config = Arc::clone(&self.config.borrow());
        let service = ServiceSeen::of(&self.service);
        let roots = match &service.last_sweep {
            Some(sweep) => sweep.projects.clone(),
            None => Vec::new(),
        };
        let files = self.projects.known(&roots, &config);
        let room = self.room.clone();

        let read_with = Arc::clone(&config);
        let (overview, projects, room) = blocking(move || {
            let overview = overview::look_beside(&read_with)?;
            let last_runs = match Store::open_to_read(&read_with.state_dir) {
                Ok(Some(store)) => store.last_runs()?,
                // That it cannot be opened is a problem of the overview already.
                Ok(None) | Err(_) => Vec::new(),
            };
            let projects = projects::states(&roots, &files, &last_runs, &overview.rows);
            Ok::<_, StoreError>((overview, projects, room.of(&read_with)))
        })
        .await??;

        let seen = Arc::new(Seen {
            at: clock::now(),
            overview,
            service,
            projects,
            room,
            zone: clock::zone(),
            buttons: if config.status_page.actions {
                Buttons::WithToken
            } else {
                Buttons::No
            },
            config,
        });
        *last = Some(Arc::clone(&seen));
        Ok(seen)
    }

    /// The first page, as of less than a second ago.
    ///
    /// # Errors
    /// As [`Lookout::look`], and when a template cannot be filled.
    pub(super) async fn page(&self) -> Result<Arc<PageParts>, LookError> {
        let seen = self.look().await?;
        let mut rendered = self.rendered.lock().await;
        if let Some((at, page)) = &*rendered
            && *at == seen.at
        {
            return Ok(Arc::clone(page));
        }

        let page = Arc::new(html::overview(&seen)?);
        *rendered = Some((seen.at, Arc::clone(&page)));
        Ok(page)
    }

    /// How things stand as metrics, with what this process counted.
    ///
    /// # Errors
    /// When the outbox cannot be asked.
    pub(super) async fn metrics(&self, form: TextForm) -> Result<String, LookError> {
        let seen = self.look().await?;
        let measures = self.service.connections.measures();
        // The size of the spool is found by looking at its files.
        let text =
            blocking(move || metrics::of_service(&seen.overview, &seen.config, &measures, form))
                .await?;
        Ok(text?)
    }

    /// Everything that is known of one run; `None` where there is none with this id.
    ///
    /// # Errors
    /// When the outbox cannot be asked.
    pub(super) async fn run(&self, id: i64) -> Result<Option<RunDetails>, LookError> {
        let state_dir = self.config.borrow().state_dir.clone();
        blocking(move || match Store::open_to_read(&state_dir)? {
            Some(store) => Ok(RunDetails::read(&store, id)?),
            None => Ok(None),
        })
        .await?
    }

    /// The page of one run; `None` where there is none with this id.
    ///
    /// # Errors
    /// As [`Lookout::run`], and when a template cannot be filled.
    pub(super) async fn run_page(&self, id: i64) -> Result<Option<PageParts>, LookError> {
        let Some(details) = self.run(id).await? else {
            return Ok(None);
        };
        let seen = self.look().await?;
        Ok(Some(html::run(&details, &seen)?))
    }
}
