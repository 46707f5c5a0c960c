//! Certificates of servers and of their authorities: which are trusted, and what is said of the
//! others.

#![expect(clippy::disallowed_methods, reason = "tests write certificates")]

use std::fs;
use std::path::PathBuf;

use fake_katalon::{AzureSettings, Test};

use crate::support::{Authority, Machine, Output, PLAN, TOKEN, age, finished, now, tc};

/// A server name that every machine knows.
const NAME: &str = "localhost";

/// A machine whose project names the server behind this port, with these lines in `[azure]`.
fn shop_at(machine: &Machine, port: u16, azure: &str) -> PathBuf {
    let server = format!("https://{NAME}:{port}/acme");
    machine.configure(&format!(
        "history = \"all\"\nruns_from = \"any\"\n[azure]\n{azure}"
    ));
    machine.shop_with(
        AzureSettings::connected(&server, TOKEN, "Shop", (PLAN, "P")),
        &[("Login", "1001")],
    )
}

/// Submits a run of the shop at this port.
fn submit(machine: &Machine, port: u16, azure: &str) -> Output {
    let shop = shop_at(machine, port, azure);
    machine.submit(&shop, &finished([Test::passed(&tc("Login"))]))
}

/// The line of `ca_file` for a file with this content.
fn ca_file(machine: &Machine, name: &str, content: &[u8]) -> String {
    let file = machine.root().join(name);
    fs::write(&file, content).unwrap();
    format!("ca_file = {file:?}\n")
}

/// What a person reads, without the port.
fn readable(machine: &Machine, output: &Output, port: u16) -> String {
    machine
        .readable(&output.out)
        .replace(&port.to_string(), "[port]")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_ca_file_reaches_a_running_service() {
    let machine = Machine::new();
    let (old, new) = (Authority::new(), Authority::new());
    let door = new.door(NAME, machine.fake.address()).await;
    let line = ca_file(&machine, "ca.pem", old.pem().as_bytes());
    let shop = shop_at(&machine, door.port(), &line);

    let service = machine.start();
    age(&finished([Test::passed(&tc("Login"))])
        .start(now())
        .write_in(&shop)
        .unwrap());
    machine.wait_for_rows("an authority that is not known", |rows| {
        rows.iter()
            .any(|row| row.contains("invalid peer certificate"))
    });

    ca_file(&machine, "ca.pem", new.pem().as_bytes());
    assert_eq!(machine.kado(&["runs", "retry", "--failed"]).code, 0);

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_authority_of_the_system_reaches_a_running_service() {
    let machine = Machine::new();
    let (old, new) = (Authority::new(), Authority::new());
    let door = new.door(NAME, machine.fake.address()).await;
    let shop = shop_at(&machine, door.port(), "");
    // In place of the system's own.
    let system = machine.root().join("system.pem");
    fs::write(&system, old.pem()).unwrap();
    let mut command = machine.command(&["run"]);
    command.env("SSL_CERT_FILE", &system);
    let service = machine.start_as(command);

    age(&finished([Test::passed(&tc("Login"))])
        .start(now())
        .write_in(&shop)
        .unwrap());
    machine.wait_for_rows("an authority that is not known", |rows| {
        rows.iter()
            .any(|row| row.contains("invalid peer certificate"))
    });

    fs::write(&system, new.pem()).unwrap();
    assert_eq!(machine.kado(&["runs", "retry", "--failed"]).code, 0);

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_knows_is_told_with_the_way_out() {
    let machine = Machine::new();
    let port = Authority::new()
        .door(NAME, machine.fake.address())
        .await
        .port();

    let unknown = submit(&machine, port, "");

    assert_eq!(unknown.code, 4, "{unknown:?}");
    insta::assert_snapshot!(readable(&machine, &unknown, port), @r"
    Test Suites/Smoke (test plan 18): waits: https://localhost:[port]/acme cannot be reached: client error (Connect): invalid peer certificate: UnknownIssuer; neither this machine nor `azure.ca_file` knows the authority that signed its certificate: save the authority's own certificate as PEM and name the file with `azure.ca_file`
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_shows_its_own_certificate_is_told_with_the_way_out() {
    let machine = Machine::new();
    let own = Authority::named(vec![NAME.to_owned()]);
    let port = own.own_door(machine.fake.address()).await.port();
    let line = ca_file(&machine, "ca.pem", own.pem().as_bytes());

    let refused = submit(&machine, port, &line);

    assert_eq!(refused.code, 4, "{refused:?}");
    insta::assert_snapshot!(readable(&machine, &refused, port), @r"
    Test Suites/Smoke (test plan 18): waits: https://localhost:[port]/acme cannot be reached: client error (Connect): invalid peer certificate: Other(OtherError(CaUsedAsEndEntity)); it shows an authority's certificate as its own, which no `azure.ca_file` mends: give it one that an authority signed, or one with `basicConstraints=CA:FALSE`
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_file_that_is_no_pem_is_refused_with_the_way_out() {
    let machine = Machine::new();
    let authority = Authority::new();
    let port = authority.door(NAME, machine.fake.address()).await.port();
    let utf16: Vec<u8> = authority
        .pem()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let broken = b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n";
    let files: [(&str, &[u8]); 4] = [
        ("empty.pem", b""),
        ("windows.cer", &authority.der()),
        ("utf16.pem", &utf16),
        ("broken.pem", broken),
    ];

    let told = files.map(|(name, content)| {
        let refused = submit(&machine, port, &ca_file(&machine, name, content));
        assert_eq!(refused.code, 2, "{refused:?}");
        readable(&machine, &refused, port)
    });

    insta::assert_snapshot!(told.concat(), @r"
    Test Suites/Smoke (test plan 18): waits: `azure.ca_file` `[temp]/empty.pem` holds no certificate as PEM, which begins with `-----BEGIN CERTIFICATE-----` and is saved as UTF-8 or ASCII (not UTF-16)
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `azure.ca_file` `[temp]/windows.cer` holds a certificate as DER, and has to hold it as PEM: `openssl x509 -inform der -in FILE -out ca.pem` turns one into the other, on Windows `certutil -encode FILE ca.pem`
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `azure.ca_file` `[temp]/utf16.pem` holds no certificate as PEM, which begins with `-----BEGIN CERTIFICATE-----` and is saved as UTF-8 or ASCII (not UTF-16)
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: the connection cannot be set up: builder error: invalid peer certificate: BadEncoding; look at the certificates in `azure.ca_file`
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_before_the_first_certificate_does_not_matter() {
    let machine = Machine::new();
    let authority = Authority::new();
    let port = authority.door(NAME, machine.fake.address()).await.port();
    let line = ca_file(
        &machine,
        "ca.pem",
        format!("\u{feff}{}", authority.pem()).as_bytes(),
    );

    let submitted = submit(&machine, port, &line);

    assert_eq!(submitted.code, 0, "{submitted:?}");
}
