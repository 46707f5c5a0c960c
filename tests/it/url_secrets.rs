//! The key of a remote grid, which Katalon writes into a run as the user part of the hub's URL.

#![expect(clippy::disallowed_methods, reason = "tests read what is stored")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{SuiteRunWriter, Test, TestCaseFile};

use crate::support::{Machine, finished, tc};

const KEY: &str = "s3cr3t-grid-key";
const HUB: &str = "https://tester:s3cr3t-grid-key@hub.example.com:443/wd/hub";
const CLEAN_HUB: &str = "https://hub.example.com:443/wd/hub";

/// A run on a remote grid whose hub stands wherever a run can name it.
fn remote_run() -> SuiteRunWriter {
    let failed = Test::failed(&tc("Sign in"), &format!("no session at {HUB}"))
        .stack(&format!(
            "java.io.IOException: {HUB}\n\tat a.B.c(B.java:1)\n"
        ))
        .variable("hub", HUB);
    finished([failed])
        .configuration(&format!("Remote - {HUB}"))
        .browser("")
        .run_data("platform", HUB)
        .profile(HUB)
}

fn remote_run_in(machine: &Machine) -> PathBuf {
    machine.configure("[submit]\ntest_run_name = \"{suite} on {browser}\"\n");
    let cases = [TestCaseFile::new(&tc("Sign in")).azure("1001")];
    let shop = machine.project("Shop", machine.settings(), cases);
    let folder = remote_run().write_in(&shop).unwrap();

    // The key is there to be found.
    let execution = fs::read_to_string(folder.join("execution.properties")).unwrap();
    assert!(execution.contains(KEY), "{execution}");
    folder
}

/// All files below a folder that hold the key.
fn files_with_key(folder: &Path) -> Vec<PathBuf> {
    let mut with_key = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            with_key.extend(files_with_key(&path));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes
                .windows(KEY.len())
                .any(|window| window == KEY.as_bytes())
        {
            with_key.push(path);
        }
    }
    with_key
}

#[test]
fn nothing_of_the_key_of_a_grid_reaches_azure_devops() {
    let machine = Machine::new();
    let folder = remote_run_in(&machine);

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let mut run = machine.ado_run();
    assert!(run.comment.as_ref().unwrap().contains(CLEAN_HUB), "{run:?}");
    assert!(run.name.contains(CLEAN_HUB), "{run:?}");
    let message = run.results[0].error_message.as_ref().unwrap();
    assert_eq!(*message, format!("no session at {CLEAN_HUB}"));

    // Logs and reports are sent as Katalon wrote them.
    run.attachments.clear();
    run.results[0].attachments.clear();
    assert!(!format!("{run:?}").contains(KEY), "{run:?}");
}

#[test]
fn nothing_of_the_key_of_a_grid_is_stored_or_shown() {
    let machine = Machine::new();
    let folder = remote_run_in(&machine);
    let path = folder.to_string_lossy();

    let planned = machine.kado(&["submit", "--dry-run", &path]);
    let inspected = machine.kado(&["inspect", &path, "--json"]);
    let submitted = machine.submit_folder(&folder);
    let id = machine.row()["id"].to_string();
    let shown = machine.kado(&["runs", "show", &id]);

    for output in [planned, inspected, submitted, shown] {
        assert_eq!(output.code, 0, "{output:?}");
        assert!(!output.out.contains(KEY), "{output:?}");
        assert!(!output.err.contains(KEY), "{output:?}");
    }
    // The spool's copies of the run's own files are what they are.
    let with_key = files_with_key(&machine.state());
    let stored: Vec<_> = with_key
        .into_iter()
        .filter(|file| !file.ends_with("execution0.log") && !is_report(file))
        .collect();
    assert!(stored.is_empty(), "{stored:?}");
}

/// Whether a file is a copy of one of Katalon's reports.
fn is_report(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "html")
}
