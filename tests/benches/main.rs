//! What the whole job costs: the real program against the fake Azure DevOps on this machine, beside
//! the floor (`floor`) in the same sitting.
//!
//! `cargo bench` prints a table for each part; `cargo bench -- sending` plays one of them
//! (`sending`, `other`, `live`, `watch`, `idle`, `scale`), and `cargo bench -- --write` writes
//! the tables and plots of BENCHMARKS.md anew. No time is asserted in here: a slow machine is no
//! defect.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark is a program of its own"
)]

mod floor;
mod machine;
mod other;
mod report;
mod watch;

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fake_katalon::SuiteRunWriter;
use floor::Work;
use machine::{Cost, Machine, age, peak_of, processor_time, run, settle};
use report::{Plot, Report, Table};

/// How far away the server is.
const FAR: Duration = Duration::from_millis(80);
/// How long an idle service is watched at first: longer than two sweeps of a young one.
const IDLE: Duration = Duration::from_secs(65);
/// How long it is watched after that, when nothing is new to it any more.
const STEADY: Duration = Duration::from_secs(60);
/// How often the floor and kado are measured in turn; the quickest of each counts.
const TIMES: usize = 3;
/// Tests and pictures of the runs that are sent.
const SIZES: [(u32, u32); 3] = [(50, 5), (500, 50), (2000, 100)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let writes = arguments.iter().any(|argument| argument == "--write");
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();

    let mut report = Report::default();
    for part in ["sending", "other", "live", "watch", "idle", "scale"] {
        if wanted.is_empty() || wanted.contains(&part) {
            measure(part, &mut report);
        }
    }
    if writes {
        report.write();
    }
}

fn measure(part: &str, report: &mut Report) {
    match part {
        "sending" => sending(report),
        "other" => beside_another_tool(report),
        "live" => live(report),
        "watch" => watch::measure(report),
        "idle" => idle(report),
        _ => scale(report),
    }
}

/// A run that was over long ago, by `run --once` and by the floor.
fn sending(report: &mut Report) {
    let mut table = Table::new(
        "One finished run, 80 ms a request",
        &[
            "tests / pictures",
            "seconds",
            "floor",
            "× floor",
            "before the first request",
            "requests",
            "of the floor",
            "at once",
            "processor seconds",
            "peak MB",
        ],
    );

    for (tests, pictures) in SIZES {
        let mut best = None;
        let mut floor = Duration::MAX;
        let mut floor_requests = 0;
        for _ in 0..TIMES {
            let (time, requests) = floor_of(tests, pictures);
            floor = floor.min(time);
            floor_requests = requests;

            best = Some(quicker(best, send(tests, pictures)));
        }

        let cost = best.unwrap();
        let ratio = cost.time.as_secs_f64() / floor.as_secs_f64();
        table.row(&[
            format!("{tests} / {pictures}"),
            seconds(cost.time),
            seconds(floor),
            format!("{ratio:.2}"),
            cost.first_request.map(seconds).unwrap_or_default(),
            cost.requests.to_string(),
            floor_requests.to_string(),
            cost.at_once.to_string(),
            format!("{:.2}", cost.processor),
            format!("{:.1}", cost.peak_mb),
        ]);
    }

    table.row(&one_large_file());
    report.add(table);
}

/// What it costs to send such a run by `run --once`.
fn send(tests: u32, pictures: u32) -> Cost {
    let machine = Machine::new(tests, FAR);
    machine.configure("history = \"all\"\n[submit]\nkatalon_submits = \"never\"\n");
    run(tests, pictures, 0).write_in(&machine.project).unwrap();
    settle();

    let cost = machine.measure(&["run", "--once"]);
    assert_eq!(machine.completed(), 1);
    cost
}

fn quicker(best: Option<Cost>, cost: Cost) -> Cost {
    match best {
        Some(best) if best.time <= cost.time => best,
        _ => cost,
    }
}

/// The same runs by kado and by another tool, in turn.
fn beside_another_tool(report: &mut Report) {
    let Some(modules) = other::installed() else {
        return;
    };

    let mut table = Table::new(
        "Beside playwright-azure-reporter, 80 ms a request",
        &[
            "tests / pictures",
            "sent by",
            "seconds",
            "requests",
            "at once",
            "processor seconds",
            "peak MB",
        ],
    );
    for (tests, pictures) in SIZES {
        let mut ours = None;
        let mut theirs = None;
        for _ in 0..TIMES {
            ours = Some(quicker(ours, send(tests, pictures)));
            theirs = Some(quicker(theirs, other::send(&modules, tests, pictures, FAR)));
        }

        for (name, cost) in [("kado", ours), ("playwright-azure-reporter", theirs)] {
            let cost = cost.unwrap();
            table.row(&[
                format!("{tests} / {pictures}"),
                name.to_owned(),
                seconds(cost.time),
                cost.requests.to_string(),
                cost.at_once.to_string(),
                format!("{:.2}", cost.processor),
                format!("{:.1}", cost.peak_mb),
            ]);
        }
    }
    report.add(table);
}

/// How long the floor takes for such a run, and with how many requests.
fn floor_of(tests: u32, pictures: u32) -> (Duration, usize) {
    let machine = Machine::new(tests, FAR);
    let folder = run(tests, pictures, 0).write_in(&machine.project).unwrap();
    let mut work = Work {
        base: machine.ado.base_url(),
        results: tests,
        pictures: Vec::new(),
        files: Vec::new(),
    };
    for entry in walk(folder) {
        match entry.extension().and_then(|extension| extension.to_str()) {
            Some("png") => work.pictures.push(entry),
            Some("log" | "html" | "csv" | "pdf") => work.files.push(entry),
            _ => {}
        }
    }

    let time = floor::send(&work);
    assert_eq!(machine.completed(), 1);
    (time, machine.ado.requests().len())
}

/// All files below a folder.
fn walk(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(walk(entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

fn one_large_file() -> [String; 10] {
    let machine = Machine::new(1, Duration::ZERO);
    machine.configure("history = \"all\"\n[submit]\nkatalon_submits = \"never\"\n");
    let folder = run(1, 0, 0).write_in(&machine.project).unwrap();
    fs::write(folder.join("big.html"), vec![b'x'; 60 << 20]).unwrap();
    settle();

    let cost = machine.measure(&["run", "--once"]);
    [
        "1 / 0 and a report of 60 MB, 0 ms".to_owned(),
        seconds(cost.time),
        String::new(),
        String::new(),
        cost.first_request.map(seconds).unwrap_or_default(),
        cost.requests.to_string(),
        String::new(),
        cost.at_once.to_string(),
        format!("{:.2}", cost.processor),
        format!("{:.1}", cost.peak_mb),
    ]
}

/// From the last file on disk to the completed test run, while the service runs.
fn live(report: &mut Report) {
    let mut table = Table::new(
        "Live: from the last file of a run of 50 tests to its completed test run",
        &["a request takes", "seconds"],
    );
    for delay in [Duration::ZERO, FAR] {
        let machine = Machine::new(50, delay);
        machine.configure("history = \"all\"\n[submit]\nkatalon_submits = \"never\"\n");
        let mut service = machine.start(&["run"]);
        sleep(Duration::from_secs(4));

        let took = until_completed(&machine, run(50, 5, 0));
        table.row(&[format!("{} ms", delay.as_millis()), seconds(took)]);
        service.kill().unwrap();
        service.wait().unwrap();
    }
    report.add(table);
}

/// Writes a run that ended just now; gives how long it takes to its completed test run.
fn until_completed(machine: &Machine, run: SuiteRunWriter) -> Duration {
    let now = jiff::Timestamp::now();
    run.start(now - Duration::from_secs(60))
        .write_in(&machine.project)
        .unwrap();

    let written = Instant::now();
    while machine.completed() == 0 {
        sleep(Duration::from_millis(5));
    }
    written.elapsed()
}

/// A service with nothing to do, beside old run folders.
fn idle(report: &mut Report) {
    let mut table = Table::new(
        "Idle beside old run folders, in 300 projects",
        &[
            "old run folders",
            "first sweep",
            "processor seconds of the first 65",
            "of the next 60",
            "peak MB",
            "a new run: from its last file to its completed test run",
        ],
    );
    for folders in [0, 5_000, 20_000] {
        let machine = Machine::new(20, Duration::ZERO);
        machine.configure("[submit]\nkatalon_submits = \"never\"\n");
        old_runs(&machine, 300, folders);
        let first = machine.measure(&["run", "--once"]);

        let mut service = machine.start(&["run"]);
        sleep(Duration::from_secs(5));
        let young = used_within(&service, IDLE);
        let steady = used_within(&service, STEADY);
        let peak = peak_of(service.id()) as f64 / 1024.0;
        let took = until_completed(&machine, run(20, 1, folders));
        service.kill().unwrap();
        service.wait().unwrap();

        table.row(&[
            folders.to_string(),
            seconds(first.time),
            format!("{young:.2}"),
            format!("{steady:.2}"),
            format!("{peak:.1}"),
            seconds(took),
        ]);
    }
    report.add(table);
}

/// Seconds of processor time that a process takes in such a time.
fn used_within(process: &Child, time: Duration) -> f64 {
    let before = processor_time(process.id());
    sleep(time);
    processor_time(process.id()) - before
}

/// Writes so many runs of the past into so many projects.
fn old_runs(machine: &Machine, projects: u32, folders: u32) {
    for number in 0..projects {
        machine.project_number(number);
    }
    for number in 0..folders {
        let root = machine.project_number(number % projects);
        let folder = run(20, 1, number).write_in(&root).unwrap();
        age(&folder);
    }
}

/// How the cost grows with what waits, and with the projects that are watched.
fn scale(report: &mut Report) {
    waiting_runs(report);

    let columns = ["how many", "seconds", "peak MB"];
    let mut projects = Table::new("Projects with 10 old runs each, first sweep", &columns);
    let mut projects_plot = Plot::new("projects", "projects", "seconds");
    for number in [1, 10, 100, 300] {
        let machine = Machine::new(20, Duration::ZERO);
        old_runs(&machine, number, 10 * number);

        let cost = machine.measure(&["run", "--once"]);
        projects_plot.point(f64::from(number), cost.time.as_secs_f64());
        projects.row(&[
            number.to_string(),
            seconds(cost.time),
            format!("{:.1}", cost.peak_mb),
        ]);
    }
    report.add_plotted(projects, projects_plot);
}

/// Runs of one test plan that wait, because a server was down or kado is new here.
fn waiting_runs(report: &mut Report) {
    let mut table = Table::new(
        "Runs that wait, 10 ms a request",
        &[
            "how many",
            "`run --once`, seconds",
            "each",
            "peak MB",
            "service, seconds",
            "each",
            "its processor seconds",
            "peak MB",
        ],
    );
    let mut plot = Plot::new("waiting-runs", "waiting runs", "seconds of the service");
    for waiting in [1, 10, 100, 1000] {
        let command = waiting_machine(waiting).measure(&["run", "--once"]);

        let machine = waiting_machine(waiting);
        let begun = Instant::now();
        let mut service = machine.start(&["run"]);
        while machine.completed() < waiting as usize {
            sleep(Duration::from_millis(10));
        }
        let took = begun.elapsed();
        let processor = processor_time(service.id());
        let peak = peak_of(service.id()) as f64 / 1024.0;
        service.kill().unwrap();
        service.wait().unwrap();

        plot.point(f64::from(waiting), took.as_secs_f64());
        table.row(&[
            waiting.to_string(),
            seconds(command.time),
            format!("{:.3}", command.time.as_secs_f64() / f64::from(waiting)),
            format!("{:.1}", command.peak_mb),
            seconds(took),
            format!("{:.3}", took.as_secs_f64() / f64::from(waiting)),
            format!("{processor:.2}"),
            format!("{peak:.1}"),
        ]);
    }
    report.add_plotted(table, plot);
}

/// A machine with so many finished runs of which its server has none.
fn waiting_machine(waiting: u32) -> Machine {
    let machine = Machine::new(5, Duration::from_millis(10));
    machine
        .configure("history = \"all\"\nlate = \"send\"\n[submit]\nkatalon_submits = \"never\"\n");
    for number in 0..waiting {
        run(5, 1, number).write_in(&machine.project).unwrap();
    }
    settle();
    machine
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}
