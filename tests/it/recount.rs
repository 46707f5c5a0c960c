//! Counted again: what Azure DevOps holds of a run, compared with what was sent.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_ado::{Fault, FaultAction, Nth, Refusal, Settings};
use fake_katalon::{SuiteRunWriter, Test};
use serde_json::{Value, json};

use crate::page::{get, port};
use crate::support::{Machine, Output, age, finished, now, tc, world};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A run with a test that passed, for point 11, and one that failed, for point 12.
fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Add to cart"), "the cart is empty"),
    ])
}

/// A machine whose ADO behaves so, with these lines of configuration, and what submitting a run
/// there led to.
fn submitted(configuration: &str, alter: impl FnOnce(&mut Settings)) -> (Machine, Output) {
    let machine = Machine::with(world().with(alter));
    machine.configure(configuration);
    let shop = machine.shop(&CASES);
    let done = machine.submit(&shop, &run());
    (machine, done)
}

/// How often results were read after the run was completed.
fn reads_after_completion(machine: &Machine) -> usize {
    let requests = machine.fake.requests();
    let completed = requests
        .iter()
        .rposition(|request| request.method == "PATCH" && !request.path.ends_with("/results"))
        .unwrap();
    requests[completed..]
        .iter()
        .filter(|request| request.method == "GET" && request.path.ends_with("/results"))
        .count()
}

/// Somebody takes a result out of the run after it was completed.
fn lose_result_of_point(machine: &Machine, point: u32) {
    let mut world = machine.fake.world();
    let run = world.run_mut(150).unwrap();
    run.results.retain(|result| result.point_id != Some(point));
}

fn verify(machine: &Machine, arguments: &[&str]) -> Output {
    machine.kado(&[&["runs", "verify"], arguments].concat())
}

#[test]
fn what_arrived_as_it_was_sent_is_said_and_costs_no_request() {
    let (machine, done) = submitted("", |_| {});

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        machine.row()["recount"],
        json!({"planned": 2, "in_ado": 2, "different": 0, "differences": []})
    );
    assert_eq!(reads_after_completion(&machine), 0);
}

#[test]
fn a_result_that_the_server_lost_is_told_and_counts() {
    let (machine, done) = submitted("", |settings| settings.lose_result_of_point = Some(12));

    assert_eq!(done.code, 1, "{done:?}");
    let told =
        "test point 12 (test case 1002): Failed was sent, Azure DevOps has no completed result";
    assert!(done.out.contains(told), "{done:?}");
    let row = machine.row();
    assert_eq!(row["state"], "submitted");
    assert_eq!(
        row["recount"]["differences"],
        json!([{"point_id": 12, "azure_id": 1002, "planned": "Failed", "found": null}])
    );
    let shown = machine.kado(&["runs", "show", "1"]);
    assert!(shown.out.contains(told), "{shown:?}");
    let listed = machine.kado(&["runs"]);
    assert!(
        listed.out.contains("1 submitted: 1 result not as sent"),
        "{listed:?}"
    );
}

#[test]
fn the_page_and_the_status_tell_of_results_that_are_not_as_they_were_sent() {
    let machine = Machine::with(world().with(|settings| settings.lose_result_of_point = Some(12)));
    machine.configure("[status_page]\nlisten = \"127.0.0.1:0\"\n");
    let shop = machine.shop(&CASES);
    machine.submit(&shop, &run().start(now()));
    let service = machine.start();
    let port = port(&service);

    let (_, page) = get(port, "/");
    let (_, of_run) = get(port, "/runs/1");
    let status = machine.kado(&["status"]);

    let note = "Azure DevOps holds other results than were sent: 1 run of the last seven days";
    assert!(page.contains(&format!("<h1>{note}")), "{page}");
    assert!(page.contains("1 result not as sent"), "{page}");
    assert!(
        of_run.contains("not as sent: test point 12 (test case 1002): Failed was sent"),
        "{of_run}"
    );
    assert!(status.out.contains(&format!("note: {note}")), "{status:?}");
    assert_eq!(status.code, 0, "{status:?}");
}

#[test]
fn an_outcome_that_no_count_shows_is_found_by_reading_all() {
    let alter = |settings: &mut Settings| settings.change_result_of_point = Some(12);

    // The answer counts all results and those that passed: both are as they should be.
    let (machine, by_counts) = submitted("", alter);
    assert_eq!(by_counts.code, 0, "{by_counts:?}");
    drop(machine);

    let (machine, by_results) = submitted("[submit]\nverify = \"full\"\n", alter);
    assert_eq!(by_results.code, 1, "{by_results:?}");
    assert_eq!(
        machine.row()["recount"]["differences"][0]["found"],
        "Inconclusive"
    );
}

#[test]
fn with_verify_full_all_results_are_read_again() {
    let (machine, done) = submitted("[submit]\nverify = \"full\"\n", |_| {});

    assert_eq!(done.code, 0, "{done:?}");
    // A page, and the empty one that says that there is no more.
    assert_eq!(reads_after_completion(&machine), 2);
    assert_eq!(machine.row()["recount"]["different"], 0);
}

#[test]
fn counts_that_the_server_computes_late_are_no_difference() {
    let (machine, done) = submitted("", |settings| settings.statistics_lag_ms = 3_600_000);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(machine.row()["recount"]["different"], 0);
}

#[test]
fn results_that_cannot_be_read_again_hold_nothing_up() {
    let machine = Machine::new();
    machine.configure("[submit]\nverify = \"full\"\n");
    let shop = machine.shop(&CASES);
    // The results are read once before they are written.
    machine.fake.fault(Fault::new(
        "GET",
        "/results",
        Nth::From(2),
        FaultAction::Refused(Refusal::Forbidden403),
    ));

    let done = machine.submit(&shop, &run());

    let row = machine.row();
    assert_eq!(row["state"], "submitted", "{done:?}");
    assert_eq!(row["recount"]["in_ado"], Value::Null);
    assert!(row["recount"]["uncompared"].is_string(), "{row}");
}

#[test]
fn the_service_says_a_difference_in_its_log() {
    let machine = Machine::with(world().with(|settings| settings.lose_result_of_point = Some(12)));
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&CASES);
    age(&run().write_in(&shop).unwrap());

    let done = machine.kado(&["run", "--once"]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err
            .contains("Azure DevOps holds other results than were sent"),
        "{done:?}"
    );
}

#[test]
fn what_was_sent_earlier_is_compared_without_a_write() {
    let (machine, done) = submitted("", |_| {});
    assert_eq!(done.code, 0, "{done:?}");
    machine.fake.clear_requests();

    let same = verify(&machine, &["1", "--json"]);
    lose_result_of_point(&machine, 11);
    let lost = verify(&machine, &["1", "--json"]);

    assert_eq!(same.code, 0, "{same:?}");
    assert_eq!(lost.code, 1, "{lost:?}");
    let lost: Value = serde_json::from_str(&lost.out).unwrap();
    assert_eq!(
        lost,
        json!([{
            "id": 1,
            "suite": "Test Suites/Smoke",
            "plan_id": 18,
            "ado_run_id": 150,
            "url": lost[0]["url"],
            "planned": 2,
            "in_ado": 1,
            "different": 1,
            "differences":
                [{"point_id": 11, "azure_id": 1001, "planned": "Passed", "found": null}],
        }])
    );
    assert_eq!(machine.writes(), [""; 0]);
    // Nor is it kept: what is in the outbox is what was found when the run was completed.
    assert_eq!(machine.row()["recount"]["different"], 0);
}

#[test]
fn people_read_what_differs_below_a_table() {
    let (machine, _) = submitted("", |_| {});
    lose_result_of_point(&machine, 11);

    let told = verify(&machine, &["--since", "2020-01-01"]);

    assert_eq!(told.code, 1, "{told:?}");
    insta::assert_snapshot!(told.out);
}

#[test]
fn a_server_that_is_away_is_told_once_for_all_runs() {
    let (machine, _) = submitted("", |_| {});
    let shop = machine.work().join("Shop");
    machine.submit(&shop, &run().start(crate::support::now()));
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Every, FaultAction::DropBefore));

    let away = verify(&machine, &["--since", "2020-01-01"]);

    assert_eq!(away.code, 4, "{away:?}");
    assert_eq!(away.out.matches("not compared").count(), 2, "{away:?}");
    assert_eq!(away.out.matches("2 runs: ").count(), 1, "{away:?}");
}

#[test]
fn what_hinders_comparing_has_its_exit_code() {
    let (machine, _) = submitted("", |_| {});

    let refused = Fault::new(
        "GET",
        "/results",
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    );
    machine.fake.fault(refused);
    let refused = verify(&machine, &["1"]);
    machine.fake.clear_faults();
    machine.fake.fault(Fault::new(
        "GET",
        "/results",
        Nth::Every,
        FaultAction::unavailable(),
    ));
    let away = verify(&machine, &["1"]);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.contains("not compared"), "{refused:?}");
    assert_eq!(away.code, 4, "{away:?}");
    assert!(away.out.contains("not compared"), "{away:?}");
}

#[test]
fn a_test_run_that_somebody_deleted_is_told_as_gone() {
    let (machine, _) = submitted("", |_| {});
    machine.fake.world().delete_run(150);

    let told = verify(&machine, &["1"]);
    let as_json = verify(&machine, &["1", "--json"]);

    assert_eq!(told.code, 1, "{told:?}");
    insta::assert_snapshot!(told.out);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json[0]["gone"], true, "{as_json}");
    assert_eq!(as_json[0]["in_ado"], Value::Null, "{as_json}");
}

#[test]
fn only_what_kado_submitted_can_be_compared() {
    let machine = Machine::new();
    let none = verify(&machine, &[]);
    assert_eq!(none.code, 0, "{none:?}");

    let unknown = verify(&machine, &["7"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");

    let shop = machine.shop(&CASES);
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    ));
    assert_eq!(machine.submit(&shop, &run()).code, 3);
    let pending = verify(&machine, &["1"]);
    assert_eq!(pending.code, 1, "{pending:?}");
    assert!(
        pending.err.contains("only what is submitted"),
        "{pending:?}"
    );
}
