//! A token is looked for in all encodings, in everything that kado says, logs, stores and starts:
//! while all goes well, and in each way in which a server is not reached or refuses.

#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Test, Token};
use kado::katalon::settings::AzureSettings as ReadSettings;

use crate::support::{
    Authority, Machine, Output, PLAN, TOKEN, closed_file, files_that_reveal, finish, finish_with,
    finished, reveals, tc,
};
#[cfg(target_os = "linux")]
use crate::support::{ENTER, Terminal};

/// Runs a command that tells all that it can tell.
fn talkative(machine: &Machine, arguments: &[&str]) -> Output {
    let mut command = machine.command(arguments);
    command.env("KADO_LOG", "trace");
    finish(command)
}

/// All that can be asked about a machine with one run.
fn all_outputs(machine: &Machine, folder: &Path) -> Vec<Output> {
    let shop = machine.work().join("Shop");
    let shop = shop.to_string_lossy();
    let folder = folder.to_string_lossy();

    [
        &["check"][..],
        &["check", "--json"],
        &["check", &shop],
        &["list", "plans", &shop],
        &["inspect", &folder, "--json"],
        &["inspect", &shop, "--json"],
        &["submit", "--dry-run", &folder],
        &["submit", &folder],
        &["run", "--once"],
        &["runs", "--json"],
        &["runs", "show", "1", "--json"],
        &["runs", "retry", "1"],
        &["why", &folder],
        &["why", &folder, "--json"],
        &["status"],
        &["status", "--json"],
    ]
    .into_iter()
    .map(|arguments| talkative(machine, arguments))
    .collect()
}

/// Fails where the token is in anything that was said or stored.
fn assert_silent(machine: &Machine, outputs: &[Output]) {
    for output in outputs {
        for said in [&output.out, &output.err] {
            assert_eq!(reveals(said.as_bytes(), TOKEN), None, "{output:?}");
        }
    }
    // Not every command has something to store.
    if machine.state().is_dir() {
        assert_eq!(files_that_reveal(&machine.state(), TOKEN), []);
    }
}

fn run_in(machine: &Machine) -> PathBuf {
    finished([Test::failed(&tc("Sign in"), "no").screenshot()])
        .write_in(&machine.work().join("Shop"))
        .unwrap()
}

#[test]
fn the_token_of_the_machine_is_in_nothing_that_is_said_or_stored() {
    let machine = Machine::new();
    let file = closed_file(&machine.root().join("token"), TOKEN);
    machine.configure(&format!(
        "history = \"all\"\nruns_from = \"any\"\n[azure]\nserver_url = {:?}\ntoken_file = {file:?}\n",
        machine.fake.base_url()
    ));
    machine.shop(&[("Sign in", "1001")]);
    let folder = run_in(&machine);

    let outputs = all_outputs(&machine, &folder);

    assert_eq!(machine.ado_run().state, "Completed");
    assert_silent(&machine, &outputs);
}

#[test]
fn the_token_of_a_project_is_in_nothing_that_is_said_or_stored() {
    let as_katalon_writes_it = Machine::new().settings().token;
    for token in [as_katalon_writes_it, Some(Token::Clear(TOKEN.to_owned()))] {
        let machine = Machine::new();
        machine.configure("history = \"all\"\nruns_from = \"any\"\n");
        let settings = AzureSettings {
            token,
            ..machine.settings()
        };
        machine.shop_with(settings, &[("Sign in", "1001")]);
        let folder = run_in(&machine);

        let outputs = all_outputs(&machine, &folder);

        assert_eq!(machine.ado_run().state, "Completed");
        assert_silent(&machine, &outputs);
    }
}

#[test]
fn no_refusal_of_a_server_repeats_the_token() {
    for code in [203, 302, 400, 401, 403, 404, 407, 500, 503] {
        let machine = Machine::new();
        machine.shop(&[("Sign in", "1001")]);
        let headers = [
            ("location", "https://login.example/?reply=x"),
            ("www-authenticate", "Basic realm=\"x\""),
        ];
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let refusal = FaultAction::Status {
            code,
            headers,
            body: b"{\"message\":\"no\"}".to_vec(),
        };
        machine.fake.fault(Fault::new("*", "", Nth::Every, refusal));

        let outputs = all_that_ask(&machine);

        assert!(outputs.iter().all(|output| output.code != 0), "{outputs:?}");
        assert_silent(&machine, &outputs);
    }
}

/// Commands that ask the server and do not ask twice.
fn all_that_ask(machine: &Machine) -> [Output; 2] {
    let shop = machine.work().join("Shop");
    let shop = shop.to_string_lossy();
    [
        talkative(machine, &["check", &shop]),
        talkative(machine, &["list", "plans", &shop]),
    ]
}

/// Servers that are not reached, each by its URL.
async fn unreachable(machine: &Machine) -> Vec<String> {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let unknown = Authority::new()
        .door("localhost", machine.fake.address())
        .await;
    let misnamed = Authority::new()
        .door("other.example", machine.fake.address())
        .await;

    vec![
        format!("http://127.0.0.1:{port}/acme"),
        "http://nobody.invalid/acme".to_owned(),
        "http://192.0.2.1/acme".to_owned(),
        format!("https://localhost:{}/acme", unknown.port()),
        format!("https://localhost:{}/acme", misnamed.port()),
        // TLS is spoken to a server that speaks none.
        format!("https://{}/acme", machine.fake.address()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_of_not_reaching_a_server_shows_the_token() {
    let servers = unreachable(&Machine::new()).await;
    for server in servers {
        let machine = Machine::new();
        let settings = AzureSettings::connected(&server, TOKEN, "Shop", (PLAN, "Release 1"));
        machine.shop_with(settings, &[("Sign in", "1001")]);

        let outputs = tokio::task::block_in_place(|| all_that_ask(&machine));

        assert!(outputs.iter().all(|output| output.code != 0), "{outputs:?}");
        assert_silent(&machine, &outputs);
    }
}

/// A machine without a configuration, whose project has no token.
fn machine_to_set_up() -> Machine {
    let machine = Machine::new();
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);
    std::fs::remove_file(machine.config_file()).unwrap();
    machine
}

/// Fails where the token is in another file than its own.
fn assert_in_its_file_alone(machine: &Machine) {
    let found = files_that_reveal(&machine.root(), TOKEN);
    let files: Vec<&Path> = found.iter().map(|(file, _)| file.as_path()).collect();

    assert_eq!(files, [machine.root().join("kado-token")]);
}

#[test]
fn the_token_that_setup_reads_from_standard_input_is_in_its_file_alone() {
    let machine = machine_to_set_up();
    let work = machine.work().display().to_string();
    let url = machine.fake.base_url();
    let mut command = machine.command(&[
        "setup",
        "--unattended",
        "--watch",
        &work,
        "--server-url",
        &url,
        "--token-stdin",
    ]);
    command.env("KADO_LOG", "trace");

    let done = finish_with(command, TOKEN);

    assert_eq!(done.code, 0, "{done:?}");
    assert_silent(&machine, &[done]);
    assert_in_its_file_alone(&machine);
}

#[cfg(target_os = "linux")]
#[test]
fn the_token_that_is_typed_into_setup_is_in_its_file_alone() {
    let machine = machine_to_set_up();
    let mut command = machine.command(&["setup"]);
    command.env("KADO_LOG", "trace");
    let mut terminal = Terminal::start(command);

    terminal.answers("Which folders hold Katalon projects?", ENTER);
    terminal.answers(
        "Which Azure DevOps?",
        &format!("{}{ENTER}", machine.fake.base_url()),
    );
    terminal.answers("What does it know kado by?", ENTER);
    terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
    terminal.meets("When does it end?");
    let process = terminal.arguments_and_environment();
    terminal.types(ENTER);
    terminal.answers("Which finished runs are submitted?", ENTER);
    terminal.answers("Is this right?", ENTER);
    let (code, screen) = terminal.ends();

    assert_eq!(code, 0, "{screen}");
    assert_eq!(reveals(&process, TOKEN), None);
    assert_eq!(reveals(screen.as_bytes(), TOKEN), None, "{screen}");
    assert_in_its_file_alone(&machine);
}

#[cfg(target_os = "linux")]
#[test]
fn neither_arguments_nor_environment_of_what_exec_starts_hold_the_token() {
    let machine = Machine::new();
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\n",
        machine.fake.base_url()
    ));
    let shop = machine.shop(&[("Sign in", "1001")]);
    let project = shop.display().to_string();
    let mut command = machine.exec_program(&["--project", &project], Path::new("sh"));
    command
        .args([
            "-c",
            "cat /proc/self/environ /proc/$PPID/cmdline; env; tr '\\0' ' ' </proc/$$/cmdline",
        ])
        .env("KADO_TOKEN", TOKEN)
        .env("CREDENTIALS_DIRECTORY", "/nowhere");

    let done = finish(command);

    assert!(done.out.contains("--project"), "{done:?}");
    assert!(!done.out.contains("CREDENTIALS_DIRECTORY"), "{done:?}");
    assert_silent(&machine, &[done]);
}

#[test]
fn settings_that_are_printed_for_a_developer_show_no_token() {
    let text = format!(
        "token=\"{TOKEN}\"\nenableAuthenticationEncryption=\"false\"\n\
         serverUrl=\"https://me:{TOKEN}@dev.azure.com/acme?key={TOKEN}\"\n"
    );

    let settings = ReadSettings::read(text.as_bytes());

    assert!(settings.server_url.is_some());
    for printed in [format!("{settings:?}"), format!("{settings:#?}")] {
        assert_eq!(reveals(printed.as_bytes(), TOKEN), None, "{printed}");
    }
}
