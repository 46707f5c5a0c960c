//! What is left of a joined collection without members that were submitted by themselves. Pure.

use crate::discovery::run_identity::RunIdentity;
use crate::plan::join::worst_suite;
use crate::plan::members::MemberState;
use crate::plan::snapshot::Snapshot;

/// A collection without the results and files of these runs, which were submitted as runs of their
/// own; they stay members and are named as that. Its times are still those of the whole.
///
/// `None` when no other member takes part, and for the run of a single suite.
pub(crate) fn without(snapshot: &Snapshot, alone: &[RunIdentity]) -> Option<Snapshot> {
    let mut rest = snapshot.clone();
    let members = &mut rest.joined.as_mut()?.members;

    for member in members
        .iter_mut()
        .filter(|member| member.state.takes_part())
    {
        if let Some(run) = &member.identity
            && alone.iter().any(|other| other.is_same_run(run))
        {
            member.state = MemberState::Alone;
        }
    }

    // Tests know their member by its number.
    let takes_part: Vec<bool> = members
        .iter()
        .map(|member| member.state.takes_part())
        .collect();
    if !takes_part.contains(&true) {
        return None;
    }

    rest.run
        .tests
        .retain(|test| takes_part.get(test.member).copied().unwrap_or_default());

    let run_folders = rest.run_folders();
    rest.run.files.retain(|file| {
        run_folders
            .iter()
            .any(|run_folder| run_folder.inside(&file.path).is_some())
    });

    rest.run.status = worst_suite(&rest.run.tests);
    Some(rest)
}
