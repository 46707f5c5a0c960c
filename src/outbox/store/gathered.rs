//! Members of collections that are submitted as one run, from their own end to that of the collection.

use rusqlite::params;

use crate::discovery::identity::RunIdentity;
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// Keeps a member of a collection that is not over yet; `held` is what it will be joined from, as JSON.
    ///
    /// # Errors
    /// When the database fails.
    pub fn gather(&mut self, collection: &str, member: &str, held: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO gathered (collection, member, held) VALUES (?1, ?2, ?3)
                   ON CONFLICT (collection, member) DO UPDATE SET held = excluded.held";
        self.connection.execute(sql, params![collection, member, held])?;
        Ok(())
    }

    /// Everything that is kept of collections that are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn gathered(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("SELECT held FROM gathered ORDER BY collection, member")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets what was kept of a collection, once it is recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub fn scatter(&mut self, collection: &str) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM gathered WHERE collection = ?1", [collection])?;
        Ok(())
    }

    /// Whether a run is recorded and was not just listed as ignored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_taken_up(&self, run: &RunIdentity) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM submission JOIN run ON run.id = run_id
                   WHERE suite = ?1 AND started_ms = ?2 AND host = ?3 AND state <> 'ignored'";
        let count: i64 =
            self.connection.query_row(sql, params![run.suite, run.started.millis(), run.host], |row| row.get(0))?;
        Ok(count > 0)
    }
}
