//! `kado.toml`, and where tokens go.

#![expect(clippy::disallowed_methods, reason = "tests write token files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

use fake_katalon::{AzureSettings, Test, Token};

use crate::support::{Machine, Output, finished, tc, world};

const MACHINE_TOKEN: &str = "machine-token-9876543210";

fn submit(machine: &Machine, settings: AzureSettings) -> Output {
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]))
}

/// Writes a token file with this mode.
fn token_file(machine: &Machine, mode: u32) -> String {
    let path = machine.root().join("token");
    fs::write(&path, format!("{MACHINE_TOKEN}\r\n")).unwrap();
    set_mode(&path, mode);

    path.to_string_lossy().into_owned()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

/// `[azure]` with server and token file.
fn machine_access(machine: &Machine, mode: u32) -> String {
    format!(
        "[azure]\nserver_url = \"{}\"\ntoken_file = {:?}\n",
        machine.fake.base_url(),
        token_file(machine, mode)
    )
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let machine = Machine::new();
    machine.configure_only(
        "watch = []\nhistory = \"soon\"\nwacht = [\"/w\"]\nabort_after = \"never\"\n\n[azure]\ntoken_file = \"/t\"\n\
         max_attachment = \"much\"\nallow_http = \"yes\"\n\n[submit]\nattachments = [\"LOG\", \"MP4\"]\n\
         test_plans = [0]\nkatalon_submits = \"perhaps\"\n\n[[project]]\nsubmit.test_plan = [19]\n",
    );

    let refused = machine.kado(&["run", "--once"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    insta::assert_snapshot!(machine.readable(&refused.err), @r#"
    error: configuration `[temp]/kado.toml` has 12 problems:
      line 1: `watch` is missing or empty: name the folders that hold Katalon projects, such as watch = ["/srv/agent/_work"]
      line 2: `history` is `soon`; it must be "new", "all" or an instant such as "2026-01-31T00:00:00Z"
      line 3: unknown key `wacht`; did you mean `watch`?
      line 4: `abort_after` is `never`; it must be a duration such as "2h" or "90m"
      line 6: a token (`token_file`) comes with its server: `azure.server_url` is missing beside it
      line 8: `azure.max_attachment` is `much`; it must be a size such as "75 MiB" or "10 GiB"
      line 9: `azure.allow_http` is `yes`; it must be true or false
      line 12: `submit.attachments` holds `MP4`; an item takes "LOG", "PNG", "HTML", "PDF", "CSV" or "VIDEO"
      line 13: `submit.test_plans` holds `0`; an item must be a positive number
      line 14: `submit.katalon_submits` is `perhaps`; it takes "detect", "never" or "always"
      line 16: `project.path` is missing: name the folder of the project
      line 17: unknown key `project.submit.test_plan`; did you mean `project.submit.test_plans`?
    "#);
}

#[test]
fn every_command_refuses_a_bad_configuration() {
    let machine = Machine::new();
    machine.configure("nonsense = 1\n");

    for arguments in [
        &["runs"][..],
        &["run"],
        &["submit", "/tmp"],
        &["submit", "--dry-run", "/tmp"],
    ] {
        let refused = machine.kado(arguments);

        assert_eq!(refused.code, 2, "{arguments:?} {refused:?}");
        assert!(
            refused.err.contains("line 3") && refused.err.contains("nonsense"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_toml_is_told_with_its_line() {
    let machine = Machine::new();
    machine.configure_only("watch = [\"/w\"]\nhistory = \n");

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("line 2"), "{refused:?}");
}

#[test]
fn a_token_without_its_server_is_a_configuration_error() {
    let machine = Machine::new();
    machine.configure("[azure]\ntoken_file = \"/etc/kado/token\"\n");

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("server_url"), "{refused:?}");
}

#[test]
fn a_token_of_a_project_table_needs_its_server_in_the_same_table() {
    let machine = Machine::new();
    let url = machine.fake.base_url();
    machine.configure(&format!(
        "[azure]\nserver_url = \"{url}\"\n[[project]]\npath = \"/w\"\nazure.token_file = \"/etc/kado/token\"\n"
    ));

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("project.azure.server_url"),
        "{refused:?}"
    );
}

#[test]
fn the_token_of_the_machine_is_used_without_its_end_of_line() {
    let machine = Machine::with(world().token(MACHINE_TOKEN));
    machine.configure(&machine_access(&machine, 0o600));

    let submitted = submit(
        &machine,
        AzureSettings {
            token: None,
            ..machine.settings()
        },
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn the_environment_can_hold_the_token_of_the_machine() {
    let machine = Machine::with(world().token(MACHINE_TOKEN));
    machine.configure(&format!(
        "[azure]\nserver_url = \"{}\"\n",
        machine.fake.base_url()
    ));
    let shop = machine.shop_with(
        AzureSettings {
            token: None,
            ..machine.settings()
        },
        &[("Sign in", "1001")],
    );

    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    command.env("KADO_TOKEN", MACHINE_TOKEN);
    let submitted = crate::support::finish(command);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    machine.ado_run();
}

#[cfg(unix)]
#[test]
fn a_token_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o604, 0o666, 0o622] {
        let machine = Machine::with(world().token(MACHINE_TOKEN));
        machine.configure(&machine_access(&machine, mode));

        let submitted = submit(
            &machine,
            AzureSettings {
                token: None,
                ..machine.settings()
            },
        );

        assert_ne!(submitted.code, 0, "{mode:o} {submitted:?}");
        let said = format!("{}{}", submitted.out, submitted.err);
        assert!(
            said.contains("can be read by others") && said.contains("chmod 600"),
            "{mode:o} {submitted:?}"
        );
        assert_eq!(machine.fake.requests().len(), 0, "{mode:o}");
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_it_is_allowed() {
    let machine = Machine::new();
    let settings = AzureSettings {
        server_url: "http://tfs.invalid/tfs/Main".to_owned(),
        ..machine.settings()
    };

    let refused = submit(&machine, settings);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.out.contains("azure.allow_http"), "{refused:?}");

    machine.configure("[azure]\nallow_http = true\n");
    let folder = finished([Test::passed(&tc("Sign in"))]).folder_in(&machine.work().join("Shop"));

    let allowed = machine.kado(&["submit", "--dry-run", &folder.to_string_lossy()]);

    assert_eq!(allowed.code, 4, "{allowed:?}");
    assert!(allowed.err.contains("tfs.invalid"), "{allowed:?}");
}

#[test]
fn the_token_of_a_project_never_reaches_the_server_of_the_configuration() {
    let theirs = Machine::new();
    let machine = Machine::with(world().token("something-else"));
    machine.configure(&format!(
        "[azure]\nserver_url = \"{}\"\n",
        machine.fake.base_url()
    ));
    let settings = AzureSettings {
        server_url: theirs.fake.base_url(),
        ..machine.settings()
    };

    let submitted = submit(&machine, settings);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(
        machine.fake.requests().len(),
        0,
        "the project's token went to another server"
    );
    assert_eq!(theirs.fake.requests().len(), 0);
    let row = machine.row();
    assert!(
        row["error"].as_str().unwrap().contains("token_file"),
        "{row}"
    );
}

#[test]
fn the_token_of_the_machine_never_reaches_the_server_of_a_project() {
    let machine = Machine::with(world().token(MACHINE_TOKEN));
    let theirs = Machine::with(world().token(MACHINE_TOKEN));
    let elsewhere = machine.root().join("elsewhere");
    let access = machine_access(&machine, 0o600);
    machine.configure(&format!(
        "{access}[[project]]\npath = {elsewhere:?}\nazure.project = \"Shop\"\n"
    ));
    // The machine's server wins over the project's, so nothing goes to the project's.
    let settings = AzureSettings {
        server_url: theirs.fake.base_url(),
        token: None,
        ..machine.settings()
    };

    let submitted = submit(&machine, settings);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(theirs.fake.requests().len(), 0);
    machine.ado_run();
}

#[test]
fn the_configuration_can_name_another_project_of_azure_devops() {
    let other = world()
        .project("Bakery")
        .configuration(1, "W")
        .plan(88, "Bread")
        .suite(71, "S")
        .test_case(4001, "T");
    let machine = Machine::with(other.point(801, 71, 4001, 1));
    machine.configure("[azure]\nproject = \"Bakery\"\n");
    let settings = AzureSettings {
        plans: vec![(88, "Bread".to_owned())],
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "4001")]);

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.project.as_str(), "Bakery");
    assert_eq!(run.results[0].point_id, Some(801));
}

#[test]
fn the_longest_path_of_a_project_table_wins() {
    let machine = Machine::new();
    let work = machine.work();
    machine.configure(&format!(
        "[submit]\ntest_run_name = \"machine\"\n[[project]]\npath = {:?}\nsubmit.test_run_name = \"shop\"\n\
         [[project]]\npath = {work:?}\nsubmit.test_run_name = \"work\"\nsubmit.test_plans = [19]\n",
        work.join("Shop"),
    ));

    let submitted = submit(&machine, machine.settings());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().name, "shop");
}

#[test]
fn a_configuration_in_another_encoding_is_told_with_the_way_out() {
    let machine = Machine::new();
    let text = fs::read_to_string(machine.config_file()).unwrap();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(
        machine.config_file(),
        [b"\xff\xfe".as_slice(), &utf16].concat(),
    )
    .unwrap();

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    insta::assert_snapshot!(machine.readable(&refused.err), @r#"error: configuration `[temp]/kado.toml` cannot be read; save it as UTF-8 (editors may call UTF-16 "Unicode"): stream did not contain valid UTF-8"#);
}

#[test]
fn no_output_holds_a_token() {
    for token in [
        Token::Clear(crate::support::TOKEN.to_owned()),
        Token::Clear("wrong-token-0123456789".to_owned()),
    ] {
        let machine = Machine::new();
        let Token::Clear(text) = token.clone() else {
            unreachable!("both are clear")
        };
        let settings = AzureSettings {
            token: Some(token),
            ..machine.settings()
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

        let folder = finished([Test::passed(&tc("Sign in"))])
            .write_in(&shop)
            .unwrap();
        let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
        command.env("KADO_LOG", "trace");
        let submitted = crate::support::finish(command);
        let shown = machine.kado(&["runs", "show", "1", "--json"]);

        let encoded = base64_of(&format!(":{text}"));
        for said in [&submitted.out, &submitted.err, &shown.out] {
            assert!(!said.contains(&text) && !said.contains(&encoded), "{said}");
        }

        for name in crate::support::files(&machine.state()) {
            let bytes = fs::read(machine.state().join(&name)).unwrap_or_default();
            assert!(
                !bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes()),
                "{name} holds the token"
            );
        }
    }
}

/// Base64 as in an `Authorization` header.
fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_windows_path_in_double_quotes_is_told_with_the_way_out() {
    for path in [r#""C:\agent\_work""#, r#""C:\new\temp""#] {
        let machine = Machine::new();
        machine.configure_only(&format!("watch = [{path}]\n"));

        let told = machine.kado(&["run", "--once"]);

        assert_eq!(told.code, 2, "{told:?}");
        assert!(
            told.err
                .contains(r"write Windows paths in single quotes, such as 'C:\agent\_work'"),
            "{told:?}"
        );
    }
}

#[test]
fn a_wrong_value_is_shown_with_what_the_key_takes() {
    let machine = Machine::new();
    machine.configure_only("watch = [\"/w\"]\nlate = \"sideways\"\n");

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused
            .err
            .contains("line 2: `late` is `sideways`; it takes \"park\" or \"send\""),
        "{refused:?}"
    );
}

#[test]
fn a_mistyped_key_or_table_names_the_nearest_one() {
    for (text, meant) in [
        (
            "abort_affter = \"2h\"",
            "unknown key `abort_affter`; did you mean `abort_after`?",
        ),
        ("[sumbit]", "unknown key `sumbit`; did you mean `submit`?"),
        (
            "[azure]\ntoken-file = \"/t\"",
            "unknown key `azure.token-file`; did you mean `azure.token_file`?",
        ),
        (
            "[[projects]]",
            "unknown key `projects`; did you mean `project`?",
        ),
        (
            "[[project]]\npath = \"/w\"\nsubmit.atach = \"all\"",
            "unknown key `project.submit.atach`; did you mean `project.submit.attach`?",
        ),
        (
            "[[project]]\npath = \"/w\"\nsubmti.attach = \"all\"",
            "unknown key `project.submti`; did you mean `project.submit`?",
        ),
        (
            "[azure.identity]\nkind = \"managed-identity\"\nclientid = \"x\"",
            "unknown key `azure.identity.clientid`; did you mean `azure.identity.client_id`?",
        ),
    ] {
        let machine = Machine::new();
        machine.configure_only(&format!("watch = [\"/w\"]\n{text}\n"));

        let refused = machine.kado(&["runs"]);

        assert_eq!(refused.code, 2, "{text} {refused:?}");
        assert!(refused.err.contains(meant), "{text} {refused:?}");
    }
}

#[test]
fn a_mistyped_key_of_a_projects_own_file_names_the_nearest_one() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    fs::write(
        shop.join("kado.toml"),
        "[submit]\nmultiple_point = true\nattach = \"some\"\n",
    )
    .unwrap();

    let checked = machine.kado(&["check", "--offline"]);

    for told in [
        "line 2: `submit.multiple_point` is not read from a project's `kado.toml` and is ignored; did you mean `submit.multiple_points`?",
        "line 3: `submit.attach` is `some`; it takes \"all\" or \"failed\"",
    ] {
        assert!(checked.out.contains(told), "{told} {checked:?}");
    }
}

#[test]
fn a_wrong_value_that_may_be_a_secret_is_not_shown() {
    let token = "a1B2".repeat(13);
    let machine = Machine::new();
    machine.configure_only(&format!(
        "watch = [\"/w\"]\n[azure]\nserver_url = \"https://bob:hunter2@dev.azure.com/acme\"\n\
         token_file = \"{token}\"\nproxy = \"ftp://bob:hunter2@proxy\"\n\
         authority_url = \"http://bob:hunter2@login.corp\"\n\
         no_proxy = [\"http://bob:hunter2@tfs.corp\"]\n"
    ));

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        !refused.err.contains("hunter2") && !refused.err.contains(&token),
        "{refused:?}"
    );
    let problems = [
        "server_url",
        "token_file",
        "proxy",
        "authority_url",
        "no_proxy",
    ];
    for (line, key) in (3..).zip(problems) {
        let problem = format!("line {line}: `azure.{key}`");
        assert!(refused.err.contains(&problem), "{problem} {refused:?}");
    }
}
