//! What a person may change of a submission: it is tried again, or forgotten.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::new_run::{NewSubmission, new_submissions};
use crate::outbox::store::collection_members::{Asker, Remaining, by_itself, part_of, remaining};
use crate::outbox::store::columns::{IDENTITY, identity};
use crate::outbox::store::history::remember;
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::Projects;
use crate::outbox::store::run_parts::{renew_snapshot, snapshot_to_retry};
use crate::outbox::store::state::{apply, begin_anew, change_one, drop_steps, state_of};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::outbox::transition::Event;
use crate::plan::snapshot::Snapshot;

impl Store {
    /// Plans a submission without an ADO run anew, from a snapshot of today; one with an ADO run
    /// goes on.
    ///
    /// # Errors
    /// When there is no such submission, or when it is submitted, by itself or as part of another
    /// one.
    pub(crate) fn retry(
        &mut self,
        submission: i64,
        fresh: Option<&Snapshot>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        if state_of(&transaction, submission)? == SubmissionState::Submitted {
            return Err(StoreError::NotNow(format!(
                "run {submission} is submitted; `kado submit --again FOLDER` submits it once more"
            )));
        }

        let retried = Retried::load(&transaction, submission)?;
        if retried.has_ado_run {
            apply(&transaction, submission, Event::Resumed, None)?;
        } else {
            plan_again(&transaction, &retried, fresh)?;
        }
        log(&transaction, submission, "retried", None, now)?;
        Ok(transaction.commit()?)
    }

    /// Drops the plan of a submission that has no ADO run, because ADO does not take it any more;
    /// gives whether it had one to drop. `refusal` is what ADO said.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn plan_anew(
        &mut self,
        submission: i64,
        refusal: &str,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin()?;
        let is_under_way = state_of(&transaction, submission)? == SubmissionState::Submitting;
        let has_ado_run: bool = transaction.query_row(
            "SELECT ado_run_id IS NOT NULL FROM submission WHERE id = ?1",
            [submission],
            |row| row.get(0),
        )?;

        // A person may have forgotten or retried it since the attempt began; and by its plan an ADO
        // run is filled, so with one it stays.
        if !is_under_way || has_ado_run {
            return Ok(false);
        }

        drop_steps(&transaction, submission)?;
        apply(&transaction, submission, Event::Dropped, None)?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET plan = NULL WHERE id = ?1",
            [submission],
        )?;
        log(&transaction, submission, "planned anew", Some(refusal), now)?;
        transaction.commit()?;
        Ok(true)
    }

    /// Takes a submission out of the outbox on a person's word (invariant I6); it stays listed as
    /// ignored.
    ///
    /// # Errors
    /// When there is no such submission, or when it is submitted already.
    pub(crate) fn forget(&mut self, submission: i64, now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        if state_of(&transaction, submission)? == SubmissionState::Submitted {
            return Err(StoreError::NotNow(format!(
                "run {submission} is submitted; there is nothing to forget"
            )));
        }

        let reason = format!(
            "forgotten on a person's word; `kado runs retry {submission}` takes it up again"
        );
        apply(&transaction, submission, Event::Forgotten, Some(&reason))?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET ignored_as = 'forgotten' WHERE id = ?1",
            [submission],
        )?;
        log(&transaction, submission, "forgotten", None, now)?;
        Ok(transaction.commit()?)
    }
}

/// A submission that is tried again, with its run.
struct Retried {
    submission: i64,
    run: i64,
    identity: RunIdentity,
    twin: u32,
    again: u32,
    plan_id: Option<u32>,
    has_ado_run: bool,
}

impl Retried {
    fn load(transaction: &Transaction<'_>, submission: i64) -> Result<Self, StoreError> {
        let sql = format!(
            "SELECT run_id, twin, again, plan_id, ado_run_id IS NOT NULL AS has_ado_run, {IDENTITY}
             FROM submission JOIN run ON run.id = run_id WHERE submission.id = ?1"
        );

        Ok(transaction
            .prepare_cached(&sql)?
            .query_row([submission], |row| {
                Ok(Self {
                    submission,
                    run: row.get("run_id")?,
                    identity: identity(row)?,
                    twin: row.get("twin")?,
                    again: row.get("again")?,
                    plan_id: row.get("plan_id")?,
                    has_ado_run: row.get("has_ado_run")?,
                })
            })?)
    }
}

/// Lets a submission without an ADO run begin anew, with the settings of `fresh` or those it was
/// recorded with.
fn plan_again(
    transaction: &Transaction<'_>,
    retried: &Retried,
    fresh: Option<&Snapshot>,
) -> Result<(), StoreError> {
    let mut snapshot = match fresh {
        Some(fresh) => fresh.clone(),
        None => snapshot_to_retry(transaction, retried.run, retried.submission)?,
    };
    // What a person wanted once more is sent whole.
    if retried.again == 0 {
        snapshot = without_what_was_sent(transaction, retried, snapshot)?;
    }
    renew_snapshot(transaction, retried.run, &snapshot)?;
    remember(transaction, &snapshot)?;

    // It goes to its own plan if that is still wanted, else to the first.
    let wanted = new_submissions(
        &snapshot,
        &retried.identity,
        retried.twin,
        retried.again,
        None,
    );
    let own = wanted
        .iter()
        .find(|new| new.plan_id.is_some() && new.plan_id == retried.plan_id);
    let new = match own {
        Some(own) => own,
        None => first_free(transaction, &wanted, retried.submission)?
            .ok_or(StoreError::UnknownSubmission(retried.submission))?,
    };

    // Keys are unique: the plan of this row may be gone from the settings while the first one,
    // which it would go to, has a row already.
    if let Some(other) = other_with_key(transaction, &new.key, retried.submission)? {
        let plan = match retried.plan_id {
            Some(plan) => format!("test plan {plan}"),
            None => "its test plan".to_owned(),
        };
        return Err(StoreError::NotNow(format!(
            "this run no longer goes to {plan}; run {other} is its submission now, and \
             `kado runs forget {}` takes this one off the list",
            retried.submission
        )));
    }
    begin_anew(transaction, retried.submission, new)
}

/// The first of these submissions that no other row stands for, else the first of all.
fn first_free<'a>(
    transaction: &Transaction<'_>,
    wanted: &'a [NewSubmission],
    submission: i64,
) -> Result<Option<&'a NewSubmission>, StoreError> {
    for new in wanted {
        // What settings leave open may be any of their plans.
        let is_open = new.plan_id.is_none();
        if is_open && other_with_key(transaction, &new.key, submission)?.is_none() {
            return Ok(Some(new));
        }
    }
    Ok(wanted.first())
}

/// The submission beside this one that has a key.
fn other_with_key(
    transaction: &Transaction<'_>,
    key: &str,
    submission: i64,
) -> Result<Option<i64>, StoreError> {
    Ok(transaction
        .prepare_cached("SELECT id FROM submission WHERE key = ?1 AND id <> ?2")?
        .query_row(params![key, submission], |row| row.get("id"))
        .optional()?)
}

/// What of a run that is to be retried was not sent in another run meanwhile.
fn without_what_was_sent(
    transaction: &Transaction<'_>,
    retried: &Retried,
    snapshot: Snapshot,
) -> Result<Snapshot, StoreError> {
    let submission = retried.submission;

    let root = snapshot.root();
    let project = Projects::One(&root);
    let is_collection = snapshot.joined.is_some();
    if !is_collection
        && by_itself(transaction, &retried.identity, project)?.is_empty()
        && let Some(collection) = part_of(transaction, &retried.identity, project, Asker::Person)?
        && let Some(whole) = collection.first()
    {
        return Err(StoreError::NotNow(format!(
            "run {submission} is part of run {whole}, a collection that is one run; `kado submit \
             --again FOLDER` submits it once more by itself"
        )));
    }

    match remaining(transaction, &snapshot)? {
        Remaining::Whole => Ok(snapshot),
        Remaining::Part(rest) => Ok(*rest),
        Remaining::Nothing(_) => Err(StoreError::NotNow(format!(
            "each suite of run {submission} was submitted as a run of its own; `kado submit \
             --again FOLDER` submits the collection once more as a whole"
        ))),
    }
}
