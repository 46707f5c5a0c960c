//! What is remembered of tests from run to run (`plan/history.rs`). A small table of its own: a
//! line about one failure would else cost the snapshots of twenty runs.
//!
//! Only runs that are to be submitted are remembered. A row is replaced when its run is taken up or
//! recorded once more, and the newest ones of each test are kept.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::store::{Store, StoreError};
use crate::plan::history::{
    LOOKED_AT, PastResult, PastVerdict, TestMemory, TestSubject, TestToRemember, to_remember,
};
use crate::plan::snapshot::Snapshot;

/// Results of a test that are kept. More than a line looks back on, because runs that wait for a
/// server are planned long after newer ones were recorded.
const KEPT: usize = 50;

impl Store {
    /// What is remembered of these tests from runs that ended before `end`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn memory_of(
        &self,
        tests: &[TestToRemember],
        end: Moment,
    ) -> Result<TestMemory, StoreError> {
        let mut wanted = Vec::new();
        for test in tests {
            wanted.push((test.subject.0, test.suite_started.millis()));
        }

        // One query for all of them; `CROSS` has SQLite look each one up. A result of the same
        // suite run, which was recorded by itself before its collection was, is none from before.
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, ended_ms, failed, message
             FROM json_each(?1) AS wanted CROSS JOIN test_history ON subject = wanted.value->>0
             WHERE ended_ms < ?2 AND started_ms <> wanted.value->>1
             ORDER BY subject, ended_ms DESC",
        )?;
        let mut rows = statement.query(params![serde_json::to_string(&wanted)?, end])?;

        let mut memory: HashMap<TestSubject, Vec<PastResult>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let past = memory.entry(TestSubject(row.get("subject")?)).or_default();
            if past.len() == LOOKED_AT {
                continue;
            }

            let verdict = if row.get("failed")? {
                PastVerdict::Failed {
                    message: row.get("message")?,
                }
            } else {
                PastVerdict::Passed
            };
            past.push(PastResult {
                ended: row.get("ended_ms")?,
                verdict,
            });
        }
        Ok(TestMemory(memory))
    }
}

/// Remembers how the tests of a run ended.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR REPLACE INTO test_history (subject, started_ms, ended_ms, failed, message)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut forget = transaction.prepare_cached(
        "DELETE FROM test_history WHERE subject = ?1 AND ended_ms <
            (SELECT min(ended_ms) FROM
                (SELECT ended_ms FROM test_history WHERE subject = ?1
                 ORDER BY ended_ms DESC LIMIT ?2))",
    )?;

    for test in to_remember(snapshot) {
        let (failed, message) = match test.verdict {
            PastVerdict::Passed => (false, None),
            PastVerdict::Failed { message } => (true, message),
        };
        let subject = test.subject.0;
        insert.execute(params![
            subject,
            test.suite_started,
            snapshot.ended(),
            failed,
            message
        ])?;
        forget.execute(params![subject, KEPT])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::status::Status;
    use crate::outbox::new_run::Occasion;
    use crate::outbox::store::test_runs::{at, found, ignored, open, record, snapshot};
    use crate::plan::history::to_recall;
    use crate::plan::sample;

    /// A run of so many tests that started and ended then.
    fn run(millis: i64, status: Status, tests: usize) -> Snapshot {
        let mut run = at(millis, millis + 1, snapshot(&[18], None));
        run.run.tests = (0..tests)
            .map(|number| sample::test(&format!("T{number}"), millis, &[status]))
            .collect();
        run
    }

    /// How many earlier results are remembered of each test of a run that failed.
    fn remembered(store: &Store, run: &Snapshot) -> Vec<usize> {
        let memory = store.memory_of(&to_recall(run), run.ended()).unwrap();
        memory.0.values().map(Vec::len).collect()
    }

    #[test]
    fn what_is_asked_is_remembered_and_no_more_than_is_kept_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        for number in 0..60 {
            found(&mut store, &run(10 * number, Status::Passed, 2));
        }

        let failed = run(1000, Status::Failed, 2);

        assert_eq!(remembered(&store, &failed), [LOOKED_AT, LOOKED_AT]);
        let stored: usize = store
            .connection
            .query_row("SELECT count(*) FROM test_history", [], |row| row.get(0))
            .unwrap();
        assert_eq!(stored, 2 * KEPT);
    }

    #[test]
    fn a_run_that_is_left_out_is_remembered_once_it_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let left_out = run(10, Status::Passed, 1);
        let failed = run(1000, Status::Failed, 1);

        record(&mut store, &left_out, &ignored("switched off"));
        assert_eq!(remembered(&store, &failed), [0; 0]);

        record(&mut store, &left_out, &Occasion::Found);
        assert_eq!(remembered(&store, &failed), [1]);
    }

    #[test]
    fn neither_the_run_itself_nor_a_later_one_is_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let failed = run(100, Status::Failed, 1);
        found(&mut store, &failed);
        found(&mut store, &run(200, Status::Passed, 1));

        assert_eq!(remembered(&store, &failed), [0; 0]);
    }

    #[test]
    fn a_run_of_two_thousand_failures_is_looked_up_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        found(&mut store, &run(10, Status::Passed, 2000));

        let failed = run(1000, Status::Failed, 2000);

        assert_eq!(remembered(&store, &failed), [1; 2000]);
        let sql = "EXPLAIN QUERY PLAN SELECT subject FROM json_each('[]') AS wanted
                   CROSS JOIN test_history ON subject = wanted.value->>0";
        let mut statement = store.connection.prepare(sql).unwrap();
        let steps: Vec<String> = statement
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(steps[1].starts_with("SEARCH test_history"), "{steps:?}");
    }
}
