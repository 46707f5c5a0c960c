//! `kado setup PROJECT`: a project that was never integrated is set up by options alone, up to a
//! complete test run in Azure DevOps; and nothing is written that is not right.

#![expect(clippy::disallowed_methods, reason = "tests read and change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

use fake_ado::{Fault, FaultAction, Nth, World};
use fake_katalon::Test;

use crate::support::katalonc::{self, Katalonc};
use crate::support::{
    Machine, PLAN, SUITE, TOKEN, finish_with, finished, settings_file, tc, world,
};

fn settings(project: &Path) -> String {
    fs::read_to_string(settings_file(project)).unwrap()
}

/// What people read, without the blanks at the ends of lines.
fn readable(machine: &Machine, text: &str) -> String {
    let lines: Vec<String> = machine
        .readable(text)
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// What leads to a set-up shop.
const SHOP: [&str; 4] = ["--project-name", "Shop", "--plan", "18"];

#[test]
fn a_project_is_set_up_and_submitted_without_a_file_edited_by_hand() {
    let machine = Machine::new();
    let project = machine.bare_project();

    let set_up = machine.set_up_project_with_token(&project, &SHOP, TOKEN);
    let folder = project.to_string_lossy();
    let suggested = machine.kado(&["map", "suggest", "--apply", "--project", &folder]);
    let run = finished([
        Test::passed(&tc("Case 1001")),
        Test::failed(&tc("Case 1002"), "no"),
    ]);
    let submitted = machine.submit(&project, &run);

    assert_eq!(set_up.code, 0, "{set_up:?}");
    insta::assert_snapshot!(readable(&machine, &set_up.out));
    assert_eq!(suggested.code, 0, "{suggested:?}");
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let ado_run = machine.ado_run();
    assert_eq!(ado_run.state, "Completed");
    assert_eq!(ado_run.plan_id, Some(PLAN));
    assert_eq!(ado_run.result_of_point(11).unwrap().outcome, "Passed");
    assert_eq!(ado_run.result_of_point(12).unwrap().outcome, "Failed");
}

#[test]
fn every_option_stands_in_the_settings_as_katalon_writes_them() {
    let machine = Machine::with(
        world()
            .build_definition(12, "Nightly")
            .release_definition(3, "Live"),
    );
    let project = machine.bare_project();

    let options = [
        "--plan",
        "19",
        "--run-name",
        "Nightly: é",
        "--status",
        "error=blocked",
        "--map-configuration",
        "Windows,Chrome=1",
        "--map-configuration",
        "*,*=2",
        "--attachments",
        "LOG,PNG",
        "--attach",
        "all",
        "--multiple-points",
        "--build-definition",
        "12",
        "--release-definition",
        "3",
    ];
    let set_up =
        machine.set_up_project_with_token(&project, &[&SHOP[..], &options[..]].concat(), TOKEN);
    let written = settings(&project);
    let again = machine.set_up_project(&project, &[&SHOP[..], &options[..]].concat());

    assert_eq!(set_up.code, 0, "{set_up:?}");
    let shown = machine
        .readable(&written)
        .replace(&escaped(&machine), "[server]");
    insta::assert_snapshot!(shown);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("says all of this already"), "{again:?}");
    assert_eq!(settings(&project), written);
}

/// The server as the settings hold it.
fn escaped(machine: &Machine) -> String {
    machine.fake.base_url().replace(':', "\\:")
}

#[test]
fn of_settings_that_are_there_only_what_was_chosen_changes() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);

    let set_up = machine.set_up_project(&shop, &["--run-name", "Nightly"]);

    assert_eq!(set_up.code, 0, "{set_up:?}");
    assert_eq!(
        settings(&shop),
        before.replace("\"Run by Katalon Studio\"", "\"Nightly\"")
    );
}

#[test]
fn a_dry_run_shows_the_difference_without_the_token_and_writes_nothing() {
    let machine = Machine::with(world().token("another-token-0123456789"));
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);

    let folder = shop.to_string_lossy();
    let arguments = [
        "setup",
        &folder,
        "--unattended",
        "--dry-run",
        "--token-stdin",
        "--run-name",
        "Nightly",
    ];
    let shown = finish_with(machine.command(&arguments), "another-token-0123456789");

    assert_eq!(shown.code, 0, "{shown:?}");
    let difference = readable(&machine, &shown.out).replace(&escaped(&machine), "[server]");
    insta::assert_snapshot!(difference);
    assert_eq!(settings(&shop), before);
    assert!(!shown.out.contains(TOKEN), "{shown:?}");
}

#[test]
fn what_is_missing_is_named_at_once() {
    let machine = Machine::new();
    let project = machine.bare_project();

    let refused = machine.set_up_project(&project, &[]);

    assert_eq!(refused.code, 2, "{refused:?}");
    for option in ["--server-url", "--token-stdin", "--project-name", "--plan"] {
        assert!(refused.err.contains(option), "{option}: {refused:?}");
    }
    assert!(!settings_file(&project).exists());
}

#[test]
fn options_that_are_wrong_are_all_told_before_anybody_is_asked() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);

    let refused = machine.set_up_project(
        &shop,
        &[
            "--plan",
            "0",
            "--status",
            "BROKEN=Failed",
            "--status",
            "FAILED=Broken",
            "--map-configuration",
            "Windows=1",
            "--attachments",
            "EXE",
            "--attach",
            "some",
            "--multiple-points",
            "maybe",
            "--build-definition",
            "x",
        ],
    );

    assert_eq!(refused.code, 2, "{refused:?}");
    insta::assert_snapshot!(readable(&machine, &refused.err));
    assert_eq!(settings(&shop), before);
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn what_azure_devops_does_not_have_is_told_at_once_and_nothing_is_written() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);

    let refused = machine.set_up_project(
        &shop,
        &[
            "--plan",
            "99",
            "--plan",
            "No such plan",
            "--map-configuration",
            "Windows,Chrome=7",
            "--build-definition",
            "12",
        ],
    );
    let no_project = machine.set_up_project(&shop, &["--project-name", "Nowhere"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    insta::assert_snapshot!(readable(&machine, &refused.err));
    assert_eq!(no_project.code, 1, "{no_project:?}");
    assert!(no_project.err.contains("Nowhere"), "{no_project:?}");
    assert!(
        no_project.err.contains("nothing was written"),
        "{no_project:?}"
    );
    assert_eq!(settings(&shop), before);
}

#[test]
fn a_refused_token_and_a_sign_in_page_are_told_apart_and_nothing_is_written() {
    let machine = Machine::new();
    let project = machine.bare_project();

    let refused = machine.set_up_project_with_token(&project, &SHOP, "wrong-token-0123456789");
    machine.fake.fault(Fault::new(
        "GET",
        "connectionData",
        Nth::Every,
        FaultAction::page(200, "Sign in to your account"),
    ));
    let page = machine.set_up_project_with_token(&project, &SHOP, TOKEN);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(page.code, 4, "{page:?}");
    assert!(page.err.contains("Sign in to your account"), "{page:?}");
    assert!(!settings_file(&project).exists());
}

#[test]
fn a_stored_token_goes_to_no_other_server() {
    let machine = Machine::new();
    let other = Machine::with(
        World::new("other")
            .token(TOKEN)
            .project("Shop")
            .plan(18, "A"),
    );
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);

    let refused = machine.set_up_project(&shop, &["--server-url", &other.fake.base_url()]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--token-stdin"), "{refused:?}");
    assert_eq!(other.fake.requests().len(), 0);
    assert_eq!(settings(&shop), before);
}

#[test]
fn the_projects_own_file_keeps_its_comments_and_katalons_settings_stay() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);
    let file = shop.join("kado.toml");
    fs::write(&file, "# ours\n[submit]\nattach = \"all\" # always\n").unwrap();

    let to_file = ["--to", "kado.toml"];
    let set_up = machine.set_up_project(
        &shop,
        &[
            &to_file[..],
            &[
                "--plan",
                "Release 2",
                "--attach",
                "failed",
                "--attachments",
                "LOG,VIDEO",
            ],
        ]
        .concat(),
    );
    let without_place = machine.set_up_project(
        &shop,
        &[
            &to_file[..],
            &[
                "--server-url",
                "https://dev.azure.com/x",
                "--status",
                "ERROR=Failed",
            ],
        ]
        .concat(),
    );
    let elsewhere = machine.set_up_project(&shop, &["--to", "/etc/kado/kado.toml"]);

    assert_eq!(set_up.code, 0, "{set_up:?}");
    insta::assert_snapshot!(fs::read_to_string(&file).unwrap());
    assert_eq!(without_place.code, 2, "{without_place:?}");
    insta::assert_snapshot!(readable(&machine, &without_place.err));
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
    assert_eq!(settings(&shop), before);
}

#[test]
fn a_file_that_katalon_is_writing_is_left_as_it_is() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let cut = settings(&shop);
    let cut = &cut[..cut.len() - 10];
    fs::write(settings_file(&shop), cut).unwrap();

    let refused = machine.set_up_project(&shop, &["--run-name", "Nightly"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("closing quote"), "{refused:?}");
    assert_eq!(settings(&shop), cut);
}

#[test]
fn while_katalon_works_on_the_project_its_settings_are_not_written_unless_forced() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let before = settings(&shop);
    let working = Katalonc::start(&machine.root(), &katalonc::arguments(&shop, SUITE, &[]));

    let refused = machine.set_up_project(&shop, &["--run-name", "Nightly"]);
    let unchanged = settings(&shop);
    let forced = machine.set_up_project(&shop, &["--run-name", "Nightly", "--force"]);
    working.kill();

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("Katalon works on this project"),
        "{refused:?}"
    );
    assert_eq!(unchanged, before);
    assert_eq!(forced.code, 0, "{forced:?}");
    assert_ne!(settings(&shop), before);
}

#[test]
fn a_folder_without_a_project_is_an_error() {
    let machine = Machine::new();

    let refused = machine.set_up_project(&machine.root(), &SHOP);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("is not a Katalon project"),
        "{refused:?}"
    );
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use crate::support::{CTRL_C, DOWN, ENTER, ESC, Terminal, start_of};

    #[test]
    fn a_person_is_asked_and_what_the_server_has_and_what_ran_is_offered() {
        let machine = Machine::new();
        let project = machine.bare_project();
        let run = finished([Test::passed(&tc("Case 1001"))]);
        run.write_in(&project).unwrap();

        let mut terminal = Terminal::start(machine.command(&["setup", &project.to_string_lossy()]));
        let answers = [
            ("organization or collection:", machine.fake.base_url()),
            ("access token:", TOKEN.to_owned()),
            ("Project:", String::new()),
            ("Test plans:", " ".to_owned()),
            ("Execution status mapping", String::new()),
            ("Test configuration for", DOWN.to_owned()),
            ("Name of test runs:", String::new()),
            ("Attached files", String::new()),
            ("Files are attached:", DOWN.to_owned()),
            ("multiple test points", "y".to_owned()),
            ("Build definition ID:", "99".to_owned()),
            ("Release definition ID:", String::new()),
            ("Write `", String::new()),
        ];
        for (question, keys) in answers {
            if question == "Project:" {
                terminal.meets(question);
                let seen_by_all = terminal.arguments_and_environment();
                let token = TOKEN.as_bytes();
                assert!(seen_by_all.windows(token.len()).all(|bytes| bytes != token));
                terminal.types(ENTER);
                continue;
            }
            if question == "Release definition ID:" {
                // The one that is not there is asked for again.
                terminal.meets("no build definition 99");
                terminal.answers("Build definition ID:", ENTER);
            }
            terminal.answers(question, &format!("{keys}{ENTER}"));
        }
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        assert!(!said.contains(TOKEN), "{said}");
        let written = settings(&project);
        let shown = machine
            .readable(&written)
            .replace(&escaped(&machine), "[server]");
        insta::assert_snapshot!(shown);
    }

    /// Runs of one system and browser with these profiles lie in the project.
    fn ran_with(project: &Path, profiles: &[&str]) {
        for (hour, profile) in (0..).zip(profiles) {
            let start = start_of() + jiff::SignedDuration::from_hours(hour);
            let run = finished([Test::passed(&tc("Case 1001"))])
                .start(start)
                .profile(profile);
            run.write_in(project).unwrap();
        }
    }

    /// Answers the questions before those for the test configurations.
    fn answer_up_to_rows(machine: &Machine, terminal: &mut Terminal) {
        let url = machine.fake.base_url();
        terminal.answers("organization or collection:", &format!("{url}{ENTER}"));
        terminal.answers("access token:", &format!("{TOKEN}{ENTER}"));
        terminal.answers("Project:", ENTER);
        terminal.answers("Test plans:", &format!(" {ENTER}"));
        terminal.answers("Execution status mapping", ENTER);
    }

    /// Answers what comes after them.
    fn answer_the_rest(terminal: &mut Terminal) {
        for question in [
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
    }

    /// The rows of the mapping in the settings, a line each.
    fn rows(project: &Path) -> Vec<String> {
        let written = settings(project);
        let line = written
            .lines()
            .find(|line| line.starts_with("testConfigurationMappings="))
            .unwrap_or_default();
        let plain = line
            .replace(r"\\n", "")
            .replace(r#"\\""#, "")
            .replace(r"\:", ":");
        plain
            .split('{')
            .skip(1)
            .map(|row| row.split('}').next().unwrap().trim().to_owned())
            .collect()
    }

    #[test]
    fn where_runs_had_several_profiles_a_row_is_asked_for_each() {
        let machine = Machine::new();
        let project = machine.bare_project();
        ran_with(&project, &["default", "qa"]);

        let mut terminal = Terminal::start(machine.command(&["setup", &project.to_string_lossy()]));
        answer_up_to_rows(&machine, &mut terminal);
        terminal.answers("depend on the execution profile?", &format!("y{ENTER}"));
        terminal.answers(
            "Test configuration for Windows / Chrome, profile qa:",
            &format!("{DOWN}{DOWN}{ENTER}"),
        );
        terminal.answers(
            "Test configuration for Windows / Chrome, profile default:",
            ENTER,
        );
        terminal.answers("any other profile:", &format!("{DOWN}{ENTER}"));
        answer_the_rest(&mut terminal);
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        insta::assert_snapshot!(rows(&project).join("\n"), @r"
        os: Windows,    platform: Chrome,    profile: qa,    azureTestConfigurationId: 2
        os: Windows,    platform: Chrome,    azureTestConfigurationId: 1
        ");
    }

    #[test]
    fn rows_of_profiles_go_where_they_are_not_to_count_any_more() {
        let machine = Machine::new();
        let project = machine.bare_project();
        ran_with(&project, &["default", "qa"]);
        let rows_before = ["--map-configuration", "Windows,Chrome,qa=2"];
        machine.set_up_project_with_token(&project, &[&SHOP[..], &rows_before].concat(), TOKEN);
        assert_eq!(rows(&project).len(), 1);

        let mut terminal = Terminal::start(machine.command(&["setup", &project.to_string_lossy()]));
        terminal.answers("organization or collection:", ENTER);
        terminal.answers("Project:", ENTER);
        terminal.answers("Test plans:", ENTER);
        terminal.answers("Execution status mapping", ENTER);
        terminal.answers("depend on the execution profile?", &format!("n{ENTER}"));
        terminal.answers(
            "Test configuration for Windows / Chrome",
            &format!("{DOWN}{ENTER}"),
        );
        answer_the_rest(&mut terminal);
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        insta::assert_snapshot!(rows(&project).join("\n"), @"os: Windows,    platform: Chrome,    azureTestConfigurationId: 1");
    }

    #[test]
    fn whoever_leaves_finds_everything_as_it_was() {
        let machine = Machine::new();
        let project = machine.bare_project();

        let mut terminal = Terminal::start(machine.command(&["setup", &project.to_string_lossy()]));
        let url = machine.fake.base_url();
        terminal.answers("organization or collection:", &format!("{url}{ENTER}"));
        terminal.answers("access token:", ESC);
        terminal.answers("organization or collection:", CTRL_C);
        let (code, said) = terminal.ends();

        assert_eq!(code, 1, "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(!settings_file(&project).exists());
    }
}
