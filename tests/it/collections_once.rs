//! Collections as one run: no suite of one is submitted twice, whatever copies of it there are and
//! whatever `submit.collections` was when.

#![expect(clippy::disallowed_methods, reason = "tests lay out and copy files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_katalon::{CollectionWriter, Ending};

use crate::collections::{ALL, CASES, ONE, collection, comment, outcomes, play};
use crate::support::katalonc;
use crate::support::{Machine, Output, age, finish, now, start_of};

/// As [`ALL`], with a run for each suite.
const ALL_EACH: &str = "history = \"all\"\nruns_from = \"any\"\n[submit]\ncollections = \"each\"\n";
/// As [`ONE`], for runs of any machine.
const ONE_ANY: &str = "runs_from = \"any\"\n[submit]\ncollections = \"one\"\n";
const EACH: &str = "[submit]\ncollections = \"each\"\n";
const BOTH: [(u32, &str); 2] = [(11, "Passed"), (12, "Failed")];

/// A machine with the shop and a collection that is over, and where that and its members lie.
fn with_collection(config: &str) -> (Machine, PathBuf, PathBuf, Vec<PathBuf>) {
    let machine = Machine::new();
    machine.configure(config);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    let members = collection.write_in(&shop).unwrap();
    age(&shop.join("Reports"));
    let folder = collection.folder_in(&shop);

    (machine, shop, folder, members)
}

/// Copies a run folder flat, as `-reportFolder` does.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn once(machine: &Machine) -> Output {
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    once
}

fn again(machine: &Machine, folder: &Path) -> Output {
    machine.kado(&["submit", "--again", &folder.to_string_lossy()])
}

#[test]
fn a_copy_of_a_suite_that_is_made_after_its_collection_was_submitted_is_part_of_it() {
    let machine = Machine::new();
    machine.configure(ONE_ANY);
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let members = collection(now()).write_in(&shop).unwrap();
    machine.wait_for_completed(1);
    copy(&members[0], &shop.join("Reports/archive"));
    service.wait_for_log("is part of a collection that is one run");
    service.stop_cleanly();

    assert_eq!(outcomes(&machine.ado_run()), BOTH);
    assert_eq!(machine.states(), ["Test Suites/All submitted"]);

    // It is settled, and not read again by the next start.
    age(&shop.join("Reports"));

    once(&machine);

    let service = machine.start_in_detail();
    assert_eq!(service.read_by_its_first_sweep(), 0, "{}", service.log());

    service.stop_cleanly();
}

#[test]
fn a_copy_that_is_seen_first_leaves_the_suite_in_its_collection() {
    // Before and after the session in the order of names.
    for place in ["Reports/0-last", "Reports/last"] {
        let machine = Machine::new();
        machine.configure(ALL);
        let shop = machine.shop(&CASES);
        let collection = collection(start_of());
        collection.write_start(&shop).unwrap();

        let first = collection.members()[0].write_in(&shop).unwrap();
        copy(&first, &shop.join(place));
        age(&shop.join(place));
        // The suite itself is young and in its grace time, its copy is due.
        let seen = once(&machine);

        assert!(seen.err.contains("a copy of a suite run"), "{seen:?}");
        assert_eq!(machine.ado_runs().len(), 0, "{place}");
        assert_eq!(machine.rows().len(), 0, "{place}");

        collection.members()[1].write_in(&shop).unwrap();
        collection.write_end(&shop).unwrap();
        age(&shop.join("Reports"));
        once(&machine);

        assert_eq!(outcomes(&machine.ado_run()), BOTH, "{place}");
        assert_eq!(machine.states(), ["Test Suites/All submitted"], "{place}");
    }
}

#[test]
fn a_copy_whose_suite_was_gathered_and_wiped_is_no_run_of_its_own() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    collection.write_start(&shop).unwrap();

    let full = collection.members()[1].write_in(&shop).unwrap();
    age(&shop.join("Reports"));
    once(&machine);
    fs::rename(&full, machine.root().join("wiped")).unwrap();
    copy(&machine.root().join("wiped"), &shop.join("Reports/archive"));
    age(&shop.join("Reports"));
    once(&machine);

    assert_eq!(machine.ado_runs().len(), 0);
    assert_eq!(machine.rows().len(), 0);

    collection.members()[0].write_in(&shop).unwrap();
    collection.write_end(&shop).unwrap();
    age(&shop.join("Reports"));
    once(&machine);

    assert_eq!(outcomes(&machine.ado_run()), BOTH);
}

/// katalonc that runs a collection of two suites of a test each, and copies each into
/// `Reports/last`.
fn katalonc_arguments(shop: &Path) -> Vec<String> {
    let project = format!("-projectPath={}", shop.display());
    let more = [
        "-runMode=console",
        "-testSuiteCollectionPath=Test Suites/All",
        "-reportFolder=Reports/last",
    ];
    [project]
        .into_iter()
        .chain(more.map(str::to_owned))
        .collect()
}

/// Says that both suites are in the only run.
fn assert_one_with_both(machine: &Machine) {
    let run = machine.ado_run();

    assert_eq!(machine.states(), ["Test Suites/All submitted"]);
    assert!(
        comment(&run).contains("First: 1 PASSED") && comment(&run).contains("Second: 1 PASSED"),
        "{run:?}"
    );
    assert!(!comment(&run).contains("Left out"), "{run:?}");
}

#[test]
fn report_folders_inside_reports_double_nothing_beside_the_service() {
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&[("Sign in", "1001")]);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    let mut command = Command::new(katalonc::program());
    command.args(katalonc_arguments(&shop));
    assert_eq!(finish(command).code, 0);

    machine.wait_for_completed(1);
    service.wait_for_log("a copy of a suite run");
    service.stop_cleanly();
    age(&shop.join("Reports"));
    once(&machine);

    assert_one_with_both(&machine);
}

#[test]
fn report_folders_inside_reports_double_nothing_with_exec_alone_and_beside_a_service() {
    for with_service in [false, true] {
        let machine = Machine::new();
        machine.configure(ONE);
        let shop = machine.shop(&[("Sign in", "1001")]);

        let service = with_service.then(|| machine.start());
        service
            .iter()
            .for_each(|service| service.wait_for_log("found a Katalon project"));
        let done = finish(machine.exec(&["--strict"], &katalonc_arguments(&shop)));

        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(
            done.err.matches("submitted as test run").count(),
            1,
            "{done:?}"
        );

        drop(service);
        age(&shop.join("Reports"));

        once(&machine);

        assert_one_with_both(&machine);
    }
}

#[test]
fn a_person_who_names_a_copy_means_the_suite_and_so_the_whole() {
    let (machine, shop, _, members) = with_collection(ONE);
    let copied = shop.join("Reports/archive");
    copy(&members[1], &copied);
    let submitted = machine.submit_folder(&copied);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(outcomes(&machine.ado_run()), BOTH);
    // The original is gone, and the copy is still part of what was submitted.
    fs::remove_dir_all(&members[1]).unwrap();
    let second = machine.submit_folder(&copied);
    assert_eq!(second.code, 0, "{second:?}");
    insta::assert_snapshot!(machine.readable(&format!("{}{}", second.err, second.out)), @r"
    the run in `[temp]/work/Shop/Reports/archive` was submitted already, as part of run 1 (collection `Test Suites/All`); `--again` submits it once more by itself
    Test Suites/All (test plan 18): submitted as test run 150 with 2 results and 5 attachments
        [server]/Shop/_TestManagement/Runs?runId=150&_a=runCharts
    Test Plans > Runs in Azure DevOps shows manual runs of the past 7 days at first: set its filter `Run type` to `Automated` to find these there.
    ");
    machine.ado_run();
}

#[test]
fn a_suite_that_was_submitted_by_itself_is_not_sent_again_with_its_collection() {
    let (machine, _, folder, members) = with_collection(EACH);

    assert_eq!(machine.submit_folder(&members[0]).code, 0);

    machine.configure(ONE);

    let planned = machine.kado(&["submit", "--dry-run", "--json", &folder.to_string_lossy()]);

    assert!(
        planned.out.contains("\"point_id\": 12") && !planned.out.contains("\"point_id\": 11"),
        "{planned:?}"
    );
    let whole = machine.submit_folder(&folder);
    assert_eq!(whole.code, 0, "{whole:?}");
    let runs = machine.ado_runs();
    assert_eq!(runs.len(), 2);
    assert_eq!(outcomes(&runs[1]), vec![(12, "Failed")]);
    assert!(
        comment(&runs[1]).contains("suite `Test Suites/Smoke` was submitted as a run of its own"),
        "{runs:?}"
    );
    assert!(
        crate::support::names(&runs[1].attachments)
            .iter()
            .all(|name| name.starts_with("Full ")),
        "{runs:?}"
    );
    // And asked once more, by the service too, nothing comes of it.
    assert!(
        machine
            .submit_folder(&members[1])
            .err
            .contains("was submitted already")
    );

    machine.configure(ALL);

    once(&machine);

    assert_eq!(machine.ado_runs().len(), 2);
    // A person who says so gets all of it.
    assert_eq!(again(&machine, &folder).code, 0);
    assert_eq!(outcomes(&machine.ado_runs()[2]), BOTH);
}

#[test]
fn a_collection_whose_suites_were_all_submitted_by_themselves_is_submitted_already() {
    let (machine, _, folder, members) = with_collection(EACH);

    members
        .iter()
        .for_each(|member| assert_eq!(machine.submit_folder(member).code, 0));

    machine.configure(ALL);
    let whole = machine.submit_folder(&folder);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(whole.err.contains("was submitted already"), "{whole:?}");

    once(&machine);

    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(machine.rows().len(), 2);
}

#[test]
fn the_suites_of_a_collection_that_was_submitted_are_not_sent_again_by_themselves() {
    let (machine, _, folder, members) = with_collection(ONE);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    machine.configure(ALL_EACH);

    let found = once(&machine);

    assert_eq!(
        found
            .err
            .matches("is part of a collection that is one run")
            .count(),
        2,
        "{found:?}"
    );
    let asked = machine.submit_folder(&members[0]);
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(
        asked
            .err
            .contains("was submitted already, as part of run 1"),
        "{asked:?}"
    );
    assert_eq!(outcomes(&machine.ado_run()), BOTH);
    assert_eq!(machine.states(), ["Test Suites/All submitted"]);
    assert_eq!(again(&machine, &members[0]).code, 0);
    assert_eq!(
        machine.states(),
        ["Test Suites/All submitted", "Test Suites/Smoke submitted"]
    );
    // The whole is what it was, although a suite of it has a run of its own now.
    machine.configure(ONE);
    assert!(
        machine
            .submit_folder(&folder)
            .err
            .contains("was submitted already")
    );
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn a_suite_that_was_listed_as_ignored_is_not_sent_again_after_its_collection() {
    let (machine, _, folder, members) =
        with_collection(&ALL_EACH.replace("[submit]\n", "[submit]\nauto_submit = false\n"));

    once(&machine);

    assert_eq!(
        machine
            .rows()
            .iter()
            .filter(|row| row["state"] == "ignored")
            .count(),
        2
    );
    machine.configure(ONE);
    assert_eq!(machine.submit_folder(&folder).code, 0);
    machine.configure(EACH);
    let asked = machine.submit_folder(&members[0]);
    assert!(
        asked
            .err
            .contains("was submitted already, as part of run 3"),
        "{asked:?}"
    );

    let smoke = machine
        .rows()
        .into_iter()
        .find(|row| row["suite"] == "Test Suites/Smoke")
        .unwrap();

    let retried = machine.kado(&["runs", "retry", &smoke["id"].to_string()]);

    assert_eq!(retried.code, 1, "{retried:?}");
    assert!(retried.err.contains("is part of run 3"), "{retried:?}");
    machine.ado_run();
}

#[test]
fn a_parked_collection_is_retried_without_what_was_submitted_by_itself_meanwhile() {
    for wiped in [false, true] {
        let (machine, shop, folder, members) = with_collection(ONE);
        let settings = machine.settings();
        machine.shop_with(
            fake_katalon::AzureSettings {
                plans: Vec::new(),
                ..settings
            },
            &CASES,
        );

        assert_eq!(machine.submit_folder(&folder).code, 1);
        assert_eq!(machine.row()["state"], "parked");
        machine.shop(&CASES);
        machine.configure(EACH);
        assert_eq!(again(&machine, &members[0]).code, 0);

        machine.configure(&format!("{ONE}test_plans = [18]\n"));
        if wiped {
            fs::rename(shop.join("Reports"), machine.root().join("wiped")).unwrap();
        }

        let retried = machine.kado(&["runs", "retry", "1"]);

        let runs = machine.ado_runs();
        if wiped {
            // What was read before has no test plan.
            assert_eq!(retried.code, 1, "{retried:?}");
            assert_eq!(runs.len(), 1, "{retried:?}");
        } else {
            assert_eq!(runs.len(), 2, "{retried:?}");
            assert_eq!(outcomes(&runs[1]), vec![(12, "Failed")], "{retried:?}");
        }
    }
}

#[test]
fn a_collection_stays_the_same_when_another_of_its_suites_takes_part() {
    let machine = Machine::new();
    machine.configure(&format!("abort_after = \"1m\"\n{ALL}"));
    let shop = machine.shop(&CASES);
    let two = collection(start_of());
    let members = vec![
        two.members()[0].clone().ending(Ending::Aborted),
        two.members()[1].clone(),
    ];
    let collection = CollectionWriter::new("Test Suites/All", start_of(), members);

    collection.write_in(&shop).unwrap();
    age(&shop.join("Reports"));
    once(&machine);

    assert_eq!(outcomes(&machine.ado_run()), [(12, "Failed")]);
    // On a person's word the aborted suite would take part, and it began first.
    let asked = machine.submit_folder(&collection.folder_in(&shop));
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(asked.err.contains("was submitted already"), "{asked:?}");
    machine.ado_run();
    assert_eq!(again(&machine, &collection.folder_in(&shop)).code, 0);
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn a_suite_that_crashed_before_its_first_test_and_a_damaged_collection_are_told_in_whole_sentences()
{
    let machine = Machine::new();
    machine.configure(ONE);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());

    let members = collection.write_in(&shop).unwrap();
    let log = members[1].join("execution0.log");
    let text = fs::read_to_string(&log).unwrap();
    let before_tests = text.find("<method>startTest").unwrap();
    let record = text[..before_tests].rfind("<record>").unwrap();
    fs::write(&log, &text[..record]).unwrap();
    let report = members[1].join("JUnit_Report.xml");
    let text = fs::read_to_string(&report).unwrap();
    let cases = text.find("<testcase").unwrap()..text.find("</testsuite>").unwrap();
    fs::write(&report, text.replace(&text[cases], "")).unwrap();
    age(&shop.join("Reports"));
    let folder = collection.folder_in(&shop);
    machine.submit_folder(&folder);

    assert!(
        comment(&machine.ado_run()).contains("\nFull: no tests, without an end in its log"),
        "{:?}",
        machine.ado_run()
    );
    let report = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .find(|entry| entry.path().extension() == Some("rp".as_ref()));
    let report = report.unwrap().path();
    let text = fs::read_to_string(&report).unwrap();
    fs::write(&report, &text[..text.len() / 2]).unwrap();
    let refused = machine.submit_folder(&folder);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .err
            .contains("the report of the collection (`.rp`) cannot be read"),
        "{refused:?}"
    );
    machine.ado_run();
}

#[test]
fn what_a_running_collection_holds_back_is_not_taken_out_of_it_by_a_live_copy() {
    let machine = Machine::new();
    machine.configure(ONE_ANY);
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let collection = collection(now());
    collection.write_start(&shop).unwrap();
    let first = play(&collection, 0, &shop);
    service.wait_for_log("waits for its collection to end");
    copy(&first, &shop.join("Reports/last"));
    service.wait_for_log("a copy of a suite run");

    assert_eq!(machine.rows().len(), 0);

    collection.write_in(&shop).unwrap();
    machine.wait_for_completed(1);
    service.stop_cleanly();

    assert_eq!(outcomes(&machine.ado_run()), BOTH);
}
