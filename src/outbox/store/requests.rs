//! Requests of the command line to a running service, and their answers.
//!
//! A request is open, then taken up, then answered. One that is open can be taken back by who asked;
//! one that is taken up only when the process that took it up is gone. As its answer it has none,
//! then JSON's `null`, then the answer.

use rusqlite::params;

use crate::moment::Moment;
use crate::outbox::request::{Answer, Request};
use crate::outbox::store::columns::json_or_null;
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// Leaves requests for the service, all or none; gives their ids in the same order.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn ask(
        &mut self,
        requests: &[Request],
        now: Moment,
    ) -> Result<Vec<i64>, StoreError> {
        let transaction = self.begin()?;
        let mut ids = Vec::new();
        for request in requests {
            transaction.execute(
                "INSERT INTO request (asked_ms, request) VALUES (?1, ?2)",
                params![now, serde_json::to_string(request)?],
            )?;
            ids.push(transaction.last_insert_rowid());
        }

        transaction.commit()?;
        Ok(ids)
    }

    /// Requests that nobody has answered, the oldest first; `None` for one that this version cannot
    /// read. Those that are taken up are among them: whoever asks for them here took none of them
    /// up, so the process that did is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open_requests(&self) -> Result<Vec<(i64, Option<Request>)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, request FROM request WHERE coalesce(answer, 'null') = 'null' ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            let text: String = row.get("request")?;
            Ok((row.get("id")?, serde_json::from_str(&text).ok()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes up a request that is about to be carried out; tells whether it is still there.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn take_up_request(&mut self, request: i64) -> Result<bool, StoreError> {
        let taken = self.connection.execute(
            "UPDATE request SET answer = 'null'
             WHERE id = ?1 AND coalesce(answer, 'null') = 'null'",
            [request],
        )?;
        Ok(taken > 0)
    }

    /// Takes back a request that nobody has taken up; tells whether it was still open.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn withdraw(&mut self, request: i64) -> Result<bool, StoreError> {
        // In one statement: between a look and a removal the service could take it up.
        let withdrawn = self.connection.execute(
            "DELETE FROM request WHERE id = ?1 AND answer IS NULL",
            [request],
        )?;
        Ok(withdrawn > 0)
    }

    /// As [`Store::withdraw`], also of one that was taken up: the caller holds the lock of the state
    /// folder, so whoever did is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn withdraw_abandoned(&mut self, request: i64) -> Result<bool, StoreError> {
        let withdrawn = self.connection.execute(
            "DELETE FROM request WHERE id = ?1 AND coalesce(answer, 'null') = 'null'",
            [request],
        )?;
        Ok(withdrawn > 0)
    }

    /// Answers a request. One that was taken back meanwhile needs no answer.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn answer(&mut self, request: i64, answer: &Answer) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE request SET answer = ?2 WHERE id = ?1",
            params![request, serde_json::to_string(answer)?],
        )?;
        Ok(())
    }

    /// The answer to a request; `None` while there is none.
    ///
    /// # Errors
    /// When the database fails, and when the answer cannot be understood.
    pub(crate) fn answer_to(&self, request: i64) -> Result<Option<Answer>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT answer FROM request WHERE id = ?1")?;
        let mut rows = statement.query([request])?;
        match rows.next()? {
            // Neither in the column nor in its JSON.
            Some(row) => Ok(json_or_null::<Option<Answer>>(row, "answer")?.flatten()),
            None => Ok(None),
        }
    }

    /// Forgets answered requests from before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn prune_requests(&mut self, before: Moment) -> Result<(), StoreError> {
        // What nobody has answered is still to be done, however old it is.
        self.connection.execute(
            "DELETE FROM request WHERE coalesce(answer, 'null') <> 'null' AND asked_ms < ?1",
            [before],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::store::test_runs::{NOW, open};

    fn forget(submission: i64) -> Request {
        Request::Forget { submission }
    }

    fn asked(store: &mut Store, submission: i64, at: Moment) -> i64 {
        store
            .ask(&[forget(submission)], at)
            .expect("the database is there")[0]
    }

    #[test]
    fn a_request_is_open_until_it_is_answered_and_its_answer_is_for_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let first = asked(&mut store, 7, NOW);
        let second = asked(&mut store, 8, NOW);

        let refused = Answer::Refused("no".to_owned());
        store.answer(first, &refused).unwrap();

        let open = vec![(second, Some(forget(8)))];
        assert_eq!(store.open_requests().unwrap(), open);
        assert_eq!(store.answer_to(first).unwrap(), Some(refused));
        assert_eq!(store.answer_to(second).unwrap(), None);
    }

    #[test]
    fn only_what_nobody_has_answered_is_taken_back_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let open = asked(&mut store, 7, NOW);
        let answered = asked(&mut store, 8, NOW);
        let refused = Answer::Refused("no".to_owned());
        store.answer(answered, &refused).unwrap();

        assert!(store.withdraw(open).unwrap());
        assert!(!store.withdraw(open).unwrap());
        assert!(!store.withdraw(answered).unwrap());

        // The service may be about to answer what was taken back.
        store.answer(open, &refused).unwrap();
        assert_eq!(store.answer_to(open).unwrap(), None);
        assert_eq!(store.answer_to(answered).unwrap(), Some(refused));
    }

    #[test]
    fn what_was_taken_up_is_taken_back_only_when_whoever_did_is_gone() {
        let folder = tempfile::tempdir().expect("there is room");
        let mut store = open(folder.path());
        let taken = asked(&mut store, 7, NOW);
        let taken_back = asked(&mut store, 8, NOW);
        assert!(store.take_up_request(taken).expect("a write"));
        assert!(store.withdraw(taken_back).expect("a write"));

        let is_back = store.withdraw(taken).expect("a write");
        let is_there = store.take_up_request(taken_back).expect("a write");

        assert!(!is_back && !is_there);
        assert_eq!(store.answer_to(taken).expect("a read"), None);
        // The next process finds it open.
        let open = store.open_requests().expect("a read");
        assert_eq!(open, vec![(taken, Some(forget(7)))]);
        assert!(store.withdraw_abandoned(taken).expect("a write"));
        assert_eq!(store.open_requests().expect("a read"), vec![]);
    }

    #[test]
    fn of_old_requests_only_those_that_are_answered_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let later = NOW.plus(std::time::Duration::from_millis(1));
        let waiting = asked(&mut store, 6, NOW);
        let old = asked(&mut store, 7, NOW);
        let young = asked(&mut store, 8, later);
        let refused = Answer::Refused("no".to_owned());
        for answered in [old, young] {
            store.answer(answered, &refused).unwrap();
        }

        store.prune_requests(later).unwrap();

        assert_eq!(store.answer_to(old).unwrap(), None);
        assert_eq!(store.answer_to(young).unwrap(), Some(refused));
        let open = store.open_requests().unwrap();
        assert_eq!(open, vec![(waiting, Some(forget(6)))]);
    }
}
