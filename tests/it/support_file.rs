//! `kado support`: what the file holds, and that no secret of the machine is in it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use fake_katalon::{AzureSettings, Test, Token};

use crate::support::{Machine, Output, TOKEN, closed_file, finish, finished, reveals, tc};

/// Secrets that lie about on the machine of [`machine`], beside [`TOKEN`].
const SECRETS: [&str; 7] = [
    "token-of-the-machine-Aa1/+=",
    "token-of-the-variable-Bb2",
    "clear-token-of-a-project-Cc3",
    "hook/part-of-an-address-Dd4",
    "password-of-the-page-Ee5",
    "password-of-the-proxy-Ff6",
    "old-token-in-a-comment-Gg7",
];

/// The entries of a file, each with its content.
fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        entries.push((entry.name().to_owned(), content));
    }
    entries
}

/// A machine that has a secret in each place that may hold one, and that has run.
fn machine() -> Machine {
    let machine = Machine::new();
    let root = machine.root();
    let token = closed_file(&root.join("token"), SECRETS[0]);
    let page = closed_file(&root.join("page"), SECRETS[4]);
    machine.configure(&format!(
        "history = \"all\" # {}\n[azure]\nserver_url = \"http://127.0.0.1:9/acme\"\n\
         token_file = {token:?}\nproxy = \"http://bob:{}@127.0.0.1:9\"\n\
         [notify]\nwebhook = \"http://127.0.0.1:9/{}\"\n\
         [status_page]\nlisten = \"\"\npassword_file = {page:?}\n",
        SECRETS[6], SECRETS[5], SECRETS[3],
    ));

    let clear = AzureSettings {
        token: Some(Token::Clear(SECRETS[2].to_owned())),
        ..machine.settings()
    };
    machine.project("Clear", clear, []);
    let shop = machine.shop(&[("Sign in", "1001")]);
    finished([Test::failed(&tc("Sign in"), "no")])
        .write_in(&shop)
        .unwrap();
    talkative(&machine, &["run", "--once"]);
    machine
}

fn talkative(machine: &Machine, arguments: &[&str]) -> Output {
    let mut command = machine.command(arguments);
    command.env("KADO_LOG", "trace");
    command.env("KADO_TOKEN", SECRETS[1]);
    command.env("SYSTEM_ACCESSTOKEN", SECRETS[1]);
    finish(command)
}

#[test]
fn the_file_has_what_helps_and_none_of_the_secrets_in_any_form() {
    let machine = machine();
    let file = machine.root().join("out.zip");

    let done = talkative(&machine, &["support", &file.to_string_lossy(), "--offline"]);

    assert_eq!(done.code, 0, "{done:?}");
    let entries = entries(&file);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "versions.txt",
        "environment.txt",
        "kado.toml",
        "check.json",
        "status.json",
        "runs.json",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(
        names.iter().any(|name| name.starts_with("logs/kado.")),
        "{names:?}"
    );
    for (name, content) in &entries {
        assert!(content.len() > 2, "{name} is empty");
        for secret in SECRETS.iter().chain(&[TOKEN]) {
            assert_eq!(reveals(content, secret), None, "{secret} in {name}");
        }
    }
    let whole = fs::read(&file).unwrap();
    assert!(
        SECRETS
            .iter()
            .all(|secret| reveals(&whole, secret).is_none())
    );
}

#[test]
fn the_file_is_closed_and_takes_the_place_of_no_other() {
    let machine = machine();
    let file = machine.root().join("out.zip");
    let path = file.to_string_lossy();
    fs::write(&file, "mine").unwrap();

    let kept = talkative(&machine, &["support", &path, "--offline"]);
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.err.contains("is there already"), "{kept:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    let replaced = talkative(&machine, &["support", &path, "--offline", "--force"]);
    assert_eq!(replaced.code, 0, "{replaced:?}");
    assert!(!entries(&file).is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_in_its_place_leads_nowhere() {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    let machine = machine();
    let file = machine.root().join("out.zip");
    let other = machine.root().join("other");
    fs::write(&other, "of somebody else").unwrap();
    symlink(&other, &file).unwrap();

    let path = file.to_string_lossy();
    let kept = talkative(&machine, &["support", &path, "--offline"]);
    let replaced = talkative(&machine, &["support", &path, "--offline", "--force"]);

    assert_eq!(kept.code, 1, "{kept:?}");
    assert_eq!(replaced.code, 0, "{replaced:?}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody else");
    let metadata = fs::symlink_metadata(&file).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.mode() & 0o777, 0o600);
}

#[test]
fn a_word_in_the_place_of_a_project_s_token_keeps_nobody_from_the_file() {
    let machine = Machine::new();
    let word = AzureSettings {
        token: Some(Token::Clear("submitted".to_owned())),
        ..machine.settings()
    };
    machine.project("Word", word, []);
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let file = machine.root().join("out.zip");

    let done = machine.kado(&["support", &file.to_string_lossy(), "--offline"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(file.exists());
}

#[test]
fn a_file_in_which_a_secret_is_found_is_not_kept() {
    use base64::Engine as _;

    let as_header = base64::engine::general_purpose::STANDARD.encode(format!(":{}", SECRETS[0]));
    for (text, form) in [
        (SECRETS[0].to_owned(), "as it is"),
        (format!("authorization: Basic {as_header}"), "in Base64"),
        (TOKEN.to_owned(), "a token of a project"),
        (SECRETS[3].replace("hook/", "x/"), "webhook"),
        (SECRETS[1].to_owned(), "as it is"),
    ] {
        let machine = machine();
        let log = machine.state().join("logs/kado.2099-01-01.log");
        fs::write(&log, format!("somebody logged {text} here\n")).unwrap();
        let file = machine.root().join("out.zip");

        let done = talkative(&machine, &["support", &file.to_string_lossy(), "--offline"]);

        assert_eq!(done.code, 1, "{text}: {done:?}");
        assert!(done.err.contains("logs/kado.2099-01-01.log"), "{done:?}");
        assert!(done.err.contains(form), "{form}: {done:?}");
        assert_eq!(reveals(done.err.as_bytes(), &text), None, "{done:?}");
        let left: Vec<_> = fs::read_dir(machine.root())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("out.zip"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
