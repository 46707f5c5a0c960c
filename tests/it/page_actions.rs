//! The buttons of the status page, and `kado page`, which hands them out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use fake_katalon::Test;
use serde_json::Value;

use crate::page::port;
use crate::support::{Machine, Service, finished, tc, wait_until};

/// A machine with a parked run, whose page has buttons.
fn machine_with_buttons() -> Machine {
    let machine = Machine::new();
    machine
        .configure("history = \"all\"\n[status_page]\nlisten = \"127.0.0.1:0\"\nactions = true\n");
    let shop = machine.shop(&[("Sign in", "1099")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    assert_eq!(machine.row()["state"], "parked");
    machine
}

/// What `kado page` reads.
fn token(machine: &Machine) -> String {
    let file = machine.state().join("kado.page");
    let text = wait_until("the address of the page", || {
        std::fs::read_to_string(&file).map_err(|error| error.to_string())
    });
    let stored: Value = serde_json::from_str(&text).unwrap();
    stored["token"].as_str().unwrap().to_owned()
}

/// Another value for one of the headers of the right request.
type Instead<'a> = Option<(&'a str, &'a str)>;

/// The status and the body of what a button sends.
fn press(port: u16, path: &str, token: &str, instead: Instead<'_>) -> (u16, String) {
    let host = format!("localhost:{port}");
    let origin = format!("http://{host}");
    let mut request = format!("POST {path} HTTP/1.1\r\nContent-Length: 2\r\n");
    for right in [
        ("Host", &*host),
        ("Origin", &origin),
        ("Content-Type", "application/json"),
        ("X-Kado-Token", token),
    ] {
        let (name, value) = instead.filter(|other| other.0 == right.0).unwrap_or(right);
        request.push_str(&format!("{name}: {value}\r\n"));
    }

    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "{request}\r\n{{}}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

/// A service with its port and its token.
fn started(machine: &Machine) -> (Service, u16, String) {
    let service = machine.start();
    let port = port(&service);
    let token = token(machine);
    (service, port, token)
}

#[test]
fn a_button_gives_a_run_up_as_the_command_does() {
    let machine = machine_with_buttons();
    let (_service, port, token) = started(&machine);

    let (status, body) = press(port, "/runs/1/forget", &token, None);

    assert_eq!(status, 200, "{body}");
    assert_eq!(machine.row()["state"], "ignored");
}

#[test]
fn a_button_has_a_run_tried_again_as_the_command_does() {
    let machine = machine_with_buttons();
    machine.shop(&[("Sign in", "1001")]);
    let (_service, port, token) = started(&machine);

    let (status, body) = press(port, "/runs/1/retry", &token, None);

    assert_eq!(status, 200, "{body}");
    machine.wait_for_completed(1);
}

#[test]
fn what_is_wrong_with_a_request_of_a_button_changes_nothing() {
    let machine = machine_with_buttons();
    let (_service, port, token) = started(&machine);

    for (instead, refused) in [
        (("Host", "evil.example"), 421),
        (("Origin", "http://evil.example"), 403),
        (("Origin", "null"), 403),
        (("Content-Type", "text/plain"), 415),
        (("X-Kado-Token", "0000"), 403),
    ] {
        let (status, body) = press(port, "/runs/1/forget", &token, Some(instead));

        assert_eq!(status, refused, "{instead:?}: {body}");
    }
    assert_eq!(crate::page::get(port, "/runs/1/forget").0, 405);
    assert_eq!(machine.row()["state"], "parked");
}

#[test]
fn what_the_service_refuses_says_why() {
    let machine = machine_with_buttons();
    let (_service, port, token) = started(&machine);

    let (status, body) = press(port, "/runs/77/retry", &token, None);

    assert_eq!(status, 409, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["error"].as_str().unwrap().contains("77"), "{body}");
}

#[test]
fn a_page_without_actions_takes_no_request_of_a_button() {
    let machine = crate::page::machine_with_page();
    let service = machine.start();

    let (status, _) = press(port(&service), "/runs/1/forget", "", None);

    assert_eq!(status, 405);
}

#[test]
fn the_command_prints_the_address_and_never_the_token() {
    let machine = machine_with_buttons();
    let (_service, port, token) = started(&machine);

    let done = machine.kado(&["page", "--no-open"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.out, format!("http://127.0.0.1:{port}\n"));
    assert!(!done.err.contains(&token), "{done:?}");
    let (_, page) = crate::page::get(port, "/");
    assert!(!page.contains(&token), "the page holds its token");
}

#[test]
fn the_command_says_that_no_page_is_served() {
    let machine = machine_with_buttons();

    let done = machine.kado(&["page", "--no-open"]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("kado service start"), "{done:?}");

    machine.configure("[status_page]\nlisten = \"\"\n");
    assert_eq!(machine.kado(&["page"]).code, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_browser_gets_the_token_in_a_file_and_not_in_its_arguments() {
    use std::os::unix::fs::PermissionsExt as _;

    let machine = machine_with_buttons();
    let (_service, port, token) = started(&machine);
    let browser = machine.root().join("xdg-open");
    let arguments = machine.root().join("arguments");
    let script = format!(
        "#!/bin/sh\nprintf '%s' \"$*\" > '{}'\n",
        arguments.display()
    );
    std::fs::write(&browser, script).unwrap();
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&browser, mode).unwrap();

    let mut command = machine.command(&["page"]);
    command
        .env("PATH", machine.root())
        .env("DISPLAY", ":9")
        .env("XDG_RUNTIME_DIR", machine.root())
        .env_remove("SSH_CONNECTION");
    let done = command.output().unwrap();

    assert!(done.status.success(), "{done:?}");
    let target = wait_until("the browser to start", || {
        std::fs::read_to_string(&arguments).map_err(|error| error.to_string())
    });
    assert!(!target.contains(&token), "{target}");
    let file = target.split(' ').next_back().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let address = format!("url=http://127.0.0.1:{port}/#token={token}\"");
    assert!(text.contains(&address), "{text}");
    let mode = std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
