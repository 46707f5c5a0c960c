//! Says which Katalon projects there are: in the log, each once where a sweep finds few, and in the
//! outbox how many, for whoever reads beside the service.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::outbox::{Outbox, StoreError};

/// Projects of one sweep that are named in the log: whoever writes a checkout could fill it.
const MOST: usize = 20;

/// The projects that were told of.
#[derive(Default)]
pub(super) struct FoundProjects {
    /// Those that were announced in the log and are there.
    announced: HashSet<PathBuf>,
    /// How many the outbox says there are.
    noted: Option<usize>,
}

impl FoundProjects {
    /// Tells of the projects that a sweep found.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn tell(
        &mut self,
        outbox: &Outbox,
        projects: &[PathBuf],
    ) -> Result<(), StoreError> {
        let mut new = 0;
        for project in projects {
            if !self.announced.insert(project.clone()) {
                continue;
            }
            new += 1;
            if new <= MOST {
                tracing::info!(project = %project.display(), "found a Katalon project");
            }
        }
        if new > MOST {
            tracing::info!(projects = new - MOST, "found more Katalon projects");
        }

        // One that comes back is announced again.
        let there: HashSet<&PathBuf> = projects.iter().collect();
        self.announced.retain(|project| there.contains(project));

        let count = self.announced.len();
        if self.noted != Some(count) {
            outbox.with(move |store| store.note_projects(count)).await?;
            self.noted = Some(count);
        }
        Ok(())
    }
}
