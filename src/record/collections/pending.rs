//! One collection of which at least one member is over, and a look at how far it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::discovery::claim::KnownCommands;
use crate::discovery::tracker::{BETWEEN_LOOKS, GRACE, STILL};
use crate::error_chain::chain;
use crate::intake::collection::{
    FinishedMember, MemberProgress, are_one, has_ended, join_or_aborted, progress,
};
use crate::intake::{self, FinishedRun, IntakeError};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::members::MemberState;
use crate::record::collections::member::Member;
use crate::record::collections::{CollectionProgress, member_state};
use crate::workspace::{self, ListedMember};

/// A collection of which at least one member is over.
#[derive(Clone, Default)]
pub(super) struct PendingCollection {
    /// Id of the collection.
    pub id: String,
    /// All its members.
    pub members: Vec<ListedMember>,
    /// Those that are over, by the folder below `Reports`.
    pub held: BTreeMap<String, Arc<Member>>,
    /// Since when nothing of it runs or waits, as far as was seen.
    pub over_since: Option<Moment>,
    /// Since when it cannot be told how far it is, and whether that was said.
    undecided: Option<(Moment, bool)>,
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

impl PendingCollection {
    /// Looks how far the collection in a folder is. What cannot be told is looked at again, and
    /// said once when that does not help.
    pub(super) fn look(&mut self, folder: &Path, terms: &LookTerms) -> CollectionProgress {
        let error = match self.assess(folder, terms) {
            Ok(verdict) => {
                self.undecided = None;
                return verdict;
            }
            Err(Undecided::Soon) => return CollectionProgress::InGrace,
            Err(Undecided::Collection(error)) => chain(&error),
            Err(Undecided::Member(error)) => chain(&error),
        };
        self.cannot_tell(folder, &error, terms.now)
    }

    /// It is looked at again, and said once when that does not help.
    pub(super) fn cannot_tell(
        &mut self,
        folder: &Path,
        error: &str,
        now: Moment,
    ) -> CollectionProgress {
        let (since, said) = self.undecided.get_or_insert((now, false));
        if now.since(*since) >= GRACE && !std::mem::replace(said, true) {
            let folder = folder.display();
            tracing::warn!(%folder, error, "a collection cannot be read and is not submitted before it can");
        }
        CollectionProgress::Open
    }

    fn assess(
        &mut self,
        folder: &Path,
        terms: &LookTerms,
    ) -> Result<CollectionProgress, Undecided> {
        let (config, now) = (&terms.config, terms.now);
        let root = self
            .held
            .values()
            .next()
            .map(|held| PathBuf::from(&held.snapshot.project_root));
        if root.is_some_and(|root| {
            workspace::find_project_root(&root).is_some() && !are_one(&root, config)
        }) {
            let members = self
                .held
                .values()
                .map(|held| (held.taken(), held.run_state()))
                .collect();
            return Ok(CollectionProgress::Each {
                folder: folder.to_owned(),
                members,
            });
        }
        match workspace::collection_in(folder) {
            Ok(collection) => self.members = collection.members(),
            // Its workspace was wiped: what was gathered is all there will be.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return self.over(folder, &self.seen(MemberState::Vanished, terms), terms);
            }
            // It may be in the middle of being rewritten.
            Err(error) => return Err(Undecided::Collection(error)),
        }
        let seen = self.seen(MemberState::NeverStarted, terms);
        let newest = seen
            .iter()
            .filter_map(|member| member.newest)
            .chain(newest_in(folder))
            .max()
            .unwrap_or(now);
        let quiet = now.since(newest);
        let ended = workspace::collection_in(folder).is_ok_and(|collection| has_ended(&collection));
        let waits = seen
            .iter()
            .any(|member| member.state == Some(MemberState::NeverStarted));
        let given_up = quiet >= config.abort_after;
        if seen.iter().any(|member| member.state.is_none()) || (waits && !ended && !given_up) {
            self.over_since = None;
            return Ok(CollectionProgress::Open);
        }
        let since = *self.over_since.get_or_insert(now);
        let complete = ended && quiet >= STILL && now.since(since) >= BETWEEN_LOOKS;
        if complete || given_up || now.since(since) >= GRACE {
            self.over(folder, &seen, terms)
        } else {
            Ok(CollectionProgress::InGrace)
        }
    }

    /// How far each member is; `unseen` is what one without a log counts as.
    fn seen(&self, unseen: MemberState, terms: &LookTerms) -> Vec<MemberLook> {
        let look = |member: &ListedMember| {
            let listing = workspace::list_run_folder(&member.folder);
            let newest = listing
                .as_ref()
                .ok()
                .and_then(workspace::FolderListing::newest);
            let is_there = match &listing {
                Ok(listing) => listing.has_log(),
                Err(error) => error.kind() != std::io::ErrorKind::NotFound,
            };
            let state = match self.held.get(&member.prefix) {
                Some(held) => Some(held.state),
                None if !is_there && terms.unreadable.contains(&member.prefix) => {
                    Some(MemberState::Unreadable)
                }
                None if !is_there => Some(unseen),
                // Nobody follows it any more, so it is over: it ended before the history begins,
                // say.
                None if terms.settled.contains(&member.folder) => {
                    Some(match progress(&member.folder).0 {
                        MemberProgress::Finished => MemberState::Finished,
                        MemberProgress::Crashed => MemberState::Crashed,
                        MemberProgress::Open | MemberProgress::Waiting => {
                            member_state(RunState::Aborted, &terms.config)
                        }
                    })
                }
                None => None,
            };
            MemberLook {
                listed: member.clone(),
                state,
                newest,
            }
        };
        self.members.iter().map(look).collect()
    }

    /// Joins the members, from their folders as they are now where those are still there.
    fn over(
        &self,
        folder: &Path,
        seen: &[MemberLook],
        terms: &LookTerms,
    ) -> Result<CollectionProgress, Undecided> {
        let mut members = Vec::new();
        for member in seen {
            let state = member.state.unwrap_or(MemberState::Vanished);
            let taken = self.take(&member.listed, terms)?;
            members.push(FinishedMember {
                listed: member.listed.clone(),
                state,
                taken,
            });
        }
        let folders = seen
            .iter()
            .map(|member| member.listed.folder.clone())
            .collect();
        let (whole, state) = join_or_aborted(&self.id, folder, members);
        Ok(CollectionProgress::Over {
            folder: folder.to_owned(),
            whole: whole.map(Box::new),
            state,
            folders,
        })
    }

    /// A member from its folder, or as it was gathered; `None` when there is nothing to read.
    fn take(
        &self,
        member: &ListedMember,
        terms: &LookTerms,
    ) -> Result<Option<FinishedRun>, Undecided> {
        let held = self.held.get(&member.prefix);
        // The list of members changed since the commands were looked for: without them it could go
        // to another plan.
        let known = terms.commands.get(&member.folder).ok_or(Undecided::Soon)?;
        match intake::take_settled(&member.folder, &terms.config, known) {
            Ok(taken) if held.is_none_or(|held| held.is_same(&taken)) => Ok(Some(taken)),
            Err(IntakeError::SettingsInFlux(_)) => Err(Undecided::Soon),
            Err(error) if held.is_none() && !error.is_gone() => Err(Undecided::Member(error)),
            _ => Ok(held.map(|held| held.taken())),
        }
    }
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

fn newest_in(folder: &Path) -> Option<Moment> {
    workspace::list_run_folder(folder).ok()?.newest()
}
