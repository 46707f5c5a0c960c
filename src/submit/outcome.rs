//! From what was attempted to an exit code.

use crate::exit::Exit;
use crate::outbox::submission::SubmissionSummary;
use crate::outbox::submission::{Obstacle, SubmissionState};
use crate::submit::Attempt;

/// The exit code of an invocation that attempted submissions. `rows` are those that it answers for:
/// left-out ids count where their run was submitted by this invocation, parked runs always.
pub(crate) fn exit(rows: &[SubmissionSummary], attempts: &[(i64, Attempt)]) -> Exit {
    let attempted = attempts.iter().map(|(id, attempt)| match attempt {
        Attempt::Submitted => left_out(rows.iter().find(|row| row.id == *id)),
        Attempt::Parked => Exit::NotDone,
        Attempt::Ignored => Exit::Done,
        Attempt::Waits {
            cause: Obstacle::Credentials,
            ..
        } => Exit::Refused,
        Attempt::Waits {
            cause: Obstacle::Unreachable,
            ..
        } => Exit::Unreachable,
        Attempt::Waits {
            cause: Obstacle::NoToken | Obstacle::Katalon,
            ..
        } => Exit::NotDone,
        Attempt::Waits {
            cause: Obstacle::Configuration,
            ..
        } => Exit::Usage,
    });
    let parked = rows
        .iter()
        .filter(|row| row.state == SubmissionState::Parked)
        .map(|_| Exit::NotDone);
    attempted.chain(parked).fold(Exit::Done, Exit::and)
}

fn left_out(row: Option<&SubmissionSummary>) -> Exit {
    let counts = row.is_some_and(|row| row.skipped.iter().any(|left_out| left_out.kind.counts()));
    if counts { Exit::NotDone } else { Exit::Done }
}
