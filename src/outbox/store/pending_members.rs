//! Members of collections that are submitted as one run, from their own end to that of the
//! collection.

use rusqlite::params;

use crate::discovery::run_identity::RunIdentity;
use crate::outbox::store::{Store, StoreError};

/// A member as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredMember {
    /// The collection's folder.
    pub collection: String,
    /// The member's run folder below `Reports`.
    pub member: String,
    /// Which run it is, so that its copies are kept even if the rest cannot be read; `None` when
    /// that is not known.
    pub run: Option<RunIdentity>,
    /// What it will be joined from, as JSON.
    pub content: String,
}

impl Store {
    /// Keeps a member of a collection that is not over yet.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn keep_member(&mut self, member: &StoredMember) -> Result<(), StoreError> {
        // Beside the rest: by it the spool knows whose copies to keep, also where another version
        // of kado cannot read what the member is made of.
        let run = member.run.as_ref().map(serde_json::to_string).transpose()?;
        self.connection.execute(
            "INSERT INTO pending_member (collection, member, run, content) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (collection, member)
             DO UPDATE SET run = excluded.run, content = excluded.content",
            params![member.collection, member.member, run, member.content],
        )?;
        Ok(())
    }

    /// Everything that is kept of collections that are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn pending_members(&self) -> Result<Vec<StoredMember>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT collection, member, run, content FROM pending_member
             ORDER BY collection, member",
        )?;

        let rows = statement.query_map([], |row| {
            let run: Option<String> = row.get("run")?;
            Ok(StoredMember {
                collection: row.get("collection")?,
                member: row.get("member")?,
                // While it is not known whose copies are needed, all are kept.
                run: run.and_then(|text| serde_json::from_str(&text).ok()),
                content: row.get("content")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets members of a collection, once they are recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn forget_members(
        &mut self,
        collection: &str,
        members: &[String],
    ) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        for member in members {
            transaction.execute(
                "DELETE FROM pending_member WHERE collection = ?1 AND member = ?2",
                params![collection, member],
            )?;
        }
        Ok(transaction.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::store::test_runs::{open, snapshot};

    fn member(name: &str, content: &str) -> StoredMember {
        StoredMember {
            collection: "/shop/Reports/1".to_owned(),
            member: name.to_owned(),
            run: snapshot(&[18], None).identity(),
            content: content.to_owned(),
        }
    }

    #[test]
    fn a_member_is_kept_as_it_was_last_seen_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        for kept in [member("A/1", "old"), member("B/1", "b"), member("A/1", "a")] {
            store.keep_member(&kept).unwrap();
        }
        let both = [member("A/1", "a"), member("B/1", "b")];
        assert_eq!(store.pending_members().unwrap(), both);

        let gone = ["A/1".to_owned(), "C/1".to_owned()];
        store.forget_members("/shop/Reports/2", &gone).unwrap();
        assert_eq!(store.pending_members().unwrap(), both);
        store.forget_members("/shop/Reports/1", &gone).unwrap();
        assert_eq!(store.pending_members().unwrap(), both[1..]);
    }
}
