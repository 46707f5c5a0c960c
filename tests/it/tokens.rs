//! A token and a server are a pair from one source: each token reaches just its own server.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write token files and start programs"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;

use fake_katalon::{AzureSettings, SuiteRunWriter, Test, TestCaseFile};
use jiff::SignedDuration;

use crate::support::{Machine, TOKEN, finished, start_of, tc, world};

/// A file with a token that only its owner can read.
fn token_file(machine: &Machine, name: &str, token: &str) -> PathBuf {
    let path = machine.root().join(name);
    fs::write(&path, token).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    path
}

fn project(machine: &Machine, name: &str, settings: AzureSettings) -> PathBuf {
    machine.project(
        name,
        settings,
        [TestCaseFile::new(&tc("Sign in")).azure("1001")],
    )
}

fn run(hours: i64) -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))]).start(start_of() + SignedDuration::from_hours(hours))
}

/// A project's table with its own server, and with a token when there is one.
fn table(machine: &Machine, name: &str, server: &Machine, token: Option<&PathBuf>) -> String {
    let path = machine.work().join(name);
    let token = token
        .map(|file| format!("azure.token_file = {file:?}\n"))
        .unwrap_or_default();
    format!(
        "[[project]]\npath = {path:?}\nazure.server_url = {:?}\n{token}",
        server.fake.base_url()
    )
}

#[test]
fn each_project_table_has_its_own_server_and_token() {
    let first = Machine::with(world().token("token-of-the-first"));
    let second = Machine::with(world().token("token-of-the-second"));
    let (one, two) = (
        token_file(&first, "one", "token-of-the-first\n"),
        token_file(&first, "two", "token-of-the-second\n"),
    );
    let tables = [
        table(&first, "One", &first, Some(&one)),
        table(&first, "Two", &second, Some(&two)),
    ];
    first.configure(&tables.concat());
    let bare = AzureSettings {
        server_url: String::new(),
        token: None,
        ..first.settings()
    };

    for (hours, name) in [(0, "One"), (1, "Two")] {
        let submitted = first.submit(&project(&first, name, bare.clone()), &run(hours));
        assert_eq!(submitted.code, 0, "{submitted:?}");
    }

    for machine in [&first, &second] {
        assert_eq!(machine.ado_run().state, "Completed");
        assert!(
            machine
                .fake
                .requests()
                .iter()
                .all(|request| request.authorized)
        );
    }
}

#[test]
fn the_token_of_the_machine_does_not_reach_the_server_of_a_project_table() {
    let machine = Machine::with(world().token("token-of-the-machine"));
    let other = Machine::with(world().token("token-of-the-machine"));
    let file = token_file(&machine, "token", "token-of-the-machine");
    let access = format!(
        "[azure]\nserver_url = {:?}\ntoken_file = {file:?}\n",
        machine.fake.base_url()
    );
    machine.configure(&format!(
        "{access}{}",
        table(&machine, "Shop", &other, None)
    ));
    let bare = AzureSettings {
        token: None,
        ..machine.settings()
    };

    let submitted = machine.submit(&project(&machine, "Shop", bare), &run(0));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.fake.requests().len(), 0);
    assert_eq!(other.fake.requests().len(), 0);
    assert!(submitted.out.contains("token_file"), "{submitted:?}");
}

#[test]
fn the_token_of_one_project_does_not_reach_the_server_of_another() {
    let theirs = Machine::new();
    let machine = Machine::new();
    let good = project(&machine, "Good", machine.settings());
    let bare = AzureSettings {
        server_url: theirs.fake.base_url(),
        token: None,
        ..machine.settings()
    };
    let bad = project(&machine, "Bad", bare);

    assert_eq!(machine.submit(&good, &run(0)).code, 0);

    let refused = machine.submit(&bad, &run(1));

    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(theirs.fake.requests().len(), 0);
}

#[test]
fn the_token_of_a_project_serves_every_spelling_of_its_server() {
    let machine = Machine::new();
    let spelled = machine.fake.base_url().replace("/acme", "/ACME/");
    machine.configure(&format!("[azure]\nserver_url = {spelled:?}\n"));

    let submitted = machine.submit(&project(&machine, "Shop", machine.settings()), &run(0));

    let requests = machine.fake.requests();
    assert!(
        requests.iter().any(|request| request.authorized),
        "{TOKEN} was not sent: {submitted:?}"
    );
}

#[test]
fn two_scopes_are_enough_and_a_third_one_costs_only_what_it_is_for() {
    let scopes = ["vso.test_write", "vso.work"];
    let machine = Machine::with(
        world()
            .build_definition(12, "Nightly")
            .token_with(TOKEN, &scopes),
    );

    let submitted = machine.submit(&project(&machine, "Shop", machine.settings()), &run(0));

    assert_eq!(submitted.code, 0, "{submitted:?}");

    let more = AzureSettings {
        build_definition: 12,
        release_definition: 3,
        override_automation_fields: Some(true),
        ..machine.settings()
    };

    let submitted = machine.submit(&project(&machine, "Shop", more), &run(1));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(
        submitted.out.matches("left out: ").count(),
        3,
        "{submitted:?}"
    );
    for cost in [
        "the latest build",
        "the latest release",
        "the automation fields",
    ] {
        assert!(submitted.out.contains(cost), "{cost}: {submitted:?}");
    }
    let runs = machine.ado_runs();
    assert!(
        runs.iter()
            .all(|run| run.state == "Completed" && run.results.len() == 1),
        "{runs:#?}"
    );
    assert_eq!(runs.len(), 2);
}

#[test]
fn a_server_url_with_credentials_is_refused_without_showing_them() {
    let machine = Machine::new();
    machine.configure("[azure]\nserver_url = \"https://user:hunter2@dev.azure.com/acme\"\n");

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(!refused.err.contains("hunter2"), "{refused:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_holds_tokens_leaves_no_core_dump() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    let may_dump = |program: &Command| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -c unlimited && exec \"$0\" \"$@\""])
            .arg(program.get_program());
        command.args(program.get_args()).current_dir(machine.root());
        command
    };
    // What the signal does to a program that allows dumps tells whether this system makes any.
    let mut other = Command::new("sh");
    if !may_dump(other.args(["-c", "kill -ABRT $$"]))
        .status()
        .unwrap()
        .core_dumped()
    {
        return crate::support::skip("this system dumps nothing");
    }
    let ended = machine
        .start_as(may_dump(&machine.command(&["run"])))
        .end_by("ABRT");

    assert_eq!(ended.signal(), Some(6), "{ended:?}");
    assert!(!ended.core_dumped(), "{ended:?}");
}
