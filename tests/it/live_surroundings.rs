//! Suites that are shown while they run (`submit.live`), in surroundings that are less usual:
//! several test plans, collections, a server that has enough, hours of silence, and `kado exec`.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, CollectionWriter, SuiteRunWriter, Test};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::filling::begin_run;
use crate::live::{
    CASES, LIVE, NOT_LIVE, Suite, comparable, outcomes, suite, wait_for_outcomes, wait_for_state,
    watching,
};
use crate::support::{Machine, SUITE, Service, ended, finish, katalonc, now, tc, wait_until};
use crate::watching::Clock;

/// Plan and outcomes of each run in ADO, sorted.
fn shown(machine: &Machine) -> Vec<String> {
    let mut shown = Vec::new();
    for run in machine.ado_runs() {
        let plan = run.plan_id.unwrap_or_default();
        shown.push(format!("{plan}: {}", outcomes(&run).join(", ")));
    }
    shown.sort();
    shown
}

/// Waits until the runs in ADO show this.
fn wait_for_shown(machine: &Machine, wanted: &[&str]) {
    wait_until("the runs to show it", || {
        let shown = shown(machine);
        if shown == wanted {
            Ok(())
        } else {
            Err(format!("{shown:#?}"))
        }
    });
}

/// The refusals of a server that has enough.
fn refused(machine: &Machine) -> usize {
    let requests = machine.fake.requests();
    requests
        .iter()
        .filter(|request| request.status == 429)
        .count()
}

/// A project with two test plans, in the second of which only the first test has a point.
fn shop_of_two_plans(machine: &Machine) -> PathBuf {
    let plans = [18, 19].map(|id| (id, format!("Release {id}")));
    let settings = AzureSettings {
        plans: plans.into(),
        ..machine.settings()
    };
    machine.shop_with(settings, &CASES)
}

/// Plays a run for two plans, and gives what ADO has in the end.
fn play_for_two_plans(run: &SuiteRunWriter, configuration: &str) -> Vec<Value> {
    let machine = Machine::new();
    // The run is older than the second of two machines.
    machine.configure(&format!("history = \"all\"\n{configuration}"));
    let shop = shop_of_two_plans(&machine);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    let mut suite = Suite::begin(run, &shop, 1);
    if configuration == LIVE {
        wait_for_shown(&machine, &["18: 11 Passed, 12 -, 13 -", "19: 91 Passed"]);
        suite.end_tests(1);
        wait_for_shown(
            &machine,
            &["18: 11 Passed, 12 Failed, 13 -", "19: 91 Passed"],
        );
        let runs = machine.ado_runs();
        assert!(runs.iter().all(|run| run.state == "InProgress"), "{runs:?}");
    }
    suite.end();
    machine.wait_for_completed(2);

    service.stop_cleanly();
    let mut runs = machine.ado_runs();
    runs.sort_by_key(|run| run.plan_id);
    runs.iter().map(comparable).collect()
}

#[test]
fn a_suite_of_two_plans_is_shown_in_both_and_both_are_completed_as_without() {
    let run = suite();

    let shown = play_for_two_plans(&run, LIVE);
    let not_shown = play_for_two_plans(&run, NOT_LIVE);

    assert_eq!(shown.len(), 2);
    assert_eq!(
        serde_json::to_string_pretty(&shown).unwrap(),
        serde_json::to_string_pretty(&not_shown).unwrap()
    );
}

#[test]
fn a_storm_of_refusals_costs_the_previews_that_were_to_come_and_no_result() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let mut suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    let storm = FaultAction::throttled(Some(1));
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Every, storm));
    suite.end_tests(1);
    service.wait_for_log("a suite is not shown while it runs");
    assert_eq!(refused(&machine), 1, "nothing was sent after the refusal");

    machine.fake.clear_faults();
    let run = suite.end_and_arrive(&machine);
    assert_eq!(run.result_of_point(12).unwrap().attachments.len(), 1);
    service.stop_cleanly();
}

#[test]
fn a_suite_whose_first_request_is_refused_as_too_many_is_not_shown() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);

    let storm = FaultAction::throttled(Some(1));
    machine.fake.fault(Fault::new("*", "", Nth::Every, storm));
    let suite = Suite::begin(&suite(), &shop, 1);
    service.wait_for_log("there are too many requests");
    assert_eq!(refused(&machine), 1, "nothing was sent after the refusal");

    machine.fake.clear_faults();
    suite.end_and_arrive(&machine);
    service.stop_cleanly();
}

#[test]
fn a_preview_whose_token_is_refused_keeps_no_submission_waiting() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let refusal = FaultAction::Refused(Refusal::Empty401);
    machine.fake.fault(Fault::new("*", "", Nth::Every, refusal));
    let suite = Suite::begin(&suite(), &shop, 1);
    service.wait_for_log("refused the credentials");

    machine.fake.clear_faults();
    let before = machine.fake.requests().len();
    suite.end();
    machine.wait_for_completed(1);

    let run = machine.ado_run();
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
    assert_eq!(before, 1, "a refused token is not tried again and again");
    let refusals = service.log().matches("refused the credentials").count();
    assert_eq!(refusals, 1, "the submission was told nothing of it");
    service.stop_cleanly();
}

/// A service with another clock that watches the shop.
fn watching_by(clock: &Clock, machine: &Machine) -> (Service, PathBuf) {
    let shop = machine.shop(&CASES);
    let mut command = machine.command(&["run"]);
    clock.give_to(&mut command);
    command.env("KADO_LOG", "kado=debug");
    let service = machine.start_as(command);
    service.wait_for_log("found a Katalon project");
    (service, shop)
}

/// Sets the clock of a service, and waits until it has looked at everything by it.
fn later(clock: &Clock, service: &Service, minutes: i64) {
    let looks = service.log().matches("looked at everything").count();
    clock.set(SignedDuration::from_mins(minutes));
    service.wait_for_logs(looks + 1, "looked at everything");
}

#[test]
fn a_suite_that_is_quiet_for_two_hours_ends_its_run_with_the_results_it_has() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let (service, shop) = watching_by(&clock, &machine);
    Suite::begin(&suite(), &shop, 2);
    wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);

    later(&clock, &service, 121);

    let run = wait_for_state(&machine, "Aborted");
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed"]);
    service.stop_cleanly();
}

#[test]
fn a_suite_that_goes_on_before_two_hours_are_over_is_shown_on_and_completed() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let (service, shop) = watching_by(&clock, &machine);
    let mut suite = Suite::begin(&suite(), &shop, 1);
    wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);

    later(&clock, &service, 110);
    suite.end_tests(1);
    wait_for_outcomes(&machine, &["11 Passed", "12 Failed", "13 -"]);
    later(&clock, &service, 220);
    assert_eq!(machine.ado_run().state, "InProgress");
    suite.end();

    machine.wait_for_completed(1);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), ["11 Passed", "12 Failed", "13 Passed"]);
    service.stop_cleanly();
}

/// A collection of two suites with two tests each that starts then.
fn collection(start: Timestamp) -> CollectionWriter {
    let member = |suite: &str, start, tests: [&str; 2]| {
        let tests = tests.map(|name| Test::passed(&tc(name)));
        SuiteRunWriter::new(suite)
            .start(start)
            .pace(20)
            .tests(tests)
    };
    let second = start + SignedDuration::from_millis(700);
    let members = vec![
        member("Test Suites/Smoke", start, ["Sign in", "Search"]),
        member("Test Suites/Full", second, ["Pay", "Sign out"]),
    ];
    CollectionWriter::new("Test Suites/All", start, members)
}

/// Begins every member of a collection, each up to the end of its first test.
fn begin_members(collection: &CollectionWriter, shop: &Path) -> Vec<Suite> {
    collection.write_start(shop).unwrap();
    let mut suites = Vec::new();
    for member in collection.members() {
        suites.push(Suite::begin(member, shop, 1));
    }
    suites
}

#[test]
fn each_suite_of_a_collection_is_shown_in_its_own_run() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let collection = collection(now());

    let suites = begin_members(&collection, &shop);
    wait_for_shown(&machine, &["18: 11 Passed, 12 -", "18: 13 Passed, 14 -"]);
    suites.into_iter().for_each(Suite::end);
    collection.write_end(&shop).unwrap();

    machine.wait_for_completed(2);
    assert_eq!(
        shown(&machine),
        ["18: 11 Passed, 12 Passed", "18: 13 Passed, 14 Passed"]
    );
    service.stop_cleanly();
}

#[test]
fn the_suites_of_a_collection_that_is_one_run_are_not_shown_and_check_says_so() {
    let machine = Machine::new();
    machine.configure(&format!("{LIVE}collections = \"one\"\n"));
    let (service, shop) = watching(&machine);
    let collection = collection(now());

    let suites = begin_members(&collection, &shop);
    service.wait_for_logs(2, "a suite is not shown while it runs");
    assert_eq!(shown(&machine), [""; 0]);
    let checked = machine.kado(&["check"]);
    suites.into_iter().for_each(Suite::end);
    collection.write_end(&shop).unwrap();

    machine.wait_for_completed(1);
    assert_eq!(
        shown(&machine),
        ["18: 11 Passed, 12 Passed, 13 Passed, 14 Passed"]
    );
    let why = "`submit.live` has no effect for this project: `submit.collections` is \"one\"";
    assert!(one_line(&checked.out).contains(why), "{checked:?}");
    service.stop_cleanly();
}

/// A text without its line breaks and indents.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn exec_shows_no_suite_whose_results_go_into_a_run_that_is_there() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let into = begin_run(&machine);
    let shop = machine.shop(&CASES[..2]);
    let arguments = katalonc::arguments(&shop, SUITE, &[]);
    let begun = into.to_string();

    let both = finish(machine.exec(&["--live", "--into", &begun], &arguments));
    let before = machine.fake.requests().len();
    let one = finish(machine.exec(&["--into", &begun], &arguments));

    assert_eq!(both.code, 2, "{both:?}");
    assert_eq!(
        both.err,
        "error: `--live` shows the suite in a test run of its own, and `--into` fills one that is \
         there: leave out one of the two\n"
    );
    assert_eq!(before, 0, "the command was not started");
    assert_eq!(one.code, 0, "{one:?}");
    let run = machine.ado_run();
    assert_eq!(run.id, into);
    assert_eq!(
        outcomes(&run)[..2],
        ["11 Passed", "12 Passed"],
        "it is filled"
    );
}

/// `kado exec --live` with a suite that does not end while the file `hold` is there.
fn exec_live(machine: &Machine, shop: &Path, hold: &Path) -> Child {
    fs::write(hold, "").unwrap();
    let mut command = machine.exec(&["--live"], &katalonc::arguments(shop, SUITE, &[]));
    command
        .env("FAKE_HOLD", hold)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// How many times outcomes were written.
fn previews(machine: &Machine) -> usize {
    let writes = machine.writes();
    writes
        .iter()
        .filter(|write| write.starts_with("PATCH") && write.ends_with("/results"))
        .count()
}

#[test]
fn a_service_that_starts_beside_exec_goes_on_with_its_run() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&CASES[..2]);
    let hold = machine.root().join("hold");

    let exec = exec_live(&machine, &shop, &hold);
    wait_for_outcomes(&machine, &["11 Passed", "12 Passed"]);
    let by_exec = previews(&machine);
    let service = machine.start();
    wait_until("the service to show the suite", || {
        let by_service = previews(&machine) - by_exec;
        (by_service > 0).then_some(()).ok_or_else(|| service.log())
    });
    fs::remove_file(&hold).unwrap();
    let done = ended(exec, "kado exec");

    assert_eq!(done.code, 0, "{done:?}");
    machine.wait_for_completed(1);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), ["11 Passed", "12 Passed"]);
    assert!(done.err.contains(&run.id.to_string()), "{done:?}");
    service.stop_cleanly();
}

#[test]
fn what_another_process_previews_at_this_moment_covers_nothing_that_is_submitted() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&CASES[..2]);
    let hold = machine.root().join("hold");
    let late = FaultAction::Delay(6000);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Only(1), late));

    let exec = exec_live(&machine, &shop, &hold);
    wait_until("exec to send a preview", || {
        let sent = previews(&machine);
        (sent > 0).then_some(()).ok_or_else(String::new)
    });
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    fs::remove_file(&hold).unwrap();
    let done = ended(exec, "kado exec");
    machine.wait_for_completed(1);

    assert_eq!(done.code, 0, "{done:?}");
    for result in machine.ado_run().results {
        assert_eq!(result.comment.as_deref(), Some("Katalon: PASSED"));
    }
    service.stop_cleanly();
}

#[test]
fn a_parked_run_is_listed_with_the_test_run_that_showed_it() {
    let machine = Machine::new();
    machine.configure(LIVE);
    let (service, shop) = watching(&machine);
    let suite = Suite::begin(&suite(), &shop, 1);
    let shown = wait_for_outcomes(&machine, &["11 Passed", "12 -", "13 -"]);
    let refused = FaultAction::error(400, "Refused", "not today");
    machine
        .fake
        .fault(Fault::new("GET", "/runs", Nth::Every, refused));

    suite.end();
    machine.wait_for_rows("the run to be parked", |rows| {
        rows.iter().any(|row| row.contains("parked"))
    });

    let listed = machine.kado(&["runs"]);
    let details = machine.kado(&["runs", "show", "1"]);
    let said = format!("test run {} in test plan 18 shows it", shown.id);
    assert!(listed.out.contains(&said), "{listed:?}");
    assert!(
        details.out.contains(&format!("runId={}", shown.id)),
        "{details:?}"
    );
    service.stop_cleanly();
}

#[cfg(unix)]
#[test]
fn exec_ends_the_test_run_of_a_suite_that_broke_off_and_says_which() {
    let machine = Machine::new();
    machine.configure(NOT_LIVE);
    let shop = machine.shop(&CASES[..2]);
    let arguments = katalonc::arguments(&shop, SUITE, &[]);
    let mut command = machine.exec(&["--live", "--strict"], &arguments);
    let hold = machine.root().join("hold");
    fs::write(&hold, "").unwrap();
    command.env("FAKE_DIES", "1").env("FAKE_HOLD", &hold);

    let exec = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let run = wait_for_state(&machine, "InProgress");
    fs::remove_file(&hold).unwrap();
    let done = ended(exec, "kado exec");

    assert_eq!(done.code, 137, "{done:?}");
    let said = format!("test run {}, which showed `{SUITE}`", run.id);
    assert!(done.err.contains(&said), "{done:?}");
    assert_eq!(machine.ado_run().state, "Aborted");
}
