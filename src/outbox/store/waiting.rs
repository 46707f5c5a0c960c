//! What is due, and what waits for what until when.

use rusqlite::params;

use crate::moment::Moment;
use crate::outbox::store::columns::json;
use crate::outbox::store::state::{apply, change_one};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{
    Destination, DueSubmission, HeldUpServer, Obstacle, ServerWithoutToken,
};
use crate::outbox::transition::Event;

impl Store {
    /// Submissions that are due at `now`, in the order of the ends of their runs. One that waits
    /// for Katalon holds up the newer ones of its plan, or it would be late, which
    /// [`SubmissionSummary::go_after`](crate::outbox::submission::SubmissionSummary::go_after)
    /// says; `only` are those that somebody asks for by their ids, and they wait for no others.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn due(
        &self,
        now: Moment,
        only: Option<&[i64]>,
    ) -> Result<Vec<DueSubmission>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, server, plan_id, root FROM submission JOIN run ON run.id = run_id
             WHERE state IN ('pending', 'submitting') AND coalesce(next_attempt_ms, 0) <= ?1
             AND CASE WHEN ?2 IS NULL THEN NOT EXISTS
                (SELECT 1 FROM submission AS held JOIN run AS older ON older.id = held.run_id
                 WHERE held.obstacle = 'katalon' AND held.state IN ('pending', 'submitting')
                 AND held.next_attempt_ms > ?1
                 AND held.server = submission.server AND held.plan_id IS submission.plan_id
                 AND older.ended_ms < run.ended_ms)
                ELSE submission.id IN (SELECT value FROM json_each(?2)) END
             ORDER BY ended_ms, submission.id",
        )?;

        // As JSON, because SQLite binds no lists.
        let only = only.map(serde_json::to_string).transpose()?;

        let rows = statement.query_map(params![now, only], |row| {
            Ok(DueSubmission {
                id: row.get("id")?,
                goes_to: Destination {
                    server: row.get("server")?,
                    plan_id: row.get("plan_id")?,
                },
                root: row.get("root")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What waits for the test plans of these submissions, whose runs ended earlier than theirs, in
    /// the order of the ends; not what is left to Katalon.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn waiting_before(&self, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT older.id FROM submission AS asked JOIN run ON run.id = asked.run_id
             JOIN submission AS older
                ON older.server = asked.server AND older.plan_id IS asked.plan_id
             JOIN run AS older_run ON older_run.id = older.run_id
             WHERE asked.id IN (SELECT value FROM json_each(?1))
             AND older.id NOT IN (SELECT value FROM json_each(?1))
             AND older.state IN ('pending', 'submitting')
             AND coalesce(older.obstacle, '') <> 'katalon'
             AND older_run.ended_ms < run.ended_ms
             GROUP BY older.id ORDER BY older_run.ended_ms, older.id",
        )?;

        // As JSON, because SQLite binds no lists.
        let rows = statement.query_map([serde_json::to_string(ids)?], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When something happened to a submission last: whatever a person changed, they did before.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn last_event(&self, submission: i64) -> Result<Moment, StoreError> {
        let last: Option<Moment> = self.connection.query_row(
            "SELECT max(at_ms) FROM ledger WHERE submission_id = ?1",
            [submission],
            |row| row.get(0),
        )?;
        Ok(last.unwrap_or_default())
    }

    /// When the next submission becomes due that is not due at `now`; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn next_due(&self, now: Moment) -> Result<Option<Moment>, StoreError> {
        Ok(self.connection.query_row(
            "SELECT min(next_attempt_ms) FROM submission
             WHERE state IN ('pending', 'submitting') AND next_attempt_ms > ?1",
            [now],
            |row| row.get(0),
        )?)
    }

    /// Lets a submission wait for its next attempt. Since when its server refuses the token is kept
    /// until something arrives there.
    ///
    /// # Errors
    /// When nobody works on the submission, or when the database fails.
    pub(crate) fn wait(
        &mut self,
        submission: i64,
        obstacle: Obstacle,
        reason: &str,
        next_attempt: Moment,
        now: Moment,
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        apply(&transaction, submission, Event::Waits, Some(reason))?;
        change_one(
            &transaction,
            submission,
            "UPDATE submission SET obstacle = ?2, next_attempt_ms = ?3, attempts = attempts + 1
             WHERE id = ?1",
            params![submission, obstacle, next_attempt],
        )?;

        // The first refusal of a row counts, so a later one changes nothing.
        if obstacle.is_of_token() {
            transaction.execute(
                "INSERT INTO fact (name, value)
                 SELECT 'refused ' || server, ?2 FROM submission WHERE id = ?1
                 ON CONFLICT DO NOTHING",
                params![submission, now.millis().to_string()],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Lets those of these submissions that are pending wait until Katalon has had its time.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn hold_for_katalon(
        &mut self,
        ids: &[i64],
        until: Moment,
    ) -> Result<(), StoreError> {
        // Only what is pending: of what is under way ADO may have a part already.
        for id in ids {
            self.connection.execute(
                "UPDATE submission SET obstacle = ?2, next_attempt_ms = ?3,
                    reason = 'gives Katalon time to submit this run itself (`submit.katalon_wait`)'
                 WHERE id = ?1 AND state = 'pending'",
                params![id, Obstacle::AnotherSender, until],
            )?;
        }
        Ok(())
    }

    /// Makes those of these due now that only give Katalon its time: it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn release_from_katalon(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        for id in ids {
            self.connection.execute(
                "UPDATE submission SET obstacle = NULL, next_attempt_ms = NULL, reason = NULL
                 WHERE id = ?1 AND state = 'pending' AND obstacle = 'katalon' AND plan IS NULL",
                [id],
            )?;
        }
        Ok(())
    }

    /// Makes everything that waits due now; what is left to Katalon at the latest at `katalon`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn make_all_due(&mut self, katalon: Moment) -> Result<(), StoreError> {
        // Without `ELSE` a `CASE` is NULL, which means now. What is left to Katalon keeps a time:
        // sent at once it could be in ADO twice.
        self.connection.execute(
            "UPDATE submission SET next_attempt_ms =
                CASE WHEN obstacle = 'katalon' THEN min(next_attempt_ms, ?1) END
             WHERE state IN ('pending', 'submitting')",
            [katalon],
        )?;
        Ok(())
    }

    /// Makes these due now, if they wait.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn make_due(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        for id in ids {
            self.connection.execute(
                "UPDATE submission SET next_attempt_ms = NULL
                 WHERE id = ?1 AND state IN ('pending', 'submitting')",
                [id],
            )?;
        }
        Ok(())
    }

    /// Lets nothing wait beyond `latest`: a wait that reaches further was begun by a clock that was
    /// wrong.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn wait_at_most_until(&mut self, latest: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE submission SET next_attempt_ms = ?1
             WHERE next_attempt_ms > ?1 AND state IN ('pending', 'submitting')",
            [latest],
        )?;
        Ok(())
    }

    /// Servers that have no usable token, with what waits for one.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn without_token(&self) -> Result<Vec<ServerWithoutToken>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT server, max(reason) AS reason, count(*) AS waiting,
                    json_group_array(id) AS ids, fact.value AS since
             FROM submission LEFT JOIN fact ON fact.name = 'refused ' || server
             WHERE state IN ('pending', 'submitting') AND obstacle IN ('credentials', 'no-token')
             AND reason IS NOT NULL
             GROUP BY server ORDER BY server",
        )?;
        let mut rows = statement.query([])?;

        let mut servers = Vec::new();
        while let Some(row) = rows.next()? {
            // A time that cannot be read costs only the words "since when".
            let since: Option<String> = row.get("since")?;
            servers.push(ServerWithoutToken {
                server: row.get("server")?,
                reason: row.get("reason")?,
                waiting: row.get("waiting")?,
                ids: json(row, "ids")?,
                since: since
                    .and_then(|millis| millis.parse().ok())
                    .map(Moment::from_millis),
            });
        }

        Ok(servers)
    }

    /// Servers for which something waits that got no step further the last time, for another reason
    /// than a token or Katalon.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn held_up(&self) -> Result<Vec<HeldUpServer>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT server, max(reason) AS reason, count(*) AS waiting,
                    (SELECT max(submitted_ms) FROM submission AS sent
                     WHERE sent.server = held.server) AS last_success
             FROM submission AS held
             WHERE state IN ('pending', 'submitting') AND attempts > 0 AND reason IS NOT NULL
             AND coalesce(obstacle, '') NOT IN ('katalon', 'credentials', 'no-token')
             GROUP BY server ORDER BY server",
        )?;

        let rows = statement.query_map([], |row| {
            Ok(HeldUpServer {
                server: row.get("server")?,
                reason: row.get("reason")?,
                waiting: row.get("waiting")?,
                last_success: row.get("last_success")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
