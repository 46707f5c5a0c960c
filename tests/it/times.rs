//! Times: of a run whose clock was set while it ran, and of files that a run before left.

#![expect(clippy::disallowed_methods, reason = "tests change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use fake_katalon::{Generation, SuiteRunWriter, Test};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{Machine, finished, names, now, start_of, tc, wait_until};

const CASES: [(&str, &str); 3] = [
    ("Sign in", "1001"),
    ("Add to cart", "1002"),
    ("Pay", "1003"),
];

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::passed(&tc("Add to cart")),
        Test::passed(&tc("Pay")),
    ])
    .reports(&[])
}

/// Sets the clock of a log by so many milliseconds from one of its tests on.
fn set_clock(folder: &Path, from_test: usize, by: i64) {
    let path = folder.join("execution0.log");
    let log = fs::read_to_string(&path).unwrap();
    let (begin, _) = log
        .match_indices("<method>startTest</method>")
        .nth(from_test)
        .unwrap();
    let begin = log[..begin].rfind("<record>").unwrap();

    let mut set = log[..begin].to_owned();
    let mut parts = log[begin..].split("<millis>");
    set.push_str(parts.next().unwrap());
    for part in parts {
        let (millis, rest) = part.split_once('<').unwrap();
        let millis: i64 = millis.parse().unwrap();
        set.push_str(&format!("<millis>{}<{rest}", millis + by));
    }
    fs::write(path, set).unwrap();
}

#[test]
fn results_lie_in_their_run_whichever_way_its_clock_was_set() {
    for by in [-7_200_000, 7_200_000] {
        let machine = Machine::new();
        let folder = run().write_in(&machine.shop(&CASES)).unwrap();
        set_clock(&folder, 1, by);

        assert_eq!(machine.submit_folder(&folder).code, 0);

        let run = machine.ado_run();
        assert_eq!(run.results.len(), 3);
        for result in &run.results {
            assert!(run.started <= result.started, "{by}");
            assert!(result.started <= result.completed, "{by}");
            assert!(result.completed <= run.completed, "{by}");
        }
    }
}

#[test]
fn a_test_lasts_as_long_after_the_clock_was_set_back_as_before() {
    let durations = |by: i64| -> Vec<Value> {
        let machine = Machine::new();
        let folder = run().write_in(&machine.shop(&CASES)).unwrap();
        set_clock(&folder, 1, by);
        let inspected = machine.kado(&["inspect", folder.to_str().unwrap(), "--json"]);
        let run: Value = serde_json::from_str(&inspected.out).unwrap();
        let tests = run["tests"].as_array().unwrap().iter();
        tests.map(|test| test["duration_ms"].clone()).collect()
    };

    assert_eq!(durations(-7_200_000), durations(0));
}

/// Gives a file the time of an hour before this start.
fn make_older(file: &Path, start: Timestamp) {
    let hour_before = start - SignedDuration::from_hours(1);
    let file = File::options().append(true).open(file).unwrap();
    file.set_modified(SystemTime::from(hour_before)).unwrap();
}

/// A machine that sends all reports, screenshots and videos.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.configure(
        "[submit]\nattach = \"all\"\n\
         attachments = [\"LOG\", \"PNG\", \"HTML\", \"PDF\", \"CSV\", \"VIDEO\"]\n",
    );
    machine
}

/// Lays files of an earlier run into a folder.
fn lay_earlier(folder: &Path, start: Timestamp) {
    fs::create_dir(folder.join("videos")).unwrap();
    for name in [
        "old.html",
        "old.pdf",
        "old.csv",
        "old.png",
        "videos/test_1.avi",
    ] {
        fs::write(folder.join(name), "of the run before").unwrap();
        make_older(&folder.join(name), start);
    }
}

#[test]
fn what_a_run_before_left_in_the_folder_is_not_sent() {
    let machine = machine();
    let folder = run().write_in(&machine.shop(&CASES)).unwrap();
    lay_earlier(&folder, start_of());

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(names(&run.attachments), ["execution0.log"]);
    let mut results = run.results.iter();
    assert!(results.all(|result| result.attachments.is_empty()));
    let inspected = machine.kado(&["inspect", folder.to_str().unwrap()]).out;
    assert!(inspected.contains("of an earlier run"), "{inspected}");
}

#[test]
fn a_report_that_a_plugin_writes_before_the_end_of_the_suite_is_this_runs() {
    let machine = machine();
    let run = run().generation(Generation::V8).reports(&["html"]);
    let folder = run.write_in(&machine.shop(&CASES)).unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let names = names(&machine.ado_run().attachments);
    let mut reports = names.iter().filter(|name| name.ends_with(".html"));
    assert!(reports.next().is_some(), "{names:?}");
}

#[test]
fn a_copy_that_keeps_all_times_keeps_its_reports() {
    let machine = machine();
    let folder = run()
        .reports(&["html"])
        .write_in(&machine.shop(&CASES))
        .unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        make_older(&entry.unwrap().path(), start_of());
    }

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let names = names(&machine.ado_run().attachments);
    let mut reports = names.iter().filter(|name| name.ends_with(".html"));
    assert!(reports.next().is_some(), "{names:?}");
}

#[test]
fn the_report_of_a_run_before_is_no_late_report_until_it_is_written_anew() {
    let machine = machine();
    let shop = machine.shop(&CASES);
    let start = now() - SignedDuration::from_secs(30);
    let folder = run().start(start).write_in(&shop).unwrap();
    lay_earlier(&folder, start);
    machine.submit_folder(&folder);
    assert_eq!(names(&machine.ado_run().attachments), ["execution0.log"]);

    // Written a moment ago, so that nobody waits for its end.
    let anew = folder.join("old.html");
    fs::write(&anew, "of this run").unwrap();
    let file = File::options().append(true).open(&anew).unwrap();
    file.set_modified(SystemTime::from(start + SignedDuration::from_secs(10)))
        .unwrap();

    let service = machine.start();
    wait_until("the report in ADO", || {
        let names = names(&machine.ado_run().attachments);
        if names == ["execution0.log", "old.html"] {
            Ok(())
        } else {
            Err(format!("{names:?}\n{}", service.log()))
        }
    });
    service.stop_cleanly();
}
