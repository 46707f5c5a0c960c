//! Servers that answer anything but what they should: each costs one attempt, with its reason,
//! within limits of size and time, and none learns what is not meant for it.

#![expect(clippy::disallowed_methods, reason = "tests answer on sockets")]

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fake_katalon::{AzureSettings, Test};

use crate::support::katalonc::arguments;
use crate::support::{
    Authority, Machine, Output, PLAN, SUITE, TOKEN, closed_file, finish, finished, reveals, tc,
};

/// More than all buffers between here and kado hold, which nobody reads then.
const MUCH: u64 = 64 * 1024 * 1024;

/// A server that says what it wants; it lives as long as the test's process.
struct Liar {
    address: SocketAddr,
    /// The heads of the requests that came.
    heads: Arc<Mutex<Vec<String>>>,
    /// Bytes that it got rid of.
    sent: Arc<AtomicU64>,
}

/// A connection of a liar.
struct Line {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
}

impl Line {
    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        let before = self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        // Whoever reads more than this has no limit.
        if before > 4 * MUCH {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(())
    }

    /// Says it again until nobody listens.
    fn say_for_ever(&mut self, bytes: &[u8]) -> io::Result<()> {
        loop {
            self.say(bytes)?;
        }
    }
}

impl Liar {
    fn new(answer: impl Fn(&mut Line) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let liar = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            sent: Arc::default(),
        };

        let heads = Arc::clone(&liar.heads);
        let sent = Arc::clone(&liar.sent);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&heads);
                let answer = Arc::clone(&answer);
                let sent = Arc::clone(&sent);
                thread::spawn(move || {
                    let mut line = Line { stream, sent };
                    if let Ok(head) = head_of(&mut line.stream) {
                        heads
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(head);
                        // It ends when kado hangs up.
                        let _ = answer(&mut line);
                    }
                });
            }
        });
        liar
    }

    /// One that says these bytes and hangs up.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |line| line.say(&answer))
    }

    fn url(&self) -> String {
        format!("http://{}/acme", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn head_of(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A machine whose project is integrated with a liar.
fn machine(liar: &Liar) -> Machine {
    let machine = Machine::new();
    let settings = AzureSettings::connected(&liar.url(), TOKEN, "Shop", (PLAN, "Release 1"));
    machine.shop_with(settings, &[("Sign in", "1001")]);
    machine
}

fn submit(machine: &Machine) -> Output {
    machine.submit(
        &machine.work().join("Shop"),
        &finished([Test::passed(&tc("Sign in"))]),
    )
}

/// Runs a suite and waits so long for its submission, which is also how long a call may take.
fn exec(machine: &Machine, wait: &str) -> Output {
    let shop = machine.work().join("Shop");
    finish(machine.exec(&["--wait", wait], &arguments(Path::new(&shop), SUITE, &[])))
}

/// The reason why the only run waits.
fn reason(machine: &Machine) -> String {
    let row = machine.row();
    assert_eq!(row["state"], "pending", "{row}");
    row["error"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_answer_without_end_is_given_up_whichever_part_of_it_has_none() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let piece = "x".repeat(64 * 1024);
    let headers = move |line: &mut Line| {
        line.say(OK.as_bytes())?;
        line.say_for_ever(b"x-more: a\r\n")
    };
    let value = {
        let piece = piece.clone();
        move |line: &mut Line| {
            line.say(OK.as_bytes())?;
            line.say(b"x-long: ")?;
            line.say_for_ever(piece.as_bytes())
        }
    };
    let extensions = {
        let piece = piece.clone();
        move |line: &mut Line| {
            line.say(OK.as_bytes())?;
            line.say(b"transfer-encoding: chunked\r\n\r\n1;")?;
            line.say_for_ever(piece.as_bytes())
        }
    };
    let trailers = move |line: &mut Line| {
        line.say(OK.as_bytes())?;
        line.say(b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")?;
        line.say_for_ever(b"x-more: a\r\n")
    };
    let body = move |line: &mut Line| {
        line.say(OK.as_bytes())?;
        line.say(b"\r\n")?;
        line.say_for_ever(piece.as_bytes())
    };

    let liars = [
        ("headers", Liar::new(headers)),
        ("a header", Liar::new(value)),
        ("chunk extensions", Liar::new(extensions)),
        ("trailers", Liar::new(trailers)),
        ("a body", Liar::new(body)),
    ];

    // At once, because each has much time to reach its limit.
    thread::scope(|scope| {
        for (name, liar) in &liars {
            scope.spawn(move || assert_given_up_by_size(name, liar));
        }
    });
}

/// Fails unless this liar is given up because it says too much, and not because it takes too long.
fn assert_given_up_by_size(name: &str, liar: &Liar) {
    let machine = machine(liar);

    let done = exec(&machine, "15s");

    let reason = reason(&machine);
    assert!(
        !reason.is_empty() && !reason.contains("in time"),
        "{name}: {reason} {done:?}"
    );
    let asked = liar.heads().len() as u64;
    assert!(asked > 0, "{name}");
    let sent = liar.sent.load(Ordering::Relaxed);
    assert!(sent < asked * MUCH, "{name}: {sent} bytes were taken");
}

#[test]
fn an_answer_that_only_trickles_is_given_up_when_its_time_is_over() {
    let slow = |before: &'static [u8], piece: &'static [u8]| {
        Liar::new(move |line| {
            line.say(before)?;
            loop {
                line.say(piece)?;
                thread::sleep(Duration::from_millis(50));
            }
        })
    };

    for (name, liar) in [
        ("head", slow(b"HTTP/1.1 200 OK\r\nx-long: ", b"a")),
        (
            "body",
            slow(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n",
                b" ",
            ),
        ),
        (
            "nothing but provisional answers",
            slow(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ),
    ] {
        let machine = machine(&liar);

        let done = exec(&machine, "1s");

        let reason = reason(&machine);
        assert!(
            reason.contains("in time") || reason.contains("timed out"),
            "{name}: {reason} {done:?}"
        );
    }
}

#[test]
fn provisional_answers_without_end_are_given_up_when_the_time_of_the_call_is_over() {
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let liar = Liar::new(move |line| {
        loop {
            // Not through `say`: how many come in a second is the machine's affair.
            line.stream.write_all(flood.as_bytes())?;
        }
    });
    let machine = machine(&liar);

    let done = exec(&machine, "1s");

    let reason = reason(&machine);
    assert!(
        reason.contains("did not answer in time"),
        "{reason} {done:?}"
    );
}

#[test]
fn an_answer_that_is_compressed_is_not_unpacked() {
    // An empty gzip file: what matters is that nobody looks into it.
    let packed =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    );
    let liar = Liar::saying([head.as_bytes(), packed].concat());
    let machine = machine(&liar);

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 4, "{submitted:?}");
    assert!(reason(&machine).contains("cannot be read"), "{submitted:?}");
    for head in liar.heads() {
        assert!(!head.to_lowercase().contains("accept-encoding"), "{head}");
    }
}

#[test]
fn no_redirect_of_a_server_or_an_authority_takes_a_secret_anywhere() {
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let thief = Liar::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        let redirect = format!(
            "HTTP/1.1 {status}\r\nlocation: {}/take\r\ncontent-length: 0\r\n\r\n",
            thief.url()
        );
        let server = Liar::saying(redirect.clone());
        let authority = Liar::saying(redirect);
        let by_token = machine(&server);
        let by_identity = machine_with_authority(&authority);

        exec(&by_token, "1s");
        exec(&by_identity, "1s");

        assert!(!reason(&by_token).is_empty(), "{status}");
        let told = reason(&by_identity);
        assert!(told.contains("sends requests on to `127.0.0.1`"), "{told}");
        for asked in [server.heads(), authority.heads()] {
            assert!(!asked.is_empty(), "{status}");
        }
        assert_eq!(thief.heads(), [""; 0], "{status}");
        assert_eq!(by_identity.fake.requests().len(), 0, "{status}");
    }
}

/// A machine with an identity whose tokens this authority issues.
fn machine_with_authority(authority: &Liar) -> Machine {
    let machine = Machine::new();
    let secret = closed_file(&machine.root().join("secret"), "s3cret~of.the-application");
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\nauthority_url = \"http://{}\"\n[azure.identity]\n\
         kind = \"service-principal\"\ntenant_id = \"7f3c9a52-1111-2222-3333-444455556666\"\n\
         client_id = \"0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff\"\nclient_secret_file = {secret:?}\n",
        machine.fake.base_url(),
        authority.address
    ));
    machine.shop(&[("Sign in", "1001")]);
    machine
}

#[test]
fn no_other_host_is_told_the_token_of_a_server_that_lies() {
    // All that an answer can name a URL in.
    let thief = Liar::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    let url = thief.url();
    let body = format!(
        "{{\"value\":[{{\"id\":1,\"url\":\"{url}\",\"_links\":{{\"web\":{{\"href\":\"{url}\"}}}}}}],\
         \"locationServiceData\":{{\"accessMappings\":[{{\"accessPoint\":\"{url}\"}}]}}}}"
    );
    let liar = Liar::saying(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlocation: {url}\r\nrefresh: 0; url={url}\r\n\
         link: <{url}>; rel=\"next\"\r\nalt-svc: h2=\"{}\"\r\nx-ms-continuationtoken: {url}\r\n\
         content-length: {}\r\n\r\n{body}",
        thief.address,
        body.len()
    ));
    let machine = machine(&liar);

    let submitted = submit(&machine);

    assert_ne!(submitted.code, 0, "{submitted:?}");
    assert!(!liar.heads().is_empty());
    assert_eq!(thief.heads(), [""; 0]);
    assert_eq!(reveals(submitted.out.as_bytes(), TOKEN), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_offers_http_2_is_spoken_to_in_http_1() {
    let machine = Machine::new();
    let authority = Authority::new();
    let door = authority
        .door_offering("localhost", machine.fake.address(), &[b"h2", b"http/1.1"])
        .await;
    let ca = machine.root().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    machine.configure(&format!("[azure]\nca_file = {ca:?}\n"));
    let url = format!("https://localhost:{}/acme", door.address.port());
    let settings = AzureSettings::connected(&url, TOKEN, "Shop", (PLAN, "Release 1"));
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let submitted = tokio::task::block_in_place(|| submit(&machine));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let spoken = door.spoken.lock().unwrap().clone();
    assert!(!spoken.is_empty());
    assert!(spoken.iter().all(|protocol| protocol != "h2"), "{spoken:?}");
}
