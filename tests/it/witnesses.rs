//! Two witnesses: the log of a run and Katalon's own report beside it.
//!
//! The first half reads the small folders of `../shared/cases`, each made after a real one that was
//! read wrongly; where they are missing, the tests say so and pass. The second half shows that what
//! was read reaches Azure DevOps with its doubt.

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::Test;
use serde_json::{Value, json};

use crate::support::{Machine, finished, tc};

/// What `kado inspect` reads from a case.
fn inspect(case: &str) -> Option<Value> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/reading");
    if !cases.is_dir() {
        // These folders are no part of the repository, whatever the machine can do.
        println!("skipped: there are no cases at {}", cases.display());
        return None;
    }

    let folder = cases
        .join(case)
        .join("Reports/20260105_090000/S/20260105_090000");
    assert!(folder.is_dir(), "there is no {}", folder.display());
    let read = Machine::new().kado(&["inspect", &folder.to_string_lossy(), "--json"]);
    assert_eq!(read.code, 0, "{read:?}");
    Some(serde_json::from_str(&read.out).unwrap())
}

/// Names and statuses of a run's tests.
fn statuses(run: &Value) -> Vec<(&str, &str)> {
    let tests = run["tests"].as_array().unwrap();
    tests
        .iter()
        .map(|test| {
            let name = test["id"].as_str().unwrap();
            let name = name.trim_start_matches("Test Cases/");
            (name, test["status"].as_str().unwrap())
        })
        .collect()
}

/// Whether one of the warnings has all these words.
fn is_warned(run: &Value, words: &[&str]) -> bool {
    let warnings = run["warnings"].as_array().unwrap();
    warnings
        .iter()
        .filter_map(Value::as_str)
        .any(|warning| words.iter().all(|word| warning.contains(word)))
}

#[test]
fn a_part_that_is_missing_in_the_middle_of_a_log_makes_no_test_pass() {
    let Some(run) = inspect("01-log-part-missing-in-the-middle") else {
        return;
    };

    assert_eq!(
        statuses(&run),
        [
            ("A", "PASSED"),
            ("B", "FAILED"),
            ("C", "PASSED"),
            ("D", "PASSED")
        ]
    );
    assert_eq!(run["tests"][1]["message"], "no button");
    assert!(is_warned(&run, &["`execution1.log` is missing"]), "{run}");
    assert!(!is_warned(&run, &["never started"]), "{run}");
}

#[test]
fn without_a_log_that_can_be_read_the_results_are_those_of_the_report() {
    for case in ["02a-no-log-but-report", "02c-log-all-zero-bytes"] {
        let Some(run) = inspect(case) else { return };

        assert_eq!(
            statuses(&run),
            [
                ("A", "PASSED"),
                ("B", "FAILED"),
                ("C", "PASSED"),
                ("D", "PASSED")
            ],
            "{case}"
        );
        assert_eq!(run["state"], "crashed", "{case}");
        assert_eq!(run["suite"], "Test Suites/S", "{case}");
        assert_eq!(run["tests"][2]["duration_ms"], 2901, "{case}");
        assert!(is_warned(&run, &["no log", "`JUnit_Report.xml`"]), "{run}");
    }
}

#[test]
fn of_two_runs_that_a_merge_mixed_the_report_says_which_is_which() {
    let Some(run) = inspect("03-merge-conflict-in-log") else {
        return;
    };

    assert_eq!(statuses(&run), [("A", "FAILED")]);
    assert!(is_warned(&run, &["conflict markers", "line 6"]), "{run}");
}

#[test]
fn a_crashed_run_says_how_many_of_its_tests_never_started() {
    let Some(run) = inspect("04-crashed-run-with-fewer-tests-than-planned") else {
        return;
    };

    assert_eq!(statuses(&run), [("A", "PASSED")]);
    assert!(
        is_warned(&run, &["3 of 4 planned tests never started"]),
        "{run}"
    );
}

#[test]
fn a_screenshot_that_lies_in_the_project_is_that_of_its_test() {
    let Some(run) = inspect("06-attachment-relative-to-the-project") else {
        return;
    };

    let path = "../../../../Screenshot/Fails/A.png";
    assert_eq!(run["tests"][0]["attachments"], json!([path]));
    let files = run["files"].as_array().unwrap();
    assert!(
        files
            .iter()
            .any(|file| file["path"] == path && file["type"] == "PNG"),
        "{run}"
    );
}

#[test]
fn a_suite_without_tests_was_skipped() {
    let Some(run) = inspect("08-suite-without-tests-is-SKIPPED") else {
        return;
    };

    assert_eq!(run["katalon_status"], "SKIPPED");
}

#[test]
fn a_test_without_end_lasted_until_the_last_record() {
    let Some(run) = inspect("09-duration-of-an-open-test") else {
        return;
    };

    assert_eq!(run["tests"][0]["duration_ms"], 38_387);
    assert_eq!(run["tests"][0]["ended"], Value::Null);
}

/// A shop with a finished run of a test that passed and one that failed.
fn shop_with_run(machine: &Machine) -> PathBuf {
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    let run = finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no such card"),
    ]);
    run.write_in(&shop).unwrap()
}

/// Outcome of each result in ADO.
fn outcomes(machine: &Machine) -> Vec<String> {
    let results = machine.ado_run().results;
    results.into_iter().map(|result| result.outcome).collect()
}

#[test]
fn results_of_a_log_that_was_lost_with_the_power_are_the_reports_and_it_is_told() {
    let machine = Machine::new();
    let folder = shop_with_run(&machine);
    let log = folder.join("execution0.log");
    let length = fs::metadata(&log).unwrap().len();
    fs::write(&log, vec![0; usize::try_from(length).unwrap()]).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(outcomes(&machine), ["Passed", "Failed"]);
    let told = "there is no log that can be read: the results are those of `JUnit_Report.xml`";
    assert!(submitted.out.contains(told), "{submitted:?}");
    assert!(machine.ado_run().comment.unwrap().contains("zero bytes"));
    let skipped = machine.row()["skipped"].clone();
    assert_eq!(skipped[0]["kind"], "reading", "{skipped}");
}

#[test]
fn a_log_that_differs_from_the_report_is_overruled_and_the_difference_is_told() {
    let machine = Machine::new();
    let folder = shop_with_run(&machine);
    let report = folder.join("JUnit_Report.xml");
    let text = fs::read_to_string(&report).unwrap();
    let changed = text.replacen("status=\"PASSED\"", "status=\"ERROR\"", 1);
    assert_ne!(text, changed);
    fs::write(&report, changed).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(outcomes(&machine), ["Error", "Failed"]);
    let told = "Test Cases/Sign in: the log says PASSED, but `JUnit_Report.xml` says ERROR";
    assert!(machine.ado_run().comment.unwrap().contains(told));
}

#[test]
fn the_report_of_the_run_before_is_no_witness_and_no_end() {
    let machine = Machine::new();
    let folder = shop_with_run(&machine);
    let log = folder.join("execution0.log");
    let text = fs::read_to_string(&log).unwrap();
    let (begin, _) = text.split_once("endTest").unwrap();
    let (begin, _) = begin.rsplit_once("<record>").unwrap();
    fs::write(&log, begin).unwrap();

    // The report began 100 s before this log, whatever the zone.
    let report = folder.join("JUnit_Report.xml");
    let text = fs::read_to_string(&report).unwrap();
    let (before, after) = text.split_once("timestamp=\"").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    fs::write(
        &report,
        format!("{before}timestamp=\"2026-05-06 08:13:22\"{after}"),
    )
    .unwrap();

    let read = machine.kado(&["inspect", &folder.to_string_lossy(), "--json"]);

    let run: Value = serde_json::from_str(&read.out).unwrap();
    assert_eq!(run["state"], "running");
    assert_eq!(statuses(&run), [("Sign in", "INCOMPLETE")]);
    // What lies there with it is of the run before as well.
    let told = "`20260506_081459.csv` and 1 more in the folder: of an earlier run, and not sent \
                before Katalon writes it anew";
    assert_eq!(run["warnings"], json!([told]));
}
