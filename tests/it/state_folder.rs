//! Who decides what lies in the state folder decides what kado sends, deletes and writes: one that
//! others decide about is refused, with the command that mends it.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out state folders and make pipes by a program"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;

use fake_katalon::Test;

use crate::support::{Machine, Output, finished, skip, tc};

/// An account that no service of the machine has.
const STRANGER: u32 = 54_321;
/// The commands that use the state folder, each as it is called.
const COMMANDS: [&[&str]; 4] = [
    &["run", "--once"],
    &["runs"],
    &["status"],
    &["check", "--offline"],
];

/// A machine with a project, and with a state folder of this mode.
fn with_mode(mode: u32) -> Machine {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    fs::create_dir(machine.state()).unwrap();
    fs::set_permissions(machine.state(), fs::Permissions::from_mode(mode)).unwrap();
    machine
}

/// A machine that used its state folder before.
fn used() -> Machine {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    machine
}

/// Gives something to another account; whether this account may.
fn give_away(path: &Path) -> bool {
    let given = chown(path, Some(STRANGER), None).is_ok();
    if !given {
        skip("files cannot be given to another account here");
    }
    given
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// What each command says of the state folder, which it has to refuse.
fn refusals(machine: &Machine) -> Vec<String> {
    let mut texts = Vec::new();
    for command in COMMANDS {
        let Output { code, out, err } = machine.kado(command);

        assert_eq!(code, 1, "{command:?} {out} {err}");
        texts.push(format!("{out}{err}"));
    }
    texts
}

#[test]
fn a_state_folder_that_others_may_write_to_is_refused_with_the_command() {
    for mode in [0o777, 0o770, 0o702] {
        let machine = with_mode(mode);
        fs::write(machine.state().join("kado.db"), "planted").unwrap();
        let command = format!("chmod 700 '{}'", machine.state().display());

        for text in refusals(&machine) {
            assert!(text.contains("others can write to it"), "{mode:o} {text}");
            assert!(text.contains(&command), "{mode:o} {text}");
        }

        let left: Vec<_> = fs::read_dir(machine.state()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn an_empty_state_folder_that_others_may_write_to_is_closed_and_used() {
    let machine = with_mode(0o777);

    let done = machine.kado(&["run", "--once"]);

    assert_eq!(done.code, 0, "{done:?}");
    let mode = fs::metadata(machine.state()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn a_state_folder_of_another_account_is_refused() {
    let machine = with_mode(0o700);
    if !give_away(&machine.state()) {
        return;
    }

    for text in refusals(&machine) {
        assert!(text.contains("belongs to the account 54321"), "{text}");
    }
}

#[test]
fn a_database_that_another_account_put_there_is_refused() {
    let machine = used();
    if !give_away(&machine.state().join("kado.db")) {
        return;
    }

    for text in refusals(&machine) {
        assert!(text.contains("kado.db` belongs to the account"), "{text}");
    }
}

#[test]
fn a_link_in_place_of_anything_of_kados_is_refused_and_nothing_is_made_through_it() {
    let names = [
        "kado.db",
        "kado.db-wal",
        "kado.lock",
        "kado.mark",
        "kado.page",
        "kado.page.new",
        "kado.service",
        "spool",
        "logs",
    ];
    for name in names {
        let machine = with_mode(0o700);
        let target = machine.root().join("elsewhere");
        symlink(&target, machine.state().join(name)).unwrap();
        let command = format!("rm '{}'", machine.state().join(name).display());

        for text in refusals(&machine) {
            assert!(text.contains("is a link"), "{text}");
            assert!(text.contains(&command), "{text}");
        }

        assert!(!target.exists(), "{name}");
    }
}

#[test]
fn a_pipe_in_place_of_a_file_of_kados_is_refused_at_once() {
    for name in ["kado.lock", "kado.mark", "kado.service", "kado.db"] {
        let machine = with_mode(0o700);
        make_pipe(&machine.state().join(name));

        for text in refusals(&machine) {
            assert!(text.contains("is something else, not a file"), "{text}");
        }
    }
}

#[test]
fn a_service_whose_lock_became_a_pipe_ends() {
    let machine = used();
    let service = machine.start();
    let lock = machine.state().join("kado.lock");
    fs::remove_file(&lock).unwrap();
    make_pipe(&lock);

    let ended = service.wait_for_end();

    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("was removed or replaced"), "{ended:?}");
}

#[test]
fn a_state_folder_that_an_administrator_moved_behind_a_link_is_used() {
    let machine = used();
    let disk = machine.root().join("disk");
    fs::create_dir(&disk).unwrap();
    fs::rename(machine.state(), disk.join("kado")).unwrap();
    symlink(disk.join("kado"), machine.state()).unwrap();

    let done = machine.kado(&["run", "--once"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn a_link_of_another_account_in_place_of_the_state_folder_is_refused() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    let target = machine.root().join("elsewhere");
    fs::create_dir(&target).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&target, machine.state()).unwrap();
    if lchown(machine.state(), Some(STRANGER), None).is_err() {
        return skip("links cannot be given to another account here");
    }

    for text in refusals(&machine) {
        assert!(text.contains("belongs to the account 54321"), "{text}");
    }
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
}
