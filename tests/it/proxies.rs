//! Proxies: which one is taken, with which credentials, and that nothing shows them.

use fake_katalon::{AzureSettings, Test};

use crate::support::{Machine, Output, PLAN, TOKEN, closed_file, finish, finished, tc};

/// Nobody answers to this name: whoever speaks to it goes through a proxy, for which the fake
/// stands in.
const AWAY: &str = "http://ado.invalid/acme";

/// A machine whose server is only to be reached through a proxy, with these lines in `[azure]`.
fn machine(azure: impl Fn(&Machine) -> String) -> Machine {
    let machine = Machine::new();
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let azure = azure(&machine);
    machine.configure(&format!(
        "[azure]\nserver_url = {AWAY:?}\ntoken_file = {token:?}\nallow_http = true\n{azure}"
    ));
    machine.shop_with(
        AzureSettings::connected(AWAY, TOKEN, "Shop", (PLAN, "P")),
        &[("Login", "1001")],
    );

    machine
}

fn submit(machine: &Machine, environment: &[(&str, &str)]) -> Output {
    let folder = finished([Test::passed(&tc("Login"))])
        .write_in(&machine.work().join("Shop"))
        .expect("it can be written");
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    command.envs(environment.iter().copied());

    finish(command)
}

fn checked(machine: &Machine, environment: &[(&str, &str)]) -> Output {
    let mut command = machine.command(&["check"]);
    command
        .env("KADO_LOG", "trace")
        .envs(environment.iter().copied());
    finish(command)
}

#[test]
fn a_proxy_gets_its_user_and_password_and_nothing_else_shows_them() {
    let machine = machine(|machine| {
        format!(
            "proxy = \"http://robot:hunter%402@{}\"\n",
            machine.fake.address()
        )
    });

    let submitted = submit(&machine, &[("KADO_LOG", "trace")]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let requests = machine.fake.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.proxy_user.as_deref() == Some("robot:hunter@2")),
        "{requests:#?}"
    );
    let checked = checked(&machine, &[]);
    assert!(
        checked
            .out
            .contains(", with user and password (azure.proxy)"),
        "{checked:?}"
    );

    for said in [submitted, checked, machine.kado(&["runs", "--json"])] {
        let text = format!("{} {}", said.out, said.err);

        assert!(
            !text.contains("hunter") && !text.contains("robot"),
            "{text}"
        );
    }
}

#[test]
fn a_wrong_proxy_is_a_configuration_error_that_does_not_repeat_its_password() {
    let machine = machine(|_| "proxy = \"ftp://robot:hunter2@proxy\"\n".to_owned());

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("`azure.proxy` must be a URL") && !refused.err.contains("hunter2"),
        "{refused:?}"
    );
}

#[test]
fn a_proxy_that_wants_credentials_is_named_and_the_run_waits() {
    let machine = machine(|machine| format!("proxy = \"http://{}\"\n", machine.fake.address()));
    let answer = fake_ado::FaultAction::Status {
        code: 407,
        headers: Vec::new(),
        body: Vec::new(),
    };
    machine
        .fake
        .fault(fake_ado::Fault::new("*", "", fake_ado::Nth::Every, answer));

    let waits = submit(&machine, &[]);

    assert_eq!(waits.code, 4, "{waits:?}");
    assert!(
        waits
            .out
            .contains("put user and password into `azure.proxy`"),
        "{waits:?}"
    );

    machine.fake.clear_faults();

    let retried = machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(retried.code, 0, "{retried:?}");
}

#[test]
fn a_host_of_the_no_proxy_list_is_reached_without_the_proxy() {
    let lists: [(&str, &[(&str, &str)]); 3] = [
        ("no_proxy = [\"ado.invalid\"]\n", &[]),
        ("no_proxy = [\"*.invalid\", \"10.0.0.0/8\"]\n", &[]),
        ("", &[("NO_PROXY", "example.com, invalid")]),
    ];

    for (list, environment) in lists {
        let machine =
            machine(|machine| format!("proxy = \"http://{}\"\n{list}", machine.fake.address()));

        let submitted = submit(&machine, environment);

        assert_eq!(submitted.code, 4, "nobody has that name: {submitted:?}");
        assert!(machine.fake.requests().is_empty(), "{list}");
    }
}

#[test]
fn a_proxy_that_katalon_used_for_the_run_is_not_taken() {
    let machine = machine(|_| String::new());

    let folder = finished([Test::passed(&tc("Login"))])
        .write_in(&machine.work().join("Shop"))
        .expect("it can be written");

    let file = folder.join("execution.properties");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let (host, port) = (machine.fake.address().ip(), machine.fake.address().port());
    let theirs = text
        .replace("NO_PROXY", "MANUAL_CONFIG")
        .replace(
            r#"\"proxyServerAddress\":\"\""#,
            &format!(r#"\"proxyServerAddress\":\"{host}\""#),
        )
        .replace(
            r#"\"proxyServerPort\":0"#,
            &format!(r#"\"proxyServerPort\":{port}"#),
        );
    assert!(
        theirs.contains(&format!(
            r#"\"proxyServerAddress\":\"{host}\",\"proxyServerPort\":{port}"#
        )),
        "{theirs}"
    );
    std::fs::write(&file, theirs).expect("it can be written");
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 4, "nobody has that name: {submitted:?}");
    assert!(
        machine.fake.requests().is_empty(),
        "it went through Katalon's proxy"
    );
}

#[test]
fn a_list_of_exemptions_is_understood_as_it_is_usually_written() {
    let lists: [(&str, &[(&str, &str)]); 9] = [
        ("no_proxy = [\"ado.invalid\"]\n", &[]),
        ("no_proxy = [\".invalid\", \"10.0.0.0/8\"]\n", &[]),
        ("no_proxy = [\"*.invalid\"]\n", &[]),
        ("no_proxy = [\"example.com, ado.invalid:80\"]\n", &[]),
        ("", &[("NO_PROXY", "example.com, invalid")]),
        ("", &[("NO_PROXY", "example.com *.INVALID")]),
        ("", &[("NO_PROXY", "http://what.is.this/?,ado.invalid:80,")]),
        ("", &[("no_proxy", "*")]),
        (
            "no_proxy = [\"example.com\"]\n",
            &[("NO_PROXY", "ado.invalid")],
        ),
    ];

    for (list, environment) in lists {
        let machine =
            machine(|machine| format!("proxy = \"http://{}\"\n{list}", machine.fake.address()));
        let mut command = machine.command(&["check", "--offline"]);
        command.envs(environment.iter().copied());

        let checked = finish(command);

        assert!(
            checked.out.contains("exempts ado.invalid"),
            "{list} {environment:?} {checked:?}"
        );
    }
}

#[test]
fn an_exemption_with_a_port_is_for_that_port_alone() {
    let machine = machine(|machine| {
        format!(
            "proxy = \"http://{}\"\nno_proxy = [\"ado.invalid:8080\"]\n",
            machine.fake.address()
        )
    });

    let submitted = submit(&machine, &[("NO_PROXY", "ado.invalid:8443")]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
}

#[test]
fn an_exemption_that_cannot_be_meant_is_refused_with_what_can() {
    let machine = machine(|_| {
        "no_proxy = [\"https://tfs.corp\", \"tfs*.corp\", \"10.0.0.0/64\", \"tfs.corp:http\", \"\"]\n".to_owned()
    });

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    insta::assert_snapshot!(machine.readable(&refused.err), @r#"
    error: configuration `[temp]/kado.toml` has 1 problem:
      line 7: `azure.no_proxy` holds `https://tfs.corp`; an item must be a host such as "tfs.corp", a domain with all below it such as ".corp" or "*.corp", an address or network such as "10.0.0.0/8", or "*"; for one port alone "tfs.corp:8080"
    "#);
}

/// A proxy that answers every request with this; gives its address. It lives as long as the
/// process.
fn proxy_that_says(answer: &'static str) -> std::net::SocketAddr {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                head.extend(byte);
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });

    address
}

/// What `kado submit` says of a server at Services behind this proxy.
fn told_behind(proxy: std::net::SocketAddr, user: &str) -> String {
    let services = "https://dev.azure.com/acme";
    let machine = Machine::new();
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let proxy_url = format!("http://{user}{proxy}");
    machine.configure(&format!(
        "[azure]\nserver_url = {services:?}\ntoken_file = {token:?}\nproxy = {proxy_url:?}\n"
    ));
    machine.shop_with(
        AzureSettings::connected(services, TOKEN, "Shop", (PLAN, "P")),
        &[("Login", "1001")],
    );

    let waits = submit(&machine, &[]);

    assert_eq!(waits.code, 4, "{waits:?}");
    machine
        .readable(&waits.out)
        .replace(&proxy.to_string(), "[proxy]")
}

#[test]
fn a_proxy_that_says_no_or_is_not_there_is_named() {
    let told = [
        told_behind(
            proxy_that_says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
            "",
        ),
        told_behind(
            proxy_that_says(
                "HTTP/1.1 503 no\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n",
            ),
            "",
        ),
        told_behind(
            proxy_that_says("HTTP/1.1 407 Who?\r\ncontent-length: 0\r\n\r\n"),
            "robot:hunter2@",
        ),
    ];

    insta::assert_snapshot!(told.concat(), @r"
    Test Suites/Smoke (test plan 18): waits: https://dev.azure.com/acme cannot be reached through the proxy http://[proxy] (azure.proxy): client error (Connect): tunnel error: unsuccessful; the proxy refused to open a connection there: have dev.azure.com allowed on it, or put it into `azure.no_proxy` if it is reached without one
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: https://dev.azure.com/acme cannot be reached through the proxy http://[proxy] (azure.proxy): client error (Connect): tunnel error: unsuccessful; the proxy refused to open a connection there: have dev.azure.com allowed on it, or put it into `azure.no_proxy` if it is reached without one
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: https://dev.azure.com/acme cannot be reached through the proxy http://[proxy], with user and password (azure.proxy): client error (Connect): tunnel error: proxy authorization required; put user and password into `azure.proxy`
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
    let unused = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let away = told_behind(unused, "");
    assert!(
        away.contains(
            "https://dev.azure.com/acme cannot be reached through the proxy http://[proxy]"
        ),
        "{away}"
    );
}

#[test]
fn without_a_configured_proxy_that_of_the_environment_counts() {
    let machine = machine(|_| String::new());
    let proxy = format!("http://robot:hunter2@{}", machine.fake.address());

    let submitted = submit(&machine, &[("HTTP_PROXY", &proxy)]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.fake.requests()[0].proxy_user.as_deref(),
        Some("robot:hunter2")
    );
    let checked = checked(&machine, &[("HTTP_PROXY", &proxy)]);
    assert!(
        checked
            .out
            .contains("with user and password (the environment's HTTP_PROXY)"),
        "{checked:?}"
    );
    assert!(!format!("{checked:?}").contains("hunter2"), "{checked:?}");
}

/// A proxy's URL whose user is one of a domain, as people write it.
const OF_A_DOMAIN: &str = r"http://CORP\bob:hunter2@proxy:3128";

#[test]
fn a_proxy_whose_user_holds_a_backslash_is_a_configuration_error_with_the_way_to_write_it() {
    let machine = machine(|_| format!("proxy = '{OF_A_DOMAIN}'\n"));

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("`azure.proxy` must be a URL") && refused.err.contains("CORP%5Cbob"),
        "{refused:?}"
    );
    assert!(!refused.err.contains("hunter2"), "{refused:?}");
}

#[test]
fn a_proxy_of_the_environment_whose_user_holds_a_backslash_is_a_configuration_error() {
    let machine = machine(|_| String::new());
    let environment = [("HTTP_PROXY", OF_A_DOMAIN)];

    let submitted = submit(&machine, &environment);

    assert_eq!(submitted.code, 2, "{submitted:?}");
    let checked = checked(&machine, &environment);
    assert_eq!(checked.code, 2, "{checked:?}");
    for told in [submitted, checked] {
        let text = format!("{}{}", told.out, told.err);
        assert!(
            text.contains("the environment's HTTP_PROXY must be a URL")
                && text.contains("CORP%5Cbob"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn a_proxy_of_the_environment_that_no_request_goes_through_is_no_error() {
    let machine = Machine::new();
    machine.shop(&[("Login", "1001")]);

    let submitted = submit(&machine, &[("HTTP_PROXY", OF_A_DOMAIN)]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
}

#[test]
fn an_encoded_user_of_a_domain_reaches_the_proxy_as_it_is_meant() {
    let machine = machine(|machine| {
        format!(
            "proxy = \"http://CORP%5Cbob:hunter2@{}\"\n",
            machine.fake.address()
        )
    });

    let submitted = submit(&machine, &[]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.fake.requests()[0].proxy_user.as_deref(),
        Some(r"CORP\bob:hunter2")
    );
}
