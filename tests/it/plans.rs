//! Several test plans for one run: one ADO run for each that has points of it, and everything is
//! told once.

use std::path::PathBuf;

use fake_ado::{Fault, FaultAction, Nth, Refusal, World};
use fake_katalon::{AzureSettings, PlanGeneration, SuiteRunWriter, Test};

use crate::support::{Machine, age, finished, now, tc, world};

const CASES: [(&str, &str); 3] = [
    ("Sign in", "1001"),
    ("Add to cart", "1002"),
    ("Gone", "1099"),
];

/// Plan 18 has points of 1001 and 1002, plan 19 of 1001, plan 20 of neither.
fn three_plans() -> World {
    world()
        .plan(20, "Release 3")
        .suite(41, "Empty")
        .test_case(1099, "In no plan")
}

fn run(names: &[&str]) -> SuiteRunWriter {
    finished(names.iter().map(|name| Test::passed(&tc(name))))
}

/// A machine with a project that has these plans.
fn with_plans(plans: &[u32]) -> (Machine, PathBuf) {
    let machine = Machine::with(three_plans());
    let plans = plans
        .iter()
        .map(|id| (*id, format!("Release {id}")))
        .collect();
    let shop = machine.shop_with(
        AzureSettings {
            plans,
            ..machine.settings()
        },
        &CASES,
    );

    (machine, shop)
}

/// Plan and points of each ADO run, in the order of the plans.
fn arrived(machine: &Machine) -> Vec<(u32, Vec<u32>)> {
    let points = |run: &fake_ado::TestRun| {
        run.results
            .iter()
            .filter_map(|result| result.point_id)
            .collect()
    };
    let mut runs: Vec<_> = machine
        .ado_runs()
        .iter()
        .map(|run| (run.plan_id.unwrap_or_default(), points(run)))
        .collect();
    runs.sort();

    runs
}

/// State, reason and left-out ids of each row, in the order of the plans.
fn told(machine: &Machine) -> String {
    let mut rows = machine.rows();
    rows.sort_by_key(|row| row["plan_id"].as_u64());
    let line = |row: &serde_json::Value| {
        let skipped = row["skipped"].as_array().into_iter().flatten();
        let reasons: Vec<_> = skipped
            .map(|left_out| format!("\n    {}", left_out["reason"].as_str().unwrap()))
            .collect();
        let error = row["error"]
            .as_str()
            .map(|error| format!(": {error}"))
            .unwrap_or_default();
        format!(
            "{} {}{error}{}",
            row["plan_id"],
            row["state"].as_str().unwrap(),
            reasons.concat()
        )
    };

    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_plan_gets_the_results_that_it_has_points_for() {
    let (machine, shop) = with_plans(&[18, 19]);

    let submitted = machine.submit(&shop, &run(&["Sign in", "Add to cart"]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(arrived(&machine), [(18, vec![11, 12]), (19, vec![91])]);
    insta::assert_snapshot!(told(&machine), @r"
    18 submitted
    19 submitted
    ");
}

#[test]
fn plans_are_read_from_the_keys_of_older_katalons_too() {
    for (generation, wanted) in [
        (PlanGeneration::One, vec![18]),
        (PlanGeneration::Both, vec![18, 19]),
    ] {
        let machine = Machine::with(three_plans());
        let plans = vec![(18, "Release 1".to_owned()), (19, "Release 2".to_owned())];
        let settings = AzureSettings {
            plans,
            plan_generation: generation,
            ..machine.settings()
        };
        let shop = machine.shop_with(settings, &CASES);

        assert_eq!(machine.submit(&shop, &run(&["Sign in"])).code, 0);
        let plans: Vec<_> = arrived(&machine)
            .into_iter()
            .map(|(plan, _)| plan)
            .collect();
        assert_eq!(plans, wanted, "{generation:?}");
    }
}

#[test]
fn a_plan_without_a_point_of_the_run_is_ignored_when_another_has_some() {
    for order in [[18, 20], [20, 18]] {
        let (machine, shop) = with_plans(&order);

        let submitted = machine.submit(&shop, &run(&["Sign in", "Add to cart"]));

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(arrived(&machine), [(18, vec![11, 12])]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&machine), @r"
            18 submitted
            20 ignored: no test of this run has a test point in test plan 20; its results go to test plan 18
            ");
        }
    }
}

#[test]
fn an_id_without_a_point_in_any_plan_is_told_once() {
    for order in [[18, 19, 20], [20, 19, 18]] {
        let (machine, shop) = with_plans(&order);

        let submitted = machine.submit(&shop, &run(&["Sign in", "Add to cart", "Gone"]));

        assert_eq!(submitted.code, 1, "{submitted:?}");
        assert_eq!(arrived(&machine), [(18, vec![11, 12]), (19, vec![91])]);
        assert_eq!(
            submitted.out.matches("test case 1099").count(),
            1,
            "{}",
            submitted.out
        );
        let comments: String = machine
            .ado_runs()
            .into_iter()
            .filter_map(|run| run.comment)
            .collect();
        assert_eq!(
            comments
                .matches("test case 1099 has no test point in any of the test plans")
                .count(),
            1,
            "{comments}"
        );
    }
}

#[test]
fn a_run_without_a_point_in_any_plan_is_parked() {
    let (machine, shop) = with_plans(&[18, 20]);

    let submitted = machine.submit(&shop, &run(&["Gone"]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.ado_runs().len(), 0);
    insta::assert_snapshot!(told(&machine), @r"
    18 parked: no result can be submitted: test case 1099 has no test point in any of the test plans 18, 20; add it to a suite of one of them, or correct the id
        test case 1099 has no test point in any of the test plans 18, 20; add it to a suite of one of them, or correct the id
    20 parked: no result can be submitted: no test of this run has a test point in test plan 20, and none in the others; see its submission to test plan 18
    ");
}

#[test]
fn a_parked_run_of_several_plans_goes_on_when_one_of_them_has_the_test_case() {
    let (machine, shop) = with_plans(&[18, 20]);

    machine.submit(&shop, &run(&["Gone"]));

    let point = fake_ado::Point {
        id: 99,
        plan: 20,
        suite: 41,
        test_case: 1099,
        configuration: 1,
        ..Default::default()
    };
    machine
        .fake
        .world()
        .project_mut("Shop")
        .unwrap()
        .points
        .push(point);
    assert_eq!(machine.kado(&["runs", "retry", "--failed"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(arrived(&machine), [(20, vec![99])]);
    insta::assert_snapshot!(told(&machine), @r"
    18 ignored: no test of this run has a test point in test plan 18; its results go to test plan 20
    20 submitted
    ");
}

#[test]
fn several_points_in_one_plan_do_not_hold_up_the_other() {
    let machine = Machine::with(three_plans().point(92, 41, 1001, 1).point(93, 41, 1001, 2));
    let plans = vec![(18, "Release 1".to_owned()), (20, "Release 3".to_owned())];
    let shop = machine.shop_with(
        AzureSettings {
            plans,
            ..machine.settings()
        },
        &CASES,
    );

    let submitted = machine.submit(&shop, &run(&["Sign in"]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(arrived(&machine), [(18, vec![11])]);
    assert!(
        submitted
            .out
            .contains("Check Test Points with ID = 92, 93;"),
        "{submitted:?}"
    );
    assert!(
        told(&machine).contains("20 parked"),
        "an ambiguity needs a person: {}",
        told(&machine)
    );
}

#[test]
fn a_plan_that_is_gone_is_parked_and_the_others_go_on() {
    let (machine, shop) = with_plans(&[77, 18]);

    let submitted = machine.submit(&shop, &run(&["Sign in", "Gone"]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(arrived(&machine), [(18, vec![11])]);
    let told = told(&machine);
    assert!(told.contains("77 parked: test plan 77 not found"), "{told}");
    assert_eq!(told.matches("1099").count(), 1, "{told}");
}

#[test]
fn a_plan_that_the_token_may_not_read_holds_up_only_itself() {
    let (machine, shop) = with_plans(&[18, 19]);
    let refusal = FaultAction::Refused(Refusal::Forbidden403);
    machine
        .fake
        .fault(Fault::new("GET", "lans/19", Nth::Every, refusal));

    assert_eq!(
        machine
            .submit(&shop, &run(&["Sign in", "Add to cart"]))
            .code,
        3
    );
    assert_eq!(arrived(&machine), [(18, vec![11, 12])]);
    let states: Vec<String> = machine
        .rows()
        .iter()
        .map(|row| format!("{} {}", row["plan_id"], row["state"]))
        .collect();
    assert_eq!(states.len(), 2, "{states:?}");
    assert!(
        states.contains(&"18 \"submitted\"".to_owned())
            && states.contains(&"19 \"pending\"".to_owned()),
        "{states:?}"
    );

    machine.fake.clear_faults();

    machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(arrived(&machine), [(18, vec![11, 12]), (19, vec![91])]);
}

#[test]
fn what_a_plan_that_cannot_be_read_may_hold_is_not_called_missing() {
    let (machine, shop) = with_plans(&[20, 19]);
    let closed = || FaultAction::Refused(Refusal::Forbidden403);
    machine
        .fake
        .fault(Fault::new("GET", "lans/19", Nth::Every, closed()));

    assert_eq!(machine.submit(&shop, &run(&["Sign in"])).code, 3);
    let waits =
        "no test of this run has a test point in test plan 20, and test plan 19 cannot be read";
    assert!(
        machine.rows().iter().any(|row| row["error"] == waits),
        "{:?}",
        machine.states()
    );

    machine.fake.clear_faults();

    machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(arrived(&machine), [(19, vec![91])]);

    let (machine, shop) = with_plans(&[18, 19]);
    machine
        .fake
        .fault(Fault::new("GET", "lans/19", Nth::Every, closed()));

    machine.submit(&shop, &run(&["Sign in", "Gone"]));

    let row = machine
        .rows()
        .into_iter()
        .find(|row| row["plan_id"] == 18)
        .unwrap();
    assert_eq!(row["state"], "submitted", "{row}");
    assert_eq!(row["skipped"][0]["kind"], "unread", "{row}");
    let reason = row["skipped"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("the submission to test plan 19 says whether it has one there"),
        "{reason}"
    );
}

#[test]
fn a_plan_that_does_not_answer_is_named_and_not_waited_for_for_ever() {
    let (machine, shop) = with_plans(&[18, 19]);
    let away = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("GET", "lans/19", Nth::Every, away));

    let folder = run(&["Sign in"]).write_in(&shop).unwrap();
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    // What a command waits for meanwhile is in its log alone, if somebody asks for that.
    command.env("KADO_LOG", "warn");
    let submitted = crate::support::finish(command);

    assert_eq!(submitted.code, 4, "{submitted:?}");
    assert!(
        submitted.err.contains(
            "test plan 19, which this run goes to as well: Azure DevOps answered with status 503"
        ),
        "{submitted:?}"
    );
    assert_eq!(arrived(&machine), [(18, vec![11])]);
}

#[test]
fn the_service_submits_to_each_plan_as_well() {
    let (machine, shop) = with_plans(&[20, 18, 19]);
    machine.configure("history = \"all\"\n");

    age(&run(&["Sign in", "Gone"])
        .start(now())
        .write_in(&shop)
        .unwrap());
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(arrived(&machine), [(18, vec![11]), (19, vec![91])]);
}

#[test]
fn a_run_submitted_to_one_of_two_plans_is_known_the_next_time() {
    let (machine, shop) = with_plans(&[18, 20]);
    let folder = run(&["Sign in"]).write_in(&shop).unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let again = machine.submit_folder(&folder);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.err.contains("submitted already"), "{again:?}");
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn a_dry_run_says_which_plan_gets_nothing() {
    let (machine, shop) = with_plans(&[18, 20]);
    let folder = run(&["Sign in"]).write_in(&shop).unwrap();

    let planned = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);

    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(
        planned
            .out
            .contains("the results of this run go to test plan 18"),
        "{planned:?}"
    );

    let machine_read = machine.kado(&["submit", "--dry-run", "--json", &folder.to_string_lossy()]);

    let plans: serde_json::Value = serde_json::from_str(&machine_read.out).unwrap();
    let points = |place: usize| plans[place]["points"].as_array().unwrap().len();
    assert_eq!(points(0), 1);
    assert_eq!(points(1), 0);
}
