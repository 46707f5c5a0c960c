//! What is remembered of tests from run to run (`plan/history.rs`). A small table of its own: a line
//! about one failure would else cost the snapshots of twenty runs.
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

        // One query for all of them. A result of the same suite run, which was recorded by itself
        // before its collection was, is none from before.
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, ended_ms, failed, message
             FROM json_each(?1) AS wanted JOIN test_history ON subject = wanted.value->>0
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
