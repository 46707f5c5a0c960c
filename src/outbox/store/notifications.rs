//! Who was told of what. Each change is a transaction, so that a kill loses no notice and makes
//! none twice; a message that was intended may have arrived, and goes out again under the same id.

use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension as _, params};

use crate::config::notify::NotificationKind;
use crate::moment::Moment;
use crate::outbox::notification::{
    CauseKey, Decision, Notice, OpenMessage, StoredCause, Undelivered, Way,
};
use crate::outbox::store::columns::{by_word, json};
use crate::outbox::store::{Store, StoreError};

/// Attempts in vain after which a way counts as one by which nothing arrives.
const STUCK_AFTER: u32 = 3;
/// The longest that a message waits for its next attempt, whatever the other side asks for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

impl ToSql for Way {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for Way {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

impl ToSql for NotificationKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for NotificationKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

impl Store {
    /// A number that changes with the database, whoever writes to it. Asking for it reads no table.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn change_count(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT data_version, total_changes() FROM pragma_data_version";
        Ok(self
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Everything that people are to be told of, or were.
    ///
    /// # Errors
    /// When the database fails, or when what is stored cannot be read.
    pub(crate) fn causes(&self) -> Result<Vec<StoredCause>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, subject, since_ms, told, account FROM cause ORDER BY kind, subject",
        )?;
        let mut rows = statement.query([])?;

        let mut causes = Vec::new();
        while let Some(row) = rows.next()? {
            causes.push(StoredCause {
                key: CauseKey {
                    kind: row.get("kind")?,
                    subject: row.get("subject")?,
                },
                since: row.get("since_ms")?,
                told: json(row, "told")?,
                account: json(row, "account")?,
            });
        }
        Ok(causes)
    }

    /// Records what a look at the causes came to: which are there, and what is to be told.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_causes(&mut self, decision: &Decision) -> Result<(), StoreError> {
        let transaction = self.begin()?;

        for key in &decision.gone {
            transaction.execute(
                "DELETE FROM cause WHERE kind = ?1 AND subject = ?2",
                params![key.kind, key.subject],
            )?;
        }

        for cause in &decision.kept {
            transaction.execute(
                "INSERT INTO cause (kind, subject, since_ms, told, account)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (kind, subject) DO UPDATE SET since_ms = excluded.since_ms,
                    told = excluded.told, account = excluded.account",
                params![
                    cause.key.kind,
                    cause.key.subject,
                    cause.since,
                    serde_json::to_string(&cause.told)?,
                    serde_json::to_string(&cause.account)?
                ],
            )?;
        }

        for (way, notice) in &decision.notices {
            transaction.execute(
                "INSERT INTO notice (way, content) VALUES (?1, ?2)",
                params![way, serde_json::to_string(notice)?],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets what was to be told by ways that there are no more.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn keep_only_ways(&mut self, ways: &[Way]) -> Result<(), StoreError> {
        let words: Vec<_> = ways.iter().map(|way| way.word()).collect();
        let words = serde_json::to_string(&words)?;

        let transaction = self.begin()?;
        for table in ["notice", "message"] {
            transaction.execute(
                &format!("DELETE FROM {table} WHERE way NOT IN (SELECT value FROM json_each(?1))"),
                [&words],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// The message that a way has to send at `now`: the one that it began with, when it is due
    /// again; else one of all that is to be told by it, unless another one arrived less than
    /// `distance` ago. `new_id` is the id of a new one.
    ///
    /// # Errors
    /// When the database fails, or when what is stored cannot be read.
    pub(crate) fn message_to_send(
        &mut self,
        way: Way,
        new_id: &str,
        now: Moment,
        distance: Duration,
    ) -> Result<Option<OpenMessage>, StoreError> {
        if let Some(begun) = self.begun_message(way)? {
            // One that waits longer was put off by a clock that was wrong.
            let is_due = begun
                .next_attempt
                .is_none_or(|next| next <= now || next.since(now) > LONGEST_WAIT);
            return if is_due {
                self.open_message(&begun.id).map(Some)
            } else {
                Ok(None)
            };
        }

        let last: Option<Moment> = self.connection.query_row(
            "SELECT max(settled_ms) FROM message WHERE way = ?1 AND state = 'delivered'",
            [way],
            |row| row.get(0),
        )?;
        // One of the future was sent by a clock that was wrong, and holds up nothing.
        if last.is_some_and(|last| last <= now && now.since(last) < distance) {
            return Ok(None);
        }
        self.make_message(way, new_id, now)
    }

    /// Whether no way has anything left to tell.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn is_everybody_told(&self) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT NOT EXISTS (SELECT 1 FROM notice WHERE message IS NULL)
                AND NOT EXISTS
                (SELECT 1 FROM message WHERE state IN ('planned', 'intended'))",
        )?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Makes a message of all that is to be told by a way; `None` when there is nothing.
    fn make_message(
        &mut self,
        way: Way,
        id: &str,
        now: Moment,
    ) -> Result<Option<OpenMessage>, StoreError> {
        let transaction = self.begin()?;
        let is_any = transaction
            .query_row(
                "SELECT 1 FROM notice WHERE way = ?1 AND message IS NULL LIMIT 1",
                [way],
                |_| Ok(()),
            )
            .optional()?;
        if is_any.is_none() {
            return Ok(None);
        }

        transaction.execute(
            "INSERT INTO message (id, way, made_ms, state) VALUES (?1, ?2, ?3, 'planned')",
            params![id, way, now],
        )?;
        transaction.execute(
            "UPDATE notice SET message = ?1 WHERE way = ?2 AND message IS NULL",
            params![id, way],
        )?;
        transaction.commit()?;
        self.open_message(id).map(Some)
    }

    /// The message of a way that is neither delivered nor given up.
    fn begun_message(&self, way: Way) -> Result<Option<BegunMessage>, StoreError> {
        let begun = self
            .connection
            .query_row(
                "SELECT id, next_attempt_ms FROM message
                 WHERE way = ?1 AND state IN ('planned', 'intended') ORDER BY made_ms LIMIT 1",
                [way],
                |row| {
                    Ok(BegunMessage {
                        id: row.get("id")?,
                        next_attempt: row.get("next_attempt_ms")?,
                    })
                },
            )
            .optional()?;
        Ok(begun)
    }

    fn open_message(&self, id: &str) -> Result<OpenMessage, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT content FROM notice WHERE message = ?1 ORDER BY id")?;
        let mut rows = statement.query([id])?;
        let mut notices: Vec<Notice> = Vec::new();
        while let Some(row) = rows.next()? {
            notices.push(json(row, "content")?);
        }

        let message = self.connection.query_row(
            "SELECT id, made_ms, attempts FROM message WHERE id = ?1",
            [id],
            |row| {
                Ok(OpenMessage {
                    id: row.get("id")?,
                    made: row.get("made_ms")?,
                    attempts: row.get("attempts")?,
                    notices,
                })
            },
        )?;
        Ok(message)
    }

    /// Records that a message is about to leave; should nothing be heard of it, it leaves again at
    /// `again`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn intend_message(&mut self, id: &str, again: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE message SET state = 'intended', attempts = attempts + 1, next_attempt_ms = ?2
             WHERE id = ?1",
            params![id, again],
        )?;
        Ok(())
    }

    /// Records that a message did not arrive, and when it is tried again.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn message_failed(
        &mut self,
        id: &str,
        reason: &str,
        again: Moment,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE message SET reason = ?2, next_attempt_ms = ?3 WHERE id = ?1",
            params![id, reason, again],
        )?;
        Ok(())
    }

    /// Records that a message arrived.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn message_delivered(&mut self, id: &str, now: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE message SET state = 'delivered', reason = NULL, settled_ms = ?2 WHERE id = ?1",
            params![id, now],
        )?;
        Ok(())
    }

    /// Gives a message up that never arrived.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn give_message_up(&mut self, id: &str, now: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE message SET state = 'given_up', settled_ms = ?2 WHERE id = ?1",
            params![id, now],
        )?;
        Ok(())
    }

    /// Lets every message be tried now.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn make_messages_due(&mut self) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE message SET next_attempt_ms = NULL", [])?;
        Ok(())
    }

    /// Forgets messages that were settled before, with what they told.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn forget_messages(&mut self, before: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction.execute(
            "DELETE FROM notice WHERE message IN (SELECT id FROM message WHERE settled_ms < ?1)",
            [before],
        )?;
        transaction.execute("DELETE FROM message WHERE settled_ms < ?1", [before])?;
        Ok(transaction.commit()?)
    }

    /// Ways by which nothing arrives, of several attempts.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn undelivered(&self) -> Result<Vec<Undelivered>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT way, made_ms, reason FROM message
             WHERE state = 'intended' AND attempts >= ?1 AND reason IS NOT NULL ORDER BY way",
        )?;
        let rows = statement.query_map([STUCK_AFTER], |row| {
            Ok(Undelivered {
                way: row.get("way")?,
                since: row.get("made_ms")?,
                reason: row.get("reason")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A message that is neither delivered nor given up.
struct BegunMessage {
    id: String,
    /// When it is tried; `None` for now.
    next_attempt: Option<Moment>,
}
