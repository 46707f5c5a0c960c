//! A token and a server are a pair from one source: each token reaches just its own server.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write token files and start programs"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;

use fake_katalon::{AzureSettings, SuiteRunWriter, Test, TestCaseFile, Token};
use jiff::SignedDuration;

use crate::support::{Machine, TOKEN, files_that_reveal, finished, start_of, tc, world};

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

/// Where a secret comes from that belongs to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Secret {
    /// `azure.token_file`.
    File,
    /// `$KADO_TOKEN`.
    Variable,
    /// The settings of the project.
    OfProject,
    /// `azure.identity`.
    Identity,
}

const SECRETS: [Secret; 4] = [
    Secret::File,
    Secret::Variable,
    Secret::OfProject,
    Secret::Identity,
];

/// Whether a secret for the server at `named` reaches the fake when the project is sent to
/// `written`; both take the fake's port.
fn reaches(secret: Secret, named: &str, written: &str) -> Option<bool> {
    const TENANT: &str = "7f3c9a52-1111-2222-3333-444455556666";
    const CLIENT: &str = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff";
    let world = world()
        .token("token-of-the-machine")
        .application(TENANT, CLIENT, "s3cret~of.it");
    let machine = Machine::with(world);
    let port = machine.fake.address().port();
    let url = |host: &str| format!("http://{host}:{port}/acme");

    let of_machine = match secret {
        Secret::File => {
            let file = token_file(&machine, "token", "token-of-the-machine");
            format!("token_file = {file:?}\n")
        }
        Secret::Variable | Secret::OfProject => String::new(),
        Secret::Identity => {
            let file = token_file(&machine, "secret", "s3cret~of.it");
            format!(
                "authority_url = {:?}\n[azure.identity]\nkind = \"service-principal\"\ntenant_id = \
                 {TENANT:?}\nclient_id = {CLIENT:?}\nclient_secret_file = {file:?}\n",
                machine.fake.authority_url()
            )
        }
    };
    let server = match secret {
        Secret::OfProject => String::new(),
        _ => format!("server_url = {:?}\n", url(named)),
    };
    machine.configure(&format!("[azure]\nallow_http = true\n{server}{of_machine}"));

    // The machine's server is not the project's: only its URL is weaker than that of kado.toml.
    let elsewhere = machine.work().join("Shop");
    let table = format!(
        "[[project]]\npath = {elsewhere:?}\nazure.server_url = {:?}\n",
        url(written)
    );
    let before = std::fs::read_to_string(machine.config_file()).unwrap();
    machine.configure_only(&format!("{before}{table}"));
    let settings = match secret {
        Secret::OfProject => AzureSettings {
            server_url: url(named),
            token: Some(Token::Clear("token-of-the-machine".to_owned())),
            ..machine.settings()
        },
        _ => AzureSettings {
            server_url: url(written),
            token: None,
            ..machine.settings()
        },
    };

    let folder = run(0)
        .write_in(&project(&machine, "Shop", settings))
        .unwrap();
    let mut submit = machine.command(&["submit", &folder.to_string_lossy()]);
    if secret == Secret::Variable {
        submit.env("KADO_TOKEN", "token-of-the-machine");
    }
    crate::support::finish(submit);

    // Whoever issues tokens is served by the same fake, and is no server of tests.
    let mut requests = machine.fake.requests();
    requests.retain(|request| request.path.contains("/_apis"));
    (!requests.is_empty()).then(|| requests.iter().any(|request| request.authorized))
}

fn assert_reaches_no_other_host(secret: Secret) {
    for (named, written) in [
        ("127.0.0.1", "localhost"),
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "[::ffff:127.0.0.1]"),
        ("127.0.0.1", "[::ffff:7f00:1]"),
        ("127.0.0.1", "[::1]"),
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "127.0.0.1.nip.example"),
        ("127.0.0.1", "127.0.0.1\t.example"),
        ("dev.azure.com", "127.0.0.1"),
        ("dev.\u{430}zure.com", "127.0.0.1"),
        ("127.0.0.1", "[fe80::1%25lo]"),
    ] {
        let reached = reaches(secret, named, written);

        assert_eq!(reached, None, "{secret:?} {named} {written}");
    }
}

#[test]
fn the_token_of_the_machine_reaches_no_host_that_only_looks_like_its_own() {
    assert_reaches_no_other_host(Secret::File);
}

#[test]
fn the_token_of_the_environment_reaches_no_host_that_only_looks_like_its_own() {
    assert_reaches_no_other_host(Secret::Variable);
}

#[test]
fn the_token_of_a_project_reaches_no_host_that_only_looks_like_its_own() {
    assert_reaches_no_other_host(Secret::OfProject);
}

#[test]
fn the_tokens_of_an_identity_reach_no_host_that_only_looks_like_its_own() {
    assert_reaches_no_other_host(Secret::Identity);
}

#[test]
fn a_secret_reaches_its_own_host_in_each_spelling() {
    for written in [
        "127.1",
        "127.0.0.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "%3127.0.0.1",
        "127.0.0.1.",
        "\u{ff11}27.0.0.1",
    ] {
        let reached = reaches(Secret::File, "127.0.0.1", written);

        assert_eq!(reached, Some(true), "{written}");
    }
    for secret in SECRETS {
        let reached = reaches(secret, "localhost", "LOCALHOST.");

        assert_eq!(reached, Some(true), "{secret:?}");
    }
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

/// A token as Azure DevOps makes it.
const PAT: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

/// Another one, as Katalon encrypts it.
const ENCRYPTED: &str =
    "JLNTjqwEgbQ4S2de8CEZ721mUpVNry37wMj8M4Ldcum3VtbT/90PoxAPemyQKHC652WoQUEJc6M=";

/// A machine whose project has no token, and a run of it.
fn machine_and_run() -> (Machine, PathBuf) {
    let machine = Machine::with(world().token(PAT));
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\n",
        machine.fake.base_url()
    ));
    let bare = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let folder = run(0).write_in(&project(&machine, "Shop", bare)).unwrap();
    (machine, folder)
}

/// The same with a token file of this content.
fn machine_with_file(content: &[u8]) -> (Machine, PathBuf) {
    let (machine, folder) = machine_and_run();
    let file = token_file(&machine, "token", "");
    fs::write(&file, content).unwrap();
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\ntoken_file = {file:?}\n",
        machine.fake.base_url()
    ));
    (machine, folder)
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn a_token_file_is_read_in_whatever_encoding_an_editor_wrote_it() {
    for content in [
        format!("\u{feff}{PAT}\r\n").into_bytes(),
        format!("\n {PAT} \n\n").into_bytes(),
        utf16(&format!("\u{feff}{PAT}\r\n"), u16::to_le_bytes),
        utf16(&format!("\u{feff}{PAT}\r\n"), u16::to_be_bytes),
        utf16(PAT, u16::to_le_bytes),
    ] {
        let (machine, folder) = machine_with_file(&content);

        let submitted = machine.submit_folder(&folder);

        assert_eq!(submitted.code, 0, "{content:?} {submitted:?}");
        machine.ado_run();
    }
}

/// What people put where a token should be, with a part of what they are told.
fn misfits() -> Vec<(String, &'static str)> {
    use base64::Engine as _;
    let encoded = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    vec![
        (
            format!("KADO_TOKEN={PAT}\n"),
            "leave only what stands behind the `=`",
        ),
        (
            format!("\"{PAT}\"\n"),
            "leave only what stands between them",
        ),
        (format!(":{PAT}"), "leave only what stands behind the `:`"),
        (
            format!("bob:{PAT}"),
            "leave only what stands behind the `:`",
        ),
        (encoded(format!(":{PAT}")), "the Base64 of a token"),
        (encoded(format!("bob:{PAT}")), "the Base64 of a token"),
        (ENCRYPTED.to_owned(), "as Katalon encrypts it"),
        (
            format!("-----BEGIN PRIVATE KEY-----\n{PAT}\n-----END PRIVATE KEY-----\n"),
            "a key or certificate (PEM)",
        ),
        (format!("{PAT}\n{PAT}\n"), "leave only that of the token"),
        (format!("Bearer {PAT}"), "holds blanks"),
    ]
}

#[test]
fn a_token_file_that_holds_something_else_is_refused_by_its_form_and_never_shown() {
    for (content, told) in misfits() {
        let (machine, folder) = machine_with_file(content.as_bytes());

        let submitted = machine.submit_folder(&folder);

        assert_eq!(submitted.code, 2, "{content} {submitted:?}");
        assert_eq!(machine.row()["state"], "pending");
        let checked = machine.kado(&["check"]);
        assert_eq!(checked.code, 2, "{content} {checked:?}");
        let status = machine.kado(&["status"]);
        assert_eq!(status.code, 1, "{content} {status:?}");

        for said in [submitted, checked, status] {
            let text = format!("{}{}", said.out, said.err);

            assert!(text.contains(told), "{content}: {text}");
            assert!(
                !text.contains(PAT) && !text.contains(content.trim()),
                "{text}"
            );
        }
        assert!(machine.fake.requests().is_empty(), "{content}");
    }
}

#[test]
fn a_variable_that_holds_something_else_than_a_token_is_refused_by_its_form() {
    for (content, told) in misfits() {
        let (machine, folder) = machine_and_run();
        let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
        command.env("KADO_TOKEN", &content);

        let submitted = crate::support::finish(command);

        assert_eq!(submitted.code, 2, "{content} {submitted:?}");
        assert!(
            submitted.out.contains("`$KADO_TOKEN` holds") && submitted.out.contains(told),
            "{content} {submitted:?}"
        );
        assert!(machine.fake.requests().is_empty(), "{content}");
    }
}

#[test]
fn a_credential_of_the_service_manager_that_is_no_token_is_refused_by_its_form() {
    for (content, told) in misfits() {
        let (machine, folder) = machine_and_run();
        token_file(&machine, "kado-token", &content);
        let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
        command.env("CREDENTIALS_DIRECTORY", machine.root());

        let submitted = crate::support::finish(command);

        assert_eq!(submitted.code, 2, "{content} {submitted:?}");
        assert!(submitted.out.contains(told), "{content} {submitted:?}");
        assert!(machine.fake.requests().is_empty(), "{content}");
    }
}

#[test]
fn a_token_that_was_refused_by_its_form_is_a_problem_before_any_run_waits() {
    let (machine, _) = machine_with_file(format!("KADO_TOKEN={PAT}").as_bytes());

    let status = machine.kado(&["status"]);

    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.out.contains("holds `NAME=token`"), "{status:?}");
}

#[test]
fn a_project_that_loses_its_server_is_not_sent_with_another_project_s_token() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let refused = AzureSettings {
        token: Some(Token::Clear("refused".to_owned())),
        ..machine.settings()
    };
    let bad = project(&machine, "Bad", refused);
    run(0).write_in(&bad).unwrap();
    let first = machine.kado(&["run", "--once"]);

    // The other project's token for the same server is in memory when this one is tried again.
    fs::remove_file(bad.join("settings/external/com.kms.katalon.integration.azure.properties"))
        .unwrap();
    let good = project(&machine, "Good", machine.settings());
    run(1).write_in(&good).unwrap();
    let second = machine.kado(&["run", "--once"]);

    assert_eq!(first.code, 3, "{first:?}");
    assert_eq!(second.code, 1, "{second:?}");
    assert_eq!(machine.ado_runs().len(), 1);
    let rows = machine.rows();
    let waiting = rows.iter().find(|row| row["project"] == "Bad").unwrap();
    let reason = waiting["error"].as_str().unwrap();
    assert!(reason.contains("the project has none"), "{reason}");
}

/// What may be secret in a project's server URL.
const IN_URL: &str = "hunter2-of-the-url";

#[test]
fn what_may_be_secret_in_a_server_url_is_in_no_output_no_log_and_no_database() {
    let machine = Machine::new();
    let server = machine.fake.base_url();
    let url = server.replace("http://", &format!("http://me:{IN_URL}@"));
    let settings = AzureSettings {
        server_url: format!("{url}?key={IN_URL}#{IN_URL}"),
        ..machine.settings()
    };
    let shop = project(&machine, "Shop", settings);

    let submitted = machine.submit(&shop, &run(0));
    let checked = machine.kado(&["check", &shop.to_string_lossy(), "--json"]);
    let inspected = machine.kado(&["inspect", &shop.to_string_lossy(), "--json"]);
    let shown = machine.kado(&["runs", "show", "1", "--json"]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    assert!(checked.out.contains("query or fragment"), "{checked:?}");
    for output in [submitted, checked, inspected, shown] {
        assert!(!output.out.contains(IN_URL), "{output:?}");
        assert!(!output.err.contains(IN_URL), "{output:?}");
    }
    assert_eq!(files_that_reveal(&machine.state(), IN_URL), []);
}

#[test]
fn a_query_in_the_server_url_of_kado_toml_is_told_and_not_shown() {
    let machine = Machine::new();
    let file = token_file(&machine, "token", TOKEN);
    machine.configure(&format!(
        "[azure]\nserver_url = \"{}?key={IN_URL}\"\ntoken_file = {file:?}\n",
        machine.fake.base_url()
    ));

    let checked = machine.kado(&["check"]);

    assert!(checked.out.contains("query or fragment"), "{checked:?}");
    assert!(!checked.out.contains(IN_URL), "{checked:?}");
}

#[test]
fn a_server_that_is_written_in_letters_of_another_script_is_shown_in_ascii_and_remarked_on() {
    let machine = Machine::new();
    let settings = AzureSettings {
        server_url: "https://dev.\u{430}zure.com/acme".to_owned(),
        token: None,
        ..machine.settings()
    };
    let shop = project(&machine, "Shop", settings);

    let checked = machine.kado(&["check", &shop.to_string_lossy()]);
    let inspected = machine.kado(&["inspect", &shop.to_string_lossy()]);

    assert!(
        checked.out.contains("letters of other scripts"),
        "{checked:?}"
    );
    for output in [checked, inspected] {
        assert!(output.out.contains("dev.xn--zure-43d.com"), "{output:?}");
        assert!(!output.out.contains('\u{430}'), "{output:?}");
    }
}
