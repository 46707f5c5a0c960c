//! Proxies: which one is taken, with which credentials, and that nothing shows them.

use fake_katalon::{AzureSettings, Test};

use crate::support::{Machine, Output, PLAN, TOKEN, closed_file, finish, finished, tc};

/// Nobody answers to this name: whoever speaks to it goes through a proxy, for which the fake stands in.
const AWAY: &str = "http://ado.invalid/acme";

/// A machine whose server is only to be reached through a proxy, with these lines in `[azure]`.
fn machine(azure: impl Fn(&Machine) -> String) -> Machine {
    let machine = Machine::new();
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let azure = azure(&machine);
    machine.configure(&format!("[azure]\nserver_url = {AWAY:?}\ntoken_file = {token:?}\nallow_http = true\n{azure}"));
    machine.shop_with(AzureSettings::connected(AWAY, TOKEN, "Shop", (PLAN, "P")), &[("Login", "1001")]);
    machine
}

fn submit(machine: &Machine, environment: &[(&str, &str)]) -> Output {
    let folder =
        finished([Test::passed(&tc("Login"))]).write_in(&machine.work().join("Shop")).expect("it can be written");
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    command.envs(environment.iter().copied());
    finish(command)
}

fn checked(machine: &Machine, environment: &[(&str, &str)]) -> Output {
    let mut command = machine.command(&["check"]);
    command.env("KADO_LOG", "trace").envs(environment.iter().copied());
    finish(command)
}

#[test]
fn a_proxy_gets_its_user_and_password_and_nothing_else_shows_them() {
    let machine = machine(|machine| format!("proxy = \"http://robot:hunter%402@{}\"\n", machine.fake.address()));
    let submitted = submit(&machine, &[("KADO_LOG", "trace")]);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let requests = machine.fake.requests();
    assert!(requests.iter().all(|request| request.proxy_user.as_deref() == Some("robot:hunter@2")), "{requests:#?}");
    let checked = checked(&machine, &[]);
    assert!(checked.out.contains(", with user and password (azure.proxy)"), "{checked:?}");
    for said in [submitted, checked, machine.kado(&["runs", "--json"])] {
        let text = format!("{} {}", said.out, said.err);
        assert!(!text.contains("hunter") && !text.contains("robot"), "{text}");
    }
}

#[test]
fn a_wrong_proxy_is_a_configuration_error_that_does_not_repeat_its_password() {
    let machine = machine(|_| "proxy = \"ftp://robot:hunter2@proxy\"\n".to_owned());
    let refused = machine.kado(&["runs"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("`azure.proxy` must be a URL") && !refused.err.contains("hunter2"), "{refused:?}");
}

#[test]
fn a_proxy_that_wants_credentials_is_named_and_the_run_waits() {
    let machine = machine(|machine| format!("proxy = \"http://{}\"\n", machine.fake.address()));
    let answer = fake_ado::FaultAction::Status { code: 407, headers: Vec::new(), body: Vec::new() };
    machine.fake.fault(fake_ado::Fault::new("*", "", fake_ado::Nth::Every, answer));
    let waits = submit(&machine, &[]);
    assert_eq!(waits.code, 4, "{waits:?}");
    assert!(waits.out.contains("put user and password into `azure.proxy`"), "{waits:?}");
    machine.fake.clear_faults();
    let retried = machine.kado(&["runs", "retry", "--failed"]);
    assert_eq!(retried.code, 0, "{retried:?}");
}

#[test]
fn a_host_of_the_no_proxy_list_is_reached_without_the_proxy() {
    let lists: [(&str, &[(&str, &str)]); 3] = [
        ("no_proxy = [\"ado.invalid\"]\n", &[]),
        ("no_proxy = [\".invalid\", \"10.0.0.0/8\"]\n", &[]),
        ("", &[("NO_PROXY", "example.com, invalid")]),
    ];
    for (list, environment) in lists {
        let machine = machine(|machine| format!("proxy = \"http://{}\"\n{list}", machine.fake.address()));
        let submitted = submit(&machine, environment);
        assert_eq!(submitted.code, 4, "nobody has that name: {submitted:?}");
        assert!(machine.fake.requests().is_empty(), "{list}");
        assert!(checked(&machine, environment).out.contains("exempts ado.invalid"), "{list}");
    }
}

#[test]
fn a_proxy_that_katalon_used_for_the_run_is_not_taken() {
    let machine = machine(|_| String::new());
    let folder =
        finished([Test::passed(&tc("Login"))]).write_in(&machine.work().join("Shop")).expect("it can be written");
    let file = folder.join("execution.properties");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let (host, port) = (machine.fake.address().ip(), machine.fake.address().port());
    let theirs = text
        .replace("NO_PROXY", "MANUAL_CONFIG")
        .replace(r#"\"proxyServerAddress\":\"\""#, &format!(r#"\"proxyServerAddress\":\"{host}\""#))
        .replace(r#"\"proxyServerPort\":0"#, &format!(r#"\"proxyServerPort\":{port}"#));
    assert!(theirs.contains(&format!(r#"\"proxyServerAddress\":\"{host}\",\"proxyServerPort\":{port}"#)), "{theirs}");
    std::fs::write(&file, theirs).expect("it can be written");
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 4, "nobody has that name: {submitted:?}");
    assert!(machine.fake.requests().is_empty(), "it went through Katalon's proxy");
}

#[test]
fn without_a_configured_proxy_that_of_the_environment_counts() {
    let machine = machine(|_| String::new());
    let proxy = format!("http://robot:hunter2@{}", machine.fake.address());
    let submitted = submit(&machine, &[("HTTP_PROXY", &proxy)]);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.fake.requests()[0].proxy_user.as_deref(), Some("robot:hunter2"));
    let checked = checked(&machine, &[("HTTP_PROXY", &proxy)]);
    assert!(checked.out.contains("with user and password (the environment's HTTP_PROXY)"), "{checked:?}");
    assert!(!format!("{checked:?}").contains("hunter2"), "{checked:?}");
}
