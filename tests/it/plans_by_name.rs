//! Test plans by name and by what they are for (`submit.test_plans`).

use std::path::PathBuf;

use fake_ado::{Fault, FaultAction, Nth, Plan, World};
use fake_katalon::{SuiteRunWriter, Test};
use serde_json::Value;

use crate::support::{Machine, age, finished, now, tc, world};

/// [`finished`] runs are of 6 May 2026. Plan 20 is the current one then, plan 21 was current before
/// it, plan 22 is the current one of an area.
fn releases() -> World {
    world()
        .plan(20, "Sprint 4")
        .between("2026-05-04T00:00:00Z", "2026-05-08T00:00:00Z")
        .in_area("Shop", "Shop\\Sprint 4")
        .suite(41, "Account")
        .plan(21, "Sprint 3")
        .between("2026-04-27T00:00:00Z", "2026-05-05T00:00:00Z")
        .in_area("Shop", "Shop\\Sprint 3")
        .suite(42, "Account")
        .plan(22, "Web 4")
        .between("2026-05-05T00:00:00Z", "2026-05-08T00:00:00Z")
        .in_area("Shop\\Web", "Shop\\Sprint 4")
        .suite(43, "Account")
        .point(201, 41, 1001, 1)
        .point(211, 42, 1001, 1)
        .point(221, 43, 1001, 1)
}

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// A machine whose kado.toml has these test plans.
fn with_plans(test_plans: &str) -> (Machine, PathBuf) {
    let machine = Machine::with(releases());
    machine.configure(&with_history(test_plans));
    let shop = machine.shop(&[("Sign in", "1001")]);
    (machine, shop)
}

fn with_history(test_plans: &str) -> String {
    format!("history = \"all\"\n[submit]\ntest_plans = {test_plans}\n")
}

/// The plans of the ADO runs.
fn plans(machine: &Machine) -> Vec<u32> {
    let mut plans: Vec<u32> = machine
        .ado_runs()
        .iter()
        .filter_map(|run| run.plan_id)
        .collect();
    plans.sort_unstable();
    plans
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap_or_default()
}

/// Changes a test plan in ADO.
fn change_plan(machine: &Machine, id: u32, change: impl FnOnce(&mut Plan)) {
    let mut world = machine.fake.world();
    let plans = &mut world.project_mut("Shop").unwrap().plans;
    let plan = plans.iter_mut().find(|plan| plan.id == id).unwrap();
    change(plan);
}

#[test]
fn a_plan_is_found_by_its_name() {
    let (machine, shop) = with_plans("[\"release 2\"]");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(plans(&machine), [19]);
    let row = machine.row();
    assert_eq!(row["plan_id"], 19, "{row}");
    assert!(row.get("wanted_plan").is_none(), "{row}");
}

#[test]
fn the_current_plan_is_the_one_around_the_start_of_the_suite_that_began_last() {
    for (description, wanted) in [
        ("{ iteration = \"@current\", area = \"Shop\" }", 22),
        ("{ iteration = \"@current\", area = 'shop\\web' }", 22),
        ("{ iteration = 'Shop\\Sprint 3' }", 21),
    ] {
        let (machine, shop) = with_plans(&format!("[{description}]"));

        let submitted = machine.submit(&shop, &run());

        assert_eq!(submitted.code, 0, "{description} {submitted:?}");
        assert_eq!(plans(&machine), [wanted], "{description}");
    }
}

#[test]
fn an_inactive_plan_is_not_the_current_one() {
    let (machine, shop) = with_plans("[{ iteration = \"@current\" }]");
    change_plan(&machine, 22, |plan| plan.state = "Inactive".into());

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(plans(&machine), [20]);
}

#[test]
fn the_plan_of_the_day_of_the_run_counts_and_not_that_of_the_day_it_is_sent() {
    let (machine, shop) = with_plans("[{ iteration = \"@current\" }]");
    let today = finished([Test::passed(&tc("Sign in"))]).start(now());

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    let submitted = machine.submit(&shop, &today);

    // Today only the plans of the whole year are there, which began at the same moment.
    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(plans(&machine), [22]);
}

#[test]
fn a_name_that_no_plan_has_parks_the_run_with_the_plans_that_there_are() {
    let (machine, shop) = with_plans("[\"Release 12\"]");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    insta::assert_snapshot!(machine.readable(&submitted.out), @"Test Suites/Smoke (test plan `Release 12`): parked: project `Shop` has no test plan called `Release 12`; there are 18 (`Release 1`), 19 (`Release 2`), 20 (`Sprint 4`), 21 (`Sprint 3`), 22 (`Web 4`); correct `submit.test_plans` in kado.toml, then `kado runs retry 1`, or name the plan with `kado runs retry 1 --plan PLAN`");
    assert_eq!(machine.ado_runs().len(), 0);
    let row = machine.row();
    assert_eq!(row["state"], "parked", "{row}");
    assert_eq!(row["plan_id"], Value::Null, "{row}");
    assert_eq!(row["wanted_plan"], "Release 12", "{row}");
}

#[test]
fn of_many_plans_ten_are_named() {
    let world = (50..62).fold(world(), |world, id| world.plan(id, "Release 12"));
    let machine = Machine::with(world);
    machine.configure(&with_history("[\"Release 12\"]"));
    let shop = machine.shop(&[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let row = machine.row();
    let reason = text(&row, "error");
    assert!(
        reason.contains("has several test plans called `Release 12`"),
        "{reason}"
    );
    assert!(
        reason.contains(": 50, 51, 52, 53, 54, 55, 56, 57, 58, 59 … and 2 more"),
        "{reason}"
    );
    assert!(!reason.contains("60"), "{reason}");
}

#[test]
fn a_parked_run_goes_on_when_the_plan_is_there() {
    let (machine, shop) = with_plans("[\"Release 12\"]");
    assert_eq!(machine.submit(&shop, &run()).code, 1);
    change_plan(&machine, 19, |plan| plan.name = "Release 12".into());

    let retried = machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(plans(&machine), [19]);
}

#[test]
fn a_person_may_name_the_plan_of_a_parked_run() {
    let (machine, shop) = with_plans("[\"Release 12\"]");
    assert_eq!(machine.submit(&shop, &run()).code, 1);

    let retried = machine.kado(&["runs", "retry", "1", "--plan", "18"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(plans(&machine), [18]);
    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn several_entries_make_one_run_for_each_plan_that_they_mean() {
    let (machine, shop) = with_plans("[18, \"Release 2\", \"Release 1\", \"Nowhere\"]");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(plans(&machine), [18, 19]);
    let mut states: Vec<String> = machine
        .rows()
        .iter()
        .map(|row| {
            let plan = &row["plan_id"];
            let wanted = text(row, "wanted_plan");
            format!("{} {plan} {wanted}", text(row, "state"))
                .trim_end()
                .to_owned()
        })
        .collect();
    states.sort();
    insta::assert_snapshot!(states.join("\n"), @r"
    ignored null
    parked null Nowhere
    submitted 18
    submitted 19
    ");
}

#[test]
fn a_plan_that_was_found_stays_the_one_of_the_run() {
    let (machine, shop) = with_plans("[{ iteration = \"@current\" }]");
    let away = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("POST", "test/runs$", Nth::Every, away));
    assert_eq!(machine.submit(&shop, &run()).code, 4);

    // Whoever asked now would be told another one.
    change_plan(&machine, 22, |plan| plan.state = "Inactive".into());
    machine.fake.clear_faults();
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(plans(&machine), [22]);
}

#[test]
fn the_service_waits_for_the_list_of_plans_and_sends_the_run_once() {
    let (machine, shop) = with_plans("[\"Release 2\"]");
    let away = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("GET", "testplan/plans?", Nth::First(2), away));
    let service = machine.start();

    age(&run().write_in(&shop).unwrap());

    machine.wait_for_completed(1);
    assert_eq!(plans(&machine), [19]);
    service.stop_cleanly();
}

#[test]
fn the_plan_of_the_command_line_goes_before_a_name() {
    let (machine, shop) = with_plans("[\"Release 12\"]");

    let submitted = machine.submit(&shop, &run().info("adoPlanId", "19"));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(plans(&machine), [19]);
}

#[test]
fn a_run_that_is_asked_for_again_finds_its_plan_again() {
    let (machine, shop) = with_plans("[\"Release 2\"]");
    let folder = run().write_in(&shop).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);

    let known = machine.submit_folder(&folder);
    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);

    assert_eq!(known.code, 0, "{known:?}");
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(plans(&machine), [19, 19]);
}

#[test]
fn dry_runs_lists_and_checks_find_the_plan_as_well() {
    let (machine, shop) = with_plans("[\"Release 2\"]");
    let folder = run().write_in(&shop).unwrap();

    let planned = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);
    let listed = machine.kado(&["list", "test-cases", &shop.to_string_lossy()]);
    let checked = machine.kado(&["check"]);

    assert!(
        planned.code == 0 && planned.out.contains("Test plan     19"),
        "{planned:?}"
    );
    assert!(
        listed.code == 0 && listed.out.contains("Case 1001"),
        "{listed:?}"
    );
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked
            .out
            .contains("test plan `Release 2`: is test plan 19 now"),
        "{checked:?}"
    );
}

#[test]
fn dry_runs_and_checks_say_which_plans_there_are() {
    let (machine, shop) = with_plans("[\"Release 12\"]");
    let folder = run().write_in(&shop).unwrap();
    let said = "project `Shop` has no test plan called `Release 12`; there are 18 (`Release 1`), ";

    let planned = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);
    let checked = machine.kado(&["check"]);

    assert!(
        planned.code == 1 && planned.err.contains(said),
        "{planned:?}"
    );
    assert!(
        checked.code == 1 && checked.out.contains(said),
        "{checked:?}"
    );
}

#[test]
fn a_description_that_cannot_be_right_is_a_problem_of_the_configuration() {
    for (entry, said) in [
        ("{ area = \"Shop\" }", "must be a description such as"),
        ("{ iteration = \"@next\" }", "must have \"@current\""),
        ("{ iteration = 4 }", "a path must be a text"),
        ("\"\"", "must not be empty"),
    ] {
        let machine = Machine::new();
        machine.configure(&with_history(&format!("[{entry}]")));

        let checked = machine.kado(&["check"]);

        assert_eq!(checked.code, 2, "{entry} {checked:?}");
        assert!(checked.out.contains(said), "{entry} {checked:?}");
    }
}
