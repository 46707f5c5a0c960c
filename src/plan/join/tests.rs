//! Joining members: whose tests, files and configurations they are, and what is said of those that
//! did not run.

#[cfg(test)]
use super::*;
use crate::katalon::run::FileKind;
use crate::katalon::settings::{AzureSettings, ConfigurationRow};
use crate::plan::ado_facts::AdoFacts;
use crate::plan::history::TestMemory;
use crate::plan::sample;
use crate::plan::{SubmissionPlan, plan};

/// Settings with a test configuration for each browser.
fn settings() -> AzureSettings {
    let row = |platform: &str, configuration_id| ConfigurationRow {
        os: None,
        platform: Some(platform.to_owned()),
        profile: None,
        configuration_id,
    };
    AzureSettings {
        configuration_rows: vec![row("Chrome", 1), row("Firefox", 2)],
        ..AzureSettings::default()
    }
}

/// A member's run, which starts at `start` and executes each test once, with what belongs to it.
fn member(suite: &str, browser: &str, start: i64, tests: &[(&str, Status)]) -> Snapshot {
    let mut run = sample::run(suite, start, start + 900);
    run.execution_uuid = Some("u".to_owned());
    run.in_collection = true;
    run.environment.host = Some("jo - agent-7".to_owned());
    run.environment.run_configuration = Some(browser.to_owned());
    run.environment.browser = Some(format!("{browser} 120"));
    run.files = vec![
        sample::file("1.png", FileKind::Png, 3),
        sample::file("execution0.log", FileKind::Log, 3),
    ];
    for (number, (name, status)) in tests.iter().enumerate() {
        let mut test = sample::test(name, start + 100 * number as i64, &[*status]);
        test.attempts[0].attachments = vec!["1.png".to_owned()];
        run.tests.push(test);
    }

    let mut snapshot = sample::snapshot(run, &settings());
    for (name, id) in [("Login", "12"), ("Pay", "13")] {
        snapshot
            .cases
            .insert(format!("Test Cases/{name}"), sample::case_with_ids(id));
    }
    snapshot
}

fn part(number: usize, state: MemberState, snapshot: Option<Snapshot>) -> Part {
    let suite = match &snapshot {
        Some(snapshot) => &snapshot.run.suite["Test Suites/".len()..],
        None => "Gone",
    };
    let prefix = format!("20260506_100000/{suite}/20260506_10000{number}");
    Part {
        folder: format!("/shop/Reports/{prefix}"),
        prefix,
        state,
        snapshot,
    }
}

fn finished(number: usize, snapshot: Snapshot) -> Part {
    part(number, MemberState::Finished, Some(snapshot))
}

fn joined(parts: Vec<Part>) -> Snapshot {
    let folder = "/shop/Reports/20260506_100000/All/20260506_100000";
    join("Test Suites/All", folder, parts).unwrap()
}

/// The plan where `Login` has a point on each browser and `Pay` one on Chrome.
fn planned(snapshot: &Snapshot) -> SubmissionPlan {
    let points = [
        sample::point(1, 12, 1),
        sample::point(2, 12, 2),
        sample::point(3, 13, 1),
    ];
    plan(
        snapshot,
        18,
        "0123456789abcdef0123456789abcdef",
        &AdoFacts::of_points(&points),
        &TestMemory::default(),
    )
}

/// Each result as `point 1: Passed (Katalon: PASSED)`.
fn results_in_words(plan: &SubmissionPlan) -> Vec<String> {
    let mut words = Vec::new();
    for result in &plan.results {
        words.push(format!(
            "point {}: {} ({})",
            result.point_id, result.outcome, result.comment
        ));
    }
    words
}

#[test]
fn a_collection_is_its_id_its_first_start_and_its_host() {
    let first = member("B", "Chrome", 5000, &[("Login", Status::Passed)]);
    let second = member("A", "Chrome", 2000, &[("Pay", Status::Passed)]);

    let whole = joined(vec![finished(1, first), finished(2, second)]);

    let identity = RunIdentity::of(&whole.run).unwrap();
    assert_eq!(identity.suite, "Test Suites/All");
    assert_eq!(identity.started.millis(), 2000);
    assert_eq!(identity.host, "jo - agent-7");
    assert_eq!(whole.ended().millis(), 5900);
}

#[test]
fn a_collection_is_the_same_run_wherever_its_folders_lie() {
    let first = member("B", "Chrome", 5000, &[("Login", Status::Passed)]);
    let second = member("A", "Chrome", 2000, &[("Pay", Status::Passed)]);
    let whole = joined(vec![
        finished(1, first.clone()),
        finished(2, second.clone()),
    ]);

    let copied = join(
        "Test Suites/All",
        "/elsewhere",
        vec![finished(7, first), finished(8, second)],
    );

    assert_eq!(copied.unwrap().identity(), whole.identity());
}

#[test]
fn the_same_test_on_two_browsers_feeds_the_points_of_both() {
    let chrome = member("Smoke", "Chrome", 0, &[("Login", Status::Passed)]);
    let firefox = member("Smoke", "Firefox", 9000, &[("Login", Status::Failed)]);
    let whole = joined(vec![finished(1, chrome), finished(2, firefox)]);

    let plan = planned(&whole);

    assert_eq!(
        results_in_words(&plan),
        [
            "point 1: Passed (Katalon: PASSED)",
            "point 2: Failed (Katalon: FAILED)"
        ]
    );
    let files: Vec<_> = plan
        .attachments
        .iter()
        .map(|attachment| attachment.name.as_str())
        .collect();
    assert_eq!(
        files,
        [
            "1.png",
            "1.png",
            "Smoke (Chrome) execution0.log",
            "Smoke (Firefox) execution0.log"
        ]
    );
}

#[test]
fn a_file_is_found_in_the_run_folder_of_its_member() {
    let chrome = member("Smoke", "Chrome", 0, &[("Login", Status::Passed)]);
    let firefox = member("Smoke", "Firefox", 9000, &[("Login", Status::Failed)]);
    let whole = joined(vec![finished(1, chrome), finished(2, firefox)]);

    let (run_folder, inside) = whole
        .run_folder_of("20260506_100000/Smoke/20260506_100002/execution0.log")
        .unwrap();

    assert_eq!(
        run_folder.path,
        "/shop/Reports/20260506_100000/Smoke/20260506_100002"
    );
    assert_eq!(inside, "execution0.log");
}

#[test]
fn a_folder_whose_name_only_begins_as_that_of_a_member_is_none_of_its() {
    let chrome = member("Smoke", "Chrome", 0, &[("Login", Status::Passed)]);
    let whole = joined(vec![finished(2, chrome)]);

    let longer = "20260506_100000/Smoke/20260506_1000021/execution0.log";

    assert_eq!(whole.run_folder_of(longer), None);
}

#[test]
fn the_same_test_in_the_same_configuration_is_one_result_whose_parts_name_their_suites() {
    let smoke = member("Smoke", "Chrome", 0, &[("Login", Status::Passed)]);
    let full = member("Full", "Chrome", 9000, &[("Login", Status::Error)]);
    let whole = joined(vec![
        finished(1, smoke),
        part(2, MemberState::Crashed, Some(full)),
    ]);

    let plan = planned(&whole);

    assert_eq!(
        results_in_words(&plan),
        ["point 1: Error (2 executions: 1 PASSED, 1 ERROR)"]
    );
    let parts: Vec<_> = plan.results[0]
        .sub_results
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(parts, ["Smoke: Login", "Full: Login"]);
}

#[test]
fn what_is_hidden_of_any_member_is_hidden_in_all_that_is_sent() {
    let mut chrome = member("Smoke", "Chrome", 100, &[("Login", Status::Passed)]);
    chrome.hidden = vec!["agent-7".to_owned()];
    let mut aborted = member("Customer", "Chrome", 0, &[("Pay", Status::Failed)]);
    aborted.hidden = vec!["Customer".to_owned()];
    let whole = joined(vec![
        finished(1, chrome),
        part(2, MemberState::AbortedAndLeftOut, Some(aborted)),
    ]);

    let plan = planned(&whole);

    let comment = plan.comment(&[]).text;
    // Azure DevOps reads a comment as Markdown and shows three asterisks.
    assert!(comment.contains(r"Test Suites/All on \*\*\*"), "{comment}");
    assert!(comment.contains("suite `Test Suites/***`"), "{comment}");
    assert_eq!(plan.results[0].computer_name.as_deref(), Some("***"));
    // A run is found again by its machine, so the snapshot keeps it.
    assert_eq!(whole.identity().unwrap().host, "jo - agent-7");
}

#[test]
fn a_collection_reads_like_this_and_names_what_did_not_run() {
    let chrome = member("Smoke", "Chrome", 100, &[("Login", Status::Passed)]);
    let firefox = member("Smoke", "Firefox", 9000, &[("Login", Status::Incomplete)]);
    let aborted = member("Late", "Chrome", 0, &[("Pay", Status::Failed)]);
    let whole = joined(vec![
        finished(1, chrome),
        part(2, MemberState::Crashed, Some(firefox)),
        part(3, MemberState::AbortedAndLeftOut, Some(aborted)),
        part(4, MemberState::NeverStarted, None),
    ]);

    let comment = planned(&whole).comment(&[]);

    insta::assert_snapshot!(comment.text, @r"
    kado:0123456789abcdef0123456789abcdef  
    Test Suites/All on agent-7  
    2 tests: 1 PASSED, 1 INCOMPLETE; 2 results  
    Smoke (Chrome): 1 PASSED; Chrome 120  
    Smoke (Firefox): 1 INCOMPLETE, without an end in its log; Firefox 120  
    Left out:
    - suite `Test Suites/Late` was aborted; `submit_aborted = true`, or `kado submit --again` on the collection's folder, takes what there is of it
    - suite `Test Suites/Gone` never started
    ");
}

/// A suite that failed in `Pay` at first, and ran again with `Pay` alone.
fn failed_and_again() -> (Snapshot, Snapshot) {
    let both = [("Login", Status::Passed), ("Pay", Status::Failed)];
    let failed = member("Smoke", "Chrome", 0, &both);
    let again = member("Smoke", "Chrome", 5000, &[("Pay", Status::Passed)]);
    (failed, again)
}

#[test]
fn a_member_that_ran_again_because_it_failed_is_another_attempt() {
    let (mut failed, mut again) = failed_and_again();
    failed.run.reruns_left = Some(1);
    again.run.reruns_left = Some(0);

    let plan = planned(&joined(vec![finished(1, failed), finished(2, again)]));

    assert_eq!(
        results_in_words(&plan),
        [
            "point 1: Passed (Katalon: PASSED)",
            "point 3: Passed (Katalon: PASSED; passed on retry 1)"
        ]
    );
}

#[test]
fn a_member_that_ran_twice_without_the_mark_of_a_rerun_counts_twice() {
    let (failed, again) = failed_and_again();

    let plan = planned(&joined(vec![finished(1, failed), finished(2, again)]));

    assert_eq!(plan.results[1].outcome, "Failed", "the worst counts");
}

#[test]
fn a_collection_of_which_nothing_ran_is_nothing() {
    let parts = vec![part(1, MemberState::NeverStarted, None)];

    assert_eq!(join("Test Suites/All", "/c", parts), None);
}

#[test]
fn a_collection_stays_the_same_run_when_others_of_its_members_take_part() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Passed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let with_first = |state| {
        joined(vec![
            part(1, state, Some(first.clone())),
            finished(2, second.clone()),
        ])
    };

    let with_both = with_first(MemberState::Finished).identity();
    let with_second = with_first(MemberState::AbortedAndLeftOut).identity();

    assert_eq!(with_both, with_second);
    assert_eq!(with_both.unwrap().started.millis(), 2000);
}

#[test]
fn without_a_member_that_was_submitted_alone_its_results_and_files_are_gone_and_it_is_named() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Failed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let alone = RunIdentity::of(&first.run).unwrap();
    let whole = joined(vec![
        finished(1, first),
        finished(2, second),
        part(3, MemberState::NeverStarted, None),
    ]);

    let rest = without(&whole, &[alone]).unwrap();

    let members: Vec<_> = rest.run.tests.iter().map(|test| test.member).collect();
    assert_eq!(members, [1]);
    assert_eq!(rest.run.status, Status::Passed);
    assert_eq!(rest.missing_members().len(), 2);
    assert!(!rest.run.files.is_empty());
    for file in &rest.run.files {
        assert!(rest.run_folder_of(&file.path).is_some(), "{}", file.path);
    }
}

#[test]
fn without_a_member_a_collection_is_the_same_run_at_the_same_time() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Failed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let alone = RunIdentity::of(&first.run).unwrap();
    let whole = joined(vec![finished(1, first), finished(2, second)]);

    let rest = without(&whole, &[alone]).unwrap();

    assert_eq!(rest.identity(), whole.identity());
    assert_eq!(rest.started(), whole.started());
    assert_eq!(rest.ended(), whole.ended());
}

#[test]
fn without_any_member_nothing_is_left_of_a_collection_and_without_none_all_of_it() {
    let first = member("A", "Chrome", 2000, &[("Login", Status::Failed)]);
    let second = member("B", "Chrome", 5000, &[("Pay", Status::Passed)]);
    let alone = [
        RunIdentity::of(&first.run).unwrap(),
        RunIdentity::of(&second.run).unwrap(),
    ];
    let whole = joined(vec![finished(1, first), finished(2, second)]);

    assert_eq!(without(&whole, &alone), None);
    assert_eq!(without(&whole, &[]).as_ref(), Some(&whole));
}
