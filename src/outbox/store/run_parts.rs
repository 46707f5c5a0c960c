//! What belongs to a run that is recorded, and is written again when it is taken up: its
//! submissions, and its snapshot with the members of a collection.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, new_submissions};
use crate::outbox::store::StoreError;
use crate::outbox::store::collection_members::set_members;
use crate::outbox::store::columns::json;
use crate::outbox::store::recorded_run::RecordedRun;
use crate::outbox::store::state::{change_one, insert, log};
use crate::outbox::submission::SubmissionState;
use crate::plan::snapshot::Snapshot;

/// Adds the submissions of a run; gives their ids.
pub(super) fn insert_submissions(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    again: u32,
    now: Moment,
) -> Result<Vec<i64>, StoreError> {
    let new = new_submissions(
        run.snapshot,
        &recorded.identity,
        recorded.twin,
        again,
        run.occasion.ignored_because(),
    );

    let mut ids = Vec::new();
    for submission in new {
        let id = insert(transaction, recorded.id, again, &submission)?;

        // A run that only seems to be aborted is decided anew when its end is seen after all.
        if run.occasion.is_aborted() && submission.state == SubmissionState::Ignored {
            change_one(
                transaction,
                id,
                "UPDATE submission SET ignored_as = 'aborted' WHERE id = ?1",
                [id],
            )?;
        }

        log(
            transaction,
            id,
            "recorded",
            submission.reason.as_deref(),
            now,
        )?;
        ids.push(id);
    }
    Ok(ids)
}

/// Puts the snapshot of today in the place of the one that a run was recorded with. Work in flight
/// goes on with its own.
pub(super) fn renew_snapshot(
    transaction: &Transaction<'_>,
    run: i64,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE run SET snapshot = ?2 WHERE id = ?1",
        params![run, serde_json::to_string(snapshot)?],
    )?;
    set_members(transaction, run, snapshot)
}

/// The snapshot that a run is recorded with.
pub(super) fn stored_snapshot(
    transaction: &Transaction<'_>,
    run: i64,
) -> Result<Snapshot, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT snapshot FROM run WHERE id = ?1")?;
    let mut rows = statement.query([run])?;
    match rows.next()? {
        Some(row) => json(row, "snapshot"),
        None => Err(rusqlite::Error::QueryReturnedNoRows.into()),
    }
}
