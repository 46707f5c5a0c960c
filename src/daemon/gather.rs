//! Collections that are submitted as one run (`submit.collections = "one"`): members are gathered as they end, and become
//! one run when the collection has ended.
//!
//! ```text
//! member over ─▶ gathered (in the database) ─┐   every member over, or never to start      reports there,
//! member over ─▶ gathered ───────────────────┴─────────────────────────────────────────▶ or 60 s ─▶ one run
//! ```
//!
//! A member that is queued holds the collection until Katalon wrote the collection's own report, or until nothing of it
//! changed for `abort_after`; then it never started, and the run's comment says so. What was gathered survives a restart
//! and the wiping of the workspace: its files are copied like those of any run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::daemon::commands;
use crate::discovery::claim::KnownCommands;
use crate::discovery::identity::RunIdentity;
use crate::discovery::tracker::{BETWEEN_LOOKS, GRACE, STILL};
use crate::intake::collection::{Progress, TakenMember, are_one, has_ended, progress};
use crate::intake::{self, IntakeError, Taken};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::plan::collection::MemberState;
use crate::plan::snapshot::Snapshot;
use crate::workspace::{self, CollectionFolder, ListedMember};

/// Gathers members.
pub struct Gatherer {
    outbox: Outbox,
    /// Whether a look is worth while before the next sweep over everything.
    news: bool,
    gatherings: BTreeMap<PathBuf, Gathering>,
}

/// A collection of which at least one member is over.
#[derive(Clone, Default)]
struct Gathering {
    id: String,
    members: Vec<ListedMember>,
    /// By the folder below `Reports`.
    held: BTreeMap<String, Arc<Held>>,
    /// What is known of the commands that started its members, by their place among them.
    commands: Vec<KnownCommands>,
    /// Since when nothing of it runs or waits, as far as was seen.
    over_since: Option<Moment>,
}

/// A member that is over, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Held {
    collection: String,
    folder: PathBuf,
    /// Folders of all members, below `Reports` and as paths of this machine.
    members: Vec<(String, PathBuf)>,
    prefix: String,
    state: MemberState,
    snapshot: Snapshot,
    enabled: bool,
    auto_submit: bool,
    left_to_katalon: bool,
    katalon_may_submit: bool,
    #[serde(default)]
    claimed: bool,
}

/// What is to be done about a collection now.
pub enum Verdict {
    /// Something of it runs or may still start.
    Open,
    /// It is over and gets a little time for its reports.
    InGrace,
    /// It is to be recorded as one run.
    Over {
        /// The collection's folder.
        folder: PathBuf,
        /// All of it; `None` when nothing of it ran.
        whole: Option<Box<Taken>>,
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
        members: Vec<(Taken, RunState)>,
    },
}

impl Gatherer {
    /// What was gathered before the last end of the service; what another version stored and this one cannot read is
    /// found again on the disk.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn load(outbox: Outbox) -> Result<Self, StoreError> {
        let mut gatherer = Self { outbox: outbox.clone(), news: false, gatherings: BTreeMap::new() };
        let stored = outbox.with(|store| store.gathered()).await?;
        stored.iter().filter_map(|text| serde_json::from_str(text).ok()).for_each(|held| gatherer.keep(held));
        Ok(gatherer)
    }

    /// The runs whose copies are needed.
    pub fn runs(&self) -> Vec<RunIdentity> {
        let held = self.gatherings.values().flat_map(|gathering| gathering.held.values());
        held.filter_map(|held| RunIdentity::of(&held.snapshot.run)).collect()
    }

    /// Gathers a member that is over.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn add(
        &mut self,
        config: &Config,
        collection: &CollectionFolder,
        folder: &Path,
        taken: Taken,
        state: RunState,
    ) -> Result<(), StoreError> {
        let members = collection.members();
        let Some(listed) = members.iter().find(|member| member.folder == folder) else { return Ok(()) };
        let alone = match taken.identity.clone() {
            Some(run) => self.outbox.with(move |store| store.is_taken_up(&run)).await?,
            None => false,
        };
        let held = Held {
            collection: collection.id(),
            folder: collection.folder.clone(),
            prefix: listed.prefix.clone(),
            members: members.iter().map(|member| (member.prefix.clone(), member.folder.clone())).collect(),
            state: if alone { MemberState::Alone } else { member_state(state, config) },
            snapshot: taken.snapshot,
            enabled: taken.enabled,
            auto_submit: taken.auto_submit,
            left_to_katalon: taken.left_to_katalon,
            katalon_may_submit: taken.katalon_may_submit,
            claimed: taken.claimed,
        };
        let (key, member, text) =
            (key(&collection.folder), held.prefix.clone(), serde_json::to_string(&held).map_err(StoreError::from)?);
        self.outbox.with(move |store| store.gather(&key, &member, &text)).await?;
        tracing::info!(
            suite = held.snapshot.run.suite,
            collection = held.collection,
            "waits for its collection to end"
        );
        self.keep(held);
        Ok(())
    }

    fn keep(&mut self, held: Held) {
        let gathering = self.gatherings.entry(held.folder.clone()).or_default();
        gathering.id.clone_from(&held.collection);
        gathering.members = held
            .members
            .iter()
            .map(|(prefix, folder)| ListedMember { prefix: prefix.clone(), folder: folder.clone() })
            .collect();
        gathering.over_since = None;
        gathering.held.insert(held.prefix.clone(), Arc::new(held));
        self.news = true;
    }

    /// Whether something happened since the last look, or is about to.
    pub const fn has_news(&self) -> bool {
        self.news
    }

    /// Looks at every collection. `is_settled` tells of a run folder whether it is not followed any more.
    pub async fn look(&mut self, config: &Config, is_settled: impl Fn(&Path) -> bool, now: Moment) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        self.news = false;
        for (folder, gathering) in &mut self.gatherings {
            let settled: Vec<PathBuf> =
                gathering.members.iter().map(|member| member.folder.clone()).filter(|path| is_settled(path)).collect();
            gathering.commands.clear();
            for member in &gathering.members {
                // Without the outbox a member has the options that its folder tells.
                gathering.commands.push(commands::known(&self.outbox, &member.folder).await.unwrap_or_default());
            }
            let (owned, folder, config) = (gathering.clone(), folder.clone(), config.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let mut gathering = owned;
                let verdict = gathering.look(&folder, &config, &settled, now);
                (verdict, gathering.over_since)
            });
            let Ok((verdict, over_since)) = looked.await else { continue };
            gathering.over_since = over_since;
            self.news |= matches!(verdict, Verdict::InGrace);
            verdicts.push(verdict);
        }
        verdicts
    }

    /// Forgets a collection that is recorded.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub async fn forget(&mut self, folder: &Path) -> Result<(), StoreError> {
        let key = key(folder);
        self.outbox.with(move |store| store.scatter(&key)).await?;
        self.gatherings.remove(folder);
        Ok(())
    }
}

impl Gathering {
    fn look(&mut self, folder: &Path, config: &Config, settled: &[PathBuf], now: Moment) -> Verdict {
        let root = self.held.values().next().map(|held| PathBuf::from(&held.snapshot.project_root));
        if root.is_some_and(|root| workspace::find_project_root(&root).is_some() && !are_one(&root, config)) {
            let members = self.held.values().map(|held| (held.taken(), held.run_state())).collect();
            return Verdict::Each { folder: folder.to_owned(), members };
        }
        match workspace::collection_in(folder) {
            Ok(collection) => self.members = collection.members(),
            // Its workspace was wiped: what was gathered is all there will be.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.over(folder, &self.seen(MemberState::Vanished, settled, config), config);
            }
            // It is being rewritten.
            Err(_) => return Verdict::Open,
        }
        let seen = self.seen(MemberState::NeverStarted, settled, config);
        let newest = seen.iter().filter_map(|member| member.newest).chain(newest_in(folder)).max().unwrap_or(now);
        let quiet = now.since(newest);
        let ended = workspace::collection_in(folder).is_ok_and(|collection| has_ended(&collection));
        let waits = seen.iter().any(|member| member.state == Some(MemberState::NeverStarted));
        let given_up = quiet >= config.abort_after;
        if seen.iter().any(|member| member.state.is_none()) || (waits && !ended && !given_up) {
            self.over_since = None;
            return Verdict::Open;
        }
        let since = *self.over_since.get_or_insert(now);
        let complete = ended && quiet >= STILL && now.since(since) >= BETWEEN_LOOKS;
        if complete || given_up || now.since(since) >= GRACE {
            self.over(folder, &seen, config)
        } else {
            Verdict::InGrace
        }
    }

    /// What is known of the command that started a member.
    fn known(&self, member: &ListedMember) -> KnownCommands {
        let place = self.members.iter().position(|other| other == member);
        place.and_then(|place| self.commands.get(place).cloned()).unwrap_or_default()
    }

    /// How far each member is; `unseen` is what one without a log counts as.
    fn seen(&self, unseen: MemberState, settled: &[PathBuf], config: &Config) -> Vec<Seen> {
        let look = |member: &ListedMember| {
            let listing = workspace::list_run_folder(&member.folder).ok();
            let newest = listing.as_ref().and_then(workspace::FolderListing::newest);
            let state = match self.held.get(&member.prefix) {
                Some(held) => Some(held.state),
                None if !listing.is_some_and(|listing| listing.has_log()) => Some(unseen),
                // Nobody follows it any more, so it is over: it ended before the history begins, say.
                None if settled.contains(&member.folder) => Some(match progress(&member.folder).0 {
                    Progress::Finished => MemberState::Finished,
                    Progress::Crashed => MemberState::Crashed,
                    Progress::Open | Progress::Waiting => member_state(RunState::Aborted, config),
                }),
                None => None,
            };
            Seen { listed: member.clone(), state, newest }
        };
        self.members.iter().map(look).collect()
    }

    /// Joins the members, from their folders as they are now where those are still there.
    fn over(&self, folder: &Path, seen: &[Seen], config: &Config) -> Verdict {
        let mut members = Vec::new();
        for member in seen {
            let held = self.held.get(&member.listed.prefix);
            let state = member.state.unwrap_or(MemberState::Vanished);
            let fresh = match intake::take_settled(&member.listed.folder, config, &self.known(&member.listed)) {
                Err(IntakeError::SettingsInFlux(_)) => return Verdict::InGrace,
                taken => taken.ok().filter(|taken| held.is_none_or(|held| held.is_same(taken))),
            };
            members.push(TakenMember {
                listed: member.listed.clone(),
                state,
                taken: fresh.or_else(|| held.map(|held| held.taken())),
            });
        }
        let folders = seen.iter().map(|member| member.listed.folder.clone()).collect();
        let (whole, state) = intake::collection::join_or_aborted(&self.id, folder, members);
        Verdict::Over { folder: folder.to_owned(), whole: whole.map(Box::new), state, folders }
    }
}

/// A member as a look saw it.
struct Seen {
    listed: ListedMember,
    /// What became of it; `None` while it runs.
    state: Option<MemberState>,
    newest: Option<Moment>,
}

impl Held {
    fn taken(&self) -> Taken {
        Taken {
            identity: RunIdentity::of(&self.snapshot.run),
            enabled: self.enabled,
            auto_submit: self.auto_submit,
            left_to_katalon: self.left_to_katalon,
            katalon_may_submit: self.katalon_may_submit,
            claimed: self.claimed,
            // It was noted when the member was gathered.
            token: None,
            snapshot: self.snapshot.clone(),
        }
    }

    fn is_same(&self, taken: &Taken) -> bool {
        (&self.snapshot.run.suite, self.snapshot.started()) == (&taken.snapshot.run.suite, taken.snapshot.started())
    }

    const fn run_state(&self) -> RunState {
        match self.state {
            MemberState::Crashed => RunState::Crashed,
            MemberState::Aborted | MemberState::AbortedAndLeftOut => RunState::Aborted,
            _ => RunState::Finished,
        }
    }
}

const fn member_state(state: RunState, config: &Config) -> MemberState {
    match state {
        RunState::Crashed => MemberState::Crashed,
        RunState::Aborted if config.submit_aborted => MemberState::Aborted,
        RunState::Aborted => MemberState::AbortedAndLeftOut,
        RunState::Queued | RunState::Running | RunState::Finished => MemberState::Finished,
    }
}

fn newest_in(folder: &Path) -> Option<Moment> {
    workspace::list_run_folder(folder).ok()?.newest()
}

fn key(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}
