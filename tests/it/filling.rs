//! `--into RUN`: a test run that a manager began in ADO is filled in place of a new one.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use fake_ado::{Attachment, Fault, FaultAction, KatalonUpload, Nth, TestRun};
use fake_katalon::{AzureSettings, Sending, Test};
use serde_json::{Value, json};

use crate::support::katalonc::arguments;
use crate::support::{Machine, Output, PLAN, SUITE, age, ended, finish, finished, tc, wait_until};

/// What the manager wrote.
const COMMENT: &str = "Release 12, please until Friday. Mia";

/// A run that a manager began, with points for 1001 to 1003 and a result of 1004 that she filled
/// herself.
pub(crate) fn begin_run(machine: &Machine) -> u32 {
    let run = KatalonUpload::new("Shop", PLAN, "Release 12")
        .result(11, "Passed", None)
        .result(12, "Passed", None)
        .result(13, "Passed", None)
        .begun()
        .result(14, "Failed", None)
        .comment(COMMENT);
    machine.fake.world().add_katalon_upload(run)
}

/// The project, whose last test case has no point in the manager's run.
fn shop(machine: &Machine) -> PathBuf {
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    let cases = [
        ("Sign in", "1001"),
        ("Pay", "1002"),
        ("Answer", "1004"),
        ("Leave", "1005"),
    ];
    machine.shop_with(settings, &cases)
}

/// A run of the suite: 1001 and 1002 have results to fill, 1004 is filled, 1005 is not in the run.
fn run_in(shop: &Path) -> PathBuf {
    let run = finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no money").screenshot(),
        Test::passed(&tc("Answer")),
        Test::passed(&tc("Leave")),
    ]);
    let folder = run.write_in(shop).unwrap();
    age(&folder);
    folder
}

fn submit(machine: &Machine, folder: &Path, options: &[&str]) -> Output {
    let folder = folder.to_string_lossy();
    let mut arguments = vec!["submit", &*folder];
    arguments.extend(options);
    machine.kado(&arguments)
}

fn outcomes(run: &TestRun) -> Vec<(Option<u32>, String)> {
    let results = run.results.iter();
    results
        .map(|result| (result.point_id, result.outcome.clone()))
        .collect()
}

#[test]
fn a_run_that_a_manager_began_gets_the_results_that_it_has_points_for_and_stays_open() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));

    let done = submit(&machine, &folder, &["--into", &run.to_string()]);

    // What is left out counts, as everywhere.
    assert_eq!(done.code, 1, "{done:?}");
    let filled = machine.ado_run();
    assert_eq!(filled.id, run);
    assert_eq!(filled.state, "InProgress");
    assert_eq!(
        outcomes(&filled),
        [
            (Some(11), "Passed".to_owned()),
            (Some(12), "Failed".to_owned()),
            (Some(13), "Unspecified".to_owned()),
            (Some(14), "Failed".to_owned()),
        ],
        "13 has no result here, and 14 is hers"
    );
    let comment = filled.comment.unwrap();
    assert!(comment.starts_with("kado:"), "{comment}");
    assert!(comment.contains(COMMENT), "{comment}");
    assert!(
        comment.contains(&format!(
            "Test Cases/Leave: test run {run} has no result for test case 1005"
        )),
        "{comment}"
    );
    assert!(
        comment.contains("has a result for test point 14 already"),
        "{comment}"
    );
    assert!(
        done.out.contains(&format!("into test run {run}")),
        "{done:?}"
    );
    assert!(
        !done.out.contains("Run type"),
        "hers may be a manual run: {done:?}"
    );
}

#[test]
fn a_run_is_completed_only_where_kado_is_told_so() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));

    submit(
        &machine,
        &folder,
        &["--into", &run.to_string(), "--complete"],
    );

    let filled = machine.ado_run();
    assert_eq!(filled.state, "Completed");
    assert!(filled.started.is_some() && filled.started <= filled.completed);
    assert!(filled.comment.unwrap().contains(COMMENT));
}

#[test]
fn listings_say_that_the_run_was_there() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));

    submit(&machine, &folder, &["--into", &run.to_string()]);

    let row = machine.row();
    assert_eq!(row["into"], run);
    assert_eq!(row["ado_run_id"], run);
    assert_eq!(row["plan_id"], PLAN);
    let shown = machine.kado(&["runs", "show", &row["id"].to_string()]);
    assert!(
        shown
            .out
            .contains(&format!("test run {run}, which was there")),
        "{shown:?}"
    );
}

#[test]
fn what_was_filled_is_not_sent_twice() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let folder = run_in(&shop(&machine));
    submit(&machine, &folder, &["--into", &run]);
    let before = machine.writes().len();

    let again = submit(&machine, &folder, &["--into", &run]);
    let elsewhere = submit(&machine, &folder, &["--into", "999"]);

    assert!(again.err.contains("submitted already"), "{again:?}");
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
    assert!(
        elsewhere.err.contains("does not go into test run 999"),
        "{elsewhere:?}"
    );
    assert_eq!(machine.writes().len(), before);
}

#[test]
fn a_run_that_was_filled_and_left_open_is_not_said_to_be_completed() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let folder = run_in(&shop(&machine));
    submit(&machine, &folder, &["--into", &run]);

    let done = submit(&machine, &folder, &["--into", &run, "--complete"]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err
            .contains(&format!("complete test run {run} in Azure DevOps")),
        "{done:?}"
    );
    assert_eq!(machine.ado_run().state, "InProgress");
}

#[test]
fn a_run_that_was_completed_may_be_asked_for_again() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let folder = run_in(&shop(&machine));
    submit(&machine, &folder, &["--into", &run, "--complete"]);

    let done = submit(&machine, &folder, &["--into", &run, "--complete"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.err.contains("submitted already"), "{done:?}");
}

#[test]
fn what_exec_was_to_fill_in_vain_is_submitted_elsewhere_on_a_persons_word() {
    let machine = Machine::new();
    let shop = shop(&machine);
    finish(machine.exec(&["--into", "99999"], &arguments(&shop, SUITE, &[])));
    let parked = machine.row();
    let id = parked["id"].to_string();

    machine.kado(&["runs", "retry", &id]);
    let retried = machine.row();
    machine.kado(&["runs", "forget", &id]);
    let folder = PathBuf::from(parked["folder"].as_str().unwrap());
    submit(&machine, &folder, &[]);

    assert_eq!(retried["state"], "parked", "{retried}");
    assert_eq!(retried["into"], 99_999, "{retried}");
    let row = machine.row();
    assert_eq!(row["state"], "submitted", "{row}");
    assert_eq!(row["plan_id"], PLAN);
    assert_eq!(row["into"], Value::Null);
}

#[test]
fn what_is_submitted_once_more_elsewhere_leaves_the_first_submission_its_test_run() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));
    machine.fake.world().run_mut(run).unwrap().state = "Completed".into();
    submit(&machine, &folder, &["--into", &run.to_string()]);
    let first = machine.row()["id"].clone();

    submit(&machine, &folder, &["--again"]);
    let before = row_of(&machine, &first);
    machine.fake.world().run_mut(run).unwrap().state = "InProgress".into();
    machine.kado(&["runs", "retry", &first.to_string()]);

    assert_eq!(before["state"], "parked", "{before}");
    assert_eq!(before["into"], run, "{before}");
    let after = row_of(&machine, &first);
    assert_eq!(after["state"], "submitted", "{after}");
    assert_eq!(after["ado_run_id"], run, "{after}");
    let rows = machine.rows();
    let second = rows.iter().find(|row| row["id"] != first).unwrap();
    assert_eq!(second["state"], "submitted", "{second}");
    assert_eq!(second["into"], Value::Null, "{second}");
    assert_ne!(second["ado_run_id"], run, "{second}");
}

#[test]
fn filling_a_test_run_once_more_does_not_change_what_is_said_of_the_first_submission() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));
    submit(&machine, &folder, &[]);
    let first = machine.row()["id"].clone();

    submit(&machine, &folder, &["--again", "--into", &run.to_string()]);

    let row = row_of(&machine, &first);
    assert_eq!(row["into"], Value::Null, "{row}");
    let rows = machine.rows();
    let second = rows.iter().find(|row| row["id"] != first).unwrap();
    assert_eq!(second["ado_run_id"], run, "{second}");
    let shown = machine.kado(&["runs", "show", &first.to_string()]);
    assert!(!shown.out.contains("which was there"), "{shown:?}");
}

fn row_of(machine: &Machine, id: &Value) -> Value {
    let rows = machine.rows();
    rows.into_iter().find(|row| row["id"] == *id).unwrap()
}

#[test]
fn a_lost_ledger_fills_nothing_twice_and_takes_the_run_from_nobody() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let folder = run_in(&shop(&machine));
    submit(&machine, &folder, &["--into", &run]);
    let before = machine.ado_run();
    machine.configure_only(&format!(
        "watch = [{:?}]\nstate_dir = {:?}\n[status_page]\nlisten = \"\"\n[submit]\n\
         katalon_wait = \"0s\"\n",
        machine.work(),
        machine.root().join("another")
    ));

    let by_itself = submit(&machine, &folder, &[]);
    let id = machine.row()["id"].to_string();
    machine.kado(&["runs", "forget", &id]);
    submit(&machine, &folder, &["--into", &run]);

    assert_eq!(by_itself.code, 1, "{by_itself:?}");
    assert!(
        by_itself
            .out
            .contains(&format!("is in test run {run} already")),
        "{by_itself:?}"
    );
    let after = machine.ado_run();
    assert_eq!(outcomes(&after), outcomes(&before));
    assert_eq!(names(&after.attachments), names(&before.attachments));
    assert_eq!(after.state, "InProgress");
    assert!(after.comment.unwrap().contains(COMMENT));
}

#[test]
fn a_run_that_cannot_be_filled_is_refused_with_the_reason() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let over = KatalonUpload::new("Shop", PLAN, "Over").result(11, "Passed", None);
    let without_plan = KatalonUpload::new("Shop", PLAN, "Free")
        .result(11, "Passed", None)
        .begun()
        .without_plan();
    let over = machine.fake.world().add_katalon_upload(over);
    let without_plan = machine.fake.world().add_katalon_upload(without_plan);
    let folder = run_in(&shop);

    for (run, reason) in [
        (over, "it is Completed"),
        (without_plan, "it belongs to no test plan"),
        (99_999, "the project has no such test run"),
    ] {
        let done = submit(&machine, &folder, &["--into", &run.to_string()]);

        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.out
                .contains(&format!("test run {run} cannot be filled: {reason}")),
            "{done:?}"
        );
        assert!(!done.out.contains("(test plan"), "{done:?}");
        let id = machine.row()["id"].to_string();
        assert_eq!(machine.kado(&["runs", "forget", &id]).code, 0);
    }
    assert_eq!(machine.writes(), [""; 0]);
}

#[test]
fn a_retry_still_fills_the_run_that_a_person_named() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));
    machine.fake.world().run_mut(run).unwrap().state = "Completed".into();
    submit(&machine, &folder, &["--into", &run.to_string()]);
    machine.fake.world().run_mut(run).unwrap().state = "InProgress".into();

    let id = machine.row()["id"].to_string();
    machine.kado(&["runs", "retry", &id]);

    assert_eq!(machine.row()["state"], "submitted");
    assert_eq!(machine.ado_run().id, run);
}

#[test]
fn two_suite_runs_fill_one_run_and_both_keys_are_found() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let shop = shop(&machine);
    let first = run_in(&shop);
    let second = finished([Test::passed(&tc("Late"))]);
    let case = fake_katalon::TestCaseFile::new(&tc("Late")).azure("1003");
    fake_katalon::ProjectWriter::new(&shop)
        .azure(machine.settings())
        .test_case(case)
        .write()
        .unwrap();
    let second = second.start(crate::support::now()).write_in(&shop).unwrap();
    age(&second);

    submit(&machine, &first, &["--into", &run]);
    submit(&machine, &second, &["--into", &run]);

    let filled = machine.ado_run();
    let comment = filled.comment.clone().unwrap();
    for row in machine.rows() {
        assert_eq!(row["state"], "submitted", "{row}");
        assert!(
            comment
                .lines()
                .next()
                .unwrap()
                .contains(row["key"].as_str().unwrap()),
            "{comment}"
        );
    }
    assert_eq!(comment.matches("Filled by kado").count(), 2, "{comment}");
    let written = outcomes(&filled)
        .into_iter()
        .filter(|(_, outcome)| outcome == "Passed")
        .count();
    assert_eq!(written, 2);
}

#[test]
fn exec_fills_the_run_and_completes_it_where_it_is_told_so() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let shop = shop(&machine);
    let options = ["--into", &run.to_string(), "--complete"];

    let done = finish(machine.exec(&options, &arguments(&shop, SUITE, &["-adoPlanId=19"])));

    assert_eq!(done.code, 0, "{done:?}");
    let filled = machine.ado_run();
    assert_eq!(filled.id, run);
    assert_eq!(filled.state, "Completed");
    assert_eq!(outcomes(&filled)[0].1, "Passed");
}

#[test]
fn a_job_that_was_started_from_a_test_plan_fills_the_run_of_that() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let shop = shop(&machine);
    let mut command = machine.exec(&[], &arguments(&shop, SUITE, &[]));
    command
        .env("TF_BUILD", "True")
        .env("TEST_RUNID", run.to_string());

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    let filled = machine.ado_run();
    assert_eq!(filled.id, run);
    assert_eq!(filled.state, "InProgress");
}

#[test]
fn beside_a_service_the_run_is_filled_as_well() {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let shop = shop(&machine);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let options = ["--into", &run.to_string(), "--complete", "--strict"];

    let done = finish(machine.exec(&options, &arguments(&shop, SUITE, &[])));

    assert!(
        done.err.contains(&format!("into test run {run}")),
        "{done:?}"
    );
    let filled = machine.ado_run();
    assert_eq!(filled.id, run);
    assert_eq!(filled.state, "Completed");
    service.stop_cleanly();
}

#[test]
fn a_run_in_which_everything_is_filled_is_told_as_that() {
    let machine = Machine::new();
    let filled = KatalonUpload::new("Shop", PLAN, "Release 12")
        .begun()
        .result(11, "Passed", None)
        .result(12, "Passed", None)
        .result(14, "Passed", None);
    let run = machine.fake.world().add_katalon_upload(filled);
    let shop = shop(&machine);
    let tests = ["Sign in", "Pay", "Answer"].map(|name| Test::passed(&tc(name)));
    let folder = finished(tests).write_in(&shop).unwrap();
    age(&folder);

    let done = submit(&machine, &folder, &["--into", &run.to_string()]);

    assert_eq!(done.code, 1, "{done:?}");
    let said = format!(
        "parked: nothing is left to fill: test run {run} has a result for each test point of this \
         suite run already, and they stay as they are"
    );
    assert!(done.out.contains(&said), "{done:?}");
}

#[test]
fn asked_for_again_only_what_goes_into_the_run_counts() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let tests = [Test::passed(&tc("Sign in")), Test::passed(&tc("Pay"))];
    let folder = finished(tests).write_in(&shop).unwrap();
    age(&folder);
    let refused = FaultAction::error(400, "Refused", "not today");
    machine
        .fake
        .fault(Fault::new("POST", "/runs", Nth::Every, refused));
    submit(&machine, &folder, &[]);
    machine.fake.clear_faults();
    let parked = machine.row();
    let run = begin_run(&machine);
    let into = run.to_string();
    submit(&machine, &folder, &["--again", "--into", &into]);

    let into_it = submit(&machine, &folder, &["--into", &into]);
    let anywhere = submit(&machine, &folder, &[]);

    assert_eq!(parked["state"], "parked", "{parked}");
    assert_eq!(row_of(&machine, &parked["id"])["state"], "parked");
    assert_eq!(into_it.code, 0, "{into_it:?}");
    assert!(into_it.err.contains("was submitted already"), "{into_it:?}");
    assert_eq!(anywhere.code, 0, "{anywhere:?}");
    assert!(!anywhere.out.contains("parked"), "{anywhere:?}");
}

#[test]
fn a_number_that_is_none_is_refused_with_where_it_stands() {
    let machine = Machine::new();

    let run = machine.kado(&["submit", "--into", "abc", "folder"]);
    let plan = machine.kado(&["runs", "retry", "1", "--plan", "0"]);
    let id = machine.kado(&["runs", "show", "x"]);

    assert_eq!((run.code, plan.code, id.code), (2, 2, 2));
    assert!(run.err.contains("behind `runId=`"), "{run:?}");
    assert!(plan.err.contains("`kado list plans`"), "{plan:?}");
    assert!(id.err.contains("in its first column"), "{id:?}");
}

#[test]
fn what_has_no_run_to_complete_is_said() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let folder = run_in(&shop);

    let done = submit(&machine, &folder, &["--complete"]);

    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("`--into RUN`"), "{done:?}");
}

#[test]
fn completing_is_for_one_suite() {
    let machine = Machine::new();
    let run = begin_run(&machine).to_string();
    let shop = shop(&machine);
    let folder = run_in(&shop);
    let two = folder.to_string_lossy();

    let submitted = machine.kado(&["submit", "--into", &run, "--complete", &two, &two]);
    let collection = vec![
        format!("-projectPath={}", shop.display()),
        "-testSuiteCollectionPath=Test Suites/All".to_owned(),
    ];
    let executed = finish(machine.exec(&["--into", &run, "--complete"], &collection));

    assert_eq!(submitted.code, 2, "{submitted:?}");
    assert_eq!(executed.code, 2, "{executed:?}");
    assert_eq!(machine.fake.requests().len(), 0);
}

/// A machine with a run to fill and what is to fill it.
fn prepare() -> (Machine, u32, PathBuf) {
    let machine = Machine::new();
    let run = begin_run(&machine);
    let folder = run_in(&shop(&machine));
    (machine, run, folder)
}

fn start(machine: &Machine, run: u32, folder: &Path) -> Child {
    let run = run.to_string();
    let folder = folder.to_string_lossy();
    let mut command = machine.command(&["submit", "--into", &run, "--complete", &folder]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What is in ADO in the end, without kado's keys, which differ with the port of the server.
fn world_of(machine: &Machine) -> Value {
    let run = machine.ado_run();
    let comment = run.comment.unwrap_or_default();
    let (_, rest) = comment.split_once('\n').unwrap_or_default();
    let rest: Vec<&str> = rest
        .split_whitespace()
        .filter(|word| word.trim_end_matches([':', ';']).len() != 8)
        .collect();

    let results: Vec<Value> = run
        .results
        .iter()
        .map(|result| {
            json!([
                result.point_id,
                result.outcome,
                result.state,
                names(&result.attachments)
            ])
        })
        .collect();
    json!([run.state, rest.join(" "), results, names(&run.attachments)])
}

fn names(files: &[Attachment]) -> Vec<String> {
    let mut names: Vec<String> = files.iter().map(|file| file.file_name.clone()).collect();
    names.sort();
    names
}

/// Disturbs each single request of a submission; each has to end in the world of an undisturbed
/// one.
fn for_every_request(disturb: impl Fn(&Machine, u32, &Path, usize) + Sync) {
    let (machine, run, folder) = prepare();
    ended(start(&machine, run, &folder), "kado submit");
    let expected = world_of(&machine);
    let requests = machine.fake.requests().len();
    assert!(requests >= 10, "{requests} requests");

    std::thread::scope(|scope| {
        for first in 1..=4 {
            let disturb = &disturb;
            let expected = &expected;
            scope.spawn(move || {
                for request in (first..=requests).step_by(4) {
                    let (machine, run, folder) = prepare();
                    disturb(&machine, run, &folder, request);
                    machine.fake.clear_faults();
                    machine.run_until_submitted();
                    assert_eq!(
                        &world_of(&machine),
                        expected,
                        "disturbed at request {request} of {requests}"
                    );
                }
            });
        }
    });
}

#[test]
fn an_answer_that_gets_lost_while_a_run_is_filled_loses_and_doubles_nothing() {
    for_every_request(|machine, run, folder, request| {
        let lost = Fault::new("*", "", Nth::Only(request), FaultAction::DropAfter);
        machine.fake.fault(lost);

        ended(start(machine, run, folder), "kado submit");
    });
}

#[test]
fn killed_while_a_run_is_filled_nothing_is_lost_or_doubled() {
    for_every_request(|machine, run, folder, request| {
        let held = Fault::new("*", "", Nth::Only(request), FaultAction::HangAfter);
        machine.fake.fault(held);
        let mut child = start(machine, run, folder);
        wait_until("the request to arrive, or the program to end", || {
            let has_arrived = machine.fake.requests().len() >= request;
            let has_ended = matches!(child.try_wait(), Ok(Some(_)));
            if has_arrived || has_ended {
                Ok(())
            } else {
                Err(String::new())
            }
        });

        // What is to be carried out is; if it is not by then, that is a crash point as well.
        std::thread::sleep(std::time::Duration::from_millis(150));
        let _ = child.kill();
        child.wait().unwrap();
    });
}
