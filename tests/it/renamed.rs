//! An ADO project that was renamed after Katalon wrote its name down: the GUID beside it counts.

use std::path::PathBuf;

use fake_katalon::{AzureSettings, SuiteRunWriter, Test};

use crate::support::{Machine, finished, tc};

fn run() -> SuiteRunWriter {
    finished([Test::failed(&tc("Sign in"), "no").screenshot()])
}

/// A machine whose project in ADO was called `Shop` and is called `Shop 2`.
fn renamed() -> (Machine, PathBuf) {
    let machine = Machine::new();
    let guid = guid_of_shop(&machine);
    let settings = AzureSettings {
        project: Some((guid, "Shop".to_owned())),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    rename(&machine);
    (machine, shop)
}

fn guid_of_shop(machine: &Machine) -> String {
    let mut world = machine.fake.world();
    world.project_mut("Shop").unwrap().id.clone()
}

fn rename(machine: &Machine) {
    let mut world = machine.fake.world();
    world.rename_project("Shop", "Shop 2");
}

#[test]
fn a_run_goes_to_the_project_by_its_guid_when_its_name_is_gone() {
    let (machine, shop) = renamed();

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.project, "Shop 2");
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn a_project_that_is_renamed_in_the_middle_of_a_run_gets_the_rest_of_it() {
    use fake_ado::{Fault, FaultAction, Nth};

    let machine = Machine::new();
    let settings = AzureSettings {
        project: Some((guid_of_shop(&machine), "Shop".to_owned())),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let away = FaultAction::unavailable();
    machine
        .fake
        .fault(Fault::new("POST", "attachments", Nth::Every, away));
    assert_eq!(machine.submit(&shop, &run()).code, 4);

    rename(&machine);
    machine.fake.clear_faults();
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn the_check_says_what_the_project_is_called_now() {
    let (machine, _) = renamed();

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked
            .out
            .contains("Katalon's settings say `Shop`, it is called `Shop 2` now"),
        "{checked:?}"
    );
}

#[test]
fn lists_and_dry_runs_find_it_as_well() {
    let (machine, shop) = renamed();
    let folder = run().write_in(&shop).unwrap();

    let listed = machine.kado(&["list", "plans", &shop.to_string_lossy()]);
    let planned = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);

    assert!(
        listed.code == 0 && listed.out.contains("Release 1"),
        "{listed:?}"
    );
    assert_eq!(planned.code, 0, "{planned:?}");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn a_project_that_nothing_knows_any_more_is_named_as_it_was_asked_for() {
    let machine = Machine::new();
    let guid = "00000000-1111-2222-3333-444444444444".to_owned();
    let settings = AzureSettings {
        project: Some((guid, "Nowhere".to_owned())),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains("project `Nowhere` not found on"),
        "{submitted:?}"
    );
}

#[test]
fn the_guid_of_another_name_than_katalons_is_not_asked_for() {
    let (machine, shop) = renamed();
    machine.configure("[azure]\nproject = \"Bakery\"\n");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains("project `Bakery` not found on"),
        "{submitted:?}"
    );
}

#[test]
fn kado_toml_may_name_the_project_by_its_guid() {
    let (machine, shop) = renamed();
    let mut world = machine.fake.world();
    let guid = world.project_mut("Shop 2").unwrap().id.clone();
    drop(world);
    machine.configure(&format!("[azure]\nproject = {guid:?}\n"));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().project, "Shop 2");
    let checked = machine.kado(&["check"]);
    assert!(!checked.out.contains("it is called"), "{checked:?}");
}
