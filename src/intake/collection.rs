//! A collection that is submitted as one run: which folders belong to it, how far each member is,
//! and how they are joined.

use std::path::Path;

use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::intake::refusal::RunRefusal;
use crate::intake::{self, FinishedRun, STILL_WITHOUT_END};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::join::{Part, join};
use crate::plan::members::{AbortedMembers, MemberState};
use crate::plan::overrides::Collections;
use crate::workspace::{self, CollectionFolder, JunitState, ListedMember, Location, RunReader};

/// What the folder of a member tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemberSigns {
    /// How far it is if nothing of it goes on any more: queued where there is no folder, or only
    /// the launcher's files, and aborted where its log has no end.
    pub state: RunState,
    /// When a file of it changed last.
    newest: Option<Moment>,
}

/// A member with what was read of it.
#[derive(Clone, Debug)]
pub(crate) struct FinishedMember {
    /// Its folder.
    pub listed: ListedMember,
    /// What became of it.
    pub state: MemberState,
    /// Its run; `None` when there is nothing to read.
    pub run: Option<FinishedRun>,
}

/// The collection that is submitted as one run and that this folder belongs to: its own folder,
/// that of a member, or a copy of a member.
pub(crate) fn of(
    location: &Location,
    reader: &RunReader,
    config: &Config,
) -> Option<CollectionFolder> {
    if !are_one(location.root.as_ref()?, config) {
        return None;
    }

    if let Ok(collection) = workspace::collection_in(&location.folder) {
        return Some(collection);
    }
    if let Some(collection) = &location.collection {
        return Some(collection.clone());
    }

    // A copy made by `-reportFolder` belongs to the collection of its original.
    original_of(location, reader)?.collection
}

/// The run folder that this one is a copy of, as `-reportFolder` makes them: where its run was
/// written, below the same `Reports`, when that still holds the same run.
fn original_of(location: &Location, reader: &RunReader) -> Option<Location> {
    let original = Location::of(&workspace::written_to(&location.folder)?);
    let copied_run = RunIdentity::of(&reader.read(location).ok()?)?;
    let original_run = RunIdentity::of(&reader.read(&original).ok()?)?;
    copied_run.is_same_run(&original_run).then_some(original)
}

/// Whether collections of a project are submitted as one run.
pub(crate) fn are_one(root: &Path, config: &Config) -> bool {
    let overrides = config.overrides_over(root, &ProjectFile::of(root, config));
    overrides.collections == Some(Collections::One)
}

impl MemberSigns {
    /// Looks at the folder of a member.
    pub(crate) fn of(folder: &Path) -> Self {
        let listing = match workspace::list_run_folder(folder) {
            Ok(listing) => listing,
            Err(error) => {
                let state = match error.kind() {
                    std::io::ErrorKind::NotFound => RunState::Queued,
                    // It is there; reading it will say what is wrong.
                    _ => RunState::Aborted,
                };
                return Self {
                    state,
                    newest: None,
                };
            }
        };

        let state = if listing.has_log() {
            let ended = workspace::read_run(folder).ok().and_then(|run| run.ended);
            workspace::state_when_over(folder, ended)
        } else {
            RunState::Queued
        };
        Self {
            state,
            newest: listing.newest(),
        }
    }
}

/// What becomes of members that were aborted, by the configuration.
pub(crate) const fn aborted_members(config: &Config) -> AbortedMembers {
    if config.submit_aborted {
        AbortedMembers::Taken
    } else {
        AbortedMembers::LeftOut
    }
}

/// Whether Katalon wrote the collection's own report, which it does after the last member.
pub(crate) fn has_ended(collection: &CollectionFolder) -> bool {
    workspace::read_junit(&collection.folder) == JunitState::Complete
}

/// Reads a collection for a person who asks for it: it has to be over. `commands` is what is known
/// of the commands that may have started it.
///
/// # Errors
/// Why it is not submitted.
pub(super) fn read_requested(
    collection: &CollectionFolder,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, RunRefusal> {
    let ended = has_ended(collection);
    let now = clock::now();

    let members = read_members(collection, config, commands, |signs| {
        let still = signs
            .newest
            .is_none_or(|newest| now.since(newest) >= STILL_WITHOUT_END);
        let is_over = match signs.state {
            RunState::Finished | RunState::Crashed => true,
            // Katalon writes the collection's report after the last member: what has not begun by
            // then never will.
            RunState::Queued => ended || still,
            RunState::Running | RunState::Aborted => still,
        };

        // A person's word stands for `submit_aborted`.
        is_over.then(|| MemberState::of(signs.state, AbortedMembers::Taken))
    })?;

    join_members(&collection.id(), &collection.folder, members)
        .ok_or_else(|| RunRefusal::NothingRan(collection.folder.clone()))
}

/// Reads again a collection that was submitted as one run; `None` when nothing of it is there any
/// more.
///
/// # Errors
/// Why what is there is not submitted.
pub(super) fn read_again(
    folder: &Path,
    config: &Config,
    commands: &KnownCommands,
) -> Result<Option<FinishedRun>, RunRefusal> {
    let collection = match workspace::collection_in(folder) {
        Ok(collection) => collection,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let folder = folder.to_owned();
            return Err(RunRefusal::Folder { folder, error });
        }
    };

    let any_is_there = collection
        .members()
        .iter()
        .any(|member| MemberSigns::of(&member.folder).state != RunState::Queued);
    if !any_is_there {
        return Ok(None);
    }
    read_requested(&collection, config, commands).map(Some)
}

/// Reads a collection whose command has ended, so that nothing of it runs any more; with how it
/// ended, see [`join_or_aborted`].
///
/// # Errors
/// Why it is not submitted.
pub(super) fn read_ended(
    collection: &CollectionFolder,
    config: &Config,
    commands: &KnownCommands,
) -> Result<(FinishedRun, RunState), RunRefusal> {
    let members = read_members(collection, config, commands, |signs| {
        Some(MemberState::of(signs.state, aborted_members(config)))
    })?;

    match join_or_aborted(&collection.id(), &collection.folder, members) {
        (Some(whole), state) => Ok((whole, state)),
        (None, _) => Err(RunRefusal::NothingRan(collection.folder.clone())),
    }
}

/// Reads the members; `state_of` says what each counts as, by what its folder tells, and `None` of
/// one that still runs.
fn read_members(
    collection: &CollectionFolder,
    config: &Config,
    commands: &KnownCommands,
    state_of: impl Fn(&MemberSigns) -> Option<MemberState>,
) -> Result<Vec<FinishedMember>, RunRefusal> {
    // The folder that was asked for may be the collection's own or a copy, which is no member.
    let commands = KnownCommands {
        membership: collection.report.membership(),
        ..commands.clone()
    };

    let mut members = Vec::new();
    for listed in collection.members() {
        let signs = MemberSigns::of(&listed.folder);
        let state = state_of(&signs)
            .ok_or_else(|| RunRefusal::CollectionRuns(collection.folder.clone()))?;
        let run = match signs.state {
            RunState::Queued => None,
            _ => {
                let location = Location::of(&listed.folder);
                Some(intake::read(
                    &location,
                    &RunReader::default(),
                    config,
                    &commands,
                )?)
            }
        };

        members.push(FinishedMember { listed, state, run });
    }

    Ok(members)
}

/// Joins the members of a collection that is over; where none takes part, those that were aborted,
/// as an aborted run. Of a collection of which nothing ran there is no run.
pub(crate) fn join_or_aborted(
    id: &str,
    folder: &Path,
    mut members: Vec<FinishedMember>,
) -> (Option<FinishedRun>, RunState) {
    if members.iter().any(|member| member.state.takes_part()) {
        return (join_members(id, folder, members), RunState::Finished);
    }

    for member in &mut members {
        if member.state == MemberState::AbortedAndLeftOut {
            member.state = MemberState::Aborted;
        }
    }
    (join_members(id, folder, members), RunState::Aborted)
}

/// Joins what was read of a collection; `None` when there is nothing to read of the members that
/// take part. What holds for the project is the same for all members.
fn join_members(id: &str, folder: &Path, members: Vec<FinishedMember>) -> Option<FinishedRun> {
    let first = members
        .iter()
        .filter(|member| member.state.takes_part())
        .find_map(|member| member.run.clone())?;

    let mut parts = Vec::new();
    for member in members {
        parts.push(Part {
            prefix: member.listed.prefix,
            folder: member.listed.folder.to_string_lossy().into_owned(),
            state: member.state,
            snapshot: member.run.map(|run| run.snapshot),
        });
    }

    let snapshot = join(id, &folder.to_string_lossy(), parts)?;
    Some(FinishedRun {
        identity: snapshot.identity(),
        // Its last member ended later than the first.
        noticed: clock::now(),
        snapshot,
        ..first
    })
}
