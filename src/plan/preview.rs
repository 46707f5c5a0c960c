//! What a live run (`submit.live`) holds while its suite still runs: the points that it is made
//! with, and of each the outcome, a preview, as far as tests have ended.
//!
//! Nothing of it is remembered when the suite is over: the submission is planned as any other,
//! finds the run by kado's key, and writes every result anew. It knows what was only a preview by
//! the words that stand in the comments of the run ([`is_live`]) and of its results
//! ([`is_preview`]).

use std::collections::BTreeMap;

use crate::katalon::run::TestResult;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::history::TestMemory;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;
use crate::plan::{SubmissionPlan, plan};

// Both stay true where nobody writes over them: the suite may break off, and kado with it.
/// Second line of the comment of a run whose suite still runs.
const LIVE: &str = "Live: results that are written while the suite runs are a preview.";
/// What the comment of a result begins with that is a preview.
const PREVIEW: &str = "Preview, written while the suite ran. ";
/// Longest comment of a preview, in UTF-16 units.
const LONGEST_COMMENT: usize = 300;

/// What is written into a result of a live run; the submission writes over it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Preview {
    /// ADO's outcome word.
    pub outcome: String,
    /// What happened, in a line; nothing else stands in the result.
    pub comment: String,
}

/// The plan of a suite that still runs, as if all of its planned tests were to end as they are now:
/// of it the points, the name and the links count.
pub(crate) fn outline(
    snapshot: &Snapshot,
    plan_id: u32,
    key: &str,
    facts: &AdoFacts,
) -> SubmissionPlan {
    // What a variable says is known only when the test has run: a point that is guessed would be
    // told to be one whose test never started.
    let run = only(snapshot, |test| {
        let case = snapshot.cases.get(&test.id);
        let ids = case.and_then(|case| case.azure_ids.as_deref());
        has_ended(test) || !ids.unwrap_or_default().contains("${")
    });
    plan(&run, plan_id, key, facts, &TestMemory::default())
}

/// The outcome of each point that has one by now: the worst of the tests that have ended.
pub(crate) fn so_far(
    snapshot: &Snapshot,
    plan_id: u32,
    key: &str,
    facts: &AdoFacts,
) -> BTreeMap<u32, Preview> {
    let ended = only(snapshot, has_ended);
    let planned = plan(&ended, plan_id, key, facts, &TestMemory::default());

    let mut results = BTreeMap::new();
    for result in planned.results {
        let comment = text::fit(&format!("{PREVIEW}{}", result.comment), LONGEST_COMMENT);
        let preview = Preview {
            outcome: result.outcome,
            comment,
        };
        results.insert(result.point_id, preview);
    }
    results
}

/// The comment of a live run.
pub(crate) fn comment(key: &str) -> String {
    format!("kado:{key}\n{LIVE}")
}

/// Whether a run's comment says that its suite still runs, or ran when it was written.
pub(crate) fn is_live(comment: &str) -> bool {
    comment
        .lines()
        .nth(1)
        .is_some_and(|line| line.trim() == LIVE)
}

/// Whether a result's comment says that it is a preview.
pub(crate) fn is_preview(comment: &str) -> bool {
    comment.starts_with(PREVIEW)
}

fn has_ended(test: &TestResult) -> bool {
    test.last().ended.is_some()
}

/// The snapshot with these of its tests.
fn only(snapshot: &Snapshot, is_wanted: impl Fn(&TestResult) -> bool) -> Snapshot {
    let mut snapshot = snapshot.clone();
    snapshot.run.tests.retain(is_wanted);
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::plan::comment::key_in;
    use crate::plan::sample;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn open(name: &str) -> TestResult {
        let mut test = sample::test(name, 0, &[Status::Incomplete]);
        test.attempts[0].ended = None;
        test
    }

    /// A suite of these tests that still runs; each has the id of its place, from 1, and each id a
    /// point.
    fn running(tests: Vec<TestResult>, ids: &[(&str, &str)]) -> (Snapshot, AdoFacts) {
        let mut run = sample::run("Smoke", 0, 9000);
        run.tests = tests;
        run.ended = None;
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        for (name, ids) in ids {
            let case = sample::case_with_ids(ids);
            snapshot.cases.insert(format!("Test Cases/{name}"), case);
        }

        let points: Vec<_> = (1..=5).map(|id| sample::point(10 + id, id, 1)).collect();
        (snapshot, AdoFacts::of_points(&points))
    }

    fn outcomes(snapshot: &Snapshot, facts: &AdoFacts) -> Vec<(u32, String)> {
        let results = so_far(snapshot, 18, KEY, facts);
        results
            .into_iter()
            .map(|(point, result)| (point, result.outcome))
            .collect()
    }

    #[test]
    fn all_planned_tests_have_a_point_and_those_that_ended_an_outcome() {
        let tests = vec![
            sample::test("A", 0, &[Status::Failed]),
            open("B"),
            open("C"),
        ];
        let (snapshot, facts) = running(tests, &[("A", "1"), ("B", "2"), ("C", "3")]);

        let plan = outline(&snapshot, 18, KEY, &facts);

        let points: Vec<u32> = plan.results.iter().map(|result| result.point_id).collect();
        assert_eq!(points, [11, 12, 13]);
        assert_eq!(outcomes(&snapshot, &facts), [(11, "Failed".to_owned())]);
    }

    #[test]
    fn a_point_of_several_tests_shows_the_worst_so_far() {
        let tests = vec![
            sample::test("A", 0, &[Status::Passed]),
            sample::test("B", 2000, &[Status::Failed]),
            open("C"),
        ];
        let (snapshot, facts) = running(tests, &[("A", "1"), ("B", "1"), ("C", "1")]);

        assert_eq!(outcomes(&snapshot, &facts), [(11, "Failed".to_owned())]);
    }

    #[test]
    fn a_test_that_is_tried_again_has_no_outcome_until_it_ends() {
        let mut again = sample::test("A", 0, &[Status::Failed, Status::Incomplete]);
        again.attempts[1].ended = None;
        let (snapshot, facts) = running(vec![again], &[("A", "1")]);

        assert_eq!(outcomes(&snapshot, &facts), []);
    }

    #[test]
    fn a_point_that_a_variable_names_is_not_guessed() {
        let mut ended = sample::test("A", 0, &[Status::Passed]);
        let known = crate::katalon::run::VariableValue::Plain("2".to_owned());
        ended.variables.insert("id".to_owned(), known);
        let (snapshot, facts) = running(vec![ended, open("B")], &[("A", "${id}"), ("B", "${id}")]);

        let plan = outline(&snapshot, 18, KEY, &facts);

        let points: Vec<u32> = plan.results.iter().map(|result| result.point_id).collect();
        assert_eq!(points, [12]);
        assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    }

    #[test]
    fn a_preview_is_known_by_its_words_and_a_result_is_none() {
        let tests = vec![sample::test("A", 0, &[Status::Failed])];
        let (snapshot, facts) = running(tests, &[("A", "1")]);

        let preview = &so_far(&snapshot, 18, KEY, &facts)[&11];
        let result = &plan(&snapshot, 18, KEY, &facts, &TestMemory::default()).results[0];

        assert!(is_preview(&preview.comment));
        assert!(!is_preview(&result.comment));
        assert!(text::units(&preview.comment) <= LONGEST_COMMENT);
    }

    #[test]
    fn a_live_run_is_found_by_its_key_and_one_that_is_over_is_not_live() {
        let (snapshot, facts) = running(vec![open("A")], &[("A", "1")]);

        let live = comment(KEY);
        let over = outline(&snapshot, 18, KEY, &facts).comment(&[]).text;

        assert_eq!(key_in(&live), Some(KEY));
        assert!(is_live(&live));
        assert!(!is_live(&over), "{over}");
    }
}
