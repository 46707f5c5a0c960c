//! Recording runs: the same run met twice is one run (invariant I2), within a project without more
//! ado, between two projects where that takes nothing from either (`other_projects`).

use rusqlite::{Transaction, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, RecordOutcome};
use crate::outbox::store::collection_members::{
    Asker, Remaining, by_itself, collections_with, part_of, remaining, set_members,
};
use crate::outbox::store::history::remember;
use crate::outbox::store::other_projects::{
    KinDecision, decide, insert_new, record_own, relative_of,
};
use crate::outbox::store::recorded_run::{Projects, RecordedRun, with_id, with_identity};
use crate::outbox::store::take_up::record_again;
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// Records a run. A run that is recorded already stays as it is, unless a person asks for it or
    /// it has ended after all; and a member of a collection counts as part of that or as a run of
    /// its own, never as both.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn record(
        &mut self,
        run: &NewRun<'_>,
        now: Moment,
    ) -> Result<RecordOutcome, StoreError> {
        let transaction = self.begin()?;
        let outcome = record(&transaction, run, now)?;
        if matches!(outcome, RecordOutcome::New(_)) && run.occasion.ignored_because().is_none() {
            remember(&transaction, run.snapshot)?;
        }

        transaction.commit()?;
        Ok(outcome)
    }
}

fn record(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    if let Some(collection) = collection_instead(transaction, run)? {
        return Ok(RecordOutcome::PartOf(collection));
    }

    // Members that were submitted by themselves are taken out, unless a person wants all of it once
    // more.
    let remaining = if run.occasion.is_again() {
        Remaining::Whole
    } else {
        remaining(transaction, run.snapshot)?
    };

    let snapshot = match &remaining {
        Remaining::Whole => run.snapshot,
        Remaining::Part(snapshot) => snapshot,
        Remaining::Nothing(submissions) => {
            return Ok(RecordOutcome::Unchanged(submissions.clone()));
        }
    };

    let recorded = find(transaction, run)?;
    let run = &NewRun { snapshot, ..*run };
    if let Some(recorded) = recorded {
        return record_own(transaction, run, &recorded, now);
    }

    // Whoever writes another project can write there what the log of this run says.
    let mut parked = None;
    if let Some(relative) = relative_of(transaction, run)? {
        match decide(run, relative) {
            KinDecision::OfItsOwn => {}
            KinDecision::Parked(reason) => parked = Some(reason),
            KinDecision::Recorded(recorded) => {
                return record_again(transaction, run, &recorded, now);
            }
            KinDecision::Nothing(outcome) => return Ok(outcome),
        }
    }

    // What a person submits once more, though it was sent as part of a collection, has a key of its
    // own.
    let root = run.snapshot.root();
    let is_sent_again = run.occasion.is_again()
        && part_of(
            transaction,
            run.identity,
            Projects::One(&root),
            Asker::Person,
        )?
        .is_some();
    let again = u32::from(is_sent_again);
    let twin = next_twin(transaction, run.identity)?;
    let id = insert_run(transaction, run, twin)?;
    let recorded = RecordedRun {
        id,
        twin,
        identity: run.identity.clone(),
        root,
    };
    insert_new(transaction, run, &recorded, again, parked.as_deref(), now)
}

/// The submissions of the collection that a run counts as part of, so that it is not submitted by
/// itself.
fn collection_instead(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
) -> Result<Option<Vec<i64>>, StoreError> {
    let is_collection = run.snapshot.joined.is_some();
    if run.occasion.is_again() || is_collection {
        return Ok(None);
    }

    // It was taken up by itself before, and counts once (invariant I2).
    let root = run.snapshot.root();
    let project = Projects::One(&root);
    if !by_itself(transaction, run.identity, project)?.is_empty() {
        return Ok(None);
    }

    let asker = if run.occasion.is_asked() {
        Asker::Person
    } else {
        Asker::Service
    };
    part_of(transaction, run.identity, project, asker)
}

/// The row of a run of this project. A collection is also known by a member, because it may have
/// been recorded when others of its members took part.
fn find(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
) -> Result<Option<RecordedRun>, StoreError> {
    let root = run.snapshot.root();
    for recorded in with_identity(transaction, run.identity)? {
        if recorded.root == root && run.identity.is_same_run(&recorded.identity) {
            return Ok(Some(recorded));
        }
    }
    if run.snapshot.joined.is_none() {
        return Ok(None);
    }

    for member in run.snapshot.run_identities() {
        for collection in collections_with(transaction, &member, Projects::One(&root))? {
            let recorded = with_id(transaction, collection)?;
            if recorded.identity.suite == run.identity.suite {
                return Ok(Some(recorded));
            }
        }
    }
    Ok(None)
}

fn next_twin(transaction: &Transaction<'_>, identity: &RunIdentity) -> Result<u32, StoreError> {
    // Rows of runs are never removed (invariant I6), so a count is a number that is free.
    Ok(transaction.query_row(
        "SELECT count(*) FROM run WHERE suite = ?1 AND started_ms = ?2 AND host = ?3",
        params![identity.suite, identity.started, identity.host],
        |row| row.get(0),
    )?)
}

fn insert_run(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    twin: u32,
) -> Result<i64, StoreError> {
    let identity = run.identity;
    let snapshot = run.snapshot;

    transaction.execute(
        "INSERT INTO run (suite, started_ms, host, twin, execution_uuid, project, root, folder, ended_ms,
                          snapshot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            identity.suite,
            identity.started,
            identity.host,
            twin,
            identity.execution_uuid,
            snapshot.project_name,
            snapshot.root(),
            snapshot.folder,
            snapshot.run.ended.or(snapshot.run.last_record).map(|_| run.ended()),
            serde_json::to_string(snapshot)?,
        ],
    )?;

    let id = transaction.last_insert_rowid();
    set_members(transaction, id, snapshot)?;
    Ok(id)
}
