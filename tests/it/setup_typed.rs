//! What the dialogue of `kado setup` says while somebody types, before Enter: why a text is not
//! right yet, what it is taken for, and how it may go on.

#![expect(clippy::disallowed_methods, reason = "tests read what was written")]

use std::fs;

use crate::support::{CTRL_C, DOWN, ENTER, Machine, TOKEN, Terminal, settings_file, world};

/// The key that completes.
const TAB: &str = "\t";
/// The key that takes the last letter away.
const BACK: &str = "\u{7f}";

/// Leaves, and fails where anything was asked of the server or written.
fn leave(machine: &Machine, mut terminal: Terminal) {
    terminal.types(CTRL_C);
    let (code, said) = terminal.ends();

    assert_eq!(code, 1, "{said}");
    assert!(!machine.config_file().exists());
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_server_says_what_it_lacks_and_then_what_it_is_taken_for() {
    let machine = Machine::fresh(world());
    let mut terminal = Terminal::start(machine.command(&["setup"]));

    terminal.answers("Which folders hold Katalon projects?", ENTER);
    terminal.answers("Which Azure DevOps?", "dev.azure.com");
    terminal.meets("→ not yet: server url `dev.azure.com`");
    terminal.types("/acme/Shop/_testPlans");
    terminal.meets("→ taken for https://dev.azure.com/acme");

    leave(&machine, terminal);
}

#[test]
fn a_folder_that_is_not_there_is_told_and_one_that_is_there_is_completed() {
    let machine = Machine::fresh(world());
    let root = machine.root().display().to_string();
    let mut terminal = Terminal::start(machine.command(&["setup"]));

    // Only the folder that is typed is to be watched.
    terminal.answers(
        "Which folders hold Katalon projects?",
        &format!(" {DOWN} {ENTER}"),
    );
    terminal.answers("Which folder is searched", &format!("{root}/wx"));
    terminal.meets(&format!("→ not yet: `{root}/wx` cannot be watched"));
    terminal.types(BACK);
    terminal.meets(&format!("{root}/work/"));
    terminal.types(TAB);
    terminal.types(ENTER);
    terminal.answers("Which Azure DevOps?", ENTER);
    terminal.answers("Which finished runs are submitted?", ENTER);
    terminal.answers("Is this right?", ENTER);
    let (code, said) = terminal.ends();

    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(machine.config_file()).unwrap();
    assert!(
        written.contains(&format!("watch = [\"{root}/work\"]")),
        "{written}"
    );
}

#[test]
fn a_line_that_only_tells_something_is_no_answer() {
    let machine = Machine::fresh(world());
    let mut terminal = Terminal::start(machine.command(&["setup"]));

    terminal.answers("Which folders hold Katalon projects?", ENTER);
    terminal.answers("Which Azure DevOps?", "dev.azure.com/acme");
    terminal.meets("→ taken for https://dev.azure.com/acme");
    terminal.types(&format!("{DOWN}{ENTER}"));
    terminal.meets("that line only tells something");

    leave(&machine, terminal);
}

#[test]
fn a_day_that_is_none_is_told() {
    let machine = Machine::fresh(world());
    let mut terminal = Terminal::start(machine.command(&["setup"]));

    terminal.answers("Which folders hold Katalon projects?", ENTER);
    let url = machine.fake.base_url();
    terminal.answers("Which Azure DevOps?", &format!("{url}{ENTER}"));
    terminal.answers("What does it know kado by?", ENTER);
    terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
    terminal.answers("When does it end?", "2099-13");
    terminal.meets("→ not yet: write a day such as 2027-01-31");
    terminal.types(CTRL_C);

    assert_eq!(terminal.ends().0, 1);
}

#[test]
fn of_many_test_plans_those_stay_whose_id_is_typed_and_a_definition_that_is_none_is_told() {
    let plans = 30..60;
    let world = plans.fold(world(), |world, id| world.plan(id, &format!("Sprint {id}")));
    let machine = Machine::with(world);
    let shop = machine.shop(&[("Sign in", "1001")]);
    let mut terminal = Terminal::start(machine.command(&["setup", &shop.to_string_lossy()]));

    terminal.answers("organization or collection:", ENTER);
    terminal.answers("Project:", ENTER);
    terminal.answers("Test plans:", "Sprint");
    terminal.types(&BACK.repeat(6));
    terminal.types("47");
    terminal.meets("47 Sprint 47");
    terminal.types(&format!(" {ENTER}"));
    terminal.answers("Execution status mapping", ENTER);
    terminal.answers("Test configuration for", ENTER);
    terminal.answers("Name of test runs:", ENTER);
    terminal.answers("Attached files", ENTER);
    terminal.answers("Files are attached:", ENTER);
    terminal.answers("multiple test points", ENTER);
    terminal.answers("Build definition ID:", "x");
    terminal.meets("→ not yet: it is `x`; write the id of a definition");
    terminal.types(&format!("{BACK}{ENTER}"));
    terminal.answers("Release definition ID:", ENTER);
    terminal.answers("Write `", ENTER);
    let (code, said) = terminal.ends();

    assert_eq!(code, 0, "{said}");
    let written = fs::read_to_string(settings_file(&shop)).unwrap();
    let chosen = written
        .lines()
        .find(|line| line.starts_with("submitOptions.testPlans="))
        .unwrap();
    assert!(chosen.contains("Sprint 47"), "{chosen}");
}
