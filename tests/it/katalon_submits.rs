//! Katalon's own submission at the same time: what it submitted is recorded and not sent again, and
//! what only looks like it never keeps a result back.

#![expect(clippy::disallowed_methods, reason = "a test lays out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use fake_ado::KatalonUpload;
use fake_katalon::{CollectionWriter, Phase, SuiteRunWriter, Test, TestCaseFile};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{Machine, Output, PLAN, finished, now, tc};

/// The name that the project gives its runs.
pub(crate) const NAME: &str = "Run by Katalon Studio";
const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Pay", "1002")];

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "declined"),
    ])
}

/// What kado reads of a run.
fn inspected(machine: &Machine, folder: &Path) -> Value {
    let inspected = machine.kado(&["inspect", &folder.to_string_lossy(), "--json"]);
    serde_json::from_str(&inspected.out).unwrap()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// What Katalon would upload of a run, with times changed by `change`.
pub(crate) fn upload(
    machine: &Machine,
    folder: &Path,
    name: &str,
    change: impl Fn(Timestamp) -> Option<Timestamp>,
) -> KatalonUpload {
    let seen = inspected(machine, folder);
    let mut upload = KatalonUpload::new("Shop", PLAN, name);

    for (test, point) in seen["tests"].as_array().unwrap().iter().zip([11, 12]) {
        let outcome = if test["status"] == "PASSED" {
            "Passed"
        } else {
            "Failed"
        };
        let changed = |name: &str| change(time(&test[name]));
        upload = upload.result(point, outcome, changed("started").zip(changed("ended")));
    }

    upload
}

/// A machine with a project and a run of it that lies there.
fn ran() -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let folder = run().write_in(&shop).unwrap();

    (machine, folder)
}

/// Submits a run while this upload of Katalon's is there.
fn submit_beside(change: impl Fn(&Machine, &Path) -> KatalonUpload) -> (Machine, Output) {
    let (machine, folder) = ran();
    let upload = change(&machine, &folder);
    machine.fake.world().add_katalon_upload(upload);
    let output = machine.submit_folder(&folder);

    (machine, output)
}

/// How many test runs there are when somebody else's lies beside ours.
fn runs_beside(change: impl Fn(&Machine, &Path) -> KatalonUpload) -> usize {
    let (machine, output) = submit_beside(change);

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        machine.row()["state"],
        "submitted",
        "{:?}",
        machine.states()
    );
    machine.ado_runs().len()
}

#[test]
fn a_run_that_katalon_submitted_is_recorded_with_its_test_run_and_nothing_is_sent() {
    let (machine, output) = submit_beside(|machine, folder| upload(machine, folder, NAME, Some));

    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output
            .out
            .contains("submitted by Katalon itself as test run 150"),
        "{output:?}"
    );
    let row = machine.row();
    assert_eq!(row["state"], "submitted");
    assert_eq!(row["submitted_by"], "katalon");
    assert_eq!(row["ado_run_id"], 150);
    assert!(row["url"].as_str().unwrap().contains("runId=150"), "{row}");
    assert_eq!(&row["error"], &Value::Null);
    assert_eq!(row["results"], 2);
    assert_eq!(row["attachments"], 0);
    assert_eq!(machine.ado_runs().len(), 1);
    assert_eq!(machine.writes(), [""; 0]);

    let shown = machine.kado(&["runs", "show", "1"]);

    assert!(
        shown
            .out
            .contains("kado would have sent this, and sent nothing of it:"),
        "{shown:?}"
    );
}

#[test]
fn what_katalon_submitted_is_not_sent_later_either_and_gets_no_late_reports() {
    let (machine, folder) = ran();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    for _ in 0..2 {
        assert_eq!(machine.kado(&["run", "--once"]).code, 0);
        std::fs::write(folder.join("late.pdf"), "%PDF").unwrap();
        crate::support::age(&folder);
    }

    assert_eq!(machine.kado(&["runs", "retry", "1"]).code, 1);
    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.writes(), [""; 0]);
    assert_eq!(machine.row()["submitted_by"], "katalon");
}

#[test]
fn a_run_that_katalon_submitted_is_known_among_many_newer_ones_of_its_name() {
    let (machine, folder) = ran();
    let own = upload(&machine, &folder, NAME, Some);
    machine.fake.world().add_katalon_upload(own);
    for hours in 1..=15 {
        let later = upload(&machine, &folder, NAME, |time| {
            Some(time + SignedDuration::from_hours(hours))
        });
        let id = machine.fake.world().add_katalon_upload(later);
        machine.fake.world().run_mut(id).unwrap().created += SignedDuration::from_hours(hours);
    }
    let output = machine.submit_folder(&folder);

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(machine.row()["ado_run_id"], 150, "{:?}", machine.states());
    assert_eq!(machine.writes(), [""; 0]);
}

#[test]
fn a_person_who_asks_for_a_run_again_gets_kados_own() {
    let (machine, folder) = ran();
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);

    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(machine.ado_runs().len(), 2);
    let by: Vec<Value> = machine
        .rows()
        .iter()
        .map(|row| row["submitted_by"].clone())
        .collect();
    assert_eq!(by, ["kado", "katalon"]);
}

#[test]
fn times_in_whole_seconds_and_the_same_computer_are_katalons_too() {
    let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).ok();
    let count =
        runs_beside(|machine, folder| upload(machine, folder, NAME, whole).computer("agent-01"));

    assert_eq!(count, 1);
}

#[test]
fn a_run_of_another_agent_at_the_same_time_never_suppresses_ours() {
    let later = |time: Timestamp| Some(time + SignedDuration::from_millis(137));

    assert_eq!(
        runs_beside(|machine, folder| upload(machine, folder, NAME, later)),
        2
    );
    assert_eq!(
        runs_beside(|machine, folder| upload(machine, folder, NAME, Some).computer("AGENT-02")),
        2
    );
}

#[test]
fn a_run_of_the_same_name_with_other_results_never_suppresses_ours() {
    let times = |machine: &Machine, folder: &Path| {
        let seen = inspected(machine, folder);
        [0, 1]
            .map(|test| &seen["tests"][test])
            .map(|test| Some((time(&test["started"]), time(&test["ended"]))))
    };
    let other_outcome = |machine: &Machine, folder: &Path| {
        let [first, second] = times(machine, folder);
        KatalonUpload::new("Shop", PLAN, NAME)
            .result(11, "Passed", first)
            .result(12, "Passed", second)
    };

    assert_eq!(runs_beside(other_outcome), 2);
    let half = |machine: &Machine, folder: &Path| {
        let [first, _] = times(machine, folder);
        KatalonUpload::new("Shop", PLAN, NAME).result(11, "Passed", first)
    };
    assert_eq!(runs_beside(half), 2);
    assert_eq!(
        runs_beside(|machine, folder| upload(machine, folder, "Somebody's nightly", Some)),
        2
    );
}

#[test]
fn a_part_of_the_run_that_katalon_submitted_is_told_and_the_whole_run_is_sent() {
    let first = |machine: &Machine, folder: &Path| upload(machine, folder, NAME, Some).first(1);
    let (machine, output) = submit_beside(first);

    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.err.contains("Katalon submitted a part of this run"),
        "{output:?}"
    );
    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(machine.row()["results"], 2);

    let shown = machine.kado(&["runs", "show", "1"]);

    assert!(
        shown
            .out
            .contains("a part of this run, submitted by Katalon itself as test run 150"),
        "{shown:?}"
    );

    let told = machine.kado(&["check", "--offline"]);

    assert!(
        told.out
            .contains("submitted by both: 1 so far, last test run 151 by kado and 150 by Katalon"),
        "{told:?}"
    );
}

#[test]
fn a_run_that_only_overlaps_ours_never_suppresses_it() {
    let moved = |by: i64| {
        move |machine: &Machine, folder: &Path| {
            let ours = inspected(machine, folder);
            let by = SignedDuration::from_millis(by);
            upload(machine, folder, NAME, |_| None)
                .took(time(&ours["started"]) + by, time(&ours["ended"]) + by)
        }
    };

    assert_eq!(runs_beside(moved(-500)), 2);
    assert_eq!(
        runs_beside(moved(0)),
        1,
        "with the times of the suite it is Katalon's"
    );
}

#[test]
fn an_open_run_of_the_same_name_that_is_not_being_filled_holds_nothing_up() {
    let made = |minutes: i64| {
        let machine = Machine::new();
        let folder = run().start(now()).write_in(&machine.shop(&CASES)).unwrap();
        let begun = upload(&machine, &folder, NAME, Some).begun();
        let open = machine.fake.world().add_katalon_upload(begun);
        let long_ago = now() - SignedDuration::from_mins(minutes);
        let mut world = machine.fake.world();
        let run = world.run_mut(open).unwrap();
        (run.created, run.updated) = (long_ago, long_ago);
        run.results
            .iter_mut()
            .for_each(|result| result.updated = long_ago);
        drop(world);
        let output = machine.submit_folder(&folder);
        (machine.row()["state"].clone(), output)
    };

    let (state, output) = made(0);
    assert_eq!(state, "submitting", "{output:?}");
    assert!(
        output
            .out
            .contains("Katalon seems to be submitting this run itself"),
        "{output:?}"
    );
    let (state, output) = made(5);
    assert_eq!(state, "submitted", "{output:?}");
}

#[test]
fn what_is_left_to_katalon_is_submitted_by_command_only_where_katalon_did_not() {
    let (machine, folder) = ran();
    machine.configure("[submit]\nkatalon_submits = \"always\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.row()["submitted_by"], "katalon");
    assert_eq!(machine.ado_runs().len(), 1);
    let (other, folder) = ran();
    other.configure("[submit]\nkatalon_submits = \"always\"\n");
    assert_eq!(other.submit_folder(&folder).code, 0);
    assert_eq!(other.row()["submitted_by"], "kado");
    assert_eq!(other.ado_runs().len(), 1);
}

#[test]
fn a_run_without_times_of_its_tests_proves_nothing_and_is_told() {
    let (machine, output) =
        submit_beside(|machine, folder| upload(machine, folder, NAME, |_| None));

    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.err.contains("no times that prove it"), "{output:?}");
    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(machine.row()["submitted_by"], "kado");
}

#[test]
fn katalons_own_name_counts_even_where_kado_gives_another() {
    let (machine, folder) = ran();
    machine.configure("[submit]\ntest_run_name = \"kado's\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.row()["submitted_by"], "katalon");
}

#[test]
fn with_never_nobody_looks_for_it() {
    let (machine, folder) = ran();
    machine.configure("[submit]\nkatalon_submits = \"never\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(machine.row()["submitted_by"], "kado");
}

#[test]
fn the_first_run_of_a_project_gives_katalon_time_and_is_then_found_to_be_submitted() {
    let machine = Machine::new();
    machine.configure("[submit]\nkatalon_wait = \"15s\"\n");
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    // It ends a little later than now, so that also a slow machine sees it before the time is over.
    let folder = run()
        .start(now() + SignedDuration::from_secs(30))
        .write_in(&shop)
        .unwrap();
    machine.wait_for_rows("a run that waits for Katalon", |rows| {
        rows.iter()
            .any(|row| row.contains("pending gives Katalon time to submit this run itself"))
    });
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));
    machine.wait_for_rows("the run to be recorded", |rows| {
        rows.iter().any(|row| row.contains(" submitted"))
    });

    assert_eq!(machine.row()["submitted_by"], "katalon");
    assert_eq!(machine.ado_runs().len(), 1);

    service.stop_cleanly();
    let told = machine.kado(&["check", "--offline"]);

    assert!(
        told.out
            .contains("Katalon submits runs of this project itself: test run 150 was seen at"),
        "{told:?}"
    );
}

#[test]
fn an_upload_that_has_begun_is_waited_for() {
    let machine = Machine::new();
    // The run may be over before the service first sees the machine.
    machine.configure("history = \"all\"\n[submit]\nkatalon_wait = \"0s\"\n");
    let shop = machine.shop(&CASES);

    let folder = run().start(now()).write_in(&shop).unwrap();
    let whole = upload(&machine, &folder, NAME, Some);
    let id = machine
        .fake
        .world()
        .add_katalon_upload(whole.clone().begun());
    let service = machine.start();
    machine.wait_for_rows("a run that waits for the upload", |rows| {
        rows.iter().any(|row| {
            row.contains("Katalon seems to be submitting this run itself, as test run 150")
        })
    });
    let mut world = machine.fake.world();
    let other = world.add_katalon_upload(whole);
    let results = world.run(other).unwrap().results.clone();
    let begun = world.run_mut(id).unwrap();
    (begun.results, begun.state) = (results, "Completed".to_owned());
    world.run_mut(other).unwrap().name = "moved".to_owned();
    drop(world);
    machine.wait_for_rows("the run to be recorded", |rows| {
        rows.iter().any(|row| row.contains(" submitted"))
    });

    assert_eq!(machine.row()["submitted_by"], "katalon");
    assert_eq!(machine.row()["ado_run_id"], 150);

    service.stop_cleanly();
}

#[test]
fn a_run_that_is_left_to_katalon_has_not_failed_and_no_other_command_hurries_it() {
    let (machine, folder) = ran();
    machine.configure("[submit]\nkatalon_wait = \"10m\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let shop = machine.work().join("Shop");

    let service = machine.start();
    let left = run().start(now()).write_in(&shop).unwrap();
    let is_left =
        |row: &String| row.contains("pending gives Katalon time to submit this run itself");
    machine.wait_for_rows("the run to be left to Katalon", |rows| {
        rows.iter().any(is_left)
    });
    let status = machine.kado(&["status"]);

    assert_eq!(status.code, 0, "{status:?}");

    let retried = machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(retried.code, 0, "{retried:?}");

    service.stop_cleanly();
    let newer = run()
        .start(now() + SignedDuration::from_secs(30))
        .write_in(&shop)
        .unwrap();

    let submitted = machine.submit_folder(&newer);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.states().iter().filter(|row| is_left(row)).count(),
        1,
        "{:?}",
        machine.states()
    );
    assert_eq!(
        machine.ado_runs().len(),
        2,
        "Katalon's of the first, and kado's of the newest"
    );
    assert!(left.exists());
}

#[test]
fn a_run_that_goes_after_one_that_is_left_to_katalon_says_so_wherever_it_is_told() {
    let (machine, folder) = ran();
    let bank = machine.work().join("Bank");
    machine.configure(&format!(
        "[submit]\nkatalon_wait = \"10m\"\n[[project]]\npath = {bank:?}\n\
         submit.katalon_submits = \"never\"\n"
    ));
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let cases = CASES.map(|(name, ids)| TestCaseFile::new(&tc(name)).azure(ids));
    machine.project("Bank", machine.settings(), cases);
    let shop = machine.work().join("Shop");

    let service = machine.start();
    run().start(now()).write_in(&shop).expect("a run");
    machine.wait_for_rows("the run to be left to Katalon", |rows| {
        rows.iter().any(|row| row.contains("pending gives Katalon"))
    });
    let after = run()
        .start(now() + SignedDuration::from_secs(10))
        .write_in(&bank)
        .expect("a run");
    machine.wait_for_rows(
        "the run of the other project to say what it waits for",
        |rows| {
            rows.iter()
                .any(|row| row.contains("pending goes after run 2 of its test plan"))
        },
    );

    let rows = machine.rows();
    let row = rows
        .iter()
        .find(|row| row["project"] == "Bank")
        .expect("it is listed");
    assert_eq!(row["goes_after"], 2);
    assert!(row["next_attempt"].is_string(), "{row}");
    let id = row["id"].to_string();
    let folder = after.to_string_lossy();
    for command in [
        vec!["runs"],
        vec!["runs", "show", &id],
        vec!["why", &folder],
    ] {
        let told = machine.kado(&command);
        assert!(
            told.out.contains("goes after run 2"),
            "{command:?}: {told:?}"
        );
    }
    let status = machine.kado(&["status"]);
    assert_eq!(status.code, 0, "it is no problem: {status:?}");

    service.stop_cleanly();
}

#[test]
fn a_run_that_both_submitted_is_noticed_at_the_next_look_and_told_by_check() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let first = run().start(now()).write_in(&shop).unwrap();

    assert_eq!(machine.submit_folder(&first).code, 0);

    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &first, NAME, Some));

    let second = run()
        .start(now() + SignedDuration::from_secs(1))
        .write_in(&shop)
        .unwrap();

    let output = machine.submit_folder(&second);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output
            .err
            .contains("Katalon submitted this run as well, after kado"),
        "{output:?}"
    );
    assert_eq!(machine.ado_runs().len(), 3, "nothing is deleted");

    let told = machine.kado(&["check", "--offline"]);

    assert!(
        told.out.contains(
            "submitted by both: 1 so far, last test run 150 by kado and 151 by Katalon (run 1 of"
        ),
        "{told:?}"
    );

    // It is told once.
    let third = run()
        .start(now() + SignedDuration::from_secs(2))
        .write_in(&shop)
        .unwrap();

    assert!(!machine.submit_folder(&third).err.contains("as well"));
}

#[test]
fn the_suites_of_a_collection_wait_for_its_end_where_katalon_was_seen_to_submit() {
    let (machine, folder) = ran();
    machine.configure("[submit]\nkatalon_wait = \"1s\"\n");
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let shop = machine.work().join("Shop");

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let collection = CollectionWriter::new("Test Suites/All", now(), vec![run().start(now())]);
    collection.write_start(&shop).unwrap();
    let member = collection.members()[0].clone();
    let folder = member.folder_in(&shop);
    member.live(&folder).perform_through(Phase::Closed).unwrap();
    machine.wait_for_rows("a run that waits for its collection", |rows| {
        rows.iter()
            .any(|row| row.contains("those of a collection when the whole has ended"))
    });
    machine
        .fake
        .world()
        .add_katalon_upload(upload(&machine, &folder, NAME, Some));
    member.write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    machine.wait_for_rows("both to be recorded", |rows| {
        rows.iter().all(|row| row.contains(" submitted"))
    });

    let by: Vec<Value> = machine
        .rows()
        .iter()
        .map(|row| row["submitted_by"].clone())
        .collect();
    assert_eq!(by, ["katalon", "katalon"]);

    service.stop_cleanly();
}

/// A machine that submits collections as one run, one that lies there, and Katalon's uploads of its
/// two suites.
fn collection_as_one() -> (Machine, PathBuf, [KatalonUpload; 2]) {
    let machine = Machine::new();
    machine.configure("[submit]\ncollections = \"one\"\nkatalon_wait = \"0s\"\n");
    let shop = machine.shop(&CASES);
    let members = [("Test Suites/A", "Sign in", 0), ("Test Suites/B", "Pay", 2)].map(
        |(suite, case, seconds)| {
            let start = now() + SignedDuration::from_secs(seconds);
            SuiteRunWriter::new(suite)
                .pace(20)
                .start(start)
                .test(Test::passed(&tc(case)))
        },
    );

    let collection = CollectionWriter::new("Test Suites/All", now(), members.to_vec());
    let folders = collection.write_in(&shop).unwrap();
    let uploads = [(0, 11), (1, 12)].map(|(member, point): (usize, u32)| {
        let inspected = machine.kado(&["inspect", &folders[member].to_string_lossy(), "--json"]);
        let seen: Value = serde_json::from_str(&inspected.out).unwrap();
        let time = |name: &str| {
            seen["tests"][0][name]
                .as_str()
                .unwrap()
                .parse::<Timestamp>()
                .unwrap()
        };
        KatalonUpload::new("Shop", PLAN, NAME).result(
            point,
            "Passed",
            Some((time("started"), time("ended"))),
        )
    });

    (machine, collection.folder_in(&shop), uploads)
}

#[test]
fn a_collection_as_one_run_is_katalons_when_all_its_suites_are() {
    let (machine, folder, uploads) = collection_as_one();
    for upload in uploads {
        machine.fake.world().add_katalon_upload(upload);
    }

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.row()["submitted_by"], "katalon");
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn a_collection_as_one_run_that_both_submitted_is_noticed_by_the_uploads_of_its_suites() {
    let (machine, folder, uploads) = collection_as_one();

    assert_eq!(machine.submit_folder(&folder).code, 0);

    for upload in uploads {
        machine.fake.world().add_katalon_upload(upload);
    }

    let next = run()
        .start(now() + SignedDuration::from_secs(9))
        .write_in(&machine.work().join("Shop"))
        .unwrap();

    let output = machine.submit_folder(&next);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        output
            .err
            .matches("Katalon submitted this run as well, after kado")
            .count(),
        1,
        "{output:?}"
    );

    let told = machine.kado(&["check", "--offline"]);

    assert!(told.out.contains("submitted by both: 1 so far"), "{told:?}");
}

#[test]
fn that_katalon_may_submit_as_well_is_said_once_for_a_project_and_not_for_every_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    for number in 0..3 {
        run()
            .start(now() + SignedDuration::from_secs(number))
            .write_in(&shop)
            .unwrap();
        machine.wait_for_completed(usize::try_from(number).unwrap() + 1);
    }

    let told = service
        .log()
        .matches("Katalon may submit runs of this project as well")
        .count();
    assert_eq!(told, 1, "{}", service.log());

    service.stop_cleanly();
}
