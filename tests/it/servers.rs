//! Every product that speaks ADO's interface, at every place where it can lie.

use fake_ado::{Flavour, Release, Stage, World};
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
    let shop = machine.shop_with(AzureSettings::connected(&server, TOKEN, "Shop", (plan, "P")), &cases);
    machine.submit(&shop, &finished(cases.map(|(name, _)| Test::passed(&tc(name)))))
}

/// The api-versions that were accepted, each once.
fn spoken(machine: &Machine) -> Vec<String> {
    let good = machine.fake.requests().into_iter().filter(|request| request.status < 400);
    let mut versions: Vec<String> = good.filter_map(|request| request.api_version).collect();
    versions.sort();
    versions.dedup();
    versions
}

#[test]
fn every_server_product_gets_the_run_in_the_versions_that_it_knows() {
    let mut seen = Vec::new();
    for flavour in Flavour::SERVERS {
        let machine = Machine::with(deep().flavour(flavour).below("tfs").named("Default Collection"));
        let submitted = submitted(&machine, 28, [("Deep", "1020"), ("Deeper", "1021")]);
        assert_eq!(submitted.code, 0, "{flavour:?} {submitted:?}");
        let run = machine.ado_run();
        assert_eq!((run.state.as_str(), run.results.len()), ("Completed", 2), "{flavour:?}");
        let refused = machine.fake.requests().into_iter().filter(|request| request.status == 404).count();
        assert_eq!(refused, 0, "{flavour:?} was asked for what it does not have");
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
    let machine =
        Machine::with(world().flavour(Flavour::Server2020).with(|settings| settings.too_new_is_no_route = true));
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
    assert!(checked.out.contains("test plan 18: Release 1: 10 test points"), "{checked:?}");
    let points: Vec<_> =
        machine.fake.requests().into_iter().filter(|request| request.path.ends_with("points")).collect();
    assert_eq!(points.len(), 3, "the root suite and two others: {points:#?}");
    assert!(points.iter().all(|request| request.api_version.as_deref() == Some("5.0")));
}

#[test]
fn a_suite_with_many_points_is_read_to_its_end_on_an_old_server() {
    let world = (1..=450).fold(world().flavour(Flavour::Server2019), |world, id| world.point(1000 + id, 22, 1001, 2));
    let machine = Machine::with(world);
    machine.shop(&[("Sign in", "1001")]);
    let checked = machine.kado(&["check"]);
    assert!(checked.out.contains("test plan 18: Release 1: 460 test points"), "{checked:?}");
}

#[test]
fn a_collection_with_blanks_is_found_however_it_is_written() {
    for (directory, url) in
        [("tfs", "tfs/Default Collection"), ("", "Default%20Collection/"), ("tfs", "TFS/default collection")]
    {
        let machine = Machine::with(world().flavour(Flavour::Server2022).below(directory).named("Default Collection"));
        let server = format!("http://{}/{url}", machine.fake.address());
        let shop =
            machine.shop_with(AzureSettings::connected(&server, TOKEN, "Shop", (PLAN, "P")), &[("Sign in", "1001")]);
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
    let settings = AzureSettings::connected(&machine.fake.base_url(), TOKEN, "Tür & Tor", (18, "P"));
    let shop = machine.shop_with(settings, &[("Sign in", "7")]);
    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    assert_eq!(submitted.code, 0, "{submitted:?}");
}

/// The hosts of Services exist only behind a proxy that the fake stands in for.
fn at_services(machine: &Machine, server: &str, more: &str) {
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let proxy = format!("allow_http = true\nproxy = \"http://{}\"\n", machine.fake.address());
    machine.configure(&format!("[azure]\nserver_url = {server:?}\ntoken_file = {token:?}\n{proxy}{more}"));
}

fn hosts(machine: &Machine) -> Vec<String> {
    let mut hosts: Vec<String> = machine.fake.requests().into_iter().map(|request| request.host).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

#[test]
fn both_forms_of_services_work_and_releases_are_asked_of_their_own_host() {
    let stage = Stage { id: 9, name: "QA".into(), status: "succeeded".into(), started: None };
    let release =
        Release { id: 3, definition: 7, name: "Release-3".into(), status: "active".into(), stages: vec![stage] };
    for (server, host) in [
        ("http://dev.azure.com/acme", "dev.azure.com"),
        ("http://acme.visualstudio.com", "acme.visualstudio.com"),
        ("http://acme.visualstudio.com/DefaultCollection", "acme.visualstudio.com"),
    ] {
        let machine = Machine::with(world().flavour(Flavour::Services).release(release.clone()));
        at_services(&machine, server, "");
        let settings = AzureSettings { release_definition: 7, ..machine.settings() };
        let settings = AzureSettings { server_url: server.to_owned(), ..settings };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
        let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
        assert_eq!(submitted.code, 0, "{server} {submitted:?}");
        let checked = machine.kado(&["check"]);
        assert!(checked.out.contains("release definition 7: "), "{checked:?}");
        let mut expected = vec![host.to_owned(), "vsrm.dev.azure.com".to_owned()];
        expected.sort();
        assert_eq!(hosts(&machine), expected);
    }
}
