//! The crash matrix: the program is killed before and after each single request of a submission,
//! started again, and the world in ADO compared with that of an undisturbed run. The same for
//! SIGTERM, and for answers that get lost on the way without a crash.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fake_ado::{Attachment, Fault, FaultAction, Nth, SubResult, TestRun, World};
use fake_katalon::{Attempt, AzureSettings, Sending, Status, Test, TestCaseFile};
use serde_json::{Value, json};

use crate::support::{Machine, PLAN, TOKEN, age, ended, finished, now, tc, wait_until};

/// Results of the run; more than one request takes.
const RESULTS: u32 = 104;
/// Test cases whose automation fields are not set yet.
const AUTOMATED: u32 = 2;
/// Scenarios that are played at the same time; they mostly wait.
const AT_ONCE: usize = 6;

/// When every run of this matrix began: just now, so that ADO is asked for the runs since then as
/// in daily use, and at the same moment in all worlds, so that they can be compared.
fn began() -> jiff::Timestamp {
    static BEGAN: LazyLock<jiff::Timestamp> = LazyLock::new(now);
    *BEGAN
}

/// A machine with a finished run that needs every kind of step: two batches, sub-results,
/// automation fields, attachments to results and to the run, and something that is left out.
fn prepare() -> (Machine, PathBuf) {
    let mut world = World::new("acme")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Any")
        .plan(PLAN, "P")
        .suite(21, "S");
    for number in 0..RESULTS {
        world = world
            .test_case(2000 + number, "Case")
            .point(5000 + number, 21, 2000 + number, 1);
    }

    for number in AUTOMATED..RESULTS {
        automate(&mut world, number);
    }

    let machine = Machine::with(world);
    let settings = AzureSettings {
        sending: Sending::All,
        override_automation_fields: Some(false),
        ..machine.settings()
    };
    let cases = (0..=RESULTS)
        .map(|n| TestCaseFile::new(&tc(&n.to_string())).azure(&(2000 + n).to_string()));
    let project = machine.project("Shop", settings, cases);
    let mut tests: Vec<Test> = (0..=RESULTS)
        .map(|n| Test::passed(&tc(&n.to_string())))
        .collect();
    tests[1] = Test::failed(&tc("1"), "not there").screenshot();
    tests[2] = Test::passed(&tc("2")).after(Attempt::new(Status::Failed, "flaky").screenshot());
    tests.push(Test::failed(&tc("3"), "the second row is wrong").screenshot());
    let folder = finished(tests)
        .start(began())
        .pace(1)
        .retries(1)
        .write_in(&project)
        .unwrap();
    age(&folder);

    (machine, folder)
}

/// Sets the automation fields of a test case as kado would.
fn automate(world: &mut World, number: u32) {
    let item = world
        .work_item_mut(2000 + number)
        .expect("the test case is there");
    let storage = tc(&number.to_string());
    let fields = [
        ("AutomationStatus", "Automated"),
        ("AutomatedTestName", &number.to_string()),
        ("AutomatedTestStorage", &storage),
        ("AutomatedTestType", "Katalon"),
    ];

    for (name, value) in fields {
        item.fields
            .insert(format!("Microsoft.VSTS.TCM.{name}"), value.into());
    }
}

fn begin(machine: &Machine, folder: &Path) -> Child {
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The world without ids and times of ADO's own.
fn world_of(machine: &Machine) -> Value {
    let mut runs: Vec<Value> = machine.ado_runs().iter().map(run).collect();
    runs.sort_by_key(Value::to_string);
    let world = machine.fake.world();
    let cases = (0..AUTOMATED).filter_map(|number| world.find_work_item(2000 + number));
    let cases: Vec<Value> = cases
        .map(|case| json!({ "fields": case.fields, "revision": case.rev }))
        .collect();

    json!({ "runs": runs, "cases": cases })
}

fn run(run: &TestRun) -> Value {
    let mut results: Vec<Value> = run
        .results
        .iter()
        .map(|result| {
            json!({
                "point": result.point_id, "outcome": result.outcome, "state": result.state,
                "times": [result.started, result.completed], "error": result.error_message, "stack": result.stack_trace,
                "comment": result.comment, "parts": parts(&result.sub_results), "files": files(&result.attachments),
            })
        })
        .collect();

    results.sort_by_key(|result| result["point"].as_u64());
    json!({
        "name": run.name, "state": run.state, "plan": run.plan_id, "comment": without_key(run.comment.as_deref()),
        "times": [run.started, run.completed], "results": results, "files": files(&run.attachments),
    })
}

/// The comment without kado's key, which differs with the port of the server.
fn without_key(comment: Option<&str>) -> &str {
    comment
        .and_then(|comment| comment.split_once('\n'))
        .map_or("", |(_, rest)| rest)
}

fn parts(parts: &[SubResult]) -> Value {
    parts
        .iter()
        .map(|part| json!([part.display_name, part.outcome, part.error_message]))
        .collect()
}

fn files(files: &[Attachment]) -> Value {
    // Not the digest: a log holds the path of the machine's own temporary folder.
    let mut names: Vec<String> = files
        .iter()
        .map(|file| format!("{} {}", file.file_name, file.size))
        .collect();
    names.sort();
    json!(names)
}

/// The places in which two worlds differ.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .flat_map(|(one, other)| differences(one, other))
            .collect(),

        (Value::Object(one), Value::Object(other)) => {
            let of = |key: &String| {
                differences(&one[key], other.get(key).unwrap_or(&Value::Null)).into_iter()
            };
            one.keys()
                .flat_map(|key| of(key).map(move |found| format!("{key}: {found}")))
                .collect()
        }

        (one, other) if one == other => Vec::new(),
        (Value::Array(one), Value::Array(other)) => {
            vec![format!("{} instead of {}", one.len(), other.len())]
        }
        (one, other) => vec![format!("{one} instead of {other}")],
    }
}

/// The world after an undisturbed submission, and how many requests that took.
fn undisturbed() -> (Value, usize) {
    let (machine, folder) = prepare();

    ended(begin(&machine, &folder), "kado submit");

    assert_eq!(machine.row()["state"], "submitted");
    (world_of(&machine), machine.fake.requests().len())
}

/// Plays `scenario` for every request of a submission; each has to end in the world of an
/// undisturbed run.
fn for_every_request(scenario: impl Fn(&Machine, &Path, usize) + Sync) {
    let (expected, requests) = undisturbed();

    assert!(
        requests >= 12,
        "the scenario is too small: {requests} requests"
    );

    let next = AtomicUsize::new(1);

    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed);
                    if request > requests {
                        return;
                    }
                    let (machine, folder) = prepare();
                    scenario(&machine, &folder, request);
                    machine.run_until_submitted();
                    let world = world_of(&machine);
                    let differs = differences(&world, &expected);
                    assert!(
                        differs.is_empty(),
                        "disturbed at request {request} of {requests}: {differs:#?}"
                    );
                }
            });
        }
    });
}

/// Ends the program while its nth request is held up, then lets all requests through.
fn end_at(
    machine: &Machine,
    folder: &Path,
    request: usize,
    hold: FaultAction,
    end: impl Fn(&mut Child),
) {
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Only(request), hold));
    let mut child = begin(machine, folder);
    wait_until("the request to arrive, or the program to end", || {
        let arrived = machine.fake.requests().len() >= request;
        let ended = matches!(child.try_wait(), Ok(Some(_)));
        if arrived || ended {
            Ok(())
        } else {
            Err(format!("{} requests", machine.fake.requests().len()))
        }
    });

    // Let a request that is to be carried out be carried out; if it is not by then, that is a crash
    // point as well.
    std::thread::sleep(Duration::from_millis(150));
    end(&mut child);
    machine.fake.clear_faults();
}

fn kill(child: &mut Child) {
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn killed_before_any_request_is_carried_out_nothing_is_lost_or_doubled() {
    for_every_request(|machine, folder, request| {
        end_at(machine, folder, request, FaultAction::Hang, kill);
    });
}

#[test]
fn killed_after_any_request_was_carried_out_nothing_is_lost_or_doubled() {
    for_every_request(|machine, folder, request| {
        end_at(machine, folder, request, FaultAction::HangAfter, kill);
    });
}

#[cfg(unix)]
#[expect(
    clippy::disallowed_methods,
    reason = "the test asks the program to end"
)]
#[test]
fn asked_to_end_in_the_middle_of_any_request_nothing_is_lost_or_doubled() {
    let terminate = |child: &mut Child| {
        let asked = std::process::Command::new("kill")
            .arg("-TERM")
            .arg(child.id().to_string())
            .status();
        assert!(asked.is_ok_and(|status| status.success()));
        wait_until("kado to end", || {
            child.try_wait().unwrap().ok_or_else(String::new)
        });
    };

    for_every_request(|machine, folder, request| {
        end_at(machine, folder, request, FaultAction::HangAfter, terminate);
    });
}

#[test]
fn an_answer_that_gets_lost_on_the_way_loses_and_doubles_nothing() {
    for_every_request(|machine, folder, request| {
        machine.fake.fault(Fault::new(
            "*",
            "",
            Nth::Only(request),
            FaultAction::DropAfter,
        ));
        ended(begin(machine, folder), "kado submit");
        machine.fake.clear_faults();
    });
}
