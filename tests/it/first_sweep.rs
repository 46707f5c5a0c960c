//! The first sweep of a machine with many old runs: what it has seen is remembered although it is
//! killed.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "the test lays out many runs")]

use std::fs;
use std::io::Write as _;

use fake_katalon::Test;
use jiff::SignedDuration;

use crate::support::{Machine, Service, age, finished, now, tc, wait_until, world};

/// Old runs.
const RUNS: usize = 1000;
/// Runs that are remembered when the service is killed, at least; more than two batches of a sweep.
const UNTIL: usize = 500;
/// Folders that are looked at before what became of them is remembered.
const BATCH: usize = 200;
/// How often the moment for the kill may be missed.
const TRIES: usize = 20;
/// Bytes that every log has besides what it says.
const PADDING: usize = 40_000;

/// A machine that lists all old runs and sends none.
fn machine() -> Machine {
    let machine = Machine::in_memory(world());
    machine.configure("history = \"all\"\nruns_from = \"any\"\n[submit]\nauto_submit = false\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let padding = format!("<!--{}-->", "x".repeat(PADDING));

    for number in 0..RUNS {
        let start = now() - SignedDuration::from_secs(100_000 - i64::try_from(number).unwrap_or(0));
        let folder = finished([Test::passed(&tc("Sign in"))])
            .start(start)
            .write_in(&shop)
            .unwrap();
        let mut log = fs::OpenOptions::new()
            .append(true)
            .open(folder.join("execution0.log"))
            .unwrap();
        log.write_all(padding.as_bytes()).unwrap();
        age(&folder);
    }

    machine
}

/// Waits until so many runs are listed.
fn listed(machine: &Machine, service: &Service, count: usize) {
    wait_until("the sweep", || {
        let rows = machine.rows().len();
        if rows >= count {
            Ok(())
        } else {
            Err(format!("{rows} of {count}: {}", service.log()))
        }
    });
}

/// Kills the service in the middle of its first sweep; gives how many runs are remembered.
fn killed_in_the_middle(machine: &Machine) -> usize {
    for _ in 0..TRIES {
        let killed = machine.start_in_detail();
        listed(machine, &killed, UNTIL);
        killed.kill();
        let before = machine.rows().len();
        if before < RUNS {
            return before;
        }
        // It was faster than this test, which shows nothing then.
        fs::remove_dir_all(machine.state()).unwrap();
    }

    panic!("the sweep was over before it was killed, {TRIES} times");
}

#[test]
fn a_kill_in_the_middle_of_the_first_sweep_does_not_start_from_nothing() {
    let machine = machine();
    let before = killed_in_the_middle(&machine);
    let second = machine.start_in_detail();
    listed(&machine, &second, RUNS);
    let read = second.read_by_its_first_sweep();

    // That a folder is done is remembered once for each batch.
    assert!(
        read <= RUNS - before + BATCH,
        "{read} folders were read after {before} runs were known"
    );

    second.stop_cleanly();

    assert_eq!(machine.rows().len(), RUNS, "none twice");
    assert_eq!(machine.fake.requests().len(), 0);
}
