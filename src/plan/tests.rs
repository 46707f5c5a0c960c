//! The plan as a whole: what a run becomes, and that nothing of it gets lost on the way.

#[cfg(test)]
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::katalon::run::{
    Attempt, Environment, FileKind, Iteration, RunFile, RunOptions, SuiteRun, TestResult,
};
use crate::katalon::settings::{AzureSettings, SendingRule};
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::ado_facts::{AdoFacts, OtherPlan};
use crate::plan::left_out::LeftOutKind;
use crate::plan::overrides::{Overrides, effective};
use crate::plan::point_rule::Point;
use crate::plan::several_plans::NoResultsHere;
use crate::plan::snapshot::{CaseIds, Snapshot};
use crate::plan::{SubmissionPlan, plan};

fn attempt(status: Status, at: i64) -> Attempt {
    let failed = status != Status::Passed;
    Attempt {
        status,
        started: Moment::from_millis(at),
        ended: Some(Moment::from_millis(at + 100)),
        message: failed.then(|| format!("{status} happened")),
        stack_trace: failed.then(|| "at line 1".to_owned()),
        attachments: Vec::new(),
        foreign_attachments: Vec::new(),
    }
}

fn test(id: &str, statuses: &[Status]) -> TestResult {
    let attempts = statuses
        .iter()
        .enumerate()
        .map(|(n, status)| attempt(*status, 1000 * n as i64))
        .collect();
    TestResult {
        id: format!("Test Cases/{id}"),
        iteration: None,
        attempts,
        variables: BTreeMap::new(),
        member: 0,
    }
}

fn iteration(id: &str, number: u32, value: &str, status: Status) -> TestResult {
    let iteration = Iteration {
        number,
        value: Some(value.to_owned()),
        variable: Some("city".to_owned()),
    };
    TestResult {
        iteration: Some(iteration),
        ..test(id, &[status])
    }
}

fn snapshot(tests: Vec<TestResult>, ids: &[(&str, &str)]) -> Snapshot {
    let cases = tests
        .iter()
        .map(|test| (test.id.clone(), CaseIds::default()))
        .collect::<BTreeMap<_, _>>();
    let mut snapshot = Snapshot {
        run: SuiteRun {
            suite: "Test Suites/Smoke".to_owned(),
            execution_uuid: None,
            started: Some(Moment::from_millis(0)),
            ended: Some(Moment::from_millis(9000)),
            last_record: Some(Moment::from_millis(9000)),
            environment: Environment {
                host: Some("agent".to_owned()),
                ..Environment::default()
            },
            status: Status::Passed,
            tests,
            files: Vec::new(),
            options: RunOptions::default(),
            reruns_left: None,
            in_collection: false,
            warnings: Vec::new(),
        },
        folder: "/reports/1".to_owned(),
        project_name: "Shop".to_owned(),
        project_root: "/shop".to_owned(),
        options: effective(
            &AzureSettings::default(),
            &Overrides::default(),
            &RunOptions::default(),
        ),
        joined: None,
        reruns: None,
        cases,
        collection: None,
    };
    for (id, azure) in ids {
        let case = CaseIds {
            azure_ids: Some((*azure).to_owned()),
            defaults: BTreeMap::new(),
        };
        snapshot.cases.insert(format!("Test Cases/{id}"), case);
    }
    snapshot
}

fn point(id: u32, test_case_id: u32) -> Point {
    Point {
        id,
        test_case_id,
        configuration_id: 1,
        configuration_name: "Any".to_owned(),
        suite_id: 20,
    }
}

fn planned(snapshot: &Snapshot, points: &[Point]) -> SubmissionPlan {
    plan(
        snapshot,
        18,
        "0123456789abcdef0123456789abcdef",
        &AdoFacts::of_points(points),
    )
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
    let file = |path: &str, kind, size| RunFile {
        path: path.to_owned(),
        kind,
        size,
    };
    snapshot.run.files = vec![
        file("1.png", FileKind::Png, 10),
        file("2.png", FileKind::Png, 10),
        file("execution0.log", FileKind::Log, 99),
        file("testCaseBinding", FileKind::Other, 5),
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
        .map(|n| iteration("City", n, "x", Status::Passed))
        .collect();
    tests[1400] = iteration("City", 1401, "x", Status::Failed);
    tests[1499] = iteration("City", 1500, "x", Status::Error);
    let plan = planned(&snapshot(tests, &[("City", "14")]), &[point(7, 14)]);
    let parts = &plan.results[0].sub_results;
    assert_eq!(parts.len(), 1000);
    assert_eq!(
        (parts[0].status, parts[1].status),
        (Status::Failed, Status::Error)
    );
    assert_eq!(parts[999].name, "501 more: 501 PASSED");
}

#[test]
fn a_passed_run_sends_no_files_when_only_failures_are_wanted() {
    let mut snapshot = snapshot(vec![test("Login", &[Status::Passed])], &[("Login", "12")]);
    snapshot.run.files = vec![RunFile {
        path: "execution0.log".to_owned(),
        kind: FileKind::Log,
        size: 9,
    }];
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
        name in "[ABCD]", statuses in proptest::collection::vec(status(), 1..4), files in proptest::collection::vec(0u8..4, 0..3)
    ) -> TestResult {
        let mut test = test(&name, &statuses);
        test.attempts[0].attachments = files.into_iter().map(|file| format!("{file}.png")).collect();
        test
    }
}

proptest! {
    /// Every mapped id ends as a result or with a reason, every point has at most one result, and
    /// nothing is sent that is not listed in the folder.
    #[test]
    fn nothing_of_a_run_is_lost_or_doubled(
        tests in proptest::collection::vec(any_test(), 0..12),
        ids in proptest::collection::vec((proptest::sample::select(vec!["A", "B", "C"]), "(1[0-5]|x|\\$\\{v\\}|, ){0,4}"), 0..3),
        points in proptest::collection::vec((1u32..9, 10u32..16), 0..12),
        multiple in any::<bool>(),
        sizes in proptest::collection::vec(1u64..200_000_000, 0..4),
    ) {
        let ids: Vec<(&str, &str)> = ids.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let mut snapshot = snapshot(tests, &ids);
        snapshot.options.multiple_points = multiple;
        snapshot.run.files = sizes
            .iter()
            .enumerate()
            .map(|(n, size)| RunFile { path: format!("{n}.png"), kind: FileKind::Png, size: *size })
            .collect();
        let mut points: Vec<_> = points.into_iter().map(|(id, case)| point(id, case)).collect();
        points.sort_by_key(|point| point.id);
        points.dedup_by_key(|point| point.id);
        let plan = planned(&snapshot, &points);
        prop_assert_eq!(&plan, &planned(&snapshot, &points), "a plan is a function");

        let used: Vec<u32> = plan.results.iter().map(|result| result.point_id).collect();
        prop_assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len(), "a point has one result");
        for test in &snapshot.run.tests {
            let Some(raw) = &snapshot.cases[&test.id].azure_ids else { continue };
            for id in crate::katalon::azure_ids::resolve(raw, &|_| None).ids {
                let sent = plan.results.iter().any(|result| result.test_case_id == id && result.tests.contains(&test.id));
                let reason = plan.skipped.iter().any(|left_out| left_out.azure_id == Some(id) && left_out.kind != LeftOutKind::InvalidId);
                prop_assert!(sent != reason, "id {} is sent or has a reason, never both: {:?}", id, plan.skipped);
            }
        }
        for attachment in &plan.attachments {
            if let crate::plan::attachments::Source::File(path) = &attachment.source {
                prop_assert!(snapshot.run.files.iter().any(|file| file.path == *path && file.size <= 75 << 20));
            }
        }
    }

    /// Each id of a run arrives where there is a point for it, and one that has none anywhere is
    /// told by one plan.
    #[test]
    fn of_several_plans_each_id_arrives_or_is_told_once(
        ids in proptest::collection::vec("1[0-5]", 1..5),
        points in proptest::collection::btree_map(1u32..40, (10u32..14, 0usize..3), 0..8),
        multiple in any::<bool>(),
    ) {
        let names: Vec<String> = (0..ids.len()).map(|n| format!("T{n}")).collect();
        let tests = names.iter().map(|name| test(name, &[Status::Passed])).collect();
        let pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
        let mut snapshot = snapshot(tests, &pairs);
        snapshot.options.plans = vec![18, 19, 20];
        snapshot.options.multiple_points = multiple;
        let of = |plan: usize| -> Vec<Point> {
            points.iter().filter(|(_, (_, of))| *of == plan).map(|(id, (case, _))| point(*id, *case)).collect()
        };
        let plans: Vec<SubmissionPlan> = (0..3).map(|own| {
            let others = (0..3).filter(|other| *other != own);
            let elsewhere = others.map(|other| OtherPlan { plan_id: 18 + other as u32, points: of(other), unread: None }).collect();
            let facts = AdoFacts { elsewhere, ..AdoFacts::of_points(&of(own)) };
            plan(&snapshot, 18 + own as u32, "k", &facts)
        }).collect();
        let any_result = plans.iter().any(|plan| !plan.results.is_empty());
        for id in ids.iter().map(|id| id.parse::<u32>().unwrap()).collect::<BTreeSet<_>>() {
            let has_point = points.values().any(|(case, _)| *case == id);
            let told = |kind| plans.iter().flat_map(|plan| &plan.skipped).filter(|left_out| left_out.azure_id == Some(id) && left_out.kind == kind).count();
            prop_assert_eq!(told(LeftOutKind::NoPoint), usize::from(!has_point), "id {}", id);
            let arrived = plans.iter().any(|plan| plan.results.iter().any(|result| result.test_case_id == id));
            prop_assert_eq!(arrived || told(LeftOutKind::SeveralPoints) > 0, has_point, "id {}", id);
        }
        for plan in &plans {
            if let Some(NoResultsHere::GoTo(other)) = plan.none_here {
                prop_assert!(plan.results.is_empty() && plan.skipped.is_empty());
                prop_assert!(plans.iter().any(|plan| plan.plan_id == other && !plan.results.is_empty()));
            }
            prop_assert!(any_result || !matches!(plan.none_here, Some(NoResultsHere::GoTo(_))));
        }
    }
}
