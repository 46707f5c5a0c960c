//! A workspace that is wiped before kado has read the project's token a first time.

use std::fs;

use fake_katalon::{Phase, Test};

use crate::support::{Machine, finished, names, now, tc};

#[test]
fn the_token_of_a_project_outlives_its_workspace_until_the_service_ends() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let run = finished([Test::failed(&tc("Sign in"), "no").screenshot()]).start(now());
    let folder = run.folder_in(&shop);
    run.live(&folder).perform_through(Phase::Closed).unwrap();
    machine.wait_for_copies(&folder);

    assert_eq!(machine.ado_runs().len(), 0, "it waits for the reports");

    fs::remove_dir_all(&shop).unwrap();

    machine.wait_for_completed(1);

    let run = machine.ado_run();
    assert_eq!(run.results[0].outcome, "Failed");
    assert_eq!(names(&run.attachments), ["execution0.log"]);
    assert_eq!(run.results[0].attachments.len(), 1);

    service.stop_cleanly();
}
