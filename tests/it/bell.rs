//! What commands ask of a running service, whether or not anything told it so.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_katalon::Test;
use rusqlite::Connection;

use crate::support::{Machine, finished, tc, wait_until};

/// Leaves a request in the database, and rings for nobody.
fn ask_silently(machine: &Machine, request: &str) -> i64 {
    let database = Connection::open(machine.state().join("kado.db")).unwrap();
    let sql = "INSERT INTO request (asked_ms, request) VALUES (0, ?1)";
    database.execute(sql, [request]).unwrap();
    database.last_insert_rowid()
}

/// The answer, once there is one: of a request that is being carried out it is `null`.
fn answer(machine: &Machine, request: i64) -> Option<String> {
    let database = Connection::open(machine.state().join("kado.db")).unwrap();
    let sql = "SELECT nullif(answer, 'null') FROM request WHERE id = ?1";
    database
        .query_row(sql, [request], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_request_of_which_nothing_tells_is_answered_all_the_same() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let run = finished([Test::passed(&tc("Sign in"))]);
    assert_eq!(machine.submit(&shop, &run).code, 0);
    let service = machine.start();
    service.wait_for_log("watches");

    let request = ask_silently(&machine, r#"{"forget":{"submission":1}}"#);

    let told = wait_until("an answer", || {
        answer(&machine, request).ok_or(String::new())
    });
    assert!(told.contains("refused"), "{told}");
    service.stop_cleanly();
}

#[test]
fn nothing_of_a_ring_stays_in_the_state_folder() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let service = machine.start();
    service.wait_for_log("watches");

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    service.wait_for_log("asked by the command line");
    assert!(!machine.state().join("kado.bell").exists());
    service.stop_cleanly();
}
