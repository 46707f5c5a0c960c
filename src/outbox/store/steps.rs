//! Moving submissions on: every change of a step is one transaction, together with the ledger row
//! that reports it.

use rusqlite::{Transaction, TransactionBehavior, params};
use serde::Serialize;

use crate::moment::Moment;
use crate::outbox::step::{StepState, steps};
use crate::outbox::store::record::log;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::Obstacle;
use crate::plan::SubmissionPlan;
use crate::plan::attachments::PlannedAttachment;
use crate::plan::left_out::LeftOut;

impl Store {
    /// Stores the plan of a submission whole, with its steps, before the first request that writes
    /// (invariant I3).
    ///
    /// # Errors
    /// When the database fails.
    pub fn store_plan(
        &mut self,
        submission: i64,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction.execute(
            "UPDATE submission SET plan = ?2, state = 'submitting', reason = NULL, cause = NULL, for_katalon = 0,
                    next_attempt_ms = NULL, snapshot = (SELECT snapshot FROM run WHERE run.id = run_id) WHERE id = ?1",
            params![submission, serde_json::to_string(plan)?],
        )?;
        transaction.execute("DELETE FROM step WHERE submission_id = ?1", [submission])?;
        for (position, step) in steps(plan).into_iter().enumerate() {
            insert_step(&transaction, submission, position, &step)?;
        }
        log(&transaction, submission, "planned", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Adds files that appeared after the run was submitted: steps behind all others.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_attachments(
        &mut self,
        submission: i64,
        late: &[PlannedAttachment],
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let (text, position): (String, usize) = transaction.query_row(
            "SELECT plan, (SELECT count(*) FROM step WHERE submission_id = submission.id) FROM submission WHERE id = ?1",
            [submission],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut plan: SubmissionPlan = serde_json::from_str(&text)?;
        for (offset, attachment) in late.iter().enumerate() {
            let step = crate::outbox::step::Step::Attach(plan.attachments.len());
            insert_step(&transaction, submission, position + offset, &step)?;
            plan.attachments.push(attachment.clone());
        }
        transaction.execute(
            "UPDATE submission SET plan = ?2, state = 'submitting', reason = NULL, cause = NULL, next_attempt_ms = NULL
             WHERE id = ?1",
            params![submission, serde_json::to_string(&plan)?],
        )?;
        log(&transaction, submission, "late reports", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Records that the request of a step is about to leave (invariant I4).
    ///
    /// # Errors
    /// When the step is settled already, or when the database fails.
    pub fn intend(&mut self, submission: i64, position: usize) -> Result<(), StoreError> {
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

    /// Records ADO's confirmation of a step, with what it made.
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub fn confirm(
        &mut self,
        submission: i64,
        position: usize,
        detail: &impl Serialize,
        now: Moment,
    ) -> Result<(), StoreError> {
        let detail = serde_json::to_string(detail)?;
        let transaction = self.begin()?;
        let step = move_step(
            &transaction,
            submission,
            position,
            StepState::Confirmed,
            Some(&detail),
        )?;
        // Who gets on has not failed so often in a row.
        transaction.execute(
            "UPDATE submission SET attempts = 0 WHERE id = ?1",
            [submission],
        )?;
        log(
            &transaction,
            submission,
            &format!("confirmed {step}"),
            Some(&detail),
            now,
        )?;
        Ok(transaction.commit()?)
    }

    /// Records the ADO run of a submission together with the confirmation of the step that made or
    /// found it; `origin`, a JSON text, says which.
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub fn confirm_run(
        &mut self,
        submission: i64,
        position: usize,
        ado_run_id: u32,
        url: &str,
        origin: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        move_step(
            &transaction,
            submission,
            position,
            StepState::Confirmed,
            Some(origin),
        )?;
        transaction.execute(
            "UPDATE submission SET ado_run_id = ?2, url = ?3, attempts = 0 WHERE id = ?1",
            params![submission, ado_run_id, url],
        )?;
        log(
            &transaction,
            submission,
            "run created",
            Some(&ado_run_id.to_string()),
            now,
        )?;
        Ok(transaction.commit()?)
    }

    /// Records that ADO refused what a step was for, for good; it will be named in the run's
    /// comment (I7).
    ///
    /// # Errors
    /// When the step was not intended, or when the database fails.
    pub fn refuse(
        &mut self,
        submission: i64,
        position: usize,
        left_out: &[LeftOut],
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        let step = move_step(&transaction, submission, position, StepState::Refused, None)?;
        add_refused(&transaction, submission, left_out)?;
        log(
            &transaction,
            submission,
            &format!("refused {step}"),
            None,
            now,
        )?;
        Ok(transaction.commit()?)
    }

    /// Adds single items that ADO refused while the rest of their step went through.
    ///
    /// # Errors
    /// When the database fails.
    pub fn leave_out(&mut self, submission: i64, left_out: &[LeftOut]) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        add_refused(&transaction, submission, left_out)?;
        Ok(transaction.commit()?)
    }

    /// Records that everything is confirmed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn submitted(&mut self, submission: i64, now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction.execute(
            "UPDATE submission SET state = 'submitted', reason = NULL, next_attempt_ms = NULL, attempts = 0,
                    submitted_ms = coalesce(submitted_ms, ?2)
             WHERE id = ?1 AND state IN ('pending', 'submitting')",
            params![submission, now.millis()],
        )?;
        transaction.execute(
            "DELETE FROM fact WHERE name = (SELECT 'refused ' || server FROM submission WHERE id = ?1)",
            [submission],
        )?;
        log(&transaction, submission, "submitted", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Lets a submission wait for its next attempt. Since when its server refuses the token is kept
    /// until something arrives there.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wait(
        &mut self,
        submission: i64,
        cause: Obstacle,
        reason: &str,
        next_attempt: Moment,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction.execute(
            "UPDATE submission SET reason = ?2, next_attempt_ms = ?3, cause = ?4, for_katalon = ?5, attempts = attempts + 1
             WHERE id = ?1 AND state IN ('pending', 'submitting')",
            params![
                submission,
                reason,
                next_attempt.millis(),
                Some(cause.word()).filter(|_| cause != Obstacle::Katalon),
                cause == Obstacle::Katalon
            ],
        )?;
        if cause.is_of_token() {
            transaction.execute(
                "INSERT INTO fact (name, value) SELECT 'refused ' || server, ?2 FROM submission WHERE id = ?1
                 ON CONFLICT DO NOTHING",
                params![submission, now.millis().to_string()],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Parks a submission until a person does something about it. A plan that was made is kept, so
    /// that a person can see what was left out.
    ///
    /// # Errors
    /// When the database fails.
    pub fn park(
        &mut self,
        submission: i64,
        reason: &str,
        plan: Option<&SubmissionPlan>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let plan = plan.map(serde_json::to_string).transpose()?;
        let transaction = self.begin()?;
        transaction.execute(
            "UPDATE submission SET state = 'parked', reason = ?2, next_attempt_ms = NULL, plan = coalesce(?3, plan)
             WHERE id = ?1 AND state IN ('pending', 'submitting')",
            params![submission, reason, plan],
        )?;
        log(&transaction, submission, "parked", Some(reason), now)?;
        Ok(transaction.commit()?)
    }

    /// Records that there is nothing to do for a submission. Its plan is kept, so that a person can
    /// see why.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ignore(
        &mut self,
        submission: i64,
        reason: &str,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<(), StoreError> {
        let plan = serde_json::to_string(plan)?;
        let transaction = self.begin()?;
        transaction.execute(
            "UPDATE submission SET state = 'ignored', reason = ?2, next_attempt_ms = NULL, plan = ?3
             WHERE id = ?1 AND state = 'pending'",
            params![submission, reason, plan],
        )?;
        log(&transaction, submission, "ignored", Some(reason), now)?;
        Ok(transaction.commit()?)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }
}

fn insert_step(
    transaction: &Transaction<'_>,
    submission: i64,
    position: usize,
    step: &crate::outbox::step::Step,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO step (submission_id, position, step, state) VALUES (?1, ?2, ?3, 'planned')",
        params![submission, position, serde_json::to_string(step)?],
    )?;
    Ok(())
}

fn move_step(
    transaction: &Transaction<'_>,
    submission: i64,
    position: usize,
    to: StepState,
    detail: Option<&str>,
) -> Result<String, StoreError> {
    let (step, word): (String, String) = transaction.query_row(
        "SELECT step, state FROM step WHERE submission_id = ?1 AND position = ?2",
        params![submission, position],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let from = StepState::ALL
        .into_iter()
        .find(|state| state.word() == word)
        .unwrap_or(StepState::Confirmed);
    if !from.may_become(to) {
        return Err(StoreError::IllegalMove {
            submission,
            position,
            from: from.word(),
            to: to.word(),
        });
    }
    transaction.execute(
        "UPDATE step SET state = ?3, detail = coalesce(?4, detail) WHERE submission_id = ?1 AND position = ?2",
        params![submission, position, to.word(), detail],
    )?;
    Ok(step)
}

fn add_refused(
    transaction: &Transaction<'_>,
    submission: i64,
    left_out: &[LeftOut],
) -> Result<(), StoreError> {
    let text: String = transaction.query_row(
        "SELECT refused FROM submission WHERE id = ?1",
        [submission],
        |row| row.get(0),
    )?;
    let mut all: Vec<LeftOut> = serde_json::from_str(&text)?;
    for item in left_out {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    transaction.execute(
        "UPDATE submission SET refused = ?2 WHERE id = ?1",
        params![submission, serde_json::to_string(&all)?],
    )?;
    Ok(())
}
