//! The first sweep of a machine with many old runs: what it has seen is remembered although it is killed.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "the test counts what a process reads")]

use std::fs;
use std::io::Write as _;

use fake_katalon::Test;
use jiff::SignedDuration;

use crate::support::{Machine, Service, age, finished, now, tc, wait_until, world};

/// Old runs.
const RUNS: usize = 1000;
/// Runs that are remembered when the service is killed, at least; more than two batches of a sweep.
const UNTIL: usize = 500;
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
        let folder = finished([Test::passed(&tc("Sign in"))]).start(start).write_in(&shop).unwrap();
        let mut log = fs::OpenOptions::new().append(true).open(folder.join("execution0.log")).unwrap();
        log.write_all(padding.as_bytes()).unwrap();
        age(&folder);
    }
    machine
}

/// Waits until so many runs are listed; gives how many bytes the process has read by then.
fn listed(machine: &Machine, service: &Service, count: usize) -> u64 {
    wait_until("the sweep", || {
        let rows = machine.rows().len();
        if rows >= count { Ok(()) } else { Err(format!("{rows} of {count}: {}", service.log())) }
    });
    let io = fs::read_to_string(format!("/proc/{}/io", service.id())).unwrap();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[test]
fn a_kill_in_the_middle_of_the_first_sweep_does_not_start_from_nothing() {
    let machine = machine();
    let killed = machine.start();
    listed(&machine, &killed, UNTIL);
    killed.kill();
    let before = machine.rows().len();
    assert!(before < RUNS, "the sweep was over before it was killed");
    let second = machine.start();
    let rest = listed(&machine, &second, RUNS);
    second.stop_cleanly();
    assert_eq!(machine.rows().len(), RUNS, "none twice");
    assert_eq!(machine.fake.requests().len(), 0);
    // What a sweep costs that has nothing to go on from.
    fs::remove_dir_all(machine.state()).unwrap();
    let whole = machine.start();
    let all = listed(&machine, &whole, RUNS);
    whole.stop_cleanly();
    assert!(rest < all / 5 * 4, "{rest} bytes were read after {before} runs were known, {all} without them");
}
