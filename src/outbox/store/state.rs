//! The one place that moves a submission from state to state.

use std::borrow::Cow;

use rusqlite::{OptionalExtension as _, Params, Transaction, params};

use crate::outbox::new_run::NewSubmission;
use crate::outbox::store::StoreError;
use crate::outbox::submission::SubmissionState;
use crate::outbox::transition::{Event, transition};
use crate::plan::text;

/// Moves a submission on. `reason` is why it waits, is parked or ignored; what it waited for until
/// now is over.
///
/// # Errors
/// When the event cannot happen in its state; then nothing is changed.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    submission: i64,
    event: Event,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    // The state is read in the transaction that changes it, and never taken from whoever asks: a
    // person may have changed it since they looked.
    let from = state_of(transaction, submission)?;
    let to = transition(from, event)
        .map_err(|source| StoreError::IllegalTransition { submission, source })?;

    change_one(
        transaction,
        submission,
        "UPDATE submission SET state = ?2, reason = ?3, obstacle = NULL, next_attempt_ms = NULL
         WHERE id = ?1",
        params![submission, to, reason.map(|text| stored(to, text))],
    )
}

/// A reason as a row keeps it. The words of others in it, such as an answer, have no limit of their
/// own; what is ignored is so for a reason of kado's, whose end says what changes it.
fn stored(state: SubmissionState, reason: &str) -> Cow<'_, str> {
    match state {
        SubmissionState::Ignored => Cow::Borrowed(reason),
        _ => Cow::Owned(text::reason(reason)),
    }
}

/// Changes the row of a submission.
///
/// # Errors
/// When it has none: what was to be recorded would be lost without a word.
pub(super) fn change_one(
    transaction: &Transaction<'_>,
    submission: i64,
    sql: &str,
    params: impl Params,
) -> Result<(), StoreError> {
    match transaction.prepare_cached(sql)?.execute(params)? {
        0 => Err(StoreError::UnknownSubmission(submission)),
        _ => Ok(()),
    }
}

/// The state of a submission.
pub(super) fn state_of(
    transaction: &Transaction<'_>,
    submission: i64,
) -> Result<SubmissionState, StoreError> {
    transaction
        .prepare_cached("SELECT state FROM submission WHERE id = ?1")?
        .query_row([submission], |row| row.get("state"))
        .optional()?
        .ok_or(StoreError::UnknownSubmission(submission))
}

/// Adds a submission in the state it starts in; gives its id.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: i64,
    again: u32,
    new: &NewSubmission,
) -> Result<i64, StoreError> {
    transaction.execute(
        "INSERT INTO submission (run_id, server, plan_id, again, key, state, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            run,
            new.server,
            new.plan_id,
            again,
            new.key,
            new.state,
            new.reason.as_deref().map(|text| stored(new.state, text))
        ],
    )?;

    Ok(transaction.last_insert_rowid())
}

/// Lets a submission without an ADO run begin anew, as if it were new; its id stays, because a
/// person has seen it.
///
/// # Errors
/// When it is submitted.
pub(super) fn begin_anew(
    transaction: &Transaction<'_>,
    submission: i64,
    new: &NewSubmission,
) -> Result<(), StoreError> {
    drop_steps(transaction, submission)?;
    transaction.execute("DELETE FROM refused WHERE submission_id = ?1", [submission])?;

    apply(
        transaction,
        submission,
        Event::BegunAnew(new.state),
        new.reason.as_deref(),
    )?;

    // All but the id and `create_unclear`: a request of the plan before may have made a run, and
    // ADO is still asked for it.
    change_one(
        transaction,
        submission,
        "UPDATE submission SET server = ?2, plan_id = ?3, key = ?4, plan = NULL, snapshot = NULL,
                attempts = 0, ignored_as = NULL
         WHERE id = ?1",
        params![submission, new.server, new.plan_id, new.key],
    )
}

/// Drops the steps of a submission that has no ADO run. That its creation may have been carried out
/// is kept: the next plan has to ask ADO for it as well (invariant I5).
pub(super) fn drop_steps(transaction: &Transaction<'_>, submission: i64) -> Result<(), StoreError> {
    change_one(
        transaction,
        submission,
        "UPDATE submission SET create_unclear = create_unclear OR EXISTS
            (SELECT 1 FROM step
             WHERE submission_id = ?1 AND position = 0 AND step.state = 'intended')
         WHERE id = ?1",
        [submission],
    )?;

    transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
    Ok(())
}
