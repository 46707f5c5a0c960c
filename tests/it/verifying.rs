//! `kado check` beyond what the dialogs do: scopes, clocks, proxies, definitions, rows, folders,
//! ids.

use fake_ado::{Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, ConfigurationRow};

use crate::support::{Machine, Output, TOKEN, world};

/// Everything that scopes are needed for.
const ALL: [&str; 5] = [
    "vso.project",
    "vso.test_write",
    "vso.work_write",
    "vso.build",
    "vso.release",
];

/// The world of the tests, whose token has these scopes.
fn scoped(scopes: &[&str]) -> World {
    world()
        .build_definition(12, "Nightly")
        .release_definition(3, "To the shops")
        .token_with(TOKEN, scopes)
}

/// A project that links builds and releases and fills automation fields.
fn linked(machine: &Machine) {
    let settings = AzureSettings {
        build_definition: 12,
        release_definition: 3,
        override_automation_fields: Some(false),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);
}

/// The lines of what is not as it should be, without the hints.
fn wrong(output: &Output) -> Vec<&str> {
    output
        .out
        .lines()
        .filter(|line| line.starts_with("WRONG"))
        .collect()
}

fn line<'a>(output: &'a Output, name: &str) -> &'a str {
    let found = output
        .out
        .lines()
        .find(|line| line.get(7..).is_some_and(|line| line.starts_with(name)));
    found.unwrap_or_else(|| panic!("{name} is not in {output:?}"))
}

#[test]
fn a_token_with_all_scopes_passes_and_nothing_is_written() {
    let machine = Machine::with(scoped(&ALL));
    linked(&machine);

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 0, "{output:?}");
    for found in [
        "scope Test Management (read & write): the token has it",
        "build definition 12: Nightly",
        "release definition 3: To the shops",
    ] {
        assert!(output.out.contains(found), "{output:?}");
    }
    assert!(machine.ado_runs().is_empty());
    assert_eq!(machine.fake.world().find_work_item(1001).unwrap().rev, 1);
}

#[test]
fn each_scope_that_the_token_lacks_is_named() {
    for status in [401, 403] {
        let told = |without: &str| {
            let scopes: Vec<_> = ALL.into_iter().filter(|scope| *scope != without).collect();
            let machine = Machine::with(
                scoped(&scopes).with(|settings| settings.missing_scope_status = status),
            );
            linked(&machine);
            let output = machine.kado(&["check"]);
            let names: Vec<_> = wrong(&output)
                .into_iter()
                .filter_map(|line| line[7..].split(": ").next())
                .collect();
            format!("{without}: {} {}", output.code, names.join(", "))
        };

        let table = ALL.map(told).join("\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(table, @r"
            vso.project: 0 
            vso.test_write: 3 scope Test Management (read & write), test plan 18
            vso.work_write: 3 scope Work Items (read), scope Work Items (read & write), mapped ids
            vso.build: 1 build definition 12
            vso.release: 1 release definition 3
            ");
        }
    }
}

#[test]
fn a_token_that_may_only_read_is_told_before_the_first_run_is_lost() {
    let machine = Machine::with(scoped(&["vso.test", "vso.work", "vso.project"]));
    machine.shop(&[("Sign in", "1001")]);

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 3, "{output:?}");
    insta::assert_snapshot!(wrong(&output).join("\n"), @"WRONG  scope Test Management (read & write): the token lacks it (TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.)");
}

#[test]
fn a_definition_that_is_not_there_is_told() {
    let machine = Machine::new();
    linked(&machine);

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "{output:?}");
    insta::assert_snapshot!(wrong(&output).join("\n"), @r"
    WRONG  build definition 12: project Shop has no such build definition (The build definition 12 could not be found.)
    WRONG  release definition 3: project Shop has no such release definition (VS402880: Release definition with ID 3 does not exist. Specify a valid ID and try again.)
    ");
}

#[test]
fn a_stage_that_the_release_definition_does_not_have_is_told() {
    let stage = fake_ado::Stage {
        id: 9,
        name: "QA".into(),
        status: "succeeded".into(),
        started: None,
    };
    let release = fake_ado::Release {
        id: 5,
        definition: 3,
        name: "R-5".into(),
        status: "active".into(),
        stages: vec![stage],
    };
    let machine = Machine::with(world().build_definition(12, "Nightly").release(release));
    linked(&machine);
    machine.configure("[submit]\nrelease_stage = \"Live\"\n");

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        line(&output, "release definition 3").ends_with("has no stage `Live`"),
        "{output:?}"
    );
    assert!(
        output
            .out
            .contains("it has QA; correct `submit.release_stage`"),
        "{output:?}"
    );
}

#[test]
fn a_clock_that_is_far_from_the_servers_is_told() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    assert!(
        machine
            .kado(&["check"])
            .out
            .contains("clock: agrees with the server's")
    );

    let early = vec![(
        "date".to_owned(),
        "Tue, 06 May 2025 10:00:00 GMT".to_owned(),
    )];
    machine.fake.fault(Fault::new(
        "GET",
        "connectionData",
        Nth::Every,
        FaultAction::AddHeaders(early),
    ));

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        line(&output, "clock").ends_with(" s ahead of the server's"),
        "{output:?}"
    );
}

#[test]
fn rows_that_never_match_and_words_that_katalon_does_not_write_are_told() {
    let machine = Machine::new();
    let rows = vec![
        ConfigurationRow::new("Windows", "Chrome", 1),
        ConfigurationRow::new("windows", "chrome", 2),
        ConfigurationRow::new("Ubuntu", "Chrome", 2),
        ConfigurationRow::new("macOS", "Google Chrome", 2),
    ];
    machine.shop_with(
        AzureSettings {
            configuration_rows: rows,
            ..machine.settings()
        },
        &[("Sign in", "1001")],
    );

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "{output:?}");
    let mut is_of_row = false;
    let lines = output.out.lines().filter(|line| {
        // What is indented belongs to the check above it.
        if !line.starts_with(' ') {
            is_of_row = line.contains("  mapping ");
        }
        is_of_row
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn an_id_with_several_test_cases_and_one_of_another_plan_are_told() {
    let machine = Machine::with(
        world()
            .test_case(1060, "Elsewhere")
            .plan(29, "Release 3")
            .suite(61, "S")
            .point(901, 61, 1060, 1),
    );
    machine.shop(&[("A", "1001"), ("B", "1001"), ("C", "1060")]);
    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(
        line(&output, "id 1001"),
        "ok     id 1001: a test case with test point 11, for Test Cases/A, Test Cases/B"
    );
    assert!(
        output
            .out
            .contains("several test cases have this id: they share one result"),
        "{output:?}"
    );
    assert!(
        line(&output, "id 1060").contains("; it is in test plan 29 (Release 3), for Test Cases/C"),
        "{output:?}"
    );
}

#[test]
fn a_point_in_another_configuration_is_named() {
    let machine = Machine::new();
    let settings = AzureSettings {
        configuration_rows: vec![ConfigurationRow::any(2)],
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let output = machine.kado(&["check"]);

    assert!(
        line(&output, "id 1001")
            .contains("no test point with configuration 2 (Ubuntu) [mapping any / any / any] in test plan 18, only with 1 (Windows 10)")
    );
}

#[test]
fn a_folder_of_the_project_that_cannot_be_read_is_told() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    std::fs::remove_dir_all(shop.join("Reports")).unwrap();
    std::fs::write(shop.join("Reports"), "not a folder").unwrap();

    let output = machine.kado(&["check", "--offline"]);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(line(&output, "folder ").contains("Reports"), "{output:?}");
}

#[test]
fn offline_the_proxy_is_explained_and_nothing_is_asked() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    let output = machine.kado(&["check", "--offline"]);

    assert_eq!(
        line(&output, "proxy"),
        "ok     proxy to 127.0.0.1: none (this machine itself)"
    );
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn a_machine_without_projects_is_told_whether_its_own_server_knows_its_token() {
    let machine = Machine::new();
    let token = crate::support::closed_file(&machine.root().join("token"), TOKEN);
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\ntoken_file = {token:?}\n",
        machine.fake.base_url()
    ));

    let output = machine.kado(&["check"]);

    assert_eq!(output.code, 1, "there is no project: {output:?}");
    assert!(
        line(&output, "connection").contains("knows the token as that of Fake User"),
        "{output:?}"
    );
    assert_eq!(
        line(&output, "token: "),
        format!("note   token: `token_file` {}", token.display())
    );
    machine.fake.world().set_tokens(&[]);
    assert_eq!(machine.kado(&["check"]).code, 3);
}
