//! The faults that cost other tools results, one by one (`docs/faults.md`): a run of fifty tests
//! with twelve screenshots ends as one completed test run with each result and each file once, or
//! it waits with a reason and ends so later.

use std::path::PathBuf;
use std::process::Stdio;

use fake_ado::{Fault, FaultAction, Nth, RecordedRequest, Refusal, World};
use fake_katalon::{Test, TestCaseFile};

use crate::support::{Machine, Output, PLAN, TOKEN, age, finished, now, tc, wait_until};

const TESTS: u32 = 50;
/// More than are sent at once.
const SCREENSHOTS: usize = 12;
/// The requests that the faults are aimed at.
const POINTS: (&str, &str) = ("GET", "testpoint");
const CREATE: (&str, &str) = ("POST", "test/runs$");
const RESULTS: (&str, &str) = ("PATCH", "/results");
const ATTACH: (&str, &str) = ("POST", "attachments");
/// The first run that the fake makes is number 150.
const COMPLETE: (&str, &str) = ("PATCH", "test/runs/150$");

/// A machine with a finished run.
fn machine() -> (Machine, PathBuf) {
    let world = World::new("acme")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Any")
        .plan(PLAN, "P")
        .suite(21, "S");
    let world = (0..TESTS).fold(world, |world, n| {
        world
            .test_case(2000 + n, "Case")
            .point(5000 + n, 21, 2000 + n, 1)
    });
    let machine = Machine::with(world);
    let name = |n: u32| tc(&n.to_string());
    let cases = (0..TESTS).map(|n| TestCaseFile::new(&name(n)).azure(&(2000 + n).to_string()));
    let shop = machine.project("Shop", machine.settings(), cases);
    let failing = |n: u32| usize::try_from(n).is_ok_and(|n| n < SCREENSHOTS);
    let test = |n| {
        if failing(n) {
            Test::failed(&name(n), "no").screenshot()
        } else {
            Test::passed(&name(n))
        }
    };

    let folder = finished((0..TESTS).map(test))
        .start(now())
        .write_in(&shop)
        .unwrap();
    age(&folder);

    (machine, folder)
}

/// One test run, completed, with each result and each file once.
fn is_whole(machine: &Machine) {
    let run = machine.ado_run();

    assert_eq!(run.state, "Completed");
    let mut points: Vec<u32> = run
        .results
        .iter()
        .filter_map(|result| result.point_id)
        .collect();
    points.sort_unstable();
    assert_eq!(points, (5000..5000 + TESTS).collect::<Vec<_>>());
    assert!(
        run.results
            .iter()
            .all(|result| result.outcome == "Passed" || result.outcome == "Failed")
    );
    let pictures: Vec<usize> = run
        .results
        .iter()
        .map(|result| result.attachments.len())
        .collect();
    assert_eq!(pictures.iter().sum::<usize>(), SCREENSHOTS);
    assert_eq!(pictures.iter().max(), Some(&1));
    let mut files = crate::support::names(&run.attachments);
    let all = files.len();
    files.dedup();
    assert!(
        files.contains(&"execution0.log".to_owned()) && files.len() == all,
        "{files:?}"
    );
    assert_eq!(machine.row()["state"], "submitted");
}

/// The run is submitted by one command although this happens to the nth request of a kind.
fn survives((method, path): (&str, &str), nth: usize, fault: FaultAction) {
    let (machine, folder) = machine();
    machine
        .fake
        .fault(Fault::new(method, path, Nth::Only(nth), fault));
    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let whole = [200, 201];
    let went_wrong = machine
        .fake
        .requests()
        .iter()
        .filter(|request| !whole.contains(&request.status))
        .count();
    assert_eq!(went_wrong, 1, "{:?}", machine.fake.requests());
    is_whole(&machine);
}

fn unavailable() -> FaultAction {
    FaultAction::organization_stopped()
}

#[test]
fn a_503_on_creating_the_run_costs_nothing() {
    survives(CREATE, 1, unavailable());
}

#[test]
fn a_503_on_the_results_costs_nothing() {
    survives(RESULTS, 1, unavailable());
}

#[test]
fn a_429_with_retry_after_on_the_results_costs_nothing() {
    survives(RESULTS, 1, FaultAction::throttled(Some(2)));
}

#[test]
fn a_429_without_retry_after_costs_nothing() {
    survives(RESULTS, 1, FaultAction::throttled(None));
}

#[test]
fn a_503_on_the_look_up_of_points_costs_nothing() {
    survives(POINTS, 1, unavailable());
}

#[test]
fn a_429_on_the_look_up_of_points_costs_nothing() {
    survives(POINTS, 1, FaultAction::throttled(Some(1)));
}

#[test]
fn a_503_on_the_second_attachment_costs_nothing() {
    survives(ATTACH, 2, unavailable());
}

#[test]
fn results_that_are_written_before_the_connection_breaks_are_not_doubled() {
    survives(RESULTS, 1, FaultAction::DropAfter);
}

#[test]
fn a_run_that_was_created_is_found_although_the_list_of_runs_lags_behind() {
    let (machine, folder) = machine();
    machine.fake.world().settings.run_list_lag_ms = 4000;
    machine.fake.fault(Fault::new(
        CREATE.0,
        CREATE.1,
        Nth::Only(1),
        FaultAction::DropAfter,
    ));
    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn a_503_on_completing_the_run_costs_nothing() {
    survives(COMPLETE, 1, unavailable());
}

/// What a load balancer says while nothing stands behind it, or when a body is too large for it.
fn page(code: u16) -> FaultAction {
    let headers = vec![(
        "content-type".to_owned(),
        "text/html; charset=utf-8".to_owned(),
    )];
    FaultAction::Status {
        code,
        headers,
        body: b"<html><h1>Sorry</h1></html>".to_vec(),
    }
}

#[test]
fn a_404_that_is_a_page_of_somebody_in_between_costs_nothing() {
    survives(POINTS, 1, page(404));
    survives(RESULTS, 1, page(404));
    survives(ATTACH, 2, page(404));
}

#[test]
fn results_that_are_too_large_together_are_sent_in_parts() {
    survives(RESULTS, 1, page(413));
}

#[test]
fn a_command_gives_up_in_time_when_no_upload_is_answered() {
    let (machine, folder) = machine();
    machine.fake.fault(Fault::new(
        ATTACH.0,
        ATTACH.1,
        Nth::Every,
        FaultAction::Hang,
    ));
    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 4, "{submitted:?}");
    let begun = machine
        .fake
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("attachments"))
        .count();
    assert!(
        begun <= 8,
        "those that were under way, and no others: {begun}"
    );
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    is_whole(&machine);
}

#[test]
fn of_a_run_that_somebody_deleted_the_way_out_is_told() {
    let (machine, folder) = machine();
    machine.fake.fault(Fault::new(
        COMPLETE.0,
        COMPLETE.1,
        Nth::Only(1),
        FaultAction::Refused(Refusal::Empty401),
    ));

    assert_eq!(machine.submit_folder(&folder).code, 3);
    machine.fake.world().delete_run(150);
    let parked = machine.submit_folder(&folder);
    assert_eq!(parked.code, 1, "{parked:?}");
    assert!(parked.out.contains("`kado submit --again"), "{parked:?}");

    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);

    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(machine.ado_run().results.len(), TESTS as usize);
}

#[test]
fn an_attachment_that_is_never_answered_holds_up_nothing_else() {
    let (machine, _) = machine();
    machine.fake.fault(Fault::new(
        ATTACH.0,
        ATTACH.1,
        Nth::Only(2),
        FaultAction::Hang,
    ));
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");

    let service = machine.start();
    wait_until("all other files", || {
        let runs = machine.ado_runs();
        let files = runs.iter().flat_map(|run| {
            run.results
                .iter()
                .map(|result| result.attachments.len())
                .chain([run.attachments.len()])
        });
        let there: usize = files.sum();
        // More than pictures: the log and the reports come last.
        if there > SCREENSHOTS {
            Ok(())
        } else {
            Err(format!("{there} files: {}", service.log()))
        }
    });

    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "InProgress", "not completed without it");
    assert_eq!(
        run.results.len(),
        TESTS as usize,
        "not completed without it"
    );

    service.stop_cleanly();
    let service = machine.start();
    machine.wait_for_completed(1);
    service.stop_cleanly();

    is_whole(&machine);
}

#[test]
fn a_401_waits_with_a_reason_and_goes_on_when_the_token_is_accepted() {
    let (machine, folder) = machine();
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::Refused(Refusal::Empty401),
    ));
    let refused = machine.submit_folder(&folder);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused.out.contains("waits: ") && refused.out.contains("refused the credentials"),
        "{refused:?}"
    );

    machine.fake.clear_faults();

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    is_whole(&machine);
}

/// The command is killed while its nth request of a kind hangs, done or not, and given once more.
fn killed((method, path): (&str, &str), nth: usize, hangs: FaultAction) -> Output {
    let (machine, folder) = machine();
    machine
        .fake
        .fault(Fault::new(method, path, Nth::Only(nth), hangs));
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hanging = |machine: &Machine| {
        let path = path.trim_end_matches('$');
        let fits =
            |request: &&RecordedRequest| request.method == method && request.path.contains(path);
        machine.fake.requests().iter().filter(fits).count() >= nth
    };
    wait_until("the request that hangs", || {
        if hanging(&machine) {
            Ok(())
        } else {
            Err(String::new())
        }
    });
    child.kill().unwrap();
    child.wait().unwrap();
    machine.fake.clear_faults();
    let again = machine.submit_folder(&folder);
    is_whole(&machine);

    again
}

#[test]
fn killed_among_the_attachments_and_started_again_leaves_no_orphan_and_no_double() {
    let again = killed(ATTACH, 3, FaultAction::HangAfter);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn killed_after_the_run_was_created_and_started_again_leaves_no_orphan_and_no_double() {
    let again = killed(CREATE, 1, FaultAction::HangAfter);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn the_same_command_twice_makes_one_run() {
    let (machine, folder) = machine();

    for _ in 0..2 {
        let submitted = machine.submit_folder(&folder);
        assert_eq!(submitted.code, 0, "{submitted:?}");
    }

    is_whole(&machine);
}

#[test]
fn one_result_that_is_refused_costs_only_itself_and_is_named() {
    let (machine, folder) = machine();
    // All fifty, and of them halves and halves of halves, until one stands alone.
    let refused = FaultAction::error(400, "InvalidPropertyException", "Invalid value for Comment");
    machine
        .fake
        .fault(Fault::new(RESULTS.0, RESULTS.1, Nth::First(6), refused));
    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let run = machine.ado_run();
    let written = run
        .results
        .iter()
        .filter(|result| result.state == "Completed")
        .count();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(written, 49);
    let comment = run.comment.unwrap_or_default();
    assert!(comment.contains("Invalid value for Comment"), "{comment}");
}
