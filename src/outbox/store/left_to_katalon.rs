//! Which submission goes first while it is left to Katalon: what [`Store::due`] holds up is said.

use std::collections::HashMap;

use crate::moment::Moment;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{Destination, LeftToKatalon, SubmissionState, SubmissionSummary};

/// What is left to Katalon, by where it goes.
pub(super) struct LeftRuns(HashMap<Destination, Vec<LeftRun>>);

/// A submission that is left to Katalon, with the end of its run.
struct LeftRun {
    ended: Option<Moment>,
    first: LeftToKatalon,
}

impl LeftRuns {
    /// The submission that this one to `server` goes after, if any; of several the one that waits
    /// longest. The rule is that of [`Store::due`].
    pub(super) fn before(&self, row: &SubmissionSummary, server: String) -> Option<LeftToKatalon> {
        let is_waiting = matches!(
            row.state,
            SubmissionState::Pending | SubmissionState::Submitting
        );
        if !is_waiting || self.0.is_empty() {
            return None;
        }

        let destination = Destination {
            server,
            plan_id: row.plan_id,
        };
        let mut first: Option<LeftToKatalon> = None;
        for left in self.0.get(&destination)? {
            let is_older = left.ended.is_some() && left.ended < row.ended;
            if is_older && first.is_none_or(|first| first.until < left.first.until) {
                first = Some(left.first);
            }
        }
        first
    }
}

impl Store {
    /// What is left to Katalon.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn left_to_katalon(&self) -> Result<LeftRuns, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT submission.id, server, plan_id, ended_ms, next_attempt_ms
             FROM submission JOIN run ON run.id = run_id
             WHERE state IN ('pending', 'submitting') AND obstacle = 'katalon'
             AND next_attempt_ms IS NOT NULL",
        )?;
        let mut rows = statement.query([])?;

        let mut left: HashMap<Destination, Vec<LeftRun>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let destination = Destination {
                server: row.get("server")?,
                plan_id: row.get("plan_id")?,
            };
            left.entry(destination).or_default().push(LeftRun {
                ended: row.get("ended_ms")?,
                first: LeftToKatalon {
                    id: row.get("id")?,
                    until: row.get("next_attempt_ms")?,
                },
            });
        }
        Ok(LeftRuns(left))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outbox::store::test_runs::{NOW, at, found, open, snapshot};
    use crate::outbox::submission::Obstacle;

    fn summary(store: &Store, id: i64) -> SubmissionSummary {
        let mut rows = store.summaries(Some(&[id])).expect("the store is read");
        rows.pop().expect("it is there")
    }

    #[test]
    fn a_run_that_goes_after_one_that_is_left_to_katalon_says_which_and_until_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let older = found(&mut store, &at(5, 9, snapshot(&[18], None)));
        let newer = found(&mut store, &at(15, 19, snapshot(&[18], None)));
        let of_other_plan = found(&mut store, &at(25, 29, snapshot(&[19], None)));
        let until = NOW.plus(Duration::from_secs(3600));

        store.hold_for_katalon(&[older], until).expect("held");

        let told = summary(&store, newer);
        insta::assert_snapshot!(
            told.error.unwrap_or_default(),
            @"goes after run 1 of its test plan, which ended earlier and is left to Katalon until 1970-01-01T01:16:40.000Z (`submit.katalon_wait`)"
        );
        assert_eq!(told.goes_after, Some(older));
        assert_eq!(told.next_attempt, Some(until));
        assert_eq!(told.obstacle, Some(Obstacle::AnotherSender));
        assert_eq!(summary(&store, older).goes_after, None);
        assert_eq!(summary(&store, of_other_plan).goes_after, None);
    }

    #[test]
    fn exactly_what_is_held_up_is_said_to_go_after_another_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let mut ids = Vec::new();
        for (plan, ended) in [(18, 10), (18, 20), (18, 30), (19, 40), (19, 50), (20, 60)] {
            ids.push(found(
                &mut store,
                &at(ended - 5, ended, snapshot(&[plan], None)),
            ));
        }
        let until = NOW.plus(Duration::from_secs(60));

        store
            .hold_for_katalon(&[ids[1], ids[3]], until)
            .expect("held");

        let due: Vec<i64> = store
            .due(NOW, None)
            .expect("the store is read")
            .iter()
            .map(|due| due.id)
            .collect();
        for id in ids {
            let waits = summary(&store, id).next_attempt.is_some();
            assert_eq!(waits, !due.contains(&id), "run {id}");
        }
    }

    #[test]
    fn a_run_that_waits_longer_for_something_else_says_that() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let older = found(&mut store, &at(5, 9, snapshot(&[18], None)));
        let newer = found(&mut store, &at(15, 19, snapshot(&[18], None)));
        let soon = NOW.plus(Duration::from_secs(60));
        let later = NOW.plus(Duration::from_secs(120));
        store.hold_for_katalon(&[older], soon).expect("held");

        store
            .wait(newer, Obstacle::Unreachable, "nobody answers", later, NOW)
            .expect("it waits");

        let told = summary(&store, newer);
        assert_eq!(told.error.as_deref(), Some("nobody answers"));
        assert_eq!(told.next_attempt, Some(later));
    }
}
