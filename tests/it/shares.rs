//! What a project costs stays bounded, however it is written: its copies in the spool, what is
//! stored of a run, and files that are nothing but a hole.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests make files with holes")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Sending, Test, TestCaseFile};

use crate::support::{Machine, age, finished, names, tc};

/// Bytes of a picture that is a hole, or has one.
const HOLE: u64 = 8 << 20;

/// The pictures of a run folder.
fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            pictures.extend(self::pictures(&path));
        } else if path.extension().is_some_and(|extension| extension == "png") {
            pictures.push(path);
        }
    }
    pictures
}

/// A run with a picture, in a project that sends everything.
fn with_picture(machine: &Machine) -> PathBuf {
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let test = Test::failed(&tc("Sign in"), "no such card").screenshot();
    finished([test]).write_in(&shop).unwrap()
}

/// Bytes of everything in a folder, as the disk has them.
fn stored(folder: &Path) -> u64 {
    let mut size = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let metadata = entry.metadata().unwrap();
        size += if metadata.is_dir() {
            stored(&entry.path())
        } else {
            metadata.blocks() * 512
        };
    }
    size
}

#[test]
fn a_picture_that_is_all_hole_is_named_and_not_sent() {
    let machine = Machine::new();
    let folder = with_picture(&machine);
    let picture = pictures(&folder).remove(0);
    fs::File::create(&picture).unwrap().set_len(HOLE).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let shown = machine.kado(&["runs", "show", "1"]);
    assert!(shown.out.contains("all of it is a hole"), "{shown:?}");
    let mut sent = Vec::new();
    for result in machine.ado_run().results {
        sent.extend(names(&result.attachments));
    }
    assert!(!sent.iter().any(|name| name.ends_with(".png")), "{sent:?}");
}

#[test]
fn holes_of_a_picture_take_no_room_in_the_spool_and_it_arrives_whole() {
    let machine = Machine::new();
    let folder = with_picture(&machine);
    let picture = pictures(&folder).remove(0);
    let file = fs::File::options().append(true).open(&picture).unwrap();
    file.set_len(HOLE).unwrap();
    age(&folder);
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Every, FaultAction::unavailable()));

    let waiting = machine.kado(&["run", "--once"]);

    assert_eq!(waiting.code, 4, "{waiting:?}");
    let spool = machine.state().join("spool");
    let copies = fs::read_dir(&spool).unwrap().flatten().next().unwrap();
    let copy = pictures(&copies.path()).remove(0);
    assert_eq!(fs::metadata(copy).unwrap().len(), HOLE);
    assert!(stored(&spool) < HOLE / 4, "{}", stored(&spool));

    fs::remove_dir_all(&folder).unwrap();
    machine.fake.clear_faults();
    machine.kado(&["run", "--once"]);

    let result = machine.ado_run().results.remove(0);
    let mut sent = result.attachments.iter();
    let sent = sent.find(|sent| sent.file_name.ends_with(".png")).unwrap();
    assert_eq!(sent.size, HOLE);
}

#[test]
fn a_run_of_which_too_much_would_be_stored_is_told_and_costs_only_itself() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let ids: Vec<String> = (0..900).map(|number| format!("${{v{number}}}")).collect();
    let default = format!("'{}'", "1".repeat(8000));
    let mut cases = Vec::new();
    let mut tests = Vec::new();
    for number in 0..12 {
        let name = tc(&format!("Case {number}"));
        let mut case = TestCaseFile::new(&name).azure(&ids.join(","));
        for variable in 0..900 {
            case = case.variable(&format!("v{variable}"), &default);
        }
        cases.push(case);
        tests.push(Test::passed(&name));
    }
    let shop = machine.project("Shop", machine.settings(), cases);
    let folder = finished(tests).write_in(&shop).unwrap();
    age(&folder);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert!(
        once.err.contains("at most 64 MiB of one are stored"),
        "{once:?}"
    );
    assert_eq!(machine.rows().len(), 0);
}
