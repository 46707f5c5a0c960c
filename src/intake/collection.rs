//! A collection that is submitted as one run: which folders belong to it, how far each member is,
//! and the join.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::claim::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::{self, FinishedRun};
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::plan::join::{Part, join};
use crate::plan::members::MemberState;
use crate::plan::overrides::Collections;
use crate::workspace::{self, CollectionFolder, JunitState, ListedMember};

/// How long a member without an end must be still before a person's command takes it as aborted.
pub(crate) const STILL: Duration = Duration::from_secs(60);

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
    /// Where it lies.
    pub listed: ListedMember,
    /// What became of it.
    pub state: MemberState,
    /// Its run; `None` when there is nothing to read.
    pub taken: Option<FinishedRun>,
}

/// The collection that is submitted as one run and that this folder belongs to: its own folder,
/// that of a member, or a copy of a member.
pub(crate) fn of(folder: &Path, config: &Config) -> Option<CollectionFolder> {
    if !are_one(&workspace::find_project_root(folder)?, config) {
        return None;
    }
    let own = workspace::collection_in(folder)
        .ok()
        .or_else(|| workspace::collection_of(folder));
    own.or_else(|| workspace::collection_of(&original_of(folder)?))
}

/// The run folder that this one is a copy of, as `-reportFolder` makes them: where its run was
/// written, below the same `Reports`, when that still holds the same run.
fn original_of(folder: &Path) -> Option<PathBuf> {
    let original = workspace::written_to(folder)?;
    let run = |folder: &Path| RunIdentity::of(&workspace::read_run(folder).ok()?);
    run(folder)?
        .is_same_run(&run(&original)?)
        .then_some(original)
}

/// Whether collections of a project are submitted as one run.
pub(crate) fn are_one(root: &Path, config: &Config) -> bool {
    config
        .overrides_over(root, &ProjectFile::of(root, config))
        .collections
        == Some(Collections::One)
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
    let ended = workspace::read_run(folder).is_ok_and(|run| run.ended.is_some());
    let crashed = || workspace::read_junit(folder) == JunitState::Complete;
    let progress = match ended {
        true => MemberProgress::Finished,
        false if crashed() => MemberProgress::Crashed,
        false => MemberProgress::Open,
    };
    (progress, newest)
}

/// Whether Katalon wrote the collection's own report, which it does after the last member.
pub(crate) fn has_ended(collection: &CollectionFolder) -> bool {
    workspace::read_junit(&collection.folder) == JunitState::Complete
}

/// Takes in a collection for a person who asks for it: it has to be over. `known` is what is known
/// of the command that started it.
///
/// # Errors
/// Why it is not submitted, in words for that person.
pub(crate) fn take_finished(
    collection: &CollectionFolder,
    config: &Config,
    known: &KnownCommands,
) -> Result<FinishedRun, String> {
    let ended = has_ended(collection);
    let now = clock::now();
    let members = take_members(collection, config, known, |progress, newest| {
        let still = newest.is_none_or(|newest| now.since(newest) >= STILL);
        match progress {
            MemberProgress::Finished => Some(MemberState::Finished),
            MemberProgress::Crashed => Some(MemberState::Crashed),
            MemberProgress::Waiting => (ended || still).then_some(MemberState::NeverStarted),
            MemberProgress::Open => still.then_some(MemberState::Aborted),
        }
    })?;
    join_taken(&collection.id(), &collection.folder, members).ok_or_else(|| nothing_ran(collection))
}

/// Takes in again a collection that was submitted as one run; `None` when nothing of it is there
/// any more.
///
/// # Errors
/// Why what is there cannot be read, in words for the person who asked.
pub(crate) fn take_again(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<Option<FinishedRun>, String> {
    let collection = match workspace::collection_in(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        collection => {
            collection.map_err(|error| format!("`{}` cannot be read: {error}", folder.display()))?
        }
    };
    let is_there = |member: &ListedMember| progress(&member.folder).0 != MemberProgress::Waiting;
    if !collection.members().iter().any(is_there) {
        return Ok(None);
    }
    take_finished(&collection, config, known).map(Some)
}

/// Takes in a collection whose command has ended, so that nothing of it runs any more; with how it
/// ended, see [`join_or_aborted`].
///
/// # Errors
/// Why it is not submitted, in words for a person.
pub(crate) fn take_ended(
    collection: &CollectionFolder,
    config: &Config,
    known: &KnownCommands,
) -> Result<(FinishedRun, RunState), String> {
    let members = take_members(collection, config, known, |progress, _| {
        Some(match progress {
            MemberProgress::Finished => MemberState::Finished,
            MemberProgress::Crashed => MemberState::Crashed,
            MemberProgress::Waiting => MemberState::NeverStarted,
            MemberProgress::Open if config.submit_aborted => MemberState::Aborted,
            MemberProgress::Open => MemberState::AbortedAndLeftOut,
        })
    })?;
    let (whole, state) = join_or_aborted(&collection.id(), &collection.folder, members);
    Ok((whole.ok_or_else(|| nothing_ran(collection))?, state))
}

fn nothing_ran(collection: &CollectionFolder) -> String {
    format!(
        "no suite of the collection in `{}` has run",
        collection.folder.display()
    )
}

/// Reads the members; `state_of` says what counts as what, by how far a member is and when its
/// folder changed last, and `None` of one that still runs.
fn take_members(
    collection: &CollectionFolder,
    config: &Config,
    known: &KnownCommands,
    state_of: impl Fn(MemberProgress, Option<Moment>) -> Option<MemberState>,
) -> Result<Vec<FinishedMember>, String> {
    let known = KnownCommands {
        collection: Some(collection.report.id.clone()),
        ..known.clone()
    };
    let mut members = Vec::new();
    for listed in collection.members() {
        let (progress, newest) = progress(&listed.folder);
        let state = state_of(progress, newest).ok_or_else(|| {
            format!(
                "the collection in `{}` is still running; it is submitted as a whole when it has \
                 ended, or when nothing has changed in it for \
                 {} seconds",
                collection.folder.display(),
                STILL.as_secs()
            )
        })?;
        let taken = match progress {
            MemberProgress::Waiting => None,
            _ => Some(intake::take(&listed.folder, config, &known).map_err(|error| chain(&error))?),
        };
        members.push(FinishedMember {
            listed,
            state,
            taken,
        });
    }
    Ok(members)
}

/// Joins the members of a collection that is over; where none takes part, those that were aborted,
/// as an aborted run.
pub(crate) fn join_or_aborted(
    id: &str,
    folder: &Path,
    members: Vec<FinishedMember>,
) -> (Option<FinishedRun>, RunState) {
    if let Some(whole) = join_taken(id, folder, members.clone()) {
        return (Some(whole), RunState::Finished);
    }
    let aborted = members.into_iter().map(|member| match member.state {
        MemberState::AbortedAndLeftOut => FinishedMember {
            state: MemberState::Aborted,
            ..member
        },
        _ => member,
    });
    (join_taken(id, folder, aborted.collect()), RunState::Aborted)
}

/// Joins what was taken in of a collection; `None` when no member takes part. What holds for the
/// project is the same for all members.
pub(crate) fn join_taken(
    id: &str,
    folder: &Path,
    members: Vec<FinishedMember>,
) -> Option<FinishedRun> {
    let first = members
        .iter()
        .find(|member| member.state.takes_part())
        .and_then(|member| member.taken.clone());
    let parts = members.into_iter().map(|member| Part {
        prefix: member.listed.prefix,
        folder: member.listed.folder.to_string_lossy().into_owned(),
        state: member.state,
        snapshot: member.taken.map(|taken| taken.snapshot),
    });
    let snapshot = join(id, &folder.to_string_lossy(), parts.collect())?;
    Some(FinishedRun {
        identity: snapshot.identity(),
        snapshot,
        ..first?
    })
}
