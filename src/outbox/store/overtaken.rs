//! Which submission is overtaken: ADO shows the newest result of a point, so an older one must not
//! arrive after a newer one.

use std::collections::HashMap;

use rusqlite::{Row, params};

use crate::moment::Moment;
use crate::outbox::store::columns::json;
use crate::outbox::store::{Store, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::snapshot::Snapshot;
use crate::server::{Server, ServerIdentity};

impl Store {
    /// Whether a run that ended after this one has newer results on the same points: the id of its
    /// submission and one such point.
    ///
    /// A collection that is one run ends long after some of its results, so both the run and the
    /// result have to be newer. Only what has an ADO run counts, on the same server and in the same
    /// test plan; and only what ended before `now`: the end of another one comes from a clock that
    /// was ahead.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn overtaken_by(
        &self,
        submission: i64,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<Option<(i64, u32)>, StoreError> {
        let snapshot = self.load(submission)?.snapshot;

        // A plan is stored before its run is created, so it alone does not mean that results are
        // there. Plans may be megabytes: they are read one by one until one tells.
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, plan, coalesce(submission.snapshot, run.snapshot) AS snapshot
             FROM submission JOIN run ON run.id = run_id
             WHERE submission.id <> ?1 AND plan_id = ?2 AND ended_ms > ?3 AND ended_ms <= ?4
             AND ado_run_id IS NOT NULL AND plan IS NOT NULL
             ORDER BY ended_ms DESC",
        )?;
        let mut rows = statement.query(params![submission, plan.plan_id, snapshot.ended(), now])?;

        while let Some(row) = rows.next()? {
            let Some((newer_snapshot, newer_plan)) = content(row)? else {
                continue;
            };
            if server_of(&newer_snapshot) == server_of(&snapshot)
                && let Some(point) = newer_point(plan, &newer_plan)
            {
                return Ok(Some((row.get("id")?, point)));
            }
        }
        Ok(None)
    }
}

/// What another version stored and this one cannot read is no reason to hold a run back: it is
/// `None`.
fn content(row: &Row<'_>) -> Result<Option<(Snapshot, SubmissionPlan)>, StoreError> {
    match (json(row, "snapshot"), json(row, "plan")) {
        (Ok(snapshot), Ok(plan)) => Ok(Some((snapshot, plan))),
        (Err(StoreError::Content(_)), _) | (_, Err(StoreError::Content(_))) => Ok(None),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// A point on which `newer` has a newer result than `plan`.
fn newer_point(plan: &SubmissionPlan, newer: &SubmissionPlan) -> Option<u32> {
    // Points have one result each.
    let mut completed = HashMap::new();
    for result in &newer.results {
        completed.insert(result.point_id, result.completed);
    }

    for result in &plan.results {
        let newer = completed.get(&result.point_id);
        if newer.is_some_and(|newer| *newer > result.completed) {
            return Some(result.point_id);
        }
    }
    None
}

fn server_of(snapshot: &Snapshot) -> Option<ServerIdentity> {
    let server = Server::parse(snapshot.options.server_url.as_deref()?).ok()?;
    Some(server.identity().clone())
}
