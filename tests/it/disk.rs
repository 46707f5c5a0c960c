//! The disk of the state folder fails: no room, read-only for a while, a database that is damaged.

#![expect(
    clippy::disallowed_methods,
    reason = "tests mount, fill and damage state folders"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::Test;

use crate::support::{Machine, Receiver, age, finished, now, skip, tc, wait_until};

/// Long enough for the service to do what it should not do.
const A_WHILE: Duration = Duration::from_secs(8);
/// Name of the file that takes all room.
const FILLER: &str = "filler";

/// A small file system over a folder, until this is dropped.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Mounts it; `None`, and the test is skipped, for those who may not.
    pub(crate) fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let disk = Self(folder.to_owned());

        if disk.ask(
            "mount",
            &["-t", "tmpfs", "-o", "size=8m,mode=0750", "tmpfs"],
        ) {
            return Some(disk);
        }

        std::mem::forget(disk);
        skip("no file system can be mounted here");

        None
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> bool {
        let asked = Command::new(program)
            .args(arguments)
            .arg(&self.0)
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    }

    pub(crate) fn fill(&self) {
        let mut file = fs::File::create(self.0.join(FILLER)).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join(FILLER)).unwrap();
    }

    fn remount(&self, how: &str) {
        assert!(
            self.ask("mount", &["-o", &format!("remount,{how}")]),
            "remounted {how}"
        );
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.ask("umount", &["-l"]);
    }
}

/// A machine with a shop that takes every run.
fn machine() -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);

    (machine, shop)
}

/// A finished run whose reports are there.
fn write_run(shop: &Path) -> PathBuf {
    let tests = [
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no such card").screenshot(),
    ];
    let folder = finished(tests).start(now()).write_in(shop).unwrap();
    age(&folder);

    folder
}

/// The service meets a disk that `fails` before a run is over, and that is mended later.
fn before_a_run_is_recorded(fails: impl Fn(&Disk), mends: impl Fn(&Disk)) {
    let (machine, shop) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    fails(&disk);
    write_run(&shop);
    service.wait_for_log("the outbox cannot be used");

    sleep(A_WHILE);
    assert_eq!(
        machine.writes(),
        [""; 0],
        "what cannot be recorded was sent: {}",
        service.log()
    );

    mends(&disk);

    machine.wait_for_completed(1);
    service.stop_cleanly();

    let run = machine.ado_run();
    assert_eq!(run.results.len(), 2);
    assert_eq!(run.results[1].attachments.len(), 1);
    assert_eq!(machine.row()["state"], "submitted");
}

/// The same while a run waits that is recorded.
fn while_a_run_waits(fails: impl Fn(&Disk), mends: impl Fn(&Disk)) {
    let (machine, shop) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::organization_stopped(),
    ));

    let service = machine.start();
    write_run(&shop);
    service.wait_for_log("waits");
    fails(&disk);
    machine.fake.clear_faults();
    service.wait_for_log("the outbox cannot be used");

    sleep(A_WHILE);
    assert_eq!(
        machine.ado_runs().len(),
        0,
        "what cannot be recorded was sent: {}",
        service.log()
    );

    mends(&disk);

    machine.wait_for_completed(1);
    service.stop_cleanly();

    machine.ado_run();
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn without_room_for_a_finished_run_nothing_is_sent_and_with_room_it_is_sent_once() {
    before_a_run_is_recorded(Disk::fill, Disk::make_room);
}

#[test]
fn without_room_for_a_plan_nothing_is_sent_and_with_room_it_is_sent_once() {
    while_a_run_waits(Disk::fill, Disk::make_room);
}

#[test]
fn on_a_read_only_disk_every_command_that_sends_refuses_and_later_the_run_is_sent_once() {
    let (machine, shop) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);

    let folder = write_run(&shop).to_string_lossy().into_owned();
    disk.remount("ro");

    for arguments in [&["run"][..], &["run", "--once"], &["submit", &folder]] {
        let refused = machine.kado(arguments);

        assert_ne!(refused.code, 0, "kado {arguments:?}: {refused:?}");
        let state = machine.state();
        assert!(
            refused.err.contains(&*state.to_string_lossy()),
            "kado {arguments:?} names no folder: {refused:?}"
        );
    }

    assert_eq!(machine.fake.requests().len(), 0);

    disk.remount("rw");

    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 0, "{sent:?}");
    machine.ado_run();
}

#[test]
fn the_status_says_that_there_is_no_room_or_that_the_disk_is_read_only() {
    let (machine, _) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);

    let says = |words: &str| {
        let status = machine.kado(&["status"]);
        assert_eq!(status.code, 1, "{status:?}");
        assert!(
            status.out.contains(words) && status.out.contains(&*machine.state().to_string_lossy()),
            "{status:?}"
        );
    };

    says("MiB are free where the state folder");
    disk.fill();
    says("problem: there is no room where the state folder");
    disk.make_room();
    disk.remount("ro");
    says("lies on a read-only file system; nothing can be recorded, so nothing is sent");
    disk.remount("rw");
    says("MiB are free where the state folder");
}

#[test]
fn why_says_of_a_run_that_it_waits_for_room_and_not_for_its_grace_time() {
    let (machine, shop) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    disk.fill();
    let folder = write_run(&shop);
    service.wait_for_log("the outbox cannot be used");

    let told = machine.kado(&["why", &folder.to_string_lossy(), "--json"]);

    let told: serde_json::Value = serde_json::from_str(&told.out).expect("it is JSON");
    assert_eq!(told["answer"], "pending", "{told}");
    let reason = told["reason"].as_str().expect("a text");
    assert!(reason.contains("only when it can record it"), "{told}");
    assert!(
        told["details"].to_string().contains("there is no room"),
        "{told}"
    );
    assert!(
        told["would_change"].to_string().contains("make room"),
        "{told}"
    );

    disk.make_room();
    service.stop_cleanly();
}

/// Every command that needs the database refuses one that is damaged so; it lies somewhere
/// untouched.
fn refused_when(damage: impl Fn(&[u8]) -> Vec<u8>) {
    let (machine, shop) = machine();

    for _ in 0..3 {
        let submitted = machine.submit_folder(&write_run(&shop));
        assert_eq!(submitted.code, 0, "{submitted:?}");
    }
    let sent = machine.ado_runs().len();
    let state = machine.state();
    let whole = fs::read(state.join("kado.db")).unwrap();
    let folder = write_run(&shop).to_string_lossy().into_owned();
    let damaged = damage(&whole);
    for arguments in [
        &["status"][..],
        &["submit", &folder],
        &["run", "--once"],
        &["run"],
    ] {
        for name in crate::support::files(&state)
            .iter()
            .filter(|name| name.starts_with("kado.db"))
        {
            fs::remove_file(state.join(name)).unwrap();
        }
        fs::write(state.join("kado.db"), &damaged).unwrap();
        // The second time a damaged database may lie elsewhere.
        for _ in 0..2 {
            let refused = machine.kado(arguments);
            assert_ne!(refused.code, 0, "kado {arguments:?}: {refused:?}");
            let said = format!("{}{}", refused.out, refused.err);
            assert!(
                said.contains("backup"),
                "kado {arguments:?} names no way back: {said}"
            );
            let kept = crate::support::files(&state);
            let mut kept = kept.iter().filter(|name| name.starts_with("kado.db"));
            assert!(
                kept.any(|name| fs::read(state.join(name)).unwrap() == damaged),
                "kado {arguments:?}: not kept"
            );
        }
        assert_eq!(
            machine.ado_runs().len(),
            sent,
            "kado {arguments:?} submitted"
        );
    }
}

#[test]
fn a_database_that_is_cut_in_half_is_kept_and_nothing_is_submitted() {
    refused_when(|whole| whole[..whole.len() / 2].to_vec());
}

#[test]
fn a_database_overwritten_with_garbage_is_kept_and_nothing_is_submitted() {
    refused_when(|whole| {
        (0..whole.len())
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect()
    });
}

#[test]
fn a_second_service_on_a_state_folder_is_refused_in_words() {
    let (machine, _) = machine();

    let service = machine.start();
    for arguments in [&["run"][..], &["run", "--once"]] {
        let second = machine.kado(arguments);

        assert_ne!(second.code, 0, "{second:?}");
        assert!(second.err.contains("another kado is running"), "{second:?}");
    }
    service.stop_cleanly();
}

/// Submits a new run by two commands at once.
fn submit_twice_at_once(machine: &Machine, shop: &Path) {
    let before = machine.ado_runs().len();
    let folder = write_run(shop).to_string_lossy().into_owned();

    let both = std::thread::scope(|scope| {
        let submit = || machine.kado(&["submit", &folder]);
        let other = scope.spawn(submit);
        [submit(), other.join().unwrap()]
    });

    for submitted in &both {
        assert_eq!(submitted.code, 0, "{both:#?}");
        assert!(submitted.out.contains("submitted as test run"), "{both:#?}");
    }
    assert_eq!(machine.ado_runs().len(), before + 1, "{both:#?}");
}

#[test]
fn one_run_submitted_by_two_commands_at_the_same_moment_is_one_run() {
    let (machine, shop) = machine();

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    for _ in 0..4 {
        submit_twice_at_once(&machine, &shop);
    }
}

#[test]
fn two_commands_at_the_same_moment_may_be_the_first_on_a_machine() {
    for _ in 0..4 {
        let (machine, shop) = machine();
        submit_twice_at_once(&machine, &shop);
    }
}

#[cfg(unix)]
#[test]
fn a_state_folder_that_is_removed_under_the_service_ends_it_with_the_reason() {
    for replaced in [false, true] {
        let machine = Machine::new();
        machine.shop(&[("Sign in", "1001")]);

        let service = machine.start();
        service.wait_for_log("found a Katalon project");
        fs::rename(machine.state(), machine.root().join("away")).unwrap();
        let other = replaced.then(|| machine.start());
        service.wait_for_log("the state folder was removed or replaced; nothing more is sent");

        let ended = service.wait_for_end();
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(
            ended
                .err
                .contains("put it back from a backup before kado is started"),
            "{ended:?}"
        );

        if let Some(other) = other {
            assert!(
                !other.log().contains("removed or replaced"),
                "its own folder is there: {}",
                other.log()
            );
            other.stop_cleanly();
        }
    }
}

#[test]
fn a_full_disk_is_told_though_nothing_can_be_recorded() {
    let (machine, _) = machine();
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };
    let service = machine.start();
    disk.fill();

    let receiver = Receiver::new();
    let url = receiver.url();
    machine.configure(&format!(
        "history = \"all\"\n[notify]\nwebhook = \"{url}\"\n"
    ));
    let begun = receiver.wait_for(1);
    disk.make_room();
    wait_until("a record of what was told", || {
        let database = rusqlite::Connection::open(machine.state().join("kado.db")).unwrap();
        let sql = "SELECT told FROM cause";
        match database.query_row(sql, [], |row| row.get::<_, String>(0)) {
            Ok(told) if told.contains("webhook") => Ok(()),
            found => Err(format!("{found:?}")),
        }
    });
    service.stop_cleanly();

    assert_eq!(begun.told(), ["waiting begun"]);
    let text = begun.body["notifications"][0]["text"].as_str().unwrap();
    assert!(text.contains("there is no room"), "{text}");
    assert_eq!(receiver.received().len(), 1);
}
