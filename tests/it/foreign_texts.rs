//! Names and texts that others wrote neither steer a terminal nor forge a line of the log.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::Test;

use crate::support::{Machine, Output, finished, tc};

/// Clears a screen, begins a line, and turns the order of reading around.
const NAME: &str = "Shop\u{1b}[2J\u{9b}31m\n2026-11-29 ERROR forged\u{202e}";

/// A run in a project whose folder has that name.
fn run_with_such_a_name(machine: &Machine) -> PathBuf {
    let shop = machine.shop(&[("Sign in", "1001")]);
    let run = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let named = machine.work().join(NAME);
    fs::rename(&shop, &named).unwrap();

    named.join(run.strip_prefix(&shop).unwrap())
}

/// Everything that reached the person.
fn shown(done: &Output) -> String {
    format!("{}{}", done.out, done.err)
}

fn assert_steers_nothing(text: &str) {
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
}

fn as_argument(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_folder_s_name_forges_no_line_of_the_log_and_steers_no_terminal() {
    let machine = Machine::new();
    run_with_such_a_name(&machine);

    let done = machine.kado(&["run", "--once"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_steers_nothing(&shown(&done));
    assert!(done.err.contains("\\u001b[2J"), "{done:?}");
    assert!(
        !done
            .err
            .lines()
            .any(|line| line.starts_with("2026-11-29 ERROR forged")),
        "{done:?}"
    );
}

#[test]
fn a_name_in_the_log_files_is_escaped_as_well() {
    let machine = Machine::new();
    run_with_such_a_name(&machine);

    machine.kado(&["run", "--once"]);

    let logs = fs::read_dir(machine.state().join("logs")).unwrap();
    let mut text = String::new();
    for log in logs {
        text.push_str(&fs::read_to_string(log.unwrap().path()).unwrap());
    }
    assert!(text.contains("\\u001b[2J"), "{text:?}");
    assert_steers_nothing(&text);
}

#[test]
fn no_command_shows_such_a_name_as_it_is() {
    let machine = Machine::new();
    let run = run_with_such_a_name(&machine);
    let submitted = machine.submit_folder(&run);
    let id = machine.rows()[0]["id"].to_string();

    let told = [
        submitted,
        machine.kado(&["inspect", &as_argument(&run)]),
        machine.kado(&["inspect", &as_argument(&machine.work().join(NAME))]),
        machine.kado(&["check", &as_argument(&machine.work().join(NAME))]),
        machine.kado(&["runs"]),
        machine.kado(&["runs", "show", &id]),
        machine.kado(&["status"]),
        machine.kado(&["submit", &as_argument(&run.join("missing"))]),
    ];

    for done in &told {
        assert_steers_nothing(&shown(done));
    }
}

#[test]
fn a_document_of_json_stays_one_and_says_the_same() {
    let machine = Machine::new();
    let run = run_with_such_a_name(&machine);
    machine.submit_folder(&run);

    let rows = machine.rows();

    assert_eq!(rows[0]["folder"], as_argument(&run));
}

#[test]
fn a_command_that_is_not_there_is_named_without_what_steers() {
    let machine = Machine::new();
    let shop = machine.shop(&[]);

    let done = crate::support::finish(machine.exec_program(
        &["--project", &as_argument(&shop)],
        Path::new("none\u{1b}[2J\u{202e}"),
    ));

    assert_eq!(done.code, 2, "{done:?}");
    assert_steers_nothing(&shown(&done));
}

#[test]
fn an_argument_that_is_refused_is_named_without_what_steers() {
    let machine = Machine::new();
    let agent_command = "--##vso[task.prependpath]evil";
    let lines = "--x\n::add-mask::y\u{202e}";

    for argument in [agent_command, lines] {
        let done = machine.kado(&["submit", argument]);

        assert_eq!(done.code, 2, "{done:?}");
        assert_steers_nothing(&shown(&done));
        assert!(!done.err.contains("##vso["), "{done:?}");
        assert!(!done.err.contains("\n::add-mask::"), "{done:?}");
    }
}

#[test]
fn a_command_that_is_offered_runs_nothing_of_a_name_when_it_is_copied() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let run = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let named = machine.work().join("Shop $(touch PWNED) `touch PWNED` '");
    fs::rename(&shop, &named).unwrap();
    let run = named.join(run.strip_prefix(&shop).unwrap());

    let told = machine.kado(&["why", &as_argument(&run)]);

    // The command stands between backticks, and the folder has some of its own.
    let (_, offered) = told.out.split_once("→ `kado submit ").unwrap();
    let word = offered.lines().next().unwrap().strip_suffix('`').unwrap();
    let printed = format!("printf %s {word}");
    let printed = std::process::Command::new("sh")
        .args(["-c", &printed])
        .current_dir(machine.work())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout),
        as_argument(&run),
        "{offered}"
    );
    assert!(!machine.work().join("PWNED").exists());
}
