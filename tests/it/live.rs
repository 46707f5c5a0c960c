//! Suites that are shown while they run (`submit.live`): what is there meanwhile, and that nothing
//! of it is left when they are over.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out and remove folders"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_ado::{Fault, FaultAction, Nth, TestRun};
use fake_katalon::{Attempt, Ending, Live, Status, SuiteRunWriter, Test, Write};
use serde_json::Value;

use crate::page::{get, port};
use crate::support::{Machine, Service, age, finished, katalonc, now, tc, wait_until};

/// Test cases with a point each, from 11 on.
pub(crate) const CASES: [(&str, &str); 4] = [
    ("Sign in", "1001"),
    ("Search", "1002"),
    ("Pay", "1003"),
    ("Sign out", "1004"),
];

/// Suites are shown, and Katalon submits none.
pub(crate) const LIVE: &str = "[submit]\nlive = true\nkatalon_submits = \"never\"\n";
/// Scenarios of a matrix that are played at the same time; they mostly wait.
const AT_ONCE: usize = 6;
/// The same without that.
pub(crate) const NOT_LIVE: &str = "[submit]\nkatalon_submits = \"never\"\n";

/// A suite that a test lets go on step by step.
pub(crate) struct Suite {
    live: Live,
    folder: PathBuf,
}

impl Suite {
    /// Writes the folder of a suite in a project, up to the end of so many tests.
    pub(crate) fn begin(run: &SuiteRunWriter, project: &Path, tests: usize) -> Self {
        let folder = run.folder_in(project);
        let live = run.live(&folder);
        let mut suite = Self { live, folder };
        suite.end_tests(tests);
        suite
    }

    /// Goes on to the end of so many more tests.
    pub(crate) fn end_tests(&mut self, tests: usize) {
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

    pub(crate) fn end(mut self) {
        self.live.perform_all().unwrap();
    }

    /// Ends the suite, whose only run is complete then as without a preview.
    pub(crate) fn end_and_arrive(self, machine: &Machine) -> TestRun {
        self.end();
        machine.wait_for_completed(1);

        let run = machine.ado_run();
        assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
        run
    }
}

/// A service that watches the shop.
pub(crate) fn watching(machine: &Machine) -> (Service, PathBuf) {
    let shop = machine.shop(&CASES);
    let service = machine.start_in_detail();
    service.wait_for_log("found a Katalon project");
    (service, shop)
}

/// Three tests, the second of which fails.
pub(crate) fn suite() -> SuiteRunWriter {
    let failed = Test::failed(&tc("Search"), "nothing found").screenshot();
    let tests = [
        Test::passed(&tc("Sign in")),
        failed,
        Test::passed(&tc("Pay")),
    ];
    finished(tests).start(now())
}

/// The outcomes of a run by point, with those that have none as `-`.
pub(crate) fn outcomes(run: &TestRun) -> Vec<String> {
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
pub(crate) fn wait_for_outcomes(machine: &Machine, wanted: &[&str]) -> TestRun {
    wait_until("the results to be there", || {
        only_run_with(&machine.ado_runs(), wanted)
    })
}

fn only_run_with(runs: &[TestRun], wanted: &[&str]) -> Result<TestRun, String> {
    match runs {
        [run] if outcomes(run) == wanted => Ok(run.clone()),
        runs => Err(format!(
            "{:?}",
            runs.iter().map(outcomes).collect::<Vec<_>>()
        )),
    }
}

/// The runs but for one that two kados made at the same moment: the later one is ended at once,
/// without results.
fn runs_that_count(machine: &Machine) -> Vec<TestRun> {
    let mut runs = machine.ado_runs();
    runs.retain(|run| run.state != "Aborted" || !run.results.is_empty());
    runs
}

/// Waits until the only run is in this state.
pub(crate) fn wait_for_state(machine: &Machine, state: &str) -> TestRun {
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
pub(crate) fn comparable(run: &TestRun) -> Value {
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
    machine.configure(&format!("{LIVE}[status_page]\nlisten = \"127.0.0.1:0\"\n"));
    let (service, shop) = watching(&machine);

    let mut suite = Suite::begin(&suite(), &shop, 1);
    let run = wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);
    assert_eq!(run.state, "InProgress");
    assert_eq!(machine.rows().len(), 0, "nothing is recorded yet");
    let folder = kado::watch::find_runs(&shop).remove(0);
    let why = machine.kado(&["why", &folder.to_string_lossy()]);
    let shown = format!(
        "test run {} in test plan 18 shows it in Azure DevOps",
        run.id
    );
    assert!(why.out.contains(&shown), "{why:?}");
    for command in ["runs", "status"] {
        let told = machine.kado(&[command]);
        assert!(told.out.contains(&shown), "{told:?}");
    }
    let (_, page) = get(port(&service), "/");
    assert!(page.contains(&shown), "{page}");
    let status: Value = serde_json::from_str(&machine.kado(&["status", "--json"]).out).unwrap();
    assert_eq!(status["live"][0]["ado_run_id"], run.id, "{status}");
    assert_eq!(status["live"][0]["suite"], "Test Suites/Smoke", "{status}");

    suite.end_tests(1);
    let run = wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);
    let failed = run.result_of_point(12).unwrap();
    assert_eq!(
        failed.comment.as_deref(),
        Some("Preview, written while the suite ran. Katalon: FAILED")
    );
    assert_eq!(
        failed.error_message, None,
        "texts come when the suite is over"
    );

    let run = suite.end_and_arrive(&machine);
    let told = machine.kado(&["runs"]);
    assert!(!told.out.contains("until it is submitted"), "{told:?}");
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
    let comment = run.comment.as_deref().unwrap();
    assert!(comment.contains("its folder `"), "{comment}");
    assert!(comment.contains("` is gone. The results"), "{comment}");
    service.stop_cleanly();
}

#[test]
fn a_shown_run_that_somebody_completed_gets_no_result_more_and_the_submission_its_own() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (_service, shop) = watching(&machine);
    let suite = Suite::begin(&suite(), &shop, 1);
    let shown = wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    machine.fake.world().run_mut(shown.id).unwrap().state = "Completed".into();
    suite.end();
    machine.wait_for_completed(2);

    let runs = machine.ado_runs();
    assert_eq!(outcomes(&runs[0]), ["11 Passed", "12 -", "13 -"]);
    let comment = runs[0].comment.as_deref().unwrap();
    assert!(
        comment.starts_with("This test run was ended while its suite still ran"),
        "{comment}"
    );
    assert_eq!(outcomes(&runs[1]), ["11 Passed", "12 Failed", "13 Passed"]);
    assert_eq!(machine.row()["ado_run_id"], runs[1].id);
    assert_eq!(machine.row()["results"], 3);
}

#[test]
fn a_suite_that_goes_on_after_a_person_submitted_it_is_told_until_it_is_submitted_again() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&CASES);
    let suite = Suite::begin(&suite(), &shop, 1);
    let folder = suite.folder.clone();
    age(&folder);
    let early = machine.submit_folder(&folder);

    let before = machine.kado(&["status"]);
    suite.end();
    age(&folder);
    machine.kado(&["run", "--once"]);
    let gone_on = machine.kado(&["status"]);
    let path = folder.to_string_lossy();
    let again = machine.kado(&["submit", "--again", &path]);
    let after = machine.kado(&["status"]);

    assert_eq!(early.code, 0, "{early:?}");
    assert_eq!(before.code, 0, "{before:?}");
    assert_eq!(gone_on.code, 1, "{gone_on:?}");
    assert!(
        gone_on.out.contains("submitted before its suite ended"),
        "{gone_on:?}"
    );
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(after.code, 0, "{after:?}");
    let runs = machine.ado_runs();
    assert_eq!(outcomes(&runs[1]), ["11 Passed", "12 Failed", "13 Passed"]);
}

#[test]
fn a_shown_run_is_completed_while_the_list_of_runs_lags_behind_it() {
    let machine = Machine::new();
    machine.configure(LIVE);
    machine.fake.world().settings.run_list_lag_ms = 60_000;
    let (_service, shop) = watching(&machine);

    let suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    suite.end_and_arrive(&machine);
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

    suite.end_and_arrive(&machine);
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

/// A suite that is shown by a service which is killed at one of its requests, and started again.
fn killed_at(request: usize, hold: FaultAction, run: &SuiteRunWriter) -> Option<Value> {
    let machine = Machine::new();
    machine.configure(&format!("history = \"all\"\n{LIVE}"));
    let fault = Fault::new("*", "", Nth::Only(request), hold);
    machine.fake.fault(fault);
    let (service, shop) = watching(&machine);

    let arrived = || machine.fake.requests().len() >= request;
    let mut suite = Some(Suite::begin(run, &shop, 2));
    wait_until("the request to arrive, or the suite to be shown", || {
        let is_shown = machine
            .ado_runs()
            .iter()
            .any(|run| outcomes(run)[1] == "12 Failed");
        (is_shown || arrived())
            .then_some(())
            .ok_or_else(|| service.log())
    });
    if !arrived() {
        suite.take().unwrap().end();
        wait_until("the request to arrive, or the run to be submitted", || {
            let is_over = machine.states().iter().any(|row| row.contains("submitted"));
            (is_over || arrived())
                .then_some(())
                .ok_or_else(|| service.log())
        });
    }
    let is_one_of_it = arrived();

    // Let a request that is to be carried out be carried out.
    std::thread::sleep(std::time::Duration::from_millis(150));
    service.kill();
    machine.fake.clear_faults();
    let service = machine.start_in_detail();
    if let Some(suite) = suite {
        suite.end();
    }
    machine.wait_for_completed(1);

    let runs = wait_until("no other run to be open", || {
        let runs = machine.ado_runs();
        let is_open = runs.iter().any(|run| run.state == "InProgress");
        if is_open {
            Err(service.log())
        } else {
            Ok(runs)
        }
    });
    let completed: Vec<_> = runs.iter().filter(|run| run.state == "Completed").collect();
    assert_eq!(completed.len(), 1, "{runs:#?}");
    service.stop_cleanly();
    is_one_of_it.then(|| comparable(completed[0]))
}

/// Plays a suite for each request that showing and submitting it takes.
fn for_every_request(hold: &FaultAction) {
    let run = suite();
    let expected = play(&run, 2, NOT_LIVE);
    let next = AtomicUsize::new(1);

    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed);
                    let Some(world) = killed_at(request, hold.clone(), &run) else {
                        // There are no more requests.
                        return;
                    };
                    assert_eq!(world, expected, "killed at request {request}");
                }
            });
        }
    });
    assert!(next.into_inner() > 12, "there were too few requests");
}

#[test]
fn killed_before_any_request_of_a_live_run_is_carried_out_nothing_is_lost_or_doubled() {
    for_every_request(&FaultAction::Hang);
}

#[test]
fn killed_after_any_request_of_a_live_run_was_carried_out_nothing_is_lost_or_doubled() {
    for_every_request(&FaultAction::HangAfter);
}

#[test]
fn two_kados_that_see_the_same_suite_make_one_run() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let second = machine.root().join("second.toml");
    let text = fs::read_to_string(machine.config_file()).unwrap();
    let own_state = machine.root().join("second").display().to_string();
    let text = text.replace(&machine.state().display().to_string(), &own_state);
    fs::write(&second, text).unwrap();
    let beside = machine.start_as(machine.command_with(&second, &["run"]));

    let mut suite = Suite::begin(&suite(), &shop, 1);
    wait_until("the first result to be there", || {
        only_run_with(&runs_that_count(&machine), &["11 Passed", "12 -", "13 -"])
    });
    suite.end_tests(1);
    wait_until("the second result to be there", || {
        only_run_with(
            &runs_that_count(&machine),
            &["11 Passed", "12 Failed", "13 -"],
        )
    });
    suite.end();
    machine.wait_for_completed(1);

    let wanted = ["11 Passed", "12 Failed", "13 Passed"];
    let run = only_run_with(&runs_that_count(&machine), &wanted).unwrap();
    assert_eq!(run.result_of_point(12).unwrap().attachments.len(), 1);
    beside.stop_cleanly();
    service.stop_cleanly();
}

#[test]
fn another_suite_in_the_same_folder_is_another_run() {
    let machine = Machine::new();
    machine.configure(&format!("abort_after = \"4s\"\n{LIVE}"));
    let (service, shop) = watching(&machine);
    let first = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    // Katalon is killed and started again with the same `-reportFolder`.
    let again = suite().start(now());
    fs::remove_file(first.folder.join("execution0.log")).unwrap();
    let mut live = again.live(&first.folder);
    live.perform_all().unwrap();

    machine.wait_for_completed(1);
    let runs = wait_until("the first run to be ended", || {
        let runs = machine.ado_runs();
        let is_open = runs.iter().any(|run| run.state == "InProgress");
        if is_open {
            Err(service.log())
        } else {
            Ok(runs)
        }
    });
    let mut states: Vec<_> = runs.iter().map(|run| run.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["Aborted", "Completed"]);
    service.stop_cleanly();
}

#[test]
fn check_says_for_each_project_whether_it_is_live_and_why_not() {
    let machine = Machine::new();
    machine.shop(&CASES);
    let live = |machine: &Machine| {
        let checked = machine.kado(&["check", "--json"]);
        let report: Value = serde_json::from_str(&checked.out).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        let live = checks.into_iter().find(|check| check["name"] == "live");
        live.map(|check| check["detail"].as_str().unwrap().to_owned())
    };

    assert_eq!(live(&machine), None, "it is not wanted");
    machine.configure(LIVE);
    assert_eq!(
        live(&machine).as_deref(),
        Some("suites are shown in Azure DevOps while they run")
    );
    machine.configure("[submit]\nlive = true\n");
    assert!(
        live(&machine)
            .unwrap()
            .contains("Katalon may submit the same runs")
    );
}

#[test]
fn exec_shows_the_suite_of_its_command_without_a_service() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&[("One", "1001"), ("Two", "1002")]);
    let hold = machine.root().join("hold");
    fs::write(&hold, "").unwrap();
    let arguments = katalonc::arguments(&shop, "Test Suites/Smoke", &[]);
    let mut command = machine.exec(&["--live"], &arguments);
    command.env("FAKE_HOLD", &hold);

    let child = command.spawn().unwrap();
    wait_until("the suite to be shown", || {
        let runs = machine.ado_runs();
        let is_shown = runs.iter().any(|run| run.state == "InProgress");
        is_shown.then_some(()).ok_or_else(|| format!("{runs:#?}"))
    });
    fs::remove_file(&hold).unwrap();
    let ended = child.wait_with_output().unwrap();

    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

/// A `kado exec` whose suite is shown, and the file that keeps the suite from ending.
fn shown_by_exec(machine: &Machine, shop: &Path) -> (Child, PathBuf) {
    let hold = machine.root().join("hold");
    fs::write(&hold, "").unwrap();
    let arguments = katalonc::arguments(shop, "Test Suites/Smoke", &[]);
    let mut command = machine.exec(&["--live"], &arguments);
    let child = command.env("FAKE_HOLD", &hold).spawn().unwrap();

    wait_until("the suite to be known as shown", || {
        let said = machine.kado(&["status"]);
        let is_shown = said.out.contains("shows it in Azure DevOps");
        is_shown.then_some(()).ok_or_else(|| format!("{said:?}"))
    });
    (child, hold)
}

#[cfg(unix)]
#[test]
fn a_suite_that_a_killed_exec_left_shown_is_named_until_somebody_submits_it() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&[("One", "1001"), ("Two", "1002")]);
    let (mut child, hold) = shown_by_exec(&machine, &shop);

    let while_it_runs = machine.kado(&["status"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = machine.kado(&["status"]);
    let counted = machine.kado(&["metrics"]);
    fs::remove_file(&hold).unwrap();
    let folder = kado::watch::find_runs(&shop).remove(0);
    wait_until("its katalonc to end", || {
        let report = folder.join("JUnit_Report.xml");
        report.exists().then_some(()).ok_or_else(String::new)
    });
    age(&folder);
    let once = machine.kado(&["run", "--once"]);
    let sent = machine.kado(&["status"]);

    assert_eq!(while_it_runs.code, 0, "{while_it_runs:?}");
    assert_eq!(killed.code, 1, "{killed:?}");
    let from = killed.out.find("problem: ").unwrap();
    let problem = killed.out[from..].replace(&*folder.to_string_lossy(), "[folder]");
    insta::assert_snapshot!(problem);
    assert!(
        counted.out.contains("kado_problems{kind=\"live\"} 1"),
        "{counted:?}"
    );
    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    assert_eq!(sent.code, 0, "{sent:?}");
}

#[test]
fn a_suite_that_a_service_takes_over_from_a_killed_exec_is_no_problem() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&[("One", "1001"), ("Two", "1002")]);
    let (mut child, hold) = shown_by_exec(&machine, &shop);

    child.kill().unwrap();
    child.wait().unwrap();
    let _service = machine.start();
    let beside = machine.kado(&["status"]);
    fs::remove_file(&hold).unwrap();

    assert_eq!(beside.code, 0, "{beside:?}");
    assert!(
        beside.out.contains("shows it in Azure DevOps"),
        "{beside:?}"
    );
    machine.wait_for_completed(1);
}
