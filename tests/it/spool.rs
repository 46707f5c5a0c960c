//! The workspace may be wiped at any moment after the suite ended.

#![expect(clippy::disallowed_methods, reason = "tests wipe workspaces")]

use std::fs;
use std::path::Path;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Ending, Phase, Sending, Test};

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
        Some("0 run folders; 1 run submitted now without a folder there"),
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
    let suite = finished(failing()).start(now());
    let folder = suite.folder_in(&shop);
    let mut live = suite.live(&folder);

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
