//! Modes of the state folder and of what lies in it: whatever the umask, and without one for the
//! commands that kado starts.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at modes and start programs"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_katalon::{AzureSettings, Test};

use crate::support::{Machine, Output, age, finish, finished, tc};

/// A command that is started with this umask.
fn with_umask(umask: &str, plain: &Command) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("umask {umask} && exec \"$0\" \"$@\"")])
        .arg(plain.get_program())
        .args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it can be set");
}

/// A folder and everything below it.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        if entry.path().is_dir() {
            all.extend(all_in(&entry.path()));
        } else {
            all.push(entry.path());
        }
    }
    all
}

/// Everything in a state folder whose mode is not this one, folders without what only they have.
fn with_another_mode(state: &Path, of_files: u32, of_folders: u32) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in all_in(state) {
        let expected = if path.is_dir() { of_folders } else { of_files };
        if mode(&path) != expected {
            wrong.push(format!("{} {:o}", path.display(), mode(&path)));
        }
    }
    wrong
}

/// A machine with a run that waits for a token, so that its files stay in the spool.
fn waiting() -> Machine {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let bare = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let shop = machine.shop_with(bare, &[("Sign in", "1001")]);
    let test = Test::failed(&tc("Sign in"), "no").screenshot();
    let folder = finished([test]).write_in(&shop).expect("it can be written");
    age(&folder);
    machine
}

fn run_once(machine: &Machine, umask: &str) -> Output {
    finish(with_umask(umask, &machine.command(&["run", "--once"])))
}

#[test]
fn a_state_folder_is_its_owners_alone_whatever_the_umask() {
    for umask in ["0000", "0022", "0077"] {
        let machine = waiting();

        let done = run_once(&machine, umask);

        assert_eq!(done.code, 1, "{done:?}");
        let state = machine.state();
        for part in ["kado.db", "kado.lock", "kado.mark", "logs", "spool"] {
            assert!(state.join(part).exists(), "{part} {done:?}");
        }
        assert_eq!(with_another_mode(&state, 0o600, 0o700), [""; 0], "{umask}");
    }
}

#[test]
fn the_files_of_a_database_in_use_are_its_owners_alone() {
    for umask in ["0000", "0022"] {
        let machine = Machine::new();
        machine.shop(&[("Sign in", "1001")]);
        let service = machine.start_as(with_umask(umask, &machine.command(&["run"])));

        let wrong = with_another_mode(&machine.state(), 0o600, 0o700);

        assert_eq!(wrong, [""; 0], "{umask}");
        assert!(machine.state().join("kado.db-wal").exists());
        service.stop_cleanly();
    }
}

#[test]
fn what_a_group_shares_stays_the_groups_whatever_the_umask() {
    for umask in ["0022", "0077"] {
        let machine = waiting();
        fs::create_dir(machine.state()).expect("it can be made");
        set_mode(&machine.state(), 0o2770);

        let done = run_once(&machine, umask);

        assert_eq!(done.code, 1, "{done:?}");
        let wrong = with_another_mode(&machine.state(), 0o660, 0o2770);
        assert_eq!(wrong, [""; 0], "{umask}");
    }
}

#[test]
fn a_state_folder_of_kados_own_that_is_open_is_closed() {
    let machine = waiting();
    run_once(&machine, "0022");
    for path in all_in(&machine.state()) {
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }

    let done = run_once(&machine, "0022");

    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(with_another_mode(&machine.state(), 0o600, 0o700), [""; 0]);
}

#[test]
fn an_open_state_folder_with_something_else_in_it_is_told_with_the_command() {
    let machine = waiting();
    fs::create_dir(machine.state()).expect("it can be made");
    fs::write(machine.state().join("notes.txt"), "").expect("it can be written");
    set_mode(&machine.state(), 0o755);

    let done = run_once(&machine, "0022");

    let command = format!("chmod 700 '{}'", machine.state().display());
    assert!(done.err.contains(&command), "{done:?}");
    assert_eq!(mode(&machine.state()), 0o755);
    assert_eq!(mode(&machine.state().join("kado.db")), 0o600);
    let checked = machine.kado(&["check", "--offline"]);
    assert!(checked.out.contains(&command), "{checked:?}");
}

#[test]
fn the_command_of_exec_keeps_the_umask_of_whoever_started_it() {
    for shared in [false, true] {
        for umask in ["0022", "0000"] {
            let machine = Machine::new();
            let shop = machine.shop(&[("Sign in", "1001")]);
            if shared {
                fs::create_dir(machine.state()).expect("it can be made");
                set_mode(&machine.state(), 0o2770);
            }
            let mut plain = machine.exec_program(&[], Path::new("sh"));
            plain
                .args(["-c", "umask", "sh"])
                .arg(format!("-projectPath={}", shop.display()));

            let done = finish(with_umask(umask, &plain));

            assert_eq!(done.code, 0, "{done:?}");
            assert_eq!(done.out.lines().next(), Some(umask), "{done:?}");
        }
    }
}
