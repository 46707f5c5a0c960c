//! Single facts, and requests of the command line.

use rusqlite::{OptionalExtension, params};

use crate::moment::Moment;
use crate::outbox::request::{Answer, Request};
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// When kado first saw this machine; the first call decides.
    ///
    /// # Errors
    /// When the database fails, and when what is stored is no time: any guess would submit old runs
    /// or lose new ones.
    pub fn first_seen(&mut self, now: Moment) -> Result<Moment, StoreError> {
        self.connection.execute(
            "INSERT INTO fact (name, value) VALUES ('first_seen_ms', ?1) ON CONFLICT DO NOTHING",
            [now.millis().to_string()],
        )?;
        let text: String = self.connection.query_row(
            "SELECT value FROM fact WHERE name = 'first_seen_ms'",
            [],
            |row| row.get(0),
        )?;
        let millis = text.parse().map_err(|_| StoreError::Fact {
            name: "first_seen_ms",
            value: text.clone(),
        })?;
        Ok(Moment::from_millis(millis))
    }

    /// kado first saw this machine at another time than was recorded: the clock was set back.
    ///
    /// # Errors
    /// When the database fails.
    pub fn saw_first(&mut self, at: Moment) -> Result<(), StoreError> {
        self.set_fact("first_seen_ms", Some(&at.millis().to_string()))
    }

    /// Why the service polls folders instead of watching them; `None` when it watches all.
    ///
    /// # Errors
    /// When the database fails.
    pub fn polled(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM fact WHERE name = 'polled'";
        Ok(self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .optional()?)
    }

    /// Records why the service polls folders.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_polled(&mut self, reason: Option<&str>) -> Result<(), StoreError> {
        self.set_fact("polled", reason)
    }

    fn set_fact(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.connection.execute(
                "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            )?,
            None => self.connection.execute("DELETE FROM fact WHERE name = ?1", [name])?,
        };
        Ok(())
    }

    /// Leaves a request for the service.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ask(&mut self, request: &Request, now: Moment) -> Result<i64, StoreError> {
        let text = serde_json::to_string(request)?;
        self.connection.execute(
            "INSERT INTO request (asked_ms, request) VALUES (?1, ?2)",
            params![now.millis(), text],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Requests that nobody has answered, the oldest first; `None` for one that this version cannot
    /// read.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open_requests(&self) -> Result<Vec<(i64, Option<Request>)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, request FROM request WHERE answer IS NULL ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut requests = Vec::new();
        for row in rows {
            let (id, text) = row?;
            requests.push((id, serde_json::from_str(&text).ok()));
        }
        Ok(requests)
    }

    /// Takes back a request that nobody has answered; tells whether it was still open.
    ///
    /// # Errors
    /// When the database fails.
    pub fn withdraw(&mut self, request: i64) -> Result<bool, StoreError> {
        Ok(self.connection.execute(
            "DELETE FROM request WHERE id = ?1 AND answer IS NULL",
            [request],
        )? > 0)
    }

    /// Forgets answered requests from before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn prune_requests(&mut self, before: Moment) -> Result<(), StoreError> {
        let sql = "DELETE FROM request WHERE answer IS NOT NULL AND asked_ms < ?1";
        self.connection.execute(sql, [before.millis()])?;
        Ok(())
    }

    /// Answers a request.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer(&mut self, request: i64, answer: &Answer) -> Result<(), StoreError> {
        let text = serde_json::to_string(answer)?;
        self.connection.execute(
            "UPDATE request SET answer = ?2 WHERE id = ?1",
            params![request, text],
        )?;
        Ok(())
    }

    /// The answer to a request; `None` while there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer_to(&self, request: i64) -> Result<Option<Answer>, StoreError> {
        let text: Option<Option<String>> = self
            .connection
            .query_row(
                "SELECT answer FROM request WHERE id = ?1",
                [request],
                |row| row.get(0),
            )
            .optional()?;
        Ok(text
            .flatten()
            .map(|text| serde_json::from_str(&text))
            .transpose()?)
    }
}
