//! Which test points get a result.

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, ConfigurationRow, SuiteRunWriter, Test, TestCaseFile};

use crate::support::{Machine, SUITE, finished, tc, world};

const CASES: [(&str, &str); 3] = [
    ("Sign in", "1001"),
    ("Add to cart", "1002"),
    ("Pay by card", "1003"),
];

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::passed(&tc("Add to cart")),
        Test::passed(&tc("Pay by card")),
    ])
}

/// Points with a result, in the order of the run.
fn points(machine: &Machine) -> Vec<u32> {
    machine
        .ado_run()
        .results
        .iter()
        .filter_map(|result| result.point_id)
        .collect()
}

/// Where each test case has a point for both configurations, 1 and 2.
fn two_configurations() -> Machine {
    Machine::with((1001..=1003).fold(world(), |world, id| world.point(id - 900, 22, id, 2)))
}

fn with_rows(machine: &Machine, rows: Vec<ConfigurationRow>) -> AzureSettings {
    AzureSettings {
        configuration_rows: rows,
        ..machine.settings()
    }
}

#[test]
fn a_test_case_without_a_point_is_reported_and_the_rest_goes_on() {
    let machine = Machine::with(world().test_case(1099, "Not in the plan"));
    let shop = machine.shop(&[
        ("Sign in", "1001"),
        ("Add to cart", "1099"),
        ("Pay by card", "1003"),
    ]);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    insta::assert_snapshot!(machine.readable(&submitted.out), @r"
    Test Suites/Smoke (test plan 18): submitted as test run 150 with 2 results and 0 attachments
        [server]/Shop/_TestManagement/Runs?runId=150&_a=runCharts
        left out: Test Cases/Add to cart: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
    Test Plans > Runs in Azure DevOps shows manual runs of the past 7 days at first: set its filter `Run type` to `Automated` to find these there.
    ");
    assert_eq!(points(&machine), [11, 13]);
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert!(run.comment.unwrap().contains("1099"));
    let skipped = &machine.row()["skipped"][0];
    assert_eq!(skipped["test"], "Test Cases/Add to cart");
    assert_eq!(skipped["azure_id"], 1099);
}

#[test]
fn several_points_are_refused_with_katalons_own_message() {
    let machine = Machine::with(world().point(7, 22, 1002, 1).point(52, 22, 1002, 2));
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let message = "Cannot create test results for Azure DevOps Test Case ID=1002 due to multiple Test Points returned. \
         Check Test Points with ID = 7, 12, 52; or allow sending test results anyway in project settings.";
    assert_eq!(machine.row()["skipped"][0]["reason"], message);
    assert!(submitted.out.contains(message), "{submitted:?}");
    let run = machine.ado_run();
    assert!(
        run.comment.as_deref().unwrap().contains(message),
        "{:?}",
        run.comment
    );
    assert_eq!(points(&machine), [11, 13]);
}

#[test]
fn several_points_get_a_result_each_where_that_is_allowed() {
    let machine = Machine::with(world().point(7, 22, 1002, 1).point(52, 22, 1002, 2));
    let shop = machine.shop_with(
        AzureSettings {
            multiple_points: true,
            ..machine.settings()
        },
        &CASES,
    );

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [11, 7, 12, 52, 13]);
    assert!(
        machine
            .ado_run()
            .results
            .iter()
            .all(|result| result.outcome == "Passed")
    );
}

#[test]
fn kado_can_allow_several_points() {
    let machine = Machine::with(world().point(7, 22, 1002, 1));
    machine.configure("[submit]\nmultiple_points = true\n");
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(points(&machine), [11, 7, 12, 13]);
}

#[test]
fn the_configuration_of_the_run_picks_the_points() {
    let machine = two_configurations();
    let rows = vec![
        ConfigurationRow::new("--Any--", "Firefox", 1),
        ConfigurationRow::new("--Any--", "Chrome", 2),
    ];
    let shop = machine.shop_with(with_rows(&machine, rows), &CASES);

    assert_eq!(
        machine
            .submit(
                &shop,
                &run().configuration("Chrome").browser("Chrome 148.0")
            )
            .code,
        0
    );
    assert_eq!(points(&machine), [101, 102, 103]);
}

#[test]
fn the_most_specific_row_wins_and_names_are_compared_without_case() {
    let machine = two_configurations();
    let rows = vec![
        ConfigurationRow::any(1),
        ConfigurationRow::new("--Any--", "CHROME", 2),
    ];
    let shop = machine.shop_with(with_rows(&machine, rows), &CASES);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(points(&machine), [101, 102, 103]);
}

#[test]
fn of_equally_specific_rows_the_first_one_counts() {
    let by_system = || ConfigurationRow::new("Windows", "--Any--", 1);
    let by_browser = || ConfigurationRow::new("--Any--", "Chrome", 2);

    for (rows, wanted) in [
        ([by_system(), by_browser()], [11, 12, 13]),
        ([by_browser(), by_system()], [101, 102, 103]),
    ] {
        let machine = two_configurations();
        let shop = machine.shop_with(with_rows(&machine, rows.to_vec()), &CASES);

        assert_eq!(
            machine
                .submit(&shop, &run().os("Windows 11 64bit").browser("Chrome 148.0"))
                .code,
            0
        );
        assert_eq!(points(&machine), wanted);
    }
}

#[test]
fn a_row_of_another_profile_does_not_count() {
    let machine = two_configurations();
    let staging = ConfigurationRow {
        profile: Some("staging".to_owned()),
        ..ConfigurationRow::any(2)
    };
    let shop = machine.shop_with(
        with_rows(&machine, vec![ConfigurationRow::any(1), staging]),
        &CASES,
    );

    assert_eq!(machine.submit(&shop, &run().profile("default")).code, 0);
    assert_eq!(points(&machine), [11, 12, 13]);
}

#[test]
fn without_a_fitting_row_points_are_not_filtered() {
    let machine = Machine::new();
    let rows = vec![ConfigurationRow::new("--Any--", "Safari", 2)];
    let shop = machine.shop_with(with_rows(&machine, rows), &CASES);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(points(&machine), [11, 12, 13]);
}

#[test]
fn a_test_case_without_a_point_in_the_configuration_is_reported() {
    let machine = Machine::with(world().point(101, 22, 1001, 2));
    let shop = machine.shop_with(with_rows(&machine, vec![ConfigurationRow::any(2)]), &CASES);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [101]);
    assert!(
        submitted
            .out
            .contains("test case 1002 has no test point with configuration 2"),
        "{submitted:?}"
    );
}

#[test]
fn points_of_other_plans_are_not_used() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_plans = [19]\n");
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.ado_run().plan_id, Some(19));
    assert_eq!(points(&machine), [91]);
}

#[test]
fn each_of_several_plans_gets_a_run() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_plans = [18, 19]\n");
    let shop = machine.shop(&[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let plans: Vec<_> = machine
        .ado_runs()
        .iter()
        .map(|run| (run.plan_id, run.state.clone()))
        .collect();
    assert_eq!(
        plans,
        [
            (Some(18), "Completed".to_owned()),
            (Some(19), "Completed".to_owned())
        ]
    );
}

#[test]
fn points_are_read_to_the_last_page() {
    let many = (0..450).fold(world(), |world, n| {
        world
            .test_case(5000 + n, "Many")
            .point(7000 + n, 22, 5000 + n, 1)
    });
    let machine = Machine::with(many);
    let shop = machine.shop(&[
        ("Sign in", "5449"),
        ("Add to cart", "5000"),
        ("Pay by card", "5222"),
    ]);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [7449, 7000, 7222]);
}

#[test]
fn more_results_than_fit_into_one_request_all_arrive() {
    let many = (0..230).fold(world(), |world, n| {
        world
            .test_case(5000 + n, "Many")
            .point(7000 + n, 22, 5000 + n, 1)
    });
    let machine = Machine::with(many);
    let name = |n: u32| format!("Many {n}");
    let cases = (0..230).map(|n| TestCaseFile::new(&tc(&name(n))).azure(&(5000 + n).to_string()));
    let shop = machine.project("Shop", machine.settings(), cases);
    let tests = (0..230).map(|n| {
        if n == 229 {
            Test::failed(&tc(&name(n)), "no")
        } else {
            Test::passed(&tc(&name(n)))
        }
    });

    let submitted = machine.submit(&shop, &finished(tests));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.results.len(), 230);
    assert!(run.results.iter().all(|result| result.state == "Completed"));
    assert_eq!(run.result_of_point(7229).unwrap().outcome, "Failed");
}

#[test]
fn a_run_without_any_point_is_parked_and_listed() {
    let machine = Machine::with(world().test_case(1099, "Not in the plan"));
    let shop = machine.shop(&[("Sign in", "1099")]);

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    insta::assert_snapshot!(machine.readable(&submitted.out), @r"
    Test Suites/Smoke (test plan 18): parked: no result can be submitted: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
        left out: Test Cases/Sign in: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
    ");
    assert_eq!(machine.ado_runs().len(), 0);
    let row = machine.row();
    assert_eq!(row["state"], "parked");
    assert!(row["error"].as_str().unwrap().contains("1099"), "{row}");
    assert_eq!(row["skipped"][0]["azure_id"], 1099);
}

#[test]
fn a_parked_run_goes_on_when_a_person_has_put_the_test_case_into_the_plan() {
    let machine = Machine::with(world().test_case(1099, "Not in the plan"));
    let shop = machine.shop(&[("Sign in", "1099")]);

    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 1);
    let point = fake_ado::Point {
        id: 99,
        plan: 18,
        suite: 21,
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
    assert_eq!(machine.kado(&["runs", "retry", "1"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(points(&machine), [99]);
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_run_is_planned_anew_when_a_point_was_removed_before_it_could_be_sent() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    let unavailable = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("POST", "test/runs", Nth::Every, unavailable));
    let run = finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Pay"))]);

    assert_eq!(machine.submit(&shop, &run).code, 4);

    machine.fake.clear_faults();
    machine
        .fake
        .world()
        .project_mut("Shop")
        .unwrap()
        .points
        .retain(|point| point.id != 12);

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(machine.states(), [format!("{SUITE} submitted")], "{sent:?}");
    let row = machine.row();
    assert_eq!(row["results"], 1, "{row}");
    assert_eq!(row["skipped"][0]["kind"], "no-point", "{row}");
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn a_server_that_gives_less_on_a_page_than_it_is_asked_for_is_read_to_the_end() {
    for version in ["7.1", "5.0"] {
        let machine = Machine::with(world().with(|settings| {
            settings.max_api_version = version.to_owned();
            settings.most_on_a_page = 2;
        }));
        let shop = machine.shop(&CASES);

        let submitted = machine.submit(&shop, &run());

        assert_eq!(submitted.code, 0, "{version} {submitted:?}");
        assert_eq!(points(&machine), [11, 12, 13], "{version}");
        assert_eq!(machine.ado_run().state, "Completed", "{version}");
    }
}

#[test]
fn results_are_read_until_each_point_has_its_own_and_no_further() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let reads = machine
        .fake
        .requests()
        .iter()
        .filter(|request| request.method == "GET" && request.path.ends_with("/results"))
        .count();
    assert_eq!(reads, 1);
}
