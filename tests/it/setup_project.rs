//! `kado setup PROJECT`: a project that was never integrated is set up by options alone, up to a
//! complete test run in Azure DevOps; and nothing is written that is not right.

#![expect(clippy::disallowed_methods, reason = "tests read and change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth, World};
use fake_katalon::{ProjectWriter, Test, TestCaseFile};

use crate::support::katalonc::{self, Katalonc};
use crate::support::{Machine, Output, PLAN, SUITE, TOKEN, finish_with, finished, tc, world};

/// A project that knows nothing of Azure DevOps, with two test cases whose names are titles of the
/// plan.
fn bare_project(machine: &Machine) -> PathBuf {
    let project = ProjectWriter::new(machine.work().join("Shop"))
        .test_case(TestCaseFile::new(&tc("Case 1001")))
        .test_case(TestCaseFile::new(&tc("Case 1002")));
    project.write().unwrap();

    // The folder comes with the first integration.
    fs::remove_dir_all(project.root().join("settings/external")).unwrap();
    project.root().to_owned()
}

fn settings_file(project: &Path) -> PathBuf {
    project.join("settings/external/com.kms.katalon.integration.azure.properties")
}

fn settings(project: &Path) -> String {
    fs::read_to_string(settings_file(project)).unwrap()
}

/// `kado setup PROJECT --unattended` with these options, and the token on standard input.
fn setup_with_token(machine: &Machine, project: &Path, options: &[&str]) -> Output {
    let project = project.to_string_lossy();
    let url = machine.fake.base_url();
    let mut arguments = vec![
        "setup",
        &project,
        "--unattended",
        "--server-url",
        &url,
        "--token-stdin",
    ];
    arguments.extend(options);
    finish_with(machine.command(&arguments), &format!("{TOKEN}\n"))
}

/// `kado setup PROJECT --unattended` with these options.
fn setup(machine: &Machine, project: &Path, options: &[&str]) -> Output {
    let project = project.to_string_lossy();
    let mut arguments = vec!["setup", &project, "--unattended"];
    arguments.extend(options);
    machine.kado(&arguments)
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
    let project = bare_project(&machine);

    let set_up = setup_with_token(&machine, &project, &SHOP);
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
    let project = bare_project(&machine);

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
    let set_up = setup_with_token(&machine, &project, &[&SHOP[..], &options[..]].concat());
    let written = settings(&project);
    let again = setup(&machine, &project, &[&SHOP[..], &options[..]].concat());

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

    let set_up = setup(&machine, &shop, &["--run-name", "Nightly"]);

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
    let project = bare_project(&machine);

    let refused = setup(&machine, &project, &[]);

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

    let refused = setup(
        &machine,
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

    let refused = setup(
        &machine,
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
    let no_project = setup(&machine, &shop, &["--project-name", "Nowhere"]);

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
    let project = bare_project(&machine);
    let folder = project.to_string_lossy();
    let url = machine.fake.base_url();
    let mut arguments = vec![
        "setup",
        &folder,
        "--unattended",
        "--server-url",
        &url,
        "--token-stdin",
    ];
    arguments.extend(SHOP);

    let refused = finish_with(machine.command(&arguments), "wrong-token-0123456789");
    machine.fake.fault(Fault::new(
        "GET",
        "connectionData",
        Nth::Every,
        FaultAction::page(200, "Sign in to your account"),
    ));
    let page = setup_with_token(&machine, &project, &SHOP);

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

    let refused = setup(&machine, &shop, &["--server-url", &other.fake.base_url()]);

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
    let set_up = setup(
        &machine,
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
    let without_place = setup(
        &machine,
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
    let elsewhere = setup(&machine, &shop, &["--to", "/etc/kado/kado.toml"]);

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

    let refused = setup(&machine, &shop, &["--run-name", "Nightly"]);

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

    let refused = setup(&machine, &shop, &["--run-name", "Nightly"]);
    let unchanged = settings(&shop);
    let forced = setup(&machine, &shop, &["--run-name", "Nightly", "--force"]);
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

    let refused = setup(&machine, &machine.root(), &SHOP);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("is not a Katalon project"),
        "{refused:?}"
    );
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use crate::support::{CTRL_C, DOWN, ENTER, ESC, Terminal};

    #[test]
    fn a_person_is_asked_and_what_the_server_has_and_what_ran_is_offered() {
        let machine = Machine::new();
        let project = bare_project(&machine);
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

    #[test]
    fn whoever_leaves_finds_everything_as_it_was() {
        let machine = Machine::new();
        let project = bare_project(&machine);

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
