//! `kado check`: each thing that was looked at, whether it is as it should be, and what mends it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs with fewer rights, and exchange files"
)]

use std::fs;

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, ConfigurationRow, TestCaseFile, Token};
use serde_json::Value;

use crate::support::{Machine, Output, finished, tc, world};

/// The checks of this name, as `ok: detail`.
fn named(output: &Output, name: &str) -> Vec<String> {
    let report: Value =
        serde_json::from_str(&output.out).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let checks = report["checks"].as_array().unwrap();

    assert_eq!(
        report["ok"],
        checks.iter().all(|check| check["ok"] == true),
        "{report}"
    );
    checks
        .iter()
        .filter(|check| check["name"] == name)
        .map(|check| format!("{}: {}", check["ok"], check["detail"].as_str().unwrap()))
        .collect()
}

fn check(machine: &Machine) -> Output {
    machine.kado(&["check", "--json"])
}

#[test]
fn a_project_that_is_as_it_should_be_passes() {
    let machine = Machine::new();
    let settings = AzureSettings {
        configuration_rows: vec![ConfigurationRow::any(1)],
        ..machine.settings()
    };
    machine.shop_with(
        settings,
        &[("Sign in", "1001"), ("Pay", "1002, 1003"), ("Free", "")],
    );

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 0, "{output:?}");
    // How much room and how many file events there are differs from machine to machine.
    let filters = vec![(r"(ok|note) +(disk|file events): .*\n(       → .*\n)?", "")];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(machine.readable_briefly(&output.out));
    });
}

#[test]
fn every_mapped_id_is_verified_and_says_what_is_wrong_with_it() {
    let machine = Machine::with(
        world()
            .work_item(1050, "Bug", "It hurts")
            .test_case(1060, "Homeless")
            .point(300, 22, 1002, 1),
    );
    let cases = [
        ("A", "1050"),
        ("B", "1060"),
        ("C", "4711"),
        ("D", "1002"),
        ("E", "x1"),
        ("F", "${id}"),
        ("G", "1001"),
    ];
    machine.shop(&cases);

    let output = check(&machine);

    assert_eq!(output.code, 1, "{output:?}");
    let found = |name: &str| named(&output, name).concat();
    assert!(
        found("id 1050").starts_with("false: work item 1050 is a Bug, not a test case"),
        "{}",
        found("id 1050")
    );
    assert!(
        found("id 1060").starts_with("false: test case 1060 has no test point in test plan 18")
    );
    assert!(
        found("id 4711")
            .starts_with("false: work item 4711 does not exist, or this token cannot see it")
    );
    assert!(
        found("id 1002")
            .contains("due to multiple Test Points returned. Check Test Points with ID = 12, 300;")
    );
    assert!(found("id x1").starts_with("false: "));
    assert!(found("id ${id}").starts_with("true: decided by each run"));
    assert!(found("id 1001").starts_with("true: a test case with test point 11"));
}

/// Two rows, for configuration 1 (Windows 10) and 2 (Ubuntu).
fn two_rows(machine: &Machine) -> AzureSettings {
    let configuration_rows = vec![
        ConfigurationRow::new("Windows", "Chrome", 1),
        ConfigurationRow::new("Linux", "--Any--", 2),
    ];
    AzureSettings {
        configuration_rows,
        ..machine.settings()
    }
}

/// What people read of ids and of runs without a row.
fn of_ids(output: &Output) -> String {
    let mut of_ids = Vec::new();
    let mut is_of_ids = false;
    for line in output.out.lines() {
        // What is indented belongs to the check above it.
        if !line.starts_with(' ') {
            let (_, what) = line.split_once(' ').unwrap_or_default();
            let what = what.trim_start();
            is_of_ids = what.starts_with("id ")
                || what.contains(" ids: ")
                || what.starts_with("runs that no row");
        }
        if is_of_ids {
            of_ids.push(line);
        }
    }
    of_ids.join("\n")
}

#[test]
fn each_row_of_the_mapping_wants_a_point_with_its_configuration() {
    let machine = Machine::with(
        world()
            .point(302, 22, 1002, 2)
            .plan(29, "Third")
            .suite(51, "S")
            .point(303, 51, 1003, 2),
    );
    let settings = AzureSettings {
        plans: vec![(18, "A".into()), (29, "C".into())],
        ..two_rows(&machine)
    };
    machine.shop_with(
        settings,
        &[
            ("Sign in", "1001"),
            ("Pay", "1002"),
            ("Ship", "1003"),
            ("Return", "1004"),
        ],
    );
    let output = check(&machine);

    assert_eq!(
        output.code, 0,
        "a test need not run in every configuration: {output:?}"
    );
    assert_eq!(
        named(&output, "id 1001"),
        [
            "true: test case 1001 has no test point with configuration 2 (Ubuntu) [mapping Linux / any / \
             any] in any of the test plans 18, 29, only with 1 (Windows 10), for Test Cases/Sign in"
        ]
    );
    assert_eq!(
        named(&output, "id 1002"),
        ["true: a test case with test point 12, 302, for Test Cases/Pay"]
    );
    assert_eq!(
        named(&output, "id 1003"),
        ["true: a test case with test point 13, 303, for Test Cases/Ship"]
    );
    insta::assert_snapshot!(of_ids(&machine.kado(&["check"])));
}

#[test]
fn nothing_is_wrong_that_a_row_may_make_right_which_was_not_read() {
    let machine = Machine::with(
        world()
            .plan(29, "Third")
            .suite(51, "S")
            .point(303, 51, 1003, 2)
            .point(304, 51, 1001, 1),
    );
    // One more than is read; the last one has the configuration of the point.
    let mut configuration_rows = Vec::new();
    for number in 0..1000 {
        let browser = format!("Chrome {number}");
        configuration_rows.push(ConfigurationRow::new("Windows", &browser, 1));
    }
    configuration_rows.push(ConfigurationRow::new("Linux", "Firefox", 2));
    let settings = AzureSettings {
        plans: vec![(29, "C".into())],
        configuration_rows,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Ship", "1003")]);

    let output = check(&machine);

    let told = named(&output, "id 1003").concat();
    assert!(told.starts_with("true: "), "{told}");
    let told = named(&output, "test configurations").concat();
    assert!(
        told.contains("not all rows of the mapping can be read"),
        "{told}"
    );
}

#[test]
fn a_plan_that_could_not_be_read_may_have_the_points_that_are_missing() {
    let machine = Machine::with(world().test_case(1060, "Homeless"));
    let settings = AzureSettings {
        plans: vec![(18, "A".into()), (99, "B".into())],
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1060")]);

    let output = check(&machine);

    assert!(
        named(&output, "test plan 99")
            .concat()
            .contains("`kado list plans`"),
        "{output:?}"
    );
    let told = named(&output, "id 1060").concat();
    assert!(
        told.contains("no test point in test plan 18 (99 could not be read)"),
        "{told}"
    );
}

#[test]
fn a_row_that_never_matches_wants_no_points() {
    let machine = Machine::new();
    let row = |configuration| ConfigurationRow::new("Windows", "Chrome", configuration);
    let settings = AzureSettings {
        configuration_rows: vec![row(1), row(2)],
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let output = check(&machine);

    assert!(
        named(&output, "mapping Windows / Chrome / any")
            .concat()
            .contains("never matches"),
        "{output:?}"
    );
    assert_eq!(
        named(&output, "id 1001"),
        ["true: a test case with test point 11, for Test Cases/Sign in"]
    );
}

#[test]
fn several_points_for_one_run_are_told_with_katalons_words() {
    let world = || world().point(301, 22, 1001, 1).point(302, 22, 1002, 2);
    let cases = [("Sign in", "1001"), ("Pay", "1002"), ("Ship", "1003")];
    let machine = Machine::with(world());
    machine.shop(&cases);

    let output = check(&machine);

    assert_eq!(output.code, 1, "{output:?}");
    for (id, points) in [(1001, "11, 301"), (1002, "12, 302")] {
        let told = named(&output, &format!("id {id}")).concat();
        let exact = format!(
            "false: Cannot create test results for Azure DevOps Test Case ID={id} due to multiple Test Points returned. \
             Check Test Points with ID = {points}; or allow sending test results anyway in project settings."
        );

        assert!(told.starts_with(&exact), "{told}");
    }
    insta::assert_snapshot!(of_ids(&machine.kado(&["check"])));
    machine.configure("[submit]\nmultiple_points = true\n");
    assert_eq!(check(&machine).code, 0);
}

#[test]
fn points_of_several_configurations_are_told_for_runs_that_no_row_fits() {
    let world = (1001..=1010)
        .fold(world(), |world, id| world.point(id - 600, 22, id, 2))
        .point(500, 22, 1003, 1);
    let machine = Machine::with(world);
    let cases = [("A", "1001"), ("B", "1002"), ("C", "1003")];
    machine.shop_with(two_rows(&machine), &cases);

    let output = check(&machine);

    assert_eq!(
        output.code, 1,
        "1003 has two points with configuration 1: {output:?}"
    );
    assert!(
        named(&output, "runs that no row of the mapping fits")
            .concat()
            .starts_with("true: "),
        "{output:?}"
    );
    insta::assert_snapshot!(of_ids(&machine.kado(&["check"])));

    let caught = two_rows(&machine);
    let rows = caught
        .configuration_rows
        .iter()
        .cloned()
        .chain([ConfigurationRow::any(1)])
        .collect();
    let cases = [("A", "1001"), ("B", "1002"), ("C", "")];
    machine.shop_with(
        AzureSettings {
            configuration_rows: rows,
            ..caught
        },
        &cases,
    );

    let output = check(&machine);

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        named(&output, "runs that no row of the mapping fits").len(),
        0,
        "{output:?}"
    );
}

#[test]
fn hundreds_of_ids_with_the_same_finding_are_told_together() {
    let world = (2001..=2300).fold(world(), |world, id| {
        world.test_case(id, &format!("Case {id}"))
    });
    let world = (2001..=2150).fold(world, |world, id| world.point(id, 21, id, 1));
    let machine = Machine::with(world);
    let cases: Vec<_> = (2001..=2300)
        .map(|id| (format!("Case {id}"), id.to_string()))
        .collect();
    let cases: Vec<_> = cases.iter().map(|(name, id)| (&**name, &**id)).collect();
    machine.shop_with(two_rows(&machine), &cases);

    let told = machine.kado(&["check"]);

    assert!(told.out.lines().count() < 60, "{told:?}");
    insta::assert_snapshot!(of_ids(&told));
    assert_eq!(named(&check(&machine), "id 2300").len(), 1);
}

#[test]
fn ids_that_only_a_run_can_resolve_are_told_together() {
    let machine = Machine::new();
    let cases: Vec<_> = (1..=30).map(|number| format!("Case {number}")).collect();
    let cases: Vec<_> = cases
        .iter()
        .map(|name| (&**name, "${id}"))
        .chain([("Sign in", "1001"), ("Bad", "x1")])
        .collect();
    machine.shop(&cases);

    let told = machine.kado(&["check"]);

    assert!(
        told.out.contains("30 ids: decided by each run") && told.out.lines().count() < 50,
        "{told:?}"
    );
    assert_eq!(named(&check(&machine), "id ${id}").len(), 30);
}

#[test]
fn an_id_that_is_mapped_twice_is_told_whatever_else_it_lacks() {
    let machine = Machine::new();
    machine.shop(&[
        ("Sign in", "1001"),
        ("Again", "1001, 4711"),
        ("Pay", "4711"),
    ]);

    let output = check(&machine);

    for (id, tests) in [
        (1001, "Test Cases/Again, Test Cases/Sign in"),
        (4711, "Test Cases/Again, Test Cases/Pay"),
    ] {
        let told = named(&output, &format!("id {id}"));

        assert!(
            told.contains(&format!("true: mapped to several test cases: {tests}")),
            "{told:?}"
        );
    }
}

#[test]
fn a_mapping_to_a_configuration_that_does_not_exist_names_those_that_do() {
    let machine = Machine::new();
    let settings = AzureSettings {
        configuration_rows: vec![ConfigurationRow::new("Windows", "Chrome", 77)],
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let output = check(&machine);

    assert_eq!(output.code, 1, "{output:?}");
    let row = named(&output, "mapping Windows / Chrome / any").concat();
    assert_eq!(
        row,
        "false: configuration 77 does not exist in project Shop"
    );
    assert!(
        output.out.contains("1 (Windows 10), 2 (Ubuntu)"),
        "{output:?}"
    );
}

#[test]
fn a_missing_plan_or_project_is_named_with_the_way_out() {
    let machine = Machine::new();
    let missing = AzureSettings::connected(
        &machine.fake.base_url(),
        crate::support::TOKEN,
        "Shop",
        (99, "Gone"),
    );
    machine.shop_with(missing, &[("Sign in", "1001")]);

    let output = check(&machine);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        named(&output, "test plan 99")
            .concat()
            .starts_with("false: test plan 99 not found in project `Shop`")
    );
    assert_eq!(
        named(&output, "mapped ids"),
        ["false: not looked at: no test plan could be read"]
    );

    let missing = AzureSettings::connected(
        &machine.fake.base_url(),
        crate::support::TOKEN,
        "Nowhere",
        (18, "P"),
    );
    machine.shop_with(missing, &[("Sign in", "1001")]);

    let output = check(&machine);

    assert!(
        named(&output, "ADO project")
            .concat()
            .starts_with("false: project `Nowhere` not found"),
        "{output:?}"
    );
}

#[test]
fn refused_credentials_and_a_server_that_is_away_have_exit_codes_of_their_own() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::Refused(Refusal::SignInPage203),
    ));

    let refused = check(&machine);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.contains("make a new one"), "{refused:?}");
    machine.fake.clear_faults();
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::organization_stopped(),
    ));
    assert_eq!(check(&machine).code, 4);
}

#[test]
fn offline_nothing_is_asked_and_a_token_that_cannot_be_decrypted_is_told() {
    let machine = Machine::new();
    let settings = AzureSettings {
        token: Some(Token::Encrypted("REDACTED".to_owned())),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let output = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        named(&output, "token of the project")
            .concat()
            .starts_with("false: cannot be decrypted"),
        "{output:?}"
    );
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn in_settings_that_cannot_be_read_nothing_else_is_missed() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    let settings = "Shop/settings/external/com.kms.katalon.integration.azure.properties";
    let settings = machine.work().join(settings);
    fs::remove_file(&settings).unwrap();
    fs::create_dir(&settings).unwrap();

    let told = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(told.code, 1, "{told:?}");
    assert_eq!(named(&told, "settings").len(), 1, "{told:?}");
    assert_eq!(named(&told, "server"), [""; 0]);
    assert_eq!(named(&told, "integration"), [""; 0]);
}

#[test]
fn a_switched_off_integration_and_a_second_submitter_are_told() {
    let machine = Machine::new();
    machine.shop_with(
        AzureSettings {
            enabled: false,
            ..machine.settings()
        },
        &[("Sign in", "1001")],
    );

    let off = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(off.code, 0, "{off:?}");
    assert_eq!(
        named(&off, "integration"),
        [
            "true: switched off in Katalon, so nothing of this project is submitted and nothing else of it is looked at"
        ]
    );

    machine.shop(&[("Sign in", "1001")]);

    let on = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(named(&on, "Katalon's own submission").len(), 1, "{on:?}");

    machine.configure("[submit]\nkatalon_submits = \"never\"\n");

    let told = machine.kado(&["check", "--offline", "--json"]);

    assert!(
        named(&told, "Katalon's own submission").is_empty(),
        "{told:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_watched_and_a_bad_configuration_are_told() {
    let machine = Machine::new();
    let missing = machine.work().join("not there");
    machine.configure_only(&format!("watch = ['{}']\n", missing.display()));

    let output = check(&machine);

    assert_eq!(output.code, 1, "{output:?}");
    let found = named(&output, &format!("watch {}", missing.display()));
    assert!(found.concat().starts_with("false: "), "{output:?}");

    machine.configure_only("wacht = []\n");

    let output = check(&machine);

    assert_eq!(output.code, 2, "{output:?}");
    assert!(
        named(&output, "configuration")
            .concat()
            .contains("unknown key `wacht`"),
        "{output:?}"
    );
}

#[test]
fn the_status_says_what_waits_and_what_is_wrong() {
    let machine = Machine::new();

    let status =
        || -> Value { serde_json::from_str(&machine.kado(&["status", "--json"]).out).unwrap() };

    let before = status();
    assert_eq!(&before["running"], &Value::Bool(false));
    assert_eq!(before["pending"], 0);
    assert_eq!(&before["last_success"], &Value::Null);

    let shop = machine.shop(&[("Sign in", "1001")]);

    machine.submit(
        &shop,
        &crate::support::finished([fake_katalon::Test::passed(&crate::support::tc("Sign in"))]),
    );

    let after = status();
    assert!(
        after["last_success"].is_string() && after["problems"].as_array().unwrap().is_empty(),
        "{after}"
    );

    let service = machine.start();

    assert_eq!(status()["running"], true);

    service.stop_cleanly();
    machine.shop(&[("Sign in", "1099")]);
    let parked =
        crate::support::finished([fake_katalon::Test::passed(&crate::support::tc("Sign in"))]);
    machine.submit(&shop, &parked.start(crate::support::now()));
    let problem = machine.kado(&["status"]);

    assert_eq!(problem.code, 1, "{problem:?}");
    assert!(
        problem
            .out
            .contains("is parked: no result can be submitted"),
        "{problem:?}"
    );
}

#[test]
fn an_outcome_that_ado_does_not_have_is_named_with_those_that_it_has() {
    let machine = Machine::new();
    let mapped = |words: [(&str, &str); 3]| AzureSettings {
        status_mappings: words
            .map(|(status, word)| (status.to_owned(), word.to_owned()))
            .to_vec(),
        ..machine.settings()
    };

    let told = |settings| {
        machine.shop_with(settings, &[("Sign in", "1001")]);
        let output = machine.kado(&["check", "--offline"]);
        let lines = output
            .out
            .lines()
            .skip_while(|line| !line.contains("status mapping"))
            .take(2);
        (output.code, lines.collect::<Vec<_>>().join("\n"))
    };

    let (code, text) = told(mapped([
        ("PASSED", "Passed"),
        ("SKIPPED", "Skipped"),
        ("ERROR", "Broken"),
    ]));
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text, @r"
    WRONG  status mapping: Azure DevOps has no such outcome: `Broken` for ERROR, which counts as Error; `Skipped` for SKIPPED, which counts as NotExecuted
           → correct it in Katalon's Azure DevOps settings under Execution Status Mapping; the outcomes are Passed, Failed, Error, Aborted, Timeout, Blocked, Inconclusive, Warning, NotExecuted, NotApplicable, NotImpacted, InProgress, Paused, None, Unspecified
    ");
    let (code, text) = told(mapped([
        ("PASSED", "passed"),
        ("SKIPPED", "NotApplicable"),
        ("INCOMPLETE", "InProgress"),
    ]));
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text.lines().next().unwrap(), @"ok     status mapping: PASSED is passed, SKIPPED is NotApplicable, INCOMPLETE is InProgress, FAILED is Failed, ERROR is Error");
}

#[test]
fn a_result_whose_outcome_ado_does_not_have_has_katalons_default() {
    let machine = Machine::new();
    let settings = AzureSettings {
        status_mappings: vec![("FAILED".to_owned(), "Broken".to_owned())],
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001"), ("Pay", "1002")]);
    let tests = [
        fake_katalon::Test::passed(&tc("Sign in")),
        fake_katalon::Test::failed(&tc("Pay"), "no"),
    ];

    let submitted = machine.submit(&shop, &finished(tests));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let told = "FAILED is mapped to `Broken`, which is not an outcome of Azure DevOps, so its results are Failed";
    assert!(submitted.out.contains(told), "{submitted:?}");
    let run = machine.ado_run();
    assert!(
        run.comment.as_deref().unwrap_or_default().contains(told),
        "{run:?}"
    );
    let outcomes: Vec<_> = run
        .results
        .iter()
        .map(|result| result.outcome.as_str())
        .collect();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(outcomes, vec!["Passed", "Failed"]);
}

#[test]
fn that_nobody_submits_is_told_where_submitting_is_left_to_a_katalon_that_does_not() {
    let machine = Machine::new();
    machine.configure("[submit]\nkatalon_submits = \"always\"\n");

    let told = |settings: AzureSettings| {
        machine.shop_with(settings, &[("Sign in", "1001")]);
        let output = machine.kado(&["check", "--offline"]);
        let own = output
            .out
            .lines()
            .skip_while(|line| !line.contains("Katalon's own submission"))
            .take(2);
        format!("{}\n{}", output.code, own.collect::<Vec<_>>().join("\n"))
    };

    insta::assert_snapshot!(told(AzureSettings { auto_submit: false, ..machine.settings() }), @r#"
    1
    WRONG  Katalon's own submission: nobody submits: `submit.katalon_submits` is "always", but in Katalon automatic submission is off (autoSubmitTestRun)
           → switch it on in Katalon under Project > Settings > Integrations > Azure DevOps; or let kado submit: remove `submit.katalon_submits` and set `submit.auto_submit = true`
    "#);
    insta::assert_snapshot!(told(AzureSettings { enabled: false, ..machine.settings() }), @r#"
    1
    WRONG  Katalon's own submission: nobody submits: `submit.katalon_submits` is "always", but in Katalon the integration is switched off (enableIntegration)
           → switch it on in Katalon under Project > Settings > Integrations > Azure DevOps
    "#);
    insta::assert_snapshot!(told(machine.settings()));
}

#[test]
fn a_version_that_is_none_is_refused_with_the_key_and_an_example() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    let told = |value: &str| {
        machine.configure(&format!("[azure]\napi_version = {value}\n"));
        check(&machine)
    };

    for wrong in [
        "\"latest\"",
        "\"7\"",
        "\"v7.1\"",
        "\"7.1-beta\"",
        "\"7.1-preview.x\"",
        "\"\"",
        "7.1",
        "\"7.1.2\"",
    ] {
        let output = told(wrong);

        assert_eq!(output.code, 2, "{wrong} {output:?}");
        let found = named(&output, "configuration").concat();
        assert!(
            found.contains("`azure.api_version` is ")
                && found.contains("; it must be a version such as \"7.1\""),
            "{wrong} {found}"
        );
    }
    assert!(
        named(&told("\"4.1\""), "configuration")
            .concat()
            .contains("`azure.api_version` is `4.1`; it must be 5.0")
    );
    for fine in [
        "\"7.1\"",
        "\" 6.0 \"",
        "\"7.0-preview\"",
        "\"7.1-preview.2\"",
    ] {
        assert_eq!(told(fine).code, 0, "{fine}");
    }
    let too_new = told("\"7.2-preview\"");
    assert_eq!(
        too_new.code, 1,
        "the fake is no newer than 7.1: {too_new:?}"
    );
    let connection = named(&too_new, "connection").concat();
    assert!(
        connection.contains("out of range") && connection.contains("`azure.api_version`"),
        "{connection}"
    );
}

#[test]
fn a_table_for_a_folder_that_is_not_there_is_told() {
    let machine = Machine::new();
    machine.configure("[[project]]\npath = \"/no/such/Shop\"\nsubmit.test_plans = [19]\n");

    let checked = machine.kado(&["check", "--offline"]);

    assert!(
        checked
            .out
            .contains("note   [[project]] /no/such/Shop: there is no such folder"),
        "{checked:?}"
    );
}

#[test]
fn ids_that_nobody_looked_at_are_not_told_as_fine() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001"), ("Bad", "x1")]);

    let offline = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(offline.code, 1, "an id is none: {offline:?}");
    assert_eq!(
        named(&offline, "mapped ids"),
        ["false: not looked at: nothing is asked of Azure DevOps (`--offline`)"]
    );
    assert_eq!(named(&offline, "id x1").len(), 1, "{offline:?}");

    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::organization_stopped(),
    ));

    let away = check(&machine);

    assert_eq!(away.code, 4, "{away:?}");
    assert_eq!(
        named(&away, "mapped ids"),
        ["false: not looked at: there is no connection to the server"]
    );
}

#[test]
fn what_was_not_looked_at_is_no_failure_by_itself() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    let offline = machine.kado(&["check", "--offline"]);

    assert_eq!(offline.code, 0, "{offline:?}");
    assert!(
        offline.out.contains("?      mapped ids: not looked at"),
        "{offline:?}"
    );
    assert!(
        offline
            .out
            .ends_with("\nNothing is wrong in what was looked at. 1 thing was not looked at.\n"),
        "{offline:?}"
    );
}

#[test]
fn what_is_switched_off_does_not_pass_for_well() {
    let machine = Machine::new();
    let off = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    machine.shop_with(off, &[("Sign in", "1001")]);

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 0, "{checked:?}");
    let from = checked.out.find("\noff ").unwrap();
    insta::assert_snapshot!(machine.readable_briefly(&checked.out[from..]));
}

#[test]
fn problems_come_first_and_can_be_shown_alone() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    machine.project(
        "Other",
        machine.settings(),
        [TestCaseFile::new(&tc("Pay")).azure("1099")],
    );

    let all = machine.kado(&["check"]);
    let problems = machine.kado(&["check", "--problems"]);

    let first_of_projects = all.out.split("\n\n").nth(1).unwrap();
    let second_line = first_of_projects.lines().nth(1).unwrap();
    assert!(second_line.starts_with("WRONG  id 1099"), "{all:?}");
    assert!(
        all.out.ends_with("1 of 2 projects has problems.\n"),
        "{all:?}"
    );
    insta::assert_snapshot!(machine.readable_briefly(&problems.out), @r"
    [watched]/Other
    WRONG  id 1099: work item 1099 does not exist, or this token cannot see it, for Test Cases/Pay
           → correct it with `kado map set`, or on the Integration tab of the test case in Katalon

    1 of 37 checks failed. 1 of 2 projects has problems.
    ");
}

#[test]
fn nothing_else_is_wrong_with_a_project_whose_integration_is_off() {
    let machine = Machine::new();
    let off = AzureSettings {
        enabled: false,
        server_url: "https://nowhere".to_owned(),
        token: Some(Token::Encrypted("REDACTED".to_owned())),
        plans: Vec::new(),
        ..machine.settings()
    };
    machine.shop_with(off, &[("Sign in", "x1")]);

    let checked = check(&machine);

    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        named(&checked, "integration")
            .concat()
            .starts_with("true: ")
    );
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn settings_that_cannot_be_read_are_not_those_of_a_project_that_is_off() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let settings = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    fs::remove_file(&settings).unwrap();
    fs::create_dir(&settings).unwrap();

    let checked = machine.kado(&["check", "--offline", "--json"]);

    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(
        named(&checked, "settings").concat().starts_with("false: "),
        "{checked:?}"
    );
}

/// A machine whose configuration has this token for its server.
fn with_machine_token(token: &str) -> Machine {
    let machine = Machine::new();
    let file = crate::support::closed_file(&machine.root().join("token"), token);
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\ntoken_file = {file:?}\n",
        machine.fake.base_url()
    ));
    machine
}

#[test]
fn a_token_of_the_project_that_cannot_be_decrypted_is_wrong_and_told_once() {
    let machine = Machine::new();
    let settings = AzureSettings {
        token: Some(Token::Encrypted("REDACTED".to_owned())),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let checked = check(&machine);

    assert_eq!(checked.code, 1, "{checked:?}");
    assert_eq!(
        checked.out.matches("cannot be decrypted").count(),
        1,
        "{checked:?}"
    );
    assert!(
        checked.out.contains("enter it again in Katalon"),
        "{checked:?}"
    );
    assert_eq!(
        named(&checked, "mapped ids"),
        ["false: not looked at: there is no connection to the server"]
    );
}

#[test]
fn a_token_of_the_project_that_the_machines_replaces_is_no_problem() {
    let machine = with_machine_token(crate::support::TOKEN);
    let tokens = [
        None,
        Some(Token::Encrypted("REDACTED".to_owned())),
        Some(Token::Clear("refused-by-the-server".to_owned())),
    ];

    for token in tokens {
        let settings = AzureSettings {
            token,
            server_url: "http://tfs.invalid/tfs/Main".to_owned(),
            ..machine.settings()
        };
        machine.shop_with(settings, &[("Sign in", "1001")]);

        let checked = check(&machine);

        assert_eq!(checked.code, 0, "{checked:?}");
    }
}

#[test]
fn a_token_that_cannot_be_decrypted_and_is_not_needed_is_a_note_with_the_reason() {
    let machine = with_machine_token(crate::support::TOKEN);
    let settings = AzureSettings {
        token: Some(Token::Encrypted("REDACTED".to_owned())),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let told = named(&check(&machine), "token of the project").concat();

    assert!(
        told.starts_with("true: cannot be decrypted")
            && told.contains("it is not needed, because `token_file`"),
        "{told}"
    );
}

#[test]
fn checks_of_several_projects_are_told_apart() {
    let machine = Machine::new();
    let case = |id| [fake_katalon::TestCaseFile::new(&tc("Sign in")).azure(id)];
    let one = machine.project("One", machine.settings(), case("1001, 4711"));
    let two = machine.project("Two", machine.settings(), case("1002, 4712"));

    let told = machine.kado(&["check"]);

    for (project, other) in [("One", "Two"), ("Two", "One")] {
        let part = told
            .out
            .split("\n\n")
            .find(|part| part.contains(&format!("{project}: 1 test case")))
            .unwrap_or_else(|| panic!("{told:?}"));
        let id = if project == "One" { "4711" } else { "4712" };

        assert!(part.contains(&format!("id {id}: work item {id}")), "{part}");
        assert!(!part.contains(&format!("project {}", machine.work().join(other).display())));
    }
    assert!(
        told.out.ends_with(" 2 of 2 projects have problems.\n"),
        "{told:?}"
    );

    let report: Value = serde_json::from_str(&check(&machine).out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    for (root, id) in [(&one, "id 4711"), (&two, "id 4712")] {
        let of_id = checks.iter().find(|check| check["name"] == id).unwrap();

        assert_eq!(of_id["project"], root.to_string_lossy().as_ref());
    }
    assert_eq!(&checks[0]["project"], &Value::Null);
}

/// A command with other rights than root's, as options of `setpriv` say; `None`, and the test is
/// skipped, where that cannot be had.
#[cfg(target_os = "linux")]
fn with_rights(
    options: &[&str],
    program: &std::path::Path,
    plain: &std::process::Command,
) -> Option<std::process::Command> {
    use std::process::Command;

    let possible = Command::new("setpriv").args(options).arg("true").status();
    if !possible.is_ok_and(|status| status.success()) {
        crate::support::skip("there is no `setpriv` here that gives up rights");
        return None;
    }

    let mut command = Command::new("setpriv");
    command.args(options).arg(program).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}

#[cfg(target_os = "linux")]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}

#[cfg(target_os = "linux")]
#[test]
fn a_state_folder_that_this_account_cannot_write_to_is_wrong_and_names_the_account() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(
        &shop,
        &finished([fake_katalon::Test::passed(&tc("Sign in"))]),
    );
    set_mode(&machine.state(), 0o500);
    let plain = machine.command(&["check", "--offline", "--json"]);
    let program = std::path::Path::new(plain.get_program());
    // Without what root may do beside the modes of its files.
    let options = ["--inh-caps=-all", "--bounding-set=-all"];
    let Some(command) = with_rights(&options, program, &plain) else {
        return;
    };

    let checked = crate::support::finish(command);

    set_mode(&machine.state(), 0o700);
    assert_eq!(checked.code, 1, "{checked:?}");
    let told = named(&checked, &format!("state {}", machine.state().display())).concat();
    let id = std::process::Command::new("id")
        .args(["-u", "-n"])
        .output()
        .unwrap();
    let account = String::from_utf8(id.stdout).unwrap();
    assert!(
        told.starts_with(&format!(
            "false: `{}`, which kado runs as here",
            account.trim()
        )),
        "{checked:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn beside_a_service_of_another_account_its_state_folder_is_a_note() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    set_mode(&machine.root(), 0o755);
    let plain = machine.command(&["check", "--offline", "--json"]);
    let program = machine.root().join("kado");
    let options = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let Some(command) = with_rights(&options, &program, &plain) else {
        return;
    };
    // Out of a folder that may be closed to that account.
    fs::copy(plain.get_program(), &program).unwrap();
    let service = machine.start();

    let checked = crate::support::finish(command);

    service.stop_cleanly();
    assert_eq!(checked.code, 0, "{checked:?}");
    let told = named(&checked, &format!("state {}", machine.state().display())).concat();
    assert!(
        told.starts_with("true: belongs to the service of another account"),
        "{checked:?}"
    );
}
