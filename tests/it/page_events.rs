//! The status page follows what happens, for those who listen.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use fake_katalon::Test;
use serde_json::Value;

use crate::page::{get, machine_with_page, port};
use crate::support::{finished, tc};

/// Somebody who listens.
struct Listener(BufReader<TcpStream>);

impl Listener {
    /// Listens for changes of a page; with another digest than the page's all of it is news.
    fn at(port: u16, path: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // A test that waits in vain ends at some time.
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
        )
        .unwrap();
        Self(BufReader::new(stream))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// The first line of the answer.
    fn status(&mut self) -> String {
        self.line()
    }

    /// Waits for a section of this id that holds a text.
    fn wait_for(&mut self, id: &str, text: &str) {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the stream ended");
            let Some(data) = line.strip_prefix("data: ") else {
                continue;
            };
            let section: Value = serde_json::from_str(data).unwrap();
            if section["id"] == id && section["html"].as_str().unwrap().contains(text) {
                return;
            }
        }
    }
}

#[test]
fn a_run_appears_for_whoever_listens() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let service = machine.start();
    let mut listener = Listener::at(port(&service), "/events?seen=");
    listener.wait_for("runs", "No run is known yet.");

    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    listener.wait_for("runs", "submitted");
    listener.wait_for("sentence", "All sent.");
}

#[test]
fn a_run_that_is_open_follows_as_well() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1099")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let service = machine.start();
    let mut listener = Listener::at(port(&service), "/runs/1/events?seen=");
    listener.wait_for("sentence", "parked");

    assert_eq!(machine.kado(&["runs", "forget", "1"]).code, 0);

    listener.wait_for("sentence", "ignored");
}

#[test]
fn those_who_listen_keep_nobody_from_asking_and_are_limited() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);

    let mut listeners: Vec<_> = (0..32)
        .map(|_| Listener::at(port, "/events?seen="))
        .collect();
    for listener in &mut listeners {
        assert!(listener.status().starts_with("HTTP/1.1 200"));
    }

    assert_eq!(get(port, "/healthz").0, 200);
    let refused = Listener::at(port, "/events?seen=").status();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
}
