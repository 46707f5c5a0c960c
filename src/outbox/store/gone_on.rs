//! Runs that were submitted before their suites ended: one that seemed to be aborted goes on, or a
//! person submitted it between two steps. What came later is not in Azure DevOps, and that is said.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::NewRun;
use crate::outbox::store::recorded_run::RecordedRun;
use crate::outbox::store::state::log;
use crate::outbox::store::{Store, StoreError};

/// The event of the ledger.
const WENT_ON: &str = "went on";

impl Store {
    /// Submissions of which it was noticed since `since` that their suites went on after they were
    /// sent, but for those that a person has submitted again.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn gone_on_since(&self, since: Moment) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id FROM ledger JOIN submission ON submission.id = submission_id
             WHERE event = ?1 AND at_ms >= ?2 AND NOT EXISTS
                (SELECT 1 FROM submission AS later
                 WHERE later.run_id = submission.run_id AND later.again > submission.again)
             ORDER BY submission.id",
        )?;
        let rows = statement.query_map(params![WENT_ON, since], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Notes of a run that is met again whether its suite ended after it was sent.
pub(super) fn note_if_gone_on(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    now: Moment,
) -> Result<(), StoreError> {
    // A collection has no end of its own.
    let Some(ended) = run.snapshot.run.ended else {
        return Ok(());
    };
    if run.snapshot.joined.is_some() {
        return Ok(());
    }

    // What is stored of one without an end is its last sign of life.
    let mut statement = transaction.prepare_cached(
        "SELECT submission.id FROM submission JOIN run ON run.id = run_id
         WHERE run_id = ?1 AND ended_ms < ?2 AND state IN ('submitting', 'submitted')
         AND NOT EXISTS (SELECT 1 FROM ledger
                         WHERE submission_id = submission.id AND event = ?3)",
    )?;
    let rows = statement.query_map(params![recorded.id, ended, WENT_ON], |row| row.get(0))?;
    let sent: Vec<i64> = rows.collect::<Result<_, _>>()?;
    for submission in sent {
        log(transaction, submission, WENT_ON, None, now)?;
    }
    Ok(())
}
