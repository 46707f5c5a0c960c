//! Suites that are shown while they run (`submit.live`): what is there meanwhile, and that nothing of
//! it is left when they are over.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out and remove folders"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth, TestRun};
use fake_katalon::{Attempt, Ending, Live, Status, SuiteRunWriter, Test, Write};
use serde_json::Value;

use crate::support::{Machine, Service, age, finished, now, tc, wait_until};

/// Test cases with a point each, from 11 on.
const CASES: [(&str, &str); 4] = [
    ("Sign in", "1001"),
    ("Search", "1002"),
    ("Pay", "1003"),
    ("Sign out", "1004"),
];

/// Suites are shown, and Katalon submits none.
const LIVE: &str = "[submit]\nlive = true\nkatalon_submits = \"never\"\n";
/// The same without that.
const NOT_LIVE: &str = "[submit]\nkatalon_submits = \"never\"\n";

/// A suite that a test lets go on step by step.
struct Suite {
    live: Live,
    folder: PathBuf,
}

impl Suite {
    /// Writes the folder of a suite in a project, up to the end of so many tests.
    fn begin(run: &SuiteRunWriter, project: &Path, tests: usize) -> Self {
        let folder = run.folder_in(project);
        let live = run.live(&folder);
        let mut suite = Self { live, folder };
        suite.end_tests(tests);
        suite
    }

    /// Goes on to the end of so many more tests.
    fn end_tests(&mut self, tests: usize) {
        let mut ended = 0;
        while ended < tests {
            let step = self
                .live
                .perform_next()
                .unwrap()
                .expect("there are more tests");
            let bytes = match &step.write {
                Write::Append(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            ended += usize::from(bytes.contains("<method>endTest</method>"));
        }
    }

    fn end(mut self) {
        self.live.perform_all().unwrap();
    }
}

/// A service that watches the shop.
fn watching(machine: &Machine) -> (Service, PathBuf) {
    let shop = machine.shop(&CASES);
    let service = machine.start_in_detail();
    service.wait_for_log("found a Katalon project");
    (service, shop)
}

/// Three tests, the second of which fails.
fn suite() -> SuiteRunWriter {
    let failed = Test::failed(&tc("Search"), "nothing found").screenshot();
    let tests = [
        Test::passed(&tc("Sign in")),
        failed,
        Test::passed(&tc("Pay")),
    ];
    finished(tests).start(now())
}

/// The outcomes of a run by point, with those that have none as `-`.
fn outcomes(run: &TestRun) -> Vec<String> {
    let mut outcomes = Vec::new();
    for result in &run.results {
        let outcome = match result.state.as_str() {
            "Completed" => result.outcome.as_str(),
            _ => "-",
        };
        outcomes.push(format!("{} {outcome}", result.point_id.unwrap_or_default()));
    }
    outcomes.sort();
    outcomes
}

/// Waits until the only run shows this.
fn wait_for_outcomes(machine: &Machine, wanted: &[&str]) -> TestRun {
    wait_until("the results to be there", || {
        let runs = machine.ado_runs();
        match runs.as_slice() {
            [run] if outcomes(run) == wanted => Ok(run.clone()),
            runs => Err(format!(
                "{:?}",
                runs.iter().map(outcomes).collect::<Vec<_>>()
            )),
        }
    })
}

/// Waits until the only run is in this state.
fn wait_for_state(machine: &Machine, state: &str) -> TestRun {
    wait_until(&format!("the run to be {state}"), || {
        let runs = machine.ado_runs();
        match runs.as_slice() {
            [run] if run.state == state => Ok(run.clone()),
            runs => Err(format!("{runs:#?}")),
        }
    })
}

/// A run without ids, times and revisions of the server, and without what differs between two
/// machines: kado's key, and the content of the log, which names its folder.
fn comparable(run: &TestRun) -> Value {
    let mut run = serde_json::to_value(run).unwrap();
    let comment = run["comment"].as_str().unwrap_or_default().to_owned();
    run["comment"] = comment.split_once('\n').map_or("", |(_, rest)| rest).into();
    run["point_ids"] = Value::Null;
    strip(&mut run);

    let results = run["results"].as_array_mut().unwrap();
    results.sort_by_key(|result| result["point_id"].as_u64());
    run
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["id", "created", "updated", "revision", "blake3", "size"] {
                members.remove(name);
            }
            // The digest of a file.
            if members.contains_key("file_name") {
                members.remove("comment");
            }
            if let Some(Value::Array(files)) = members.get_mut("attachments") {
                files.sort_by_key(|file| file["file_name"].to_string());
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn each_result_is_there_while_the_suite_runs() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);

    let mut suite = Suite::begin(&suite(), &shop, 1);
    let run = wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);
    assert_eq!(run.state, "InProgress");
    assert_eq!(machine.rows().len(), 0, "nothing is recorded yet");

    suite.end_tests(1);
    let run = wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);
    let failed = run.result_of_point(12).unwrap();
    assert_eq!(
        failed.comment.as_deref(),
        Some("Preview, the suite still runs. Katalon: FAILED")
    );
    assert_eq!(
        failed.error_message, None,
        "texts come when the suite is over"
    );

    suite.end();
    machine.wait_for_completed(1);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
    let failed = run.result_of_point(12).unwrap();
    assert_eq!(failed.comment.as_deref(), Some("Katalon: FAILED"));
    assert!(
        failed
            .error_message
            .as_deref()
            .unwrap()
            .contains("nothing found")
    );
    assert_eq!(failed.attachments.len(), 1);
    service.stop_cleanly();
}

#[test]
fn points_of_tests_that_never_started_say_so() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let start = now();
    let suite = Suite::begin(&suite().start(start), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    // The test process dies behind the first test, and the launcher writes its report.
    let only_first = finished([Test::passed(&tc("Sign in"))]).start(start);
    let elsewhere = only_first
        .write_in(&machine.root().join("elsewhere"))
        .unwrap();
    let report = "JUnit_Report.xml";
    fs::copy(elsewhere.join(report), suite.folder.join(report)).unwrap();

    machine.wait_for_completed(1);
    let run = machine.ado_run();
    assert_eq!(
        outcomes(&run),
        ["11 Passed", "12 NotExecuted", "13 NotExecuted"]
    );
    let never = run.result_of_point(13).unwrap();
    assert_eq!(never.comment.as_deref(), Some("never started"));
    service.stop_cleanly();
}

#[test]
fn a_suite_that_is_aborted_ends_its_run_with_the_results_it_has() {
    let machine = Machine::new();
    machine.configure(&format!("abort_after = \"4s\"\n{LIVE}"));
    let (service, shop) = watching(&machine);

    let suite = Suite::begin(&suite(), &shop, 2);
    wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);

    let run = wait_for_state(&machine, "Aborted");
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed"]);
    assert!(
        !run.comment.as_deref().unwrap().contains("kado:"),
        "{:?}",
        run.comment
    );

    // A person wants it all the same: one run has its key.
    age(&suite.folder);
    let submitted = machine.submit_folder(&suite.folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let runs = machine.ado_runs();
    let with_key = runs
        .iter()
        .filter(|run| run.comment.as_deref().unwrap().contains("kado:"));
    assert_eq!(with_key.count(), 1, "{runs:#?}");
    service.stop_cleanly();
}

#[test]
fn a_workspace_that_is_wiped_leaves_no_run_open() {
    let machine = Machine::new();
    machine.configure(&format!("abort_after = \"4s\"\n{LIVE}"));
    let (service, shop) = watching(&machine);
    Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    fs::remove_dir_all(shop.join("Reports")).unwrap();

    let run = wait_for_state(&machine, "Aborted");
    assert_eq!(outcomes(&run), ["11 Passed"]);
    service.stop_cleanly();
}

#[test]
fn a_kado_that_was_killed_goes_on_with_its_run() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let mut suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    service.kill();
    suite.end_tests(1);
    let service = machine.start();

    wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);
    suite.end();
    machine.wait_for_completed(1);
    assert_eq!(machine.ado_runs().len(), 1);
    service.stop_cleanly();
}

#[test]
fn a_suite_that_ends_while_no_kado_runs_is_submitted_to_the_run_that_is_there() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    service.kill();
    suite.end();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);

    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
}

#[test]
fn a_server_that_is_asked_too_much_gets_no_more_previews() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let mut suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    let too_many = FaultAction::throttled(None);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Only(1), too_many));
    suite.end_tests(1);
    service.wait_for_log("there are too many requests");

    suite.end();
    machine.wait_for_completed(1);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
    service.stop_cleanly();
}

#[test]
fn a_suite_that_katalon_may_submit_itself_is_not_shown() {
    let machine = Machine::new();
    machine.configure("[submit]\nlive = true\n");
    let (service, shop) = watching(&machine);

    let suite = Suite::begin(&suite(), &shop, 1);
    service.wait_for_log("Katalon may submit the same runs");

    assert_eq!(machine.ado_runs().len(), 0);
    suite.end();
    machine.wait_for_completed(1);
    service.stop_cleanly();
}

/// Runs of every shape, each with how many tests end before the rest.
fn shapes() -> Vec<(&'static str, SuiteRunWriter, usize)> {
    let flaky = Test::passed(&tc("Search")).after(Attempt::new(Status::Failed, "flaky"));
    let retried = [
        Test::passed(&tc("Sign in")),
        flaky,
        Test::passed(&tc("Pay")),
    ];
    let iterations = [
        Test::failed(&tc("Sign in"), "no").iteration("one"),
        Test::passed(&tc("Sign in")).iteration("two"),
        Test::passed(&tc("Pay")),
    ];
    let late_ids = [
        Test::passed(&tc("Vary")).variable("id", "1005"),
        Test::failed(&tc("Vary"), "no").variable("id", "1006"),
        Test::passed(&tc("Pay")),
    ];

    vec![
        ("a failure", suite(), 2),
        (
            "a retry that turns a failure green",
            finished(retried).retries(1),
            2,
        ),
        ("iterations", finished(iterations), 1),
        ("ids that are known late", finished(late_ids), 1),
        ("a rotated log", suite().rotate_after(14), 2),
        ("no reports", suite().ending(Ending::WithoutReports), 2),
        ("a crash", suite().ending(Ending::Crashed), 2),
    ]
}

/// Plays a run, and gives what ADO has in the end.
fn play(run: &SuiteRunWriter, tests: usize, configuration: &str) -> Value {
    let machine = Machine::new();
    // The run is older than the second of two machines.
    machine.configure(&format!("history = \"all\"\n{configuration}"));
    let cases = [CASES.as_slice(), &[("Vary", "${id}")]].concat();
    let shop = machine.shop(&cases);
    let service = machine.start_in_detail();
    service.wait_for_log("found a Katalon project");

    let suite = Suite::begin(run, &shop, tests);
    if configuration == LIVE {
        service.wait_for_log("a suite is shown while it runs");
        wait_until("a result to be there", || {
            let is_any = machine
                .ado_run()
                .results
                .iter()
                .any(|result| result.state == "Completed");
            is_any.then_some(()).ok_or_else(|| service.log())
        });
    }
    suite.end();
    machine.wait_for_completed(1);

    service.stop_cleanly();
    comparable(&machine.ado_run())
}

#[test]
fn the_run_that_is_completed_is_the_same_as_one_that_was_not_shown() {
    let start = now();
    let shapes = shapes();

    std::thread::scope(|scope| {
        for (name, run, tests) in shapes {
            scope.spawn(move || {
                let run = run.start(start);
                let shown = play(&run, tests, LIVE);
                let not_shown = play(&run, tests, NOT_LIVE);
                assert_eq!(
                    serde_json::to_string_pretty(&shown).unwrap(),
                    serde_json::to_string_pretty(&not_shown).unwrap(),
                    "{name}"
                );
            });
        }
    });
}
