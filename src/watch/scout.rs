//! Remembers every run folder that is not settled, and says which runs are over.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::discovery::folder_answer::{AnsweredFolder, FolderAnswer};
use crate::discovery::settled::{Ageing, FolderDigest, Settled};
use crate::discovery::tracker::{Assessment, BETWEEN_LOOKS, Observation};
use crate::door;
use crate::file_names::key;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::watch::LIVELY;
use crate::watch::followed::FollowedFolder;
use crate::watch::hints::Sessions;
use crate::watch::known_sessions::{KnownSession, KnownSessions, WalkExtent};
use crate::watch::look::{FolderMemory, fingerprint};
use crate::watch::look_rules::LookRules;
use crate::watch::project_roots::ProjectRoots;
use crate::watch::readings::{Reached, Readings, stuck};
use crate::watch::seen::{FinishedFolder, FoundFolders, SeenFolders};
use crate::watch::walk::{Survey, WalkResult, changed_runs, runs_below, survey_changes};
use crate::workspace::{self, FolderListing, RunReader};

/// How old a new folder may be when its events are on their way.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// Follows the run folders of all projects.
#[derive(Default)]
pub(crate) struct Scout {
    settled: Settled,
    /// Folders whose run is in the outbox and decided anew, by their keys: that it is older than
    /// the history by now is for its row to say.
    reconsidered: HashSet<String>,
    followed: HashMap<PathBuf, FollowedFolder>,
    /// The projects that the last walk found.
    projects: ProjectRoots,
    /// What was seen of the sessions since the last walk.
    sessions: Sessions,
    /// Sessions that the next walk need not list where nothing in them has changed.
    known: Arc<KnownSessions>,
    /// How those looked before that the last walk listed, until it is seen what lies in them.
    looks_before: Vec<KnownSession>,
    /// Whether folders changed that did not say so by their times.
    distrusts_times: bool,
    reader: Arc<RunReader>,
    readings: Readings<Look>,
}

/// A look that is over: the memory that it was lent, and what it saw.
type Look = (FolderMemory, io::Result<Observation>);

impl Scout {
    /// A scout that knows which folders were settled before.
    pub(crate) fn new(settled: Settled) -> Self {
        Self {
            settled,
            ..Self::default()
        }
    }

    /// Who reads the run folders, and knows the logs that were parsed for the looks.
    pub(crate) fn reader(&self) -> Arc<RunReader> {
        Arc::clone(&self.reader)
    }

    /// Finds the run folders below `roots`, without a look into them. Where only changes are listed
    /// not those in sessions in which nothing has changed since all of them were settled.
    ///
    /// A file system that does not answer costs what lies on it: the thread that asks it is left
    /// behind, and the walk begins anew without that.
    pub(crate) fn find(
        &mut self,
        roots: &[PathBuf],
        rules: &LookRules,
        extent: WalkExtent,
        now: Moment,
    ) -> FoundFolders {
        self.forget_open_sessions(rules);
        let taken = Stopwatch::start();
        let WalkResult {
            survey,
            unchanged,
            looks_before,
            are_times_true,
        } = answered_survey(roots, &self.known, extent, now);
        let took = taken.elapsed();
        let Survey {
            projects,
            folders,
            problems,
        } = survey;

        self.readings.begin_round();
        self.projects = ProjectRoots::new(&projects);
        self.looks_before = looks_before;
        self.distrusts_times |= !are_times_true;
        self.sessions = Sessions::default();
        Arc::make_mut(&mut self.known).retain(|session, _| unchanged.contains(&session));
        for (session, runs) in self.known.iter() {
            if !runs.is_empty() {
                self.sessions.with_runs.insert(session);
            }
        }

        let mut gone = Vec::new();
        self.followed.retain(|folder, followed| {
            // What was closed may be open again soon, and its run is not over before.
            let is_there = folders.binary_search(folder).is_ok() || problems.may_hide(folder);
            if !is_there {
                followed.tell_loss(folder);
                self.readings.forget(folder);
                self.reader.forget(folder);
                gone.push(folder.clone());
            }
            is_there
        });
        FoundFolders {
            projects,
            folders,
            unchanged: unchanged.len(),
            gone,
            problems,
            took,
        }
    }

    /// Has the next walk list the sessions in which something is to be looked at although nothing
    /// has changed: what is not settled, or is settled by rules that no longer hold.
    fn forget_open_sessions(&mut self, rules: &LookRules) {
        let known = Arc::make_mut(&mut self.known);
        known.retain(|_, runs| {
            runs.iter().all(|run| {
                let settled = self.settled.get(*run);
                settled.is_some_and(|settled| rules.leave_alone(settled))
            })
        });

        for folder in self.followed.keys() {
            if let Some(session) = self.projects.session_of(folder) {
                known.forget(FolderDigest::of(&key(&session)));
            }
        }
    }

    /// Takes note that everything was looked at which the last walk found. What is lively is listed
    /// by each walk, because how young its files are decides whether it is watched.
    pub(crate) fn remember_sessions(&mut self) {
        if self.distrusts_times {
            self.looks_before = Vec::new();
            return;
        }

        let mut lively = HashSet::new();
        for session in &self.sessions.lively {
            lively.insert(FolderDigest::of(&key(session)));
        }

        let mut looks = std::mem::take(&mut self.looks_before);
        looks.retain(|known| !lively.contains(&known.session()));
        Arc::make_mut(&mut self.known).add(looks);
    }

    /// The run folders in these sessions; `None` where only a walk through everything tells,
    /// because one is gone or something in it is not seen.
    pub(crate) fn find_in_sessions(&self, sessions: &BTreeSet<PathBuf>) -> Option<Vec<PathBuf>> {
        let mut found = Vec::new();
        for session in sessions {
            let project = self.projects.project_of(session)?.to_owned();
            let below = session.strip_prefix(&project).ok()?.to_owned();

            let runs = door::answered(move || runs_below(&project, &below)).ok()?;
            found.extend(runs?);
        }
        Some(found)
    }

    /// The sessions of known projects that these paths lie in; `None` where one lies elsewhere.
    pub(crate) fn sessions_of(&self, paths: &[PathBuf]) -> Option<BTreeSet<PathBuf>> {
        paths
            .iter()
            .map(|path| self.projects.session_of(path))
            .collect()
    }

    /// What is known of the sessions that the last walk found.
    pub(crate) fn sessions(&self) -> Sessions {
        let mut sessions = self.sessions.clone();
        for folder in self.followed.keys() {
            sessions.lively.extend(self.projects.session_of(folder));
        }
        sessions
    }

    /// Takes note of a run folder whose newest file is of then.
    fn note_session(&mut self, folder: &Path, newest: Option<Moment>, now: Moment) {
        let Some(session) = self.projects.session_of(folder) else {
            return;
        };
        self.sessions
            .with_runs
            .insert(FolderDigest::of(&key(&session)));

        // A copy of an old run has young files.
        let ended = self.settled.older(&key(folder));
        let is_of_long_ago = ended.is_some_and(|ended| now.since(ended) >= LIVELY);
        let is_young = newest.is_none_or(|newest| now.since(newest) < LIVELY);
        if is_young && !is_of_long_ago {
            self.sessions.lively.insert(session);
        }
    }

    /// The folders that are followed: those whose run is not decided.
    pub(crate) fn followed(&self) -> Vec<PathBuf> {
        self.followed.keys().cloned().collect()
    }

    /// The followed folders with a run in one of these states, as the last look at each saw it.
    pub(crate) fn followed_in(&self, states: &[RunState]) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        for (folder, followed) in &self.followed {
            let last = followed.last_assessment;
            if last.is_some_and(|(state, _)| states.contains(&state)) {
                folders.insert(folder.clone());
            }
        }
        folders
    }

    /// Looks at these folders.
    pub(crate) fn look(
        &mut self,
        folders: &[PathBuf],
        rules: &LookRules,
        now: Moment,
    ) -> SeenFolders {
        let mut seen = SeenFolders::default();
        for folder in folders {
            self.look_at(folder, rules, now, &mut seen);
        }
        seen
    }

    /// Looks at what nobody knew of in the projects of runs that are over: no event tells of a run
    /// in a session of long ago, and one that ended earlier has to be recorded before a newer one.
    pub(crate) fn look_beside(&mut self, rules: &LookRules, now: Moment, seen: &mut SeenFolders) {
        let mut projects = BTreeSet::new();
        for finished in &seen.due {
            projects.extend(
                self.projects
                    .project_of(&finished.folder)
                    .map(Path::to_owned),
            );
        }

        for project in projects {
            let known = Arc::clone(&self.known);
            let runs = door::answered(move || changed_runs(&project, &known, now));
            // What does not answer is told by the sweep.
            for folder in runs.unwrap_or_default() {
                if !self.followed.contains_key(&folder) && !self.settled.contains(&key(&folder)) {
                    self.look_at(&folder, rules, now, seen);
                }
            }
        }
    }

    /// Whether all these paths lie in folders that are followed already, so that no sweep over
    /// everything is needed.
    pub(crate) fn follows(&self, paths: &[PathBuf]) -> bool {
        paths.iter().all(|path| {
            path.ancestors()
                .any(|folder| self.followed.contains_key(folder))
        })
    }

    /// Whether a folder was decided and is not followed any more.
    pub(crate) fn is_settled(&self, folder: &Path) -> bool {
        self.settled.contains(&key(folder)) && !self.followed.contains_key(folder)
    }

    /// Remembers that a folder is decided while it looks like this; gives what is known of it.
    pub(crate) fn settle(
        &mut self,
        folder: &Path,
        fingerprint: u64,
        answer: FolderAnswer,
    ) -> AnsweredFolder {
        let older = match answer {
            FolderAnswer::Older { ended } => Some(ended),
            _ => None,
        };
        let answered = AnsweredFolder {
            settled: Some(fingerprint),
            ..self.answered(folder, answer)
        };

        self.stop_following(folder);
        let key = key(folder);
        self.reconsidered.remove(&key);
        self.settled.settle(&key, fingerprint, older);
        answered
    }

    /// Has folders decided anew, by their keys; the runs of some of them are in the outbox.
    pub(crate) fn reconsider(&mut self, keys: Vec<String>) {
        for key in keys {
            self.settled.unsettle(&key);
            self.reconsidered.insert(key);
        }
    }

    /// Whether a folder was decided, by its key.
    pub(crate) fn was_decided(&self, key: &str) -> bool {
        self.settled.contains(key)
    }

    /// Takes note of why the run of a followed folder is not recorded yet.
    pub(crate) fn note(&mut self, folder: &Path, answer: FolderAnswer) {
        if let Some(followed) = self.followed.get_mut(folder) {
            followed.answer = Some(answer);
        }
    }

    /// What is known of the folders that are followed.
    pub(crate) fn open_answers(&self) -> Vec<AnsweredFolder> {
        let mut open = Vec::new();
        for (folder, followed) in &self.followed {
            if let Some(answer) = &followed.answer {
                open.push(self.answered(folder, answer.clone()));
            }
        }
        open
    }

    /// What is known of a folder that is not settled.
    fn answered(&self, folder: &Path, answer: FolderAnswer) -> AnsweredFolder {
        let followed = self.followed.get(folder);
        AnsweredFolder {
            folder: folder.to_owned(),
            project: self.projects.project_of(folder).map(Path::to_owned),
            run: followed.and_then(|followed| followed.memory.run().cloned()),
            answer,
            settled: None,
        }
    }

    /// Takes note of which settled folders are there: `folders`, which [`Scout::find`] found at
    /// `now`, and those in unchanged sessions.
    pub(crate) fn age(&mut self, folders: &[PathBuf], now: Moment) -> Ageing {
        let mut there = HashSet::new();
        for folder in folders {
            there.insert(FolderDigest::of(&key(folder)));
        }
        for (_, runs) in self.known.iter() {
            there.extend(runs);
        }
        self.settled.age(&there, now)
    }

    /// Who shares the time of a folder: its project.
    pub(crate) fn project_or_parent(&self, folder: &Path) -> PathBuf {
        let project = self.projects.project_of(folder).or_else(|| folder.parent());
        project.unwrap_or(folder).to_owned()
    }

    fn stop_following(&mut self, folder: &Path) {
        self.readings.forget(folder);
        self.followed.remove(folder);
        self.reader.forget(folder);
    }

    fn look_at(&mut self, folder: &Path, rules: &LookRules, now: Moment, seen: &mut SeenFolders) {
        let under_way = self.readings.take(folder);
        if let Some(reached) = under_way {
            return self.take_in(folder, reached, rules, now, seen);
        }
        let project = self.project_or_parent(folder);
        if let Some(obstacle) = self.readings.obstacle(&project) {
            return self.take_in(folder, Ok(obstacle), rules, now, seen);
        }

        let listing = match self.list(folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.lose(folder, seen),
            Err(error) => return self.complain(folder, &error, seen),
        };

        // An agent keeps the runs of years. Of a settled one nothing but the listing is read.
        let key = key(folder);
        if let Some(settled) = self.settled.get_if_unchanged(&key, fingerprint(&listing))
            && rules.leave_alone(settled)
        {
            self.stop_following(folder);
            return self.note_session(folder, listing.newest(), now);
        }

        if !self.followed.contains_key(folder) {
            let oldest = listing.oldest().unwrap_or(now);
            let age = now.since(oldest);
            // Nobody listens for what changes in a run of long ago.
            seen.totals.unheard += usize::from(age > HEARD_WITHIN && age < LIVELY);
            seen.new.push((folder.to_owned(), oldest));
        }

        seen.totals.read += 1;
        let rules = self.rules_for(&key, rules);
        let newest = listing.newest();
        let reached = self.begin_look(folder, &project, listing, &rules, now);
        self.take_in(folder, reached, &rules, now, seen);
        self.note_session(folder, newest, now);
    }

    /// A folder is gone. That is no fault of anybody: a workspace may be wiped at any moment.
    fn lose(&mut self, folder: &Path, seen: &mut SeenFolders) {
        if let Some(followed) = self.followed.get(folder) {
            followed.tell_loss(folder);
        }
        self.stop_following(folder);
        seen.gone.push(folder.to_owned());
    }

    fn is_gone(&self, folder: &Path) -> bool {
        let listed = self.list(folder);
        listed.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    }

    /// Lists a run folder, where its file system answers.
    fn list(&self, folder: &Path) -> io::Result<FolderListing> {
        // A thread costs more than a listing. Of one that is settled, which are nearly all, the
        // walk has just listed the folder, so its file system answers.
        if self.settled.contains(&key(folder)) {
            return workspace::list_run_folder(folder);
        }
        let folder = folder.to_owned();
        door::answered(move || workspace::list_run_folder(&folder))?
    }

    /// What became of a folder whose run is in the outbox is for its row to say, also where it is
    /// older than the history by now.
    fn rules_for(&self, key: &str, rules: &LookRules) -> LookRules {
        let mut rules = rules.clone();
        if self.reconsidered.contains(key) {
            rules.history_begins = None;
        }
        rules
    }

    /// Has a folder looked at on a thread of its own.
    fn begin_look(
        &mut self,
        folder: &Path,
        project: &Path,
        listing: FolderListing,
        rules: &LookRules,
        now: Moment,
    ) -> io::Result<Reached<Look>> {
        let followed = self.followed.entry(folder.to_owned()).or_default();
        let mut memory = std::mem::take(&mut followed.memory);
        let reader = Arc::clone(&self.reader);
        let path = folder.to_owned();
        let rules = rules.clone();

        self.readings.begin(folder, project, move || {
            let observation = memory.look(&path, &listing, &reader, &rules, now);
            (memory, observation)
        })
    }

    /// Takes in what became of a look.
    fn take_in(
        &mut self,
        folder: &Path,
        reached: io::Result<Reached<Look>>,
        rules: &LookRules,
        now: Moment,
        seen: &mut SeenFolders,
    ) {
        match reached {
            Ok(Reached::Done((memory, observed))) => {
                self.followed.entry(folder.to_owned()).or_default().memory = memory;
                match observed {
                    Ok(observation) => self.assess(folder, &observation, rules, seen),
                    // It may have vanished between its listing and its reading.
                    Err(_) if self.is_gone(folder) => self.lose(folder, seen),
                    Err(error) => self.complain(folder, &error, seen),
                }
            }

            Ok(Reached::Later) => {
                seen.totals.postponed.push(folder.to_owned());
                seen.totals.look_again_at(Some(now.plus(BETWEEN_LOOKS)));
                if let Some(followed) = self.followed.get_mut(folder) {
                    followed.answer = Some(FolderAnswer::Waiting {
                        reason: "reading its files takes long".to_owned(),
                    });
                }
            }

            Ok(Reached::Stuck) => self.complain(folder, &stuck(), seen),
            Err(error) => self.complain(folder, &error, seen),
        }
    }

    /// Takes in what a look at a folder saw.
    fn assess(
        &mut self,
        folder: &Path,
        observation: &Observation,
        rules: &LookRules,
        seen: &mut SeenFolders,
    ) {
        // A run from before the history is settled at its first look, without its project being
        // read: there may be thousands of them.
        let fingerprint = observation.fingerprint;
        if let Some(ended) = observation.ended
            && rules.is_history(Some(ended))
        {
            let settled = self.settle(folder, fingerprint, FolderAnswer::Older { ended });
            return seen.remembered.push(settled);
        }

        let followed = self.followed.entry(folder.to_owned()).or_default();
        let assessment = followed.tracker.observe(observation, rules.abort_after);
        let Assessment { state, due, .. } = assessment;
        if followed.last_assessment.replace((state, due)) != Some((state, due)) {
            tracing::debug!(folder = %folder.display(), ?state, due, "judged a run folder");
        }
        followed.answer = Some(answer_of(state));

        let finished = FinishedFolder {
            folder: folder.to_owned(),
            state,
            ended: observation.ended.unwrap_or(observation.newest),
            noticed: assessment.noticed,
            fingerprint,
        };
        seen.add(finished, &assessment);
    }

    /// Says once that a folder cannot be read. One broken folder costs only itself.
    fn complain(&mut self, folder: &Path, error: &std::io::Error, seen: &mut SeenFolders) {
        seen.totals.unread.push(folder.to_owned());
        let followed = self.followed.entry(folder.to_owned()).or_default();
        followed.answer = Some(FolderAnswer::Unread {
            reason: format!("the run folder cannot be read: {error}"),
        });
        if !followed.complained {
            followed.complained = true;
            let folder = folder.display();
            tracing::warn!(%folder, %error, "a run folder cannot be read; it is looked at again");
        }
    }
}

/// Walks through the watched folders, as often as it takes to know what does not answer.
fn answered_survey(
    roots: &[PathBuf],
    known: &Arc<KnownSessions>,
    extent: WalkExtent,
    now: Moment,
) -> WalkResult {
    loop {
        let roots = roots.to_vec();
        let known = Arc::clone(known);
        match door::answered(move || survey_changes(&roots, &known, extent, now)) {
            Ok(walked) => return walked,
            // Two of them make a whole folder of the watched folder silent, so this comes to an
            // end.
            Err(silent) => tracing::warn!(error = %silent, "the search goes on without it"),
        }
    }
}

/// What is known of a folder whose run is in this state and not recorded yet.
fn answer_of(state: RunState) -> FolderAnswer {
    match state {
        RunState::Queued | RunState::Running => FolderAnswer::Running,
        RunState::Finished | RunState::Crashed => FolderAnswer::Waiting {
            reason: "the run is over, and its reports get a little time".to_owned(),
        },
        RunState::Aborted => FolderAnswer::Waiting {
            reason: "the run seems to be aborted".to_owned(),
        },
    }
}

#[cfg(all(test, unix))]
mod tests;
