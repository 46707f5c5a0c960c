//! Remembers every run folder that is not settled, and says which runs are over.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::discovery::settled::{Ageing, Settled};
use crate::discovery::tracker::{Assessment, GRACE, Tracker};
use crate::file_names::key;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::watch::look::{Memory, fingerprint};
use crate::watch::look_rules::LookRules;
use crate::watch::walk::{find_projects, find_runs, has_linked_reports};
use crate::workspace;

/// Follows the run folders of all projects.
#[derive(Default)]
pub struct Scout {
    settled: Settled,
    followed: HashMap<PathBuf, Followed>,
    /// Projects whose `Reports` is a link; each is told of once.
    linked: HashSet<PathBuf>,
}

#[derive(Default)]
struct Followed {
    tracker: Tracker,
    memory: Memory,
    look_again: Option<Moment>,
    /// What the last look made of it, and whether it was due.
    judged: Option<(RunState, bool)>,
    complained: bool,
}

/// What a walk through the watched folders found.
#[derive(Debug, Default)]
pub struct FoundFolders {
    /// The projects that are there.
    pub projects: Vec<PathBuf>,
    /// All run folders in them.
    pub folders: Vec<PathBuf>,
    /// Folders that were followed and are gone.
    pub gone: Vec<PathBuf>,
}

/// What looks at run folders saw.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Folders that are followed from now on, with the time of their oldest file.
    pub new: Vec<(PathBuf, Moment)>,
    /// Runs that are over and due.
    pub over: Vec<FinishedFolder>,
    /// When a look is worth while before the next sweep.
    pub look_again: Option<Moment>,
    /// Folders of runs that ended before the history begins, and how they looked; they are settled.
    pub remembered: Vec<(String, u64)>,
    /// Runs that are over and wait for their grace time.
    pub in_grace: Vec<FinishedFolder>,
    /// Folders that were followed and are gone.
    pub gone: Vec<PathBuf>,
    /// How many folders were not settled, so that their logs were read as far as they are new.
    pub read: usize,
}

/// A run that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FinishedFolder {
    /// Its folder.
    pub folder: PathBuf,
    /// Finished, crashed or aborted.
    pub state: RunState,
    /// How the folder looked.
    pub fingerprint: u64,
    /// Whether it is due at the next look if nothing changes: it is whole and has been still for
    /// long.
    pub due_next: bool,
}

impl Sweep {
    /// Adds a folder as the tracker judges it; what is no run that is over is only looked at again.
    fn add(&mut self, over: FinishedFolder, assessment: &Assessment) {
        match assessment.state {
            _ if assessment.due => self.over.push(over),
            RunState::Finished | RunState::Crashed => self.in_grace.push(over),
            RunState::Queued | RunState::Running | RunState::Aborted => {}
        }
        // Also what is over is looked at again, until it is settled.
        self.look_again = self
            .look_again
            .into_iter()
            .chain([assessment.look_again])
            .min();
    }

    /// Adds what another look saw; what was recorded of it already is not in there any more.
    pub fn absorb(&mut self, other: Self) {
        self.new.extend(other.new);
        self.over.extend(other.over);
        self.remembered.extend(other.remembered);
        self.in_grace.extend(other.in_grace);
        self.gone.extend(other.gone);
        self.read += other.read;
        self.look_again = [self.look_again, other.look_again]
            .into_iter()
            .flatten()
            .min();
    }
}

impl Scout {
    /// A scout that knows which folders were settled before.
    pub fn new(settled: Settled) -> Self {
        Self {
            settled,
            followed: HashMap::new(),
            linked: HashSet::new(),
        }
    }

    /// Finds all run folders below `roots`, without a look into them.
    pub fn find(&mut self, roots: &[PathBuf]) -> FoundFolders {
        let projects = find_projects(roots);
        self.tell_linked(&projects);
        let folders: BTreeSet<PathBuf> = projects
            .iter()
            .flat_map(|project| find_runs(project))
            .collect();
        let gone = self
            .followed
            .keys()
            .filter(|folder| !folders.contains(*folder))
            .cloned()
            .collect();
        self.followed.retain(|folder, _| folders.contains(folder));
        FoundFolders {
            projects,
            folders: folders.into_iter().collect(),
            gone,
        }
    }

    /// Says once for each project that its runs lie behind a link, which is not followed.
    fn tell_linked(&mut self, projects: &[PathBuf]) {
        let linked: HashSet<PathBuf> = projects
            .iter()
            .filter(|project| has_linked_reports(project))
            .cloned()
            .collect();
        for project in linked.difference(&self.linked) {
            tracing::warn!(
                project = %project.display(),
                "`Reports` of this project is a link, which kado does not follow: its runs are not submitted; make it a \
                 folder, or mount the other one there"
            );
        }
        self.linked = linked;
    }

    /// The folders that are followed: those whose run is not decided.
    pub fn followed(&self) -> Vec<PathBuf> {
        self.followed.keys().cloned().collect()
    }

    /// Looks at these folders.
    pub fn look(&mut self, folders: &[PathBuf], rules: &LookRules, now: Moment) -> Sweep {
        let mut sweep = Sweep::default();
        for folder in folders {
            self.look_at(folder, rules, now, &mut sweep);
        }
        sweep
    }

    /// Whether all these paths lie in folders that are followed already, so that no sweep over
    /// everything is needed.
    pub fn follows(&self, paths: &[PathBuf]) -> bool {
        paths.iter().all(|path| {
            path.ancestors()
                .any(|folder| self.followed.contains_key(folder))
        })
    }

    /// Whether a folder was decided and is not followed any more.
    pub fn is_settled(&self, folder: &Path) -> bool {
        self.settled.contains(&key(folder)) && !self.followed.contains_key(folder)
    }

    /// Remembers that a folder is decided while it looks like this; gives the key by which it is
    /// remembered.
    pub fn settle(&mut self, folder: &Path, fingerprint: u64) -> String {
        self.followed.remove(folder);
        let key = key(folder);
        self.settled.settle(key.clone(), fingerprint);
        key
    }

    /// Takes note of which settled folders are there: `folders` are all that [`Scout::find`] found
    /// at `now`.
    pub fn age(&mut self, folders: &[PathBuf], now: Moment) -> Ageing {
        self.settled
            .age(&folders.iter().map(|folder| key(folder)).collect(), now)
    }

    fn look_at(&mut self, folder: &Path, rules: &LookRules, now: Moment, sweep: &mut Sweep) {
        let listing = match workspace::list_run_folder(folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.followed.remove(folder);
                return sweep.gone.push(folder.to_owned());
            }
            Err(error) => return self.complain(folder, &error),
        };
        if self.settled.holds(&key(folder), fingerprint(&listing)) {
            self.followed.remove(folder);
            return;
        }
        if !self.followed.contains_key(folder) {
            sweep
                .new
                .push((folder.to_owned(), listing.oldest().unwrap_or(now)));
        }
        sweep.read += 1;
        let followed = self.followed.entry(folder.to_owned()).or_default();
        let seen = match followed.memory.look(folder, &listing, rules, now) {
            Ok(seen) => seen,
            Err(error) => return self.complain(folder, &error),
        };
        if rules.is_history(seen.ended) {
            return sweep
                .remembered
                .push((self.settle(folder, seen.fingerprint), seen.fingerprint));
        }
        let assessment = followed.tracker.observe(&seen, rules.abort_after);
        followed.look_again = Some(assessment.look_again);
        let (state, due) = (assessment.state, assessment.due);
        if followed.judged.replace((state, due)) != Some((state, due)) {
            tracing::debug!(folder = %folder.display(), ?state, due, "judged a run folder");
        }
        let over = FinishedFolder {
            folder: folder.to_owned(),
            state: assessment.state,
            fingerprint: seen.fingerprint,
            due_next: (seen.junit_complete || seen.reports_come_late)
                && now.since(seen.newest) > GRACE,
        };
        sweep.add(over, &assessment);
    }

    /// One broken folder costs only itself, and is told once.
    fn complain(&mut self, folder: &Path, error: &std::io::Error) {
        let followed = self.followed.entry(folder.to_owned()).or_default();
        if !std::mem::replace(&mut followed.complained, true) {
            tracing::warn!(folder = %folder.display(), %error, "a run folder cannot be read; it is looked at again");
        }
    }
}
