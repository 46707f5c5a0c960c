//! The workspace may be wiped at any moment after the suite ended.

#![expect(clippy::disallowed_methods, reason = "tests wipe workspaces")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Ending, Live, Phase, Sending, Test};
use serde_json::Value;

use crate::support::{Machine, Service, closed_file, finished, names, now, tc};

fn failing() -> [Test; 2] {
    [
        Test::passed(&tc("Login")),
        Test::failed(&tc("Pay"), "no such card").screenshot(),
    ]
}

/// A machine with a token of its own, because a project's token goes with the project.
fn machine() -> (Machine, std::path::PathBuf) {
    let machine = Machine::new();
    let token = closed_file(&machine.root().join("token"), crate::support::TOKEN);
    let base = machine.fake.base_url();
    machine.configure(&format!(
        "runs_from = \"any\"\n[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n"
    ));
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Login", "1001"), ("Pay", "1002")]);

    (machine, shop)
}

/// A suite that starts now, of which nothing is written yet, and its folder.
fn suite_in(shop: &Path) -> (PathBuf, Live) {
    let suite = finished(failing()).start(now());
    let folder = suite.folder_in(shop);
    let live = suite.live(&folder);

    (folder, live)
}

#[test]
fn a_workspace_wiped_while_azure_devops_is_down_costs_nothing() {
    let (machine, shop) = machine();
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::error(503, "X", "down"),
    ));

    let waiting = machine.submit(&shop, &finished(failing()));

    assert_eq!(waiting.code, 4, "{waiting:?}");

    fs::remove_dir_all(machine.work().join("Shop")).unwrap();
    machine.fake.clear_faults();

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 0, "{sent:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results.len(), 2);
    assert!(
        names(&run.attachments).contains(&"execution0.log".to_owned()),
        "{:?}",
        names(&run.attachments)
    );
    assert_eq!(run.result_of_point(12).unwrap().attachments.len(), 1);
    let left: Vec<_> = fs::read_dir(machine.state().join("spool"))
        .into_iter()
        .flatten()
        .collect();
    assert!(
        left.is_empty(),
        "the spool is emptied when the run is confirmed"
    );
}

#[test]
fn the_last_line_of_a_single_pass_counts_a_run_that_it_sent_and_whose_folder_is_gone() {
    let (machine, shop) = machine();
    let down = FaultAction::error(503, "X", "down");
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    assert_eq!(machine.submit(&shop, &finished(failing())).code, 4);
    fs::remove_dir_all(machine.work().join("Shop")).expect("it is there");
    machine.fake.clear_faults();

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(
        sent.out.lines().next_back(),
        Some("0 run folders; 1 run submitted now whose folder is gone or not watched"),
        "{sent:?}"
    );
}

/// A service that holds a run and has copied its files: the suite has ended and Katalon never gets
/// to its reports, so the grace time goes on.
fn copied_in_the_grace_time(machine: &Machine, shop: &Path) -> Service {
    let service = machine.start();
    let run = finished(failing())
        .start(now())
        .ending(Ending::WithoutReports);
    let folder = run.folder_in(shop);
    run.live(&folder).perform_through(Phase::Ended).unwrap();
    machine.wait_for_copies(&folder);

    service
}

#[test]
fn a_workspace_wiped_in_the_grace_time_ends_it_and_what_was_copied_arrives() {
    let (machine, shop) = machine();
    let service = copied_in_the_grace_time(&machine, &shop);
    fs::remove_dir_all(&shop).unwrap();

    machine.wait_for_completed(1);

    let arrived = machine.ado_run();
    assert_eq!(arrived.results.len(), 2);
    assert_eq!(arrived.result_of_point(12).unwrap().attachments.len(), 1);
    assert!(service.log().contains("vanished"), "{}", service.log());

    service.stop_cleanly();
}

#[test]
fn a_workspace_wiped_while_the_outbox_cannot_be_written_costs_no_run() {
    let (machine, shop) = machine();
    let service = copied_in_the_grace_time(&machine, &shop);
    let somebody = rusqlite::Connection::open(machine.state().join("kado.db")).unwrap();
    somebody.execute_batch("BEGIN IMMEDIATE").unwrap();
    fs::remove_dir_all(&shop).unwrap();

    // The folder vanishes once, and is told once.
    service.wait_for_log("no run is recorded or sent until it can");
    somebody.execute_batch("COMMIT").unwrap();
    machine.wait_for_completed(1);

    assert_eq!(machine.ado_run().results.len(), 2);

    service.stop_cleanly();
}

#[test]
fn what_found_no_room_in_the_spool_and_vanished_is_named() {
    let (machine, shop) = machine();
    let config = fs::read_to_string(machine.config_file()).unwrap();
    machine.configure_only(&format!("spool_limit = \"1 KiB\"\n{config}"));
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::error(503, "X", "down"),
    ));

    machine.submit(&shop, &finished(failing()));
    fs::remove_dir_all(&shop).unwrap();
    machine.fake.clear_faults();
    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 1, "{sent:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    let comment = run.comment.unwrap();
    assert!(
        comment.contains("`execution0.log` vanished before it was sent"),
        "{comment}"
    );
}

#[test]
fn a_workspace_wiped_while_its_suite_runs_is_told() {
    let (machine, shop) = machine();
    let (folder, mut live) = suite_in(&shop);

    let service = machine.start_in_detail();
    live.perform_through(Phase::Running).unwrap();
    service.wait_for_log("state=Running");
    fs::remove_dir_all(&shop).unwrap();
    service.wait_for_log("a run folder is gone whose suite had not ended");
    let log = service.log();
    service.stop_cleanly();

    assert!(log.contains(&folder.display().to_string()), "{log}");
    assert!(machine.ado_runs().is_empty(), "{log}");
}

/// A machine whose service saw a suite run, and then its workspace wiped; with the run folder.
fn machine_with_a_lost_run() -> (Machine, PathBuf) {
    let (machine, shop) = machine();
    let (folder, mut live) = suite_in(&shop);

    let service = machine.start_in_detail();
    live.perform_through(Phase::Queued).expect("it is written");
    service.wait_for_log("state=Queued");
    live.perform_through(Phase::Running).expect("it is written");
    service.wait_for_log("state=Running");
    fs::remove_dir_all(&shop).expect("nobody keeps it");
    service.wait_for_log("a run folder is gone whose suite had not ended");
    service.stop_cleanly();

    (machine, folder)
}

#[test]
fn a_run_that_vanished_before_its_end_is_a_note_of_the_status() {
    let (machine, folder) = machine_with_a_lost_run();

    let status = machine.kado(&["status", "--json"]);

    assert_eq!(status.code, 0, "a job may be cancelled: {status:?}");
    let told: Value = serde_json::from_str(&status.out).expect("it is JSON");
    let note = &told["notes"][0];
    assert_eq!(note["kind"], "lost", "{told:#}");
    let text = note["text"].as_str().expect("it has words");
    assert!(
        text.contains("vanished before its suite had ended"),
        "{text}"
    );
    assert!(text.contains(&folder.display().to_string()), "{text}");
}

#[test]
fn why_says_of_a_run_that_vanished_before_its_end_what_was_seen_of_it() {
    let (machine, folder) = machine_with_a_lost_run();
    let session = folder.ancestors().nth(2).expect("it lies in a session");

    for asked in [folder.as_path(), session] {
        let why = machine.kado(&["why", &asked.to_string_lossy()]);

        assert_eq!(why.code, 1, "{why:?}");
        assert!(
            why.out
                .contains("vanished before its suite had ended, so nothing of it can be submitted"),
            "{why:?}"
        );
        assert!(why.out.contains("Test Suites/"), "{why:?}");
        assert!(why.out.contains("run the suite again"), "{why:?}");
    }
}

#[test]
fn a_run_that_moved_before_its_end_is_not_lost() {
    let (machine, shop) = machine();
    let (folder, mut live) = suite_in(&shop);

    let service = machine.start_in_detail();
    live.perform_through(Phase::Running).expect("it is written");
    service.wait_for_log("state=Running");
    let moved = folder.with_file_name("20200101_000000");
    fs::rename(&folder, &moved).expect("nobody keeps it");
    service.wait_for_logs(2, "state=Running");
    service.stop_cleanly();

    let status = machine.kado(&["status", "--json"]);
    let told: Value = serde_json::from_str(&status.out).expect("it is JSON");
    assert_eq!(told["notes"], Value::Null, "{told:#}");
}
