//! Reads the files of projects for the page: one project after the other and each from time to
//! time, because one may have thousands of test cases. Nothing is read while nobody looks.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::locked::locked;
use crate::overview::projects::ProjectContent;

/// How long what was read of a project is good for.
const GOOD_FOR: Duration = Duration::from_secs(5 * 60);
/// Nobody looks any more when nobody has for so long.
const GONE_AFTER: Duration = Duration::from_secs(20);
/// Pause between two projects: this is nobody's hurry.
const PAUSE: Duration = Duration::from_millis(20);

/// What was read, and what is to be read; clones share it.
#[derive(Clone, Default)]
pub(super) struct ProjectReader(Arc<Mutex<ProjectsRead>>);

#[derive(Default)]
struct ProjectsRead {
    /// `None` of a project that could not be read.
    read: HashMap<PathBuf, (Stopwatch, Option<ProjectContent>)>,
    /// Those that somebody wants to see, and since when.
    wanted: Vec<PathBuf>,
    asked: Option<Stopwatch>,
    is_running: bool,
}

impl ProjectReader {
    /// What was read of these projects; what is missing or old is read from now on.
    pub(super) fn known(
        &self,
        roots: &[PathBuf],
        config: &Arc<Config>,
    ) -> HashMap<PathBuf, ProjectContent> {
        let mut reading = locked(&self.0);
        let wanted: HashSet<&PathBuf> = roots.iter().collect();
        reading.read.retain(|root, _| wanted.contains(root));
        reading.wanted = roots.to_vec();
        reading.asked = Some(Stopwatch::start());

        if !reading.is_running && reading.next().is_some() {
            reading.is_running = true;
            tokio::spawn(self.clone().read_all(Arc::clone(config)));
        }

        let mut known = HashMap::new();
        for (root, (_, files)) in &reading.read {
            if let Some(files) = files {
                known.insert(root.clone(), files.clone());
            }
        }
        known
    }

    /// Reads until nothing is left to read, or until nobody looks any more.
    async fn read_all(self, config: Arc<Config>) {
        while let Some(root) = self.next_or_end() {
            let config = Arc::clone(&config);
            let read = blocking(move || {
                let files = ProjectContent::read(&root, &config);
                (root, files)
            });
            // The service is ending.
            let Ok((root, files)) = read.await else {
                return;
            };

            let read = (Stopwatch::start(), files);
            locked(&self.0).read.insert(root, read);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is to be read next; with the answer that nothing is, this reader has ended.
    fn next_or_end(&self) -> Option<PathBuf> {
        let mut reading = locked(&self.0);
        let is_watched = reading
            .asked
            .is_some_and(|asked| asked.elapsed() < GONE_AFTER);
        let next = if is_watched { reading.next() } else { None };
        reading.is_running = next.is_some();
        next
    }
}

impl ProjectsRead {
    fn next(&self) -> Option<PathBuf> {
        let next = self.wanted.iter().find(|root| match self.read.get(*root) {
            Some((since, _)) => since.elapsed() >= GOOD_FOR,
            None => true,
        })?;
        Some(next.clone())
    }
}
