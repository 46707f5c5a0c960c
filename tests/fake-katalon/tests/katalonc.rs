//! The stand-in for katalonc, as a program.
//!
//! That this test is here also has `cargo test --workspace` build the program, with the same
//! libraries as everything else: kado's own tests start it.

use std::path::Path;
use std::process::Command;

use fake_katalon::{ProjectWriter, TestCaseFile};

#[test]
fn it_writes_the_run_of_the_suite_that_it_is_told_to_run() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let project = ProjectWriter::new(folder.path().join("Shop"))
        .test_case(TestCaseFile::new("Test Cases/Sign in"))
        .write()
        .map(|()| folder.path().join("Shop"))
        .expect("the project can be written");

    let ended = Command::new(env!("CARGO_BIN_EXE_katalonc"))
        .arg(format!("-projectPath={}", project.display()))
        .args(["-runMode=console", "-testSuitePath=Test Suites/Smoke"])
        .status()
        .expect("katalonc starts");

    assert!(ended.success(), "{ended}");
    assert!(has_log(&project.join("Reports")));
}

/// Whether an execution log lies in a folder or below it.
fn has_log(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("it can be listed").path())
        .any(|path| path.ends_with("execution0.log") || (path.is_dir() && has_log(&path)))
}
