//! `kado status`: what it says of the service and of what needs a person.

use std::process::Stdio;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::Test;
use serde_json::Value;

use crate::support::{Machine, age, finished, now, tc};

/// What `kado status --json` says, and its exit code.
fn status(machine: &Machine) -> (Value, i32) {
    let said = machine.kado(&["status", "--json"]);
    let status = serde_json::from_str(&said.out);
    (
        status.unwrap_or_else(|error| panic!("{error} in {said:?}")),
        said.code,
    )
}

fn members(status: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = status
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// A machine on which a run is parked: its id is none of the plan's.
fn machine_with_a_parked_run() -> Machine {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1099")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    machine
}

#[test]
fn without_a_service_the_status_is_that_of_this_program_and_machine() {
    let machine = Machine::new();

    let (status, code) = status(&machine);

    assert_eq!(code, 0, "{status}");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert!(!status["host"].as_str().unwrap().is_empty(), "{status}");
    assert_eq!(status["account"], Value::Null);
    assert_eq!(status["uptime_s"], Value::Null);
    assert_eq!(status["config"], *machine.config_file().to_string_lossy());
    assert_eq!(status["state_dir"], *machine.state().to_string_lossy());
    assert_eq!(status["last_run_seen"], Value::Null);
}

#[test]
fn what_another_version_noted_of_kado_exec_and_of_shown_suites_is_told_as_notes() {
    let machine = machine_with_a_parked_run();
    let database =
        rusqlite::Connection::open(machine.state().join("kado.db")).expect("it is there");
    let now = now().as_millisecond();
    database
        .execute_batch(&format!(
            "INSERT INTO claim (project, begun_ms, seen_ms, ended_ms, terms)
                VALUES ('/agent/Shop', {now}, {now}, {now}, '[]');
             INSERT INTO live_run (key, plan_id, ado_run_id, seen_ms, snapshot)
                VALUES ('other-version', 18, 150, {now}, '{{}}');"
        ))
        .expect("rows are written");

    let (status, _) = status(&machine);

    let notes = status["notes"].as_array().expect("there are some");
    let texts: Vec<String> = notes
        .iter()
        .filter(|note| note["kind"] == "unreadable")
        .map(|note| note["text"].to_string())
        .collect();
    assert_eq!(texts.len(), 2, "{status}");
    assert!(
        texts[0].contains("a `kado exec` for `/agent/Shop`"),
        "{status}"
    );
    assert!(
        texts[1].contains("test run 150 in test plan 18"),
        "{status}"
    );
}

#[test]
fn a_running_service_says_who_it_is_and_since_when() {
    let machine = Machine::new();
    let service = machine.start();

    let (running, _) = status(&machine);

    assert_eq!(running["running"], true);
    assert_eq!(running["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        !running["account"].as_str().unwrap().is_empty() && running["uptime_s"].is_u64(),
        "{running}"
    );

    service.stop_cleanly();
    let (stopped, _) = status(&machine);
    if cfg!(unix) {
        assert_eq!(stopped["running"], false);
        assert_eq!(stopped["account"], Value::Null);
    }
}

#[test]
fn the_last_run_that_was_seen_is_told_also_when_it_is_not_submitted() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    age(&folder);
    machine.kado(&["run", "--once"]);

    let (status, _) = status(&machine);

    assert_eq!(status["last_run_seen"], machine.row()["ended"]);
    assert!(status["last_run_seen"].is_string(), "{status}");
}

#[test]
fn a_problem_has_a_kind_a_text_and_a_way_out() {
    let machine = machine_with_a_parked_run();

    let (status, code) = status(&machine);

    assert_eq!(code, 1);
    let problem = &status["problems"][0];
    assert_eq!(members(problem), ["hint", "kind", "text"]);
    assert_eq!(problem["kind"], "parked");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("`kado runs retry 1`"), "{hint}");
}

#[test]
fn people_read_each_problem_with_its_way_out_on_a_line_of_its_own() {
    let machine = machine_with_a_parked_run();

    let said = machine.kado(&["status"]);

    let from = said.out.find("problem: ").unwrap();
    insta::assert_snapshot!(machine.readable(&said.out[from..]), @r"
    problem: run 1 (Test Suites/Smoke) is parked: no result can be submitted: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
             → then `kado runs retry 1` submits it; `kado runs show 1` shows all of it, `kado runs forget 1` gives it up
    ");
}

/// The hint of the only problem.
fn hint(status: &Value) -> &str {
    assert_eq!(status["problems"].as_array().unwrap().len(), 1, "{status}");
    status["problems"][0]["hint"].as_str().unwrap()
}

#[test]
fn without_a_service_nobody_is_said_to_try_again() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let unavailable = Fault::new("*", "", Nth::Every, FaultAction::unavailable());
    machine.fake.fault(unavailable);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    let (alone, code) = status(&machine);
    let said = machine.kado(&["status"]);
    let _service = machine.start();
    let (beside, _) = status(&machine);

    assert_eq!(code, 1, "{alone}");
    assert!(!hint(&alone).contains("by itself"), "{alone}");
    let from = said.out.find("problem: ").unwrap();
    insta::assert_snapshot!(machine.readable(&said.out[from..]));
    assert!(hint(&beside).contains("tries again by itself"), "{beside}");
}

#[test]
fn a_run_whose_sender_was_killed_is_a_problem_until_somebody_sends_it() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    age(&folder);
    let hang = Fault::new("*", "", Nth::Every, FaultAction::Hang);
    machine.fake.fault(hang);
    let mut sender = machine
        .command(&["submit", &folder.to_string_lossy()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    machine.wait_for_requests(1);

    let (while_it_sends, code_while_it_sends) = status(&machine);
    sender.kill().unwrap();
    sender.wait().unwrap();
    let (left, code_left) = status(&machine);
    machine.fake.clear_faults();
    machine.kado(&["run", "--once"]);
    let (sent, code_sent) = status(&machine);

    assert_eq!(code_while_it_sends, 0, "{while_it_sends}");
    assert_eq!(code_left, 1, "{left}");
    assert_eq!(
        left["problems"][0]["text"],
        "run 1 (Test Suites/Smoke) waits, and nobody is there to send it"
    );
    assert!(hint(&left).contains("`kado run --once`"), "{left}");
    assert_eq!(code_sent, 0, "{sent}");
}

#[test]
fn without_a_service_a_new_token_is_not_said_to_be_enough() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.fake.world().set_tokens(&["another-token"]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    let (alone, code) = status(&machine);
    let _service = machine.start();
    let (beside, _) = status(&machine);

    assert_eq!(code, 1, "{alone}");
    assert!(hint(&alone).contains("`kado service start`"), "{alone}");
    assert!(hint(&beside).contains("sent by themselves"), "{beside}");
}

#[test]
fn where_the_outbox_cannot_be_read_nothing_is_counted() {
    let machine = machine_with_a_parked_run();
    std::fs::write(machine.state().join("kado.db"), "something else").unwrap();

    let (status, code) = status(&machine);

    assert_eq!(code, 1);
    assert_eq!(status["problems"][0]["kind"], "outbox");
    assert_eq!(status["pending"], Value::Null);
    assert_eq!(status["parked"], Value::Null);
}

#[cfg(unix)]
#[test]
fn whoever_may_not_look_into_the_state_folder_is_told_so_and_learns_nothing_untrue() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use crate::support::{as_ordinary_account, finish};

    let machine = Machine::new();
    let Some(asking) = as_ordinary_account(&machine.command(&["status", "--json"])) else {
        return;
    };
    let service = machine.start();
    set_permissions(machine.state(), Permissions::from_mode(0o000)).unwrap();

    let said = finish(asking);

    set_permissions(machine.state(), Permissions::from_mode(0o700)).unwrap();
    service.stop_cleanly();
    assert_eq!(said.code, 1, "{said:?}");
    let status: Value = serde_json::from_str(&said.out).unwrap();
    let problems = status["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{status}");
    assert_eq!(problems[0]["kind"], "service");
    let text = problems[0]["text"].as_str().unwrap();
    assert!(text.contains("this account may not look"), "{text}");
    assert_eq!(status["pending"], Value::Null);
}
