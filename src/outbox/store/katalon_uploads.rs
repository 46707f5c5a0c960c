//! Katalon's own uploads: what was seen of them, and submissions that they make needless.

use std::fmt;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::moment::Moment;
use crate::outbox::store::ledger::log;
use crate::outbox::store::state::{apply, change_one};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::transition::Event;
use crate::plan::SubmissionPlan;
use crate::plan::katalon_rule::UploadHistory;

/// How much of a run that kado sent, or is about to send, Katalon submitted as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overlap {
    /// All of it.
    Whole,
    /// Some of its results.
    Part,
}

impl Overlap {
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
pub(crate) struct DoubleSubmission {
    /// kado's submission.
    pub submission: i64,
    /// kado's test run.
    pub ado_run_id: u32,
    /// Katalon's test run.
    pub katalon_run: String,
    /// How much of the run that holds.
    pub extent: Overlap,
    /// When it was noticed.
    pub at: Moment,
}

impl fmt::Display for DoubleSubmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.extent {
            Overlap::Whole => "the same run",
            Overlap::Part => "a part of this run",
        };
        write!(
            f,
            "{what}, submitted by Katalon itself as test run {}",
            self.katalon_run
        )
    }
}

/// A project is named by `crate::plan::katalon_upload::project_key`.
impl Store {
    /// What was seen of Katalon's uploads in a project.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn katalon_known(&self, project: &str) -> Result<UploadHistory, StoreError> {
        let known = self
            .connection
            .prepare_cached(
                "SELECT seen_run_id, seen_ms, vain FROM katalon_upload WHERE project = ?1",
            )?
            .query_row([project], |row| {
                let run: Option<u32> = row.get("seen_run_id")?;
                let at: Option<Moment> = row.get("seen_ms")?;
                Ok(UploadHistory {
                    last_upload: run.zip(at),
                    looks_in_vain: row.get("vain")?,
                })
            })
            .optional()?;

        Ok(known.unwrap_or_default())
    }

    /// Notes that a project was looked through for a run of Katalon's in vain.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn katalon_in_vain(&mut self, project: &str) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO katalon_upload (project, vain) VALUES (?1, 1)
             ON CONFLICT (project) DO UPDATE SET vain = vain + 1",
            [project],
        )?;
        Ok(())
    }

    /// The newest test run that was compared with what kado had sent before; 0 for none.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn katalon_compared(&self, project: &str) -> Result<u32, StoreError> {
        let compared = self
            .connection
            .prepare_cached("SELECT compared FROM katalon_upload WHERE project = ?1")?
            .query_row([project], |row| row.get("compared"))
            .optional()?;
        Ok(compared.unwrap_or(0))
    }

    /// Notes up to which test run was compared.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn katalon_compared_to(
        &mut self,
        project: &str,
        run: u32,
    ) -> Result<(), StoreError> {
        // Several submissions of a project may compare at the same time: the mark never goes back.
        self.connection.execute(
            "INSERT INTO katalon_upload (project, compared) VALUES (?1, ?2)
             ON CONFLICT (project) DO UPDATE SET compared = max(compared, excluded.compared)",
            params![project, run],
        )?;
        Ok(())
    }

    /// Records that Katalon submitted the run, as this test run: nothing of it is sent.
    ///
    /// # Errors
    /// When nobody works on the submission, or when the database fails.
    pub(crate) fn submitted_by_katalon(
        &mut self,
        submission: i64,
        run: u32,
        url: &str,
        project: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;

        // Nothing of its plan is sent: a step left behind as intended would say that it may be.
        transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
        apply(&transaction, submission, Event::SubmittedByKatalon, None)?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET by_katalon = 1, ado_run_id = ?2, url = ?3, submitted_ms = ?4,
                    attempts = 0
             WHERE id = ?1",
            params![submission, run, url, now],
        )?;

        note_seen(&transaction, project, run, now)?;
        let detail = run.to_string();
        log(
            &transaction,
            submission,
            "submitted by Katalon",
            Some(&detail),
            now,
        )?;
        Ok(transaction.commit()?)
    }

    /// Records that Katalon submitted, as this test run, what kado sends as well; gives whether
    /// that is new.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn doubled(
        &mut self,
        submission: i64,
        run: u32,
        extent: Overlap,
        project: &str,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let event = extent.event();
        let detail = run.to_string();

        let transaction = self.begin()?;
        let is_known: bool = transaction.query_row(
            "SELECT EXISTS (SELECT 1 FROM ledger
                            WHERE submission_id = ?1 AND event = ?2 AND detail = ?3)",
            params![submission, event, detail],
            |row| row.get(0),
        )?;

        // Every later look meets the same pair again.
        if is_known {
            return Ok(false);
        }

        note_seen(&transaction, project, run, now)?;
        log(&transaction, submission, event, Some(&detail), now)?;
        transaction.commit()?;
        Ok(true)
    }

    /// What kado sent to a test plan, of suite runs that ended at or after `since`. What another
    /// version stored and this one cannot read is compared with nothing, and left out.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn sent_to_plan(
        &self,
        plan: u32,
        since: Moment,
    ) -> Result<Vec<(i64, SubmissionPlan)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, plan FROM submission JOIN run ON run.id = run_id
             WHERE plan_id = ?1 AND ended_ms >= ?2 AND ado_run_id IS NOT NULL
             AND by_katalon = 0 AND plan IS NOT NULL
             ORDER BY submission.id",
        )?;
        let mut rows = statement.query(params![plan, since])?;

        let mut sent = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get("plan")?;
            if let Ok(plan) = serde_json::from_str(&text) {
                sent.push((row.get("id")?, plan));
            }
        }
        Ok(sent)
    }

    /// Runs of a Katalon project that both submitted, in whole or in part, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn doubles(&self, project_name: &str) -> Result<Vec<DoubleSubmission>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{DOUBLES} AND project = ?3 ORDER BY ledger.id DESC"
        ))?;
        let events = [Overlap::Whole.event(), Overlap::Part.event()];
        let rows = statement.query_map(params![events[0], events[1], project_name], double)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Runs of all projects of which it was noticed since `since` that both submitted them, the
    /// newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn doubles_since(&self, since: Moment) -> Result<Vec<DoubleSubmission>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{DOUBLES} AND at_ms >= ?3 ORDER BY ledger.id DESC"
        ))?;
        let events = [Overlap::Whole.event(), Overlap::Part.event()];
        let rows = statement.query_map(params![events[0], events[1], since], double)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What [`double`] reads.
const DOUBLES: &str = "
    SELECT submission_id, ado_run_id, detail, at_ms, event FROM ledger
    JOIN submission ON submission.id = submission_id JOIN run ON run.id = run_id
    WHERE event IN (?1, ?2) AND ado_run_id IS NOT NULL";

/// Reads a row of [`DOUBLES`].
fn double(row: &Row<'_>) -> rusqlite::Result<DoubleSubmission> {
    let katalon_run: Option<String> = row.get("detail")?;
    let event: String = row.get("event")?;

    Ok(DoubleSubmission {
        submission: row.get("submission_id")?,
        ado_run_id: row.get("ado_run_id")?,
        katalon_run: katalon_run.unwrap_or_default(),
        extent: if event == Overlap::Part.event() {
            Overlap::Part
        } else {
            Overlap::Whole
        },
        at: row.get("at_ms")?,
    })
}

/// Notes that Katalon was seen to submit, so that kado waits for it again.
fn note_seen(
    transaction: &Transaction<'_>,
    project: &str,
    run: u32,
    now: Moment,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO katalon_upload (project, seen_run_id, seen_ms, compared)
         VALUES (?1, ?2, ?3, ?2)
         ON CONFLICT (project) DO UPDATE
         SET seen_run_id = ?2, seen_ms = ?3, vain = 0, compared = max(compared, ?2)",
        params![project, run, now],
    )?;
    Ok(())
}
