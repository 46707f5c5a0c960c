//! Members of collections that are submitted as one run, from their own end to that of the
//! collection.

use rusqlite::params;

use crate::discovery::run_identity::RunIdentity;
use crate::outbox::store::{Store, StoreError};

/// A gathered member, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredMember {
    /// The collection's folder.
    pub collection: String,
    /// The member's folder below `Reports`.
    pub member: String,
    /// Which run it is, so that its copies are kept even if the rest cannot be read; `None` when
    /// that is not known.
    pub run: Option<RunIdentity>,
    /// What it will be joined from, as JSON.
    pub held: String,
}

impl Store {
    /// Keeps a member of a collection that is not over yet.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_member(&mut self, member: &StoredMember) -> Result<(), StoreError> {
        let sql = "INSERT INTO gathered (collection, member, run, held) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (collection, member) DO UPDATE SET run = excluded.run, held = excluded.held";
        let run = member.run.as_ref().map(serde_json::to_string).transpose()?;
        self.connection.execute(
            sql,
            params![member.collection, member.member, run, member.held],
        )?;
        Ok(())
    }

    /// Everything that is kept of collections that are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub fn pending_members(&self) -> Result<Vec<StoredMember>, StoreError> {
        let sql = "SELECT collection, member, run, held FROM gathered ORDER BY collection, member";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let run: Option<String> = row.get(2)?;
            Ok(StoredMember {
                collection: row.get(0)?,
                member: row.get(1)?,
                run: run.and_then(|text| identity(&text)),
                held: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets members of a collection, once they are recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_members(
        &mut self,
        collection: &str,
        members: &[String],
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for member in members {
            let sql = "DELETE FROM gathered WHERE collection = ?1 AND member = ?2";
            transaction.execute(sql, params![collection, member])?;
        }
        Ok(transaction.commit()?)
    }
}

/// An identity as it is stored. A migration cannot lower the letters of a host as a run's identity
/// does.
fn identity(text: &str) -> Option<RunIdentity> {
    let run: RunIdentity = serde_json::from_str(text).ok()?;
    Some(RunIdentity {
        host: run.host.to_lowercase(),
        ..run
    })
}
