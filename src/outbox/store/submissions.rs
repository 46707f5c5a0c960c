//! Reading submissions for those who send them.

use rusqlite::{Row, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::new_run::open_choice;
use crate::outbox::store::columns::{IDENTITY, REFUSED, identity, json, json_or_null};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{StepsProgress, StoredStep, Submission};
use crate::plan::snapshot::Snapshot;

/// What [`submission`] reads, beside [`REFUSED`].
const SUBMISSION: &str = "submission.id, key, plan_id, again, twin, suite, started_ms, host,
    execution_uuid, coalesce(submission.snapshot, run.snapshot) AS snapshot, plan, ado_run_id,
    attempts, create_unclear";
/// What [`progress`] reads, beside [`REFUSED`].
const PROGRESS: &str = "ado_run_id, attempts";

/// Reads [`SUBMISSION`]; the steps are rows of their own.
fn submission(row: &Row<'_>, steps: Vec<StoredStep>) -> Result<Submission, StoreError> {
    // Of a submission that is planned its own: the run's may be renewed for another one meanwhile,
    // and work in flight does not change (invariant I3).
    let snapshot: Snapshot = json(row, "snapshot")?;
    let key: String = row.get("key")?;
    let plan_id: Option<u32> = row.get("plan_id")?;
    let again: u32 = row.get("again")?;
    let open_plan = match plan_id {
        Some(_) => None,
        None => open_choice(
            &snapshot.options,
            &identity(row)?,
            row.get("twin")?,
            again,
            &key,
        ),
    };

    Ok(Submission {
        id: row.get("id")?,
        key,
        plan_id,
        open_plan,
        again,
        snapshot,
        plan: json_or_null(row, "plan")?,
        steps,
        ado_run_id: row.get("ado_run_id")?,
        attempts: row.get("attempts")?,
        refused: json(row, "refused")?,
        create_unclear: row.get("create_unclear")?,
    })
}

/// Reads [`PROGRESS`].
fn progress(row: &Row<'_>) -> Result<StepsProgress, StoreError> {
    Ok(StepsProgress {
        ado_run_id: row.get("ado_run_id")?,
        attempts: row.get("attempts")?,
        refused: json(row, "refused")?,
    })
}

impl Store {
    /// A submission with everything needed to send it.
    ///
    /// # Errors
    /// When there is none with this id, when it cannot be understood, or when the database fails.
    pub(crate) fn load(&self, id: i64) -> Result<Submission, StoreError> {
        let steps = self.steps(id)?;

        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {SUBMISSION}, {REFUSED} FROM submission JOIN run ON run.id = run_id
             WHERE submission.id = ?1"
        ))?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => submission(row, steps),
            None => Err(StoreError::UnknownSubmission(id)),
        }
    }

    /// What the steps of a submission change of it.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub(crate) fn progress(&self, id: i64) -> Result<StepsProgress, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {PROGRESS}, {REFUSED} FROM submission WHERE id = ?1"
        ))?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => progress(row),
            None => Err(StoreError::UnknownSubmission(id)),
        }
    }

    fn steps(&self, submission: i64) -> Result<Vec<StoredStep>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT step, state, detail FROM step WHERE submission_id = ?1 ORDER BY position",
        )?;
        let mut rows = statement.query([submission])?;

        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(StoredStep {
                step: json(row, "step")?,
                state: row.get("state")?,
                detail: row.get("detail")?,
            });
        }
        Ok(steps)
    }

    /// The suite runs that still have something to be sent, or may have after a person's word; of a
    /// collection that is one run its members.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open_runs(&self) -> Result<Vec<RunIdentity>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "WITH open AS (SELECT DISTINCT run_id FROM submission
                           WHERE state IN ('pending', 'submitting', 'parked'))
             SELECT {IDENTITY} FROM run WHERE id IN open
                AND NOT EXISTS (SELECT 1 FROM run_member WHERE run_id = run.id)
             UNION ALL
             SELECT {IDENTITY} FROM run_member WHERE run_id IN open"
        ))?;
        let rows = statement.query_map([], identity)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a suite run is among the [`Store::open_runs`], however many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn is_open(&self, run: &RunIdentity) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {IDENTITY} FROM run WHERE suite = ?1 AND started_ms = ?2
                AND EXISTS (SELECT 1 FROM submission WHERE run_id = run.id
                            AND state IN ('pending', 'submitting', 'parked'))
                AND NOT EXISTS (SELECT 1 FROM run_member WHERE run_id = run.id)
             UNION ALL
             SELECT {IDENTITY} FROM run_member WHERE suite = ?1 AND started_ms = ?2
                AND EXISTS (SELECT 1 FROM submission WHERE run_id = run_member.run_id
                            AND state IN ('pending', 'submitting', 'parked'))"
        ))?;

        for other in statement.query_map(params![run.suite, run.started], identity)? {
            if other?.is_same_run(run) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When a submission was completed last.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn last_success(&self) -> Result<Option<Moment>, StoreError> {
        let sql = "SELECT max(submitted_ms) FROM submission";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// When the run ended that ended last of those that are recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn last_run_seen(&self) -> Result<Option<Moment>, StoreError> {
        let sql = "SELECT max(ended_ms) FROM run";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// What kado submitted of runs that ended at or after `since`, those whose late reports are
    /// still taken.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn submitted_since(&self, since: Moment) -> Result<Vec<i64>, StoreError> {
        // A test run that Katalon made is Katalon's: nothing is added to it.
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id FROM submission JOIN run ON run.id = run_id
             WHERE state = 'submitted' AND NOT by_katalon AND ended_ms >= ?1
             ORDER BY submission.id",
        )?;
        let rows = statement.query_map(params![since], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What is said of a run that another version stored and this one cannot read.
pub(crate) fn unreadable(error: &serde_json::Error) -> String {
    format!(
        "this version of kado cannot read what is stored of the run ({error}); \
         `kado submit --again FOLDER` starts anew"
    )
}
