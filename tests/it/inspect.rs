//! `kado inspect`: what scripts and people get to see.

use std::time::Duration;

use kado::cli::inspect::{InspectTerms, OutputForm, inspect};
use kado::katalon::run::lifecycle::ABORT_AFTER;
use serde_json::{Value, json};

use crate::reading::fixture;

fn text(path: &str) -> String {
    let mut out = Vec::new();
    inspect(
        &fixture(path),
        &InspectTerms::without_config(ABORT_AFTER),
        OutputForm::Text,
        &mut out,
    )
    .expect("the fixture can be inspected");
    String::from_utf8(out).expect("what is printed is UTF-8")
}

fn json(path: &str) -> Value {
    let mut out = Vec::new();
    inspect(
        &fixture(path),
        &InspectTerms::without_config(ABORT_AFTER),
        OutputForm::Json,
        &mut out,
    )
    .expect("the fixture can be inspected");
    serde_json::from_slice(&out).expect("what is printed is JSON")
}

#[test]
fn a_run_is_shown_to_people() {
    insta::assert_snapshot!(text("shop/Reports/20240105_100000/Statuses/20240105_100000"), @r"
    Suite         Test Suites/Statuses
    State         finished, ERROR
    Started       2024-01-05T10:00:00+00:00
    Ended         2024-01-05T10:00:05+00:00
    Host          jo - PC7
    System        Windows 11 64bit
    Browser       Chrome 120.0.6099.110
    Profile       qa
    Katalon       10.1.0
    Execution     11111111-2222-3333-4444-555555555555

     Status   Test                         Duration  ADO ids
     PASSED   Test Cases/Login             0.500 s   1001
     FAILED   Test Cases/Cart/Add to cart  1.300 s   545, 8562
     ERROR    Test Cases/Bad id            1.100 s   12
     PASSED   Test Cases/Cart/Cart helper  1.200 s
     SKIPPED  Test Cases/Secret id         0.200 s
     ERROR    Test Cases/Gone              0.200 s

    FAILED Test Cases/Cart/Add to cart
        Unable to click on 'buy'

    ERROR Test Cases/Bad id
        No such property: x

    SKIPPED Test Cases/Secret id
        This test case was skipped in @BeforeTestCase

    ERROR Test Cases/Gone
        the run was aborted

    Files         1 log (30 KiB), 4 png (32 B), 1 html (14 B), 1 csv (29 B), 7 other (2 KiB)

    warning: `Test Cases/Bad id`: `abc`: it is not a number; write the ids of test case work items, separated by commas
    warning: `Test Cases/Bad id`: `${missing}`: there is no variable `missing`; add it to the test case, or write the id itself
    warning: `Test Cases/Secret id`: `${card}`: variable `card` is empty in this execution; bind it to an id
    warning: `Test Cases/Gone` has no test case file any more; renamed or deleted?
    ");
}

#[test]
fn a_project_is_shown_to_people() {
    let shown = text("shop").replace(&fixture("shop").display().to_string(), "[shop]");

    insta::assert_snapshot!(shown, @r"
    Project       Shop & Co
    Folder        [shop]
    Integration   on
    Server        https://dev.azure.com/example
    Token         set
    ADO project   Shop
    Test plans    18 (Regression)
    Submits       on
    Test cases    8, 5 of them with ADO ids

     Test case                    ADO ids
     Test Cases/Bad id            12
     Test Cases/Cart/Add to cart  545, 8562
     Test Cases/Checkout          2000
     Test Cases/Login             1001
     Test Cases/Secret id         ${card}

    warning: settings: `testConfigurationMappings` has a row without a chosen configuration; it was ignored
    warning: `Test Cases/Bad id`: `abc`: it is not a number; write the ids of test case work items, separated by commas
    warning: `Test Cases/Bad id`: `${missing}`: there is no variable `missing`; add it to the test case, or write the id itself
    ");
}

#[test]
fn a_run_is_json_for_scripts() {
    let run = json("shop/Reports/20240106_100000/Data driven/20240106_100000");

    assert_eq!(run["kind"], "run");
    assert_eq!(run["state"], "finished");
    assert_eq!(run["suite"], "Test Suites/Data driven");
    assert_eq!(run["started"], "2024-01-06T10:00:00.000Z");
    assert_eq!(run["katalon_status"], "FAILED");
    let keys: Vec<&String> = run["tests"][0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "attachments",
            "attempts",
            "azure_ids",
            "duration_ms",
            "ended",
            "id",
            "iteration",
            "message",
            "stack_trace",
            "started",
            "status"
        ]
    );
    let ids: Vec<&Value> = run["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| &test["azure_ids"])
        .collect();
    assert_eq!(
        ids,
        [
            &json!([2001]),
            &json!([2002]),
            &json!([2003]),
            &json!([]),
            &json!([])
        ]
    );
    assert_eq!(run["tests"][1]["message"], "Wrong amount");
    assert_eq!(run["tests"][3]["iteration"], Value::Null);
    let warnings = run["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].as_str().unwrap().contains("masked"));
    assert!(
        warnings[1]
            .as_str()
            .unwrap()
            .contains("only Katalon can compute")
    );
}

#[test]
fn nothing_secret_is_shown() {
    for path in [
        "shop",
        "shop/Reports/20240106_100000/Data driven/20240106_100000",
    ] {
        for shown in [text(path), json(path).to_string()] {
            for secret in [
                "ThisIsNotAPassword",
                "g3/DOGG7",
                "4000000000000002",
                "card-1",
            ] {
                assert!(!shown.contains(secret), "{path} shows {secret}");
            }
        }
    }
}

#[test]
fn every_state_is_told() {
    let states = [
        ("20240105_100000/Statuses/20240105_100000", "finished"),
        ("20240109_100000/Crashed/20240109_100000", "crashed"),
        ("20240111_100000/Queued/20240111_100000", "queued"),
    ];

    for (path, state) in states {
        assert_eq!(
            json(&format!("shop/Reports/{path}"))["state"],
            state,
            "{path}"
        );
    }
}

#[test]
fn a_run_that_stands_still_for_long_is_aborted_and_a_fresh_one_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("execution0.log");
    std::fs::copy(
        fixture("shop/Reports/20240110_100000/Aborted/20240110_100000/execution0.log"),
        &log,
    )
    .unwrap();

    let state_after = |abort_after| {
        let mut out = Vec::new();
        inspect(
            folder.path(),
            &InspectTerms::without_config(abort_after),
            OutputForm::Json,
            &mut out,
        )
        .unwrap();
        serde_json::from_slice::<Value>(&out).unwrap()["state"].clone()
    };

    let touch = |ago: u64| {
        let time = std::time::SystemTime::now() - Duration::from_secs(ago);
        std::fs::File::options()
            .append(true)
            .open(&log)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    touch(60);
    assert_eq!(state_after(ABORT_AFTER), "running");
    assert_eq!(
        state_after(Duration::from_secs(30)),
        "aborted",
        "as the configuration says"
    );
    touch(3 * 60 * 60);
    assert_eq!(state_after(ABORT_AFTER), "aborted");
}

#[test]
fn a_project_is_json_for_scripts() {
    let project = json("shop");

    assert_eq!(project["kind"], "project");
    assert_eq!(project["name"], "Shop & Co");
    assert_eq!(project["settings"]["token"], "set");
    assert_eq!(
        project["settings"]["test_plans"],
        json!([{"id": 18, "name": "Regression"}])
    );
    let bad = &project["test_cases"][0];
    assert_eq!(bad["id"], "Test Cases/Bad id");
    assert_eq!(bad["azure_ids"], json!([12]));
    assert_eq!(bad["warnings"].as_array().unwrap().len(), 2);
    assert_eq!(json("shop/shop.prj"), project);
}

#[test]
fn a_test_without_a_file_is_a_warning() {
    let run = json("shop/Reports/20240105_100000/Statuses/20240105_100000");
    let warnings = run["warnings"].to_string();

    assert!(
        warnings.contains("`Test Cases/Gone` has no test case file any more; renamed or deleted?"),
        "{warnings}"
    );
}

#[test]
fn a_folder_that_is_neither_is_an_error_that_says_what_to_give() {
    let folder = tempfile::tempdir().unwrap();

    let error = inspect(
        folder.path(),
        &InspectTerms::without_config(ABORT_AFTER),
        OutputForm::Text,
        &mut Vec::new(),
    )
    .unwrap_err();

    assert!(
        error
            .to_string()
            .contains("neither a run folder nor a Katalon project"),
        "{error}"
    );
}
