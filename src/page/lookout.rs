//! One look for everybody who asks within a second.
//!
//! However many ask, there is one reader of the outbox, beside the service and not through its own
//! connection: uploads never wait for a page.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::blocking::{Stopped, blocking};
use crate::clock;
use crate::config::Config;
use crate::connect::ConnectedServer;
use crate::measures::{SweepMeasures, UploadMeasures};
use crate::moment::Moment;
use crate::outbox::{OpenError, Store, StoreError};
use crate::overview::run_details::RunDetails;
use crate::overview::{self, Overview};
use crate::page::health::RunningService;
use crate::telemetry::RecentWarning;

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
    /// The service is ending.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Looks, and remembers the last look.
pub(super) struct Lookout {
    config: watch::Receiver<Arc<Config>>,
    service: RunningService,
    last: Mutex<Option<Arc<Seen>>>,
}

/// What one look saw.
pub(super) struct Seen {
    /// When.
    pub at: Moment,
    pub overview: Overview,
    /// The configuration that was in force.
    pub config: Arc<Config>,
    pub service: ServiceState,
}

/// How the running service was at that moment.
pub(super) struct ServiceState {
    pub servers: Vec<ConnectedServer>,
    pub uploads: Vec<Arc<UploadMeasures>>,
    pub last_sweep: Option<Arc<SweepMeasures>>,
    /// The newest last.
    pub warnings: Vec<RecentWarning>,
}

impl ServiceState {
    fn of(service: &RunningService) -> Self {
        let measures = service.connections.measures();
        Self {
            servers: service.connections.servers(),
            uploads: measures.uploads(),
            last_sweep: measures.last_sweep(),
            warnings: service.warnings.all(),
        }
    }
}

impl Lookout {
    pub(super) fn new(config: watch::Receiver<Arc<Config>>, service: RunningService) -> Self {
        Self {
            config,
            service,
            last: Mutex::new(None),
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
        let read_with = Arc::clone(&config);
        let overview = blocking(move || overview::look_beside(&read_with)).await??;
        let seen = Arc::new(Seen {
            at: clock::now(),
            overview,
            config,
            service: ServiceState::of(&self.service),
        });
        *last = Some(Arc::clone(&seen));
        Ok(seen)
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
}
