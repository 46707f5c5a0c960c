//! Joining members: whose tests, files and configurations they are, and what is told of those that
//! did not run.

#[cfg(test)]
use super::*;
use crate::katalon::run::{Attempt, Environment, FileKind, RunFile};
use crate::katalon::settings::{AzureSettings, ConfigurationRow};
use crate::plan::ado_facts::AdoFacts;
use crate::plan::overrides::{Overrides, effective};
use crate::plan::point_rule::Point;
use crate::plan::snapshot::CaseIds;
use crate::plan::{SubmissionPlan, plan};

fn attempt(status: Status, at: i64) -> Attempt {
    Attempt {
        status,
        started: crate::moment::Moment::from_millis(at),
        ended: Some(crate::moment::Moment::from_millis(at + 50)),
        message: None,
        stack_trace: None,
        attachments: vec!["1.png".to_owned()],
        foreign_attachments: Vec::new(),
    }
}

/// Settings with a test configuration for each browser.
fn settings() -> AzureSettings {
    AzureSettings {
        configuration_rows: ["Chrome", "Firefox"]
            .into_iter()
            .zip(1..)
            .map(|(platform, configuration_id)| ConfigurationRow {
                os: None,
                platform: Some(platform.to_owned()),
                profile: None,
                configuration_id,
            })
            .collect(),
        ..AzureSettings::default()
    }
}

/// A run with one execution of each test, which starts at `start`.
fn suite_run(suite: &str, browser: &str, start: i64, tests: &[(&str, Status)]) -> SuiteRun {
    let test = |(at, (id, status)): (usize, &(&str, Status))| TestResult {
        id: format!("Test Cases/{id}"),
        iteration: None,
        attempts: vec![attempt(*status, start + at as i64 * 100)],
        variables: std::collections::BTreeMap::new(),
        member: 0,
    };
    let moment = crate::moment::Moment::from_millis;
    SuiteRun {
        suite: format!("Test Suites/{suite}"),
        execution_uuid: Some("u".to_owned()),
        started: Some(moment(start)),
        ended: Some(moment(start + 900)),
        last_record: Some(moment(start + 900)),
        environment: Environment {
            host: Some("jo - agent-7".to_owned()),
            run_configuration: Some(browser.to_owned()),
            browser: Some(format!("{browser} 120")),
            ..Environment::default()
        },
        status: Status::Passed,
        tests: tests.iter().enumerate().map(test).collect(),
        files: ["1.png", "execution0.log"]
            .into_iter()
            .zip([FileKind::Png, FileKind::Log])
            .map(|(path, kind)| RunFile {
                path: path.to_owned(),
                kind,
                size: 3,
            })
            .collect(),
        options: crate::katalon::run::RunOptions::default(),
        reruns_left: None,
        in_collection: true,
        warnings: Vec::new(),
    }
}

/// A member's run, with what belongs to it.
fn member(suite: &str, browser: &str, start: i64, tests: &[(&str, Status)]) -> Snapshot {
    let case = |id: &str| CaseIds {
        azure_ids: Some(id.to_owned()),
        ..CaseIds::default()
    };
    let run = suite_run(suite, browser, start, tests);
    Snapshot {
        folder: String::new(),
        project_name: "Shop".to_owned(),
        project_root: "/shop".to_owned(),
        options: effective(&settings(), &Overrides::default(), &run.options),
        reruns: None,
        cases: [("Login", "12"), ("Pay", "13")]
            .into_iter()
            .map(|(name, id)| (format!("Test Cases/{name}"), case(id)))
            .collect(),
        collection: None,
        joined: None,
        run,
    }
}

fn part(number: usize, state: MemberState, snapshot: Option<Snapshot>) -> Part {
    let suite = snapshot.as_ref().map_or("Gone", |snapshot| {
        &snapshot.run.suite["Test Suites/".len()..]
    });
    let prefix = format!("20260506_100000/{suite}/20260506_10000{number}");
    Part {
        folder: format!("/shop/Reports/{prefix}"),
        prefix,
        state,
        snapshot,
    }
}

fn joined(parts: Vec<Part>) -> Snapshot {
    join(
        "Test Suites/All",
        "/shop/Reports/20260506_100000/All/20260506_100000",
        parts,
    )
    .unwrap()
}

fn planned(snapshot: &Snapshot) -> SubmissionPlan {
    let point = |id, test_case_id, configuration_id| Point {
        id,
        test_case_id,
        configuration_id,
        configuration_name: format!("C{configuration_id}"),
        suite_id: 20,
    };
    let points = [point(1, 12, 1), point(2, 12, 2), point(3, 13, 1)];
    plan(
        snapshot,
        18,
        "0123456789abcdef0123456789abcdef",
        &AdoFacts::of_points(&points),
    )
}

#[test]
fn a_collection_is_its_id_its_first_start_and_its_host() {
    let first = member("B", "Chrome", 5000, &[("Login", Status::Passed)]);
    let second = member("A", "Chrome", 2000, &[("Pay", Status::Passed)]);
    let whole = joined(vec![
        part(1, MemberState::Finished, Some(first.clone())),
        part(2, MemberState::Finished, Some(second.clone())),
    ]);
    let identity = RunIdentity::of(&whole.run).unwrap();
    assert_eq!(
        (identity.suite.as_str(), identity.started.millis()),
        ("Test Suites/All", 2000)
    );
    assert_eq!(
        (identity.host.as_str(), whole.ended().millis()),
        ("jo - agent-7", 5900)
    );
    // Where it lies does not matter.
    let copied = join(
        "Test Suites/All",
        "/elsewhere",
        vec![
            part(7, MemberState::Finished, Some(first)),
            part(8, MemberState::Finished, Some(second)),
        ],
    );
    assert_eq!(RunIdentity::of(&copied.unwrap().run), Some(identity));
}

#[test]
fn the_same_test_on_two_browsers_feeds_the_points_of_both() {
    let whole = joined(vec![
        part(
            1,
            MemberState::Finished,
            Some(member("Smoke", "Chrome", 0, &[("Login", Status::Passed)])),
        ),
        part(
            2,
            MemberState::Finished,
            Some(member(
                "Smoke",
                "Firefox",
                9000,
                &[("Login", Status::Failed)],
            )),
        ),
    ]);
    let plan = planned(&whole);
    let outcomes: Vec<_> = plan
        .results
        .iter()
        .map(|result| (result.point_id, result.outcome.as_str(), result.iterations))
        .collect();
    assert_eq!(outcomes, [(1, "Passed", 1), (2, "Failed", 1)]);
    let names: Vec<_> = plan
        .attachments
        .iter()
        .map(|attachment| attachment.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "1.png",
            "1.png",
            "Smoke (Chrome) execution0.log",
            "Smoke (Firefox) execution0.log"
        ]
    );
    let (run_folder, inside) = whole
        .run_folder_of("20260506_100000/Smoke/20260506_100002/execution0.log")
        .unwrap();
    assert_eq!(
        (run_folder.path.as_str(), inside),
        (
            "/shop/Reports/20260506_100000/Smoke/20260506_100002",
            "execution0.log"
        )
    );
    assert_eq!(
        whole.run_folder_of("20260506_100000/Smoke/20260506_1000021/execution0.log"),
        None
    );
}

#[test]
fn the_same_test_in_the_same_configuration_is_one_result_whose_parts_name_their_suites() {
    let whole = joined(vec![
        part(
            1,
            MemberState::Finished,
            Some(member("Smoke", "Chrome", 0, &[("Login", Status::Passed)])),
        ),
        part(
            2,
            MemberState::Crashed,
            Some(member("Full", "Chrome", 9000, &[("Login", Status::Error)])),
        ),
    ]);
    let plan = planned(&whole);
    assert_eq!(plan.results.len(), 1);
    let result = &plan.results[0];
    assert_eq!(
        (result.outcome.as_str(), result.comment.as_str()),
        ("Error", "2 executions: 1 PASSED, 1 ERROR")
    );
    let parts: Vec<_> = result
        .sub_results
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(parts, ["Smoke: Login", "Full: Login"]);
}

#[test]
fn a_collection_reads_like_this_and_names_what_did_not_run() {
    let left_out = member("Late", "Chrome", 0, &[("Pay", Status::Failed)]);
    let whole = joined(vec![
        part(
            1,
            MemberState::Finished,
            Some(member("Smoke", "Chrome", 100, &[("Login", Status::Passed)])),
        ),
        part(
            2,
            MemberState::Crashed,
            Some(member(
                "Smoke",
                "Firefox",
                9000,
                &[("Login", Status::Incomplete)],
            )),
        ),
        part(3, MemberState::AbortedAndLeftOut, Some(left_out)),
        part(4, MemberState::NeverStarted, None),
    ]);
    insta::assert_snapshot!(planned(&whole).comment(&[]).text, @r"
    kado:0123456789abcdef0123456789abcdef
    Test Suites/All on agent-7
    2 tests: 1 PASSED, 1 INCOMPLETE; 2 results
    Smoke (Chrome): 1 PASSED; Chrome 120
    Smoke (Firefox): 1 INCOMPLETE, did not end by itself; Firefox 120
    Left out:
    - suite `Test Suites/Late` was aborted; `submit_aborted = true`, or `kado submit --again` on the collection's folder, takes what there is of it
    - suite `Test Suites/Gone` never started
    ");
}

#[test]
fn a_member_that_ran_again_because_it_failed_is_another_attempt() {
    let first = member(
        "Smoke",
        "Chrome",
        0,
        &[("Login", Status::Passed), ("Pay", Status::Failed)],
    );
    let mut again = member("Smoke", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let mut failed = first.clone();
    (failed.run.reruns_left, again.run.reruns_left) = (Some(1), Some(0));
    let whole = |first: Snapshot, again: Snapshot| {
        joined(vec![
            part(1, MemberState::Finished, Some(first)),
            part(2, MemberState::Finished, Some(again)),
        ])
    };
    let plan = planned(&whole(failed, again.clone()));
    let results: Vec<_> = plan
        .results
        .iter()
        .map(|result| {
            (
                result.point_id,
                result.outcome.as_str(),
                result.comment.as_str(),
            )
        })
        .collect();
    assert_eq!(
        results,
        [
            (1, "Passed", "Katalon: PASSED"),
            (3, "Passed", "Katalon: PASSED in attempt 2 of 2")
        ]
    );
    // Without that mark it is just another run of the suite, and the worst counts.
    again.run.reruns_left = None;
    let plan = planned(&whole(first, again));
    assert_eq!(plan.results[1].outcome, "Failed");
}

#[test]
fn a_collection_of_which_nothing_ran_is_nothing() {
    assert_eq!(
        join(
            "Test Suites/All",
            "/c",
            vec![part(1, MemberState::NeverStarted, None)]
        ),
        None
    );
}

#[test]
fn a_collection_stays_the_same_run_when_others_of_its_members_take_part() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Passed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let of = |state| {
        joined(vec![
            part(1, state, Some(first.clone())),
            part(2, MemberState::Finished, Some(second.clone())),
        ])
        .identity()
    };
    assert_eq!(
        of(MemberState::Finished),
        of(MemberState::AbortedAndLeftOut)
    );
    assert_eq!(of(MemberState::Finished).unwrap().started.millis(), 2000);
}

#[test]
fn without_members_that_were_submitted_alone_their_results_and_files_are_gone_and_they_are_named() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Failed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let alone = [
        RunIdentity::of(&first.run).unwrap(),
        RunIdentity::of(&second.run).unwrap(),
    ];
    let whole = joined(vec![
        part(1, MemberState::Finished, Some(first)),
        part(2, MemberState::Finished, Some(second)),
        part(3, MemberState::NeverStarted, None),
    ]);
    let rest = without(&whole, &alone[..1]).unwrap();
    assert_eq!(
        rest.run
            .tests
            .iter()
            .map(|test| test.member)
            .collect::<Vec<_>>(),
        [1]
    );
    assert!(
        !rest.run.files.is_empty()
            && rest
                .run
                .files
                .iter()
                .all(|file| rest.run_folder_of(&file.path).is_some())
    );
    assert_eq!(
        (rest.run.status, rest.missing_members().len()),
        (Status::Passed, 2)
    );
    assert_eq!(
        (rest.identity(), rest.started(), rest.ended()),
        (whole.identity(), whole.started(), whole.ended())
    );
    assert_eq!(without(&whole, &alone), None);
    assert_eq!(without(&whole, &[]).as_ref(), Some(&whole));
}
