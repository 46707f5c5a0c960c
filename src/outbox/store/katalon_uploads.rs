//! Katalon's own submissions: what was seen of them, and submissions that they make needless.

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use crate::moment::Moment;
use crate::outbox::store::record::log;
use crate::outbox::store::{Store, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::katalon_upload::Known;

/// How much of a run that kado sent, or is about to send, Katalon submitted as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Some of its results.
    Part,
}

impl Extent {
    /// The event in the ledger.
    const fn event(self) -> &'static str {
        match self {
            Self::Whole => "Katalon submitted it too",
            Self::Part => "Katalon submitted a part of it too",
        }
    }
}

/// A suite run that kado and Katalon both submitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubleSubmission {
    /// kado's submission.
    pub submission: i64,
    /// kado's test run.
    pub ado_run_id: u32,
    /// Katalon's test run.
    pub katalon_run: String,
    /// How much of the run that holds.
    pub extent: Extent,
    /// When it was noticed.
    pub at: Moment,
}

impl Store {
    /// What was seen of Katalon's submissions in a project ([`crate::plan::katalon_upload::project_key`]).
    ///
    /// # Errors
    /// When the database fails.
    pub fn katalon_known(&self, project: &str) -> Result<Known, StoreError> {
        let sql = "SELECT seen_run_id, seen_ms, vain FROM katalon WHERE project = ?1";
        let known = self.connection.query_row(sql, [project], |row| {
            let seen = row
                .get::<_, Option<u32>>(0)?
                .zip(row.get::<_, Option<i64>>(1)?);
            Ok(Known {
                seen: seen.map(|(run, at)| (run, Moment::from_millis(at))),
                vain: row.get(2)?,
            })
        });
        Ok(known.optional()?.unwrap_or_default())
    }

    /// Notes that a project was looked through for a run of Katalon's in vain.
    ///
    /// # Errors
    /// When the database fails.
    pub fn katalon_in_vain(&mut self, project: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO katalon (project, vain) VALUES (?1, 1) ON CONFLICT (project) DO UPDATE SET vain = vain + 1";
        self.connection.execute(sql, [project])?;
        Ok(())
    }

    /// The newest test run that was compared with what kado had sent before; 0 for none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn katalon_compared(&self, project: &str) -> Result<u32, StoreError> {
        let sql = "SELECT compared FROM katalon WHERE project = ?1";
        Ok(self
            .connection
            .query_row(sql, [project], |row| row.get(0))
            .optional()?
            .unwrap_or(0))
    }

    /// Notes up to which test run was compared.
    ///
    /// # Errors
    /// When the database fails.
    pub fn katalon_compared_to(&mut self, project: &str, run: u32) -> Result<(), StoreError> {
        let sql = "INSERT INTO katalon (project, compared) VALUES (?1, ?2)
                   ON CONFLICT (project) DO UPDATE SET compared = max(compared, excluded.compared)";
        self.connection.execute(sql, params![project, run])?;
        Ok(())
    }

    /// Lets submissions wait until Katalon has had its time.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hold_for_katalon(&mut self, ids: &[i64], until: Moment) -> Result<(), StoreError> {
        for id in ids {
            self.connection.execute(
                "UPDATE submission SET for_katalon = 1, cause = NULL, next_attempt_ms = ?2,
                        reason = 'gives Katalon time to submit this run itself (`submit.katalon_wait`)'
                 WHERE id = ?1 AND state = 'pending'",
                params![id, until.millis()],
            )?;
        }
        Ok(())
    }

    /// Records that Katalon submitted the run, as this test run: nothing of it is sent.
    ///
    /// # Errors
    /// When the database fails.
    pub fn submitted_by_katalon(
        &mut self,
        submission: i64,
        run: u32,
        url: &str,
        project: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
        transaction.execute(
            "UPDATE submission SET state = 'submitted', by_katalon = 1, ado_run_id = ?2, url = ?3, submitted_ms = ?4,
                    reason = NULL, cause = NULL, next_attempt_ms = NULL, attempts = 0, for_katalon = 0
             WHERE id = ?1 AND state IN ('pending', 'submitting')",
            params![submission, run, url, now.millis()],
        )?;
        see(&transaction, project, run, now)?;
        log(
            &transaction,
            submission,
            "submitted by Katalon",
            Some(&run.to_string()),
            now,
        )?;
        Ok(transaction.commit()?)
    }

    /// Records that Katalon submitted, as this test run, what kado sends as well; gives whether
    /// that is new.
    ///
    /// # Errors
    /// When the database fails.
    pub fn doubled(
        &mut self,
        submission: i64,
        run: u32,
        extent: Extent,
        project: &str,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM ledger WHERE submission_id = ?1 AND event = ?2 AND detail = ?3)",
            params![submission, extent.event(), run.to_string()],
            |row| row.get(0),
        )?;
        if !known {
            see(&transaction, project, run, now)?;
            log(
                &transaction,
                submission,
                extent.event(),
                Some(&run.to_string()),
                now,
            )?;
        }
        transaction.commit()?;
        Ok(!known)
    }

    /// What kado sent to a test plan, of suite runs that ended at or after `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sent_to_plan(
        &self,
        plan: u32,
        since: Moment,
    ) -> Result<Vec<(i64, SubmissionPlan)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, plan FROM submission JOIN run ON run.id = run_id
             WHERE plan_id = ?1 AND ended_ms >= ?2 AND ado_run_id IS NOT NULL AND by_katalon = 0 AND plan IS NOT NULL
             ORDER BY submission.id",
        )?;
        let rows = statement.query_map(params![plan, since.millis()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        // What another version stored and this one cannot read is compared with nothing.
        Ok(rows
            .into_iter()
            .filter_map(|(id, text)| Some((id, serde_json::from_str(&text).ok()?)))
            .collect())
    }

    /// Runs of a Katalon project that both submitted, in whole or in part, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn doubles(&self, project_name: &str) -> Result<Vec<DoubleSubmission>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, ado_run_id, detail, at_ms, event FROM ledger
             JOIN submission ON submission.id = submission_id JOIN run ON run.id = run_id
             WHERE event IN (?1, ?2) AND project = ?3 AND ado_run_id IS NOT NULL ORDER BY ledger.id DESC",
        )?;
        let (whole, part) = (Extent::Whole.event(), Extent::Part.event());
        let rows = statement.query_map([whole, part, project_name], |row| {
            Ok(DoubleSubmission {
                submission: row.get(0)?,
                ado_run_id: row.get(1)?,
                katalon_run: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                at: Moment::from_millis(row.get(3)?),
                extent: if row.get::<_, String>(4)? == part {
                    Extent::Part
                } else {
                    Extent::Whole
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn see(
    transaction: &rusqlite::Transaction<'_>,
    project: &str,
    run: u32,
    now: Moment,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO katalon (project, seen_run_id, seen_ms, compared) VALUES (?1, ?2, ?3, ?2)
         ON CONFLICT (project) DO UPDATE SET seen_run_id = ?2, seen_ms = ?3, vain = 0, compared = max(compared, ?2)",
        params![project, run, now.millis()],
    )?;
    Ok(())
}
