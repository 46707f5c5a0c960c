//! Test plans that settings name or describe: once it is known which ones are meant, the run's
//! submissions get their plans and keys.
//!
//! All of a run at once, and before anything of it is sent: kado's key is made of the plan's id
//! (invariant I5), and which submission tells what is missing depends on all plans of the run.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::moment::Moment;
use crate::outbox::new_run::{NewSubmission, new_submissions, open_choice};
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::{RecordedRun, with_id};
use crate::outbox::store::run_parts::{renew_snapshot_to_plan, snapshot_to_plan};
use crate::outbox::store::state::{apply, change_one, insert};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::outbox::transition::Event;
use crate::plan::plan_choice::PlanChoice;
use crate::plan::snapshot::Snapshot;

/// A submission whose test plan is not known yet.
struct OpenRow {
    id: i64,
    key: String,
    state: SubmissionState,
    /// What the settings say of its plan.
    choice: Option<PlanChoice>,
}

impl Store {
    /// Records which test plans the settings of a run mean, with the submissions to them. Two that
    /// mean the same plan become one.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn settle_plans(
        &mut self,
        submission: i64,
        settled: &[(PlanChoice, u32)],
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let (run, again) = run_of(&transaction, submission)?;
        let recorded = with_id(&transaction, run)?;
        let before = snapshot_to_plan(&transaction, submission)?;
        let mut rows = open_rows(&transaction, &recorded, again, &before)?;

        let mut snapshot = before;
        snapshot.options.settle_plans(settled);
        renew_snapshot_to_plan(&transaction, run, submission, &snapshot)?;

        let wanted = new_submissions(&snapshot, &recorded.identity, recorded.twin, again, None);
        let mut without_row = Vec::new();
        for new in &wanted {
            let Some(plan) = new.plan_id else {
                continue;
            };
            if has_key(&transaction, &new.key)? {
                continue;
            }
            match rows.iter().position(|row| row.is_for(plan, settled)) {
                Some(index) => give(&transaction, rows.remove(index).id, new, now)?,
                None => without_row.push(new),
            }
        }

        // What is left over stands for a plan that another one stands for.
        rows.retain(|row| {
            let is_still_open = wanted.iter().any(|new| new.key == row.key);
            row.state == SubmissionState::Pending && !is_still_open
        });
        for new in without_row {
            match rows.pop() {
                Some(row) => give(&transaction, row.id, new, now)?,
                None => {
                    let id = insert(&transaction, run, again, new)?;
                    log(&transaction, id, "recorded", None, now)?;
                }
            }
        }
        for row in rows {
            let reason = "its test plan gets this run by another submission already";
            apply(&transaction, row.id, Event::NothingToSend, Some(reason))?;
            log(&transaction, row.id, "ignored", Some(reason), now)?;
        }
        Ok(transaction.commit()?)
    }
}

impl OpenRow {
    /// Whether its entry of the settings turned out to mean this plan.
    fn is_for(&self, plan: u32, settled: &[(PlanChoice, u32)]) -> bool {
        settled
            .iter()
            .any(|(choice, id)| *id == plan && self.choice.as_ref() == Some(choice))
    }
}

/// Gives a row its test plan and the key that is made of it.
fn give(
    transaction: &Transaction<'_>,
    submission: i64,
    new: &NewSubmission,
    now: Moment,
) -> Result<(), StoreError> {
    change_one(
        transaction,
        submission,
        "UPDATE submission SET server = ?2, plan_id = ?3, key = ?4 WHERE id = ?1",
        params![submission, new.server, new.plan_id, new.key],
    )?;

    let plan = new.plan_id.map(|plan| plan.to_string());
    log(
        transaction,
        submission,
        "test plan found",
        plan.as_deref(),
        now,
    )
}

/// The run of a submission, and how often a person asked for it again.
fn run_of(transaction: &Transaction<'_>, submission: i64) -> Result<(i64, u32), StoreError> {
    transaction
        .prepare_cached("SELECT run_id, again FROM submission WHERE id = ?1")?
        .query_row([submission], |row| {
            Ok((row.get("run_id")?, row.get("again")?))
        })
        .optional()?
        .ok_or(StoreError::UnknownSubmission(submission))
}

/// The submissions of a run whose test plan is not known.
fn open_rows(
    transaction: &Transaction<'_>,
    recorded: &RecordedRun,
    again: u32,
    snapshot: &Snapshot,
) -> Result<Vec<OpenRow>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, key, state FROM submission
         WHERE run_id = ?1 AND again = ?2 AND plan_id IS NULL AND state IN ('pending', 'parked')
         ORDER BY id",
    )?;

    let rows = statement.query_map(params![recorded.id, again], |row| {
        let key: String = row.get("key")?;
        let choice = open_choice(
            &snapshot.options,
            &recorded.identity,
            recorded.twin,
            again,
            &key,
        );

        Ok(OpenRow {
            id: row.get("id")?,
            state: row.get("state")?,
            choice,
            key,
        })
    })?;

    Ok(rows.collect::<Result<_, _>>()?)
}

fn has_key(transaction: &Transaction<'_>, key: &str) -> Result<bool, StoreError> {
    let row = transaction
        .prepare_cached("SELECT 1 FROM submission WHERE key = ?1")?
        .query_row([key], |_| Ok(()))
        .optional()?;
    Ok(row.is_some())
}
