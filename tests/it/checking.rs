//! `kado check`: each thing that was looked at, whether it is as it should be, and what mends it.

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, ConfigurationRow, Token};
use serde_json::Value;

use crate::support::{Machine, Output, world};

/// The checks of this name, as `ok: detail`.
fn named(output: &Output, name: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&output.out).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(report["ok"], checks.iter().all(|check| check["ok"] == true), "{report}");
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
    let settings = AzureSettings { configuration_rows: vec![ConfigurationRow::any(1)], ..machine.settings() };
    machine.shop_with(settings, &[("Sign in", "1001"), ("Pay", "1002, 1003"), ("Free", "")]);
    let output = machine.kado(&["check"]);
    assert_eq!(output.code, 0, "{output:?}");
    // How much room and how many file events there are differs from machine to machine.
    let filters = vec![(r"ok     (disk|file events): .*\n(       → .*\n)?", "")];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!(machine.readable(&output.out));
    });
}

#[test]
fn every_mapped_id_is_verified_and_says_what_is_wrong_with_it() {
    let machine =
        Machine::with(world().work_item(1050, "Bug", "It hurts").test_case(1060, "Homeless").point(300, 22, 1002, 1));
    let cases =
        [("A", "1050"), ("B", "1060"), ("C", "4711"), ("D", "1002"), ("E", "x1"), ("F", "${id}"), ("G", "1001")];
    machine.shop(&cases);
    let output = check(&machine);
    assert_eq!(output.code, 1, "{output:?}");
    let found = |name: &str| named(&output, name).concat();
    assert!(found("id 1050").starts_with("false: work item 1050 is a Bug, not a test case"), "{}", found("id 1050"));
    assert!(found("id 1060").starts_with("false: test case 1060 has no test point in test plan 18"));
    assert!(found("id 4711").starts_with("false: work item 4711 does not exist, or this token cannot see it"));
    assert!(found("id 1002").contains("due to multiple Test Points returned. Check Test Points with ID = 12, 300;"));
    assert!(found("id x1").starts_with("false: "));
    assert!(found("id ${id}").starts_with("true: decided by each run"));
    assert!(found("id 1001").starts_with("true: a test case with test point 11"));
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
    assert_eq!(row, "false: configuration 77 does not exist in project Shop");
    assert!(output.out.contains("1 (Windows 10), 2 (Ubuntu)"), "{output:?}");
}

#[test]
fn a_missing_plan_or_project_is_named_with_the_way_out() {
    let machine = Machine::new();
    let missing = AzureSettings::connected(&machine.fake.base_url(), crate::support::TOKEN, "Shop", (99, "Gone"));
    machine.shop_with(missing, &[("Sign in", "1001")]);
    let output = check(&machine);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(named(&output, "test plan 99").concat().starts_with("false: test plan 99 not found in project `Shop`"));
    let missing = AzureSettings::connected(&machine.fake.base_url(), crate::support::TOKEN, "Nowhere", (18, "P"));
    machine.shop_with(missing, &[("Sign in", "1001")]);
    let output = check(&machine);
    assert!(named(&output, "ADO project").concat().starts_with("false: project `Nowhere` not found"), "{output:?}");
}

#[test]
fn refused_credentials_and_a_server_that_is_away_have_exit_codes_of_their_own() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(Fault::new("*", "", Nth::Every, FaultAction::Refused(Refusal::SignInPage203)));
    let refused = check(&machine);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.contains("make a new one"), "{refused:?}");
    machine.fake.clear_faults();
    machine.fake.fault(Fault::new("*", "", Nth::Every, FaultAction::organization_stopped()));
    assert_eq!(check(&machine).code, 4);
}

#[test]
fn offline_nothing_is_asked_and_a_token_that_cannot_be_decrypted_is_told() {
    let machine = Machine::new();
    let settings = AzureSettings { token: Some(Token::Encrypted("REDACTED".to_owned())), ..machine.settings() };
    machine.shop_with(settings, &[("Sign in", "1001")]);
    let output = machine.kado(&["check", "--offline", "--json"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(named(&output, "token of the project").concat().starts_with("false: cannot be decrypted"), "{output:?}");
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn a_switched_off_integration_and_a_second_submitter_are_told() {
    let machine = Machine::new();
    machine.shop_with(AzureSettings { enabled: false, ..machine.settings() }, &[("Sign in", "1001")]);
    let off = machine.kado(&["check", "--offline", "--json"]);
    assert_eq!(named(&off, "integration"), ["false: switched off, so nothing of this project is submitted"]);
    machine.shop(&[("Sign in", "1001")]);
    let on = machine.kado(&["check", "--offline", "--json"]);
    assert_eq!(named(&on, "Katalon's own submission").len(), 1, "{on:?}");
    machine.configure("[submit]\nkatalon_submits = \"never\"\n");
    let told = machine.kado(&["check", "--offline", "--json"]);
    assert!(named(&told, "Katalon's own submission").is_empty(), "{told:?}");
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
    assert!(named(&output, "configuration").concat().contains("unknown key `wacht`"), "{output:?}");
}

#[test]
fn the_status_says_what_waits_and_what_is_wrong() {
    let machine = Machine::new();
    let status = || -> Value { serde_json::from_str(&machine.kado(&["status", "--json"]).out).unwrap() };
    let before = status();
    assert_eq!(
        (&before["running"], &before["pending"], &before["last_success"]),
        (&Value::Bool(false), &0.into(), &Value::Null)
    );
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &crate::support::finished([fake_katalon::Test::passed(&crate::support::tc("Sign in"))]));
    let after = status();
    assert!(after["last_success"].is_string() && after["problems"].as_array().unwrap().is_empty(), "{after}");
    let service = machine.start();
    assert_eq!(status()["running"], true);
    service.stop_cleanly();
    machine.shop(&[("Sign in", "1099")]);
    let parked = crate::support::finished([fake_katalon::Test::passed(&crate::support::tc("Sign in"))]);
    machine.submit(&shop, &parked.start(crate::support::now()));
    let problem = machine.kado(&["status"]);
    assert_eq!(problem.code, 1, "{problem:?}");
    assert!(problem.out.contains("is parked: no result can be submitted"), "{problem:?}");
}
