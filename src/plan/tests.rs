//! The plan as a whole: what a run becomes, and that nothing of it gets lost on the way.

#[cfg(test)]
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::katalon::azure_ids;
use crate::katalon::run::{FileKind, Iteration, TestResult};
use crate::katalon::settings::{AzureSettings, SendingRule};
use crate::katalon::status::Status;
use crate::plan::ado_facts::{AdoFacts, OtherPlan};
use crate::plan::attachments::Source;
use crate::plan::history::TestMemory;
use crate::plan::left_out::LeftOutKind;
use crate::plan::plan_choice::PlanChoice;
use crate::plan::point_rule::Point;
use crate::plan::sample;
use crate::plan::several_plans::NoResultsHere;
use crate::plan::snapshot::Snapshot;
use crate::plan::{SubmissionPlan, plan};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn test(name: &str, statuses: &[Status]) -> TestResult {
    sample::test(name, 0, statuses)
}

fn iteration(name: &str, number: u32, value: &str, status: Status) -> TestResult {
    TestResult {
        iteration: Some(Iteration {
            number,
            value: Some(value.to_owned()),
            variable: Some("city".to_owned()),
        }),
        ..test(name, &[status])
    }
}

/// A run of these tests, of which some have ids.
fn snapshot(tests: Vec<TestResult>, ids: &[(&str, &str)]) -> Snapshot {
    let mut run = sample::run("Smoke", 0, 9000);
    run.tests = tests;

    let mut snapshot = sample::snapshot(run, &AzureSettings::default());
    for (name, ids) in ids {
        snapshot
            .cases
            .insert(format!("Test Cases/{name}"), sample::case_with_ids(ids));
    }
    snapshot
}

fn point(id: u32, test_case_id: u32) -> Point {
    sample::point(id, test_case_id, 1)
}

fn planned(snapshot: &Snapshot, points: &[Point]) -> SubmissionPlan {
    plan(
        snapshot,
        18,
        KEY,
        &AdoFacts::of_points(points),
        &TestMemory::default(),
    )
}

/// Ids from 1 to `last` as a test case has them.
fn ids_to(last: u32) -> String {
    let ids: Vec<String> = (1..=last).map(|id| id.to_string()).collect();
    ids.join(",")
}

/// A point for each test case from 1 to `last`.
fn points_to(last: u32) -> Vec<Point> {
    (1..=last).map(|id| point(id + 1_000_000, id)).collect()
}

#[test]
fn very_many_tests_find_very_many_points() {
    let count = 20_000;
    let names: Vec<String> = (1..=count).map(|number| format!("T{number}")).collect();
    let ids: Vec<String> = (1..=count).map(|id| id.to_string()).collect();
    let pairs: Vec<(&str, &str)> = names
        .iter()
        .zip(&ids)
        .map(|(name, id)| (name.as_str(), id.as_str()))
        .collect();
    let tests = names
        .iter()
        .map(|name| test(name, &[Status::Passed]))
        .collect();

    let plan = planned(&snapshot(tests, &pairs), &points_to(count));

    assert_eq!(plan.results.len(), 20_000);
    assert_eq!(plan.skipped, []);
}

#[test]
fn results_for_more_ids_than_a_run_has_are_left_out_and_named() {
    let tests = vec![test("A", &[Status::Passed]); 250];
    let snapshot = snapshot(tests, &[("A", &ids_to(1000))]);

    let plan = planned(&snapshot, &points_to(1000));

    assert_eq!(plan.results[0].iterations, 200);
    let reason = &plan.skipped[0].reason;
    assert!(reason.contains("the results of 50 more tests"), "{reason}");
}

#[test]
fn files_beyond_those_that_a_run_sends_are_left_out_and_counted() {
    let paths: Vec<String> = (0..1000).map(|number| format!("{number}.png")).collect();
    let mut failed = test("A", &[Status::Failed]);
    failed.attempts[0].attachments.clone_from(&paths);
    let mut snapshot = snapshot(vec![failed], &[("A", &ids_to(60))]);
    snapshot.run.files = paths
        .iter()
        .map(|path| sample::file(path, FileKind::Png, 1))
        .collect();

    let plan = planned(&snapshot, &points_to(60));

    assert_eq!(plan.attachments.len(), 50_000);
    let reason = &plan.skipped[0].reason;
    assert!(reason.contains("10000 more files"), "{reason}");
}

#[test]
fn one_long_text_is_not_sent_to_each_of_a_hundred_results() {
    let mut failed = test("A", &[Status::Failed]);
    failed.attempts[0].message = Some("x".repeat(1 << 20));
    let snapshot = snapshot(vec![failed], &[("A", &ids_to(100))]);

    let plan = planned(&snapshot, &points_to(100));

    assert_eq!(plan.attachments.len(), 64);
    let reason = &plan.skipped[0].reason;
    assert!(reason.contains("36 more files and long texts"), "{reason}");
}

#[test]
fn a_whole_plan_reads_like_this() {
    let mut failing = test("Pay", &[Status::Failed]);
    failing.attempts[0].attachments = vec!["1.png".to_owned()];
    let mut snapshot = snapshot(
        vec![
            test("Login", &[Status::Passed]),
            failing,
            test("Free", &[Status::Passed]),
            iteration("City", 1, "Prague", Status::Passed),
            iteration("City", 2, "*****", Status::Error),
            test("Flaky", &[Status::Failed, Status::Passed]),
        ],
        &[
            ("Login", "12"),
            ("Pay", "13, abc"),
            ("City", "14"),
            ("Flaky", "15"),
        ],
    );
    snapshot.run.files = vec![
        sample::file("1.png", FileKind::Png, 10),
        sample::file("2.png", FileKind::Png, 10),
        sample::file("execution0.log", FileKind::Log, 99),
        sample::file("testCaseBinding", FileKind::Other, 5),
    ];

    let plan = planned(&snapshot, &[point(5, 12), point(6, 13), point(7, 14)]);

    insta::assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap());
}

#[test]
fn the_worst_iteration_decides_and_the_first_worst_one_speaks() {
    let mut second = iteration("City", 2, "Brno", Status::Error);
    second.attempts[0].message = Some("second".to_owned());
    let tests = vec![
        iteration("City", 1, "Prague", Status::Failed),
        second,
        iteration("City", 3, "Plzen", Status::Error),
    ];

    let plan = planned(&snapshot(tests, &[("City", "14")]), &[point(7, 14)]);

    assert_eq!(plan.results[0].outcome, "Error");
    assert_eq!(plan.results[0].error_message.as_deref(), Some("second"));
    assert_eq!(plan.results[0].iterations, 3);
}

#[test]
fn a_secret_value_is_no_part_of_an_iterations_name() {
    let tests = vec![
        iteration("City", 1, "Prague", Status::Passed),
        iteration("City", 2, "*****", Status::Passed),
        iteration("City", 3, "S3cret!", Status::Passed),
    ];

    let plan = planned(&snapshot(tests, &[("City", "14")]), &[point(7, 14)]);

    let names: Vec<_> = plan.results[0]
        .sub_results
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(names, ["Iteration 1: Prague", "Iteration 2", "Iteration 3"]);
}

#[test]
fn of_more_than_a_thousand_iterations_all_that_did_not_pass_are_kept() {
    let mut tests: Vec<_> = (1..=1500)
        .map(|number| iteration("City", number, "x", Status::Passed))
        .collect();
    tests[1400] = iteration("City", 1401, "x", Status::Failed);
    tests[1499] = iteration("City", 1500, "x", Status::Error);

    let plan = planned(&snapshot(tests, &[("City", "14")]), &[point(7, 14)]);

    let parts = &plan.results[0].sub_results;
    assert_eq!(parts.len(), 1000);
    assert_eq!(parts[0].status, Status::Failed);
    assert_eq!(parts[1].status, Status::Error);
    assert_eq!(parts[999].name, "501 more: 501 PASSED");
}

#[test]
fn a_passed_run_sends_no_files_when_only_failures_are_wanted() {
    let mut snapshot = snapshot(vec![test("Login", &[Status::Passed])], &[("Login", "12")]);
    snapshot.run.files = vec![sample::file("execution0.log", FileKind::Log, 9)];

    assert_eq!(snapshot.options.attachments.when, SendingRule::Failed);
    assert!(planned(&snapshot, &[point(5, 12)]).attachments.is_empty());

    snapshot.options.attachments.when = SendingRule::All;
    assert_eq!(planned(&snapshot, &[point(5, 12)]).attachments.len(), 1);
}

fn status() -> impl Strategy<Value = Status> {
    proptest::sample::select(Status::ALL.to_vec())
}

prop_compose! {
    fn any_test()(
        name in "[ABCD]",
        statuses in proptest::collection::vec(status(), 1..4),
        files in proptest::collection::vec(0u8..4, 0..3),
    ) -> TestResult {
        let mut test = test(&name, &statuses);
        test.attempts[0].attachments =
            files.into_iter().map(|file| format!("{file}.png")).collect();
        test
    }
}

prop_compose! {
    fn some_ids()(
        name in proptest::sample::select(vec!["A", "B", "C"]),
        ids in "(1[0-5]|x|\\$\\{v\\}|, ){0,4}",
    ) -> (&'static str, String) {
        (name, ids)
    }
}

proptest! {
    /// Every mapped id ends as a result or with a reason, every point has at most one result, and
    /// nothing is sent that is not listed in the folder.
    #[test]
    fn nothing_of_a_run_is_lost_or_doubled(
        tests in proptest::collection::vec(any_test(), 0..12),
        ids in proptest::collection::vec(some_ids(), 0..3),
        points in proptest::collection::vec((1u32..9, 10u32..16), 0..12),
        multiple in any::<bool>(),
        sizes in proptest::collection::vec(1u64..200_000_000, 0..4),
    ) {
        let ids: Vec<_> = ids.iter().map(|(name, ids)| (*name, ids.as_str())).collect();
        let mut snapshot = snapshot(tests, &ids);
        snapshot.options.multiple_points = multiple;
        for (number, size) in sizes.iter().enumerate() {
            let file = sample::file(&format!("{number}.png"), FileKind::Png, *size);
            snapshot.run.files.push(file);
        }
        let mut points: Vec<_> = points.into_iter().map(|(id, case)| point(id, case)).collect();
        points.sort_by_key(|point| point.id);
        points.dedup_by_key(|point| point.id);

        let plan = planned(&snapshot, &points);

        prop_assert_eq!(&plan, &planned(&snapshot, &points), "a plan is a function");

        let used: Vec<u32> = plan.results.iter().map(|result| result.point_id).collect();
        let distinct: BTreeSet<_> = used.iter().collect();
        prop_assert_eq!(distinct.len(), used.len(), "a point has one result");

        for test in &snapshot.run.tests {
            let Some(text) = &snapshot.cases[&test.id].azure_ids else { continue };
            for id in azure_ids::resolve(text, &|_| None).ids {
                let is_sent = plan.results.iter().any(|result| {
                    result.test_case_id == id && result.tests.contains(&test.id)
                });
                let has_reason = plan.skipped.iter().any(|left_out| {
                    left_out.azure_id == Some(id) && left_out.kind != LeftOutKind::InvalidId
                });
                prop_assert!(
                    is_sent != has_reason,
                    "id {} is sent or has a reason, never both: {:?}", id, plan.skipped
                );
            }
        }

        for attachment in &plan.attachments {
            if let Source::File(path) = &attachment.source {
                let is_listed_and_small = snapshot
                    .run
                    .files
                    .iter()
                    .any(|file| file.path == *path && file.size <= 75 << 20);
                prop_assert!(is_listed_and_small, "{}", path);
            }
        }
    }

    /// Each id of a run arrives where there is a point for it, and one that has none anywhere is
    /// reported by one plan.
    #[test]
    fn of_several_plans_each_id_arrives_or_is_reported_once(
        ids in proptest::collection::vec("1[0-5]", 1..5),
        points in proptest::collection::btree_map(1u32..40, (10u32..14, 18u32..21), 0..8),
        multiple in any::<bool>(),
    ) {
        let names: Vec<String> = (0..ids.len()).map(|number| format!("T{number}")).collect();
        let tests = names.iter().map(|name| test(name, &[Status::Passed])).collect();
        let pairs: Vec<_> = names
            .iter()
            .map(String::as_str)
            .zip(ids.iter().map(String::as_str))
            .collect();
        let mut snapshot = snapshot(tests, &pairs);
        snapshot.options.plans = [18, 19, 20].map(PlanChoice::Id).to_vec();
        snapshot.options.multiple_points = multiple;

        let points_of = |plan_id: u32| -> Vec<Point> {
            points
                .iter()
                .filter(|(_, (_, plan))| *plan == plan_id)
                .map(|(id, (case, _))| point(*id, *case))
                .collect()
        };
        let mut plans = Vec::new();
        for plan_id in [18, 19, 20] {
            let mut facts = AdoFacts::of_points(&points_of(plan_id));
            for other in [18, 19, 20] {
                if other != plan_id {
                    facts.elsewhere.push(OtherPlan {
                        plan_id: other,
                        points: points_of(other).into(),
                        unread: None,
                    });
                }
            }
            plans.push(plan(&snapshot, plan_id, KEY, &facts, &TestMemory::default()));
        }

        let ids: BTreeSet<u32> = ids.iter().map(|id| id.parse().unwrap()).collect();
        for id in ids {
            let has_point = points.values().any(|(case, _)| *case == id);
            let reports = |kind| {
                plans
                    .iter()
                    .flat_map(|plan| &plan.skipped)
                    .filter(|left_out| left_out.azure_id == Some(id) && left_out.kind == kind)
                    .count()
            };
            prop_assert_eq!(reports(LeftOutKind::NoPoint), usize::from(!has_point), "id {}", id);

            let arrived = plans
                .iter()
                .flat_map(|plan| &plan.results)
                .any(|result| result.test_case_id == id);
            let has_several = reports(LeftOutKind::SeveralPoints) > 0;
            prop_assert_eq!(arrived || has_several, has_point, "id {}", id);
        }

        for plan in &plans {
            if let Some(NoResultsHere::GoTo(other)) = plan.none_here {
                prop_assert!(plan.results.is_empty() && plan.skipped.is_empty());
                let is_sent_there = plans
                    .iter()
                    .any(|plan| plan.plan_id == other && !plan.results.is_empty());
                prop_assert!(is_sent_there, "nothing is sent to test plan {}", other);
            }
        }
    }
}
