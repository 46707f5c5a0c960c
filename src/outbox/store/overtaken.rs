//! Which submission is overtaken: ADO shows the newest result of a point, so an older one must not
//! arrive after a newer one.

use std::collections::HashMap;

use rusqlite::{Row, params};

use crate::moment::Moment;
use crate::outbox::store::columns::json;
use crate::outbox::store::{Store, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::snapshot::Snapshot;
use crate::server::{Server, ServerIdentity};

/// What ended after a submission in its test plan. SQLite joins in the order that `CROSS JOIN`
/// says: the runs that ended since are few, and those of a plan may be all of years.
const NEWER: &str =
    "SELECT submission.id, plan, coalesce(submission.snapshot, run.snapshot) AS snapshot
     FROM run CROSS JOIN submission ON run_id = run.id
     WHERE submission.id <> ?1 AND plan_id = ?2
     AND ended_ms > (SELECT coalesce(own.ended_ms, ?3) FROM submission AS mine
                     JOIN run AS own ON own.id = mine.run_id WHERE mine.id = ?1)
     AND ended_ms <= ?4
     AND ado_run_id IS NOT NULL AND plan IS NOT NULL
     ORDER BY ended_ms DESC";

impl Store {
    /// Whether a run that ended after this one has newer results on the same points: the id of its
    /// submission and one such point.
    ///
    /// A collection that is one run ends long after some of its results, so both the run and the
    /// result have to be newer. Only what has an ADO run counts, on the same server and in the same
    /// test plan; and only what ended before `now`: the end of another one comes from a clock that
    /// was ahead. A run ended at the latest when it was noticed
    /// ([`NewRun::ended`](crate::outbox::new_run::NewRun::ended)).
    ///
    /// # Errors
    /// When there is no such submission, or when the database fails.
    pub(crate) fn overtaken_by(
        &self,
        submission: i64,
        plan: &SubmissionPlan,
        now: Moment,
    ) -> Result<Option<(i64, u32)>, StoreError> {
        let snapshot = self.load(submission)?.snapshot;

        // A plan is stored before its run is created, so it alone does not mean that results are
        // there. Plans may be megabytes: they are read one by one until one tells.
        let mut statement = self.connection.prepare_cached(NEWER)?;
        let mut rows = statement.query(params![submission, plan.plan_id, snapshot.ended(), now])?;

        while let Some(row) = rows.next()? {
            let Some((newer_snapshot, newer_plan)) = content(row)? else {
                continue;
            };
            if server_of(&newer_snapshot) == server_of(&snapshot)
                && let Some(point) = newer_point(plan, &newer_plan)
            {
                return Ok(Some((row.get("id")?, point)));
            }
        }
        Ok(None)
    }
}

/// What another version stored and this one cannot read is no reason to hold a run back: it is
/// `None`.
fn content(row: &Row<'_>) -> Result<Option<(Snapshot, SubmissionPlan)>, StoreError> {
    match (json(row, "snapshot"), json(row, "plan")) {
        (Ok(snapshot), Ok(plan)) => Ok(Some((snapshot, plan))),
        (Err(StoreError::Content(_)), _) | (_, Err(StoreError::Content(_))) => Ok(None),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// A point on which `newer` has a newer result than `plan`.
fn newer_point(plan: &SubmissionPlan, newer: &SubmissionPlan) -> Option<u32> {
    // Points have one result each.
    let mut completed = HashMap::new();
    for result in &newer.results {
        completed.insert(result.point_id, result.completed);
    }

    for result in &plan.results {
        let newer = completed.get(&result.point_id);
        if newer.is_some_and(|newer| *newer > result.completed) {
            return Some(result.point_id);
        }
    }
    None
}

fn server_of(snapshot: &Snapshot) -> Option<ServerIdentity> {
    let server = Server::parse(snapshot.options.server_url.as_deref()?).ok()?;
    Some(server.identity().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::outbox::new_run::{NewRun, Occasion};
    use crate::outbox::step::Step;
    use crate::outbox::store::test_runs::{NOW, at, found, open};
    use crate::outbox::submission::HowMade;
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::plan_choice::PlanChoice;
    use crate::plan::{plan, sample};

    /// A run of one test that ended then, with its plan.
    fn run_until(ended: i64, server: &str) -> (Snapshot, SubmissionPlan) {
        let mut run = sample::run("Smoke", 0, ended);
        run.tests = vec![sample::test("A", ended - 100, &[Status::Passed])];
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        let ids = sample::case_with_ids("1001");
        snapshot.cases.insert("Test Cases/A".to_owned(), ids);
        snapshot.options.server_url = Some(server.to_owned());
        snapshot.options.project = Some("Shop".to_owned());
        snapshot.options.plans = vec![PlanChoice::Id(18)];
        let snapshot = at(ended - 900, ended, snapshot);

        let facts = AdoFacts::of_points(&[sample::point(1, 1001, 1)]);
        let plan = plan(&snapshot, 18, "k", &facts, &TestMemory::default());
        (snapshot, plan)
    }

    /// Whether the run that ended at 5000 is overtaken by another one, which has an ADO run.
    fn is_overtaken_by(other: &(Snapshot, SubmissionPlan), now: Moment) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let (mine, my_plan) = run_until(5000, "https://dev.azure.com/acme");
        let id = found(&mut store, &mine);
        let other_id = found(&mut store, &other.0);
        assert_eq!(store.overtaken_by(id, &my_plan, now).unwrap(), None);

        store.store_plan(other_id, &other.1, NOW).unwrap();
        assert_eq!(crate::outbox::step::steps(&other.1)[0], Step::CreateRun);
        store.intend(other_id, 0).unwrap();
        store
            .confirm_run(other_id, 0, 5001, "https://x", HowMade::Created, NOW)
            .unwrap();

        match store.overtaken_by(id, &my_plan, now).unwrap() {
            Some(by) => {
                assert_eq!(by, (other_id, 1));
                true
            }
            None => false,
        }
    }

    #[test]
    fn a_run_is_overtaken_by_newer_results_of_its_points_in_its_plan_on_its_server() {
        let newer = run_until(6000, "https://dev.azure.com/acme");
        let older = run_until(4000, "https://dev.azure.com/acme");
        let elsewhere = run_until(6000, "https://dev.azure.com/other");
        let mut other_point = newer.clone();
        other_point.1.results[0].point_id = 2;
        let mut same_time = newer.clone();
        same_time.1.results[0].completed = Moment::from_millis(5000);
        let mut other_plan = newer.clone();
        other_plan.1.plan_id = 19;
        other_plan.0.options.plans = vec![PlanChoice::Id(19)];

        assert!(is_overtaken_by(&newer, NOW));
        for (what, other) in [
            ("older", older),
            ("another server", elsewhere),
            ("another point", other_point),
            ("the same time", same_time),
            ("another plan", other_plan),
        ] {
            assert!(!is_overtaken_by(&other, NOW), "{what}");
        }
    }

    #[test]
    fn a_run_that_says_it_ends_later_than_it_was_noticed_overtakes_none_that_ended_since() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = open(folder.path());
        let (honest, its_plan) = run_until(NOW.millis() + 1000, "https://dev.azure.com/acme");
        let (early, early_plan) = run_until(NOW.millis() + 5000, "https://dev.azure.com/acme");
        let ahead = found(&mut store, &early);
        store.store_plan(ahead, &early_plan, NOW).expect("planned");
        store.intend(ahead, 0).expect("intended");
        store
            .confirm_run(ahead, 0, 5001, "https://x", HowMade::Created, NOW)
            .expect("confirmed");

        let later = NOW.plus(std::time::Duration::from_secs(60));
        let identity = honest.identity().expect("it has one");
        let run = NewRun {
            identity: &identity,
            snapshot: &honest,
            noticed: later,
            occasion: &Occasion::Found,
        };
        let recorded = store.record(&run, later).expect("recorded");
        let id = recorded.submissions()[0];

        assert_eq!(
            store.overtaken_by(id, &its_plan, later).expect("read"),
            None
        );
    }

    #[test]
    fn runs_that_ended_since_are_found_by_their_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let mut statement = store
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {NEWER}"))
            .expect("it is SQL");

        let steps: Vec<String> = statement
            .query_map(params![1, 18, 0, 0], |row| row.get("detail"))
            .expect("it can be asked")
            .map(|step| step.expect("a text"))
            .collect();

        assert!(
            steps[0].contains("SEARCH run USING INDEX run_by_end (ended_ms>? AND ended_ms<?)"),
            "{steps:?}"
        );
        assert!(!steps.iter().any(|step| step.contains("SCAN")), "{steps:?}");
    }

    #[test]
    fn a_run_that_ends_in_the_future_has_a_clock_that_is_ahead_and_overtakes_nobody() {
        let newer = run_until(6000, "https://dev.azure.com/acme");

        assert!(!is_overtaken_by(&newer, Moment::from_millis(5999)));
        assert!(is_overtaken_by(&newer, Moment::from_millis(6000)));
    }
}
