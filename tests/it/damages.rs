//! What a reader could not read is told everywhere: in the run's comment, in the list of what was
//! left out, by `kado why`, `kado inspect` and the exit code. Each kind of damage goes the whole
//! way.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_katalon::Test;
use kado::katalon::damage::{Damage, DamageKind};
use serde_json::Value;

use crate::support::{Machine, finish, finished, tc};

/// The middle part of three.
const PART: &str = "execution1.log";

/// The launcher's list of what the suite executes.
const BINDING: &str = "testCaseBinding";

/// The project's settings.
const SETTINGS: &str = "settings/external/com.kms.katalon.integration.azure.properties";

/// The kind that is walked behind this one, from the first (`None`) to the last. A new kind does
/// not compile here before it has its place.
fn next(kind: Option<&DamageKind>) -> Option<DamageKind> {
    match kind {
        None => Some(DamageKind::Missing),
        Some(DamageKind::Missing) => Some(DamageKind::Empty),
        Some(DamageKind::Empty) => Some(DamageKind::Zeros),
        Some(DamageKind::Zeros) => Some(DamageKind::Utf16),
        Some(DamageKind::Utf16) => Some(DamageKind::ConflictMarkers),
        Some(DamageKind::ConflictMarkers) => Some(DamageKind::BeginsLate),

        // Those that say more than their kind.
        Some(DamageKind::BeginsLate) => Some(DamageKind::CutRecords { count: 1 }),
        Some(DamageKind::CutRecords { .. }) => Some(DamageKind::UnreadableLines { count: 1 }),
        Some(DamageKind::UnreadableLines { .. }) => Some(DamageKind::UnreadableValue {
            what:
                "`submitOptions.enableIncludeAttachment` is neither true nor false, so no file is \
                   to be attached"
                    .to_owned(),
        }),
        Some(DamageKind::UnreadableValue { .. }) => Some(DamageKind::Unreadable {
            error: "Permission denied (os error 13)".to_owned(),
        }),
        Some(DamageKind::Unreadable { .. }) => None,
    }
}

/// The project of a run folder.
fn project_of(folder: &Path) -> &Path {
    let mut above = folder.ancestors();
    above
        .find(|folder| folder.join("settings").is_dir())
        .unwrap()
}

/// Damages the log in a run folder so; what a log part cannot suffer on this system is passed over.
fn damage(folder: &Path, kind: &DamageKind) -> bool {
    let part = folder.join(PART);
    let whole = fs::read(&part).unwrap();

    match kind {
        DamageKind::Missing => fs::remove_file(&part).unwrap(),
        DamageKind::Empty => fs::write(&part, "").unwrap(),
        DamageKind::Zeros => fs::write(&part, vec![0; whole.len()]).unwrap(),
        DamageKind::Utf16 => fs::write(&part, utf16(&whole)).unwrap(),
        DamageKind::ConflictMarkers => {
            let mixed = [b"<<<<<<< HEAD\n".as_slice(), &whole, b">>>>>>> theirs\n"].concat();
            fs::write(&part, mixed).unwrap();
        }
        DamageKind::BeginsLate => fs::remove_file(folder.join("execution2.log")).unwrap(),
        DamageKind::CutRecords { .. } => {
            let text = String::from_utf8(whole).unwrap();
            fs::write(&part, text.replacen("</record>", "", 1)).unwrap();
        }
        DamageKind::UnreadableLines { .. } => {
            let binding = folder.join(BINDING);
            let lines = fs::read_to_string(&binding).unwrap();
            fs::write(&binding, lines.replacen('{', "", 1)).unwrap();
        }
        DamageKind::UnreadableValue { .. } => {
            let settings = project_of(folder).join(SETTINGS);
            let mut text = fs::read_to_string(&settings).unwrap();
            text.push_str("\nsubmitOptions.enableIncludeAttachment=perhaps\n");
            fs::write(&settings, text).unwrap();
        }
        DamageKind::Unreadable { .. } => return close(&part),
    }
    true
}

#[cfg(unix)]
fn close(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
    true
}

#[cfg(not(unix))]
fn close(_file: &Path) -> bool {
    false
}

/// The command without the right to read what is closed; `None` where that cannot be had.
#[cfg(unix)]
fn ordinary(command: &Command) -> Option<Command> {
    crate::support::as_ordinary_account(command)
}

#[cfg(not(unix))]
fn ordinary(_command: &Command) -> Option<Command> {
    None
}

fn utf16(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

/// A machine with a run whose log has three parts.
fn machine_with_run() -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    let run = finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no such card"),
    ]);
    let folder = run.rotate_after(6).rotate_after(9).write_in(&shop).unwrap();
    (machine, folder)
}

fn lines(list: &Value) -> String {
    let lines: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    lines.join("\n")
}

/// Has the run submitted and asks everybody who tells of it; asserts that each names the damage.
fn assert_told(machine: &Machine, folder: &Path, kind: &DamageKind) {
    let place = match kind {
        DamageKind::UnreadableLines { .. } => (BINDING, Some(1)),
        DamageKind::UnreadableValue { .. } => (SETTINGS, None),
        _ => (PART, None),
    };
    let damage = Damage {
        file: place.0.to_owned(),
        line: place.1,
        kind: kind.clone(),
    };
    let told = damage.to_string();
    let kado = |arguments: &[&str]| {
        let command = machine.command(arguments);
        match kind {
            DamageKind::Unreadable { .. } => ordinary(&command).map(finish),
            _ => Some(finish(command)),
        }
    };
    let project = project_of(folder).to_string_lossy().into_owned();
    let folder = folder.to_string_lossy();
    let Some(submitted) = kado(&["submit", &folder]) else {
        return;
    };

    assert_eq!(submitted.code, 1, "{told}: {submitted:?}");
    assert!(submitted.out.contains(&told), "{told}: {submitted:?}");
    let comment = machine.ado_run().comment.unwrap();
    assert!(comment.contains(&told), "{told}: {comment}");

    let shown = kado(&["runs", "show", "1"]).unwrap();
    assert!(shown.out.contains(&told), "{told}: {shown:?}");
    let row = machine.row();
    let left_out = row["skipped"].as_array().unwrap();
    let is_reading =
        |one: &Value| one["kind"] == "reading" && one["reason"].as_str().unwrap().contains(&told);
    assert!(left_out.iter().any(is_reading), "{told}: {row:#}");

    let why = kado(&["why", &folder, "--json"]).unwrap();
    let said: Value = serde_json::from_str(&why.out).unwrap();
    assert_eq!(said["answer"], "submitted", "{told}: {said:#}");
    let details = lines(&said["details"]);
    let naming = details.lines().filter(|line| line.starts_with(&told));
    assert_eq!(naming.count(), 1, "{told}: {said:#}");

    // Of a run that is looked at alone the settings of its project are none.
    let (inspected, named) = match kind {
        DamageKind::UnreadableValue { what } => (&*project, what),
        _ => (&*folder, &told),
    };
    let inspected = kado(&["inspect", inspected, "--json"]).unwrap();
    let read: Value = serde_json::from_str(&inspected.out).unwrap();
    assert!(lines(&read["warnings"]).contains(named), "{told}: {read:#}");
}

#[test]
fn every_kind_of_damage_is_told_by_everybody_who_tells_of_the_run() {
    let mut kind = next(None);
    while let Some(one) = kind {
        let (machine, folder) = machine_with_run();
        if damage(&folder, &one) {
            assert_told(&machine, &folder, &one);
        }
        kind = next(Some(&one));
    }
}

#[test]
fn a_report_that_cannot_be_read_is_told_and_makes_exit_1() {
    let (machine, folder) = machine_with_run();
    let report = folder.join("JUnit_Report.xml");
    let whole = fs::read_to_string(&report).unwrap();
    fs::write(&report, &whole[..whole.len() / 2]).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let told = "`JUnit_Report.xml` cannot be read";
    assert!(submitted.out.contains(told), "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.results.len(), 2, "the log's results count");
    assert!(run.comment.unwrap().contains(told));
}

#[test]
fn the_service_says_by_its_exit_code_that_a_log_is_damaged() {
    let (machine, folder) = machine_with_run();
    machine.configure("history = \"all\"\n");
    damage(&folder, &DamageKind::Missing);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}
