//! Runs that were submitted before their suites ended: one that seemed to be aborted goes on, or a
//! person submitted it between two steps. What came later is not in Azure DevOps, and that is said.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::NewRun;
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::RecordedRun;
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

    // What is stored of one without an end is its last sign of life; of one whose end lay in the
    // future, when it was noticed, so its own end counts, which was read with its snapshot.
    let mut statement = transaction.prepare_cached(
        "SELECT submission.id, iif(json_valid(run.snapshot),
                                   json_extract(run.snapshot, '$.run.ended'), NULL) AS ended
         FROM submission JOIN run ON run.id = run_id
         WHERE run_id = ?1 AND ended_ms < ?2 AND state IN ('submitting', 'submitted')
         AND NOT EXISTS (SELECT 1 FROM ledger
                         WHERE submission_id = submission.id AND event = ?3)",
    )?;
    let mut rows = statement.query(params![recorded.id, ended, WENT_ON])?;
    while let Some(row) = rows.next()? {
        let said: Option<String> = row.get("ended")?;
        let said = said.and_then(|said| Moment::parse(&said).ok());
        if said.is_none_or(|said| said < ended) {
            log(transaction, row.get("id")?, WENT_ON, None, now)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::outbox::new_run::Occasion;
    use crate::outbox::store::test_runs::{NOW, at, found, open, record, snapshot};

    #[test]
    fn a_run_whose_end_lay_in_the_future_has_not_gone_on_when_it_is_met_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let ahead = at(5, NOW.millis() + 5000, snapshot(&[18], None));
        let id = found(&mut store, &ahead);
        store.submitted(id, NOW).expect("submitted");

        record(&mut store, &ahead, &Occasion::Found);

        assert!(store.gone_on_since(NOW).expect("read").is_empty());

        let later = at(5, NOW.millis() + 9000, snapshot(&[18], None));
        record(&mut store, &later, &Occasion::Found);

        assert_eq!(store.gone_on_since(NOW).expect("read"), [id]);
    }
}
