//! `kado service` as far as no service manager is needed, and what the service tells one. A real
//! systemd is played with by `tests/system/linux.sh`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_katalon::{AzureSettings, Test};

use crate::support::{
    Machine, Output, closed_file, finish, finish_with, finished, tc, wait_until, world,
};

const STORED: &str = "stored-token-9876543210";
const OTHER: &str = "other-token-0123456789";

/// The user's own `kado.toml`, with these lines.
fn users_config(machine: &Machine, more: &str) -> PathBuf {
    let file = machine.root().join(".config/kado/kado.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "watch = [{:?}]\nstate_dir = {:?}\n{more}",
        machine.work(),
        machine.state()
    );
    fs::write(&file, text).unwrap();

    file
}

fn with_server(machine: &Machine, more: &str) -> PathBuf {
    users_config(
        machine,
        &format!(
            "[azure]\nserver_url = {:?}\n{more}",
            machine.fake.base_url()
        ),
    )
}

fn stored(machine: &Machine) -> PathBuf {
    machine.root().join(".config/kado/kado-token")
}

fn set_token(machine: &Machine, config: &Path, token: &str) -> Output {
    finish_with(
        machine.command_with(config, &["service", "set-token", "--user"]),
        token,
    )
}

/// A command that submits a run of a project without a token of its own.
fn submission(machine: &Machine, config: &Path) -> Command {
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    machine.command_with(config, &["submit", &folder.to_string_lossy()])
}

#[test]
fn a_stored_token_is_closed_to_others_and_used() {
    let machine = Machine::with(world().token(STORED));
    let config = with_server(&machine, "");
    let set = set_token(&machine, &config, &format!("  {STORED}\r\n"));

    assert_eq!(set.code, 0, "{set:?}");
    assert!(!set.out.contains(STORED) && !set.err.contains(STORED));
    assert_eq!(
        fs::metadata(stored(&machine)).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let submitted = finish(submission(&machine, &config));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn of_several_tokens_the_credential_counts_then_the_stored_one_then_the_file_then_the_environment()
{
    let credentials = |machine: &Machine| {
        let folder = machine.root().join("credentials");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("kado-token"), STORED).unwrap();
        folder
    };

    for right in ["credential", "stored", "file", "environment"] {
        let machine = Machine::with(world().token(STORED));
        let file = |token| closed_file(&machine.root().join("token"), token);
        let token_file = match right {
            "credential" | "stored" => Some(file(OTHER)),
            "file" => Some(file(STORED)),
            _ => None,
        };
        let line = token_file
            .map(|file| format!("token_file = {file:?}\n"))
            .unwrap_or_default();
        let config = with_server(&machine, &line);
        match right {
            "credential" => assert_eq!(set_token(&machine, &config, OTHER).code, 0),
            "stored" => assert_eq!(set_token(&machine, &config, STORED).code, 0),
            _ => {}
        }
        let mut command = submission(&machine, &config);
        command.env(
            "KADO_TOKEN",
            if right == "environment" {
                STORED
            } else {
                OTHER
            },
        );
        if right == "credential" {
            command.env("CREDENTIALS_DIRECTORY", credentials(&machine));
        }

        let submitted = finish(command);

        assert_eq!(submitted.code, 0, "{right}: {submitted:?}");
    }
}

#[test]
fn a_token_is_stored_only_beside_its_server() {
    let machine = Machine::new();
    let config = users_config(&machine, "");
    let refused = set_token(&machine, &config, STORED);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("server_url"), "{refused:?}");
    assert!(!stored(&machine).exists());
}

#[test]
fn what_is_no_token_is_not_stored() {
    let machine = Machine::new();
    let config = with_server(&machine, "");

    for text in ["", " \n", "two words", &"x".repeat(20_000)] {
        let refused = set_token(&machine, &config, text);

        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(!stored(&machine).exists());
    }
}

#[test]
fn the_stored_token_belongs_to_the_users_own_configuration_only() {
    let machine = Machine::with(world().token(STORED));
    let config = with_server(&machine, "");

    assert_eq!(set_token(&machine, &config, STORED).code, 0);

    let elsewhere = machine.root().join("elsewhere.toml");
    fs::copy(&config, &elsewhere).unwrap();

    let waits = finish(submission(&machine, &elsewhere));

    assert_eq!(waits.code, 1, "{waits:?}");
}

#[test]
fn a_stored_token_that_others_can_read_is_refused() {
    let machine = Machine::with(world().token(STORED));
    let config = with_server(&machine, "");

    assert_eq!(set_token(&machine, &config, STORED).code, 0);

    fs::set_permissions(stored(&machine), fs::Permissions::from_mode(0o644)).unwrap();

    let refused = finish(submission(&machine, &config));

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("chmod 600"), "{refused:?}");
}

#[test]
fn a_service_without_folders_to_watch_is_not_started() {
    let machine = Machine::new();
    let config = users_config(&machine, "");
    fs::write(&config, "watch = []\n").unwrap();

    let refused = finish(machine.command_with(&config, &["service", "start", "--user"]));

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("`watch` is missing or empty"),
        "{refused:?}"
    );

    let installer =
        finish(machine.command_with(&config, &["service", "start", "--user", "--if-configured"]));

    assert_eq!(installer.code, 0, "{installer:?}");
    assert!(
        installer.out.contains("kado service start"),
        "{installer:?}"
    );
}

#[test]
fn the_example_configuration_is_complete_but_for_the_folders() {
    let example = include_str!("../../packaging/kado.toml");
    let machine = Machine::new();
    let bare = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| !rest.starts_with(' '))
            .unwrap_or(line)
            .to_owned()
    };
    // Every key that is commented out is right as it stands there, but for the token, which has no
    // file here.
    let lines = example
        .lines()
        .map(bare)
        .filter(|line| line != "watch = []" && !line.starts_with("state_dir"));
    machine.configure_only(&(lines.collect::<Vec<_>>().join("\n") + "\n"));

    let listed = machine.kado(&["check", "--offline", "--json"]);

    assert!(!listed.out.contains("problem"), "{listed:?}");

    machine.configure_only(example);

    let refused = machine.kado(&["run", "--once"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("has 1 problem:"), "{refused:?}");
}

/// A program that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn systemd_is_told_that_the_service_is_up_alive_and_ending() {
    let machine = Machine::new();
    let socket = machine.root().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut command = machine.command(&["run"]);
    command
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "800000")
        .stderr(Stdio::null());
    let mut child = Killed(command.spawn().unwrap());
    let mut told = String::new();

    let mut hear = |wanted: &str| {
        wait_until(&format!("`{wanted}` on the socket"), || {
            let mut buffer = [0; 4096];
            if let Ok(length) = listener.recv(&mut buffer) {
                told.push_str(&String::from_utf8_lossy(&buffer[..length]));
                told.push('\n');
            }
            if told.contains(wanted) {
                Ok(())
            } else {
                Err(told.clone())
            }
        });
    };

    for wanted in [
        "READY=1",
        "STATUS=0 submitted, 0 waiting, 0 parked",
        "WATCHDOG=1",
    ] {
        hear(wanted);
    }
    let asked = Command::new("kill")
        .arg("-TERM")
        .arg(child.0.id().to_string())
        .status()
        .unwrap();
    assert!(asked.success());

    hear("STOPPING=1");

    let ended = wait_until("kado to end", || {
        child.0.try_wait().unwrap().ok_or_else(String::new)
    });

    assert_eq!(ended.code(), Some(0));
}

#[test]
fn every_command_has_a_manual_page() {
    let machine = Machine::new();
    let folder = machine.root().join("man");
    fs::create_dir(&folder).unwrap();

    let written = machine.kado(&["man", "--dir", &folder.to_string_lossy()]);

    assert_eq!(written.code, 0, "{written:?}");
    for page in ["kado.1", "kado-run.1", "kado-service-set-token.1"] {
        assert!(
            fs::read_to_string(folder.join(page))
                .unwrap()
                .starts_with(".ie"),
            "{page}"
        );
    }
}
