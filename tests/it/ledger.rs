//! `kado runs` and `kado submit`, beside a running service and without one.

#![expect(clippy::disallowed_methods, reason = "tests damage and wipe files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;

use fake_ado::{Fault, FaultAction, Nth, Point, Refusal};
use fake_katalon::{SuiteRunWriter, Test};
use serde_json::{Value, json};

use crate::support::{Machine, age, now, start_of, tc, world};

/// A run of a suite whose only test is this test case.
fn run(suite: &str, case: &str) -> SuiteRunWriter {
    SuiteRunWriter::new(suite)
        .pace(20)
        .test(Test::passed(&tc(case)))
}

/// A shop where `Sign in` can be submitted and `Lost` has no point.
fn machine() -> (Machine, std::path::PathBuf) {
    let machine = Machine::with(world().test_case(1099, "Lost"));
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Lost", "1099")]);

    (machine, shop)
}

fn add_point(machine: &Machine) {
    let point = Point {
        id: 99,
        plan: 18,
        suite: 21,
        test_case: 1099,
        configuration: 1,
        ..Point::default()
    };
    machine
        .fake
        .world()
        .project_mut("Shop")
        .unwrap()
        .points
        .push(point);
}

/// All these members are there with these values; later versions may add others.
fn assert_holds(found: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name}");
    }
}

#[test]
fn a_machine_without_runs_says_so() {
    let machine = Machine::new();

    let listed = machine.kado(&["runs"]);

    assert_eq!(listed.code, 0);
    assert_eq!(listed.out.as_str(), "No run is known yet.\n");
    assert_eq!(machine.rows().len(), 0);
}

#[test]
fn people_read_a_table_with_the_reasons_below() {
    let (machine, shop) = machine();

    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Good", "Sign in"))
            .code,
        0
    );
    assert_eq!(
        machine.submit(&shop, &run("Test Suites/Bad", "Lost")).code,
        1
    );

    let listed = machine.kado(&["runs"]);

    assert_eq!(listed.code, 0);
    insta::assert_snapshot!(machine.readable(&listed.out));
}

#[test]
fn people_read_every_result_of_one_run() {
    let (machine, shop) = machine();
    let run = run("Test Suites/Good", "Sign in").test(Test::failed(&tc("Lost"), "no"));

    assert_eq!(machine.submit(&shop, &run).code, 1);

    let shown = machine.kado(&["runs", "show", "1"]);

    assert_eq!(shown.code, 0, "{shown:?}");
    let mut filters = insta::Settings::clone_current();
    filters.add_filter(r"Key +[0-9a-f]+", "Key          [key]");
    filters.add_filter(r"(LOG|HTML) +\d+", "$1 [bytes]");
    filters.bind(|| {
        insta::assert_snapshot!(machine.readable_briefly(&shown.out));
    });
}

#[test]
fn people_read_what_happened_to_a_run_and_scripts_the_same() {
    let (machine, shop) = machine();
    // Several files go at once, in no order.
    machine.configure("history = \"all\"\n[submit]\nattachments = [\"LOG\"]\n");
    let refused = FaultAction::Refused(Refusal::Empty401);
    machine
        .fake
        .fault(Fault::new("POST", "attachments$", Nth::Only(1), refused));
    let run = run("Test Suites/Good", "Sign in").test(Test::failed(&tc("Pay"), "no").screenshot());
    machine.submit(&shop, &run);
    machine.kado(&["runs", "retry", "1"]);

    let shown = machine.kado(&["runs", "show", "1", "--history"]);
    let json = machine.kado(&["runs", "show", "1", "--history", "--json"]);

    let told = shown.out.split("\n\n").last().unwrap_or_default();
    let mut filters = insta::Settings::clone_current();
    filters.add_filter(r"20\d\d-\d\d-\d\d[T ]\S+", "[time]");
    filters.bind(|| {
        insta::assert_snapshot!(machine.readable(told));
    });
    let json: Value = serde_json::from_str(&json.out).expect("it is JSON");
    let mut events = Vec::new();
    for entry in json["history"].as_array().expect("it has a history") {
        events.push(format!("{} {}", entry["event"], entry["detail"]));
    }
    insta::assert_snapshot!(events.join("\n"));
}

#[test]
fn a_row_is_json_as_the_contract_has_it() {
    let (machine, shop) = machine();
    let folder = run("Test Suites/Good", "Sign in")
        .test(Test::passed(&tc("Lost")))
        .write_in(&shop)
        .unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 1);
    let row = machine.row();
    let run = machine.ado_run();
    let expected = json!({
        "id": 1,
        "key": row["key"],
        "project": "Shop",
        "suite": "Test Suites/Good",
        "folder": folder.to_string_lossy(),
        "started": "2026-05-06T08:15:02.117Z",
        "ended": row["ended"],
        "plan_id": 18,
        "state": "submitted",
        "ado_run_id": run.id,
        "url": row["url"],
        "results": 1,
        "attachments": 0,
        "skipped": row["skipped"],
        "error": null,
        "next_attempt": null,
    });
    assert_holds(&row, &expected);
    assert_eq!(&row["skipped"][0]["test"], &json!("Test Cases/Lost"));
    assert_eq!(&row["skipped"][0]["azure_id"], &json!(1099));
    assert!(
        row["url"]
            .as_str()
            .unwrap()
            .starts_with(&machine.fake.base_url()),
        "{row}"
    );

    let shown = machine
        .kado(&["runs", "show", "1", "--json"])
        .out
        .parse()
        .unwrap();

    assert_holds(&shown, &expected);
}

#[test]
fn an_id_that_nobody_knows_is_exit_1() {
    let (machine, shop) = machine();

    for arguments in [
        ["runs", "show", "7"],
        ["runs", "retry", "7"],
        ["runs", "forget", "7"],
    ] {
        let before = machine.kado(&arguments);

        assert_eq!(before.code, 1, "{before:?}");
        assert!(before.err.contains('7'), "{before:?}");
    }

    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Good", "Sign in"))
            .code,
        0
    );

    for action in ["retry", "forget"] {
        let done = machine.kado(&["runs", action, "1"]);

        assert_eq!(
            done.code, 1,
            "what is submitted can neither be tried again nor forgotten: {done:?}"
        );
    }

    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn forgotten_runs_stay_listed_and_are_not_submitted_by_themselves() {
    let (machine, shop) = machine();

    age(&run("Test Suites/Bad", "Lost").write_in(&shop).unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 1);

    let forgotten = machine.kado(&["runs", "forget", "1"]);

    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    add_point(&machine);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.row()["state"], "ignored");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn retry_and_forget_print_the_rows_as_json() {
    let (machine, shop) = machine();

    assert_eq!(
        machine.submit(&shop, &run("Test Suites/Bad", "Lost")).code,
        1
    );

    let forgotten = machine.kado(&["runs", "forget", "1", "--json"]);

    assert_eq!(forgotten.code, 0, "{forgotten:?}");

    let rows: serde_json::Value = forgotten.out.parse().unwrap();

    assert_eq!(&rows[0]["id"], &json!(1), "{rows}");
    assert_eq!(&rows[0]["state"], &json!("ignored"), "{rows}");

    add_point(&machine);

    let retried = machine.kado(&["runs", "retry", "1", "--json"]);

    assert_eq!(retried.code, 0, "{retried:?}");

    let rows: serde_json::Value = retried.out.parse().unwrap();

    assert_eq!(&rows[0]["id"], &json!(1), "{rows}");
    assert_eq!(&rows[0]["state"], &json!("submitted"), "{rows}");

    let unknown = machine.kado(&["runs", "retry", "7", "--json"]);

    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert_eq!(unknown.out.trim(), "[]", "{unknown:?}");
}

#[test]
fn whoever_forgets_a_run_that_was_begun_is_told_of_its_test_run() {
    let (machine, shop) = machine();
    machine.fake.fault(Fault::new(
        "PATCH",
        "results$",
        Nth::Only(1),
        FaultAction::Refused(Refusal::Empty401),
    ));

    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Good", "Sign in"))
            .code,
        3
    );

    let forgotten = machine.kado(&["runs", "forget", "1"]);

    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert!(
        forgotten
            .out
            .starts_with("1 is forgotten; test run 150, which it began, stays"),
        "{forgotten:?}"
    );
}

#[test]
fn retry_failed_takes_up_everything_that_is_parked() {
    let (machine, shop) = machine();

    assert_eq!(
        machine.submit(&shop, &run("Test Suites/Bad", "Lost")).code,
        1
    );
    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Worse", "Lost"))
            .code,
        1
    );
    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Good", "Sign in"))
            .code,
        0
    );

    add_point(&machine);

    let retried = machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert!(
        machine
            .states()
            .iter()
            .all(|row| row.ends_with(" submitted")),
        "{:?}",
        machine.states()
    );
    assert_eq!(machine.ado_runs().len(), 3);
}

#[test]
fn retry_plans_anew_from_todays_settings() {
    let (machine, shop) = machine();

    assert_eq!(
        machine.submit(&shop, &run("Test Suites/Bad", "Lost")).code,
        1
    );
    machine.shop(&[("Sign in", "1001"), ("Lost", "1005")]);
    assert_eq!(machine.kado(&["runs", "retry", "1"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_run().results[0].point_id, Some(15));
}

#[test]
fn retry_does_not_take_settings_that_cannot_be_read_for_those_of_before() {
    let (machine, shop) = machine();

    assert_eq!(
        machine.submit(&shop, &run("Test Suites/Bad", "Lost")).code,
        1
    );

    let settings = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    fs::remove_file(&settings).unwrap();
    fs::create_dir(&settings).unwrap();

    let refused = machine.kado(&["runs", "retry", "1"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("cannot be read anew"), "{refused:?}");
    assert!(
        machine.states()[0].starts_with("Test Suites/Bad parked"),
        "{:?}",
        machine.states()
    );

    // Where the project is gone there is only what was read before.
    fs::remove_dir_all(&shop).unwrap();

    let retried = machine.kado(&["runs", "retry", "1"]);

    assert!(retried.out.contains("waits: no token"), "{retried:?}");
}

#[test]
fn whoever_retries_all_that_failed_is_told_that_there_is_none() {
    let machine = Machine::new();

    let retried = machine.kado(&["runs", "retry", "--failed"]);
    let as_json = machine.kado(&["runs", "--json", "retry", "--failed"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(
        retried.out,
        "No run needs a person or waits with an error; `kado runs` lists all.\n"
    );
    assert_eq!(as_json.out.trim(), "[]", "{as_json:?}");
}

#[test]
fn submit_beside_a_service_goes_through_it_and_waits() {
    let (machine, shop) = machine();
    machine.configure("history = \"2026-06-01T00:00:00Z\"\n");
    let folder = run("Test Suites/Good", "Sign in").write_in(&shop).unwrap();

    let service = machine.start();

    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(
        submitted.out.contains("submitted as test run"),
        "{submitted:?}"
    );
    assert_eq!(machine.ado_run().state, "Completed");

    service.wait_for_log("asked by the command line");

    let again = machine.submit_folder(&folder);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(
        again
            .err
            .contains("already; `--again` submits it once more"),
        "{again:?}"
    );

    machine.ado_run();

    service.stop_cleanly();
}

#[test]
fn submit_beside_a_service_says_what_was_not_done() {
    let (machine, shop) = machine();
    machine.configure("history = \"2026-06-01T00:00:00Z\"\n");
    let parked = run("Test Suites/Bad", "Lost").write_in(&shop).unwrap();
    let partly = run("Test Suites/Partly", "Sign in")
        .test(Test::passed(&tc("Lost")))
        .write_in(&shop)
        .unwrap();

    let service = machine.start();

    let submitted = machine.submit_folder(&parked);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(submitted.out.contains("parked"), "{submitted:?}");
    let submitted = machine.submit_folder(&partly);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains("left out: Test Cases/Lost"),
        "{submitted:?}"
    );
    let refused = machine.submit_folder(&shop);
    assert_eq!(refused.code, 1, "{refused:?}");

    service.stop_cleanly();
}

#[test]
fn the_ledger_works_beside_a_service() {
    let (machine, shop) = machine();

    let service = machine.start();
    age(&run("Test Suites/Bad", "Lost").write_in(&shop).unwrap());
    age(&run("Test Suites/Worse", "Lost")
        .start(now())
        .write_in(&shop)
        .unwrap());
    machine.wait_for_rows("two parked runs", |rows| {
        rows.iter().filter(|row| row.contains(" parked ")).count() == 2
    });

    let id = |suite: &str| {
        machine
            .rows()
            .iter()
            .find(|row| row["suite"] == suite)
            .unwrap()["id"]
            .to_string()
    };
    let (bad, worse) = (id("Test Suites/Bad"), id("Test Suites/Worse"));
    assert_eq!(machine.kado(&["runs", "show", &bad]).code, 0);

    let forgotten = machine.kado(&["runs", "forget", &worse]);

    assert_eq!(forgotten.code, 0, "{forgotten:?}");

    add_point(&machine);

    let retried = machine.kado(&["runs", "retry", &bad]);

    assert_eq!(retried.code, 0, "{retried:?}");

    machine.wait_for_completed(1);
    service.stop_cleanly();

    let run = machine.ado_run();
    assert_eq!(run.started, Some(start_of()));
    assert_eq!(run.results[0].point_id, Some(99));
    let states: Vec<_> = machine
        .rows()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert!(
        states.contains(&json!("submitted")) && states.contains(&json!("ignored")),
        "{states:?}"
    );
}

#[test]
fn retry_failed_takes_up_what_waits_with_an_error_and_goes_on_where_it_was() {
    let (machine, shop) = machine();
    let refused = FaultAction::Refused(Refusal::Expired401);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Every, refused));

    assert_eq!(
        machine
            .submit(&shop, &run("Test Suites/Good", "Sign in"))
            .code,
        3
    );
    assert_eq!(machine.row()["state"], "submitting");
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["runs", "retry", "--failed"]).code, 0);
    let row = machine.row();
    assert_eq!(&row["error"], &json!(null));
    assert_eq!(&row["next_attempt"], &json!(null));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_run().state, "Completed");
}
