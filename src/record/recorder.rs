//! Records the runs that the service finds to be over.
//!
//! A run is recorded after its grace time, when its reports are complete. It is read, and its files
//! are copied, as soon as its suite has ended ([`HeldRun`]): a build agent wipes its workspace
//! whenever it likes. Should the folder vanish meanwhile, what was read last is recorded (invariant
//! I8).
//!
//! A run that waits for what becomes of the same one of another project is held just so, until that
//! is decided.
//!
//! A restart loses nothing of that: the folder is not settled, so the next sweep reads it again
//! (invariant I1). Only a workspace that is wiped before a start of kado takes a run that is held
//! with it. A run that is kept for its collection is in the outbox from its own end on.
//!
//! A folder that cannot be read costs only itself and is said once; an outbox that cannot be
//! written is an error, and everything that was to be recorded is tried again at the next look.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock;
use crate::config::Config;
use crate::connect::SeenTokens;
use crate::discovery::eligibility::Eligibility;
use crate::discovery::run_identity::RunIdentity;
use crate::intake::{self, FinishedRun};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::new_run::{Occasion, RecordOutcome};
use crate::outbox::{Outbox, StoreError};
use crate::record::collections::{CollectionProgress, MemberFolder, PendingCollections};
use crate::record::commands;
use crate::record::copies::{Files, copy};
use crate::record::day_share::DayShares;
use crate::record::disk::{ReadFailure, locate, on_disk, read_settled};
use crate::record::handling::{
    Handling, NAMELESS, NotRead, handling_of_unread, log_why_nothing_is_new,
};
use crate::record::said_once::SaidOnce;
use crate::record::store::{eligibility_of, reason_left_out, store};
use crate::spool::Used;
use crate::watch::{FinishedFolder, Scout};
use crate::workspace::{CollectionFolder, Location, RunReader};

/// Records runs that are over.
pub(crate) struct Recorder {
    outbox: Outbox,
    first_seen: Moment,
    held: HashMap<PathBuf, HeldRun>,
    collections: PendingCollections,
    tokens: Arc<SeenTokens>,
    /// Knows the logs that were parsed when a run was looked at or held.
    reader: Arc<RunReader>,
    spool_used: Used,
    shares: DayShares,
    said: SaidOnce,
}

/// A finished run that is not in the outbox yet.
#[derive(Clone)]
struct HeldRun {
    read: ReadRun,
    state: RunState,
    /// How its folder looked when it was read.
    fingerprint: u64,
    /// Whether its folder is gone, so that what was read is all there is.
    vanished: bool,
}

/// A finished run as it was read.
#[derive(Clone)]
struct ReadRun {
    run: FinishedRun,
    /// The collection that it is part of, where that is to be one run.
    collection: Option<CollectionFolder>,
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
    pub folders: Vec<MemberFolder>,
}

impl Recorder {
    /// A recorder for an outbox; `first_seen` is when kado first saw this machine. Tokens of
    /// projects that it comes across are added to `tokens`; `reader` is who read the run folders
    /// before.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub(crate) async fn new(
        outbox: Outbox,
        first_seen: Moment,
        tokens: Arc<SeenTokens>,
        reader: Arc<RunReader>,
    ) -> Result<Self, StoreError> {
        let collections = PendingCollections::load(outbox.clone()).await?;

        Ok(Self {
            collections,
            outbox,
            first_seen,
            held: HashMap::new(),
            tokens,
            reader,
            spool_used: Used::default(),
            shares: DayShares::default(),
            said: SaidOnce::default(),
        })
    }

    /// Corrects when kado first saw this machine, after its clock was set back.
    pub(crate) fn correct_first_seen(&mut self, first_seen: Moment) {
        self.first_seen = first_seen;
    }

    /// The runs that are not recorded yet and whose copies are needed; `None` when it is not known
    /// of all, so that no copy may be removed.
    pub(crate) fn unrecorded_runs(&self) -> Option<Vec<RunIdentity>> {
        let mut runs = self.collections.runs()?;
        for held in self.held.values() {
            runs.extend(held.read.run.identity.clone());
        }
        Some(runs)
    }

    /// Forgets what was said of run folders and projects that are not among these any more.
    pub(crate) fn forget_remarks_but_of(
        &mut self,
        folders: &HashSet<PathBuf>,
        projects: &[PathBuf],
    ) {
        self.said.forget_but_of(folders, projects);
    }

    /// Reads a run that is not recorded yet and copies its files, so that it survives its
    /// workspace.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn hold(
        &mut self,
        config: &Config,
        finished: &FinishedFolder,
    ) -> Result<(), StoreError> {
        if let Some(held) = self.held.get_mut(&finished.folder) {
            held.vanished = false;
            if held.fingerprint == finished.fingerprint {
                return Ok(());
            }
        }

        // What cannot be read now may be readable when the run is due, and is remarked on then.
        let read = match self.read(config, finished).await {
            Ok(read) => read,
            Err(ReadFailure::OfRun(_)) => return Ok(()),
            Err(ReadFailure::OfOutbox(error)) => return Err(error),
        };

        // What will not be submitted needs neither copies nor a token.
        if self.eligibility(config, &read.run, finished.state) != Eligibility::Submit {
            return Ok(());
        }

        self.note_token(&read.run);
        let files = match read.collection {
            Some(_) => Files::OfMember,
            None => Files::OfRun,
        };
        copy(config, &read.run, files, &mut self.spool_used).await?;

        let held = HeldRun {
            read,
            state: finished.state,
            fingerprint: finished.fingerprint,
            vanished: false,
        };
        self.held.insert(finished.folder.clone(), held);
        Ok(())
    }

    /// Records a run that is due.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn record(
        &mut self,
        config: &Config,
        finished: &FinishedFolder,
    ) -> Result<Handling, StoreError> {
        let read = match self.read(config, finished).await {
            Ok(read) => read,
            Err(ReadFailure::OfRun(not_read)) => {
                self.said.on_unread(&finished.folder, &not_read);
                return Ok(handling_of_unread(&not_read));
            }
            Err(ReadFailure::OfOutbox(error)) => return Err(error),
        };

        self.said.folder_is_read(&finished.folder);

        let held = HeldRun {
            read: read.clone(),
            state: finished.state,
            fingerprint: finished.fingerprint,
            vanished: false,
        };

        // What is held is dropped only afterwards: should recording fail, the workspace may be gone
        // at the next try.
        let handling = self
            .record_or_keep(config, &finished.folder, read, finished.state)
            .await?;
        match handling {
            Handling::AwaitsOther(_) => self.held.insert(finished.folder.clone(), held),
            _ => self.held.remove(&finished.folder),
        };
        Ok(handling)
    }

    /// Reads a run that is over, with what is known of the command that started it and of its
    /// collection.
    async fn read(
        &mut self,
        config: &Config,
        finished: &FinishedFolder,
    ) -> Result<ReadRun, ReadFailure> {
        let location = locate(finished).await?;
        if let Some(reason) = self.shares.obstacle(location.root.as_deref(), clock::now()) {
            return Err(ReadFailure::OfRun(NotRead::ShareUsed(reason)));
        }

        let commands = commands::look_up(&self.outbox, &location).await?;
        let run = FinishedRun {
            noticed: finished.noticed,
            ..read_settled(&location, &self.reader, config, commands).await?
        };

        // What ended before the history begins is part of nothing.
        let collection = match self.eligibility(config, &run, finished.state) {
            Eligibility::Remember => None,
            Eligibility::Submit | Eligibility::Ignore(_) => {
                self.collection_of(location, config).await?
            }
        };
        Ok(ReadRun { run, collection })
    }

    /// Records a run that was read, or keeps it for its collection where that is to be one run.
    /// What that adds to the outbox is counted for its project.
    async fn record_or_keep(
        &mut self,
        config: &Config,
        folder: &Path,
        read: ReadRun,
        state: RunState,
    ) -> Result<Handling, StoreError> {
        let root = PathBuf::from(&read.run.snapshot.project_root);
        let size = intake::stored_size(&read.run.snapshot);

        let ReadRun { run, collection } = read;
        let handling = match collection {
            // A folder that the collection does not list is the copy of a member.
            Some(collection) if collection.has_member(folder) => {
                self.keep_member(config, &collection, folder, run, state)
                    .await?
            }
            collection if self.is_copy_of_member(&run, collection.as_ref()).await? => {
                tracing::info!(
                    folder = %folder.display(),
                    suite = &run.snapshot.run.suite,
                    "a copy of a suite run that is submitted with its collection"
                );
                Handling::CopyOfMember(run.identity)
            }
            _ => self.record_now(config, run, state).await?,
        };

        if handling.adds_to_outbox() {
            self.shares.add(&root, size, clock::now());
        }
        Ok(handling)
    }

    /// Keeps a member until its collection has ended.
    async fn keep_member(
        &mut self,
        config: &Config,
        collection: &CollectionFolder,
        folder: &Path,
        run: FinishedRun,
        state: RunState,
    ) -> Result<Handling, StoreError> {
        self.note_token(&run);
        if self.eligibility(config, &run, state) == Eligibility::Submit {
            copy(config, &run, Files::OfMember, &mut self.spool_used).await?;
        }

        let identity = run.identity.clone();
        self.collections
            .add(config, collection, folder, run, state)
            .await?;
        Ok(Handling::WithCollection(identity))
    }

    /// Whether a folder that is no member is the copy of a member that is not recorded yet, so that
    /// it must not take that out of its collection. `collection` is the one that its original is
    /// in, where the original is there.
    async fn is_copy_of_member(
        &self,
        run: &FinishedRun,
        collection: Option<&CollectionFolder>,
    ) -> Result<bool, StoreError> {
        let Some(identity) = run.identity.clone() else {
            return Ok(false);
        };
        let root = run.snapshot.root();
        if collection.is_none() && !self.collections.contains(&identity, &root) {
            return Ok(false);
        }

        let recorded = self
            .outbox
            .with(move |store| store.is_recorded(&identity, &root))
            .await?;
        Ok(!recorded)
    }

    /// Whether a collection that is to be one run is to be looked at soon.
    pub(crate) const fn has_news(&self) -> bool {
        self.collections.has_news()
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
        let mut recorded = RecordedCollections::default();
        if extent == Extent::News && !self.collections.has_news() {
            return Ok(recorded);
        }

        let looks = self
            .collections
            .look(config, |folder| scout.is_settled(folder), clock::now())
            .await?;
        for (folder, progress) in looks {
            let (runs, folders) = match progress {
                CollectionProgress::Open | CollectionProgress::InGrace => continue,
                CollectionProgress::Over {
                    whole,
                    state,
                    folders,
                } => (
                    whole.map(|whole| (*whole, state)).into_iter().collect(),
                    folders,
                ),
                CollectionProgress::Apart(members) => (members, Vec::new()),
            };

            let mut undecided = None;
            for (run, state) in runs {
                match self.record_now(config, run, state).await? {
                    Handling::AwaitsOther(reason) => undecided = Some(reason),
                    handling => recorded.submissions.extend(handling.new_submissions()),
                }
            }

            // What is recorded twice is found to be known, what is forgotten before it is recorded
            // is lost.
            if let Some(reason) = undecided {
                self.said.on_wait(&folder, &reason);
                continue;
            }
            self.said.waits_no_more(&folder);
            self.collections.forget(&folder).await?;
            recorded.folders.extend(folders);
        }
        Ok(recorded)
    }

    /// Takes note of folders that vanished, which is seen once. What is held of them is recorded by
    /// [`Recorder::record_vanished`], however often that fails; of others nothing is known.
    pub(crate) fn note_vanished(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            if let Some(held) = self.held.get_mut(folder) {
                held.vanished = true;
                tracing::warn!(
                    folder = %folder.display(),
                    "the run folder vanished; what was copied of it is submitted"
                );
            }
        }
    }

    /// Records the runs that are held and whose folders are gone. `submissions` gets the new ones,
    /// also those that were recorded before something failed.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn record_vanished(
        &mut self,
        config: &Config,
        submissions: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let mut vanished = Vec::new();
        for (folder, held) in &self.held {
            if held.vanished {
                vanished.push((folder.clone(), held.clone()));
            }
        }

        for (folder, held) in vanished {
            let handling = self
                .record_or_keep(config, &folder, held.read, held.state)
                .await?;
            if let Handling::AwaitsOther(reason) = handling {
                self.said.on_wait(&folder, &reason);
                continue;
            }

            submissions.extend(handling.new_submissions());
            self.said.waits_no_more(&folder);
            self.held.remove(&folder);
        }
        Ok(())
    }

    /// Records a run or a collection as this machine's rules want it.
    async fn record_now(
        &mut self,
        config: &Config,
        run: FinishedRun,
        state: RunState,
    ) -> Result<Handling, StoreError> {
        self.note_token(&run);

        // Decided again, not taken from the grace time: the configuration may have changed since.
        let occasion = match self.eligibility(config, &run, state) {
            Eligibility::Remember => match self.left_out_before(config, &run, state).await? {
                Some(occasion) => occasion,
                None => return Ok(Handling::older(&run)),
            },
            Eligibility::Ignore(reason) => Occasion::Ignored {
                reason,
                aborted: state == RunState::Aborted,
            },
            Eligibility::Submit => {
                // Before it is stored: from then on it may be sent, from copies if there are any.
                copy(config, &run, Files::OfRun, &mut self.spool_used).await?;
                Occasion::Found
            }
        };

        let identity = run.identity.clone();
        let folder = run.snapshot.folder.clone();
        let project = run.snapshot.project_name.clone();
        let root = run.snapshot.project_root.clone();
        let katalon_too = run.terms.katalon_may_submit && matches!(occasion, Occasion::Found);

        Ok(match store(&self.outbox, run, occasion).await? {
            Some(RecordOutcome::New(submissions)) => {
                if katalon_too {
                    self.said.on_katalon(&project, root);
                }
                Handling::in_outbox(identity, submissions)
            }
            Some(RecordOutcome::Waits { submissions, .. }) => {
                let first = submissions
                    .first()
                    .expect("what is waited for has a submission that is not ignored");
                Handling::awaits(*first)
            }
            Some(known) => {
                log_why_nothing_is_new(&folder, &known);
                Handling::in_outbox(identity, Vec::new())
            }
            None => {
                let reason = NAMELESS;
                tracing::warn!(folder, reason, "a run folder is not submitted");
                Handling::nameless()
            }
        })
    }

    /// On what occasion a run from before the history is recorded: none, unless it is in the outbox
    /// from the time of another `history`, where its reason is to be true of today.
    async fn left_out_before(
        &self,
        config: &Config,
        run: &FinishedRun,
        state: RunState,
    ) -> Result<Option<Occasion>, StoreError> {
        let (Some(identity), Some(reason)) = (
            run.identity.clone(),
            reason_left_out(config, run, state, self.first_seen),
        ) else {
            return Ok(None);
        };

        let root = run.snapshot.root();
        let is_recorded = self
            .outbox
            .with(move |store| store.is_recorded(&identity, &root))
            .await?;
        Ok(is_recorded.then(|| Occasion::Ignored {
            reason,
            aborted: state == RunState::Aborted,
        }))
    }

    /// The collection that is to be one run and that a run folder is part of.
    async fn collection_of(
        &self,
        location: Location,
        config: &Config,
    ) -> Result<Option<CollectionFolder>, StoreError> {
        let reader = Arc::clone(&self.reader);
        let config = config.clone();
        on_disk(move || intake::collection::of(&location, &reader, &config)).await
    }

    /// The project may be gone when its token is needed.
    fn note_token(&self, run: &FinishedRun) {
        if let Some((server, token)) = &run.token {
            let root = Path::new(&run.snapshot.project_root);
            self.tokens.note(root, server, token);
        }
    }

    fn eligibility(&self, config: &Config, run: &FinishedRun, state: RunState) -> Eligibility {
        eligibility_of(config, run, state, self.first_seen)
    }
}
