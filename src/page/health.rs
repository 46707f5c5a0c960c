//! Whether the process turns, and whether it can do its work: for whoever starts it anew.

use std::sync::Arc;

use crate::connect::Connections;
use crate::outbox::Outbox;
use crate::overview::{Overview, ProblemKind};
use crate::telemetry::RecentWarnings;

/// Whether the service turns: who knows it stands above the page.
pub(crate) trait SignsOfLife: Send + Sync {
    /// Whether both halves of the service have turned lately.
    fn turns(&self) -> bool;
}

/// What only the running service knows of itself. Asking for it asks nobody else.
#[derive(Clone)]
pub(crate) struct RunningService {
    pub signs: Arc<dyn SignsOfLife>,
    /// Where the buttons leave what they ask for.
    pub outbox: Outbox,
    /// The servers that it speaks to, and what was measured of that.
    pub connections: Arc<Connections>,
    /// What it said last that somebody should know.
    pub warnings: RecentWarnings,
}

/// Why the service cannot do its work: what it watches, where it records, and who it is. Runs that
/// wait or need a person are no reason, because starting it anew would not help them.
pub(super) fn reasons(overview: &Overview) -> Vec<String> {
    let mut reasons = Vec::new();
    for problem in &overview.status.problems {
        if matches!(
            problem.kind,
            ProblemKind::Folder
                | ProblemKind::Disk
                | ProblemKind::Outbox
                | ProblemKind::Service
                | ProblemKind::Credentials
        ) {
            reasons.push(problem.text.clone());
        }
    }
    reasons
}
