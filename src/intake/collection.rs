//! A collection that is submitted as one run: which folders belong to it, how far each member is,
//! and how they are joined.

use std::path::Path;

use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::intake::refusal::Refusal;
use crate::intake::{self, FinishedRun, STILL};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::join::{Part, join};
use crate::plan::members::MemberState;
use crate::plan::overrides::Collections;
use crate::workspace::{self, CollectionFolder, JunitState, ListedMember, Location, RunReader};

/// How far a member is, as its folder tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MemberProgress {
    /// There is no folder, or only the launcher's files.
    Waiting,
    /// It has begun, and its log has no end.
    Open,
    /// It ended by itself.
    Finished,
    /// It did not end, and Katalon wrote its report.
    Crashed,
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

/// Looks how far a member is, and when its folder changed last.
pub(crate) fn progress(folder: &Path) -> (MemberProgress, Option<Moment>) {
    let listing = match workspace::list_run_folder(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (MemberProgress::Waiting, None);
        }
        // It is there; reading it will say what is wrong.
        Err(_) => return (MemberProgress::Open, None),
    };

    let newest = listing.newest();
    if !listing.has_log() {
        return (MemberProgress::Waiting, newest);
    }

    let progress = if workspace::read_run(folder).is_ok_and(|run| run.ended.is_some()) {
        MemberProgress::Finished
    } else if workspace::read_junit(folder) == JunitState::Complete {
        MemberProgress::Crashed
    } else {
        MemberProgress::Open
    };
    (progress, newest)
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
) -> Result<FinishedRun, Refusal> {
    let ended = has_ended(collection);
    let now = clock::now();

    let members = read_members(collection, config, commands, |progress, newest| {
        let still = newest.is_none_or(|newest| now.since(newest) >= STILL);
        match progress {
            MemberProgress::Finished => Some(MemberState::Finished),
            MemberProgress::Crashed => Some(MemberState::Crashed),
            // Katalon writes the collection's report after the last member: what has not begun by
            // then never will.
            MemberProgress::Waiting => (ended || still).then_some(MemberState::NeverStarted),
            // A person's word stands for `submit_aborted`.
            MemberProgress::Open => still.then_some(MemberState::Aborted),
        }
    })?;

    join_members(&collection.id(), &collection.folder, members)
        .ok_or_else(|| Refusal::NothingRan(collection.folder.clone()))
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
) -> Result<Option<FinishedRun>, Refusal> {
    let collection = match workspace::collection_in(folder) {
        Ok(collection) => collection,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let folder = folder.to_owned();
            return Err(Refusal::Folder { folder, error });
        }
    };

    let any_is_there = collection
        .members()
        .iter()
        .any(|member| progress(&member.folder).0 != MemberProgress::Waiting);
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
) -> Result<(FinishedRun, RunState), Refusal> {
    let members = read_members(collection, config, commands, |progress, _| {
        Some(match progress {
            MemberProgress::Finished => MemberState::Finished,
            MemberProgress::Crashed => MemberState::Crashed,
            MemberProgress::Waiting => MemberState::NeverStarted,
            MemberProgress::Open if config.submit_aborted => MemberState::Aborted,
            MemberProgress::Open => MemberState::AbortedAndLeftOut,
        })
    })?;

    match join_or_aborted(&collection.id(), &collection.folder, members) {
        (Some(whole), state) => Ok((whole, state)),
        (None, _) => Err(Refusal::NothingRan(collection.folder.clone())),
    }
}

/// Reads the members; `state_of` says what counts as what, by how far a member is and when its
/// folder changed last, and `None` of one that still runs.
fn read_members(
    collection: &CollectionFolder,
    config: &Config,
    commands: &KnownCommands,
    state_of: impl Fn(MemberProgress, Option<Moment>) -> Option<MemberState>,
) -> Result<Vec<FinishedMember>, Refusal> {
    // The folder that was asked for may be the collection's own or a copy, which is no member.
    let commands = KnownCommands {
        membership: collection.report.membership(),
        ..commands.clone()
    };

    let mut members = Vec::new();
    for listed in collection.members() {
        let (progress, newest) = progress(&listed.folder);
        let state = state_of(progress, newest)
            .ok_or_else(|| Refusal::CollectionRuns(collection.folder.clone()))?;
        let run = match progress {
            MemberProgress::Waiting => None,
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
        snapshot,
        ..first
    })
}
