//! Suite runs that are part of a collection that is one run: they count once, as part of it or by
//! themselves.

use rusqlite::{Connection, params};

use crate::discovery::run_identity::RunIdentity;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::plan::snapshot::Snapshot;

#[cfg(test)]
mod tests;

/// What of a run is still to be submitted, given what was submitted before.
#[derive(Clone, PartialEq, Debug)]
pub enum Remaining {
    /// All of it.
    Whole,
    /// A collection without the members that were submitted as runs of their own.
    Part(Box<Snapshot>),
    /// Nothing: each of its members was; these are their submissions.
    Nothing(Vec<i64>),
}

impl Store {
    /// Whether a run is recorded and was not just listed as ignored, by itself or as part of a
    /// collection.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_taken_up(&self, run: &RunIdentity) -> Result<bool, StoreError> {
        Ok(!by_itself(&self.connection, run)?.is_empty()
            || part_of(&self.connection, run, Asker::Person)?.is_some())
    }

    /// Whether a run is recorded, by itself or as part of a collection, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_recorded(&self, run: &RunIdentity) -> Result<bool, StoreError> {
        let own =
            "SELECT execution_uuid FROM run WHERE suite = ?1 AND started_ms = ?2 AND host = ?3";
        let mut statement = self.connection.prepare_cached(own)?;
        let uuids = statement
            .query_map(params![run.suite, run.started.millis(), run.host], |row| {
                row.get(0)
            })?;
        let own = uuids.collect::<Result<Vec<_>, _>>()?;
        Ok(own.into_iter().any(|uuid| is_it(run, uuid))
            || !wholes_with(&self.connection, run)?.is_empty())
    }

    /// What of a run is still to be submitted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remaining(&self, snapshot: &Snapshot) -> Result<Remaining, StoreError> {
        remaining(&self.connection, snapshot)
    }
}

/// Who wants a run recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    /// The service, which decides about a run once.
    Service,
    /// A person, whose word also submits what was ignored.
    Person,
}

/// As [`Store::remaining`].
pub(super) fn remaining(
    connection: &Connection,
    snapshot: &Snapshot,
) -> Result<Remaining, StoreError> {
    if snapshot.joined.is_none() {
        return Ok(Remaining::Whole);
    }
    let (mut alone, mut submissions) = (Vec::new(), Vec::new());
    for run in snapshot.places().into_iter().filter_map(|place| place.run) {
        let own = by_itself(connection, &run)?;
        if !own.is_empty() {
            alone.push(run);
            submissions.extend(own);
        }
    }
    if alone.is_empty() {
        return Ok(Remaining::Whole);
    }
    Ok(snapshot
        .without(&alone)
        .map_or(Remaining::Nothing(submissions), |rest| {
            Remaining::Part(Box::new(rest))
        }))
}

/// The submissions of a run that was taken up as one of its own.
pub(super) fn by_itself(
    connection: &Connection,
    run: &RunIdentity,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT submission.id, execution_uuid FROM submission JOIN run ON run.id = run_id
         WHERE suite = ?1 AND started_ms = ?2 AND host = ?3 AND state <> 'ignored' ORDER BY submission.id",
    )?;
    let rows = statement.query_map(params![run.suite, run.started.millis(), run.host], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(rows
        .into_iter()
        .filter(|(_, uuid)| is_it(run, uuid.clone()))
        .map(|(id, _)| id)
        .collect())
}

/// The submissions of the collection that a run is part of, the newest if there are several: one
/// that was taken up, or for the service one that was decided. What was listed as aborted may have
/// ended after all, and is not.
pub(super) fn part_of(
    connection: &Connection,
    run: &RunIdentity,
    asker: Asker,
) -> Result<Option<Vec<i64>>, StoreError> {
    let sql = "SELECT id, state, ignored_as FROM submission WHERE run_id = ?1 ORDER BY id";
    for whole in wholes_with(connection, run)? {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([whole], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let counts = |state: &str, ignored_as: Option<&str>| {
            let decided = asker == Asker::Service && ignored_as != Some("aborted");
            decided || state != SubmissionState::Ignored.word()
        };
        if rows
            .iter()
            .any(|(_, state, ignored_as)| counts(state, ignored_as.as_deref()))
        {
            return Ok(Some(rows.into_iter().map(|(id, ..)| id).collect()));
        }
    }
    Ok(None)
}

/// The runs that are collections with this run as a member that takes part, the newest first.
pub(super) fn wholes_with(
    connection: &Connection,
    run: &RunIdentity,
) -> Result<Vec<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT run_id, execution_uuid FROM member WHERE suite = ?1 AND started = ?2 AND host = ?3 ORDER BY run_id DESC",
    )?;
    let rows = statement.query_map(
        params![run.suite, run.started.to_string(), run.host],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)),
    )?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(rows
        .into_iter()
        .filter(|(_, uuid)| is_it(run, uuid.clone()))
        .map(|(id, _)| id)
        .collect())
}

/// Whether what agrees in all else with a run is that run, by its uuid.
fn is_it(run: &RunIdentity, execution_uuid: Option<String>) -> bool {
    run.is_same_run(&RunIdentity {
        execution_uuid,
        ..run.clone()
    })
}
