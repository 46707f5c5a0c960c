//! Recording runs and their submissions.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, NewSubmission, RecordOutcome, new_submissions};
use crate::outbox::store::collection_members::{
    Asker, Remaining, by_itself, part_of, remaining, wholes_with,
};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::plan::snapshot::Snapshot;

impl Store {
    /// Records a run; the same run met twice is one run (invariant I2), and a member of a
    /// collection counts as part of that or as a run of its own, never as both.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record(
        &mut self,
        record: &NewRun<'_>,
        now: Moment,
    ) -> Result<RecordOutcome, StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let recorded = record_once(&transaction, record, now)?;
        transaction.commit()?;
        Ok(recorded)
    }

    /// Plans a submission without an ADO run anew, from a snapshot of today; one with an ADO run
    /// goes on.
    ///
    /// # Errors
    /// When there is no such submission, or when it is under way or done.
    pub fn retry(
        &mut self,
        submission: i64,
        fresh: Option<&Snapshot>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let stored = retried(&transaction, submission)?;
        if stored.begun {
            transaction.execute(
                "UPDATE submission SET state = 'submitting', reason = NULL, next_attempt_ms = NULL WHERE id = ?1",
                [submission],
            )?;
            log(&transaction, submission, "retried", None, now)?;
            return Ok(transaction.commit()?);
        }
        let snapshot = fresh
            .cloned()
            .map_or_else(|| serde_json::from_str(&stored.snapshot), Ok)?;
        let snapshot = if stored.again == 0 {
            not_sent(&transaction, submission, &stored, snapshot)?
        } else {
            snapshot
        };
        transaction.execute(
            "UPDATE run SET snapshot = ?2, members = ?3 WHERE id = ?1",
            params![
                stored.run,
                serde_json::to_string(&snapshot)?,
                members(&snapshot)?
            ],
        )?;
        let wanted = new_submissions(&snapshot, &stored.identity, stored.twin, stored.again, None);
        let same_plan = wanted.iter().find(|new| new.plan_id == stored.plan_id);
        let new = same_plan
            .or(wanted.first())
            .ok_or(StoreError::UnknownSubmission(submission))?;
        let holder = "SELECT id FROM submission WHERE key = ?1 AND id <> ?2";
        let holder: Option<i64> = transaction
            .query_row(holder, params![new.key, submission], |row| row.get(0))
            .optional()?;
        if let Some(other) = holder {
            return Err(StoreError::NotNow(format!(
                "this run no longer goes to test plan {}; run {other} is its submission now, and `kado runs forget \
                 {submission}` takes this one off the list",
                stored.plan_id.unwrap_or_default()
            )));
        }
        reset(&transaction, submission, new)?;
        log(&transaction, submission, "retried", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Drops the plan of a submission that has no ADO run, because ADO does not take it any more;
    /// gives whether it had one to drop. `refusal` is what ADO said.
    ///
    /// # Errors
    /// When the database fails.
    pub fn plan_anew(
        &mut self,
        submission: i64,
        refusal: &str,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let dropped = transaction.execute(
            "UPDATE submission SET state = 'pending', plan = NULL, create_unclear = create_unclear OR EXISTS
                (SELECT 1 FROM step WHERE submission_id = ?1 AND position = 0 AND step.state = 'intended')
             WHERE id = ?1 AND state = 'submitting' AND ado_run_id IS NULL",
            [submission],
        )?;
        if dropped > 0 {
            transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
            log(&transaction, submission, "planned anew", Some(refusal), now)?;
        }
        transaction.commit()?;
        Ok(dropped > 0)
    }

    /// Takes a submission out of the outbox on a person's word (invariant I6); it stays listed as
    /// ignored.
    ///
    /// # Errors
    /// When there is no such submission, or when it is submitted already.
    pub fn forget(&mut self, submission: i64, now: Moment) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if state_of(&transaction, submission)? == SubmissionState::Submitted.word() {
            return Err(StoreError::NotNow(format!(
                "run {submission} is submitted; there is nothing to forget"
            )));
        }
        transaction.execute(
            "UPDATE submission SET state = 'ignored', next_attempt_ms = NULL, ignored_as = 'forgotten',
                    reason = 'forgotten on a person''s word; `kado runs retry` takes it up again' WHERE id = ?1",
            [submission],
        )?;
        log(&transaction, submission, "forgotten", None, now)?;
        Ok(transaction.commit()?)
    }
}

/// Records a run that was not, as far as no other run stands for it.
fn record_once(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    if let Some(whole) = standing_for(transaction, record)? {
        return Ok(RecordOutcome::PartOf(whole));
    }
    let rest = if record.occasion.is_again() {
        Remaining::Whole
    } else {
        remaining(transaction, record.snapshot)?
    };
    let known = find(transaction, record)?;
    let snapshot = match &rest {
        Remaining::Whole => record.snapshot,
        Remaining::Part(snapshot) => snapshot,
        Remaining::Nothing(submissions) => {
            return Ok(RecordOutcome::Unchanged(submissions.clone()));
        }
    };
    let record = &NewRun {
        snapshot,
        ..*record
    };
    if let Some(known) = known {
        return record_known(transaction, record, &known, now);
    }
    // What a person submits once more has another key.
    let again = u32::from(
        record.occasion.is_again()
            && part_of(transaction, record.identity, Asker::Person)?.is_some(),
    );
    let twin = next_twin(transaction, record.identity)?;
    let run = insert_run(transaction, record, twin)?;
    Ok(RecordOutcome::New(insert_submissions(
        transaction,
        record,
        run,
        twin,
        again,
        now,
    )?))
}

/// The submissions of the collection that stands for a run, which is not to be submitted by itself
/// then.
fn standing_for(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
) -> Result<Option<Vec<i64>>, StoreError> {
    if record.occasion.is_again()
        || record.snapshot.joined.is_some()
        || !by_itself(transaction, record.identity)?.is_empty()
    {
        return Ok(None);
    }
    part_of(
        transaction,
        record.identity,
        if record.occasion.is_asked() {
            Asker::Person
        } else {
            Asker::Service
        },
    )
}

/// What of a run that is to be retried was not sent in another run meanwhile.
fn not_sent(
    transaction: &Transaction<'_>,
    submission: i64,
    stored: &Retried,
    snapshot: Snapshot,
) -> Result<Snapshot, StoreError> {
    let whole = if snapshot.joined.is_none() && by_itself(transaction, &stored.identity)?.is_empty()
    {
        part_of(transaction, &stored.identity, Asker::Person)?
    } else {
        None
    };
    if let Some(whole) = whole.as_ref().and_then(|whole| whole.first()) {
        return Err(StoreError::NotNow(format!(
            "run {submission} is part of run {whole}, a collection that is one run; `kado submit --again FOLDER` submits it \
             once more by itself"
        )));
    }
    match remaining(transaction, &snapshot)? {
        Remaining::Whole => Ok(snapshot),
        Remaining::Part(rest) => Ok(*rest),
        Remaining::Nothing(_) => Err(StoreError::NotNow(format!(
            "each suite of run {submission} was submitted as a run of its own; `kado submit --again FOLDER` submits the \
             collection once more as a whole"
        ))),
    }
}

struct Retried {
    run: i64,
    twin: u32,
    again: u32,
    plan_id: Option<u32>,
    begun: bool,
    identity: RunIdentity,
    snapshot: String,
}

fn retried(transaction: &Transaction<'_>, submission: i64) -> Result<Retried, StoreError> {
    let state = state_of(transaction, submission)?;
    if state == SubmissionState::Submitted.word() {
        return Err(StoreError::NotNow(format!(
            "run {submission} is submitted; `kado submit --again FOLDER` submits it once more"
        )));
    }
    Ok(transaction.query_row(
        "SELECT run.id, twin, again, plan_id, ado_run_id IS NOT NULL, suite, started_ms, host, execution_uuid, run.snapshot
         FROM submission JOIN run ON run.id = run_id WHERE submission.id = ?1",
        [submission],
        |row| {
            let identity = RunIdentity {
                suite: row.get(5)?,
                started: Moment::from_millis(row.get(6)?),
                host: row.get(7)?,
                execution_uuid: row.get(8)?,
            };
            Ok(Retried {
                run: row.get(0)?,
                twin: row.get(1)?,
                again: row.get(2)?,
                plan_id: row.get(3)?,
                begun: row.get(4)?,
                identity,
                snapshot: row.get(9)?,
            })
        },
    )?)
}

/// The state of a submission, by its word.
fn state_of(transaction: &Transaction<'_>, submission: i64) -> Result<String, StoreError> {
    transaction
        .query_row(
            "SELECT state FROM submission WHERE id = ?1",
            [submission],
            |row| row.get(0),
        )
        .optional()?
        .ok_or(StoreError::UnknownSubmission(submission))
}

/// A run that is recorded.
struct Known {
    run: i64,
    twin: u32,
    /// As it was recorded first: its keys are made of that.
    identity: RunIdentity,
}

/// The run that a record is about. A collection is also known by a member, because it may have been
/// recorded when others of its members took part.
fn find(transaction: &Transaction<'_>, record: &NewRun<'_>) -> Result<Option<Known>, StoreError> {
    let identity = record.identity;
    let mut statement = transaction.prepare_cached(
        "SELECT id, twin, execution_uuid FROM run WHERE suite = ?1 AND started_ms = ?2 AND host = ?3 ORDER BY twin",
    )?;
    let mut rows = statement.query(params![
        identity.suite,
        identity.started.millis(),
        identity.host
    ])?;
    while let Some(row) = rows.next()? {
        let known = RunIdentity {
            execution_uuid: row.get(2)?,
            ..identity.clone()
        };
        if identity.is_same_run(&known) {
            return Ok(Some(Known {
                run: row.get(0)?,
                twin: row.get(1)?,
                identity: known,
            }));
        }
    }
    if record.snapshot.joined.is_none() {
        return Ok(None);
    }
    for member in record
        .snapshot
        .places()
        .into_iter()
        .filter_map(|place| place.run)
    {
        for whole in wholes_with(transaction, &member)? {
            let known = known_by_id(transaction, whole)?;
            if known.identity.suite == identity.suite {
                return Ok(Some(known));
            }
        }
    }
    Ok(None)
}

fn known_by_id(transaction: &Transaction<'_>, run: i64) -> Result<Known, StoreError> {
    let sql = "SELECT twin, suite, started_ms, host, execution_uuid FROM run WHERE id = ?1";
    Ok(transaction.query_row(sql, [run], |row| {
        let identity = RunIdentity {
            suite: row.get(1)?,
            started: Moment::from_millis(row.get(2)?),
            host: row.get(3)?,
            execution_uuid: row.get(4)?,
        };
        Ok(Known {
            run,
            twin: row.get(0)?,
            identity,
        })
    })?)
}

fn next_twin(transaction: &Transaction<'_>, identity: &RunIdentity) -> Result<u32, StoreError> {
    Ok(transaction.query_row(
        "SELECT count(*) FROM run WHERE suite = ?1 AND started_ms = ?2 AND host = ?3",
        params![identity.suite, identity.started.millis(), identity.host],
        |row| row.get(0),
    )?)
}

fn insert_run(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    twin: u32,
) -> Result<i64, StoreError> {
    let (identity, snapshot) = (record.identity, record.snapshot);
    transaction.execute(
        "INSERT INTO run (suite, started_ms, host, twin, execution_uuid, project, folder, ended_ms, snapshot, members)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            identity.suite,
            identity.started.millis(),
            identity.host,
            twin,
            identity.execution_uuid,
            snapshot.project_name,
            snapshot.folder,
            snapshot.run.ended.or(snapshot.run.last_record).map(Moment::millis),
            serde_json::to_string(snapshot)?,
            members(snapshot)?,
        ],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn record_known(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    known: &Known,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    let (run, twin) = (known.run, known.twin);
    if let Some(uuid) = &record.identity.execution_uuid {
        transaction.execute(
            "UPDATE run SET execution_uuid = coalesce(execution_uuid, ?2) WHERE id = ?1",
            params![run, uuid],
        )?;
    }
    let record = &NewRun {
        identity: &known.identity,
        ..*record
    };
    let known = transaction
        .prepare_cached("SELECT id, state, again FROM submission WHERE run_id = ?1 ORDER BY id")?
        .query_map([run], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, u32>(2)?,
            ))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let all_ignored = known
        .iter()
        .all(|(_, state, _)| state == SubmissionState::Ignored.word());
    let ids = known.iter().map(|(id, ..)| *id).collect();
    if !record.occasion.is_asked() {
        return if ended_after_all(transaction, record, run)? {
            update_snapshot(transaction, record, run)?;
            let wanted = new_submissions(record.snapshot, record.identity, twin, 0, None);
            Ok(RecordOutcome::New(take_up(transaction, run, &wanted, now)?))
        } else {
            Ok(RecordOutcome::Unchanged(ids))
        };
    }
    if !(record.occasion.is_again() || all_ignored) {
        return Ok(RecordOutcome::Unchanged(ids));
    }
    // A person asks for it, so today's settings and files count.
    update_snapshot(transaction, record, run)?;
    if record.occasion.is_again() {
        let again = known.iter().map(|(.., again)| again + 1).max().unwrap_or(0);
        return Ok(RecordOutcome::New(insert_submissions(
            transaction,
            record,
            run,
            twin,
            again,
            now,
        )?));
    }
    let wanted = new_submissions(
        record.snapshot,
        record.identity,
        twin,
        0,
        record.occasion.ignored_because(),
    );
    Ok(RecordOutcome::New(take_up(transaction, run, &wanted, now)?))
}

/// Whether a run that was listed as aborted has ended after all, so that it is decided now: nobody
/// decided it before.
fn ended_after_all(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    run: i64,
) -> Result<bool, StoreError> {
    if record.occasion.ignored_because().is_some() {
        return Ok(false);
    }
    let others =
        "SELECT count(*) FROM submission WHERE run_id = ?1 AND ignored_as IS NOT 'aborted'";
    let others: i64 = transaction.query_row(others, [run], |row| row.get(0))?;
    Ok(others == 0)
}

/// Turns the untouched submissions of a run into the wanted ones: rows are used again, so that no
/// id that a person has seen disappears; what has an ADO run goes on where it was.
fn take_up(
    transaction: &Transaction<'_>,
    run: i64,
    wanted: &[NewSubmission],
    now: Moment,
) -> Result<Vec<i64>, StoreError> {
    let begun = "SELECT id FROM submission WHERE run_id = ?1 AND ado_run_id IS NOT NULL AND state IN ('ignored', 'parked')";
    let mut ids = Vec::new();
    for id in column(transaction, begun, run)? {
        transaction.execute(
            "UPDATE submission SET state = 'submitting', reason = NULL, next_attempt_ms = NULL WHERE id = ?1",
            [id],
        )?;
        ids.push(id);
    }
    let mut free = untouched(transaction, run)?;
    let mut rows = Vec::new();
    // Keys are unique, so a row goes first to the plan whose key it has.
    for new in wanted {
        let own = free.iter().position(|(_, key)| *key == new.key);
        rows.push((new, own.map(|place| free.remove(place).0)));
    }
    for (new, row) in rows {
        let taken =
            "SELECT id FROM submission WHERE run_id = ?1 AND ado_run_id IS NOT NULL AND key = ?2";
        if transaction
            .query_row(taken, params![run, new.key], |_| Ok(()))
            .optional()?
            .is_some()
        {
            continue;
        }
        let id = match row.or_else(|| (!free.is_empty()).then(|| free.remove(0).0)) {
            Some(id) => reset(transaction, id, new)?,
            None => insert_submission(transaction, run, 0, new)?,
        };
        log(transaction, id, "taken up", new.reason.as_deref(), now)?;
        ids.push(id);
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Submissions of a run that never had an ADO run: id and key, the oldest first.
fn untouched(transaction: &Transaction<'_>, run: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT id, key FROM submission WHERE run_id = ?1 AND ado_run_id IS NULL AND again = 0 ORDER BY id";
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn reset(transaction: &Transaction<'_>, id: i64, new: &NewSubmission) -> Result<i64, StoreError> {
    // A creation that may have been carried out is asked for, also by the new plan.
    transaction.execute(
        "UPDATE submission SET create_unclear = create_unclear OR EXISTS
            (SELECT 1 FROM step WHERE submission_id = ?1 AND position = 0 AND step.state = 'intended') WHERE id = ?1",
        [id],
    )?;
    transaction.execute("DELETE FROM step WHERE submission_id = ?1", [id])?;
    transaction.execute(
        "UPDATE submission SET plan_id = ?2, key = ?3, state = ?4, reason = ?5, plan = NULL, snapshot = NULL, refused = '[]',
                attempts = 0, next_attempt_ms = NULL, ignored_as = NULL, for_katalon = 0, server = ?6 WHERE id = ?1",
        params![id, new.plan_id, new.key, new.state.word(), new.reason, new.server],
    )?;
    Ok(id)
}

fn column(transaction: &Transaction<'_>, sql: &str, run: i64) -> Result<Vec<i64>, StoreError> {
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([run], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn update_snapshot(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    run: i64,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(record.snapshot)?;
    transaction.execute(
        "UPDATE run SET snapshot = ?2, folder = ?3, ended_ms = ?4, members = ?5 WHERE id = ?1",
        params![
            run,
            text,
            record.snapshot.folder,
            record.snapshot.ended().millis(),
            members(record.snapshot)?
        ],
    )?;
    Ok(())
}

/// The members of a collection that is submitted as one run.
fn members(snapshot: &Snapshot) -> Result<Option<String>, StoreError> {
    let of_members = || {
        snapshot
            .places()
            .into_iter()
            .filter_map(|place| place.run)
            .collect::<Vec<_>>()
    };
    Ok(snapshot
        .joined
        .as_ref()
        .map(|_| serde_json::to_string(&of_members()))
        .transpose()?)
}

fn insert_submissions(
    transaction: &Transaction<'_>,
    record: &NewRun<'_>,
    run: i64,
    twin: u32,
    again: u32,
    now: Moment,
) -> Result<Vec<i64>, StoreError> {
    let mut ids = Vec::new();
    for new in new_submissions(
        record.snapshot,
        record.identity,
        twin,
        again,
        record.occasion.ignored_because(),
    ) {
        let id = insert_submission(transaction, run, again, &new)?;
        if record.occasion.is_aborted() && new.state == SubmissionState::Ignored {
            transaction.execute(
                "UPDATE submission SET ignored_as = 'aborted' WHERE id = ?1",
                [id],
            )?;
        }
        log(transaction, id, "recorded", new.reason.as_deref(), now)?;
        ids.push(id);
    }
    Ok(ids)
}

fn insert_submission(
    transaction: &Transaction<'_>,
    run: i64,
    again: u32,
    new: &NewSubmission,
) -> Result<i64, StoreError> {
    transaction.execute(
        "INSERT INTO submission (run_id, plan_id, again, key, state, reason, server) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![run, new.plan_id, again, new.key, new.state.word(), new.reason, new.server],
    )?;
    Ok(transaction.last_insert_rowid())
}

/// Adds a row to the ledger, in the transaction of what it reports.
pub(super) fn log(
    transaction: &Transaction<'_>,
    submission: i64,
    event: &str,
    detail: Option<&str>,
    now: Moment,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO ledger (at_ms, submission_id, event, detail) VALUES (?1, ?2, ?3, ?4)",
        params![now.millis(), submission, event, detail],
    )?;
    Ok(())
}
