//! `kado submit --dry-run`: the plan, and nothing that writes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_katalon::{SuiteRunWriter, Test, TestCaseFile};
use serde_json::{Value, json};

use crate::support::{Machine, finished, tc, world};

fn run() -> SuiteRunWriter {
    finished([
        Test::failed(&tc("Add to cart"), "the cart is empty").screenshot(),
        Test::passed(&tc("Voucher")).variable("code", "A"),
        Test::passed(&tc("Voucher")).variable("code", "B"),
        Test::passed(&tc("Gone")),
    ])
}

fn shop(machine: &Machine) -> std::path::PathBuf {
    let cases = [
        TestCaseFile::new(&tc("Add to cart")).azure("1002"),
        TestCaseFile::new(&tc("Voucher")).azure("1001"),
        TestCaseFile::new(&tc("Gone")).azure("1099"),
    ];
    machine.project("Shop", machine.settings(), cases)
}

fn plan(machine: &Machine) -> Value {
    let folder = run().write_in(&shop(machine)).unwrap();

    let planned = machine.kado(&["submit", "--dry-run", "--json", &folder.to_string_lossy()]);

    assert_eq!(planned.code, 1, "a mapped id without a point: {planned:?}");
    serde_json::from_str(&planned.out).unwrap()
}

#[test]
fn the_plan_is_json_for_scripts() {
    let machine = Machine::new();

    let mut plans = plan(&machine);

    let files: Vec<Value> = plans[0]["attachments"].as_array().unwrap().clone();
    for file in &files {
        assert!(file["size"].as_u64().unwrap() > 0, "{file}");
    }
    let targets: Vec<_> = files
        .iter()
        .map(|file| (file["target"].clone(), file["type"].clone()))
        .collect();
    assert!(
        targets.contains(&(json!("point:12"), json!("PNG"))),
        "{targets:?}"
    );
    assert!(
        targets.contains(&(json!("run"), json!("LOG"))),
        "{targets:?}"
    );
    assert!(
        targets.contains(&(json!("run"), json!("HTML"))),
        "{targets:?}"
    );
    assert_eq!(files.len(), 3);
    plans[0].as_object_mut().unwrap().remove("attachments");
    let expected = json!([{
        "plan_id": 18,
        "name": "Run by Katalon Studio",
        "build": null,
        "release": null,
        "points": [
            {"point_id": 12, "test_case_id": 1002, "configuration_id": 1, "outcome": "Failed", "iterations": 1},
            {"point_id": 11, "test_case_id": 1001, "configuration_id": 1, "outcome": "Passed", "iterations": 2},
        ],
        "skipped": plans[0]["skipped"],
    }]);
    assert_eq!(plans, expected);
    let skipped = &plans[0]["skipped"][0];
    assert_eq!(&skipped["test"], &json!("Test Cases/Gone"));
    assert_eq!(&skipped["azure_id"], &json!(1099));
}

#[test]
fn nothing_is_sent_that_writes_and_nothing_is_remembered() {
    let machine = Machine::new();

    plan(&machine);

    let requests = machine.fake.requests();
    assert!(!requests.is_empty(), "the points were read");
    assert_eq!(machine.writes(), [""; 0]);
    assert_eq!(machine.ado_runs().len(), 0);
    assert_eq!(machine.rows(), Vec::<Value>::new());
    assert!(
        !machine.state().try_exists().unwrap(),
        "{:?}",
        machine.state()
    );
}

#[test]
fn what_was_planned_is_what_is_submitted() {
    let machine = Machine::new();

    let planned = plan(&machine);

    let folder = run().folder_in(&machine.work().join("Shop"));
    assert_eq!(machine.submit_folder(&folder).code, 1);
    let run = machine.ado_run();
    let points: Vec<_> = run
        .results
        .iter()
        .map(|result| (json!(result.point_id), json!(result.outcome)))
        .collect();
    let wanted: Vec<_> = planned[0]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (point["point_id"].clone(), point["outcome"].clone()))
        .collect();
    assert_eq!(points, wanted);
    let sent = run.attachments.len()
        + run
            .results
            .iter()
            .map(|result| result.attachments.len())
            .sum::<usize>();
    assert_eq!(sent, planned[0]["attachments"].as_array().unwrap().len());
    assert_eq!(machine.row()["skipped"], planned[0]["skipped"]);
}

#[test]
fn people_read_the_plan_as_tables() {
    let machine = Machine::with(world());
    let folder = run().write_in(&shop(&machine)).unwrap();

    let planned = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);

    let mut filters = insta::Settings::clone_current();
    filters.add_filter("kado:[0-9a-f]{8,}", "kado:[key]");
    filters.add_filter(r"\b\d{13}\.png", "[millis].png");
    filters.add_filter(r"(LOG|HTML|PNG) +\d+", "$1 [bytes]");
    filters.bind(|| {
        insta::assert_snapshot!(machine.readable(&planned.out), @r"
        Test plan     18
        Run name      Run by Katalon Studio
        Comment
            kado:[key]
            Test Suites/Smoke on AGENT-01, Windows 11 64bit, Chrome 148.0.7778.97, profile default, Katalon 11.1.3
            4 tests: 3 PASSED, 1 FAILED; 2 results
            Left out:
            - Test Cases/Gone: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id

         Point  Test case  Configuration  Outcome  Katalon  Iterations  Tests
         12     1002       1              Failed   FAILED   1           Test Cases/Add to cart
         11     1001       1              Passed   PASSED   2           Test Cases/Voucher

         Attached to  File                  Type  Bytes
         point:12     [millis].png     PNG [bytes]
         run          execution0.log        LOG [bytes]
         run          20260506_081459.html  HTML [bytes]
        left out: Test Cases/Gone: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
        ");
    });
}

#[test]
fn a_run_that_is_known_can_still_be_planned() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let planned = machine.kado(&["submit", "--dry-run", "--json", &folder.to_string_lossy()]);

    assert_eq!(planned.code, 0, "{planned:?}");
    assert_eq!(machine.rows().len(), 1);
    machine.ado_run();
}
