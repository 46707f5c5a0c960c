//! Collections that are submitted as one run (`submit.collections = "one"`): members are gathered
//! as they end, and become one run when the collection has ended.
//!
//! ```text
//! member over ─▶ gathered (in the database) ─┐   every member over, or never to start      reports there,
//! member over ─▶ gathered ───────────────────┴─────────────────────────────────────────▶ or 60 s ─▶ one run
//! ```
//!
//! A member that is queued holds the collection until Katalon wrote the collection's own report, or
//! until nothing of it changed for `abort_after`; then it never started, and the run's comment says
//! so. What was gathered survives a restart and the wiping of the workspace: its files are copied
//! like those of any run. What another version stored and this one cannot read is kept with its
//! copies (`held`).

mod member;
mod pending;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blocking::blocking;
use crate::config::Config;
use crate::discovery::claim::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::FinishedRun;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::store::StoredMember;
use crate::outbox::{Outbox, StoreError};
use crate::plan::members::MemberState;
use crate::record::commands;
use crate::workspace::CollectionFolder;

use member::Member;
use pending::{LookTerms, PendingCollection};

pub(crate) use member::{Unreadable, unreadable};

/// Gathers members.
pub(crate) struct PendingCollections {
    outbox: Outbox,
    /// Whether a look is worth while before the next sweep over everything.
    news: bool,
    gatherings: BTreeMap<PathBuf, PendingCollection>,
    /// What is stored and cannot be read.
    unreadable: Vec<Unreadable>,
}

/// What is to be done about a collection now.
pub(crate) enum CollectionProgress {
    /// Something of it runs or may still start.
    Open,
    /// It is over and gets a little time for its reports.
    InGrace,
    /// It is to be recorded as one run.
    Over {
        /// The collection's folder.
        folder: PathBuf,
        /// All of it; `None` when nothing of it ran.
        whole: Option<Box<FinishedRun>>,
        /// `Aborted` when no member took part because all were aborted.
        state: RunState,
        /// Run folders that need not be looked at again.
        folders: Vec<PathBuf>,
    },
    /// The configuration changed meanwhile: its members are runs of their own after all.
    Each {
        /// The collection's folder.
        folder: PathBuf,
        /// What was gathered.
        members: Vec<(FinishedRun, RunState)>,
    },
}

impl PendingCollections {
    /// What was gathered before the last end of the service.
    ///
    /// # Errors
    /// When the outbox cannot be read; a member that cannot costs only itself.
    pub(crate) async fn load(outbox: Outbox) -> Result<Self, StoreError> {
        let stored = outbox.with(|store| store.pending_members()).await?;
        let mut gatherer = Self {
            outbox,
            news: false,
            gatherings: BTreeMap::new(),
            unreadable: Vec::new(),
        };
        for stored in stored {
            match member::read(&stored) {
                Ok(held) => gatherer.keep(held),
                Err(unreadable) => {
                    let Unreadable {
                        collection,
                        member,
                        error,
                        ..
                    } = &*unreadable;
                    tracing::error!(
                        collection,
                        member,
                        error,
                        "a suite run that was kept for its collection cannot be read by this version and is not submitted; \
                         `kado status` says what to do"
                    );
                    gatherer.unreadable.push(*unreadable);
                }
            }
        }
        Ok(gatherer)
    }

    /// The runs whose copies are needed; `None` when it is not known of all.
    pub(crate) fn runs(&self) -> Option<Vec<RunIdentity>> {
        let held = self
            .gatherings
            .values()
            .flat_map(|gathering| gathering.held.values());
        let read = held.filter_map(|held| held.run()).map(Some);
        read.chain(
            self.unreadable
                .iter()
                .map(|unreadable| unreadable.run.clone()),
        )
        .collect()
    }

    /// Whether a run waits for its collection.
    pub(crate) fn holds(&self, run: &RunIdentity) -> bool {
        let mut held = self
            .gatherings
            .values()
            .flat_map(|gathering| gathering.held.values());
        held.any(|held| held.run().is_some_and(|other| other.is_same_run(run)))
    }

    /// Gathers a member that is over; a copy of one is none.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(crate) async fn add(
        &mut self,
        config: &Config,
        collection: &CollectionFolder,
        folder: &Path,
        taken: FinishedRun,
        state: RunState,
    ) -> Result<(), StoreError> {
        let members = collection.members();
        let Some(listed) = members.iter().find(|member| member.folder == folder) else {
            return Ok(());
        };
        let state = member_state(state, config);
        let prefix = listed.prefix.clone();
        let held = Member::new(
            (collection.id(), collection.folder.clone()),
            members,
            prefix,
            taken,
            state,
        );
        let stored = StoredMember {
            collection: key(&held.folder),
            member: held.prefix.clone(),
            run: held.run(),
            content: serde_json::to_string(&held).map_err(StoreError::from)?,
        };
        self.outbox
            .with(move |store| store.keep_member(&stored))
            .await?;
        // What could not be read before was read anew.
        let (folder, prefix) = (key(&held.folder), &held.prefix);
        self.unreadable
            .retain(|old| (&old.collection, &old.member) != (&folder, prefix));
        tracing::info!(
            suite = held.snapshot.run.suite,
            collection = held.collection,
            "waits for its collection to end"
        );
        self.keep(held);
        Ok(())
    }

    fn keep(&mut self, held: Member) {
        let gathering = self.gatherings.entry(held.folder.clone()).or_default();
        gathering.id.clone_from(&held.collection);
        gathering.members = held.members();
        gathering.over_since = None;
        gathering.held.insert(held.prefix.clone(), Arc::new(held));
        self.news = true;
    }

    /// Whether something happened since the last look, or is about to.
    pub(crate) const fn has_news(&self) -> bool {
        self.news
    }

    /// Looks at every collection. `is_settled` tells of a run folder whether it is not followed any
    /// more.
    ///
    /// # Errors
    /// When the outbox fails; everything is looked at again then.
    pub(crate) async fn look(
        &mut self,
        config: &Config,
        is_settled: impl Fn(&Path) -> bool,
        now: Moment,
    ) -> Result<Vec<CollectionProgress>, StoreError> {
        self.forget_taken_up().await?;
        let (mut verdicts, mut news) = (Vec::new(), false);
        for (folder, gathering) in &mut self.gatherings {
            let commands = match known_of(&self.outbox, gathering).await {
                Err(error @ StoreError::Content(_)) => {
                    verdicts.push(gathering.cannot_tell(folder, &chain(&error), now));
                    continue;
                }
                commands => commands?,
            };
            let folders = gathering.members.iter().map(|member| member.folder.clone());
            let settled = folders.filter(|folder| is_settled(folder)).collect();
            let collection = key(folder);
            let of_it = self
                .unreadable
                .iter()
                .filter(|unreadable| unreadable.collection == collection);
            let unreadable = of_it.map(|unreadable| unreadable.member.clone()).collect();
            let terms = LookTerms {
                config: config.clone(),
                commands,
                settled,
                unreadable,
                now,
            };
            let (mut looked, folder) = (gathering.clone(), folder.clone());
            let look = move || {
                let verdict = looked.look(&folder, &terms);
                (looked, verdict)
            };
            let (looked, verdict) = blocking(look).await?;
            *gathering = looked;
            news |= matches!(verdict, CollectionProgress::InGrace);
            verdicts.push(verdict);
        }
        self.news = news;
        Ok(verdicts)
    }

    /// Forgets what cannot be read and was submitted on a person's word meanwhile.
    async fn forget_taken_up(&mut self) -> Result<(), StoreError> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        let all = self.unreadable.clone();
        let left = self.outbox.with(move |store| {
            let mut left = Vec::new();
            for unreadable in all {
                let taken_up = unreadable
                    .run
                    .as_ref()
                    .map(|run| store.is_taken_up(run))
                    .transpose()?;
                if taken_up == Some(true) {
                    store.forget_members(
                        &unreadable.collection,
                        std::slice::from_ref(&unreadable.member),
                    )?;
                } else {
                    left.push(unreadable);
                }
            }
            Ok(left)
        });
        self.unreadable = left.await?;
        Ok(())
    }

    /// Forgets a collection that is recorded; what of it cannot be read is kept.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub(crate) async fn forget(&mut self, folder: &Path) -> Result<(), StoreError> {
        let Some(gathering) = self.gatherings.get(folder) else {
            return Ok(());
        };
        let (key, members) = (
            key(folder),
            gathering.held.keys().cloned().collect::<Vec<_>>(),
        );
        self.outbox
            .with(move |store| store.forget_members(&key, &members))
            .await?;
        self.gatherings.remove(folder);
        Ok(())
    }
}

/// What is known of the commands that started the members of a collection, by their run folders.
async fn known_of(
    outbox: &Outbox,
    gathering: &PendingCollection,
) -> Result<BTreeMap<PathBuf, KnownCommands>, StoreError> {
    let mut commands = BTreeMap::new();
    for member in &gathering.members {
        commands.insert(
            member.folder.clone(),
            commands::known(outbox, &member.folder).await?,
        );
    }
    Ok(commands)
}

const fn member_state(state: RunState, config: &Config) -> MemberState {
    match state {
        RunState::Crashed => MemberState::Crashed,
        RunState::Aborted if config.submit_aborted => MemberState::Aborted,
        RunState::Aborted => MemberState::AbortedAndLeftOut,
        RunState::Queued | RunState::Running | RunState::Finished => MemberState::Finished,
    }
}

fn key(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}
