//! A database of each released schema is opened, listed and migrated by this program.
//!
//! The fixtures hold what a kado of that schema had stored. They are written once, by
//! [`writes_the_fixtures`], before a schema is released, and never again.

#![expect(clippy::disallowed_methods, reason = "tests lay out state folders")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{AzureSettings, CollectionWriter, Ending, SuiteRunWriter, Test, TestCaseFile};
use jiff::SignedDuration;
use rusqlite::Connection;

use crate::collections::{member, play};
use crate::support::{Machine, PLAN, TOKEN, age, closed_file, names, start_of, tc};

/// A submitted run, a parked one, and one that waits.
const RUNS: &str = "schema-1-runs.db";
/// A submitted run, a parked one, and of a collection that is to be one run the member that was
/// over.
const PENDING_MEMBER: &str = "schema-1-pending-member.db";
/// A collection that was submitted as one run, without its first suite, which was aborted.
const COLLECTION: &str = "schema-1-collection.db";

/// The server of all fixtures: nobody answers there.
const NOBODY: &str = "http://127.0.0.1:9/acme";
/// The folder of all fixtures: it is not there.
const GONE: &str = "/agent";

/// The copies of the member that [`PENDING_MEMBER`] holds: the names of their folders are made of
/// what identifies its run, and of the root of its project below [`GONE`].
const COPIES: &str = "spool/21f55dbe859a886bd6742a8a4c3bb668/a098056483856bc754cec6b39ec3beef";
/// Old runs count, those of other hosts too.
const ALL: &str = "history = \"all\"\nruns_from = \"any\"\n";

const ROWS: [&str; 3] = [
    "Test Suites/Parked parked",
    "Test Suites/Submitted submitted",
    "Test Suites/Waits pending",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/outbox")
        .join(name)
}

/// A machine with the state of an earlier kado.
fn machine(name: &str) -> Machine {
    let machine = Machine::new();
    fs::create_dir_all(machine.state()).unwrap();
    fs::copy(fixture(name), machine.state().join("kado.db")).unwrap();
    fs::write(machine.state().join("kado.mark"), "").unwrap();

    machine
}

/// State of each row by suite, without reasons.
fn states(machine: &Machine) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut states: Vec<_> = machine
        .rows()
        .iter()
        .map(|row| format!("{} {}", word(&row["suite"]), word(&row["state"])))
        .collect();
    states.sort();

    states
}

fn row_in_state(machine: &Machine, state: &str) -> serde_json::Value {
    machine
        .rows()
        .into_iter()
        .find(|row| row["state"] == state)
        .unwrap()
}

#[test]
fn a_database_of_schema_1_is_listed_as_it_was() {
    let machine = machine(RUNS);

    assert_eq!(states(&machine), ROWS);
    let submitted = row_in_state(&machine, "submitted");
    assert_eq!(submitted["ado_run_id"], 150);
    assert_eq!(submitted["results"], 2);
    let parked = row_in_state(&machine, "parked");
    assert!(
        parked["error"].as_str().unwrap().contains("no test plan"),
        "{parked}"
    );

    for row in machine.rows() {
        let shown = machine.kado(&["runs", "show", &row["id"].to_string()]);
        assert_eq!(shown.code, 0, "{shown:?}");
    }

    let status = machine.kado(&["status", "--json"]);
    assert_eq!(status.code, 1, "a parked run needs a person: {status:?}");
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["pending"], 1);
    assert_eq!(status["parked"], 1);
}

#[test]
fn a_database_of_schema_1_is_written_by_this_program_and_keeps_its_rows() {
    let machine = machine(RUNS);
    let parked = row_in_state(&machine, "parked");

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
    let submitted = row_in_state(&machine, "submitted");
    let retried = machine.kado(&["runs", "retry", &submitted["id"].to_string()]);
    assert_eq!(retried.code, 1, "what was sent stays sent");
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_database_of_another_kado_is_refused_by_all_and_left_as_it_is() {
    let machine = machine(RUNS);
    database(&machine)
        .pragma_update(None, "user_version", 7)
        .unwrap();

    for arguments in [["runs", "--json"], ["status", "--json"], ["run", "--once"]] {
        let refused = machine.kado(&arguments);

        assert_ne!(refused.code, 0, "{refused:?}");
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains("(schema 7, this one knows 1)"), "{said}");
    }
    let rows: i64 = database(&machine)
        .query_row("SELECT count(*) FROM submission", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 3);
}

/// A machine with the state of [`PENDING_MEMBER`]; its server is this machine's, and the workspace
/// of the member is gone.
fn machine_with_a_pending_member() -> Machine {
    let machine = machine(PENDING_MEMBER);
    let base = machine.fake.base_url();
    let token = closed_file(&machine.root().join("token"), TOKEN);
    machine.configure(&format!(
        "{ALL}[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n[submit]\ncollections = \"one\"\n"
    ));
    let changed = database(&machine)
        .execute(
            "UPDATE pending_member SET content = replace(content, ?1, ?2)",
            [NOBODY, &base],
        )
        .unwrap();
    assert_eq!(changed, 1);

    let copies = machine.state().join(COPIES);
    fs::create_dir_all(&copies).unwrap();
    fs::write(copies.join("1778055362907.png"), "a picture").unwrap();
    fs::write(copies.join("execution0.log"), log_of_the_member()).unwrap();

    machine
}

/// The log of the pending member, written anew.
fn log_of_the_member() -> Vec<u8> {
    let temp = tempfile::tempdir().unwrap();
    let folder = pending_collection().members()[1]
        .write_in(temp.path())
        .unwrap();
    fs::read(folder.join("execution0.log")).unwrap()
}

fn database(machine: &Machine) -> Connection {
    Connection::open(machine.state().join("kado.db")).unwrap()
}

fn pending_members(machine: &Machine) -> i64 {
    database(machine)
        .query_row("SELECT count(*) FROM pending_member", [], |row| row.get(0))
        .unwrap()
}

/// What `kado status` says is wrong besides parked runs.
fn problems(machine: &Machine) -> Vec<String> {
    let status = machine.kado(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();

    let mut others = Vec::new();
    for problem in status["problems"].as_array().unwrap() {
        if problem["kind"] != "parked" {
            others.push(problem.to_string());
        }
    }
    others
}

#[test]
fn what_schema_1_kept_of_a_collection_is_submitted_after_the_upgrade() {
    let machine = machine_with_a_pending_member();
    assert_eq!(
        states(&machine),
        [
            "Test Suites/Parked parked",
            "Test Suites/Submitted submitted"
        ]
    );
    assert_eq!(problems(&machine), [""; 0]);

    let run = machine.kado(&["run", "--once"]);

    assert_eq!(
        run.code, 0,
        "what was parked before does not count: {run:?}"
    );
    assert_eq!(
        states(&machine),
        [
            "Test Suites/All submitted",
            "Test Suites/Parked parked",
            "Test Suites/Submitted submitted"
        ]
    );

    let run = machine.ado_run();
    assert_eq!(run.results[0].point_id, Some(12));
    assert_eq!(run.results[0].outcome, "Failed");
    assert_eq!(names(&run.attachments), ["Full execution0.log"]);
    assert_eq!(names(&run.results[0].attachments), ["1778055362907.png"]);

    assert_eq!(pending_members(&machine), 0);
    assert!(
        !machine.state().join(COPIES).exists(),
        "what is confirmed needs no copies"
    );
}

#[test]
fn a_pending_member_that_cannot_be_read_is_said_kept_and_submitted_on_a_persons_word() {
    let machine = machine_with_a_pending_member();
    database(&machine)
        .execute(
            "UPDATE pending_member SET content = json_remove(content, '$.enabled')",
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

        assert_eq!(machine.ado_runs().len(), 0);
        assert_eq!(pending_members(&machine), 1);
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

    assert_eq!(problems(&machine), [""; 0]);
    assert_eq!(pending_members(&machine), 0);
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
    let machine = machine_with_a_pending_member();
    database(&machine)
        .execute(
            "UPDATE pending_member SET content = '{\"another\": \"shape\"}'",
            [],
        )
        .unwrap();

    assert_eq!(machine.kado(&["run", "--once"]).code, 1);

    assert!(machine.state().join(COPIES).join("execution0.log").exists());
    assert_eq!(problems(&machine).len(), 1);
    assert_eq!(pending_members(&machine), 1);
}

#[test]
fn a_member_that_cannot_be_read_and_is_still_on_the_disk_is_read_from_there() {
    let machine = machine_with_a_pending_member();
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
            "UPDATE pending_member SET content = '{}', collection = ?1, member = ?2",
            [&*collection.folder_in(&shop).to_string_lossy(), &prefix],
        )
        .unwrap();

    let run = machine.kado(&["run", "--once"]);

    assert_eq!(names(&machine.ado_run().attachments).len(), 0, "{run:?}");
    assert_eq!(problems(&machine), [""; 0]);
    assert_eq!(pending_members(&machine), 0);
}

/// A machine with the state of [`COLLECTION`], its folder, and those of its members. Its server is
/// another one, where nothing may arrive.
fn machine_with_a_submitted_collection() -> (Machine, PathBuf, Vec<PathBuf>) {
    let machine = machine(COLLECTION);
    let shop = machine.shop(&crate::collections::CASES);
    let collection = submitted_collection();
    let folders = collection.write_in(&shop).unwrap();
    age(&shop.join("Reports"));

    // It was submitted from here: a run that lies elsewhere, where its log says, is another one.
    let root = machine.root().to_string_lossy().into_owned();
    for column in ["root", "folder", "snapshot"] {
        let change = format!("UPDATE run SET {column} = replace({column}, ?1, ?2)");
        database(&machine).execute(&change, [GONE, &root]).unwrap();
    }

    (machine, collection.folder_in(&shop), folders)
}

#[test]
fn a_collection_that_schema_1_submitted_is_known_after_the_upgrade_whoever_asks() {
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
fn the_suites_of_a_collection_that_schema_1_submitted_are_part_of_it_after_the_upgrade() {
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

/// The collection of [`COLLECTION`].
fn submitted_collection() -> CollectionWriter {
    let start = start_of();
    let at = |millis: i64| start + SignedDuration::from_millis(millis);
    let members = vec![
        member("Test Suites/Smoke", start, Test::passed(&tc("Sign in"))).ending(Ending::Aborted),
        member(
            "Test Suites/Shop/Full",
            at(700),
            Test::failed(&tc("Pay"), "declined"),
        ),
        member("Test Suites/Last", at(2000), Test::passed(&tc("Browse"))),
    ];

    CollectionWriter::new("Test Suites/All", start, members)
}

/// The collection of [`PENDING_MEMBER`], whose second member is over.
fn pending_collection() -> CollectionWriter {
    crate::collections::collection(start_of() + SignedDuration::from_secs(60))
}

#[test]
#[ignore = "writes the fixtures of a schema that is about to be released"]
fn writes_the_fixtures() {
    let runs = Machine::new();
    submit_and_park(&runs);
    let elsewhere = AzureSettings::connected(NOBODY, TOKEN, "Shop", (PLAN, "Release 1"));
    submit(&runs, "Test Suites/Waits", elsewhere);
    keep(&runs, RUNS);

    let pending = Machine::new();
    submit_and_park(&pending);
    pending.configure(&format!("{ALL}[submit]\ncollections = \"one\"\n"));
    let shop = pending.shop(&crate::collections::CASES);
    let service = pending.start();
    service.wait_for_log("found a Katalon project");
    let collection = pending_collection();
    collection.write_start(&shop).unwrap();
    play(&collection, 1, &shop);
    service.wait_for_log("waits for its collection to end");
    service.stop_cleanly();
    let of_run = pending.state().join(COPIES);
    assert!(of_run.parent().unwrap().exists());
    keep(&pending, PENDING_MEMBER);

    let whole = Machine::new();
    whole.configure(&format!(
        "abort_after = \"1m\"\n{ALL}[submit]\ncollections = \"one\"\n"
    ));
    let shop = whole.shop(&crate::collections::CASES);
    submitted_collection().write_in(&shop).unwrap();
    submitted_collection().write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    assert_eq!(whole.kado(&["run", "--once"]).code, 0);
    keep(&whole, COLLECTION);
}

fn submit_and_park(machine: &Machine) {
    submit(machine, "Test Suites/Submitted", machine.settings());
    let no_plan = AzureSettings {
        plans: Vec::new(),
        ..machine.settings()
    };
    submit(machine, "Test Suites/Parked", no_plan);
}

/// Submits a run of the shop, which is gone afterwards.
fn submit(machine: &Machine, suite: &str, settings: AzureSettings) {
    let shop = machine.shop_with(settings, &crate::collections::CASES);
    let run = SuiteRunWriter::new(suite)
        .pace(20)
        .test(Test::passed(&tc("Sign in")))
        .test(Test::passed(&tc("Pay")));
    machine.submit(&shop, &run);
    fs::remove_dir_all(&shop).unwrap();
}

/// Puts the database of a machine among the fixtures: small, and without the names of today.
fn keep(machine: &Machine, name: &str) {
    fs::create_dir_all(fixture("")).unwrap();
    fs::copy(machine.state().join("kado.db"), fixture(name)).unwrap();
    let database = Connection::open(fixture(name)).unwrap();

    let mut columns = database
        .prepare(
            "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.type = 'TEXT'",
        )
        .unwrap();
    let columns: Vec<(String, String)> = columns
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let root = machine.root().to_string_lossy().into_owned();
    for (table, column) in columns {
        let change = format!(
            "UPDATE {table} SET {column} = replace(replace({column}, ?1, ?2), ?3, ?4)
             WHERE {column} IS NOT NULL"
        );
        database
            .execute(&change, [&machine.fake.base_url(), NOBODY, &root, GONE])
            .unwrap();
    }

    database
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM")
        .unwrap();
}
