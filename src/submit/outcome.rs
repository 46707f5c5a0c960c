//! From what was attempted to an exit code.

use std::collections::{HashMap, HashSet};

use crate::exit::Exit;
use crate::outbox::submission::{Obstacle, SubmissionState, SubmissionSummary};
use crate::plan::recount::Recount;
use crate::submit::SendAttempt;

/// The exit code of an invocation that attempted submissions. `rows` are those that it answers for:
/// left-out ids count where their run was submitted by this invocation, parked runs always, and
/// what is open without an attempt, because a signal came before it.
pub(crate) fn exit(rows: &[SubmissionSummary], attempts: &[(i64, SendAttempt)]) -> Exit {
    let by_id: HashMap<i64, &SubmissionSummary> = rows.iter().map(|row| (row.id, row)).collect();
    let attempted: HashSet<i64> = attempts.iter().map(|(id, _)| *id).collect();

    let mut exit = Exit::Done;
    for (id, attempt) in attempts {
        exit = exit.and(match attempt {
            // Also a run without any id: that its test case files are gone counts.
            SendAttempt::Submitted | SendAttempt::Ignored => {
                exit_of_left_out(by_id.get(id).copied())
            }
            SendAttempt::Parked | SendAttempt::PlanFound => Exit::NotDone,
            SendAttempt::Waits { obstacle, .. } => exit_of_waiting(*obstacle),
        });
    }

    for row in rows {
        let is_attempted = attempted.contains(&row.id);
        let is_not_done = match row.state {
            SubmissionState::Parked => true,
            SubmissionState::Pending | SubmissionState::Submitting => !is_attempted,
            SubmissionState::Submitted | SubmissionState::Ignored => false,
        };
        if is_not_done {
            exit = exit.and(Exit::NotDone);
        }
    }
    exit
}

/// Those of `rows` that these attempts brought to their end without all of their results there, and
/// those that are parked: what [`exit`] counts although nothing of them waits.
pub(crate) fn not_done(
    rows: Vec<SubmissionSummary>,
    attempts: &[(i64, SendAttempt)],
) -> Vec<SubmissionSummary> {
    let ended: HashSet<i64> = attempts
        .iter()
        .filter(|(_, attempt)| matches!(attempt, SendAttempt::Submitted | SendAttempt::Ignored))
        .map(|(id, _)| *id)
        .collect();

    rows.into_iter()
        .filter(|row| {
            let is_parked = row.state == SubmissionState::Parked;
            is_parked || (ended.contains(&row.id) && is_incomplete(row))
        })
        .collect()
}

fn exit_of_left_out(row: Option<&SubmissionSummary>) -> Exit {
    match row {
        Some(row) if is_incomplete(row) => Exit::NotDone,
        _ => Exit::Done,
    }
}

/// Whether something that should be in ADO is not there.
fn is_incomplete(row: &SubmissionSummary) -> bool {
    let is_different = row.recount.as_ref().is_some_and(Recount::is_different);
    is_different || row.skipped.iter().any(|left_out| left_out.kind.counts())
}

const fn exit_of_waiting(obstacle: Obstacle) -> Exit {
    match obstacle {
        Obstacle::Credentials => Exit::Refused,
        Obstacle::Unreachable => Exit::Unreachable,
        // Without a token ADO was not even asked, so this is no refusal of its.
        Obstacle::NoToken | Obstacle::AnotherSender => Exit::NotDone,
        Obstacle::Configuration => Exit::Usage,
    }
}
