//! What kado remembers of a test from earlier runs: a line in the comment of its result, and ADO's
//! failure type.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use fake_ado::TestResult;
use fake_katalon::{Attempt, Status, SuiteRunWriter, Test};
use jiff::SignedDuration;

use crate::support::{Machine, finished, start_of, tc, world};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A run of one test, so many days after 6 May 2026.
fn run(days: i64, test: Test) -> SuiteRunWriter {
    finished([test]).start(start_of() + SignedDuration::from_hours(24 * days))
}

fn passed(days: i64) -> SuiteRunWriter {
    run(days, Test::passed(&tc("Sign in")))
}

fn failed(days: i64, message: &str) -> SuiteRunWriter {
    run(days, Test::failed(&tc("Sign in"), message))
}

/// Submits a run, and gives its result in ADO.
fn submitted(machine: &Machine, shop: &Path, run: &SuiteRunWriter) -> TestResult {
    let done = machine.submit(shop, run);
    assert_eq!(done.code, 0, "{done:?}");

    let run = machine.ado_runs().pop().unwrap();
    run.result_of_point(11).unwrap().clone()
}

fn comment(machine: &Machine, shop: &Path, run: &SuiteRunWriter) -> String {
    submitted(machine, shop, run).comment.unwrap()
}

#[test]
fn a_failure_is_told_with_what_is_remembered_of_its_test() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let comments: Vec<String> = [
        passed(0),
        failed(1, "it was slow"),
        passed(2),
        passed(3),
        failed(4, "it was slow"),
        failed(5, "it was slow"),
    ]
    .iter()
    .map(|run| comment(&machine, &shop, run))
    .collect();

    assert_eq!(
        comments,
        [
            "Katalon: PASSED",
            // A memory of one run says nothing.
            "Katalon: FAILED",
            "Katalon: PASSED",
            "Katalon: PASSED",
            "Katalon: FAILED; passed before for 2 runs, failed 2 of the last 5 runs",
            "Katalon: FAILED; fails since 10 May, failed 3 of the last 6 runs",
        ]
    );
}

#[test]
fn without_history_line_nothing_of_it_is_said() {
    let machine = Machine::new();
    machine.configure("[submit]\nhistory_line = false\n");
    let shop = machine.shop(&CASES);
    for days in 0..3 {
        comment(&machine, &shop, &passed(days));
    }

    assert_eq!(
        comment(&machine, &shop, &failed(3, "it was slow")),
        "Katalon: FAILED"
    );
}

#[test]
fn a_test_that_needed_retries_says_on_which_it_passed() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let slow = || Attempt::new(Status::Failed, "it was slow");
    let test = Test::passed(&tc("Sign in")).after(slow()).after(slow());

    let comment = comment(&machine, &shop, &run(0, test).retries(2));

    assert_eq!(comment, "Katalon: PASSED; passed on retry 2");
}

#[test]
fn a_copy_and_a_repetition_of_a_run_count_once() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    comment(&machine, &shop, &passed(0));
    let second = passed(1);
    comment(&machine, &shop, &second);

    // Once more on a person's word, and copied elsewhere.
    let folder = second.folder_in(&shop);
    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);
    assert_eq!(again.code, 0, "{again:?}");
    let copy = shop.join("Reports/Copies/Smoke/20260101_000000");
    second.write_all(&copy).unwrap();
    assert_eq!(machine.submit_folder(&copy).code, 0);
    assert_eq!(machine.ado_runs().len(), 3, "the copy is no run");

    assert_eq!(
        comment(&machine, &shop, &failed(2, "it was slow")),
        "Katalon: FAILED; passed before for 2 runs"
    );
}

#[test]
fn only_runs_that_ended_before_count_whatever_came_first() {
    let machine = Machine::new();
    machine.configure("late = \"send\"\n");
    let shop = machine.shop(&CASES);
    for run in [passed(0), passed(1), failed(5, "x"), failed(6, "x")] {
        comment(&machine, &shop, &run);
    }

    assert_eq!(
        comment(&machine, &shop, &failed(3, "x")),
        "Katalon: FAILED; passed before for 2 runs"
    );
}

#[test]
fn what_is_remembered_is_of_this_suite_alone() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    for days in 0..3 {
        comment(&machine, &shop, &passed(days));
    }

    let other = SuiteRunWriter::new("Test Suites/Other")
        .pace(20)
        .test(Test::failed(&tc("Sign in"), "it was slow"))
        .start(start_of() + SignedDuration::from_hours(24 * 3));

    assert_eq!(comment(&machine, &shop, &other), "Katalon: FAILED");
}

#[test]
fn the_history_of_one_of_several_tests_says_which_it_is_of() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Sign out", "1001")]);
    let both = |days: i64, second| {
        finished([Test::passed(&tc("Sign in")), second])
            .start(start_of() + SignedDuration::from_hours(24 * days))
    };
    for days in 0..2 {
        comment(&machine, &shop, &both(days, Test::passed(&tc("Sign out"))));
    }

    let failing = both(2, Test::failed(&tc("Sign out"), "it was slow"));

    assert_eq!(
        comment(&machine, &shop, &failing),
        "2 executions of test cases with this id: 1 PASSED, 1 FAILED; Sign out passed before for 2 runs"
    );
}

/// A machine that sets failure types, and a project of it.
fn with_failure_types(world: fake_ado::World) -> Machine {
    let machine = Machine::with(world);
    machine.configure("[submit]\nfailure_type = true\n");
    machine
}

#[test]
fn the_first_failure_after_ten_passes_is_a_new_issue_and_the_same_again_a_known_one() {
    let machine = with_failure_types(world());
    let shop = machine.shop(&CASES);
    for days in 0..10 {
        assert_eq!(submitted(&machine, &shop, &passed(days)).failure_type, None);
    }

    let first = submitted(&machine, &shop, &failed(10, "the cart is empty"));
    let same = submitted(&machine, &shop, &failed(11, "the cart is empty"));
    let other = submitted(&machine, &shop, &failed(12, "it was slow"));

    assert_eq!(first.failure_type.as_deref(), Some("New Issue"));
    assert_eq!(same.failure_type.as_deref(), Some("Known Issue"));
    assert_eq!(other.failure_type, None);
}

#[test]
fn without_the_switch_no_failure_type_is_set() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    submitted(&machine, &shop, &failed(0, "the cart is empty"));

    let same = submitted(&machine, &shop, &failed(1, "the cart is empty"));

    assert_eq!(same.failure_type, None);
}

#[test]
fn a_failure_type_that_is_refused_costs_no_result() {
    let world = world().with(|settings| settings.refuse_failure_types = true);
    let machine = with_failure_types(world);
    let shop = machine.shop(&CASES);
    submitted(&machine, &shop, &failed(0, "the cart is empty"));

    let same = submitted(&machine, &shop, &failed(1, "the cart is empty"));

    assert_eq!(same.failure_type, None);
    assert_eq!(
        (same.state.as_str(), same.outcome.as_str()),
        ("Completed", "Failed")
    );
}
