//! Every product that speaks ADO's interface, at every place where it can lie.

use std::collections::BTreeSet;

use fake_ado::{Fault, FaultAction, Flavour, Nth, Release, Stage, World};
use fake_katalon::{AzureSettings, Test};

use crate::support::{Machine, Output, PLAN, TOKEN, closed_file, finished, tc, world};

/// The world of the tests with points in suites of every depth.
fn deep() -> World {
    let world = world().test_case(1020, "Deep").test_case(1021, "Deeper");
    world
        .plan(28, "Nested")
        .suite(41, "Above")
        .suite_below(41, 42, "Below")
        .point(301, 41, 1020, 1)
        .point(302, 42, 1021, 1)
}

fn submitted(machine: &Machine, plan: u32, cases: [(&str, &str); 2]) -> Output {
    let server = machine.fake.base_url();
    let shop = machine.shop_with(
        AzureSettings::connected(&server, TOKEN, "Shop", (plan, "P")),
        &cases,
    );
    machine.submit(
        &shop,
        &finished(cases.map(|(name, _)| Test::passed(&tc(name)))),
    )
}

/// The api-versions that were accepted, each once.
fn spoken(machine: &Machine) -> Vec<String> {
    let good = machine
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.status < 400);
    let mut versions: Vec<String> = good.filter_map(|request| request.api_version).collect();
    versions.sort();
    versions.dedup();

    versions
}

#[test]
fn every_server_product_gets_the_run_in_the_versions_that_it_knows() {
    let mut seen = Vec::new();

    for flavour in Flavour::SERVERS {
        let machine = Machine::with(
            deep()
                .flavour(flavour)
                .below("tfs")
                .named("Default Collection"),
        );
        let submitted = submitted(&machine, 28, [("Deep", "1020"), ("Deeper", "1021")]);

        assert_eq!(submitted.code, 0, "{flavour:?} {submitted:?}");
        let run = machine.ado_run();
        assert_eq!(run.state.as_str(), "Completed", "{flavour:?}");
        assert_eq!(run.results.len(), 2, "{flavour:?}");
        let refused = machine
            .fake
            .requests()
            .into_iter()
            .filter(|request| request.status == 404)
            .count();
        assert_eq!(
            refused, 0,
            "{flavour:?} was asked for what it does not have"
        );
        seen.push(format!("{flavour:?}: {}", spoken(&machine).join(" ")));
    }
    insta::assert_snapshot!(seen.join("\n"), @r"
    Server2019: 5.0 5.0-preview.1
    Server2019Update1: 5.0 5.0-preview.1
    Server2020: 6.0 6.0-preview.1 6.0-preview.2
    Server2022: 7.0
    Server2022Update1: 7.1
    ");
}

#[test]
fn an_old_server_that_does_not_say_that_a_version_is_too_new_is_asked_for_its_own() {
    let machine = Machine::with(
        world()
            .flavour(Flavour::Server2020)
            .with(|settings| settings.too_new_is_no_route = true),
    );
    let submitted = submitted(&machine, PLAN, [("Sign in", "1001"), ("Pay", "1002")]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().results.len(), 2);
}

#[test]
fn server_2019_is_checked_and_its_points_are_read_suite_by_suite() {
    let machine = Machine::with(world().flavour(Flavour::Server2019));
    machine.shop(&[("Sign in", "1001"), ("Pay", "1099")]);

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 1, "1099 is not there: {checked:?}");
    assert!(
        checked
            .out
            .contains("test plan 18: Release 1: 10 test points"),
        "{checked:?}"
    );
    let points: Vec<_> = machine
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.path.ends_with("points"))
        .collect();
    let suites: BTreeSet<_> = points.iter().map(|request| &request.path).collect();
    assert_eq!(
        suites.len(),
        3,
        "the root suite and two others: {points:#?}"
    );
    assert!(
        points
            .iter()
            .all(|request| request.api_version.as_deref() == Some("5.0"))
    );
}

#[test]
fn a_suite_with_many_points_is_read_to_its_end_on_an_old_server() {
    let world = (1..=450).fold(world().flavour(Flavour::Server2019), |world, id| {
        world.point(1000 + id, 22, 1001, 2)
    });
    let machine = Machine::with(world);
    machine.shop(&[("Sign in", "1001")]);

    let checked = machine.kado(&["check"]);

    assert!(
        checked
            .out
            .contains("test plan 18: Release 1: 460 test points"),
        "{checked:?}"
    );
}

#[test]
fn a_collection_with_blanks_is_found_however_it_is_written() {
    for (directory, url) in [
        ("tfs", "tfs/Default Collection"),
        ("", "Default%20Collection/"),
        ("tfs", "TFS/default collection"),
    ] {
        let machine = Machine::with(
            world()
                .flavour(Flavour::Server2022)
                .below(directory)
                .named("Default Collection"),
        );
        let server = format!("http://{}/{url}", machine.fake.address());
        let shop = machine.shop_with(
            AzureSettings::connected(&server, TOKEN, "Shop", (PLAN, "P")),
            &[("Sign in", "1001")],
        );

        let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

        assert_eq!(submitted.code, 0, "{url} {submitted:?}");
    }
}

#[test]
fn a_project_with_blanks_and_umlauts_is_found() {
    let machine = Machine::with(
        World::new("acme")
            .token(TOKEN)
            .project("Tür & Tor")
            .plan(18, "P")
            .suite(2, "S")
            .test_case(7, "T")
            .point(9, 2, 7, 1),
    );
    let settings =
        AzureSettings::connected(&machine.fake.base_url(), TOKEN, "Tür & Tor", (18, "P"));
    let shop = machine.shop_with(settings, &[("Sign in", "7")]);
    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
}

/// The hosts of Services exist only behind a proxy that the fake stands in for.
fn at_services(machine: &Machine, server: &str, more: &str) {
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let proxy = format!(
        "allow_http = true\nproxy = \"http://{}\"\n",
        machine.fake.address()
    );
    machine.configure(&format!(
        "[azure]\nserver_url = {server:?}\ntoken_file = {token:?}\n{proxy}{more}"
    ));
}

fn hosts(machine: &Machine) -> Vec<String> {
    let mut hosts: Vec<String> = machine
        .fake
        .requests()
        .into_iter()
        .map(|request| request.host)
        .collect();
    hosts.sort();
    hosts.dedup();

    hosts
}

#[test]
fn both_forms_of_services_work_and_releases_are_asked_of_their_own_host() {
    let stage = Stage {
        id: 9,
        name: "QA".into(),
        status: "succeeded".into(),
        started: None,
    };
    let release = Release {
        id: 3,
        definition: 7,
        name: "Release-3".into(),
        status: "active".into(),
        stages: vec![stage],
    };

    for (server, host) in [
        ("http://dev.azure.com/acme", "dev.azure.com"),
        ("http://dev.azure.com/acme/", "dev.azure.com"),
        ("http://acme.visualstudio.com/", "acme.visualstudio.com"),
        ("http://acme.visualstudio.com", "acme.visualstudio.com"),
        (
            "http://acme.visualstudio.com/DefaultCollection",
            "acme.visualstudio.com",
        ),
    ] {
        let machine = Machine::with(world().flavour(Flavour::Services).release(release.clone()));
        at_services(&machine, server, "");
        let settings = AzureSettings {
            release_definition: 7,
            ..machine.settings()
        };
        let settings = AzureSettings {
            server_url: server.to_owned(),
            ..settings
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

        let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

        assert_eq!(submitted.code, 0, "{server} {submitted:?}");

        let checked = machine.kado(&["check"]);

        assert!(
            checked.out.contains("release definition 7: "),
            "{checked:?}"
        );
        let slashes: Vec<_> = machine
            .fake
            .requests()
            .into_iter()
            .filter(|asked| asked.path.contains("//"))
            .collect();
        assert!(slashes.is_empty(), "{server}: {slashes:#?}");
        let mut expected = vec![host.to_owned(), "vsrm.dev.azure.com".to_owned()];
        expected.sort();
        assert_eq!(hosts(&machine), expected);
    }
}

/// The project of the tests, integrated with another URL.
fn with_url(machine: &Machine, server: &str) -> std::path::PathBuf {
    let settings = AzureSettings {
        server_url: server.to_owned(),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")])
}

/// The lines of `kado check` about the server's URL, with their hints.
fn about_server(output: &Output) -> String {
    let lines: Vec<&str> = output.out.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("  server: "))
        .unwrap_or_else(|| panic!("{output:?}"));
    lines[at..]
        .iter()
        .take(2)
        .map(|line| line.trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_stands_behind_an_organization_of_services_is_left_away_and_told() {
    for server in [
        "http://dev.azure.com/acme/Shop",
        "http://dev.azure.com/acme/Shop/_git/shop?path=/README.md",
        "http://dev.azure.com/acme/Shop/_testPlans/define?planId=18",
        "http://vsrm.dev.azure.com/acme",
        "http://acme.visualstudio.com/Shop/_git/shop",
    ] {
        let machine = Machine::with(world().flavour(Flavour::Services));
        machine.configure(&format!(
            "[azure]\nallow_http = true\nproxy = \"http://{}\"\n",
            machine.fake.address()
        ));
        let shop = with_url(&machine, server);

        let checked = machine.kado(&["check"]);

        assert_eq!(checked.code, 0, "{server} {checked:?}");
        let host = if server.contains("visualstudio") {
            "acme.visualstudio.com"
        } else {
            "dev.azure.com"
        };
        let used = if server.contains("visualstudio") {
            "http://acme.visualstudio.com"
        } else {
            "http://dev.azure.com/acme"
        };
        assert!(
            about_server(&checked).contains(&format!("`{used}` is used")),
            "{server} {checked:?}"
        );

        let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

        assert_eq!(submitted.code, 0, "{server} {submitted:?}");
        assert_eq!(hosts(&machine), [host], "{server}");
    }
}

#[test]
fn a_server_of_kado_toml_is_cut_in_the_same_way() {
    let machine = Machine::with(world().flavour(Flavour::Services));
    at_services(&machine, "http://dev.azure.com/acme/Shop/_build", "");
    with_url(&machine, "");

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 0, "{checked:?}");
    let told =
        "`azure.server_url`: `http://dev.azure.com/acme/Shop/_build` is more than an organization";
    assert!(checked.out.contains(told), "{checked:?}");
}

#[test]
fn a_url_that_is_no_server_for_sure_is_refused_with_the_one_that_is_meant() {
    let machine = Machine::new();
    let mut told = Vec::new();

    for server in [
        "https://dev.azure.com",
        "https://dev.azure.com/_git/shop",
        "https://vstmr.dev.azure.com/acme",
        "http://127.0.0.1:8080",
        "http://127.0.0.1:8080/tfs",
        "http://127.0.0.1:8080/tfs/Main/Shop/_testPlans/define",
        "http://127.0.0.1:8080/My%20Collection/Shop/_git/shop",
        "dev.azure.com/acme",
    ] {
        with_url(&machine, server);

        let checked = machine.kado(&["check"]);

        assert_eq!(checked.code, 1, "{checked:?}");
        told.push(about_server(&checked).lines().next().unwrap().to_owned());
        let token = closed_file(&machine.root().join("token"), TOKEN);
        machine.configure(&format!(
            "[azure]\nserver_url = {server:?}\ntoken_file = {token:?}\n"
        ));
        assert_eq!(machine.kado(&["check"]).code, 2, "{server}");
        machine.configure("");
    }

    insta::assert_snapshot!(told.join("\n"), @r"
    WRONG  server: server url `https://dev.azure.com` names no organization; expected something like https://dev.azure.com/organization
    WRONG  server: server url `https://dev.azure.com/_git/shop` names no organization; expected something like https://dev.azure.com/organization
    WRONG  server: server url `https://vstmr.dev.azure.com/acme` is that of a single service of Azure DevOps; expected https://dev.azure.com/acme
    WRONG  server: server url `http://127.0.0.1:8080` names no collection; expected something like http://127.0.0.1:8080/DefaultCollection
    WRONG  server: server url `http://127.0.0.1:8080/tfs` names no collection; expected something like http://127.0.0.1:8080/tfs/DefaultCollection
    WRONG  server: server url `http://127.0.0.1:8080/tfs/Main/Shop/_testPlans/define` is the address of a page in a project; expected that of the collection: http://127.0.0.1:8080/tfs/Main
    WRONG  server: server url `http://127.0.0.1:8080/My%20Collection/Shop/_git/shop` is the address of a page in a project; expected that of the collection: http://127.0.0.1:8080/My%20Collection
    WRONG  server: server url `dev.azure.com/acme` is not a URL; expected something like https://dev.azure.com/acme
    ");
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_run_of_a_project_with_such_a_url_is_parked_and_says_which_is_meant() {
    let machine = Machine::new();
    let shop = with_url(&machine, &format!("http://{}/tfs", machine.fake.address()));

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        machine.states().concat().contains("/tfs/DefaultCollection"),
        "{:?}",
        machine.states()
    );
    assert_eq!(
        machine.fake.requests().len(),
        0,
        "a token must not go to what is no collection"
    );
}

#[test]
fn a_url_below_which_nothing_answers_as_azure_devops_is_told_as_that() {
    let machine = Machine::with(world().below("tfs").named("Main"));
    let server = format!("http://{}/tfs/Main/Shop", machine.fake.address());
    let shop = with_url(&machine, &server);
    let shown = |output: &Output| {
        machine
            .readable(&output.out)
            .replace(&machine.fake.address().to_string(), "[host]")
    };

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 1, "{checked:?}");
    let connection = shown(&checked);
    insta::assert_snapshot!(connection.lines().find(|line| line.contains("connection: ")).unwrap(), @"WRONG  connection: there is no organization or collection of Azure DevOps at [server]/Shop (The controller for path '/Shop/_apis/connectionData' was not found or does not implement IController.); correct it in Katalon's Azure DevOps settings, or as `azure.server_url` in kado.toml; if it ends with a project, remove the project from the end: [server]");

    let listed = machine.kado(&["list", "plans", &shop.to_string_lossy()]);

    assert_eq!(listed.code, 1, "{listed:?}");
    assert!(
        listed.err.contains("no organization or collection")
            && listed.err.trim_end().ends_with("/tfs/Main"),
        "{listed:?}"
    );

    let page = FaultAction::Status {
        code: 404,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<html>no".to_vec(),
    };
    machine
        .fake
        .fault(Fault::new("*", "connectionData", Nth::Every, page));

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 4, "{checked:?}");
    let connection = shown(&checked);
    insta::assert_snapshot!(connection.lines().find(|line| line.contains("connection: ")).unwrap(), @"WRONG  connection: something between here and [server]/Shop answered with a page without a title (status 404); if the server URL is wrong, correct it in Katalon's Azure DevOps settings, or as `azure.server_url` in kado.toml; if it ends with a project, remove the project from the end: [server]");
    assert!(
        !connection.contains("project `Shop` not found"),
        "{connection}"
    );
}

#[test]
fn a_project_that_is_not_there_is_never_told_as_a_missing_plan() {
    let machine = Machine::with(world().token_with("narrow", &["vso.test_write", "vso.work"]));
    let server = machine.fake.base_url();
    let wrong = |token: &str| AzureSettings::connected(&server, token, "Shopp", (PLAN, "P"));
    let shop = machine.shop_with(wrong(TOKEN), &[("Sign in", "1001")]);
    let folder = shop.to_string_lossy().into_owned();
    let named = |text: &str| {
        let right =
            text.contains("project `Shopp` not found on") && text.contains("`kado list projects`");
        assert!(right && !text.contains("test plan 18 not found"), "{text}");
    };

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 1, "{checked:?}");

    named(&checked.out);

    for what in ["plans", "configurations", "test-cases"] {
        let listed = machine.kado(&["list", what, &folder]);

        assert_eq!(listed.code, 1, "{listed:?}");
        named(&listed.err);
    }
    let run = finished([Test::passed(&tc("Sign in"))]);
    let folder = run.write_in(&shop).unwrap();
    named(
        &machine
            .kado(&["submit", "--dry-run", &folder.to_string_lossy()])
            .err,
    );

    assert_eq!(machine.submit_folder(&folder).code, 1);

    named(&machine.states().concat());
    machine.shop_with(wrong("narrow"), &[("Sign in", "1001")]);

    named(&machine.kado(&["check"]).out);
}

#[test]
fn a_server_that_wants_https_is_not_told_as_a_refused_token() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let on_to = |path: &str| FaultAction::Status {
        code: 301,
        headers: vec![(
            "location".into(),
            format!("https://127.0.0.1:8443/acme/{path}"),
        )],
        body: Vec::new(),
    };
    machine.fake.fault(Fault::new(
        "*",
        "connectionData",
        Nth::Every,
        on_to("_apis/connectionData"),
    ));
    machine.fake.fault(Fault::new(
        "*",
        "plans/18",
        Nth::Every,
        on_to("Shop/_apis/testplan/plans/18"),
    ));

    let checked = machine.kado(&["check"]);

    assert_eq!(checked.code, 2, "{checked:?}");
    assert!(
        checked
            .out
            .contains("wants https: the server URL is https://127.0.0.1:8443/acme;"),
        "{checked:?}"
    );

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 2, "{submitted:?}");
    assert!(
        machine.states().concat().contains("pending")
            && machine.states().concat().contains("wants https")
    );
}
