//! Reading submissions: for those who send, and for those who list.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row as SqlRow, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::step::StepState;
use crate::outbox::store::{Store, StoreError, schema};
use crate::outbox::submission::{
    Destination, DueSubmission, Obstacle, ServerWithoutToken, StoredStep, Submission,
    SubmissionState, SubmissionSummary, SubmittedBy,
};
use crate::plan::SubmissionPlan;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::results::PlannedResult;
use crate::plan::snapshot::Snapshot;
use crate::server::Server;

/// The schema version since which a submission knows its server.
const WITH_SERVER: i64 = 4;

impl Store {
    /// Submissions that are due at `now`, in the order of the ends of their runs. One that waits
    /// for Katalon holds up the newer ones of its plan, or it would be late; `only` are those that
    /// somebody asks for by their ids, and they wait for no others.
    ///
    /// # Errors
    /// When the database fails.
    pub fn due(&self, now: Moment, only: Option<&[i64]>) -> Result<Vec<DueSubmission>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, server, plan_id FROM submission JOIN run ON run.id = run_id
             WHERE state IN ('pending', 'submitting') AND coalesce(next_attempt_ms, 0) <= ?1
             AND CASE WHEN ?2 IS NULL THEN NOT EXISTS
                (SELECT 1 FROM submission AS held JOIN run AS older ON older.id = held.run_id
                 WHERE held.for_katalon AND held.state IN ('pending', 'submitting') AND held.next_attempt_ms > ?1
                 AND held.server = submission.server AND held.plan_id IS submission.plan_id
                 AND older.ended_ms < run.ended_ms)
                ELSE submission.id IN (SELECT value FROM json_each(?2)) END
             ORDER BY ended_ms, submission.id",
        )?;
        let only = only.map(serde_json::to_string).transpose()?;
        let rows = statement.query_map(params![now.millis(), only], |row| {
            let goes_to = Destination {
                server: row.get(1)?,
                plan_id: row.get(2)?,
            };
            Ok(DueSubmission {
                id: row.get(0)?,
                goes_to,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the next submission becomes due that is not due at `now`; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_due(&self, now: Moment) -> Result<Option<Moment>, StoreError> {
        let millis: Option<i64> = self.connection.query_row(
            "SELECT min(next_attempt_ms) FROM submission WHERE state IN ('pending', 'submitting') AND next_attempt_ms > ?1",
            [now.millis()],
            |row| row.get(0),
        )?;
        Ok(millis.map(Moment::from_millis))
    }

    /// Makes everything that waits due now; what is left to Katalon at the latest at `katalon`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn make_all_due(&mut self, katalon: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE submission SET next_attempt_ms = CASE WHEN for_katalon THEN min(next_attempt_ms, ?1) END
             WHERE state IN ('pending', 'submitting')",
            [katalon.millis()],
        )?;
        Ok(())
    }

    /// Lets nothing wait beyond `latest`: a wait that reaches further was begun by a clock that was
    /// wrong.
    ///
    /// # Errors
    /// When the database fails.
    pub fn wait_at_most_until(&mut self, latest: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE submission SET next_attempt_ms = ?1
             WHERE next_attempt_ms > ?1 AND state IN ('pending', 'submitting')",
            [latest.millis()],
        )?;
        Ok(())
    }

    /// Makes these due now, if they wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn make_due(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        for id in ids {
            let sql = "UPDATE submission SET next_attempt_ms = NULL WHERE id = ?1 AND state IN ('pending', 'submitting')";
            self.connection.execute(sql, [id])?;
        }
        Ok(())
    }

    /// A submission with everything needed to send it.
    ///
    /// # Errors
    /// When there is none with this id, or when the database fails.
    pub fn load(&self, submission: i64) -> Result<Submission, StoreError> {
        let texts = self
            .connection
            .query_row(
                "SELECT key, state, plan_id, coalesce(submission.snapshot, run.snapshot), plan, ado_run_id, attempts, refused,
                        create_unclear, again
                 FROM submission JOIN run ON run.id = run_id WHERE submission.id = ?1",
                [submission],
                texts,
            )
            .optional()?
            .ok_or(StoreError::UnknownSubmission(submission))?;
        Ok(Submission {
            id: submission,
            key: texts.key,
            state: state(&texts.state),
            plan_id: texts.plan_id,
            snapshot: serde_json::from_str(&texts.snapshot)?,
            plan: texts
                .plan
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
            steps: self.steps(submission)?,
            ado_run_id: texts.ado_run_id,
            attempts: texts.attempts,
            refused: serde_json::from_str(&texts.refused)?,
            create_unclear: texts.create_unclear,
            again: texts.again,
        })
    }

    fn steps(&self, submission: i64) -> Result<Vec<StoredStep>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT step, state, detail FROM step WHERE submission_id = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([submission], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })?;
        let mut steps = Vec::new();
        for row in rows {
            let (step, word, detail) = row?;
            let state = StepState::ALL
                .into_iter()
                .find(|state| state.word() == word)
                .unwrap_or(StepState::Intended);
            steps.push(StoredStep {
                step: serde_json::from_str(&step)?,
                state,
                detail,
            });
        }
        Ok(steps)
    }

    /// All submissions as rows, the newest run first; with ids, only those.
    ///
    /// # Errors
    /// When the database fails.
    pub fn summaries(&self, only: Option<&[i64]>) -> Result<Vec<SubmissionSummary>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT submission.id, key, project, suite, folder, started_ms, ended_ms, plan_id, state, ado_run_id, url,
                    iif(json_valid(plan), json_array_length(plan, '$.results'), NULL),
                    iif(json_valid(plan), json_array_length(plan, '$.attachments'), NULL),
                    iif(json_valid(plan), json_extract(plan, '$.skipped'), plan), refused,
                    reason, next_attempt_ms, cause, by_katalon, for_katalon
             FROM submission JOIN run ON run.id = run_id {} ORDER BY started_ms DESC, submission.id DESC",
            if only.is_some() { "WHERE submission.id IN (SELECT value FROM json_each(?1))" } else { "" }
        ))?;
        let only = only.map(serde_json::to_string).transpose()?;
        let mut rows = statement.query(rusqlite::params_from_iter(only))?;
        let mut listed = Vec::new();
        while let Some(sql) = rows.next()? {
            listed.push(row(sql)?);
        }
        Ok(listed)
    }

    /// How many submissions there are in each state; a state that is not there has none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(&self) -> Result<HashMap<SubmissionState, usize>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM submission GROUP BY state")?;
        let rows = statement.query_map([], |row| {
            Ok((state(&row.get::<_, String>(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a run that ended after this one has newer results on the same points: the id of its
    /// submission and one such point. A collection that is one run ends long after some of its
    /// results, so both have to be newer. Only what has an ADO run counts, on the same server and
    /// in the same test plan; and only what ended before `now`: the end of another one was told by
    /// a clock that was ahead.
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub fn overtaken_by(
        &self,
        submission: i64,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<Option<(i64, u32)>, StoreError> {
        let own = self.load(submission)?.snapshot;
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, plan, coalesce(submission.snapshot, run.snapshot) FROM submission JOIN run ON run.id = run_id
             WHERE submission.id <> ?1 AND plan_id = ?2 AND ended_ms > ?3 AND ended_ms <= ?4
             AND ado_run_id IS NOT NULL AND plan IS NOT NULL
             ORDER BY ended_ms DESC",
        )?;
        let mut rows = statement.query(params![
            submission,
            plan.plan_id,
            own.ended().millis(),
            now.millis()
        ])?;
        while let Some(row) = rows.next()? {
            let newer = serde_json::from_str::<SubmissionPlan>(&row.get::<_, String>(1)?);
            let snapshot = serde_json::from_str::<Snapshot>(&row.get::<_, String>(2)?);
            // What another version stored and this one cannot read is no reason to hold this run
            // back.
            let (Ok(newer), Ok(snapshot)) = (newer, snapshot) else {
                continue;
            };
            let shared = plan.results.iter().find(|result| {
                let is_newer = |other: &PlannedResult| other.completed > result.completed;
                newer
                    .results
                    .iter()
                    .any(|other| other.point_id == result.point_id && is_newer(other))
            });
            if let Some(result) = shared.filter(|_| same_server(&own, &snapshot)) {
                return Ok(Some((row.get(0)?, result.point_id)));
            }
        }
        Ok(None)
    }

    /// The suite runs that still have something to be sent, or may have after a person's word; of a
    /// collection that is one run its members.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_runs(&self) -> Result<Vec<RunIdentity>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT suite, started_ms, host, execution_uuid, members FROM run JOIN submission ON run_id = run.id
             WHERE state IN ('pending', 'submitting', 'parked')",
        )?;
        let mut rows = statement.query([])?;
        let mut open = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(members) = row.get::<_, Option<String>>(4)? {
                open.extend(serde_json::from_str::<Vec<RunIdentity>>(&members)?);
                continue;
            }
            open.push(RunIdentity {
                suite: row.get(0)?,
                started: Moment::from_millis(row.get(1)?),
                host: row.get(2)?,
                execution_uuid: row.get(3)?,
            });
        }
        Ok(open)
    }

    /// Servers that have no usable token, with what waits for one. A database that no service has
    /// opened since an update does not say; its rows do.
    ///
    /// # Errors
    /// When the database fails.
    pub fn without_token(&self) -> Result<Vec<ServerWithoutToken>, StoreError> {
        if schema::user_version(&self.connection)? < WITH_SERVER {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT server, max(reason), count(*), group_concat(id, ' '), fact.value
             FROM submission LEFT JOIN fact ON fact.name = 'refused ' || server
             WHERE state IN ('pending', 'submitting') AND cause IN ('credentials', 'no-token') AND reason IS NOT NULL
             GROUP BY server ORDER BY server",
        )?;
        let rows = statement.query_map([], |row| {
            let ids: String = row.get(3)?;
            let since: Option<String> = row.get(4)?;
            Ok(ServerWithoutToken {
                server: row.get(0)?,
                reason: row.get(1)?,
                waiting: row.get(2)?,
                ids: ids.split(' ').filter_map(|id| id.parse().ok()).collect(),
                since: since
                    .and_then(|millis| millis.parse().ok())
                    .map(Moment::from_millis),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When a submission was completed last.
    ///
    /// # Errors
    /// When the database fails.
    pub fn last_success(&self) -> Result<Option<Moment>, StoreError> {
        let sql = "SELECT max(submitted_ms) FROM submission";
        let millis: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(millis.map(Moment::from_millis))
    }

    /// What kado submitted of runs that ended at or after `since`, those whose late reports are
    /// still taken, with the folders of their runs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn submitted_since(&self, since: Moment) -> Result<Vec<(i64, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, run.folder FROM submission JOIN run ON run.id = run_id
             WHERE state = 'submitted' AND NOT by_katalon AND ended_ms >= ?1 ORDER BY submission.id",
        )?;
        let rows = statement.query_map(params![since.millis()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn same_server(one: &Snapshot, other: &Snapshot) -> bool {
    let identity = |snapshot: &Snapshot| {
        Some(
            Server::parse(snapshot.options.server_url.as_deref()?)
                .ok()?
                .identity()
                .clone(),
        )
    };
    identity(one) == identity(other)
}

struct Texts {
    key: String,
    state: String,
    plan_id: Option<u32>,
    snapshot: String,
    plan: Option<String>,
    ado_run_id: Option<u32>,
    attempts: u32,
    refused: String,
    create_unclear: bool,
    again: u32,
}

fn texts(row: &SqlRow<'_>) -> rusqlite::Result<Texts> {
    Ok(Texts {
        key: row.get(0)?,
        state: row.get(1)?,
        plan_id: row.get(2)?,
        snapshot: row.get(3)?,
        plan: row.get(4)?,
        ado_run_id: row.get(5)?,
        attempts: row.get(6)?,
        refused: row.get(7)?,
        create_unclear: row.get(8)?,
        again: row.get(9)?,
    })
}

/// What is said of a run that another version stored and this one cannot read.
pub fn unreadable(error: &serde_json::Error) -> String {
    format!(
        "this version of kado cannot read what is stored of the run ({error}); `kado submit --again FOLDER` starts anew"
    )
}

fn row(sql: &SqlRow<'_>) -> Result<SubmissionSummary, StoreError> {
    let left_out = |text: &str| serde_json::from_str::<Vec<LeftOut>>(text);
    let (planned, refused) = (sql.get::<_, Option<String>>(13)?, sql.get::<_, String>(14)?);
    // A row that cannot be understood is listed all the same, and costs only itself.
    let (skipped, unreadable) = match (
        planned.as_deref().map(left_out).transpose(),
        left_out(&refused),
    ) {
        (Ok(planned), Ok(refused)) => (
            planned
                .unwrap_or_default()
                .into_iter()
                .chain(refused)
                .collect(),
            None,
        ),
        (Err(error), _) | (_, Err(error)) => (Vec::<LeftOut>::new(), Some(unreadable(&error))),
    };
    // A result that was refused has its test case's id, a file has none.
    let refused = |result: bool| {
        let of_it = |left_out: &&LeftOut| {
            left_out.kind == LeftOutKind::Refused && left_out.azure_id.is_some() == result
        };
        skipped.iter().filter(of_it).count()
    };
    let count = |column: usize, refused: usize| {
        sql.get::<_, Option<usize>>(column)
            .map(|count| count.unwrap_or(0).saturating_sub(refused))
    };
    let (results, attachments) = (count(11, refused(true))?, count(12, refused(false))?);
    let moment = |millis: Option<i64>| millis.map(Moment::from_millis);
    let (state, by_katalon) = (state(&sql.get::<_, String>(8)?), sql.get(18)?);
    let by = if by_katalon {
        SubmittedBy::Katalon
    } else {
        SubmittedBy::Kado
    };
    Ok(SubmissionSummary {
        id: sql.get(0)?,
        key: sql.get(1)?,
        project: sql.get(2)?,
        suite: sql.get(3)?,
        folder: sql.get(4)?,
        started: moment(sql.get(5)?),
        ended: moment(sql.get(6)?),
        plan_id: sql.get(7)?,
        state,
        ado_run_id: sql.get(9)?,
        url: sql.get(10)?,
        results,
        // Katalon's files are not kado's to count.
        attachments: if by_katalon { 0 } else { attachments },
        submitted_by: (state == SubmissionState::Submitted).then_some(by),
        skipped,
        error: unreadable.or(sql.get(15)?),
        next_attempt: moment(sql.get(16)?),
        obstacle: obstacle(sql.get::<_, Option<String>>(17)?.as_deref(), sql.get(19)?),
    })
}

fn obstacle(word: Option<&str>, for_katalon: bool) -> Option<Obstacle> {
    let of_word = || {
        Obstacle::ALL
            .into_iter()
            .find(|obstacle| Some(obstacle.word()) == word)
    };
    if for_katalon {
        Some(Obstacle::Katalon)
    } else {
        of_word()
    }
}

/// The schema allows no other word.
fn state(word: &str) -> SubmissionState {
    SubmissionState::ALL
        .into_iter()
        .find(|state| state.word() == word)
        .unwrap_or(SubmissionState::Parked)
}
