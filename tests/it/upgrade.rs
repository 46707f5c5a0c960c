//! A database of an earlier schema is opened, listed and migrated by this program.

#![expect(clippy::disallowed_methods, reason = "tests lay out state folders")]

use std::fs;
use std::path::Path;

use crate::support::Machine;

/// A machine with the state of an earlier kado: a submitted run, a parked one, and one that waits.
fn machine(database: &str) -> Machine {
    let machine = Machine::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/outbox").join(database);
    fs::create_dir_all(machine.state()).unwrap();
    fs::copy(fixture, machine.state().join("kado.db")).unwrap();
    fs::write(machine.state().join("kado.mark"), "").unwrap();
    machine
}

const ROWS: [&str; 3] = ["Test Suites/Parked parked", "Test Suites/Submitted submitted", "Test Suites/Waits pending"];

/// State of each row by suite, without reasons.
fn states(machine: &Machine) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let rows = machine.rows();
    let mut states: Vec<_> =
        rows.iter().map(|row| format!("{} {}", word(&row["suite"]), word(&row["state"]))).collect();
    states.sort();
    states
}

#[test]
fn a_database_of_version_1_is_listed_as_it_was() {
    let machine = machine("v1.db");
    assert_eq!(states(&machine), ROWS);
    let rows = machine.rows();
    let submitted = rows.iter().find(|row| row["state"] == "submitted").unwrap();
    assert_eq!((&submitted["ado_run_id"], &submitted["results"]), (&150.into(), &2.into()));
    let parked = rows.iter().find(|row| row["state"] == "parked").unwrap();
    assert!(parked["error"].as_str().unwrap().contains("no test plan"), "{parked}");
    for row in &rows {
        let shown = machine.kado(&["runs", "show", &row["id"].to_string()]);
        assert_eq!(shown.code, 0, "{shown:?}");
    }
    let status = machine.kado(&["status", "--json"]);
    assert_eq!(status.code, 1, "a parked run needs a person: {status:?}");
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!((&status["pending"], &status["parked"]), (&1.into(), &1.into()));
}

#[test]
fn a_database_of_version_1_is_written_by_this_program_and_keeps_its_rows() {
    let machine = machine("v1.db");
    let parked = machine.rows().into_iter().find(|row| row["state"] == "parked").unwrap();
    let forgotten = machine.kado(&["runs", "forget", &parked["id"].to_string()]);
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    assert_eq!(
        states(&machine),
        ["Test Suites/Parked ignored", "Test Suites/Submitted submitted", "Test Suites/Waits pending"]
    );
    let submitted = machine.rows().into_iter().find(|row| row["state"] == "submitted").unwrap();
    assert_eq!(machine.kado(&["runs", "retry", &submitted["id"].to_string()]).code, 1, "what was sent stays sent");
    assert_eq!(machine.fake.requests().len(), 0);
}
