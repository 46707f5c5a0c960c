//! What one look saw: values alone, for whoever puts them into words.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::Config;
use crate::connect::ConnectedServer;
use crate::measures::{SweepMeasures, UploadMeasures};
use crate::moment::Moment;
use crate::overview::Overview;
use crate::overview::projects::ProjectState;
use crate::page::health::RunningService;
use crate::page::room::Room;
use crate::telemetry::RecentWarning;

/// Whether the page has buttons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Buttons {
    /// `status_page.actions` is off: only the commands stand there.
    No,
    /// They work for whoever has the page's token.
    WithToken,
}

/// What one look saw.
pub(super) struct Seen {
    /// When.
    pub at: Moment,
    pub overview: Overview,
    /// The configuration that was in force.
    pub config: Arc<Config>,
    pub service: ServiceSeen,
    /// Those that the last sweep found.
    pub projects: Vec<ProjectState>,
    pub room: Room,
    /// The zone of this machine.
    pub zone: TimeZone,
    pub buttons: Buttons,
}

/// How the running service was at that moment.
pub(super) struct ServiceSeen {
    pub servers: Vec<ConnectedServer>,
    pub uploads: Vec<Arc<UploadMeasures>>,
    pub last_sweep: Option<Arc<SweepMeasures>>,
    /// The newest last.
    pub warnings: Vec<RecentWarning>,
}

impl ServiceSeen {
    pub(super) fn of(service: &RunningService) -> Self {
        let measures = service.connections.measures();
        Self {
            servers: service.connections.servers(),
            uploads: measures.uploads(),
            last_sweep: measures.last_sweep(),
            warnings: service.warnings.all(),
        }
    }
}
