//! What the whole job costs: the real program against the fake Azure DevOps on this machine.
//!
//! `cargo bench` prints a table of time, requests and peak memory; `BENCHMARKS.md` keeps the figures of one machine.
//! Nothing in here is asserted: a slow machine is no defect.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark is a program of its own"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, ProjectWriter, Sending, SuiteRunWriter, Test, TestCaseFile};

const PLAN: u32 = 18;

fn main() {
    println!("{:<46} {:>9} {:>9} {:>9} {:>9}", "what", "seconds", "requests", "in flight", "peak MB");
    submit("50 tests, 5 screenshots", 50, 5, 0, None);
    submit("50 tests, 5 screenshots, 80 ms a request", 50, 5, 80, None);
    submit("500 tests, 50 screenshots", 500, 50, 0, None);
    submit("500 tests, 50 screenshots, 80 ms a request", 500, 50, 80, None);
    submit("2000 tests, 100 screenshots", 2000, 100, 0, None);
    submit("1 test, report of 60 MB", 1, 0, 0, Some(60 << 20));
    sweep("first sweep over 5000 old run folders", 5000);
}

/// One suite run, submitted by `kado submit`.
fn submit(what: &str, tests: u32, screenshots: u32, delay: u64, report: Option<usize>) {
    let machine = Machine::new(tests);
    if delay > 0 {
        machine.ado.fault(Fault::new("*", "/", Nth::Every, FaultAction::Delay(delay)));
    }
    let folder = run(tests, screenshots, 0).write_in(&machine.project).unwrap();
    if let Some(bytes) = report {
        std::fs::write(folder.join("big.html"), vec![b'x'; bytes]).unwrap();
    }
    let cost = machine.kado(&["submit", folder.to_str().unwrap()]);
    let results: usize = machine.ado.world().runs().iter().map(|run| run.results.len()).sum();
    assert_eq!(results, tests as usize, "all results arrived");
    row(what, &cost, &machine.ado);
}

/// Many runs of the past, remembered by `kado run --once`.
fn sweep(what: &str, folders: u32) {
    let machine = Machine::new(20);
    for number in 0..folders {
        run(20, 1, number).write_in(&machine.project).unwrap();
    }
    let cost = machine.kado(&["run", "--once"]);
    row(what, &cost, &machine.ado);
    let cost = machine.kado(&["run", "--once"]);
    row("the next sweep over them", &cost, &machine.ado);
}

fn run(tests: u32, screenshots: u32, number: u32) -> SuiteRunWriter {
    let all = (0..tests).map(|n| match n < screenshots {
        true => Test::failed(&name(n), "Object 'Page/button' is not present").screenshot(),
        false => Test::passed(&name(n)),
    });
    let start: jiff::Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    SuiteRunWriter::new("Test Suites/Bench").start(start + Duration::from_secs(60 * u64::from(number))).tests(all)
}

fn name(number: u32) -> String {
    format!("Test Cases/Case {number}")
}

fn row(what: &str, cost: &Cost, ado: &FakeAdo) {
    let (requests, flight) = (ado.requests().len(), ado.peak_connections());
    println!(
        "{what:<46} {:>9.2} {requests:>9} {flight:>9} {:>9.1}",
        cost.time.as_secs_f64(),
        cost.peak_kb as f64 / 1024.0
    );
    ado.clear_requests();
}

struct Machine {
    _folder: tempfile::TempDir,
    project: PathBuf,
    config: PathBuf,
    ado: FakeAdo,
}

struct Cost {
    time: Duration,
    peak_kb: u64,
}

impl Machine {
    fn new(tests: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world =
            World::new("org").token("bench").no_schema().project("Shop").configuration(1, "Any").plan(PLAN, "P");
        world = world.suite(20, "S");
        for number in 0..tests {
            world = world.test_case(1000 + number, "Case").point(5000 + number, 20, 1000 + number, 1);
        }
        let ado = FakeAdo::start_blocking("127.0.0.1:0".parse().unwrap(), world).unwrap();
        let project = folder.path().join("work").join("Shop");
        let settings = AzureSettings {
            sending: Sending::All,
            ..AzureSettings::connected(&ado.base_url(), "bench", "Shop", (PLAN, "P"))
        };
        let mut writer = ProjectWriter::new(&project).name("Shop").azure(settings);
        for number in 0..tests {
            writer = writer.test_case(TestCaseFile::new(&name(number)).azure(&(1000 + number).to_string()));
        }
        writer.write().unwrap();
        let config = folder.path().join("kado.toml");
        let text = "watch = [\"work\"]\nstate_dir = \"state\"\nruns_from = \"any\"\n";
        std::fs::write(&config, text).unwrap();
        Self { _folder: folder, project, config, ado }
    }

    fn kado(&self, arguments: &[&str]) -> Cost {
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kado"))
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut peak_kb = 0;
        while child.try_wait().unwrap().is_none() {
            peak_kb = peak_kb.max(peak_of(child.id()));
            std::thread::sleep(Duration::from_millis(2));
        }
        Cost { time: start.elapsed(), peak_kb }
    }
}

/// `VmHWM` of a process in kB; 0 where the system has no such file.
fn peak_of(process: u32) -> u64 {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
