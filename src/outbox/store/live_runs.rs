//! Test runs that show a suite while it runs (`submit.live`): each is noted before it is made and
//! until its submission has it, so that none is left open, whatever is killed and wiped meanwhile.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::store::columns::json;
use crate::outbox::store::recorded_run::with_identity;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::plan::snapshot::Snapshot;

/// A test run that shows a suite while it runs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct LiveRun {
    /// kado's key, which its submission will have.
    pub key: String,
    /// The test plan.
    pub plan_id: u32,
    /// The test run; `None` while it is not known whether it was made.
    pub ado_run_id: Option<u32>,
    /// Where a person sees it.
    pub url: Option<String>,
    /// What is not shown of the suite.
    pub remark: Option<String>,
    /// When its run folder was last seen with a suite that runs.
    pub seen: Moment,
    /// The run and where it goes, without its tests.
    pub snapshot: Snapshot,
}

/// What the outbox says of the suite that a live run shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LiveFate {
    /// It is not recorded.
    Running,
    /// Its submission will have the run.
    Awaited,
    /// Its submission has a test run, perhaps another one.
    Submitted(u32),
    /// Nothing of it is submitted to this plan.
    NotSubmitted,
}

impl Store {
    /// Notes a live run before it is made.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn intend_live(&mut self, live: &LiveRun) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO live_run (key, plan_id, ado_run_id, seen_ms, snapshot)
             VALUES (?1, ?2, NULL, ?3, ?4) ON CONFLICT DO NOTHING",
            params![
                live.key,
                live.plan_id,
                live.seen,
                serde_json::to_string(&live.snapshot)?
            ],
        )?;
        Ok(())
    }

    /// Notes that a live run was made, and where a person sees it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn confirm_live(
        &mut self,
        key: &str,
        ado_run_id: u32,
        url: &str,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE live_run SET ado_run_id = ?2, url = ?3 WHERE key = ?1",
            params![key, ado_run_id, url],
        )?;
        Ok(())
    }

    /// Notes what is not shown of the suite of a live run.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn remark_on_live(
        &mut self,
        key: &str,
        remark: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE live_run SET remark = ?2 WHERE key = ?1",
            params![key, remark],
        )?;
        Ok(())
    }

    /// Notes at `now` that a request is about to write into a live run, and until when it may be
    /// under way; whether it may leave: not while one of another process is. That process may also
    /// be about to submit the suite run: each notes what it does before it looks what the other one
    /// does.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn ask_for_live(
        &mut self,
        key: &str,
        now: Moment,
        until: Moment,
    ) -> Result<bool, StoreError> {
        let noted = self.connection.execute(
            "UPDATE live_run SET asked_until_ms = ?3
             WHERE key = ?1 AND (asked_until_ms IS NULL OR asked_until_ms <= ?2)",
            params![key, now, until],
        )?;
        Ok(noted > 0)
    }

    /// The request that may have been under way until then is answered.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn live_answered(&mut self, key: &str, until: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE live_run SET asked_until_ms = NULL WHERE key = ?1 AND asked_until_ms = ?2",
            params![key, until],
        )?;
        Ok(())
    }

    /// Until when a request of whichever process may be writing into a live run.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn live_asked_until(&self, key: &str) -> Result<Option<Moment>, StoreError> {
        let until: Option<Option<Moment>> = self
            .connection
            .prepare_cached("SELECT asked_until_ms FROM live_run WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        Ok(until.flatten())
    }

    /// Notes when the suite of a live run was last seen to run.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn saw_live(&mut self, key: &str, now: Moment) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE live_run SET seen_ms = ?2 WHERE key = ?1",
            params![key, now],
        )?;
        Ok(())
    }

    /// All live runs, but for those that another version stored and this one cannot read, which
    /// [`Store::unreadable_rows`] names.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn live_runs(&self) -> Result<Vec<LiveRun>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, plan_id, ado_run_id, url, remark, seen_ms, snapshot FROM live_run
             ORDER BY key",
        )?;
        let mut rows = statement.query([])?;
        let mut live = Vec::new();
        while let Some(row) = rows.next()? {
            match live_run(row) {
                Ok(one) => live.push(one),
                Err(StoreError::Content(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(live)
    }

    /// The live run with this key, if this kado made one.
    ///
    /// # Errors
    /// When the database fails, and when it was stored by another version.
    pub(crate) fn live_run(&self, key: &str) -> Result<Option<LiveRun>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, plan_id, ado_run_id, url, remark, seen_ms, snapshot FROM live_run
             WHERE key = ?1",
        )?;
        let mut rows = statement.query([key])?;
        rows.next()?.map(live_run).transpose()
    }

    /// Forgets a live run: its submission has it, or it is ended.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn forget_live(&mut self, key: &str) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM live_run WHERE key = ?1", [key])?;
        Ok(())
    }

    /// What became of the suite run that a live run shows, of the project with this root: one of
    /// another project may say the same of itself.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn fate_of_live(
        &self,
        key: &str,
        identity: &RunIdentity,
        root: &str,
    ) -> Result<LiveFate, StoreError> {
        let submission: Option<(SubmissionState, Option<u32>)> = self
            .connection
            .prepare_cached("SELECT state, ado_run_id FROM submission WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match submission {
            Some((_, Some(ado_run))) => return Ok(LiveFate::Submitted(ado_run)),
            Some((SubmissionState::Ignored, None)) => return Ok(LiveFate::NotSubmitted),
            Some(_) => return Ok(LiveFate::Awaited),
            None => {}
        }

        let mut fate = LiveFate::Running;
        for recorded in with_identity(&self.connection, identity)? {
            if recorded.root != root || !identity.is_same_run(&recorded.identity) {
                continue;
            }
            if self.has_open_plan(recorded.id)? {
                return Ok(LiveFate::Awaited);
            }
            fate = LiveFate::NotSubmitted;
        }
        Ok(fate)
    }

    /// Whether a submission of a run gets its key later, because its test plan is not known yet.
    fn has_open_plan(&self, run: i64) -> Result<bool, StoreError> {
        let has_open = self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM submission
                 WHERE run_id = ?1 AND plan_id IS NULL AND state != 'ignored')",
            )?
            .query_row([run], |row| row.get(0))?;
        Ok(has_open)
    }
}

fn live_run(row: &Row<'_>) -> Result<LiveRun, StoreError> {
    Ok(LiveRun {
        key: row.get("key")?,
        plan_id: row.get("plan_id")?,
        ado_run_id: row.get("ado_run_id")?,
        url: row.get("url")?,
        remark: row.get("remark")?,
        seen: row.get("seen_ms")?,
        snapshot: json(row, "snapshot")?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outbox::store::test_runs::{NOW, found, ignored, open, record, snapshot};

    const SECOND: Duration = Duration::from_secs(1);

    /// A live run for plan 18, with the key that its submission gets, and an outbox that has both.
    fn awaited() -> (tempfile::TempDir, Store, LiveRun, i64) {
        let temp = tempfile::tempdir().unwrap();
        let mut store = open(temp.path());
        let snapshot = snapshot(&[18], None);
        let id = found(&mut store, &snapshot);

        let live = LiveRun {
            key: store.load(id).unwrap().key,
            plan_id: 18,
            ado_run_id: None,
            url: None,
            remark: None,
            seen: NOW,
            snapshot,
        };
        store.intend_live(&live).unwrap();
        (temp, store, live, id)
    }

    fn fate(store: &Store, live: &LiveRun) -> LiveFate {
        fate_of(store, &live.key, &live.snapshot)
    }

    fn fate_of(store: &Store, key: &str, run: &Snapshot) -> LiveFate {
        let identity = run.identity().expect("its log tells which run it is");
        store
            .fate_of_live(key, &identity, &run.root())
            .expect("the database is read")
    }

    #[test]
    fn what_is_noted_is_read_back_and_noted_once() {
        let (_temp, mut store, live, _) = awaited();

        store.confirm_live(&live.key, 150, "https://run").unwrap();
        store.intend_live(&live).unwrap();
        store.remark_on_live(&live.key, Some("in part")).unwrap();

        let confirmed = LiveRun {
            ado_run_id: Some(150),
            url: Some("https://run".to_owned()),
            remark: Some("in part".to_owned()),
            ..live.clone()
        };
        assert_eq!(store.live_runs().unwrap(), [confirmed]);
        store.forget_live(&live.key).unwrap();
        assert_eq!(store.live_run(&live.key).unwrap(), None);
    }

    #[test]
    fn one_request_at_a_time_writes_until_it_is_answered_or_given_up() {
        let (_temp, mut store, live, _) = awaited();
        let key = &live.key;
        let [first, second] = [NOW.plus(SECOND), NOW.plus(SECOND * 2)];

        assert!(store.ask_for_live(key, NOW, first).unwrap());
        assert!(!store.ask_for_live(key, NOW, second).unwrap());
        assert_eq!(store.live_asked_until(key).unwrap(), Some(first));

        // The process of the first one was killed; should it be answered after all, that does not
        // end the second one.
        assert!(store.ask_for_live(key, first, second).unwrap());
        store.live_answered(key, first).unwrap();
        assert_eq!(store.live_asked_until(key).unwrap(), Some(second));

        store.live_answered(key, second).unwrap();
        assert_eq!(store.live_asked_until(key).unwrap(), None);
    }

    #[test]
    fn a_live_run_is_awaited_by_the_submission_with_its_key() {
        let (_temp, store, live, _) = awaited();

        assert_eq!(fate(&store, &live), LiveFate::Awaited);
    }

    #[test]
    fn a_live_run_of_which_nothing_is_recorded_goes_on() {
        let temp = tempfile::tempdir().unwrap();
        let store = open(temp.path());

        let fate = fate_of(&store, "key", &snapshot(&[18], None));

        assert_eq!(fate, LiveFate::Running);
    }

    #[test]
    fn a_live_run_of_another_plan_than_the_one_that_gets_the_run_is_not_submitted() {
        let (_temp, store, live, _) = awaited();
        let other = LiveRun {
            key: "of-plan-19".to_owned(),
            ..live
        };

        assert_eq!(fate(&store, &other), LiveFate::NotSubmitted);
    }

    #[test]
    fn a_live_run_whose_suite_is_ignored_is_not_submitted() {
        let temp = tempfile::tempdir().unwrap();
        let mut store = open(temp.path());
        let run = snapshot(&[18], None);

        record(&mut store, &run, &ignored("aborted"));

        assert_eq!(fate_of(&store, "key", &run), LiveFate::NotSubmitted);
    }

    #[test]
    fn a_recorded_run_that_says_the_same_of_itself_ends_no_live_run_of_another() {
        let temp = tempfile::tempdir().unwrap();
        let mut store = open(temp.path());
        let recorded = snapshot(&[18], Some("a"));
        record(&mut store, &recorded, &ignored("aborted"));

        let of_another_project = Snapshot {
            project_root: "/work/another".to_owned(),
            ..recorded.clone()
        };
        let another_uuid = snapshot(&[18], Some("b"));

        for runs_on in [of_another_project, another_uuid] {
            assert_eq!(fate_of(&store, "key", &runs_on), LiveFate::Running);
        }
        let late_uuid = snapshot(&[18], None);
        assert_eq!(fate_of(&store, "key", &late_uuid), LiveFate::NotSubmitted);
    }
}
