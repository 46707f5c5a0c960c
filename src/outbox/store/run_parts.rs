//! What belongs to a run that is recorded, and is written again when it is taken up: its
//! submissions, and its snapshot with the members of a collection.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, new_submissions};
use crate::outbox::store::StoreError;
use crate::outbox::store::collection_members::set_members;
use crate::outbox::store::columns::json;
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::RecordedRun;
use crate::outbox::store::state::{change_one, insert};
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
/// goes on with its own, and so does what has another test run to fill (`--into`).
pub(super) fn renew_snapshot(
    transaction: &Transaction<'_>,
    run: i64,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    let into = snapshot.options.into;
    let into = into.map(|into| serde_json::to_string(&into)).transpose()?;
    transaction.execute(
        "UPDATE submission SET snapshot = (SELECT run.snapshot FROM run WHERE run.id = ?1)
         WHERE run_id = ?1 AND snapshot IS NULL
           AND (SELECT iif(json_valid(run.snapshot), run.snapshot->>'$.options.into', NULL)
                FROM run WHERE run.id = ?1) IS NOT ?2",
        params![run, into],
    )?;

    transaction.execute(
        "UPDATE run SET snapshot = ?2 WHERE id = ?1",
        params![run, serde_json::to_string(snapshot)?],
    )?;
    set_members(transaction, run, snapshot)
}

/// The snapshot that a submission is planned from: that of its run, unless it has its own.
pub(super) fn snapshot_to_plan(
    transaction: &Transaction<'_>,
    submission: i64,
) -> Result<Snapshot, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT coalesce(submission.snapshot, run.snapshot) AS snapshot
         FROM submission JOIN run ON run.id = run_id WHERE submission.id = ?1",
    )?;
    let mut rows = statement.query([submission])?;
    match rows.next()? {
        Some(row) => json(row, "snapshot"),
        None => Err(StoreError::UnknownSubmission(submission)),
    }
}

/// The snapshot that a submission is retried from: that of its run, which is the newest that is
/// known of it, unless that fills another test run (`--into`).
pub(super) fn snapshot_to_retry(
    transaction: &Transaction<'_>,
    run: i64,
    submission: i64,
) -> Result<Snapshot, StoreError> {
    let newest = stored_snapshot(transaction, run)?;
    let own = snapshot_to_plan(transaction, submission)?;

    if own.options.into == newest.options.into {
        Ok(newest)
    } else {
        Ok(own)
    }
}

/// The snapshot that a run is recorded with.
fn stored_snapshot(transaction: &Transaction<'_>, run: i64) -> Result<Snapshot, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT snapshot FROM run WHERE id = ?1")?;
    let mut rows = statement.query([run])?;
    match rows.next()? {
        Some(row) => json(row, "snapshot"),
        None => Err(rusqlite::Error::QueryReturnedNoRows.into()),
    }
}

/// Puts another snapshot where [`snapshot_to_plan`] takes it from.
pub(super) fn renew_snapshot_to_plan(
    transaction: &Transaction<'_>,
    run: i64,
    submission: i64,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    let own = transaction.execute(
        "UPDATE submission SET snapshot = ?2 WHERE id = ?1 AND snapshot IS NOT NULL",
        params![submission, serde_json::to_string(snapshot)?],
    )?;
    if own == 0 {
        renew_snapshot(transaction, run, snapshot)?;
    }
    Ok(())
}
