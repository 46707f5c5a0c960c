//! A run that is recorded already is met again: it stays as it is, is taken up after all, or is
//! submitted once more.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, NewSubmission, Occasion, RecordOutcome, new_submissions};
use crate::outbox::store::StoreError;
use crate::outbox::store::gone_on::note_if_gone_on;
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::RecordedRun;
use crate::outbox::store::run_parts::{insert_submissions, renew_snapshot};
use crate::outbox::store::state::{apply, begin_anew, change_one, insert};
use crate::outbox::submission::{IgnoredAs, SubmissionState};
use crate::outbox::transition::Event;
use crate::plan::snapshot::Snapshot;
use crate::plan::without_ids::{is_without_ids, reason_without_ids};

/// A submission of a run that is met again.
struct EarlierRow {
    id: i64,
    state: SubmissionState,
    again: u32,
    reason: Option<String>,
    ignored_as: Option<IgnoredAs>,
}

/// Decides about a run that is recorded already.
pub(super) fn record_again(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    // The uuid of a run can come later than the rest.
    if let Some(uuid) = &run.identity.execution_uuid {
        transaction.execute(
            "UPDATE run SET execution_uuid = coalesce(execution_uuid, ?2) WHERE id = ?1",
            params![recorded.id, uuid],
        )?;
    }

    if !run.occasion.is_again() {
        note_if_gone_on(transaction, run, recorded, now)?;
    }

    let earlier = submissions_of(transaction, recorded.id)?;
    let all_ignored = earlier
        .iter()
        .all(|one| one.state == SubmissionState::Ignored);

    // What was left out is decided anew by the rules of today, but for what a person decided.
    let is_open = all_ignored
        && earlier
            .iter()
            .all(|one| one.ignored_as != Some(IgnoredAs::Forgotten));

    let is_taken_up = match run.occasion {
        Occasion::Found if is_open && is_without_ids_again(&earlier, run.snapshot) => {
            renew(transaction, run, recorded)?;
            for one in &earlier {
                let reason = reason_without_ids(run.snapshot, one.id);
                renew_reason(transaction, one, &reason, one.ignored_as, now)?;
            }
            false
        }
        Occasion::Found => is_open,
        Occasion::Ignored { reason, aborted } => {
            let ignored_as = aborted.then_some(IgnoredAs::Aborted);
            if is_open {
                for one in &earlier {
                    renew_reason(transaction, one, reason, ignored_as, now)?;
                }
            }
            false
        }
        Occasion::Asked { again: false } => all_ignored,
        Occasion::Asked { again: true } => {
            // A person asks for it, so today's settings and files count.
            renew(transaction, run, recorded)?;
            let again = earlier.iter().map(|one| one.again + 1).max().unwrap_or(0);
            let new = insert_submissions(transaction, run, recorded, again, now)?;
            return Ok(RecordOutcome::New(new));
        }
    };

    if !is_taken_up {
        let ids = earlier.iter().map(|one| one.id).collect();
        return Ok(RecordOutcome::Unchanged(ids));
    }
    Ok(RecordOutcome::New(take_over(
        transaction,
        run,
        recorded,
        now,
    )?))
}

/// Begins the submissions of a run anew, with what is there of it today; gives their ids.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    now: Moment,
) -> Result<Vec<i64>, StoreError> {
    renew(transaction, run, recorded)?;

    // By the identity of the first time, whatever of a collection is there by now: a key that
    // changed would make another run in ADO.
    let wanted = new_submissions(run.snapshot, &recorded.identity, recorded.twin, 0, None);
    take_up(transaction, recorded.id, &wanted, now)
}

/// Whether no test of a run has an id, and that was so before: ADO need not be asked to know that
/// there is nothing to send.
fn is_without_ids_again(earlier: &[EarlierRow], snapshot: &Snapshot) -> bool {
    let all_without = earlier
        .iter()
        .all(|one| one.ignored_as == Some(IgnoredAs::WithoutIds));
    all_without && is_without_ids(snapshot)
}

/// A submission that stays ignored says truly what would change that.
fn renew_reason(
    transaction: &Transaction<'_>,
    one: &EarlierRow,
    reason: &str,
    ignored_as: Option<IgnoredAs>,
    now: Moment,
) -> Result<(), StoreError> {
    if one.reason.as_deref() == Some(reason) && one.ignored_as == ignored_as {
        return Ok(());
    }

    change_one(
        transaction,
        one.id,
        "UPDATE submission SET reason = ?2, ignored_as = ?3 WHERE id = ?1",
        params![one.id, reason, ignored_as],
    )?;
    log(transaction, one.id, "decided anew", Some(reason), now)
}

fn submissions_of(transaction: &Transaction<'_>, run: i64) -> Result<Vec<EarlierRow>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, state, again, reason, ignored_as FROM submission
         WHERE run_id = ?1 ORDER BY id",
    )?;

    let rows = statement.query_map([run], |row| {
        Ok(EarlierRow {
            id: row.get("id")?,
            state: row.get("state")?,
            again: row.get("again")?,
            reason: row.get("reason")?,
            ignored_as: row.get("ignored_as")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The snapshot, the folder and the end of a run are those of today.
fn renew(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
) -> Result<(), StoreError> {
    renew_snapshot(transaction, recorded.id, run.snapshot)?;

    // Also its project: another one's run may take the place of one that is stuck.
    transaction.execute(
        "UPDATE run SET folder = ?2, ended_ms = ?3, root = ?4, project = ?5 WHERE id = ?1",
        params![
            recorded.id,
            run.snapshot.folder,
            run.ended(),
            run.snapshot.root(),
            run.snapshot.project_name
        ],
    )?;
    Ok(())
}

/// Turns the submissions of a run into the wanted ones: rows are used again, so that no id that a
/// person has seen disappears; what has an ADO run goes on where it was.
fn take_up(
    transaction: &Transaction<'_>,
    run: i64,
    wanted: &[NewSubmission],
    now: Moment,
) -> Result<Vec<i64>, StoreError> {
    let mut ids = begun(transaction, run)?;
    for id in &ids {
        apply(transaction, *id, Event::Resumed, None)?;
    }

    let mut free = untouched(transaction, run)?;
    let mut assigned = Vec::new();
    // Keys are unique, so a row goes first to the plan whose key it has.
    for new in wanted {
        let same_key = free.iter().position(|(_, key)| *key == new.key);
        assigned.push((new, same_key.map(|index| free.remove(index).0)));
    }

    let mut others = free.into_iter().map(|(id, _)| id);
    for (new, row) in assigned {
        // This plan has its ADO run, which goes on as it was (see above) or has arrived.
        if has_ado_run(transaction, run, &new.key)? {
            continue;
        }
        let id = match row.or_else(|| others.next()) {
            Some(id) => {
                begin_anew(transaction, id, new)?;
                id
            }

            None => insert(transaction, run, 0, new)?,
        };

        log(transaction, id, "taken up", new.reason.as_deref(), now)?;
        ids.push(id);
    }

    ids.sort_unstable();
    Ok(ids)
}

/// Submissions of a run that have an ADO run and are given up.
fn begun(transaction: &Transaction<'_>, run: i64) -> Result<Vec<i64>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT id FROM submission
         WHERE run_id = ?1 AND ado_run_id IS NOT NULL AND state IN ('ignored', 'parked')",
    )?;
    let rows = statement.query_map([run], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Submissions of a run that never had an ADO run: id and key, the oldest first.
fn untouched(transaction: &Transaction<'_>, run: i64) -> Result<Vec<(i64, String)>, StoreError> {
    // What a person wanted once more (`again`) is a submission of its own and keeps its row.
    let mut statement = transaction.prepare_cached(
        "SELECT id, key FROM submission
         WHERE run_id = ?1 AND ado_run_id IS NULL AND again = 0 ORDER BY id",
    )?;
    let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn has_ado_run(transaction: &Transaction<'_>, run: i64, key: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM submission WHERE run_id = ?1 AND ado_run_id IS NOT NULL AND key = ?2";
    let row = transaction
        .prepare_cached(sql)?
        .query_row(params![run, key], |_| Ok(()))
        .optional()?;
    Ok(row.is_some())
}
