//! Several executions behind one result: iterations, test cases that share an id, retries.

#![expect(clippy::disallowed_methods, reason = "a test lays out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_ado::{SubResult, TestResult};
use fake_katalon::{Attempt, Status, SuiteFile, Test, TestCaseFile, Variable};

use crate::support::{Machine, SUITE, finished, tc};

const VOUCHER: &str = "Test Cases/Apply voucher";

/// The result of point 11 after a run of these tests, all of test case 1001.
fn result(machine: &Machine, tests: impl IntoIterator<Item = Test>) -> TestResult {
    let shop = machine.shop(&[("Apply voucher", "1001"), ("Pay by card", "1001")]);

    let submitted = machine.submit(&shop, &finished(tests).retries(2));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results.len(), 1);
    run.result_of_point(11).unwrap().clone()
}

fn named(subs: &[SubResult]) -> Vec<(&str, &str)> {
    subs.iter()
        .map(|sub| {
            (
                sub.display_name.as_deref().unwrap_or_default(),
                sub.outcome.as_str(),
            )
        })
        .collect()
}

fn failed(message: &str) -> Attempt {
    Attempt::new(Status::Failed, message)
}

#[test]
fn iterations_that_share_an_id_are_parts_of_one_result() {
    let machine = Machine::new();
    let tests = [
        Test::passed(VOUCHER).variable("code", "SPRING"),
        Test::failed(VOUCHER, "the voucher has expired").variable("code", "WINTER"),
        Test::failed(VOUCHER, "no such voucher").variable("code", "NEVER"),
    ];
    let result = result(&machine, tests);

    assert_eq!(result.outcome.as_str(), "Failed");
    assert_eq!(result.result_group_type.as_deref(), Some("dataDriven"));
    let names = named(&result.sub_results);
    assert_eq!(
        names
            .iter()
            .map(|(_, outcome)| *outcome)
            .collect::<Vec<_>>(),
        ["Passed", "Failed", "Failed"]
    );
    for (number, (name, _)) in names.iter().enumerate() {
        assert!(
            name.starts_with(&format!("Iteration {}", number + 1)),
            "{names:?}"
        );
    }
    let message = result.error_message.unwrap();
    assert!(
        message.contains("the voucher has expired"),
        "the first worst one counts: {message}"
    );
    assert!(
        result.sub_results[2]
            .error_message
            .as_deref()
            .unwrap()
            .contains("no such voucher")
    );
    assert_eq!(result.sub_results[0].error_message, None);
    assert_eq!(result.started, result.sub_results[0].started);
    assert_eq!(result.completed, result.sub_results[2].completed);
    assert_eq!(
        result.comment.as_deref(),
        Some("3 iterations: 1 PASSED, 2 FAILED")
    );
}

#[test]
fn an_iteration_is_named_by_its_value_where_that_is_no_secret() {
    let machine = Machine::new();
    let test = |code: &str| Test::passed(VOUCHER).iteration(code).variable("code", code);
    let result = result(&machine, [test("SPRING"), test("Half price")]);
    let names = [
        ("Iteration 1: SPRING", "Passed"),
        ("Iteration 2: Half price", "Passed"),
    ];

    assert_eq!(named(&result.sub_results), names);
}

#[test]
fn the_worst_status_wins_before_it_is_mapped() {
    let worst_first = [
        Test::error(VOUCHER, "broken"),
        Test::failed(VOUCHER, "failed"),
        Test::skipped(VOUCHER),
        Test::passed(VOUCHER),
    ];

    for (from, outcome) in ["Error", "Failed", "NotExecuted", "Passed"]
        .into_iter()
        .enumerate()
    {
        let machine = Machine::new();
        let tests = worst_first[from..]
            .iter()
            .rev()
            .cloned()
            .chain([Test::passed(VOUCHER)]);

        assert_eq!(result(&machine, tests).outcome, outcome);
    }
}

#[test]
fn a_masked_value_does_not_name_an_iteration() {
    let machine = Machine::new();
    let test = |value: &str| {
        Test::passed(VOUCHER).with_variable(Variable::new("password", value).masked())
    };
    let result = result(&machine, [test("hunter2-one"), test("hunter2-two")]);

    assert_eq!(
        named(&result.sub_results),
        [("Iteration 1", "Passed"), ("Iteration 2", "Passed")]
    );
}

#[test]
fn a_value_that_looks_like_a_secret_does_not_name_an_iteration() {
    let machine = Machine::new();
    let test = |value: &str| {
        Test::passed(VOUCHER)
            .iteration(value)
            .variable("login", value)
    };
    let result = result(
        &machine,
        [test("S3cret!pass"), test("eyJhbGciOiJIUzI1NiJ9")],
    );

    assert_eq!(
        named(&result.sub_results),
        [("Iteration 1", "Passed"), ("Iteration 2", "Passed")]
    );
}

#[test]
fn the_same_test_case_twice_in_a_suite_is_as_two_iterations() {
    let machine = Machine::new();
    let result = result(&machine, [Test::passed(VOUCHER), Test::skipped(VOUCHER)]);

    assert_eq!(result.outcome, "NotExecuted");
    assert_eq!(
        named(&result.sub_results),
        [("Iteration 1", "Passed"), ("Iteration 2", "NotExecuted")]
    );
}

#[test]
fn two_test_cases_that_share_an_id_are_parts_of_one_result() {
    let machine = Machine::new();
    let result = result(
        &machine,
        [
            Test::passed(VOUCHER),
            Test::error(&tc("Pay by card"), "broken"),
        ],
    );

    assert_eq!(result.outcome.as_str(), "Error");
    assert_eq!(result.result_group_type.as_deref(), Some("dataDriven"));
    assert_eq!(
        named(&result.sub_results),
        [("Apply voucher", "Passed"), ("Pay by card", "Error")]
    );
    assert!(result.error_message.unwrap().contains("broken"));
    assert_eq!(result.automated_test_storage.as_deref(), Some(VOUCHER));
}

#[test]
fn earlier_attempts_are_parts_of_the_result_of_the_last_one() {
    let machine = Machine::new();
    let test = Test::passed(VOUCHER)
        .after(failed("slow once"))
        .after(failed("slow twice"));
    let result = result(&machine, [test]);

    assert_eq!(result.outcome.as_str(), "Passed");
    assert_eq!(result.result_group_type.as_deref(), Some("rerun"));
    assert_eq!(result.error_message, None);
    assert_eq!(
        named(&result.sub_results),
        [("Attempt 1", "Failed"), ("Attempt 2", "Failed")]
    );
    assert!(
        result.sub_results[1]
            .error_message
            .as_deref()
            .unwrap()
            .contains("slow twice")
    );
    assert_eq!(result.started, result.sub_results[0].started);
    assert_eq!(
        result.comment.as_deref(),
        Some("Katalon: PASSED; passed on retry 2")
    );
}

#[test]
fn the_comment_names_the_attempt_of_a_suite_that_katalon_runs_again() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Apply voucher", "1001")]);
    let suite = SuiteFile {
        retries: 2,
        ..SuiteFile::new(SUITE, &[VOUCHER])
    };
    let text = suite
        .to_xml()
        .replace("<rerunImmediately>true", "<rerunImmediately>false");
    std::fs::write(shop.join(format!("{SUITE}.ts")), text).unwrap();

    let folder = finished([Test::passed(VOUCHER)]).write_in(&shop).unwrap();

    // Of the two re-runs one is left.
    let log = std::fs::read_to_string(folder.join("execution0.log")).unwrap();
    let (none, one) = (
        r#"<property name="retryCount">0<"#,
        r#"<property name="retryCount">1<"#,
    );
    assert!(log.contains(none), "{log}");
    std::fs::write(folder.join("execution0.log"), log.replacen(none, one, 1)).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let comment = machine.ado_run().comment.unwrap();
    assert!(
        comment.contains("Attempt 2 of at most 3 at this suite."),
        "{comment}"
    );
}

#[test]
fn earlier_attempts_of_an_iteration_are_parts_of_that_iteration() {
    let machine = Machine::new();
    let retried = Test::passed(VOUCHER)
        .variable("code", "WINTER")
        .after(failed("slow"));
    let result = result(
        &machine,
        [Test::passed(VOUCHER).variable("code", "SPRING"), retried],
    );

    assert_eq!(result.outcome.as_str(), "Passed");
    assert_eq!(result.result_group_type.as_deref(), Some("dataDriven"));
    assert_eq!(result.sub_results.len(), 2);
    assert!(result.sub_results[0].sub_results.is_empty());
    assert_eq!(
        result.sub_results[1].result_group_type.as_deref(),
        Some("rerun")
    );
    assert_eq!(
        named(&result.sub_results[1].sub_results),
        [("Attempt 1", "Failed")]
    );
}

#[test]
fn screenshots_of_every_iteration_and_attempt_go_to_the_result() {
    let machine = Machine::new();
    let retried = Test::failed(VOUCHER, "still slow")
        .screenshot()
        .after(failed("slow").screenshot());
    let result = result(
        &machine,
        [Test::failed(VOUCHER, "expired").screenshot(), retried],
    );
    let names = crate::support::names(&result.attachments);

    assert_eq!(
        names.iter().filter(|name| name.ends_with(".png")).count(),
        3,
        "{names:?}"
    );
    assert!(
        result
            .sub_results
            .iter()
            .all(|sub| sub.attachments.is_empty())
    );
}

#[test]
fn of_more_than_a_thousand_iterations_those_that_did_not_pass_come_first_and_the_rest_is_summed_up()
{
    let machine = Machine::new();
    let tests = (1..=1050).map(|n| match n {
        700 => Test::failed(VOUCHER, "the voucher has expired"),
        1040 => Test::skipped(VOUCHER),
        1050 => Test::error(VOUCHER, "broken"),
        _ => Test::passed(VOUCHER),
    });
    let result = result(&machine, tests);

    assert_eq!(result.outcome, "Error");
    assert_eq!(result.sub_results.len(), 1000);
    let names = named(&result.sub_results);
    let first = [
        ("Iteration 700", "Failed"),
        ("Iteration 1040", "NotExecuted"),
        ("Iteration 1050", "Error"),
    ];
    assert_eq!(names[..3], first);
    assert_eq!(names[3], ("Iteration 1", "Passed"));
    assert_eq!(names[999], ("51 more: 51 PASSED", "Passed"));
}

#[test]
fn iterations_with_a_list_of_ids_count_for_each_of_them() {
    let machine = Machine::new();
    let case = TestCaseFile::new(VOUCHER)
        .azure("1001,${also}")
        .variable("also", "");
    let shop = machine.project("Shop", machine.settings(), [case]);
    let tests = [
        Test::passed(VOUCHER).variable("also", "1002"),
        Test::failed(VOUCHER, "expired").variable("also", "1003"),
    ];

    assert_eq!(machine.submit(&shop, &finished(tests)).code, 0);
    let run = machine.ado_run();
    let seen: Vec<_> = run
        .results
        .iter()
        .map(|one| (one.point_id, one.outcome.as_str(), one.sub_results.len()))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(11), "Failed", 2),
            (Some(12), "Passed", 0),
            (Some(13), "Failed", 0)
        ]
    );
}
