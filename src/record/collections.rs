//! Collections that are submitted as one run (`submit.collections = "one"`): each member is kept
//! from its own end on, and the members become one run when the collection has ended.
//!
//! ```text
//! member over ─▶ kept (in the outbox) ─┐  each over, or never to start   reports, or 60 s
//! member over ─▶ kept ─────────────────┴────────────────────────────────▶ ──────────────▶ one run
//! ```
//!
//! A member that is queued holds the collection open until Katalon wrote the collection's own
//! report, or until nothing of it changed for `abort_after`; then it never started, and the run's
//! comment says so.
//!
//! What is kept survives a restart and the wiping of the workspace: it is stored with its snapshot,
//! and its files are copied like those of any run (invariant I8). It leaves the outbox only after
//! the collection is recorded. What another version stored and this one cannot read stays with its
//! copies ([`Unreadable`]).

mod member;
mod pending;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::FinishedRun;
use crate::intake::collection::aborted_members;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::store::StoredMember;
use crate::outbox::{Outbox, StoreError};
use crate::plan::members::MemberState;
use crate::record::commands;
use crate::record::disk::on_disk;
use crate::workspace::{CollectionFolder, Location};

use member::Member;
use pending::{LookTerms, PendingCollection};

pub(crate) use member::{Unreadable, unreadable};
pub(crate) use pending::{CollectionProgress, MemberFolder};

/// The collections of which a member is over and which are not recorded yet.
pub(crate) struct PendingCollections {
    outbox: Outbox,
    /// Whether a look is worth while before the next sweep over everything.
    news: bool,
    /// By their folders.
    pending: BTreeMap<PathBuf, PendingCollection>,
    /// What is stored and cannot be read.
    unreadable: Vec<Unreadable>,
}

impl PendingCollections {
    /// Those that were pending at the last end of the service.
    ///
    /// # Errors
    /// When the outbox cannot be read; a member that cannot costs only itself.
    pub(crate) async fn load(outbox: Outbox) -> Result<Self, StoreError> {
        let stored = outbox.with(|store| store.pending_members()).await?;
        let mut collections = Self {
            outbox,
            news: false,
            pending: BTreeMap::new(),
            unreadable: Vec::new(),
        };

        for stored in stored {
            match member::read(&stored) {
                Ok(member) => collections.keep(member),
                Err(unreadable) => {
                    tracing::error!(
                        collection = unreadable.collection,
                        member = unreadable.member,
                        error = unreadable.error,
                        "a suite run that was kept for its collection cannot be read by this \
                         version and is not submitted; `kado status` says what to do"
                    );
                    collections.unreadable.push(*unreadable);
                }
            }
        }

        Ok(collections)
    }

    /// The runs whose copies are needed; `None` when it is not known of all.
    pub(crate) fn runs(&self) -> Option<Vec<RunIdentity>> {
        let mut runs: Vec<_> = self.members().filter_map(|member| member.run()).collect();
        for unreadable in &self.unreadable {
            runs.push(unreadable.run.clone()?);
        }
        Some(runs)
    }

    /// Whether a run of the project with this root is kept for its collection.
    pub(crate) fn contains(&self, run: &RunIdentity, root: &str) -> bool {
        self.members()
            .filter(|member| member.snapshot.root() == root)
            .filter_map(|member| member.run())
            .any(|kept| kept.is_same_run(run))
    }

    fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.pending
            .values()
            .flat_map(|collection| collection.kept.values())
    }

    /// Keeps a member that is over; what the collection does not list, as a copy of a member, is
    /// left alone.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(crate) async fn add(
        &mut self,
        config: &Config,
        collection: &CollectionFolder,
        folder: &Path,
        run: FinishedRun,
        state: RunState,
    ) -> Result<(), StoreError> {
        let Some(member) = Member::of(
            collection,
            folder,
            run,
            MemberState::of(state, aborted_members(config)),
        ) else {
            return Ok(());
        };

        // Stored first, so that it survives a restart and a wiped workspace from now on.
        let stored = StoredMember {
            collection: key(&member.folder),
            member: member.prefix.clone(),
            run: member.run(),
            content: serde_json::to_string(&member).map_err(StoreError::from)?,
        };
        self.outbox
            .with(move |store| store.keep_member(&stored))
            .await?;

        // What could not be read before was read anew.
        let collection = key(&member.folder);
        self.unreadable
            .retain(|old| old.collection != collection || old.member != member.prefix);

        tracing::info!(
            suite = member.snapshot.run.suite,
            collection = member.collection,
            "waits for its collection to end"
        );
        self.keep(member);
        Ok(())
    }

    fn keep(&mut self, member: Member) {
        let pending = self.pending.entry(member.folder.clone()).or_default();
        pending.keep(member);
        self.news = true;
    }

    /// Whether something happened since the last look, or is about to.
    pub(crate) const fn has_news(&self) -> bool {
        self.news
    }

    /// Looks how far every collection is; gives that with their folders. `is_settled` tells of a
    /// run folder whether it is not followed any more.
    ///
    /// # Errors
    /// When the outbox fails; everything is looked at again then.
    pub(crate) async fn look(
        &mut self,
        config: &Config,
        is_settled: impl Fn(&Path) -> bool,
        now: Moment,
    ) -> Result<Vec<(PathBuf, CollectionProgress)>, StoreError> {
        self.forget_submitted_by_command().await?;

        let mut looks = Vec::new();
        let mut news = false;
        for (folder, pending) in &mut self.pending {
            let commands = match commands_of(&self.outbox, pending).await {
                Ok(commands) => commands,
                // Without the options of its command a member could go to another plan.
                Err(error @ (StoreError::Content(_) | StoreError::Silent(_))) => {
                    let progress = pending.cannot_tell(folder, &chain(&error), now);
                    looks.push((folder.clone(), progress));
                    continue;
                }
                Err(error) => return Err(error),
            };

            let mut settled = BTreeSet::new();
            for member in &pending.listed {
                if is_settled(&member.folder) {
                    settled.insert(member.folder.clone());
                }
            }
            let terms = LookTerms {
                config: config.clone(),
                commands,
                settled,
                unreadable: unreadable_of(&self.unreadable, folder),
                now,
            };

            // The disk may be slow, so it is a copy that looks, on a thread of its own.
            let mut looking = pending.clone();
            let path = folder.clone();
            let looked = on_disk(move || {
                let progress = looking.look(&path, &terms);
                (looking, progress)
            });
            let progress = match looked.await {
                Ok((looked, progress)) => {
                    *pending = looked;
                    progress
                }
                Err(error @ StoreError::Silent(_)) => {
                    pending.cannot_tell(folder, &chain(&error), now)
                }
                Err(error) => return Err(error),
            };

            // Only a grace time runs out by itself; the others wait for an event or the next sweep.
            news |= matches!(progress, CollectionProgress::InGrace);
            looks.push((folder.clone(), progress));
        }

        self.news = news;
        Ok(looks)
    }

    /// Forgets what cannot be read and was submitted on a person's word meanwhile.
    async fn forget_submitted_by_command(&mut self) -> Result<(), StoreError> {
        if self.unreadable.is_empty() {
            return Ok(());
        }

        let all = self.unreadable.clone();
        self.unreadable = self
            .outbox
            .with(move |store| {
                let mut left = Vec::new();
                for unreadable in all {
                    let submitted = match &unreadable.run {
                        Some(run) => store.is_taken_up(run)?,
                        None => false,
                    };

                    if submitted {
                        let member = std::slice::from_ref(&unreadable.member);
                        store.forget_members(&unreadable.collection, member)?;
                    } else {
                        left.push(unreadable);
                    }
                }

                Ok(left)
            })
            .await?;
        Ok(())
    }

    /// Forgets a collection that is recorded; what of it cannot be read is kept.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub(crate) async fn forget(&mut self, folder: &Path) -> Result<(), StoreError> {
        let Some(pending) = self.pending.get(folder) else {
            return Ok(());
        };

        let collection = key(folder);
        let members: Vec<String> = pending.kept.keys().cloned().collect();
        self.outbox
            .with(move |store| store.forget_members(&collection, &members))
            .await?;

        self.pending.remove(folder);
        Ok(())
    }
}

/// What is known of the commands that started the members of a collection, by their run folders.
async fn commands_of(
    outbox: &Outbox,
    pending: &PendingCollection,
) -> Result<BTreeMap<PathBuf, KnownCommands>, StoreError> {
    let mut commands = BTreeMap::new();
    for member in &pending.listed {
        let folder = member.folder.clone();
        let location = on_disk(move || Location::of(&folder)).await?;
        let of_member = commands::look_up(outbox, &location).await?;
        commands.insert(location.folder, of_member);
    }
    Ok(commands)
}

/// The members of a collection that cannot be read, by their folders below `Reports`.
fn unreadable_of(unreadable: &[Unreadable], collection: &Path) -> BTreeSet<String> {
    let collection = key(collection);
    unreadable
        .iter()
        .filter(|unreadable| unreadable.collection == collection)
        .map(|unreadable| unreadable.member.clone())
        .collect()
}

/// A collection's folder as the outbox has it.
fn key(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}
