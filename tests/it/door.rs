//! Whoever writes a project puts links, pipes and other folders in the place of its files, at any
//! moment: nothing from elsewhere is sent, and what is not read is told.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out and exchange files"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[cfg(unix)]
mod links;

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Sending, SuiteRunWriter, Test};

use crate::support::{Machine, age, closed_file, finished, names, now, tc};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Pay", "1002")];
/// What nobody but its owner may see.
const SECRET: &str = "a private key";

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no such card").screenshot(),
    ])
    .reports(&["html"])
}

/// A shop of which everything is sent.
fn shop(machine: &Machine) -> PathBuf {
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    machine.shop_with(settings, &CASES)
}

/// The names of all files in ADO that hold something of somebody else's.
fn leaked(machine: &Machine) -> Vec<String> {
    let mut leaked = Vec::new();
    for run in machine.ado_runs() {
        let of_results = run.results.iter().flat_map(|result| &result.attachments);
        for file in of_results.chain(&run.attachments) {
            let text = String::from_utf8_lossy(&file.bytes);
            if text.contains(SECRET) {
                leaked.push(file.file_name.clone());
            }
        }
    }
    leaked
}

/// A folder with reports of somebody else.
fn lay_secrets(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for name in ["secret.html", "secret.pdf", "secret.csv"] {
        fs::write(folder.join(name), SECRET).unwrap();
    }
    age(folder);
}

/// A run that was submitted, and then something happened to its folder: nothing of what lies there
/// now is sent, and the service says why, once.
fn assert_left_alone(why: &str, exchange: impl FnOnce(&Machine, &Path)) {
    let machine = Machine::new();
    let shop = shop(&machine);
    let folder = run().start(now()).write_in(&shop).unwrap();
    age(&folder);
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");

    exchange(&machine, &folder);

    let service = machine.start();
    service.wait_for_log("reports that came late are not looked for");
    let log = service.log();
    assert!(log.contains(why), "{log}");
    service.stop_cleanly();
    assert_eq!(leaked(&machine), [""; 0]);
}

#[test]
fn a_folder_put_in_place_of_a_submitted_runs_gets_no_late_reports() {
    assert_left_alone("is not the folder any more", |machine, folder| {
        let other = machine.root().join("other");
        lay_secrets(&other);
        fs::rename(folder, machine.root().join("moved")).unwrap();
        fs::rename(&other, folder).unwrap();
    });
}

/// A machine of which ADO is down until its faults are cleared, with a run that waits for that.
fn waiting(more: &str) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let token = closed_file(&machine.root().join("token"), crate::support::TOKEN);
    let base = machine.fake.base_url();
    machine.configure(&format!(
        "{more}runs_from = \"any\"\n[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n"
    ));
    let down = FaultAction::error(503, "X", "down");
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let shop = shop(&machine);
    let folder = run().write_in(&shop).unwrap();
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 4, "{submitted:?}");
    machine.fake.clear_faults();

    (machine, folder)
}

#[test]
fn of_a_run_that_is_moved_while_it_waits_the_copies_are_sent() {
    let (machine, folder) = waiting("");
    fs::rename(&folder, machine.root().join("moved")).unwrap();
    lay_secrets(&folder);
    fs::write(folder.join("execution0.log"), SECRET).unwrap();

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 0, "{sent:?}");
    let run = machine.ado_run();
    assert!(names(&run.attachments).contains(&"execution0.log".to_owned()));
    assert_eq!(run.result_of_point(12).unwrap().attachments.len(), 1);
    assert_eq!(leaked(&machine), [""; 0]);
}

#[test]
fn without_copies_nothing_is_sent_from_another_folder_and_each_file_is_named_with_the_reason() {
    let (machine, folder) = waiting("spool_limit = \"1 KiB\"\n");
    let files = crate::support::files(&folder);
    fs::rename(&folder, machine.root().join("moved")).unwrap();
    fs::create_dir(&folder).unwrap();
    for file in files {
        fs::write(folder.join(file), SECRET).unwrap();
    }

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 1, "{sent:?}");
    let comment = machine.ado_run().comment.unwrap();
    assert!(comment.contains("is not the folder any more"), "{comment}");
    assert_eq!(leaked(&machine), [""; 0]);
}
