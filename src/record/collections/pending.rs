//! One collection of which a member is over, and a look at how far it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::discovery::tracker::{BETWEEN_LOOKS, GRACE, STILL_WITH_REPORT};
use crate::error_chain::chain;
use crate::intake::collection::{
    FinishedMember, MemberSigns, aborted_members, are_one, has_ended, join_or_aborted,
};
use crate::intake::{self, FinishedRun, IntakeError};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::members::MemberState;
use crate::record::collections::member::Member;
use crate::workspace::{self, FolderListing, ListedMember, Location, RunReader};

/// A collection of which at least one member is over.
#[derive(Clone, Default)]
pub(super) struct PendingCollection {
    /// Id of the collection.
    id: String,
    /// All its members.
    pub listed: Vec<ListedMember>,
    /// Those that are over, by the folder below `Reports`.
    pub kept: BTreeMap<String, Arc<Member>>,
    /// Since when nothing of it runs or waits, as far as looks saw.
    over_since: Option<Moment>,
    /// Since when it cannot be told how far it is.
    undecided: Option<UndecidedSince>,
}

#[derive(Clone)]
struct UndecidedSince {
    since: Moment,
    reported: bool,
}

/// How far a collection is, and with that what is to be done about it.
pub(crate) enum CollectionProgress {
    /// Something of it runs or may still start.
    Open,
    /// It is over and gets a little time for its reports.
    InGrace,
    /// It is to be recorded as one run.
    Over {
        /// All of it; `None` when nothing of it ran.
        whole: Option<Box<FinishedRun>>,
        /// `Aborted` when no member took part because all were aborted.
        state: RunState,
        /// Run folders that need not be looked at again.
        folders: Vec<MemberFolder>,
    },
    /// The configuration changed meanwhile: its members are runs of their own after all.
    Apart(Vec<(FinishedRun, RunState)>),
}

/// The run folder of a member of a collection that is recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MemberFolder {
    /// The folder.
    pub folder: PathBuf,
    /// Which run it holds, as far as that is known.
    pub run: Option<RunIdentity>,
}

/// What a look depends on besides the folders.
pub(super) struct LookTerms {
    /// The configuration.
    pub config: Config,
    /// What is known of the commands that started members, by their run folders.
    pub commands: BTreeMap<PathBuf, KnownCommands>,
    /// Run folders that are not followed any more.
    pub settled: BTreeSet<PathBuf>,
    /// Members that are stored and cannot be read, by the folder below `Reports`.
    pub unreadable: BTreeSet<String>,
    /// The time of the look.
    pub now: Moment,
}

/// A member as a look saw it.
struct MemberLook {
    listed: ListedMember,
    /// What became of it; `None` while it runs.
    state: Option<MemberState>,
    newest: Option<Moment>,
}

/// Why it cannot be told how far a collection is.
enum Undecided {
    /// It can be told in a moment.
    Soon,
    /// The collection is there, and cannot be read.
    Collection(std::io::Error),
    /// A member is there, and cannot be read.
    Member(IntakeError),
}

impl PendingCollection {
    /// Keeps a member that is over. The collection is not over any more for what looks saw: this
    /// member may have run again.
    pub(super) fn keep(&mut self, member: Member) {
        self.id.clone_from(&member.collection);
        self.listed = member.listed();
        self.over_since = None;
        self.kept.insert(member.prefix.clone(), Arc::new(member));
    }

    /// Looks how far the collection in a folder is. What cannot be told is looked at again, and
    /// said once when that does not help.
    pub(super) fn look(&mut self, folder: &Path, terms: &LookTerms) -> CollectionProgress {
        let error = match self.assess(folder, terms) {
            Ok(progress) => {
                self.undecided = None;
                return progress;
            }
            Err(Undecided::Soon) => return CollectionProgress::InGrace,
            Err(Undecided::Collection(error)) => chain(&error),
            Err(Undecided::Member(error)) => chain(&error),
        };

        self.cannot_tell(folder, &error, terms.now)
    }

    /// Leaves the collection open because of an error, which is reported once when it has lasted
    /// for longer than any grace time.
    pub(super) fn cannot_tell(
        &mut self,
        folder: &Path,
        error: &str,
        now: Moment,
    ) -> CollectionProgress {
        let undecided = self.undecided.get_or_insert(UndecidedSince {
            since: now,
            reported: false,
        });

        if !undecided.reported && now.since(undecided.since) >= GRACE {
            undecided.reported = true;
            tracing::warn!(
                folder = %folder.display(),
                error,
                "a collection cannot be read and is not submitted before it can"
            );
        }
        CollectionProgress::Open
    }

    fn assess(
        &mut self,
        folder: &Path,
        terms: &LookTerms,
    ) -> Result<CollectionProgress, Undecided> {
        if self.is_apart_by_now(&terms.config) {
            let members = self.kept.values();
            return Ok(CollectionProgress::Apart(
                members
                    .map(|member| (member.finished_run(), member.run_state()))
                    .collect(),
            ));
        }

        let collection = match workspace::collection_in(folder) {
            Ok(collection) => collection,
            // Its workspace was wiped: what was kept is all there will be.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let members = self.look_at_members(MemberState::Vanished, terms);
                return self.over(folder, &members, terms);
            }
            // It may be in the middle of being rewritten.
            Err(error) => return Err(Undecided::Collection(error)),
        };

        // A member that runs again is added to the report.
        self.listed = collection.members();

        let members = self.look_at_members(MemberState::NeverStarted, terms);
        let quiet = quiet_for(folder, &members, terms.now);
        let ended = has_ended(&collection);
        let given_up = quiet >= terms.config.abort_after;

        let any_runs = members.iter().any(|member| member.state.is_none());
        let any_waits = members
            .iter()
            .any(|member| member.state == Some(MemberState::NeverStarted));

        // One that runs holds the collection open, however long: like any other run it becomes
        // finished, crashed or aborted, and is kept then.
        if any_runs || (any_waits && !ended && !given_up) {
            self.over_since = None;
            return Ok(CollectionProgress::Open);
        }

        // From version 11 on Katalon writes the reports of all members only after the last one.
        let over_for = terms.now.since(*self.over_since.get_or_insert(terms.now));
        let complete = ended && quiet >= STILL_WITH_REPORT && over_for >= BETWEEN_LOOKS;
        if complete || given_up || over_for >= GRACE {
            self.over(folder, &members, terms)
        } else {
            Ok(CollectionProgress::InGrace)
        }
    }

    /// Whether the collections of its project are not one run any more. Of a project that is gone
    /// nothing new is known, so the collection stays what it was.
    fn is_apart_by_now(&self, config: &Config) -> bool {
        let Some(member) = self.kept.values().next() else {
            return false;
        };
        let root = Path::new(&member.snapshot.project_root);
        workspace::find_project_root(root).is_some() && !are_one(root, config)
    }

    /// How far each member is; `without_log` is what one without a log counts as.
    fn look_at_members(&self, without_log: MemberState, terms: &LookTerms) -> Vec<MemberLook> {
        let mut looks = Vec::new();
        for member in &self.listed {
            looks.push(self.look_at_member(member, without_log, terms));
        }
        looks
    }

    fn look_at_member(
        &self,
        member: &ListedMember,
        without_log: MemberState,
        terms: &LookTerms,
    ) -> MemberLook {
        let listing = workspace::list_run_folder(&member.folder);
        let has_log = match &listing {
            Ok(listing) => listing.has_log(),
            // A folder that cannot be listed now may hold one.
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };

        let state = if let Some(kept) = self.kept.get(&member.prefix) {
            // First of all, because what is kept is over whatever became of its folder since.
            Some(kept.state)
        } else if !has_log {
            let unreadable = terms.unreadable.contains(&member.prefix);
            Some(if unreadable {
                MemberState::Unreadable
            } else {
                without_log
            })
        } else if terms.settled.contains(&member.folder) {
            // Nobody follows it any more, so it is over: it ended before the history begins, say.
            let ended = MemberSigns::of(&member.folder).state;
            Some(MemberState::of(ended, aborted_members(&terms.config)))
        } else {
            None
        };

        MemberLook {
            listed: member.clone(),
            state,
            newest: listing.as_ref().ok().and_then(FolderListing::newest),
        }
    }

    /// Joins the members, from their folders as they are now where those are still there.
    fn over(
        &self,
        folder: &Path,
        looks: &[MemberLook],
        terms: &LookTerms,
    ) -> Result<CollectionProgress, Undecided> {
        let mut members = Vec::new();
        let mut folders = Vec::new();
        for look in looks {
            let run = self.read(&look.listed, terms)?;
            let identity = run.as_ref().and_then(|run| run.identity.clone());
            folders.push(MemberFolder {
                folder: look.listed.folder.clone(),
                run: identity,
            });
            members.push(FinishedMember {
                listed: look.listed.clone(),
                state: look.state.unwrap_or(MemberState::Vanished),
                run,
            });
        }

        let (whole, state) = join_or_aborted(&self.id, folder, members);
        Ok(CollectionProgress::Over {
            whole: whole.map(Box::new),
            state,
            folders,
        })
    }

    /// A member from its folder, or as it was kept; `None` when there is nothing to read.
    fn read(
        &self,
        member: &ListedMember,
        terms: &LookTerms,
    ) -> Result<Option<FinishedRun>, Undecided> {
        let kept = self.kept.get(&member.prefix);

        // The list of members changed since the commands were looked for: without them it could go
        // to another plan.
        let commands = terms.commands.get(&member.folder).ok_or(Undecided::Soon)?;

        let location = Location::of(&member.folder);
        let reader = RunReader::default();
        match intake::read_settled(&location, &reader, &terms.config, commands) {
            // The folder is preferred: reports may have come since the member was kept.
            Ok(run) if kept.is_none_or(|kept| kept.is_same(&run)) => Ok(Some(run)),
            Err(IntakeError::SettingsInFlux(_)) => Err(Undecided::Soon),
            Err(error) if kept.is_none() && !error.is_gone() => Err(Undecided::Member(error)),
            _ => Ok(kept.map(|kept| kept.finished_run())),
        }
    }
}

/// How long nothing changed in the folders of a collection and its members.
fn quiet_for(folder: &Path, members: &[MemberLook], now: Moment) -> std::time::Duration {
    let of_collection = workspace::list_run_folder(folder)
        .ok()
        .and_then(|listing| listing.newest());
    let of_members = members.iter().filter_map(|member| member.newest);

    match of_members.chain(of_collection).max() {
        Some(newest) => now.since(newest),
        // Where nothing can be seen nothing is given up either.
        None => std::time::Duration::ZERO,
    }
}
