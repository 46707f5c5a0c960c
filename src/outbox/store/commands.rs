//! Commands that start runs: those that were seen running, and those of `kado exec`.

use std::path::Path;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};

use crate::discovery::claim::{Claim, Terms};
use crate::discovery::command::CandidateCommand;
use crate::file_names;
use crate::moment::Moment;
use crate::outbox::lock::ClaimMark;
use crate::outbox::store::{Store, StoreError};

/// How long a claim lasts beyond the last sign of life of its `kado exec`, which gives one every
/// few seconds.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);
/// How long without a sign of life a `kado exec` is believed to be there that has no mark.
const LOST: Duration = Duration::from_secs(15);

impl Store {
    /// Remembers which commands may have started the run in a folder. What was remembered first
    /// stays: later, other commands run.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_commands(
        &mut self,
        folder: &Path,
        seen: &[CandidateCommand],
        now: Moment,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO seen_command (folder, seen_ms, commands) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            params![file_names::key(folder), now, serde_json::to_string(seen)?],
        )?;
        Ok(())
    }

    /// The commands that may have started the run in a folder; `None` when nobody looked.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn noted_commands(
        &self,
        folder: &Path,
    ) -> Result<Option<Vec<CandidateCommand>>, StoreError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT commands FROM seen_command WHERE folder = ?1")?
            .query_row([file_names::key(folder)], |row| row.get("commands"))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Claims the runs of a project that start from now on; gives the claim's id.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn claim(
        &mut self,
        project: &Path,
        terms: &Terms,
        now: Moment,
    ) -> Result<i64, StoreError> {
        self.connection.execute(
            "INSERT INTO claim (project, begun_ms, seen_ms, terms) VALUES (?1, ?2, ?2, ?3)",
            params![
                project.to_string_lossy(),
                now,
                serde_json::to_string(terms)?
            ],
        )?;

        Ok(self.connection.last_insert_rowid())
    }

    /// Gives a sign of life of the command that made a claim. It began at `from`, which is another
    /// time than before when the clock was set meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn keep_claim(
        &mut self,
        claim: i64,
        from: Moment,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE claim SET begun_ms = ?2, seen_ms = ?3 WHERE id = ?1",
            params![claim, from, now],
        )?;
        Ok(())
    }

    /// Ends a claim: later runs are none of its. `from` as in [`Store::keep_claim`].
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn end_claim(
        &mut self,
        claim: i64,
        from: Moment,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE claim SET begun_ms = ?2, seen_ms = ?3, ended_ms = ?3 WHERE id = ?1",
            params![claim, from, now],
        )?;
        Ok(())
    }

    /// When those `kado exec` began and were seen last that did not end their claim: they run, or
    /// they were killed before they could ask for their runs.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open_claims(&self) -> Result<Vec<(Moment, Moment)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT begun_ms, seen_ms FROM claim WHERE ended_ms IS NULL")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All claims that are remembered, as they stand at `now`, the oldest first. One that this
    /// version cannot read claims nothing, which [`Store::unreadable_rows`] says.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn claims(&self, now: Moment) -> Result<Vec<Claim>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, project, begun_ms, seen_ms, ended_ms, terms FROM claim ORDER BY begun_ms",
        )?;
        let mut rows = statement.query([])?;

        let mut claims = Vec::new();
        while let Some(row) = rows.next()? {
            let terms: String = row.get("terms")?;
            if let Ok(terms) = serde_json::from_str(&terms) {
                claims.push(self.claim_of(row, terms, now)?);
            }
        }
        Ok(claims)
    }

    /// A claim as it stands at `now`.
    fn claim_of(&self, row: &Row<'_>, terms: Terms, now: Moment) -> Result<Claim, StoreError> {
        let id = row.get("id")?;
        let root: String = row.get("project")?;
        let seen: Moment = row.get("seen_ms")?;
        let ended: Option<Moment> = row.get("ended_ms")?;

        Ok(Claim {
            id,
            root: root.into(),
            from: row.get("begun_ms")?,
            seen,
            until: ended.unwrap_or_else(|| seen.plus(SIGN_OF_LIFE)),
            lost: ended.is_none() && self.is_killed(id, seen, now),
            terms,
        })
    }

    /// Whether the `kado exec` of a claim that has not ended was killed.
    fn is_killed(&self, claim: i64, seen: Moment, now: Moment) -> bool {
        // The kernel lets go of the mark at once, long before signs of life are missed.
        if ClaimMark::is_abandoned(&self.state_dir, claim) {
            return true;
        }

        // A sign comes every 5 s, and two may be missing where the database is busy.
        now.since(seen) > LOST && ClaimMark::is_missing(&self.state_dir, claim)
    }

    /// Forgets what was known of commands before `before`, but for what runs that are not done may
    /// need.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn prune_commands(&mut self, before: Moment) -> Result<(), StoreError> {
        let oldest: Option<Moment> = self.connection.query_row(
            "SELECT min(started_ms) FROM run JOIN submission ON run.id = run_id
             WHERE state IN ('pending', 'submitting', 'parked')",
            [],
            |row| row.get(0),
        )?;

        // A retry after months still goes to the plan that its own command named.
        let before = oldest.map_or(before, |oldest| before.min(oldest));

        self.connection
            .execute("DELETE FROM seen_command WHERE seen_ms < ?1", [before])?;
        self.connection
            .execute("DELETE FROM claim WHERE seen_ms < ?1", [before])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::store::test_runs::{NOW, open};

    /// Whether a claim that was made just now is lost after so many seconds.
    fn is_lost_after(store: &Store, seconds: u64) -> bool {
        let later = NOW.plus(Duration::from_secs(seconds));
        let claims = store.claims(later).expect("the claims can be read");
        claims.iter().all(|claim| claim.lost)
    }

    #[test]
    fn a_claim_whose_mark_was_let_go_is_lost_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let id = store
            .claim(Path::new("/w/Shop"), &Terms::default(), NOW)
            .expect("a claim");

        let mark = ClaimMark::set(folder.path(), id).expect("a mark");
        drop(mark);

        assert!(is_lost_after(&store, 0));
    }

    #[test]
    fn a_claim_whose_mark_is_held_is_there_however_long_nothing_was_heard_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let id = store
            .claim(Path::new("/w/Shop"), &Terms::default(), NOW)
            .expect("a claim");

        let _mark = ClaimMark::set(folder.path(), id).expect("a mark");

        assert!(!is_lost_after(&store, 1000));
    }

    #[test]
    fn a_claim_without_a_mark_is_lost_when_signs_of_life_are_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        store
            .claim(Path::new("/w/Shop"), &Terms::default(), NOW)
            .expect("a claim");

        assert!(!is_lost_after(&store, 10) && is_lost_after(&store, 20));
    }
}
