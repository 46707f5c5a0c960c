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
    Machine, Output, TOKEN, closed_file, finish, finish_with, finished, reveals, tc, wait_until,
    world,
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

/// A `systemctl` that knows the user's unit and nothing else: what it is told to do it writes down,
/// what it is asked it answers from files beside itself.
const SYSTEMCTL: &str = r#"#!/bin/sh
set -eu
folder=$(dirname "$0")
env >>"$folder/environment"
unit=$HOME/.config/systemd/user/kado.service
while [ "${1#--}" != "$1" ]; do shift; done
case $1 in
  show)
    [ -e "$unit" ] && echo LoadState=loaded || echo LoadState=not-found
    [ -e "$folder/active" ] && echo ActiveState=active || echo ActiveState=inactive
    [ -e "$folder/enabled" ] && echo UnitFileState=enabled || echo UnitFileState=disabled
    exit ;;
  enable) [ -e "$unit" ] && touch "$folder/enabled" ;;
  disable) rm "$folder/enabled" ;;
  start) touch "$folder/active" ;;
  stop) rm "$folder/active" ;;
esac
echo "$1" >>"$folder/verbs"
"#;

/// A machine of which the user has a systemd.
struct WithSystemd {
    machine: Machine,
    config: PathBuf,
}

impl WithSystemd {
    fn new() -> Self {
        let machine = Machine::new();
        let config = users_config(&machine, "");
        let systemctl = machine.root().join("bin/systemctl");
        fs::create_dir_all(systemctl.parent().unwrap()).unwrap();
        fs::write(&systemctl, SYSTEMCTL).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        Self { machine, config }
    }

    fn service(&self, command: &str) -> Output {
        let mut kado = self
            .machine
            .command_with(&self.config, &["service", command, "--user"]);
        let bin = self.machine.root().join("bin");
        kado.env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("KADO_SECRET", TOKEN);
        let ended = finish(kado);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
    }

    fn unit(&self) -> PathBuf {
        self.machine
            .root()
            .join(".config/systemd/user/kado.service")
    }

    /// What systemctl was told to do since this was asked last.
    fn verbs(&self) -> Vec<String> {
        let file = self.machine.root().join("bin/verbs");
        let verbs = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(&file);
        verbs.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_users_service_is_written_enabled_and_started_once() {
    let systemd = WithSystemd::new();

    let installed = systemd.service("install");
    assert!(
        installed.out.contains("enabled `kado.service`"),
        "{installed:?}"
    );
    assert!(installed.out.contains("started"), "{installed:?}");
    let unit = fs::read_to_string(systemd.unit()).unwrap();
    assert!(unit.contains("kado.toml"), "{unit}");
    assert_eq!(
        systemd.verbs(),
        ["enable", "daemon-reload", "reset-failed", "start"]
    );

    let again = systemd.service("install");
    assert!(again.out.starts_with("nothing to do"), "{again:?}");
    assert_eq!(systemd.verbs(), [""; 0]);
}

#[test]
fn a_users_service_is_stopped_disabled_and_removed() {
    let systemd = WithSystemd::new();
    systemd.service("install");
    systemd.verbs();

    let stopped = systemd.service("stop");
    assert!(stopped.out.contains("stopped"), "{stopped:?}");
    assert_eq!(systemd.verbs(), ["stop"]);
    systemd.service("start");
    assert_eq!(systemd.verbs(), ["reset-failed", "start"]);

    let removed = systemd.service("uninstall");
    assert!(
        removed.out.contains("stopped and disabled `kado.service`"),
        "{removed:?}"
    );
    assert!(!systemd.unit().exists());
    assert_eq!(systemd.verbs(), ["stop", "disable", "daemon-reload"]);

    let again = systemd.service("uninstall");
    assert!(again.out.starts_with("nothing to do"), "{again:?}");
}

#[test]
fn nothing_that_is_meant_for_kado_reaches_systemctl() {
    let systemd = WithSystemd::new();

    for command in ["install", "stop", "start", "restart", "uninstall"] {
        systemd.service(command);
    }

    let environment = fs::read(systemd.machine.root().join("bin/environment")).unwrap();
    assert!(!environment.is_empty());
    assert_eq!(reveals(&environment, TOKEN), None);
}
