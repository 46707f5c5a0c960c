//! `kado setup` and the service: installed where somebody wants it, and never between two servers.

#![expect(clippy::disallowed_methods, reason = "tests read what was written")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fake_ado::World;

use crate::support::{
    ENTER, FakeSystemd, Machine, Output, TOKEN, Terminal, finish, finish_with, world,
};

/// The file that belongs to a user's own service.
fn users_config(machine: &Machine) -> PathBuf {
    machine.root().join(".config/kado/kado.toml")
}

/// A command of kado with the user's own file.
fn command(machine: &Machine, systemd: &FakeSystemd, arguments: &[&str]) -> Command {
    systemd.around(machine.command_with(&users_config(machine), arguments))
}

/// `kado setup --unattended` of the user's machine, with these options.
fn set_up(machine: &Machine, systemd: &FakeSystemd, url: &str, options: &[&str]) -> Output {
    let work = machine.work().display().to_string();
    let first = [
        "setup",
        "--unattended",
        "--watch",
        &work,
        "--server-url",
        url,
        "--token-stdin",
    ];
    finish_with(
        command(machine, systemd, &[&first, options].concat()),
        TOKEN,
    )
}

#[test]
fn the_service_is_installed_and_started_where_the_option_says_so() {
    let machine = Machine::fresh(world());
    let systemd = FakeSystemd::of(&machine);

    let done = set_up(&machine, &systemd, &machine.fake.base_url(), &["--service"]);
    let checked = finish(command(&machine, &systemd, &["check"]));

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        systemd.told(),
        [
            "enable kado.service",
            "daemon-reload",
            "reset-failed kado.service",
            "start kado.service"
        ]
    );
    let unit = FakeSystemd::unit(&machine.root()).unwrap();
    let start = format!("run --config {}", users_config(&machine).display());
    assert!(unit.contains(&start), "{unit}");
    assert!(!unit.contains(TOKEN), "{unit}");
    assert!(!done.out.contains("lets kado start by itself"), "{done:?}");
    assert_eq!(checked.code, 0, "{checked:?}");
}

#[test]
fn the_service_is_left_where_nobody_wants_it() {
    for options in [&["--no-service"][..], &[]] {
        let machine = Machine::fresh(world());
        let systemd = FakeSystemd::of(&machine);

        let done = set_up(&machine, &systemd, &machine.fake.base_url(), options);

        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(systemd.told(), [""; 0]);
        assert_eq!(FakeSystemd::unit(&machine.root()), None);
        assert!(
            done.out
                .contains("`kado service install --user` lets kado start by itself"),
            "{done:?}"
        );
    }
}

#[test]
fn both_options_at_once_are_refused() {
    let machine = Machine::fresh(world());
    let systemd = FakeSystemd::of(&machine);

    let refused = set_up(
        &machine,
        &systemd,
        &machine.fake.base_url(),
        &["--service", "--no-service"],
    );

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(!users_config(&machine).exists());
}

#[test]
fn without_a_service_manager_the_configuration_is_written_and_the_rest_said() {
    let machine = Machine::fresh(world());
    let systemd = FakeSystemd::missing(&machine);

    let done = set_up(&machine, &systemd, &machine.fake.base_url(), &["--service"]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err
            .contains("the configuration is written, and the service is not installed"),
        "{done:?}"
    );
    assert!(done.err.contains("No medium found"), "{done:?}");
    assert!(users_config(&machine).exists());
    assert_eq!(FakeSystemd::unit(&machine.root()), None);
}

#[test]
fn a_service_that_runs_rests_while_server_and_token_become_others() {
    let machine = Machine::fresh(world());
    let other = Machine::with(World::new("other").token(TOKEN).project("Shop"));
    let systemd = FakeSystemd::of(&machine);
    set_up(&machine, &systemd, &machine.fake.base_url(), &["--service"]);
    let before = systemd.told().len();

    let done = set_up(&machine, &systemd, &other.fake.base_url(), &[]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        systemd.told()[before..],
        [
            "stop kado.service",
            "reset-failed kado.service",
            "start kado.service"
        ]
    );
    let written = fs::read_to_string(users_config(&machine)).unwrap();
    assert!(written.contains(&other.fake.base_url()), "{written}");
}

#[test]
fn the_dialogue_installs_it_where_the_answer_is_yes() {
    for (answer, is_installed) in [("", true), ("n", false)] {
        let machine = Machine::fresh(world());
        let systemd = FakeSystemd::of(&machine);
        let mut terminal = Terminal::start(command(&machine, &systemd, &["setup"]));

        terminal.answers("Which folders hold Katalon projects?", ENTER);
        terminal.answers(
            "Which Azure DevOps?",
            &format!("{}{ENTER}", machine.fake.base_url()),
        );
        terminal.answers("What does it know kado by?", ENTER);
        terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
        terminal.answers("When does it end?", ENTER);
        terminal.answers("Which finished runs are submitted?", ENTER);
        terminal.answers("Install the service", &format!("{answer}{ENTER}"));
        terminal.answers("Is this right?", ENTER);
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        assert_eq!(
            FakeSystemd::unit(&machine.root()).is_some(),
            is_installed,
            "{said}"
        );
        assert_eq!(
            systemd.told().contains(&"start kado.service".to_owned()),
            is_installed
        );
    }
}
