//! Suite runs that are part of a collection that is one run: they count once, as part of it or by
//! themselves.

use rusqlite::{Connection, Transaction, params};

use crate::discovery::run_identity::RunIdentity;
use crate::outbox::store::columns::{IDENTITY, identity};
use crate::outbox::store::recorded_run::{Projects, with_identity};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::plan::join::without;
use crate::plan::snapshot::Snapshot;

#[cfg(test)]
mod tests;

/// What of a run is still to be submitted, given what was submitted before.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Remaining {
    /// All of it.
    Whole,
    /// A collection without the members that were submitted as runs of their own.
    Part(Box<Snapshot>),
    /// Nothing: each of its members was; these are their submissions.
    Nothing(Vec<i64>),
}

/// Who wants a run recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    /// The service, which decides about a run once.
    Service,
    /// A person, whose word also submits what was ignored.
    Person,
}

impl Store {
    /// Whether a run is recorded and was not just listed as ignored, by itself or as part of a
    /// collection, in whichever project.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn is_taken_up(&self, run: &RunIdentity) -> Result<bool, StoreError> {
        let projects = Projects::All;
        Ok(!by_itself(&self.connection, run, projects)?.is_empty()
            || part_of(&self.connection, run, projects, Asker::Person)?.is_some())
    }

    /// Whether a run of the project with this root is recorded, by itself or as part of a
    /// collection, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn is_recorded(&self, run: &RunIdentity, root: &str) -> Result<bool, StoreError> {
        let projects = Projects::One(root);
        for recorded in with_identity(&self.connection, run)? {
            if run.is_same_run(&recorded.identity) && projects.include(&recorded.root) {
                return Ok(true);
            }
        }
        Ok(!collections_with(&self.connection, run, projects)?.is_empty())
    }

    /// What of a run is still to be submitted.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn remaining(&self, snapshot: &Snapshot) -> Result<Remaining, StoreError> {
        remaining(&self.connection, snapshot)
    }
}

/// As [`Store::remaining`].
pub(super) fn remaining(
    connection: &Connection,
    snapshot: &Snapshot,
) -> Result<Remaining, StoreError> {
    if snapshot.joined.is_none() {
        return Ok(Remaining::Whole);
    }

    let root = snapshot.root();
    let mut alone = Vec::new();
    let mut submissions = Vec::new();
    for run in snapshot.run_identities() {
        let of_run = by_itself(connection, &run, Projects::One(&root))?;
        if !of_run.is_empty() {
            alone.push(run);
            submissions.extend(of_run);
        }
    }

    if alone.is_empty() {
        return Ok(Remaining::Whole);
    }
    match without(snapshot, &alone) {
        Some(rest) => Ok(Remaining::Part(Box::new(rest))),
        None => Ok(Remaining::Nothing(submissions)),
    }
}

/// The submissions of a run that was taken up as one of its own.
pub(super) fn by_itself(
    connection: &Connection,
    run: &RunIdentity,
    projects: Projects<'_>,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT submission.id, root, {IDENTITY} FROM submission JOIN run ON run.id = run_id
         WHERE suite = ?1 AND started_ms = ?2 AND host = ?3 AND state <> 'ignored'
         ORDER BY submission.id"
    ))?;
    let mut rows = statement.query(params![run.suite, run.started, run.host])?;

    // SQL does not compare the uuids: one that is missing on either side separates nothing.
    let mut submissions = Vec::new();
    while let Some(row) = rows.next()? {
        let root: String = row.get("root")?;
        if run.is_same_run(&identity(row)?) && projects.include(&root) {
            submissions.push(row.get("id")?);
        }
    }
    Ok(submissions)
}

/// The submissions of the collection that a run is part of, the newest if there are several: one
/// that was taken up, or for the service one that was decided. What was listed as aborted may have
/// ended after all, and is not.
pub(super) fn part_of(
    connection: &Connection,
    run: &RunIdentity,
    projects: Projects<'_>,
    asker: Asker,
) -> Result<Option<Vec<i64>>, StoreError> {
    for collection in collections_with(connection, run, projects)? {
        let mut statement = connection.prepare_cached(
            "SELECT id, state, ignored_as IS 'aborted' AS is_aborted FROM submission
             WHERE run_id = ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([collection])?;

        let mut submissions = Vec::new();
        let mut counts = false;
        while let Some(row) = rows.next()? {
            submissions.push(row.get("id")?);
            let state: SubmissionState = row.get("state")?;
            let is_aborted: bool = row.get("is_aborted")?;
            counts |= state != SubmissionState::Ignored || (asker == Asker::Service && !is_aborted);
        }
        if counts {
            return Ok(Some(submissions));
        }
    }
    Ok(None)
}

/// The runs that are collections with this run as a member that takes part, the newest first.
pub(super) fn collections_with(
    connection: &Connection,
    run: &RunIdentity,
    projects: Projects<'_>,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT member.run_id, run.root, member.suite, member.started_ms, member.host,
                member.execution_uuid
         FROM run_member AS member JOIN run ON run.id = member.run_id
         WHERE member.suite = ?1 AND member.started_ms = ?2 AND member.host = ?3
         ORDER BY member.run_id DESC",
    )?;
    let mut rows = statement.query(params![run.suite, run.started, run.host])?;

    let mut collections = Vec::new();
    while let Some(row) = rows.next()? {
        let root: String = row.get("root")?;
        if run.is_same_run(&identity(row)?) && projects.include(&root) {
            collections.push(row.get("run_id")?);
        }
    }
    Ok(collections)
}

/// Writes down which members a run consists of, if it is a collection.
pub(super) fn set_members(
    transaction: &Transaction<'_>,
    run: i64,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    // A collection that is taken up again may have other members that take part.
    transaction.execute("DELETE FROM run_member WHERE run_id = ?1", [run])?;
    if snapshot.joined.is_none() {
        return Ok(());
    }

    let mut statement = transaction.prepare_cached(&format!(
        "INSERT INTO run_member (run_id, {IDENTITY}) VALUES (?1, ?2, ?3, ?4, ?5)"
    ))?;
    for member in snapshot.run_identities() {
        statement.execute(params![
            run,
            member.suite,
            member.started,
            member.host,
            member.execution_uuid
        ])?;
    }
    Ok(())
}
