//! The whole way of a machine that has only the program: its setup, that of a project, the ids of
//! its test cases, and a run that is complete in Azure DevOps, without any file edited by hand. By
//! options, and by the dialogue alone.

#![expect(clippy::disallowed_methods, reason = "tests read what was written")]

use std::fs;
use std::path::Path;

use fake_katalon::Test;

use crate::support::{Machine, Output, PLAN, TOKEN, age, finished, settings_file, tc};

/// A machine without a configuration, with a project that knows nothing of Azure DevOps. No version
/// control is anywhere around it.
fn bare_machine() -> Machine {
    let machine = Machine::new();
    machine.bare_project();
    fs::remove_file(machine.config_file()).unwrap();
    machine
}

/// What is left once both are set up: ids, a run, and the sweep that submits it.
fn go_on(machine: &Machine, project: &Path) -> [Output; 2] {
    let folder = project.to_string_lossy();
    let mapped = machine.kado(&["map", "suggest", "--apply", "--project", &folder]);
    let run = finished([
        Test::passed(&tc("Case 1001")),
        Test::failed(&tc("Case 1002"), "no"),
    ]);
    age(&run.write_in(project).unwrap());

    [mapped, machine.kado(&["run", "--once"])]
}

/// Fails unless the run is whole in Azure DevOps.
fn assert_complete(machine: &Machine) {
    let run = machine.ado_run();

    assert_eq!(run.state, "Completed");
    assert_eq!(run.plan_id, Some(PLAN));
    assert_eq!(run.result_of_point(11).unwrap().outcome, "Passed");
    assert_eq!(run.result_of_point(12).unwrap().outcome, "Failed");
}

/// The settings that the project has now, without the port of this test's server.
fn settings(machine: &Machine, project: &Path) -> String {
    let written = fs::read_to_string(settings_file(project)).unwrap();
    written.replace(&machine.fake.base_url().replace(':', "\\:"), "[server]")
}

#[test]
fn by_options_a_machine_and_a_project_lead_to_a_complete_run() {
    let machine = bare_machine();
    let project = machine.work().join("Shop");

    let set_up = machine.set_up_with_token(&["--history", "all"], TOKEN);
    // The machine's token is enough for the project.
    let of_project = machine.set_up_project(&project, &["--project-name", "Shop", "--plan", "18"]);
    let [mapped, swept] = go_on(&machine, &project);

    for done in [set_up, of_project, mapped, swept] {
        assert_eq!(done.code, 0, "{done:?}");
    }
    assert_complete(&machine);
    assert!(!settings(&machine, &project).contains("token="));
}

#[cfg(target_os = "linux")]
#[test]
fn by_the_dialogue_alone_they_lead_to_the_same_and_write_the_same() {
    use crate::support::{DOWN, ENTER, Terminal};
    let by_options = bare_machine();
    let project_by_options = by_options.work().join("Shop");
    by_options.set_up_with_token(&["--history", "all"], TOKEN);
    by_options.set_up_project(
        &project_by_options,
        &["--project-name", "Shop", "--plan", "18"],
    );
    let machine = bare_machine();
    let project = machine.work().join("Shop");

    let mut terminal = Terminal::start(machine.command(&["setup"]));
    terminal.answers("Which folders hold Katalon projects?", ENTER);
    let url = machine.fake.base_url();
    terminal.answers("Which Azure DevOps?", &format!("{url}{ENTER}"));
    terminal.answers("What does it know kado by?", ENTER);
    terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
    terminal.answers("When does it end?", ENTER);
    terminal.answers(
        "Which finished runs are submitted?",
        &format!("{DOWN}{ENTER}"),
    );
    terminal.answers("Is this right?", ENTER);
    let set_up = terminal.ends();

    let mut terminal = Terminal::start(machine.command(&["setup", &project.to_string_lossy()]));
    terminal.answers("organization or collection:", ENTER);
    terminal.answers("Project:", ENTER);
    terminal.answers("Test plans:", &format!(" {ENTER}"));
    for question in [
        "Execution status mapping",
        "Test configuration for",
        "Name of test runs:",
        "Attached files",
        "Files are attached:",
        "multiple test points",
        "Build definition ID:",
        "Release definition ID:",
        "Write `",
    ] {
        terminal.answers(question, ENTER);
    }
    let of_project = terminal.ends();
    let [mapped, swept] = go_on(&machine, &project);

    for (code, said) in [set_up, of_project] {
        assert_eq!(code, 0, "{said}");
    }
    for done in [mapped, swept] {
        assert_eq!(done.code, 0, "{done:?}");
    }
    assert_complete(&machine);
    assert_eq!(
        settings(&machine, &project),
        settings(&by_options, &project_by_options)
    );
    let configuration = |machine: &Machine| {
        let text = fs::read_to_string(machine.config_file()).unwrap();
        machine.readable(&text)
    };
    assert_eq!(configuration(&machine), configuration(&by_options));
}
