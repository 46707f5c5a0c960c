//! Settled run folders: they need not be read again while they look the same, and are forgotten
//! when they stay away.

use std::collections::HashMap;

use rusqlite::params;

use crate::discovery::settled::{Ageing, SettledFolder};
use crate::moment::Moment;
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// All settled folders, by their paths.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn settled_folders(&self) -> Result<HashMap<String, SettledFolder>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT path, fingerprint, gone_ms FROM folder")?;

        let rows = statement.query_map([], |row| {
            let fingerprint: i64 = row.get("fingerprint")?;
            let folder = SettledFolder {
                fingerprint: fingerprint.cast_unsigned(),
                gone: row.get("gone_ms")?,
            };
            Ok((row.get("path")?, folder))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers that folders need not be read again while they look like this.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn settle_folders(&mut self, folders: &[(String, u64)]) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        for (path, fingerprint) in folders {
            // SQLite has no unsigned integers: the same bits are stored.
            transaction.execute(
                "INSERT INTO folder (path, fingerprint) VALUES (?1, ?2)
                 ON CONFLICT (path)
                 DO UPDATE SET fingerprint = excluded.fingerprint, gone_ms = NULL",
                params![path, fingerprint.cast_signed()],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Remembers which settled folders are gone or back at `now`, and forgets those that stayed
    /// away.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn age_folders(&mut self, ageing: &Ageing, now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;

        // Not forgotten at once: a drive or a workspace that comes back is not read all over again.
        for path in &ageing.gone {
            transaction.execute(
                "UPDATE folder SET gone_ms = ?2 WHERE path = ?1",
                params![path, now],
            )?;
        }

        for path in &ageing.back {
            transaction.execute("UPDATE folder SET gone_ms = NULL WHERE path = ?1", [path])?;
        }
        for path in &ageing.forgotten {
            transaction.execute("DELETE FROM folder WHERE path = ?1", [path])?;
        }
        Ok(transaction.commit()?)
    }
}
