//! From what was attempted to an exit code.

use crate::exit::Exit;
use crate::outbox::submission::{Obstacle, SubmissionState, SubmissionSummary};
use crate::submit::Attempt;

/// The exit code of an invocation that attempted submissions. `rows` are those that it answers for:
/// left-out ids count where their run was submitted by this invocation, parked runs always.
pub(crate) fn exit(rows: &[SubmissionSummary], attempts: &[(i64, Attempt)]) -> Exit {
    let mut exit = Exit::Done;
    for (id, attempt) in attempts {
        exit = exit.and(match attempt {
            Attempt::Submitted => exit_of_submitted(rows.iter().find(|row| row.id == *id)),
            Attempt::Parked => Exit::NotDone,
            Attempt::Ignored => Exit::Done,
            Attempt::Waits { cause, .. } => exit_of_waiting(*cause),
        });
    }

    for row in rows {
        if row.state == SubmissionState::Parked {
            exit = exit.and(Exit::NotDone);
        }
    }
    exit
}

fn exit_of_submitted(row: Option<&SubmissionSummary>) -> Exit {
    match row {
        Some(row) if row.skipped.iter().any(|left_out| left_out.kind.counts()) => Exit::NotDone,
        _ => Exit::Done,
    }
}

const fn exit_of_waiting(cause: Obstacle) -> Exit {
    match cause {
        Obstacle::Credentials => Exit::Refused,
        Obstacle::Unreachable => Exit::Unreachable,
        // Without a token ADO was not even asked, so this is no refusal of its.
        Obstacle::NoToken | Obstacle::Katalon => Exit::NotDone,
        Obstacle::Configuration => Exit::Usage,
    }
}
