//! Collections as one run (`submit.collections = "one"`): what they become, when, and that nothing
//! of them gets lost.

#![expect(clippy::disallowed_methods, reason = "tests lay out and wipe files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use fake_ado::TestRun;
use fake_katalon::{
    AzureSettings, CollectionWriter, ConfigurationRow, Ending, Phase, SuiteRunWriter, Test,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{
    Machine, Service, age, closed_file, finished, names, now, start_of, tc, wait_until,
};

pub(crate) const ONE: &str = "[submit]\ncollections = \"one\"\n";
/// For runs of a time that is long gone.
pub(crate) const ALL: &str =
    "history = \"all\"\nruns_from = \"any\"\n[submit]\ncollections = \"one\"\n";
pub(crate) const CASES: [(&str, &str); 3] =
    [("Sign in", "1001"), ("Pay", "1002"), ("Browse", "1003")];
/// Long enough for the service to do what it should not do.
const A_WHILE: Duration = Duration::from_secs(5);

pub(crate) fn member(suite: &str, start: Timestamp, test: Test) -> SuiteRunWriter {
    SuiteRunWriter::new(suite).start(start).pace(20).test(test)
}

/// A collection of two suites that starts then.
pub(crate) fn collection(start: Timestamp) -> CollectionWriter {
    let second = start + SignedDuration::from_millis(700);
    let members = vec![
        member("Test Suites/Smoke", start, Test::passed(&tc("Sign in"))),
        member(
            "Test Suites/Shop/Full",
            second,
            Test::failed(&tc("Pay"), "declined").screenshot(),
        ),
    ];

    CollectionWriter::new("Test Suites/All", start, members)
}

fn submit(machine: &Machine, folder: &Path) -> crate::support::Output {
    machine.submit_folder(folder)
}

/// Outcome by test point.
pub(crate) fn outcomes(run: &TestRun) -> Vec<(u32, &str)> {
    run.results
        .iter()
        .map(|result| (result.point_id.unwrap(), result.outcome.as_str()))
        .collect()
}

pub(crate) fn comment(run: &TestRun) -> &str {
    run.comment.as_deref().unwrap_or_default()
}

/// Writes everything of a member but what comes with the end of its collection.
pub(crate) fn play(collection: &CollectionWriter, at: usize, project: &Path) -> PathBuf {
    let member = &collection.members()[at];
    let folder = member.folder_in(project);
    member.live(&folder).perform_through(Phase::Closed).unwrap();

    folder
}

/// A service that has seen a collection begin and one member of it end.
fn begun(machine: &Machine, project: &Path, ended: usize) -> (Service, CollectionWriter) {
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let collection = collection(now());
    collection.write_start(project).unwrap();
    play(&collection, ended, project);
    service.wait_for_log("waits for its collection to end");

    (service, collection)
}

#[test]
fn a_run_beside_a_report_that_is_cut_or_that_is_one_of_too_many_says_so() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let collection = collection(now());
    let members = collection.write_in(&shop).unwrap();
    let own = collection.folder_in(&shop);
    let report = crate::support::files(&own)
        .into_iter()
        .find(|name| name.ends_with(".rp"))
        .unwrap();
    let text = fs::read_to_string(own.join(&report)).unwrap();
    fs::write(own.join(&report), &text[..text.len() / 2]).unwrap();

    let cut = submit(&machine, &members[0]);

    assert_eq!(cut.code, 1, "{cut:?}");
    let named = format!("{report}` cannot be read");
    let said = machine.kado(&["inspect", members[0].to_str().unwrap()]);
    assert!(said.out.contains(&named), "{said:?}");

    for number in 0..20 {
        fs::write(own.join(format!("{number}.rp")), "<a></a>").unwrap();
    }

    let too_many = machine.kado(&["inspect", members[1].to_str().unwrap()]);

    let named = "20 reports of collections (`.rp`), lie in it";
    assert!(too_many.out.contains(named), "{too_many:?}");
}

#[test]
fn a_collection_becomes_one_run_with_the_results_of_each_member() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());

    let folders = collection.write_in(&shop).unwrap();
    let output = submit(&machine, &collection.folder_in(&shop));

    assert_eq!(output.code, 0, "{output:?}");
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(11, "Passed"), (12, "Failed")]);
    assert_eq!(run.state, "Completed");
    let files = names(&run.attachments);
    assert!(
        files.contains(&"Full execution0.log".to_owned()),
        "{files:?}"
    );
    assert!(
        files.contains(&"Smoke execution0.log".to_owned()),
        "{files:?}"
    );
    assert!(
        files
            .iter()
            .all(|name| name.starts_with("Full ") || name.starts_with("Smoke ")),
        "{files:?}"
    );
    assert_eq!(run.results[1].attachments.len(), 1);
    assert!(
        comment(&run).contains("Test Suites/All on AGENT-01"),
        "{}",
        comment(&run)
    );
    assert!(
        comment(&run).contains("Full: 1 FAILED; Chrome"),
        "{}",
        comment(&run)
    );
    let row = machine.row();
    assert_eq!(row["suite"], "Test Suites/All");
    assert_eq!(row["state"], "submitted");
    assert_eq!(row["results"], 2);

    // A member stands for the whole, which is submitted already.
    let again = submit(&machine, &folders[1]);

    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.err.contains("was submitted already"), "{again:?}");
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn each_member_is_a_run_of_its_own_unless_somebody_says_otherwise() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&CASES);

    for folder in collection(start_of()).write_in(&shop).unwrap() {
        age(&folder);
    }
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(
        machine.states(),
        [
            "Test Suites/Shop/Full submitted",
            "Test Suites/Smoke submitted"
        ]
    );
    let runs = machine.ado_runs();
    let mut results: Vec<_> = runs.iter().map(outcomes).collect();
    results.sort();
    assert_eq!(results, [[(11, "Passed")], [(12, "Failed")]]);
}

#[test]
fn a_member_that_katalon_ran_again_because_it_failed_is_another_attempt_in_the_whole() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let again = start_of() + SignedDuration::from_secs(2);
    let members = vec![
        member(
            "Test Suites/Smoke",
            start_of(),
            Test::failed(&tc("Pay"), "declined"),
        ),
        member("Test Suites/Smoke", again, Test::passed(&tc("Pay"))),
    ];
    let collection = CollectionWriter::new("Test Suites/All", start_of(), members);

    let first = &collection.write_in(&shop).unwrap()[0];

    // One re-run is left after the first one, and none after the second.
    let log = fs::read_to_string(first.join("execution0.log")).unwrap();
    let left = |count: u32| format!("<property name=\"retryCount\">{count}<");
    fs::write(
        first.join("execution0.log"),
        log.replacen(&left(0), &left(1), 1),
    )
    .unwrap();
    assert_eq!(submit(&machine, &collection.folder_in(&shop)).code, 0);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(12, "Passed")]);
    assert_eq!(
        run.results[0].comment.as_deref(),
        Some("Katalon: PASSED; passed on retry 1")
    );
}

#[test]
fn a_project_can_say_by_itself_that_its_collections_are_one_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    fs::write(shop.join("kado.toml"), ONE).unwrap();
    let collection = collection(start_of());

    let folders = collection.write_in(&shop).unwrap();
    // The machine does not say so of others.
    let other = machine.project(
        "Other/Shop",
        machine.settings(),
        CASES.map(|(name, ids)| fake_katalon::TestCaseFile::new(&tc(name)).azure(ids)),
    );
    let alone = collection_in_seconds(60).write_in(&other).unwrap();

    assert_eq!(submit(&machine, &folders[0]).code, 0);
    assert_eq!(
        outcomes(&machine.ado_run()),
        [(11, "Passed"), (12, "Failed")]
    );
    assert_eq!(machine.states(), ["Test Suites/All submitted"]);
    assert_eq!(submit(&machine, &alone[0]).code, 0);
    assert_eq!(
        machine.states(),
        ["Test Suites/All submitted", "Test Suites/Smoke submitted"]
    );

    // What the machine says of all is stronger.
    machine.configure("[submit]\ncollections = \"each\"\n");

    let third = collection_in_seconds(120).write_in(&shop).unwrap();

    assert_eq!(submit(&machine, &third[0]).code, 0);
    assert_eq!(machine.rows()[0]["suite"], "Test Suites/Smoke");
    assert_eq!(machine.rows().len(), 3);
}

/// The same collection, so much later.
fn collection_in_seconds(seconds: i64) -> CollectionWriter {
    collection(start_of() + SignedDuration::from_secs(seconds))
}

#[test]
fn members_on_different_browsers_go_to_the_points_of_their_configurations() {
    let machine = Machine::with(crate::support::world().point(211, 21, 1001, 2));
    machine.configure(ONE);
    let rows = vec![
        ConfigurationRow::new("--Any--", "Chrome", 1),
        ConfigurationRow::new("--Any--", "Firefox", 2),
    ];
    let shop = machine.shop_with(
        AzureSettings {
            configuration_rows: rows,
            ..machine.settings()
        },
        &CASES,
    );
    let start = start_of();
    let on = |browser: &str, test: Test, at: i64| {
        let start = start + SignedDuration::from_millis(at);
        member("Test Suites/Smoke", start, test)
            .configuration(browser)
            .browser(&format!("{browser} 120.0"))
    };
    let members = vec![
        on("Chrome", Test::passed(&tc("Sign in")), 0),
        on("Firefox", Test::failed(&tc("Sign in"), "no"), 900),
    ];
    let collection = CollectionWriter::new("Test Suites/Browsers", start, members);

    collection.write_in(&shop).unwrap();

    assert_eq!(submit(&machine, &collection.folder_in(&shop)).code, 0);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(11, "Passed"), (211, "Failed")]);
    let logs: Vec<_> = names(&run.attachments)
        .into_iter()
        .filter(|name| name.ends_with(".log"))
        .collect();
    assert_eq!(
        logs,
        [
            "Smoke (Chrome) execution0.log",
            "Smoke (Firefox) execution0.log"
        ]
    );

    let shown = machine.kado(&["runs", "show", "1"]);

    assert!(
        shown
            .out
            .contains("Smoke (Firefox): any / Firefox / any → configuration 2"),
        "{shown:?}"
    );
}

#[test]
fn a_dry_run_shows_the_whole_and_a_running_collection_is_refused() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    collection.write_start(&shop).unwrap();

    let first = play(&collection, 0, &shop);
    let refused = submit(&machine, &first);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .err
            .contains("is still running; it is submitted as a whole when it has ended"),
        "{refused:?}"
    );

    collection.write_in(&shop).unwrap();
    let planned = machine.kado(&["submit", "--dry-run", "--json", &first.to_string_lossy()]);

    assert_eq!(planned.code, 0, "{planned:?}");
    let plans: Value = serde_json::from_str(&planned.out).unwrap();
    let points: Vec<_> = plans[0]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["point_id"].clone())
        .collect();
    assert_eq!(points, [11, 12]);
    assert_eq!(machine.writes(), [""; 0]);
}

#[test]
fn the_service_submits_a_collection_when_it_has_ended_and_not_before() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let (service, collection) = begun(&machine, &shop, 0);
    sleep(A_WHILE);

    assert_eq!(machine.fake.requests().len(), 0, "{}", service.log());
    assert_eq!(machine.rows().len(), 0);

    collection.members()[1].write_in(&shop).unwrap();
    collection.members()[0].write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    machine.wait_for_completed(1);

    sleep(A_WHILE);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(11, "Passed"), (12, "Failed")]);
    assert_eq!(machine.row()["suite"], "Test Suites/All");

    service.stop_cleanly();

    // Nothing of it comes up again.
    let service = machine.start_in_detail();
    assert_eq!(service.read_by_its_first_sweep(), 0, "{}", service.log());

    service.stop_cleanly();

    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn a_suite_that_is_in_no_collection_is_submitted_as_ever() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);

    let output = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(machine.row()["suite"], "Test Suites/Smoke");
    assert!(
        names(&machine.ado_run().attachments)
            .iter()
            .all(|name| !name.contains(' '))
    );
}

#[test]
fn what_was_gathered_survives_a_restart_in_the_middle() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let (service, collection) = begun(&machine, &shop, 0);

    service.kill();
    collection.members()[1].write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    let service = machine.start();
    machine.wait_for_completed(1);

    assert_eq!(
        outcomes(&machine.ado_run()),
        [(11, "Passed"), (12, "Failed")]
    );
    assert_eq!(machine.rows().len(), 1);

    service.stop_cleanly();
}

#[test]
fn a_workspace_that_is_wiped_in_the_middle_costs_only_what_had_not_ended() {
    let machine = Machine::new();
    let (base, token) = (
        machine.fake.base_url(),
        closed_file(&machine.root().join("token"), crate::support::TOKEN),
    );
    machine.configure(&format!(
        "[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n{ONE}"
    ));
    let shop = machine.shop(&CASES);
    let (service, _) = begun(&machine, &shop, 1);

    service.kill();
    // Gone while nobody looked.
    fs::remove_dir_all(&shop).unwrap();
    let service = machine.start();
    machine.wait_for_completed(1);

    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(12, "Failed")]);
    assert_eq!(names(&run.attachments), ["Full execution0.log"]);
    assert_eq!(run.results[0].attachments.len(), 1);
    assert!(
        comment(&run).contains("suite `Test Suites/Smoke` vanished before it was over"),
        "{}",
        comment(&run)
    );

    service.stop_cleanly();

    assert_eq!(
        fs::read_dir(machine.state().join("spool")).map_or(0, Iterator::count),
        0,
        "its copies are removed"
    );
}

#[test]
fn the_files_of_a_suite_that_passed_are_kept_for_a_collection_that_may_fail() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    collection.write_start(&shop).unwrap();

    let passed = collection.members()[0].write_in(&shop).unwrap();

    age(&shop.join("Reports"));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);

    fs::remove_dir_all(&passed).unwrap();

    collection.members()[1].write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 0, "{sent:?}");
    let files = names(&machine.ado_run().attachments);
    assert!(
        files.contains(&"Smoke execution0.log".to_owned()),
        "{files:?}"
    );
}

#[test]
fn members_that_never_started_do_not_hold_it_and_are_named() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    collection.write_start(&shop).unwrap();

    let first = collection.members()[0].write_in(&shop).unwrap();

    age(&shop.join("Reports"));
    // Nothing tells that the second one will not start, and the last change is not two hours old.
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.rows().len(), 0);
    collection.write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(11, "Passed")]);
    assert!(
        comment(&run).contains("suite `Test Suites/Shop/Full` never started"),
        "{}",
        comment(&run)
    );
    assert_eq!(machine.row()["skipped"][0]["kind"], "suite");
    assert_eq!(machine.submit_folder(&first).code, 0);
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn an_aborted_collection_is_submitted_without_what_was_aborted_when_it_was_quiet_for_long() {
    let machine = Machine::new();
    machine.configure(&format!("abort_after = \"1m\"\n{ALL}"));
    let shop = machine.shop(&CASES);
    let start = start_of();
    let third = member("Test Suites/Last", start, Test::passed(&tc("Browse")));
    let two = collection(start);
    let members = vec![
        two.members()[0].clone(),
        two.members()[1].clone().ending(Ending::Aborted),
        third,
    ];
    let collection = CollectionWriter::new("Test Suites/All", start, members);
    collection.write_start(&shop).unwrap();

    collection.members()[0]
        .clone()
        .ending(Ending::WithoutReports)
        .write_in(&shop)
        .unwrap();
    collection.members()[1].write_in(&shop).unwrap();

    age(&shop.join("Reports"));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(outcomes(&run), [(11, "Passed")]);
    assert!(
        comment(&run).contains("suite `Test Suites/Shop/Full` was aborted"),
        "{}",
        comment(&run)
    );
    assert!(
        comment(&run).contains("suite `Test Suites/Last` never started"),
        "{}",
        comment(&run)
    );
}

#[test]
fn a_copy_of_the_reports_is_the_same_collection() {
    let machine = Machine::new();
    machine.configure(ALL);
    let collection = collection(start_of());

    for name in ["Shop", "Copy/Shop"] {
        let cases = CASES.map(|(name, ids)| fake_katalon::TestCaseFile::new(&tc(name)).azure(ids));
        let shop = machine.project(name, machine.settings(), cases);
        collection.write_in(&shop).unwrap();
        age(&shop.join("Reports"));
    }

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_runs().len(), 1);
    assert_eq!(machine.rows().len(), 1);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn late_reports_of_a_member_are_added_with_its_name() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let collection = collection(now());

    let folders = collection.write_in(&shop).unwrap();

    assert_eq!(submit(&machine, &collection.folder_in(&shop)).code, 0);

    // The second comes when the service has looked at the collection and found the first.
    let service = machine.start();
    for name in ["late.pdf", "later.pdf"] {
        fs::write(folders[1].join(name), "%PDF").unwrap();
        age(&folders[1]);

        wait_until(name, || {
            let names = names(&machine.ado_run().attachments);
            let has_come = names.contains(&format!("Full {name}"));
            has_come.then_some(()).ok_or_else(|| format!("{names:?}"))
        });
    }

    service.stop_cleanly();
}

#[test]
fn a_parked_collection_is_planned_anew_from_its_folders() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&[("Sign in", "1099"), ("Pay", "1098")]);
    let collection = collection(start_of());

    collection.write_in(&shop).unwrap();

    assert_eq!(submit(&machine, &collection.folder_in(&shop)).code, 1);
    assert_eq!(machine.row()["state"], "parked");

    machine.shop(&CASES);

    let retried = machine.kado(&["runs", "retry", "1"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(
        outcomes(&machine.ado_run()),
        [(11, "Passed"), (12, "Failed")]
    );
}

#[test]
fn when_each_is_set_meanwhile_what_was_gathered_becomes_runs_of_their_own() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    collection.write_start(&shop).unwrap();

    collection.members()[0].write_in(&shop).unwrap();

    age(&shop.join("Reports"));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.rows().len(), 0);
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.states(), ["Test Suites/Smoke submitted"]);

    // And back again: it is named as what it became.
    machine.configure(ALL);

    collection.members()[1].write_in(&shop).unwrap();

    collection.write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(
        machine.states(),
        ["Test Suites/All submitted", "Test Suites/Smoke submitted"]
    );
    let runs = machine.ado_runs();
    assert_eq!(outcomes(&runs[0]), vec![(11, "Passed")]);
    assert_eq!(outcomes(&runs[1]), vec![(12, "Failed")]);
    assert!(
        comment(&runs[1]).contains("was submitted as a run of its own before"),
        "{}",
        comment(&runs[1])
    );
}

#[test]
fn a_run_is_late_when_the_result_of_the_collection_is_newer_and_not_when_only_its_end_is() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let at = |seconds: i64| start_of() + SignedDuration::from_secs(seconds);
    let members = vec![
        member("Test Suites/Smoke", at(0), Test::passed(&tc("Sign in"))),
        member("Test Suites/Shop/Full", at(60), Test::passed(&tc("Pay"))),
    ];
    let collection = CollectionWriter::new("Test Suites/All", at(0), members);

    collection.write_in(&shop).unwrap();

    assert_eq!(submit(&machine, &collection.folder_in(&shop)).code, 0);

    let alone = |suite: &str, seconds: i64, case: &str| {
        machine.submit(
            &shop,
            &member(suite, at(seconds), Test::failed(&tc(case), "no")),
        );
    };

    alone("Test Suites/Newer", 30, "Sign in");
    alone("Test Suites/Older", 40, "Pay");
    let states = machine.states();
    assert_eq!(
        states[..2],
        ["Test Suites/All submitted", "Test Suites/Newer submitted"]
    );
    assert!(
        states[2].starts_with("Test Suites/Older parked late: test point 12"),
        "{states:?}"
    );
}
