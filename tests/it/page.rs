//! The status page: what it shows, and to whom.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_katalon::Test;
use serde_json::Value;

use crate::support::{Machine, Service, age, finished, names, now, tc, wait_until};

/// A machine whose page is served at a port that the system chooses.
pub(crate) fn machine_with_page() -> Machine {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n[status_page]\nlisten = \"127.0.0.1:0\"\n");
    machine
}

/// The port at which the page of a service is served.
pub(crate) fn port(service: &Service) -> u16 {
    service.wait_for_log("the status page is served");
    let log = service.log();
    let (_, behind) = log.split_once("http://127.0.0.1:").unwrap();
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The answer to a request with this line and these headers, as it is on the wire.
pub(crate) fn raw(port: u16, line: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "{line} HTTP/1.1\r\n{headers}\r\n").unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The answer to somebody who may ask: its status and its body.
pub(crate) fn get(port: u16, path: &str) -> (u16, String) {
    let answer = raw(
        port,
        &format!("GET {path}"),
        &format!("Host: localhost:{port}\r\n"),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[test]
fn the_page_shows_every_run_and_why_it_needs_somebody() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1099")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let service = machine.start();

    let (status, page) = get(port(&service), "/");

    let reason = machine.row()["error"].as_str().unwrap().to_owned();
    assert_eq!(status, 200);
    assert!(page.contains("<h1>1 run needs you.</h1>"), "{page}");
    assert!(page.contains("kado runs retry 1"), "{page}");
    let plain = page.replace("&#39;", "'").replace("&#34;", "\"");
    assert!(plain.contains(&reason), "{reason}\n{page}");
}

#[test]
fn a_run_opens_to_each_of_its_tests() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001"), ("Sign out", "")]);
    let tests = [Test::passed(&tc("Sign in")), Test::passed(&tc("Sign out"))];
    machine.submit(&shop, &finished(tests));
    let service = machine.start();

    let (status, page) = get(port(&service), "/runs/1");

    assert_eq!(status, 200);
    assert!(page.contains("Test Cases/Sign in"), "{page}");
    assert!(page.contains("1001 as Passed (point"), "{page}");
    assert!(page.contains("no ADO id"), "{page}");
    let url = machine.row()["url"].as_str().unwrap().to_owned();
    assert!(page.contains(&url.replace('&', "&#38;")), "{url}\n{page}");
}

#[test]
fn names_of_a_project_are_text_and_never_markup() {
    let machine = machine_with_page();
    let hostile = "<script>alert(1)</script>";
    let shop = machine.shop(&[(hostile, "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc(hostile))]));
    let service = machine.start();

    let (_, page) = get(port(&service), "/runs/1");

    assert!(!page.contains("<script>"), "{page}");
    assert!(page.contains("&#60;script&#62;"), "{page}");
}

#[test]
fn scripts_get_what_the_commands_print() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let service = machine.start();
    let port = port(&service);

    let (_, runs) = get(port, "/api/runs");
    let (_, run) = get(port, "/api/runs/1");
    let (_, status) = get(port, "/api/status");

    let runs: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs, Value::from(machine.rows()));
    let shown = machine.kado(&["runs", "show", "1", "--json"]).out;
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!(run, serde_json::from_str::<Value>(&shown).unwrap());
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["running"], true);
}

#[test]
fn a_run_that_is_not_there_is_not_found() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);

    for path in ["/runs/7", "/api/runs/7", "/etc/passwd", "/../kado.db"] {
        assert_eq!(get(port, path).0, 404, "{path}");
    }
}

#[test]
fn a_service_that_cannot_do_its_work_is_alive_and_not_ready() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);
    assert_eq!(get(port, "/readyz"), (200, "ok\n".to_owned()));

    std::fs::remove_dir_all(machine.work()).unwrap();

    wait_until("a page that says that the watched folder is gone", || {
        let (status, reasons) = get(port, "/readyz");
        let folder = machine.work().display().to_string();
        if status == 503 && reasons.contains(&folder) {
            Ok(())
        } else {
            Err(reasons)
        }
    });
    assert_eq!(get(port, "/healthz"), (200, "ok\n".to_owned()));
}

#[test]
fn whoever_asks_by_another_name_is_refused_before_anything_else() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);

    for path in ["/", "/healthz", "/metrics", "/api/runs"] {
        let line = format!("GET {path}");
        let answer = raw(port, &line, &format!("Host: evil.example:{port}\r\n"));

        assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    }
    let posted = raw(port, "POST /", &format!("Host: localhost:{port}\r\n"));
    assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
}

#[test]
fn every_answer_is_closed_to_other_pages() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);

    for path in ["/", "/api/runs", "/nothing"] {
        let host = format!("Host: localhost:{port}\r\n");
        let answer = raw(port, &format!("GET {path}"), &host).to_lowercase();

        for header in [
            "content-security-policy: default-src 'none'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        assert!(!answer.contains("access-control-"), "{answer}");
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
}

#[test]
fn connections_that_say_nothing_keep_nobody_from_submitting() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let service = machine.start();
    let port = port(&service);

    let silent: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap())
        .collect();
    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    machine.wait_for_completed(1);
    drop(silent);
}

#[test]
fn connections_that_say_nothing_make_room_for_whoever_asks() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);
    let silent: Vec<TcpStream> = (0..40)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).expect("the page is served"))
        .collect();

    for _ in 0..20 {
        assert_eq!(get(port, "/healthz").0, 200);
    }

    // Some of the oldest made room. Who waits until their time is over finds all of them gone.
    assert!(!is_open(&silent[0]));
    assert!(silent[20..].iter().all(is_open));
    service.stop_cleanly();
}

/// Whether the other side has not closed a connection.
fn is_open(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a stream can be asked");
    let read = stream.read(&mut [0]);
    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// What is sent of a run while something else goes on, sorted: requests that write, and files.
fn sent_while(meanwhile: impl FnOnce(u16, &Machine)) -> Vec<String> {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let service = machine.start();
    let run = finished([Test::failed(&tc("Sign in"), "no").screenshot()]);
    let folder = run.write_in(&shop).unwrap();
    age(&folder);

    meanwhile(port(&service), &machine);
    machine.wait_for_completed(1);
    service.stop_cleanly();

    let run = machine.ado_run();
    let mut sent = machine.writes();
    sent.extend(names(&run.attachments));
    sent.extend(run.results.iter().flat_map(|one| names(&one.attachments)));
    sent.sort();
    sent
}

/// Asks for the page as fast as it answers, until the run is completed and it was asked often;
/// gives the moments of the looks that were shown.
fn flood(port: u16, machine: &Machine) -> BTreeSet<String> {
    const ASKING: usize = 8;
    const OFTEN: usize = 1000;

    let answers = AtomicUsize::new(0);
    let is_over = || {
        let is_completed = machine
            .ado_runs()
            .iter()
            .any(|run| run.state == "Completed");
        is_completed && answers.load(Ordering::Relaxed) >= OFTEN
    };
    let ask = || {
        let mut looks = BTreeSet::new();
        while !is_over() {
            let (status, page) = get(port, "/");
            assert_eq!(status, 200, "{page}");
            let (_, behind) = page.split_once("As of <time datetime=\"").unwrap();
            looks.insert(behind.split('"').next().unwrap().to_owned());
            answers.fetch_add(1, Ordering::Relaxed);
        }
        looks
    };

    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING).map(|_| scope.spawn(ask)).collect();
        let looks = asking.into_iter().flat_map(|one| one.join().unwrap());
        looks.collect()
    })
}

#[test]
fn however_often_the_page_is_asked_for_kado_looks_once_a_second_and_sends_the_same() {
    let alone = sent_while(|_, _| ());
    let mut looks = BTreeSet::new();
    let mut seconds = 0;

    let flooded = sent_while(|port, machine| {
        let since = now();
        looks = flood(port, machine);
        seconds = now().duration_since(since).as_secs();
    });

    assert_eq!(flooded, alone);
    // One more for each end of the time.
    let most = usize::try_from(seconds).unwrap() + 2;
    assert!(looks.len() <= most, "{} looks in {seconds} s", looks.len());
}

#[test]
fn a_port_in_use_is_a_warning_and_no_more() {
    let machine = Machine::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    machine.configure(&format!(
        "history = \"all\"\n[status_page]\nlisten = \"{address}\"\n"
    ));
    let shop = machine.shop(&[("Sign in", "1001")]);

    let service = machine.start();
    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    machine.wait_for_completed(1);
    service.wait_for_log("another program uses the port");
}

#[test]
fn the_page_names_servers_projects_machine_and_configuration() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001"), ("Sign out", "")]);
    let service = machine.start();
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Sign out"), "no button"),
    ])
    .write_in(&shop)
    .unwrap();
    machine.wait_for_completed(1);
    let port = port(&service);

    let page = wait_until("a page on which the project is read", || {
        let (_, page) = get(port, "/");
        if page.contains("1 of 2") {
            Ok(page)
        } else {
            Err(page)
        }
    });

    for shown in [
        machine.fake.base_url().as_str(),
        "answers",
        "API version",
        "as the server",
        "1 passed",
        &shop.display().to_string(),
        "watched by events",
        "Last sweep",
        "Last warnings",
        &machine.config_file().display().to_string(),
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[test]
fn scripts_get_the_projects_as_well() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001"), ("Sign out", "")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let service = machine.start();
    let port = port(&service);

    let project = wait_until("the project to be read", || {
        let (_, text) = get(port, "/api/projects");
        let projects: Value = serde_json::from_str(&text).unwrap();
        if projects[0]["mapped"].is_null() {
            Err(text)
        } else {
            Ok(projects[0].clone())
        }
    });

    assert_eq!(project["path"], shop.display().to_string());
    assert_eq!(project["integration"], "on");
    assert_eq!(
        (&project["mapped"], &project["test_cases"]),
        (&1.into(), &2.into())
    );
    assert_eq!(project["test_plans"][0]["id"], crate::support::PLAN);
    assert!(project["last_run_seen"].is_string(), "{project}");
}

#[test]
fn times_are_those_of_the_machine_with_the_offset() {
    let machine = machine_with_page();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let mut command = machine.command(&["run"]);
    command.env("TZ", "IST-5:30");
    let service = machine.start_as(command);

    let (_, page) = get(port(&service), "/runs/1");

    assert!(page.contains("+05:30</time>"), "{page}");
    assert!(page.contains("Z\">"), "{page}");
}

#[test]
fn the_one_script_that_may_run_is_named_by_a_number_of_this_answer() {
    let machine = machine_with_page();
    let service = machine.start();
    let port = port(&service);
    let nonce = || {
        let host = format!("Host: localhost:{port}\r\n");
        let answer = raw(port, "GET /", &host);
        let (_, behind) = answer.split_once("script-src 'nonce-").unwrap();
        let nonce = behind.split('\'').next().unwrap().to_owned();
        assert!(
            answer.contains(&format!("<script nonce=\"{nonce}\"")),
            "{answer}"
        );
        nonce
    };

    let one = nonce();
    let other = nonce();

    assert_ne!(one, other);
    assert_eq!(one.len(), 64);
    assert_eq!(get(port, "/page.js").0, 200);
}
