//! Requests of the command line to a running service, and their answers.

use rusqlite::params;

use crate::moment::Moment;
use crate::outbox::request::{Answer, Request};
use crate::outbox::store::columns::json_or_null;
use crate::outbox::store::{Store, StoreError};

impl Store {
    /// Leaves a request for the service; gives its id.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn ask(&mut self, request: &Request, now: Moment) -> Result<i64, StoreError> {
        self.connection.execute(
            "INSERT INTO request (asked_ms, request) VALUES (?1, ?2)",
            params![now, serde_json::to_string(request)?],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Requests that nobody has answered, the oldest first; `None` for one that this version cannot
    /// read.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open_requests(&self) -> Result<Vec<(i64, Option<Request>)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, request FROM request WHERE answer IS NULL ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let text: String = row.get("request")?;
            Ok((row.get("id")?, serde_json::from_str(&text).ok()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes back a request that nobody has answered; tells whether it was still open.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn withdraw(&mut self, request: i64) -> Result<bool, StoreError> {
        // In one statement: between a look and a removal the service could answer.
        let withdrawn = self.connection.execute(
            "DELETE FROM request WHERE id = ?1 AND answer IS NULL",
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
            Some(row) => json_or_null(row, "answer"),
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
            "DELETE FROM request WHERE answer IS NOT NULL AND asked_ms < ?1",
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

    #[test]
    fn a_request_is_open_until_it_is_answered_and_its_answer_is_for_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let first = store.ask(&forget(7), NOW).unwrap();
        let second = store.ask(&forget(8), NOW).unwrap();

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
        let asked = store.ask(&forget(7), NOW).unwrap();
        let answered = store.ask(&forget(8), NOW).unwrap();
        let refused = Answer::Refused("no".to_owned());
        store.answer(answered, &refused).unwrap();

        assert!(store.withdraw(asked).unwrap());
        assert!(!store.withdraw(asked).unwrap());
        assert!(!store.withdraw(answered).unwrap());

        // The service may be about to answer what was taken back.
        store.answer(asked, &refused).unwrap();
        assert_eq!(store.answer_to(asked).unwrap(), None);
        assert_eq!(store.answer_to(answered).unwrap(), Some(refused));
    }

    #[test]
    fn of_old_requests_only_those_that_are_answered_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let later = NOW.plus(std::time::Duration::from_millis(1));
        let waiting = store.ask(&forget(6), NOW).unwrap();
        let old = store.ask(&forget(7), NOW).unwrap();
        let young = store.ask(&forget(8), later).unwrap();
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
