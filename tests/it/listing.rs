//! `kado list`: what Katalon's dialogs fetch, and the ids to map test cases to.

use fake_ado::World;
use fake_katalon::AzureSettings;
use serde_json::{Value, json};

use crate::support::{Machine, Output, PLAN, TOKEN, closed_file, finish, world};

/// A machine whose kado.toml names server, token and ADO project, without any Katalon project.
fn machine(world: World, more: &str) -> Machine {
    let machine = Machine::with(world);
    let token = closed_file(&machine.root().join("token"), TOKEN);
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\ntoken_file = {token:?}\n{more}",
        machine.fake.base_url()
    ));

    machine
}

fn json_of(output: &Output) -> Value {
    assert_eq!(output.code, 0, "{output:?}");
    serde_json::from_str(&output.out).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A table without the blanks at the ends of its lines.
fn table(output: &Output) -> String {
    output
        .out
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_projects_of_the_machines_server_are_listed_by_name() {
    let machine = machine(world().project("Bakery"), "");

    let listed = machine.kado(&["list", "projects", "--json"]);

    let names: Vec<_> = json_of(&listed)
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["Bakery", "Shop"]);
    insta::assert_snapshot!(table(&machine.kado(&["list", "projects"])), @r"
    ID                                    NAME
    d2e0b530-0522-4aa1-8c58-4fa9da5d4bf7  Bakery
    621f4d34-1b10-432d-8952-54329d80ac4f  Shop
    ");
}

#[test]
fn plans_and_configurations_of_the_project_are_listed_with_their_ids() {
    let machine = Machine::new();
    let shop = machine.shop(&[]);
    machine.fake.world().project_mut("Shop").unwrap().plans[1].state = "Inactive".into();
    let folder = shop.to_string_lossy().into_owned();

    let plans = json_of(&machine.kado(&["list", "plans", &folder, "--json"]));

    assert_eq!(
        plans,
        json!([{"id": 18, "name": "Release 1", "state": "Active"}, {"id": 19, "name": "Release 2", "state": "Inactive"}])
    );

    let configurations = json_of(&machine.kado(&["list", "configurations", &folder, "--json"]));

    assert_eq!(
        configurations,
        json!([{"id": 1, "name": "Windows 10"}, {"id": 2, "name": "Ubuntu"}])
    );
    insta::assert_snapshot!(table(&machine.kado(&["list", "plans", &folder])), @r"
    ID  NAME       STATE
    18  Release 1  Active
    19  Release 2  Inactive
    ");
}

#[test]
fn test_cases_are_listed_with_title_plans_configurations_and_what_is_mapped_to_them() {
    let machine = Machine::with(world().point(400, 22, 1002, 2));
    let settings = AzureSettings {
        plans: vec![(PLAN, "Release 1".into()), (19, "Release 2".into())],
        ..machine.settings()
    };
    let shop = machine.shop_with(
        settings,
        &[
            ("Sign in", "1001"),
            ("Sign in again", "1001,1002"),
            ("Free", ""),
        ],
    );
    let folder = shop.to_string_lossy().into_owned();

    let cases = json_of(&machine.kado(&["list", "test-cases", &folder, "--json"]));

    assert_eq!(
        cases[0],
        json!({"id": 1001, "name": "Case 1001", "plans": [18, 19], "configurations": ["Windows 10"],
            "mapped": ["Test Cases/Sign in", "Test Cases/Sign in again"]})
    );
    assert_eq!(cases[1]["configurations"], json!(["Windows 10", "Ubuntu"]));
    assert_eq!(cases[2]["mapped"], json!([]));
    let listed = table(&machine.kado(&["list", "test-cases", &folder]));
    insta::assert_snapshot!(machine.readable(&listed), @r#"
     ID    TITLE      TEST PLANS  CONFIGURATIONS      KATALON TEST CASES
     1001  Case 1001  18, 19      Windows 10          Test Cases/Sign in, Test Cases/Sign in again
     1002  Case 1002  18          Windows 10, Ubuntu  Test Cases/Sign in again
     1003  Case 1003  18          Windows 10          -
     1004  Case 1004  18          Windows 10          -
     1005  Case 1005  18          Windows 10          -
     1006  Case 1006  18          Windows 10          -
     1007  Case 1007  18          Windows 10          -
     1008  Case 1008  18          Windows 10          -
     1009  Case 1009  18          Windows 10          -
     1010  Case 1010  18          Windows 10          -

    1 test case of the project has no id; `kado map suggest --project "[temp]/work/Shop"` proposes some
    "#);
}

#[test]
fn the_project_of_the_working_folder_is_listed_and_the_only_watched_one() {
    let machine = Machine::new();
    let shop = machine.shop(&[]);
    let mut here = machine.command(&["list", "plans", "--json"]);
    here.current_dir(&shop);
    std::fs::create_dir(machine.root().join("elsewhere")).unwrap();
    machine.configure_only(&format!(
        "watch = [{:?}]\nstate_dir = {:?}\n",
        machine.root().join("elsewhere"),
        machine.state()
    ));

    let in_project = json_of(&finish(here));
    machine.configure("");
    let watched = json_of(&machine.kado(&["list", "plans", "--json"]));

    assert_eq!(in_project[0]["id"], PLAN);
    assert_eq!(watched, in_project);
}

#[test]
fn the_settings_of_the_projects_own_file_count() {
    let machine = Machine::with(world().project("Bakery").plan(77, "Bread"));
    let shop = machine.shop(&[]);
    std::fs::write(
        shop.join("kado.toml"),
        "[azure]\nproject = \"Bakery\"\n[submit]\ntest_plans = [77]\n",
    )
    .unwrap();
    let folder = shop.to_string_lossy().into_owned();
    let plans = json_of(&machine.kado(&["list", "plans", &folder, "--json"]));

    assert_eq!(
        plans,
        json!([{"id": 77, "name": "Bread", "state": "Active"}])
    );
    assert_eq!(
        json_of(&machine.kado(&["list", "test-cases", &folder, "--json"])),
        json!([])
    );
}

#[test]
fn every_page_is_read() {
    let many = (1..=250).fold(world(), |world, number| {
        world.project(&format!("P{number}"))
    });
    let machine = machine(many, "");

    assert_eq!(
        json_of(&machine.kado(&["list", "projects", "--json"]))
            .as_array()
            .unwrap()
            .len(),
        251
    );

    let small = Machine::with(world().with(|settings| settings.page_size = 1));
    let folder = small.shop(&[]).to_string_lossy().into_owned();

    for (what, count) in [("plans", 2), ("configurations", 2), ("test-cases", 10)] {
        let listed = json_of(&small.kado(&["list", what, &folder, "--json"]));
        assert_eq!(listed.as_array().unwrap().len(), count, "{what}");
    }
}

#[test]
fn an_old_server_is_listed_too() {
    let machine = Machine::with(world().flavour(fake_ado::Flavour::Server2019));
    let folder = machine
        .shop(&[("Sign in", "1001")])
        .to_string_lossy()
        .into_owned();

    for (what, count) in [
        ("projects", 1),
        ("plans", 2),
        ("configurations", 2),
        ("test-cases", 10),
    ] {
        let listed = json_of(&machine.kado(&["list", what, &folder, "--json"]));
        assert_eq!(listed.as_array().unwrap().len(), count, "{what}");
    }
}

#[test]
fn what_is_missing_for_a_list_is_told_as_usage() {
    let nothing = Machine::new();

    let told = |machine: &Machine, arguments: &[&str]| {
        let output = machine.kado(arguments);
        assert_eq!(output.code, 2, "{output:?}");
        output.err
    };

    assert!(told(&nothing, &["list", "projects"]).contains("set `azure.server_url`"));
    let machine = machine(world(), "");
    assert!(told(&machine, &["list", "plans"]).contains("`kado list projects` shows them"));
    let machine = self::machine(world(), "project = \"Shop\"\n");
    assert!(told(&machine, &["list", "test-cases"]).contains("`kado list plans` shows them"));
    assert!(told(&machine, &["list", "bugs"]).contains("test-cases"));
    let settings = AzureSettings {
        server_url: "https://dev.azure.com".to_owned(),
        ..machine.settings()
    };
    machine.configure("");
    let shop = machine
        .shop_with(settings, &[])
        .to_string_lossy()
        .into_owned();
    assert!(told(&machine, &["list", "projects", &shop]).contains("names no organization"));
}

#[test]
fn refused_unreachable_and_missing_have_their_exit_codes() {
    let machine = machine(world(), "project = \"Nowhere\"\n");

    assert_eq!(machine.kado(&["list", "plans"]).code, 1);
    machine.fake.world().set_tokens(&[]);
    assert_eq!(machine.kado(&["list", "projects"]).code, 3);
    machine.fake.fault(fake_ado::Fault::new(
        "*",
        "",
        fake_ado::Nth::Every,
        fake_ado::FaultAction::DropBefore,
    ));
    assert_eq!(machine.kado(&["list", "projects"]).code, 4);
}

#[test]
fn a_token_that_may_not_list_is_told_which_scope_that_needs() {
    let world = world()
        .token_with("narrow", &["vso.test_write", "vso.work"])
        .token_with("other", &["vso.project"]);
    let machine = Machine::with(world);

    for (token, what, scope) in [
        ("narrow", "projects", "Project and Team (read)"),
        ("other", "plans", "Test Management (read)"),
        ("other", "configurations", "Test Management (read)"),
        (
            "other",
            "test-cases",
            "Test Management (read) and Work Items (read)",
        ),
    ] {
        let settings =
            AzureSettings::connected(&machine.fake.base_url(), token, "Shop", (PLAN, "P"));
        let shop = machine
            .shop_with(settings, &[])
            .to_string_lossy()
            .into_owned();

        let listed = machine.kado(&["list", what, &shop]);

        assert_eq!(listed.code, 3, "{listed:?}");
        assert!(
            listed
                .err
                .contains(&format!("this list needs the scope {scope}")),
            "{listed:?}"
        );
    }
}
