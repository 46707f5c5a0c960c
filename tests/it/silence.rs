//! Nothing goes wrong in silence: what is not done is said and is in the exit code, and what is
//! nothing to worry about does not cry.

use std::process::Stdio;

use fake_katalon::{Test, TestCaseFile};

use crate::support::{Machine, age, ended, finished, tc};

/// A machine that takes all runs, with these test cases and a finished run of two tests.
fn machine_with_a_run(cases: &[(&str, &str)]) -> Machine {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let mut files = Vec::new();
    for (name, ids) in cases {
        let file = TestCaseFile::new(&tc(name));
        files.push(if ids.is_empty() {
            file
        } else {
            file.azure(ids)
        });
    }
    let shop = machine.project("Shop", machine.settings(), files);
    let run = finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Pay"))]);
    age(&run.write_in(&shop).unwrap());

    machine
}

/// The reason of the only row, which is ignored by a call that ends with this code.
fn reason_of_ignored(machine: &Machine, code: i32) -> String {
    let once = machine.kado(&["run", "--once"]);
    let row = machine.row();

    assert_eq!(once.code, code, "{once:?}");
    assert_eq!(row["state"], "ignored", "{row}");
    assert_eq!(machine.kado(&["status"]).code, 0, "nothing needs a person");
    row["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_whose_test_case_files_are_gone_is_ignored_and_says_so() {
    let machine = machine_with_a_run(&[]);

    let reason = reason_of_ignored(&machine, 1);

    insta::assert_snapshot!(
        reason,
        @"no test case of this run has a `.tc` file in the project any more, so their Azure DevOps ids are unknown; were they renamed or deleted? Put the files back, then `kado runs retry 1`"
    );
}

#[test]
fn a_run_without_ids_and_with_files_that_are_gone_names_both() {
    let machine = machine_with_a_run(&[("Sign in", "")]);

    let reason = reason_of_ignored(&machine, 1);

    insta::assert_snapshot!(
        reason,
        @"no test of this run has an Azure DevOps test case id: of 2 test cases 1 has no `.tc` file any more, and the others no id; put the files back or enter ids on the Integration tab, then `kado runs retry 1`"
    );
}

#[test]
fn a_run_that_was_ignored_without_ids_is_submitted_by_retry_once_it_has_one() {
    let machine = machine_with_a_run(&[("Sign in", ""), ("Pay", "")]);
    reason_of_ignored(&machine, 0);
    machine.shop(&[("Sign in", "1001"), ("Pay", "")]);

    let retried = machine.kado(&["runs", "retry", "1"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(machine.row()["state"], "submitted");
    assert_eq!(machine.ado_run().results.len(), 1);
}

#[test]
fn of_a_run_in_several_plans_without_ids_every_row_is_ignored() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n[submit]\ntest_plans = [18, 19]\n");
    let without_id = TestCaseFile::new(&tc("Sign in"));
    let shop = machine.project("Shop", machine.settings(), [without_id]);
    age(&finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap());

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    for row in machine.rows() {
        assert_eq!(row["state"], "ignored", "{row}");
    }
}

#[test]
fn a_run_without_ids_where_ids_are_wanted_needs_a_person() {
    let machine = machine_with_a_run(&[("Sign in", "")]);
    machine.configure("history = \"all\"\n[submit]\nunmapped = \"fail\"\n");

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(machine.row()["state"], "parked");
}

/// Ends `kado` with these arguments by a signal while it waits for the server; gives its exit code.
#[cfg(unix)]
fn interrupted(machine: &Machine, arguments: &[&str]) -> i32 {
    interrupted_after(machine, arguments, || ())
}

/// The same, after something that is done while it waits.
#[cfg(unix)]
fn interrupted_after(machine: &Machine, arguments: &[&str], meanwhile: impl FnOnce()) -> i32 {
    use fake_ado::{Fault, FaultAction, Nth};

    let hang = Fault::new("*", "", Nth::Every, FaultAction::HangAfter);
    machine.fake.fault(hang);
    let earlier = machine.fake.requests().len();
    let child = machine
        .command(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    machine.wait_for_requests(earlier + 1);

    meanwhile();
    let sent = std::process::Command::new("kill")
        .arg("-INT")
        .arg(child.id().to_string())
        .status();

    assert!(sent.unwrap().success());
    ended(child, "kado").code
}

#[cfg(unix)]
#[test]
fn a_command_that_is_interrupted_before_its_run_is_submitted_does_not_end_with_0() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    age(&folder);

    let submitting = interrupted(&machine, &["submit", &folder.to_string_lossy()]);
    let once = interrupted(&machine, &["run", "--once"]);

    assert_eq!(submitting, 1);
    assert_eq!(once, 1);
    assert_eq!(machine.row()["state"], "pending");
}

/// What `kado status` says as JSON, and its exit code.
fn status(machine: &Machine) -> (serde_json::Value, i32) {
    let said = machine.kado(&["status", "--json"]);
    (serde_json::from_str(&said.out).unwrap(), said.code)
}

#[test]
fn a_service_that_was_killed_is_a_problem_until_one_runs_again() {
    let machine = Machine::new();
    machine.shop(&[]);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    service.kill();

    let (killed, code) = status(&machine);

    assert_eq!(code, 1, "{killed}");
    assert_eq!(killed["running"], false);
    let problem = &killed["problems"][0];
    assert_eq!(problem["kind"], "service", "{problem}");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("`kado service start`"), "{problem}");

    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    let (running, code) = status(&machine);

    assert_eq!(code, 0, "{running}");
    assert_eq!(running["running"], true);
}

#[cfg(unix)]
#[test]
fn a_service_that_was_asked_to_end_is_no_problem() {
    let machine = Machine::new();
    machine.shop(&[]);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    service.stop_cleanly();

    let (stopped, code) = status(&machine);

    assert_eq!(code, 0, "{stopped}");
    assert_eq!(stopped["running"], false);
}

#[cfg(unix)]
#[test]
fn while_only_a_command_sends_no_service_runs() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    age(&folder);
    let mut seen = None;

    interrupted_after(&machine, &["submit", &folder.to_string_lossy()], || {
        seen = Some(status(&machine));
    });

    let (sending, code) = seen.unwrap();
    assert_eq!(code, 0, "{sending}");
    assert_eq!(sending["running"], false);
}

#[test]
fn whoever_closes_the_pipe_ends_no_command_with_an_error() {
    let machine = machine_with_a_run(&[("Sign in", "1001"), ("Pay", "")]);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let project = machine.work().join("Shop");
    let project = project.to_string_lossy();

    for arguments in [
        ["runs"].as_slice(),
        &["runs", "--json"],
        &["status"],
        &["inspect", &project],
        &["inspect", &project, "--json"],
        &["check", &project],
        &["list", "plans", &project],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ] {
        let mut child = machine
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());

        let ended = ended(child, "kado");

        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        assert_eq!(ended.err, "", "{arguments:?}");
    }
}

#[test]
fn whoever_closes_standard_error_changes_no_exit_code() {
    let machine = machine_with_a_run(&[("Sign in", "1001"), ("Pay", "")]);
    let nowhere = machine.work().join("nowhere");
    let nowhere = nowhere.to_string_lossy();

    for (arguments, code) in [
        (["submit", &nowhere].as_slice(), 1),
        (&["submit", "--dry-run", &nowhere], 1),
        (&["inspect", &nowhere], 1),
        (&["run", "--once"], 0),
    ] {
        let mut child = machine
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());

        let ended = ended(child, "kado");

        assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
    }
}
