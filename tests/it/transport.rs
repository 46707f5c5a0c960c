//! The way to the server: a private certificate authority, a proxy, plain http.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write certificates and listen on sockets"
)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use crate::support::{Authority, Machine, PLAN, TOKEN, closed_file, finished, tc, world};
use fake_katalon::{AzureSettings, Test};

/// A server name that only the tests' certificate has.
const NAME: &str = "localhost";

/// A proxy that opens tunnels to `door`, whatever is asked for, for whoever has these credentials;
/// gives its address.
async fn tunnels(door: SocketAddr, user_and_password: &str) -> SocketAddr {
    use base64::Engine as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let encoded = base64::engine::general_purpose::STANDARD.encode(user_and_password);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut outer, _)) = listener.accept().await {
            let wanted = format!("Basic {encoded}");
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = outer.read_u8().await else {
                        return;
                    };
                    head.push(byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                if !head.starts_with("CONNECT ") || !head.contains(&wanted) {
                    let _ = outer
                        .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                        .await;
                    return;
                }
                let Ok(mut inner) = TcpStream::connect(door).await else {
                    return;
                };
                let _ = outer
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await;
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });

    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_server_is_reached_through_a_proxy_that_wants_a_password() {
    let machine = Machine::new();
    let authority = Authority::new();
    let door = authority.door("ado.invalid", machine.fake.address()).await;
    let proxy = tunnels(door, "robot:p@ss word").await;
    let file = machine.root().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let with = |user: &str| {
        let azure = format!("ca_file = {file:?}\nproxy = \"http://{user}@{proxy}\"\n");
        submitted_with(&machine, "https://ado.invalid/acme", &azure)
    };
    let refused = with("robot:wrong");

    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(
        refused
            .out
            .contains("put user and password into `azure.proxy`"),
        "{refused:?}"
    );
    let reached = with("robot:p%40ss%20word");
    assert_eq!(reached.code, 0, "{reached:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

/// A machine with a finished run whose configuration names this server, with these lines behind it.
fn submitted_with(machine: &Machine, server: &str, azure: &str) -> crate::support::Output {
    let settings = AzureSettings::connected(server, TOKEN, "Shop", (PLAN, "P"));
    let shop = machine.shop_with(settings, &[("Login", "1001")]);
    let token = closed_file(&machine.root().join("token"), TOKEN);
    machine.configure(&format!(
        "[azure]\nserver_url = {server:?}\ntoken_file = {token:?}\n{azure}"
    ));

    machine.submit(&shop, &finished([Test::passed(&tc("Login"))]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_private_authority_is_trusted_only_with_its_certificate() {
    let machine = Machine::new();
    let authority = Authority::new();
    let door = authority.door(NAME, machine.fake.address()).await;
    let server = format!("https://{NAME}:{}/acme", door.port());
    let unknown = submitted_with(&machine, &server, "");

    assert_eq!(unknown.code, 4, "{unknown:?}");
    assert!(unknown.out.contains("certificate"), "{unknown:?}");
    let file = machine.root().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let known = submitted_with(&machine, &server, &format!("ca_file = {file:?}\n"));
    assert_eq!(known.code, 0, "{known:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn the_configured_proxy_carries_the_requests() {
    let machine = Machine::new();
    // Nobody answers to this name; the fake stands in for the proxy and gets the whole address.
    let server = "http://ado.invalid/acme";
    let proxy = format!(
        "allow_http = true\nproxy = \"http://{}\"\n",
        machine.fake.address()
    );
    let submitted = submitted_with(&machine, server, &proxy);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn an_older_server_is_spoken_to_in_the_version_it_knows() {
    for newest in ["7.0", "6.0"] {
        let machine =
            Machine::with(world().with(|settings| settings.max_api_version = newest.to_owned()));
        let server = machine.fake.base_url();
        let submitted = submitted_with(&machine, &server, "");

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(machine.ado_run().state, "Completed");
        let pinned = submitted_with(&machine, &server, "api_version = \"7.1\"\n");
        assert_eq!(
            pinned.code, 0,
            "the run is known, so nothing is asked: {pinned:?}"
        );

        let checked = machine.kado(&["check"]);

        assert_eq!(checked.code, 1, "what is configured is spoken: {checked:?}");
        assert!(
            checked.out.contains("out of range for this server"),
            "{checked:?}"
        );
    }
}

#[test]
fn a_server_older_than_2019_is_told_to_be_too_old() {
    let machine =
        Machine::with(world().with(|settings| settings.max_api_version = "4.1".to_owned()));
    let submitted = submitted_with(&machine, &machine.fake.base_url(), "");

    assert_eq!(submitted.code, 1, "{submitted:?}");
    insta::assert_snapshot!(machine.readable(&submitted.out), @"Test Suites/Smoke (test plan 18): parked: Azure DevOps refused the request (400): The requested REST API version of 5.0-preview.1 is out of range for this server. The latest REST API version this server supports is 4.1; kado needs Azure DevOps Services, or Azure DevOps Server 2019 or later");
}
