//! Moving submissions on: every change of a step is one transaction, together with the ledger row
//! where something has happened that it reports.

use rusqlite::{Transaction, params};
use serde::Serialize;

use crate::moment::Moment;
use crate::outbox::step::{Step, StepState, steps};
use crate::outbox::store::columns::json;
use crate::outbox::store::ledger::{log, log_settled};
use crate::outbox::store::state::{apply, change_one, state_of};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{HowMade, IgnoredAs, StoredStep};
use crate::outbox::transition::Event;
use crate::plan::SubmissionPlan;
use crate::plan::attachments::PlannedAttachment;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::recount::Recount;

impl Store {
    /// Stores the plan of a submission whole, with its steps and the snapshot that it was made
    /// from, before the first request that writes (invariant I3).
    ///
    /// # Errors
    /// When nobody works on the submission, or when the database fails.
    pub(crate) fn store_plan(
        &mut self,
        submission: i64,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, submission, Event::Planned, None)?;

        // The run's snapshot may be renewed for another submission while this one is sent.
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET plan = ?2,
                    snapshot = coalesce(snapshot,
                        (SELECT run.snapshot FROM run WHERE run.id = run_id))
             WHERE id = ?1",
            params![submission, serde_json::to_string(plan)?],
        )?;

        transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
        for (position, step) in steps(plan).iter().enumerate() {
            insert_step(&transaction, submission, position, step)?;
        }
        log(&transaction, submission, "planned", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Adds files that appeared after the run was submitted: steps behind all others.
    ///
    /// # Errors
    /// When the run is not submitted, or when the database fails.
    pub(crate) fn add_attachments(
        &mut self,
        submission: i64,
        late: &[PlannedAttachment],
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let mut plan = stored_plan(&transaction, submission)?;
        let steps: usize = transaction.query_row(
            "SELECT count(*) FROM step WHERE submission_id = ?1",
            [submission],
            |row| row.get(0),
        )?;

        // Behind the completion, which is confirmed: ADO takes attachments of a run that is
        // completed, though no results any more (`ado/api.md` §5).
        for (offset, attachment) in late.iter().enumerate() {
            let step = Step::Attach(plan.attachments.len());
            insert_step(&transaction, submission, steps + offset, &step)?;
            plan.attachments.push(attachment.clone());
        }

        apply(&transaction, submission, Event::LateReports, None)?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET plan = ?2 WHERE id = ?1",
            params![submission, serde_json::to_string(&plan)?],
        )?;
        log(&transaction, submission, "late reports", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Submissions of runs that ended at or after `since` and lack files that were given up, each
    /// with when that was last.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn with_given_up_files(
        &self,
        since: Moment,
    ) -> Result<Vec<(i64, Moment)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, max(json_extract(detail, '$.given_up_ms')) AS given_up_ms
             FROM submission JOIN run ON run.id = run_id JOIN step ON submission_id = submission.id
             WHERE submission.state = 'submitted' AND ended_ms >= ?1 AND step.state = 'refused'
             AND detail IS NOT NULL AND json_extract(detail, '$.given_up_ms') IS NOT NULL
             GROUP BY submission.id ORDER BY submission.id",
        )?;
        let rows = statement.query_map([since], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lets the files of a submitted run that were given up be sent again, and what names them be
    /// corrected after that.
    ///
    /// # Errors
    /// When the run is not submitted, or when the database fails.
    pub(crate) fn try_given_up_files(
        &mut self,
        submission: i64,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, submission, Event::LateReports, None)?;

        plan_given_up_files_anew(&transaction, submission)?;
        forget_given_up(&transaction, submission)?;
        log(&transaction, submission, "given-up files again", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Records that the request of a step is about to leave (invariant I4).
    ///
    /// # Errors
    /// When the step is settled already, or when the database fails.
    pub(crate) fn intend(&mut self, submission: i64, position: usize) -> Result<(), StoreError> {
        // Without a row of the ledger: nothing has happened yet that it could report.
        let transaction = self.begin()?;
        move_step(
            &transaction,
            submission,
            position,
            StepState::Intended,
            None,
        )?;
        Ok(transaction.commit()?)
    }

    /// Records something about a step whose request left and was not confirmed, as JSON.
    ///
    /// # Errors
    /// When the step is settled already, or when the database fails.
    pub(crate) fn note_unconfirmed(
        &mut self,
        submission: i64,
        position: usize,
        detail: &str,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        move_step(
            &transaction,
            submission,
            position,
            StepState::Intended,
            Some(detail),
        )?;
        Ok(transaction.commit()?)
    }

    /// Records ADO's confirmation of a step, with what it made; gives the step as it is stored.
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub(crate) fn confirm(
        &mut self,
        submission: i64,
        position: usize,
        detail: &impl Serialize,
        now: Moment,
    ) -> Result<StoredStep, StoreError> {
        let detail = serde_json::to_string(detail)?;

        let transaction = self.begin()?;
        let confirmed = move_step(
            &transaction,
            submission,
            position,
            StepState::Confirmed,
            Some(&detail),
        )?;

        // `attempts` counts failures in a row, for the back-off: who gets on has none. A row is
        // written with its plan and snapshot, which are megabytes, so only where it changes.
        transaction.execute(
            "UPDATE submission SET attempts = 0 WHERE id = ?1 AND attempts <> 0",
            [submission],
        )?;

        log_settled(
            &transaction,
            submission,
            StepState::Confirmed,
            confirmed.step,
            Some(&detail),
            now,
        )?;
        transaction.commit()?;
        Ok(confirmed)
    }

    /// Records the ADO run of a submission together with the confirmation of the step that made or
    /// found it; gives the step as it is stored.
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub(crate) fn confirm_run(
        &mut self,
        submission: i64,
        position: usize,
        ado_run_id: u32,
        url: &str,
        how_made: HowMade,
        now: Moment,
    ) -> Result<StoredStep, StoreError> {
        let detail = serde_json::to_string(&how_made)?;
        let transaction = self.begin()?;
        let confirmed = move_step(
            &transaction,
            submission,
            position,
            StepState::Confirmed,
            Some(&detail),
        )?;

        change_one(
            &transaction,
            submission,
            "UPDATE submission SET ado_run_id = ?2, url = ?3, attempts = 0 WHERE id = ?1",
            params![submission, ado_run_id, url],
        )?;

        // What showed the suite while it ran is the submission's own from here on.
        transaction.execute(
            "DELETE FROM live_run WHERE key = (SELECT key FROM submission WHERE id = ?1)",
            [submission],
        )?;

        let event = match how_made {
            HowMade::Created => "run created",
            HowMade::Adopted => "run adopted",
            HowMade::Live => "live run taken over",
        };
        let detail = ado_run_id.to_string();
        log(&transaction, submission, event, Some(&detail), now)?;
        transaction.commit()?;
        Ok(confirmed)
    }

    /// Records that ADO refused what a step was for, for good; it will be named in the run's
    /// comment (I7). Gives the step as it is stored.
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub(crate) fn refuse(
        &mut self,
        submission: i64,
        position: usize,
        left_out: &[LeftOut],
        now: Moment,
    ) -> Result<StoredStep, StoreError> {
        let transaction = self.begin()?;
        let refused = move_step(&transaction, submission, position, StepState::Refused, None)?;
        add_refused(&transaction, submission, left_out)?;

        let state = StepState::Refused;
        log_settled(&transaction, submission, state, refused.step, None, now)?;
        transaction.commit()?;
        Ok(refused)
    }

    /// Adds single items that ADO refused while the rest of their step went through.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn leave_out(
        &mut self,
        submission: i64,
        left_out: &[LeftOut],
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        add_refused(&transaction, submission, left_out)?;
        Ok(transaction.commit()?)
    }

    /// Records what ADO holds of a submission that it has completed.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn note_recount(
        &mut self,
        submission: i64,
        recount: &Recount,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let text = serde_json::to_string(recount)?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET recount = ?2 WHERE id = ?1",
            params![submission, text],
        )?;
        Ok(transaction.commit()?)
    }

    /// Records that everything is confirmed.
    ///
    /// # Errors
    /// When nobody works on the submission, or when the database fails.
    pub(crate) fn submitted(&mut self, submission: i64, now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, submission, Event::Completed, None)?;

        // Late reports complete it once more; when it arrived stays as it is.
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET attempts = 0, submitted_ms = coalesce(submitted_ms, ?2)
             WHERE id = ?1",
            params![submission, now],
        )?;

        // Its server takes the token again.
        transaction.execute(
            "DELETE FROM fact
             WHERE name = (SELECT 'refused ' || server FROM submission WHERE id = ?1)",
            [submission],
        )?;
        log(&transaction, submission, "submitted", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Parks a submission until a person does something about it. A plan that was made is kept, so
    /// that a person can see what was left out.
    ///
    /// # Errors
    /// When nobody works on the submission, or when the database fails.
    pub(crate) fn park(
        &mut self,
        submission: i64,
        reason: &str,
        plan: Option<&SubmissionPlan>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, submission, Event::Parked, Some(reason))?;
        if let Some(plan) = plan {
            keep_plan(&transaction, submission, plan)?;
        }
        log(&transaction, submission, "parked", Some(reason), now)?;
        Ok(transaction.commit()?)
    }

    /// Records that there is nothing to do for a submission. Its plan is kept, so that a person can
    /// see why.
    ///
    /// # Errors
    /// When the submission is not pending, or when the database fails.
    pub(crate) fn ignore(
        &mut self,
        submission: i64,
        reason: &str,
        ignored_as: Option<IgnoredAs>,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;

        apply(&transaction, submission, Event::NothingToSend, Some(reason))?;
        keep_plan(&transaction, submission, plan)?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET ignored_as = ?2 WHERE id = ?1",
            params![submission, ignored_as],
        )?;

        log(&transaction, submission, "ignored", Some(reason), now)?;
        Ok(transaction.commit()?)
    }
}

fn stored_plan(
    transaction: &Transaction<'_>,
    submission: i64,
) -> Result<SubmissionPlan, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT plan FROM submission WHERE id = ?1")?;
    let mut rows = statement.query([submission])?;
    match rows.next()? {
        Some(row) => json(row, "plan"),
        None => Err(StoreError::UnknownSubmission(submission)),
    }
}

/// Keeps a plan that is not carried out; it has no steps.
fn keep_plan(
    transaction: &Transaction<'_>,
    submission: i64,
    plan: &SubmissionPlan,
) -> Result<(), StoreError> {
    change_one(
        transaction,
        submission,
        "UPDATE submission SET plan = ?2 WHERE id = ?1",
        params![submission, serde_json::to_string(plan)?],
    )
}

fn insert_step(
    transaction: &Transaction<'_>,
    submission: i64,
    position: usize,
    step: &Step,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO step (submission_id, position, step, state) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            submission,
            position,
            serde_json::to_string(step)?,
            StepState::Planned
        ])?;
    Ok(())
}

/// Moves a step on, and gives it as it is stored then: the one place that writes the state of a
/// step, but for [`plan_given_up_files_anew`]. Without `detail` the one that is there stays.
fn move_step(
    transaction: &Transaction<'_>,
    submission: i64,
    position: usize,
    to: StepState,
    detail: Option<&str>,
) -> Result<StoredStep, StoreError> {
    let (step, from, detail_before): (String, StepState, Option<String>) = transaction
        .prepare_cached(
            "SELECT step, state, detail FROM step WHERE submission_id = ?1 AND position = ?2",
        )?
        .query_row(params![submission, position], |row| {
            Ok((row.get("step")?, row.get("state")?, row.get("detail")?))
        })?;

    // A move that may not be is a defect of the caller. A row that went along with it would say of
    // something that it was sent, or was not.
    if !from.may_become(to) {
        return Err(StoreError::IllegalMove {
            submission,
            position,
            from: from.word(),
            to: to.word(),
        });
    }

    let moved = StoredStep {
        step: serde_json::from_str(&step)?,
        state: to,
        detail: detail.map(str::to_owned).or(detail_before),
    };
    transaction
        .prepare_cached(
            "UPDATE step SET state = ?3, detail = ?4 WHERE submission_id = ?1 AND position = ?2",
        )?
        .execute(params![submission, position, to, moved.detail])?;
    Ok(moved)
}

/// Plans the files of a submitted run that were given up anew, with the steps that name what is
/// missing: the one way back for a step that is settled. ADO has the run with a comment that names
/// the files, so nothing is unsaid until the comment is written anew.
fn plan_given_up_files_anew(
    transaction: &Transaction<'_>,
    submission: i64,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE step SET state = ?2 WHERE submission_id = ?1 AND state = ?3
         AND detail IS NOT NULL AND json_extract(detail, '$.given_up_ms') IS NOT NULL",
        params![submission, StepState::Planned, StepState::Refused],
    )?;

    for step in [Step::LeftOutList, Step::Complete] {
        transaction.execute(
            "UPDATE step SET state = ?2, detail = NULL WHERE submission_id = ?1 AND step = ?3",
            params![
                submission,
                StepState::Planned,
                serde_json::to_string(&step)?
            ],
        )?;
    }
    Ok(())
}

/// Adds what ADO refused, each item once: a step that is carried out again is refused again.
fn add_refused(
    transaction: &Transaction<'_>,
    submission: i64,
    left_out: &[LeftOut],
) -> Result<(), StoreError> {
    // A submission that is not there has no state either.
    state_of(transaction, submission)?;

    let mut statement = transaction.prepare_cached(
        "INSERT INTO refused (submission_id, item) VALUES (?1, ?2)
         ON CONFLICT (submission_id, item) DO NOTHING",
    )?;
    for item in left_out {
        statement.execute(params![submission, serde_json::to_string(item)?])?;
    }
    Ok(())
}

/// Forgets that files were given up, because they are tried again.
fn forget_given_up(transaction: &Transaction<'_>, submission: i64) -> Result<(), StoreError> {
    let mut statement =
        transaction.prepare_cached("SELECT id, item FROM refused WHERE submission_id = ?1")?;
    let mut rows = statement.query([submission])?;

    let mut given_up: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let left_out: LeftOut = json(row, "item")?;
        if left_out.kind == LeftOutKind::GivenUp {
            given_up.push(row.get("id")?);
        }
    }

    for id in given_up {
        transaction.execute("DELETE FROM refused WHERE id = ?1", [id])?;
    }
    Ok(())
}
