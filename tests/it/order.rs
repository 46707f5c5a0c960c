//! Which run comes first, and what becomes of one that comes too late.

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{SuiteRunWriter, Test};
use jiff::SignedDuration;

use crate::support::{Machine, age, finished, start_of, tc};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A run of one test case, so many hours after the first one.
fn run(hours: i64, case: &str) -> SuiteRunWriter {
    finished([Test::passed(&tc(case))]).start(start_of() + SignedDuration::from_hours(hours))
}

#[test]
fn an_older_run_is_parked_where_its_points_have_a_newer_result() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &run(1, "Sign in")).code, 0);

    let late = machine.submit(&shop, &run(0, "Sign in"));

    assert_eq!(late.code, 1, "{late:?}");
    machine.ado_run();
    let row = machine
        .rows()
        .into_iter()
        .find(|row| row["state"] == "parked")
        .unwrap();
    insta::assert_snapshot!(
        row["error"].as_str().unwrap(),
        @"late: test point 11 has a newer result already, from run 1 of `kado runs`, and Azure DevOps would show this older outcome as the latest; `late = \"send\"` and `kado runs retry 2` send it all the same"
    );
}

#[test]
fn a_late_run_is_sent_where_that_is_wanted() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &run(1, "Sign in")).code, 0);
    assert_eq!(machine.submit(&shop, &run(0, "Sign in")).code, 1);
    machine.configure("late = \"send\"\n");
    assert_eq!(machine.kado(&["runs", "retry", "2"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn a_run_that_waits_is_sent_before_a_newer_one_of_its_plan() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let unavailable = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("POST", "/runs", Nth::Every, unavailable));
    let older = machine.submit(&shop, &run(0, "Sign in"));
    machine.fake.clear_faults();

    let newer = machine.submit(&shop, &run(1, "Sign in"));

    assert_eq!((older.code, newer.code), (4, 0), "{older:?} {newer:?}");
    let held = machine.ado_runs();
    assert_eq!(held.len(), 2);
    assert!(held[0].started < held[1].started, "{held:?}");
    assert!(machine.rows().iter().all(|row| row["state"] == "submitted"));
}

#[test]
fn a_run_that_a_newer_one_passed_while_its_results_waited_is_parked() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let unavailable = FaultAction::unavailable();
    machine.fake.fault(Fault::new(
        "PATCH",
        "/Runs/150/results",
        Nth::Every,
        unavailable,
    ));
    machine.submit(&shop, &run(0, "Sign in"));

    // It has one more attempt before the newer one, and that fails as well.
    let newer = machine.submit(&shop, &run(1, "Sign in"));
    machine.fake.clear_faults();
    let older = machine.kado(&["run", "--once"]);

    assert_eq!(newer.code, 0, "{newer:?}");
    assert_eq!(older.code, 1, "{older:?}");
    let row = machine
        .rows()
        .into_iter()
        .find(|row| row["state"] == "parked")
        .unwrap();
    assert_eq!(row["id"], 1);
    assert!(
        row["error"].as_str().unwrap().contains("from run 2 of"),
        "{row}"
    );
    let held = machine.ado_runs();
    assert_eq!(held[0].state, "InProgress");
    assert_eq!(held[1].state, "Completed");
}

#[test]
fn a_run_whose_results_arrived_before_a_newer_one_is_completed() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    machine.fake.fault(Fault::new(
        "POST",
        "/attachments",
        Nth::Every,
        FaultAction::unavailable(),
    ));
    machine.submit(&shop, &run(0, "Sign in"));
    machine.fake.clear_faults();

    let newer = machine.submit(&shop, &run(1, "Sign in"));
    let older = machine.kado(&["run", "--once"]);

    assert_eq!(newer.code, 0, "{newer:?}");
    assert_eq!(older.code, 0, "{older:?}");
    assert!(
        machine
            .ado_runs()
            .iter()
            .all(|run| run.state == "Completed")
    );
}

#[test]
fn an_older_run_on_other_points_is_sent() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &run(1, "Sign in")).code, 0);

    let older = machine.submit(&shop, &run(0, "Add to cart"));

    assert_eq!(older.code, 0, "{older:?}");
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn waiting_runs_of_a_plan_are_sent_in_the_order_of_their_ends() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&CASES);

    for hours in [2, 0, 3, 1] {
        age(&run(hours, "Sign in").write_in(&shop).unwrap());
    }
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    let started: Vec<_> = machine
        .ado_runs()
        .iter()
        .filter_map(|run| run.started)
        .collect();
    let wanted: Vec<_> = (0..4)
        .map(|hours| start_of() + SignedDuration::from_hours(hours))
        .collect();
    assert_eq!(started, wanted);
}

#[test]
fn an_older_run_does_not_hold_up_a_newer_one() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&CASES);

    age(&run(0, "Sign in").write_in(&shop).unwrap());
    age(&run(1, "Add to cart").write_in(&shop).unwrap());
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Only(1),
        FaultAction::organization_stopped(),
    ));
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    let points: Vec<_> = machine
        .ado_runs()
        .iter()
        .map(|run| run.results[0].point_id)
        .collect();
    assert_eq!(points, [Some(12), Some(11)]);
}
