//! From a run folder that is over to submissions in the outbox, with copies of its files in the
//! spool.
//!
//! As soon as a suite has ended its run is taken in and held, and its files are copied; the grace
//! time keeps both up to date. Should the workspace be wiped meanwhile, the grace time ends and
//! what is held is recorded (invariant I8).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blocking::{Stopped, blocking, contained};
use crate::clock;
use crate::config::Config;
use crate::connect::SeenTokens;
use crate::discovery::claim::KnownCommands;
use crate::discovery::eligibility::{Eligibility, Rules, RunToJudge, decide};
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::{self, FinishedRun, IntakeError};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::new_run::{Occasion, RecordOutcome};
use crate::outbox::{Outbox, StoreError};
use crate::record::collections::{CollectionProgress, PendingCollections};
use crate::record::commands;
use crate::record::copies::{Files, copy};
use crate::record::store::store;
use crate::spool::Used;
use crate::watch::{FinishedFolder, Scout};
use crate::workspace::{CollectionFolder, ReadError};

/// Records runs that are over.
pub(crate) struct Recorder {
    outbox: Outbox,
    first_seen: Moment,
    held: HashMap<PathBuf, RunInGrace>,
    complained: HashSet<PathBuf>,
    gatherer: PendingCollections,
    /// Projects of which it was said that Katalon may submit their runs as well.
    told_of_katalon: HashSet<String>,
    tokens: Arc<SeenTokens>,
    spool_used: Used,
}

/// A run in its grace time.
struct RunInGrace {
    taken: FinishedRun,
    /// The collection that it is part of, where that is to be one run.
    collection: Option<CollectionFolder>,
    state: RunState,
    fingerprint: u64,
    /// Its folder vanished.
    gone: bool,
}

/// Whether a run that is over needs another look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Handling {
    /// It is recorded, or will never be.
    Settled,
    /// It is kept until its collection has ended.
    Gathered,
    /// Its project is being changed at this moment.
    NotYet,
}

/// Which collections are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    /// All of them.
    Everything,
    /// All of them, but only when there is news of one.
    News,
}

/// What became of the collections that are one run.
#[derive(Debug, Default)]
pub(crate) struct RecordedCollections {
    /// New submissions.
    pub submissions: Vec<i64>,
    /// Run folders that need not be looked at again.
    pub folders: Vec<PathBuf>,
}

impl Recorder {
    /// A recorder for an outbox; `first_seen` is when kado first saw this machine. Tokens of
    /// projects that it comes across are added to `tokens`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub(crate) async fn new(
        outbox: Outbox,
        first_seen: Moment,
        tokens: Arc<SeenTokens>,
    ) -> Result<Self, StoreError> {
        let gatherer = PendingCollections::load(outbox.clone()).await?;
        Ok(Self {
            outbox,
            first_seen,
            held: HashMap::new(),
            complained: HashSet::new(),
            gatherer,
            told_of_katalon: HashSet::new(),
            tokens,
            spool_used: Used::default(),
        })
    }

    /// kado first saw this machine at another time than it thought.
    pub(crate) fn saw_first(&mut self, first_seen: Moment) {
        self.first_seen = first_seen;
    }

    /// Runs whose copies are needed besides those of the outbox; `None` when it is not known of
    /// all.
    pub(crate) fn held(&self) -> Option<Vec<RunIdentity>> {
        let in_grace = self
            .held
            .values()
            .filter_map(|held| held.taken.identity.clone());
        Some(in_grace.chain(self.gatherer.runs()?).collect())
    }

    /// Forgets what was said of run folders and projects that are not among these any more.
    pub(crate) fn forget_what_was_said(
        &mut self,
        folders: &HashSet<PathBuf>,
        projects: &[PathBuf],
    ) {
        self.complained.retain(|folder| folders.contains(folder));
        self.told_of_katalon
            .retain(|root| projects.iter().any(|project| Path::new(root) == project));
    }

    /// Holds a run in its grace time, so that it survives its workspace. An old one that is due at
    /// the next look is not held: there may be thousands, and each would be read twice.
    ///
    /// # Errors
    /// When the outbox fails; what cannot be read now may be readable when the run is due.
    pub(crate) async fn hold(
        &mut self,
        config: &Config,
        over: &FinishedFolder,
    ) -> Result<(), StoreError> {
        if let Some(held) = self.held.get_mut(&over.folder) {
            held.gone = false;
            if held.fingerprint == over.fingerprint {
                return Ok(());
            }
        }
        if over.due_next {
            return Ok(());
        }
        let known = match commands::known(&self.outbox, &over.folder).await {
            Err(error @ StoreError::Content(_)) => {
                self.complain(over, &error);
                return Ok(());
            }
            known => known?,
        };
        let Ok(taken) = take(over, config, known).await? else {
            return Ok(());
        };
        if self.verdict(config, &taken, over.state) == Eligibility::Submit {
            self.note_token(&taken);
            let collection = whole_of(over, config).await?;
            let files = if collection.is_some() {
                Files::OfMember
            } else {
                Files::OfRun
            };
            self.spool_used = copy(config, &taken, files, self.spool_used).await?;
            let held = RunInGrace {
                taken,
                collection,
                state: over.state,
                fingerprint: over.fingerprint,
                gone: false,
            };
            self.held.insert(over.folder.clone(), held);
        }
        Ok(())
    }

    /// Records a run that is due.
    ///
    /// # Errors
    /// When the outbox fails; a folder that cannot be taken in costs only itself.
    pub(crate) async fn record(
        &mut self,
        config: &Config,
        over: &FinishedFolder,
    ) -> Result<(Handling, Vec<i64>), StoreError> {
        let known = match commands::known(&self.outbox, &over.folder).await {
            // Without the options of its command it could go to another plan.
            Err(error @ StoreError::Content(_)) => {
                self.complain(over, &error);
                return Ok((Handling::NotYet, Vec::new()));
            }
            known => known?,
        };
        let taken = match take(over, config, known).await? {
            Ok(taken) => taken,
            Err(IntakeError::SettingsInFlux(_)) => {
                tracing::debug!(folder = %over.folder.display(), "waits for the project's settings, which are being written");
                return Ok((Handling::NotYet, Vec::new()));
            }
            Err(error) => return Ok((self.not_taken(over, &error), Vec::new())),
        };
        self.complained.remove(&over.folder);
        self.record_taken(config, over, taken).await
    }

    /// Records a run, or keeps it for its collection where that is to be one run.
    async fn record_taken(
        &mut self,
        config: &Config,
        over: &FinishedFolder,
        taken: FinishedRun,
    ) -> Result<(Handling, Vec<i64>), StoreError> {
        let verdict = self.verdict(config, &taken, over.state);
        let whole = if verdict == Eligibility::Remember {
            None
        } else {
            whole_of(over, config).await?
        };
        match &whole {
            Some(collection) if collection.has_member(&over.folder) => {
                self.note_token(&taken);
                if verdict == Eligibility::Submit {
                    self.spool_used =
                        copy(config, &taken, Files::OfMember, self.spool_used).await?;
                }
                self.gatherer
                    .add(config, collection, &over.folder, taken, over.state)
                    .await?;
                self.held.remove(&over.folder);
                return Ok((Handling::Gathered, Vec::new()));
            }
            whole if self.waits_elsewhere(&taken, whole.is_some()).await? => {
                let (folder, suite) = (over.folder.display(), &taken.snapshot.run.suite);
                tracing::info!(%folder, suite, "a copy of a suite run that is submitted with its collection");
                self.held.remove(&over.folder);
                return Ok((Handling::Gathered, Vec::new()));
            }
            _ => {}
        }
        let ids = self.decide(config, taken, over.state).await?;
        self.held.remove(&over.folder);
        Ok((Handling::Settled, ids))
    }

    /// Whether a folder outside of a collection's session is a copy of a member that is not
    /// recorded yet, so that it must not take that out of its collection; `original` tells whether
    /// the member's own folder is there.
    async fn waits_elsewhere(
        &self,
        taken: &FinishedRun,
        original: bool,
    ) -> Result<bool, StoreError> {
        let Some(run) = taken.identity.clone() else {
            return Ok(false);
        };
        if !original && !self.gatherer.holds(&run) {
            return Ok(false);
        }
        Ok(!self
            .outbox
            .with(move |store| store.is_recorded(&run))
            .await?)
    }

    /// Whether a collection that is to be one run is to be looked at soon.
    pub(crate) const fn has_news(&self) -> bool {
        self.gatherer.has_news()
    }

    /// Records collections that are over as one run each. `scout` is who follows the run folders.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn record_collections(
        &mut self,
        config: &Config,
        scout: &Scout,
        extent: Extent,
    ) -> Result<RecordedCollections, StoreError> {
        let mut collected = RecordedCollections::default();
        if extent == Extent::News && !self.gatherer.has_news() {
            return Ok(collected);
        }
        for verdict in self
            .gatherer
            .look(config, |folder| scout.is_settled(folder), clock::now())
            .await?
        {
            match verdict {
                CollectionProgress::Open | CollectionProgress::InGrace => {}
                CollectionProgress::Over {
                    folder,
                    whole,
                    state,
                    folders,
                } => {
                    if let Some(whole) = whole {
                        collected
                            .submissions
                            .extend(self.decide(config, *whole, state).await?);
                    }
                    self.gatherer.forget(&folder).await?;
                    collected.folders.extend(folders);
                }
                CollectionProgress::Each { folder, members } => {
                    for (taken, state) in members {
                        collected
                            .submissions
                            .extend(self.decide(config, taken, state).await?);
                    }
                    self.gatherer.forget(&folder).await?;
                }
            }
        }
        Ok(collected)
    }

    /// Takes note of folders that vanished, which is told once. What is held of them is recorded by
    /// [`Recorder::record_gone`], however often that fails; of others nothing is known.
    pub(crate) fn vanished(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            if let Some(held) = self.held.get_mut(folder) {
                held.gone = true;
            }
        }
    }

    /// Records held runs whose folders are gone.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn record_gone(
        &mut self,
        config: &Config,
        new: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let gone: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| held.gone)
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in gone {
            new.extend(self.record_one_gone(config, &folder).await?);
        }
        Ok(())
    }

    async fn record_one_gone(
        &mut self,
        config: &Config,
        folder: &Path,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(held) = self.held.get(folder) else {
            return Ok(Vec::new());
        };
        let (taken, state) = (held.taken.clone(), held.state);
        tracing::warn!(folder = %folder.display(), "the run folder vanished; what was copied of it is submitted");
        if let Some(collection) = held.collection.clone() {
            self.gatherer
                .add(config, &collection, folder, taken, state)
                .await?;
            self.held.remove(folder);
            return Ok(Vec::new());
        }
        let ids = self.decide(config, taken, state).await?;
        self.held.remove(folder);
        Ok(ids)
    }

    /// What becomes of a folder that cannot be taken in. What cannot be read now may be readable in
    /// a moment, so it is tried again and told once; a folder that belongs to no project stays what
    /// it is.
    fn not_taken(&mut self, over: &FinishedFolder, error: &IntakeError) -> Handling {
        self.complain(over, error);
        match error {
            // A later version may read what is too much for this one.
            IntakeError::Read(ReadError::Io { .. })
            | IntakeError::SettingsInFlux(_)
            | IntakeError::Defect(_) => Handling::NotYet,
            IntakeError::Read(_) | IntakeError::NoProject(_) => Handling::Settled,
        }
    }

    fn complain(&mut self, over: &FinishedFolder, error: &(dyn std::error::Error + 'static)) {
        if self.complained.insert(over.folder.clone()) {
            let (folder, error) = (over.folder.display(), chain(error));
            tracing::warn!(%folder, error, "run folder cannot be taken in");
        }
    }

    /// The project may be gone when its token is needed.
    fn note_token(&self, taken: &FinishedRun) {
        if let Some((server, token)) = &taken.token {
            self.tokens.note(server, token);
        }
    }

    async fn decide(
        &mut self,
        config: &Config,
        taken: FinishedRun,
        state: RunState,
    ) -> Result<Vec<i64>, StoreError> {
        self.note_token(&taken);
        let occasion = match self.verdict(config, &taken, state) {
            Eligibility::Remember => return Ok(Vec::new()),
            Eligibility::Ignore(reason) => Occasion::Ignored {
                reason,
                aborted: state == RunState::Aborted,
            },
            Eligibility::Submit => Occasion::Found,
        };
        let both = taken.standing.katalon_may_submit && matches!(occasion, Occasion::Found);
        let (project, root) = (
            taken.snapshot.project_name.clone(),
            taken.snapshot.project_root.clone(),
        );
        if matches!(occasion, Occasion::Found) {
            self.spool_used = copy(config, &taken, Files::OfRun, self.spool_used).await?;
        }
        let folder = taken.snapshot.folder.clone();
        let recorded = store(&self.outbox, taken, occasion).await?;
        let Some(RecordOutcome::New(ids)) = recorded else {
            tell_why_not(&folder, recorded.as_ref());
            return Ok(Vec::new());
        };
        if both && self.told_of_katalon.insert(root) {
            tracing::warn!(
                project,
                "Katalon may submit runs of this project as well, if it has a licence: autoSubmitTestRun is on. kado looks for its \
                 test run before it sends; `submit.katalon_submits = \"never\"` says that there is none"
            );
        }
        Ok(ids)
    }

    fn verdict(&self, config: &Config, taken: &FinishedRun, state: RunState) -> Eligibility {
        verdict(config, taken, state, self.first_seen)
    }
}

/// Says why a run folder leads to nothing new.
fn tell_why_not(folder: &str, recorded: Option<&RecordOutcome>) {
    match recorded {
        Some(RecordOutcome::PartOf(whole)) => tracing::info!(
            folder,
            id = whole.first(),
            "this suite run is part of a collection that is one run, and is not submitted by itself"
        ),
        Some(_) => tracing::debug!(folder, "this suite run is known already"),
        None => tracing::warn!(
            folder,
            "not submitted: its log holds no record that tells which run it is"
        ),
    }
}

/// What becomes of a run on this machine; `first_seen` is when kado first saw it.
pub(super) fn verdict(
    config: &Config,
    taken: &FinishedRun,
    state: RunState,
    first_seen: Moment,
) -> Eligibility {
    let rules = Rules {
        history: config.history,
        runs_from: config.runs_from,
        submit_aborted: config.submit_aborted,
        first_seen,
        host: clock::host_name(),
    };
    // The log knows the folder of its run, not that of a collection.
    let run_folders = taken.snapshot.run_folders();
    let folder = run_folders
        .first()
        .map_or(&taken.snapshot.folder, |run_folder| &run_folder.path);
    let plain = folder.replace('\\', "/");
    let candidate = RunToJudge {
        run: &taken.snapshot.run,
        state,
        folder: &plain,
        enabled: taken.standing.enabled,
        auto_submit: taken.standing.auto_submit,
        left_to_katalon: taken.standing.left_to_katalon,
        claimed: taken.standing.claimed,
    };
    decide(&candidate, &rules)
}

/// Takes a run in. Should kado fail on what somebody put into its folder, that costs only this run.
async fn take(
    over: &FinishedFolder,
    config: &Config,
    known: KnownCommands,
) -> Result<Result<FinishedRun, IntakeError>, Stopped> {
    let (folder, config) = (over.folder.clone(), config.clone());
    let taken = contained(move || intake::take_settled(&folder, &config, &known)).await?;
    Ok(taken.unwrap_or_else(|failed| Err(failed.into())))
}

/// The collection that is to be one run and that a run folder is part of.
async fn whole_of(
    over: &FinishedFolder,
    config: &Config,
) -> Result<Option<CollectionFolder>, Stopped> {
    let (folder, config) = (over.folder.clone(), config.clone());
    blocking(move || intake::collection::of(&folder, &config)).await
}
