//! A database of an earlier schema is opened, listed and migrated by this program.

#![expect(clippy::disallowed_methods, reason = "tests lay out state folders")]

use std::fs;
use std::path::Path;

use fake_katalon::TestCaseFile;
use rusqlite::Connection;

use crate::support::{Machine, TOKEN, age, closed_file, names, tc};

/// A machine with the state of an earlier kado: a submitted run, a parked one, and one that waits.
fn machine(database: &str) -> Machine {
    let machine = Machine::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/outbox")
        .join(database);
    fs::create_dir_all(machine.state()).unwrap();
    fs::copy(fixture, machine.state().join("kado.db")).unwrap();
    fs::write(machine.state().join("kado.mark"), "").unwrap();
    machine
}

const ROWS: [&str; 3] = [
    "Test Suites/Parked parked",
    "Test Suites/Submitted submitted",
    "Test Suites/Waits pending",
];

/// State of each row by suite, without reasons.
fn states(machine: &Machine) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let rows = machine.rows();
    let mut states: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", word(&row["suite"]), word(&row["state"])))
        .collect();
    states.sort();
    states
}

#[test]
fn a_database_of_version_1_is_listed_as_it_was() {
    let machine = machine("v1.db");
    assert_eq!(states(&machine), ROWS);
    let rows = machine.rows();
    let submitted = rows.iter().find(|row| row["state"] == "submitted").unwrap();
    assert_eq!(
        (&submitted["ado_run_id"], &submitted["results"]),
        (&150.into(), &2.into())
    );
    let parked = rows.iter().find(|row| row["state"] == "parked").unwrap();
    assert!(
        parked["error"].as_str().unwrap().contains("no test plan"),
        "{parked}"
    );
    for row in &rows {
        let shown = machine.kado(&["runs", "show", &row["id"].to_string()]);
        assert_eq!(shown.code, 0, "{shown:?}");
    }
    let status = machine.kado(&["status", "--json"]);
    assert_eq!(status.code, 1, "a parked run needs a person: {status:?}");
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(
        (&status["pending"], &status["parked"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn a_database_of_version_1_is_written_by_this_program_and_keeps_its_rows() {
    let machine = machine("v1.db");
    let parked = machine
        .rows()
        .into_iter()
        .find(|row| row["state"] == "parked")
        .unwrap();
    let forgotten = machine.kado(&["runs", "forget", &parked["id"].to_string()]);
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert_eq!(
        states(&machine),
        [
            "Test Suites/Parked ignored",
            "Test Suites/Submitted submitted",
            "Test Suites/Waits pending"
        ]
    );
    let submitted = machine
        .rows()
        .into_iter()
        .find(|row| row["state"] == "submitted")
        .unwrap();
    assert_eq!(
        machine
            .kado(&["runs", "retry", &submitted["id"].to_string()])
            .code,
        1,
        "what was sent stays sent"
    );
    assert_eq!(machine.fake.requests().len(), 0);
}

/// The copies of the member that `v5.db` has gathered: the name of their folder is made of what
/// identifies its run.
const COPIES: &str = "spool/21f55dbe859a886bd6742a8a4c3bb668";
/// Old runs count, those of other hosts too.
const ALL: &str = "history = \"all\"\nruns_from = \"any\"\n";

/// A machine with the state of a kado with schema version 5: a submitted run, a parked one, and of
/// a collection that is to be one run the member that was over, whose workspace is gone. Its server
/// is this machine's.
fn machine_with_a_gathered_member() -> Machine {
    let machine = machine("v5.db");
    let (base, token) = (
        machine.fake.base_url(),
        closed_file(&machine.root().join("token"), TOKEN),
    );
    machine.configure(&format!(
        "{ALL}[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n[submit]\ncollections = \"one\"\n"
    ));
    let change = "UPDATE gathered SET held = replace(held, 'http://127.0.0.1:9/acme', ?1)";
    assert_eq!(database(&machine).execute(change, [&base]).unwrap(), 1);
    let copies = machine.state().join(COPIES);
    fs::create_dir_all(&copies).unwrap();
    fs::write(copies.join("1778055362907.png"), "a picture").unwrap();
    fs::write(copies.join("execution0.log"), log_of_the_member()).unwrap();
    machine
}

/// The log of the gathered member, written anew.
fn log_of_the_member() -> Vec<u8> {
    let start = crate::support::start_of() + jiff::SignedDuration::from_millis(60_700);
    let test = fake_katalon::Test::failed(&tc("Pay"), "declined");
    let run = fake_katalon::SuiteRunWriter::new("Test Suites/Shop/Full")
        .start(start)
        .pace(20)
        .test(test);
    let temp = tempfile::tempdir().unwrap();
    fs::read(run.write_in(temp.path()).unwrap().join("execution0.log")).unwrap()
}

fn database(machine: &Machine) -> Connection {
    Connection::open(machine.state().join("kado.db")).unwrap()
}

fn gathered(machine: &Machine) -> i64 {
    database(machine)
        .query_row("SELECT count(*) FROM gathered", [], |row| row.get(0))
        .unwrap()
}

/// What `kado status` says is wrong besides parked runs.
fn problems(machine: &Machine) -> Vec<String> {
    let status = machine.kado(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    let lines = status["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_owned());
    lines.filter(|line| !line.contains("is parked")).collect()
}

#[test]
fn what_version_5_gathered_of_a_collection_is_submitted_after_the_upgrade() {
    let machine = machine_with_a_gathered_member();
    assert_eq!(
        states(&machine),
        [
            "Test Suites/Parked parked",
            "Test Suites/Submitted submitted"
        ]
    );
    assert_eq!(problems(&machine), [""; 0]);
    let run = machine.kado(&["run", "--once"]);
    assert_eq!(run.code, 1, "the parked run needs a person: {run:?}");
    assert_eq!(
        states(&machine),
        [
            "Test Suites/All submitted",
            "Test Suites/Parked parked",
            "Test Suites/Submitted submitted"
        ]
    );
    let run = machine.ado_run();
    assert_eq!(
        (run.results[0].point_id, run.results[0].outcome.as_str()),
        (Some(12), "Failed")
    );
    assert_eq!(names(&run.attachments), ["Full execution0.log"]);
    assert_eq!(names(&run.results[0].attachments), ["1778055362907.png"]);
    assert_eq!(gathered(&machine), 0);
    assert!(
        !machine.state().join(COPIES).exists(),
        "what is confirmed needs no copies"
    );
}

#[test]
fn a_gathered_member_that_cannot_be_read_is_said_kept_and_submitted_on_a_persons_word() {
    let machine = machine_with_a_gathered_member();
    database(&machine)
        .execute(
            "UPDATE gathered SET held = json_remove(held, '$.enabled')",
            [],
        )
        .unwrap();
    let of_an_older_database = problems(&machine);
    assert!(
        of_an_older_database[0].contains("Shop/Full/20260506_081603"),
        "{of_an_older_database:?}"
    );
    for _ in 0..2 {
        let run = machine.kado(&["run", "--once"]);
        assert!(
            run.err
                .contains("cannot be read by this version and is not submitted"),
            "{run:?}"
        );
        assert!(
            run.err.contains("/All/20260506_081602") && run.err.contains("missing field `enabled`"),
            "{run:?}"
        );
        assert_eq!((machine.ado_runs().len(), gathered(&machine)), (0, 1));
        assert!(
            machine.state().join(COPIES).join("execution0.log").exists(),
            "its copies are kept"
        );
    }
    let said = problems(&machine);
    let copies = machine.state().join(COPIES);
    assert!(
        said.len() == 1 && said[0].contains(&*copies.to_string_lossy()),
        "{said:?}"
    );
    // The way out that is said.
    let shop = machine.shop(&[("Pay", "1002")]);
    let folder = shop.join("Reports/20260506_081602/Shop/Full/20260506_081603");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::rename(copies, &folder).unwrap();
    age(&folder);
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().results[0].point_id, Some(12));
    fs::remove_dir_all(&shop).unwrap();
    machine.kado(&["run", "--once"]);
    assert_eq!((problems(&machine), gathered(&machine)), (vec![], 0));
}

#[test]
fn commands_that_cannot_be_read_hold_up_their_own_run_and_no_other() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&[("Sign in", "1001")]);
    let run = |suite: &str| {
        let run = fake_katalon::SuiteRunWriter::new(suite)
            .pace(20)
            .test(fake_katalon::Test::passed(&tc("Sign in")));
        run.write_in(&shop).unwrap()
    };
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let folder = shop.join("Reports/20260506_081459/Waits/20260506_081459");
    let seen = "INSERT INTO seen_command (folder, seen_ms, commands) VALUES (?1, 9000000000000, 'another shape')";
    database(&machine)
        .execute(seen, [&*folder.to_string_lossy()])
        .unwrap();
    assert_eq!(run("Test Suites/Waits"), folder);
    service.wait_for_log("the run folder cannot be read");
    run("Test Suites/Goes on");
    machine.wait_for_completed(1);
    assert_eq!(states(&machine), ["Test Suites/Goes on submitted"]);
    database(&machine)
        .execute("DELETE FROM seen_command", [])
        .unwrap();
    machine.wait_for_completed(2);
    assert_eq!(
        service
            .log()
            .matches("the run folder cannot be read")
            .count(),
        1
    );
    service.stop_cleanly();
}

#[test]
fn while_it_is_not_known_whose_copies_are_needed_all_are_kept() {
    let machine = machine_with_a_gathered_member();
    database(&machine)
        .execute("UPDATE gathered SET held = '{\"another\": \"shape\"}'", [])
        .unwrap();
    assert_eq!(machine.kado(&["run", "--once"]).code, 1);
    assert!(machine.state().join(COPIES).join("execution0.log").exists());
    assert_eq!((problems(&machine).len(), gathered(&machine)), (1, 1));
}

#[test]
fn a_member_that_cannot_be_read_and_is_still_on_the_disk_is_read_from_there() {
    let machine = machine_with_a_gathered_member();
    let shop = machine.project(
        "Shop",
        machine.settings(),
        [TestCaseFile::new(&tc("Pay")).azure("1002")],
    );
    let start = crate::support::start_of() + jiff::SignedDuration::from_secs(60);
    let member = fake_katalon::SuiteRunWriter::new("Test Suites/Smoke")
        .start(start)
        .pace(20);
    let member = member.test(fake_katalon::Test::passed(&tc("Pay")));
    let collection = fake_katalon::CollectionWriter::new("Test Suites/All", start, vec![member]);
    let folders = collection.write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    let prefix = folders[0]
        .strip_prefix(shop.join("Reports"))
        .unwrap()
        .to_string_lossy()
        .replace('\\', "/");
    database(&machine)
        .execute(
            "UPDATE gathered SET held = '{}', collection = ?1, member = ?2",
            [&*collection.folder_in(&shop).to_string_lossy(), &prefix],
        )
        .unwrap();
    let run = machine.kado(&["run", "--once"]);
    assert_eq!(names(&machine.ado_run().attachments).len(), 0, "{run:?}");
    assert_eq!((problems(&machine), gathered(&machine)), (vec![], 0));
}

/// A machine with the state of a kado with schema version 6: a collection that was submitted as one
/// run, without its first suite, which was aborted. The collection's folder is there; its server is
/// another one, where nothing may arrive.
fn machine_with_a_submitted_collection() -> (Machine, std::path::PathBuf, Vec<std::path::PathBuf>) {
    let machine = machine("v6.db");
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002"), ("Browse", "1003")]);
    let start = crate::support::start_of();
    let at = |millis: i64| start + jiff::SignedDuration::from_millis(millis);
    let members = vec![
        crate::collections::member(
            "Test Suites/Smoke",
            start,
            fake_katalon::Test::passed(&tc("Sign in")),
        )
        .ending(fake_katalon::Ending::Aborted),
        crate::collections::member(
            "Test Suites/Shop/Full",
            at(700),
            fake_katalon::Test::failed(&tc("Pay"), "declined"),
        ),
        crate::collections::member(
            "Test Suites/Last",
            at(2000),
            fake_katalon::Test::passed(&tc("Browse")),
        ),
    ];
    let collection = fake_katalon::CollectionWriter::new("Test Suites/All", start, members);
    let folders = collection.write_in(&shop).unwrap();
    age(&shop.join("Reports"));
    (machine, collection.folder_in(&shop), folders)
}

#[test]
fn a_collection_that_version_6_submitted_is_known_after_the_upgrade_whoever_asks() {
    let (machine, whole, members) = machine_with_a_submitted_collection();
    machine.configure(&format!("{ALL}[submit]\ncollections = \"one\"\n"));
    // Before the service is there: the database is only read.
    let planned = machine.kado(&["submit", "--dry-run", &whole.to_string_lossy()]);
    assert_eq!(planned.code, 0, "{planned:?}");
    for folder in [&whole, &members[0], &members[2]] {
        // With the suite that was aborted the collection begins earlier than it was recorded.
        let asked = machine.submit_folder(folder);
        assert!(
            asked.err.contains("was submitted already; `--again`"),
            "{asked:?}"
        );
    }
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(states(&machine), ["Test Suites/All submitted"]);
    assert_eq!(machine.writes(), [""; 0]);
}

#[test]
fn the_suites_of_a_collection_that_version_6_submitted_are_part_of_it_after_the_upgrade() {
    let (machine, _, members) = machine_with_a_submitted_collection();
    machine.configure(&format!("abort_after = \"1m\"\n{ALL}"));
    let found = machine.kado(&["run", "--once"]);
    assert_eq!(
        found
            .err
            .matches("is part of a collection that is one run")
            .count(),
        2,
        "{found:?}"
    );
    assert_eq!(
        states(&machine),
        ["Test Suites/All submitted", "Test Suites/Smoke ignored"]
    );
    let asked = machine.submit_folder(&members[1]);
    assert!(
        asked
            .err
            .contains("was submitted already, as part of run 1 (collection `Test Suites/All`)"),
        "{asked:?}"
    );
    assert_eq!(machine.writes(), [""; 0]);
}
