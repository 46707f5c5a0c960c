//! `kado why`: what it says of run folders and of what they lie in.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out, copy and damage files"
)]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Ending, SuiteRunWriter, Test, TestCaseFile};
use serde_json::Value;

use crate::collections::{CASES, collection};
use crate::support::{Machine, age, files, finished, now, start_of, tc, wipe};

/// Submits runs of any age.
const ALL: &str = "history = \"all\"\n";

/// What `kado why --json` says of a folder, and its exit code.
fn why(machine: &Machine, folder: &Path) -> (Value, i32) {
    let said = machine.kado(&["why", &folder.to_string_lossy(), "--json"]);
    let explanation = serde_json::from_str(&said.out);
    (
        explanation.unwrap_or_else(|error| panic!("{error} in {said:?}")),
        said.code,
    )
}

/// What people read, without what differs from machine to machine.
fn text(machine: &Machine, folder: &Path) -> String {
    let said = machine.kado(&["why", &folder.to_string_lossy()]);
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let text = machine
        .readable(&said.out)
        .replace(&format!("this is {host}"), "this is [host]");
    format!("{text}exit code {}", said.code)
}

fn reason(explanation: &Value) -> &str {
    explanation["reason"].as_str().unwrap()
}

/// Whether one of the things that would change the answer holds these words.
fn would_change(explanation: &Value, words: &str) -> bool {
    let ways = explanation["would_change"].as_array().unwrap();
    ways.iter().any(|way| way.as_str().unwrap().contains(words))
}

/// Whether one of the details holds these words.
fn is_told(explanation: &Value, words: &str) -> bool {
    let details = explanation["details"].as_array().unwrap();
    details
        .iter()
        .any(|detail| detail.as_str().unwrap().contains(words))
}

/// A run of one test that has an id.
fn sign_in() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// A machine with the shop and one run of it, which lies there for an hour.
fn with_run(config: &str, run: &SuiteRunWriter) -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure(config);
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = run.write_in(&shop).unwrap();
    age(&folder);
    (machine, folder)
}

/// The same, submitted.
fn with_submitted_run() -> (Machine, PathBuf) {
    let (machine, folder) = with_run(ALL, &sign_in());
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    (machine, folder)
}

/// Copies a run folder flat, as `-reportFolder` does.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_submitted_run_says_where_it_is() {
    let (machine, folder) = with_submitted_run();

    insta::assert_snapshot!(text(&machine, &folder), @r#"
    run folder `[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459`
    submitted: test run 150 of test plan 18
      - [server]/Shop/_TestManagement/Runs?runId=150&_a=runCharts
      → `kado submit --again "[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459"`
    exit code 0
    "#);
}

#[test]
fn scripts_find_the_members_that_are_documented() {
    let (machine, folder) = with_submitted_run();

    let (said, code) = why(&machine, &folder);

    let mut members: Vec<&String> = said.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "answer",
            "details",
            "kind",
            "path",
            "reason",
            "runs",
            "would_change"
        ]
    );
    assert_eq!(code, 0);
    assert_eq!(said["kind"], "run");
    assert_eq!(said["answer"], "submitted");
    assert_eq!(said["path"], *folder.to_string_lossy());
    assert!(would_change(&said, "kado submit --again"), "{said}");
}

#[test]
fn a_copy_of_a_submitted_run_finds_its_row() {
    let (machine, folder) = with_submitted_run();
    let copied = machine.work().join("Shop/Reports/archive/old");
    copy(&folder, &copied);

    let (said, code) = why(&machine, &copied);

    assert_eq!((&said["answer"], code), (&"submitted".into(), 0), "{said}");
    assert!(is_told(&said, &folder.to_string_lossy()), "{said}");
}

#[test]
fn a_run_that_is_gone_is_known_by_its_row() {
    let (machine, folder) = with_submitted_run();
    wipe(&machine.work().join("Shop"));

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"submitted".into(), 0), "{said}");
    assert!(is_told(&said, "not there any more"), "{said}");

    let session = folder.parent().unwrap().parent().unwrap();
    let (said, code) = why(&machine, session);

    assert_eq!((&said["answer"], code), (&"submitted".into(), 0), "{said}");
    assert_eq!(said["kind"], "session");
    assert_eq!(said["runs"][0]["path"], *folder.to_string_lossy());
}

#[test]
fn a_parked_run_waits_for_a_person_and_names_the_commands() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1099")]);
    let folder = sign_in().write_in(&shop).unwrap();
    machine.submit_folder(&folder);

    insta::assert_snapshot!(text(&machine, &folder), @r"
    run folder `[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459`
    pending: run 1 needs a person: no result can be submitted: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
      - Test Cases/Sign in: test case 1099 has no test point in test plan 18; add it to a suite of the plan, or correct the id
      → `kado runs retry 1`
      → `kado runs forget 1`
    exit code 1
    ");
}

#[test]
fn a_run_from_before_the_history_is_ignored_with_the_ways_to_submit_it() {
    let (machine, folder) = with_run("", &sign_in());
    machine.kado(&["run", "--once"]);

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"ignored".into(), 0), "{said}");
    assert!(reason(&said).contains("history = \"all\""), "{said}");
    assert!(would_change(&said, "kado submit "), "{said}");
}

#[test]
fn a_rule_that_leaves_a_run_out_is_named_before_and_after_the_service_met_it() {
    let elsewhere = sign_in()
        .host("AGENT-77")
        .recorded_project_dir("C:\\agent\\_work\\1\\s\\Shop");
    let (machine, folder) = with_run(ALL, &elsewhere);

    let before = text(&machine, &folder);
    machine.kado(&["run", "--once"]);
    let after = text(&machine, &folder);

    insta::assert_snapshot!(before, @r#"
    run folder `[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459`
    ignored: ran on AGENT-77, this is [host]; `runs_from = "any"` submits runs of other machines and containers
      → `kado submit "[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459"`
    exit code 0
    "#);
    assert_eq!(before, after);
}

#[test]
fn where_the_integration_is_off_no_command_is_recommended_that_does_not_help() {
    let machine = Machine::new();
    machine.configure(ALL);
    let off = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    let shop = machine.shop_with(off, &[("Sign in", "1001")]);
    let folder = sign_in().write_in(&shop).unwrap();
    age(&folder);

    for met in [false, true] {
        if met {
            machine.kado(&["run", "--once"]);
        }
        let (said, code) = why(&machine, &folder);

        assert_eq!((&said["answer"], code), (&"ignored".into(), 0), "{said}");
        assert!(would_change(&said, "switch it on in Katalon"), "{said}");
        assert!(!would_change(&said, "kado submit"), "{said}");
    }
}

#[test]
fn the_tests_without_an_id_are_named_with_the_reason() {
    let machine = Machine::new();
    machine.configure(ALL);
    let cases = [
        TestCaseFile::new(&tc("Mapped")).azure("1001"),
        TestCaseFile::new(&tc("Without")),
    ];
    let shop = machine.project("Shop", machine.settings(), cases);
    fs::write(shop.join("Test Cases/Damaged.tc"), "").unwrap();
    let tests = ["Mapped", "Without", "Gone", "Damaged"].map(|name| Test::passed(&tc(name)));
    let folder = finished(tests).write_in(&shop).unwrap();
    age(&folder);

    let (said, _) = why(&machine, &folder);

    assert!(
        is_told(&said, "Test Cases/Without: it has no ADO id"),
        "{said}"
    );
    assert!(
        is_told(&said, "Test Cases/Gone: the project has no `.tc`"),
        "{said}"
    );
    assert!(is_told(&said, "Test Cases/Damaged: `"), "{said}");
    assert!(!is_told(&said, "Test Cases/Mapped"), "{said}");
}

#[test]
fn a_run_without_any_id_says_so_once_it_was_planned() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&[("Sign in", "")]);
    let folder = sign_in().write_in(&shop).unwrap();
    age(&folder);
    machine.kado(&["run", "--once"]);

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"ignored".into(), 0), "{said}");
    assert!(reason(&said).contains("no test of this run has"), "{said}");
}

#[test]
fn a_suite_that_goes_on_is_running_and_one_that_is_prepared_as_well() {
    let open = sign_in().ending(Ending::Aborted);
    let (machine, folder) = with_run(ALL, &open);
    fs::write(folder.join("marker.txt"), "new").unwrap();
    let prepared = machine
        .work()
        .join("Shop/Reports/20260506_091500/Smoke/20260506_091501");
    fs::create_dir_all(&prepared).unwrap();
    for name in ["testCaseBinding", "execution.properties"] {
        fs::copy(folder.join(name), prepared.join(name)).unwrap();
    }

    for (folder, words) in [(folder, "no end yet"), (prepared, "has not begun")] {
        let (said, code) = why(&machine, &folder);

        assert_eq!((&said["answer"], code), (&"running".into(), 0), "{said}");
        assert!(reason(&said).contains(words), "{said}");
    }
}

#[test]
fn a_run_that_is_over_waits_for_a_service_where_none_runs() {
    let (machine, folder) = with_run(ALL, &sign_in());

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"pending".into(), 0), "{said}");
    assert!(reason(&said).contains("no service runs"), "{said}");
    assert!(would_change(&said, "kado run --once"), "{said}");
    assert_eq!(machine.writes(), [""; 0]);
    assert!(!machine.state().exists(), "it makes no state folder");
}

#[test]
fn nothing_is_written_beside_a_running_service() {
    let (machine, folder) = with_submitted_run();
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let before = (files(&machine.state()), machine.fake.requests().len());

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"submitted".into(), 0), "{said}");
    let after = (files(&machine.state()), machine.fake.requests().len());
    assert_eq!(before, after);
    service.stop_cleanly();
}

#[test]
fn a_log_that_tells_nothing_is_not_read_and_it_is_said_why() {
    let (machine, folder) = with_run("abort_after = \"1m\"\n", &sign_in());
    fs::remove_file(folder.join("JUnit_Report.xml")).unwrap();
    fs::write(folder.join("execution0.log"), "").unwrap();
    age(&folder);

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"unread".into(), 1), "{said}");
    assert!(is_told(&said, "`execution0.log` is empty"), "{said}");
}

#[test]
fn settings_that_cannot_be_read_are_named_with_their_file() {
    let (machine, folder) = with_run(ALL, &sign_in());
    let shop = machine.work().join("Shop");
    let settings = "settings/external/com.kms.katalon.integration.azure.properties";
    fs::remove_file(shop.join(settings)).unwrap();
    fs::create_dir(shop.join(settings)).unwrap();

    let (of_run, code) = why(&machine, &folder);

    assert_eq!((&of_run["answer"], code), (&"unread".into(), 1), "{of_run}");
    assert!(
        reason(&of_run).contains("integration.azure.properties"),
        "{of_run}"
    );

    wipe(&shop.join("Reports"));
    let (of_project, code) = why(&machine, &shop);

    assert_eq!((&of_project["answer"], code), (&"unread".into(), 1));
    assert_eq!(of_project["kind"], "project");
}

#[test]
fn a_run_below_no_watched_folder_is_told_with_the_watch_that_finds_it() {
    let machine = Machine::new();
    machine.configure(ALL);
    let elsewhere = machine.root().join("elsewhere");
    let shop = machine.shop(&[("Sign in", "1001")]);
    fs::rename(&shop, &elsewhere).unwrap();
    let folder = sign_in().write_in(&elsewhere).unwrap();
    age(&folder);

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"ignored".into(), 0), "{said}");
    assert!(would_change(&said, "`watch = ["), "{said}");
    assert!(would_change(&said, &elsewhere.to_string_lossy()), "{said}");
    assert!(would_change(&said, "kado submit"), "{said}");
}

#[test]
fn a_folder_is_known_by_whatever_way_somebody_comes_to_it() {
    let (machine, folder) = with_run(ALL, &sign_in());
    let detour = machine.work().join("Shop/../Shop/");
    let detour = detour.join(folder.strip_prefix(machine.work().join("Shop")).unwrap());

    let (said, code) = why(&machine, &detour);

    assert_eq!((&said["answer"], code), (&"pending".into(), 0), "{said}");
    assert_eq!(said["path"], *folder.to_string_lossy());
}

#[cfg(unix)]
#[test]
fn a_run_behind_a_link_is_not_read_and_the_link_is_named() {
    let (machine, folder) = with_run(ALL, &sign_in());
    let reports = machine.work().join("Shop/Reports");
    let away = machine.root().join("away");
    fs::rename(&reports, &away).unwrap();
    std::os::unix::fs::symlink(&away, &reports).unwrap();

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"unread".into(), 1), "{said}");
    assert!(reason(&said).contains("is a link"), "{said}");
}

#[test]
fn a_session_a_suite_and_a_project_say_it_of_each_run_below() {
    let (machine, folder) = with_submitted_run();
    let shop = machine.work().join("Shop");
    let elsewhere = sign_in()
        .start(start_of() + jiff::SignedDuration::from_secs(90))
        .host("AGENT-77")
        .recorded_project_dir("C:\\agent\\_work\\1\\s\\Shop");
    let other = elsewhere.write_in(&shop).unwrap();
    age(&other);

    let suite = folder.parent().unwrap();
    let session = suite.parent().unwrap();
    for (asked, kind) in [(suite, "suite"), (session, "session")] {
        let (said, code) = why(&machine, asked);

        assert_eq!(said["kind"], kind, "{said}");
        assert_eq!((&said["answer"], code), (&"submitted".into(), 0), "{said}");
        assert_eq!(said["runs"].as_array().unwrap().len(), 1, "{said}");
    }

    insta::assert_snapshot!(text(&machine, &shop), @r#"
    project `[temp]/work/Shop`
    ignored: 2 run folders: 1 ignored, 1 submitted; the newest, `20260506_081629`: ignored

    `Reports/20260506_081459/Smoke/20260506_081459`
      submitted: test run 150 of test plan 18
        - [server]/Shop/_TestManagement/Runs?runId=150&_a=runCharts

    `Reports/20260506_081629/Smoke/20260506_081629`
      ignored: ran on AGENT-77, this is [host]; `runs_from = "any"` submits runs of other machines and containers
        → `kado submit "[temp]/work/Shop/Reports/20260506_081629/Smoke/20260506_081629"`
    exit code 0
    "#);
}

#[test]
fn a_collection_says_it_of_each_of_its_suites() {
    let machine = Machine::new();
    machine.configure(ALL);
    let shop = machine.shop(&CASES);
    let collection = collection(start_of());
    let members = collection.write_in(&shop).unwrap();
    age(&shop.join("Reports"));

    let (said, code) = why(&machine, &collection.folder_in(&shop));

    assert_eq!(said["kind"], "collection", "{said}");
    assert_eq!((&said["answer"], code), (&"pending".into(), 0), "{said}");
    assert_eq!(said["runs"].as_array().unwrap().len(), members.len());
}

#[test]
fn a_member_says_that_it_waits_for_its_collection() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n[submit]\ncollections = \"one\"\n");
    let shop = machine.shop(&CASES);
    let members = collection(start_of()).write_in(&shop).unwrap();
    age(&shop.join("Reports"));

    let (said, code) = why(&machine, &members[0]);

    assert_eq!((&said["answer"], code), (&"pending".into(), 0), "{said}");
    assert!(reason(&said).contains("with its collection"), "{said}");
    assert!(would_change(&said, "kado submit"), "{said}");
}

#[test]
fn what_kado_does_not_know_is_said_and_is_exit_1() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    let plain = machine.work().join("notes");
    fs::create_dir(&plain).unwrap();

    for (folder, kind, words) in [
        (machine.work().join("nowhere"), "other", "no such folder"),
        (plain, "other", "neither a run folder nor"),
        (machine.work().join("Shop"), "project", "no run folder"),
    ] {
        let (said, code) = why(&machine, &folder);

        assert_eq!((&said["answer"], code), (&"unknown".into(), 1), "{said}");
        assert_eq!(said["kind"], kind, "{said}");
        assert!(reason(&said).contains(words), "{said}");
    }
}

#[test]
fn without_kados_memory_nothing_is_claimed_to_be_unsent() {
    let (machine, folder) = with_submitted_run();
    fs::write(machine.state().join("kado.db"), "something else").unwrap();

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"unknown".into(), 1), "{said}");
    assert!(reason(&said).contains("not known whether"), "{said}");
}

#[test]
fn a_run_in_its_grace_time_waits_for_the_reports() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let service = machine.start_in_detail();
    service.wait_for_log("looked at everything");
    let folder = sign_in().start(now()).write_in(&shop).unwrap();
    fs::remove_file(folder.join("JUnit_Report.xml")).unwrap();
    service.wait_for_log("judged a run folder");

    let (said, code) = why(&machine, &folder);

    assert_eq!((&said["answer"], code), (&"pending".into(), 0), "{said}");
    service.stop_cleanly();
}

#[test]
fn without_a_service_nobody_is_said_to_try_a_run_that_waits() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let down = FaultAction::error(503, "X", "down");
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let run = finished([Test::passed(&tc("Sign in"))]);
    let folder = run.write_in(&shop).expect("it is written");
    age(&folder);
    machine.submit_folder(&folder);

    let why = machine.kado(&["why", &folder.to_string_lossy()]);
    let runs = machine.kado(&["runs"]);

    let nobody = "no service runs, so nobody tries until one does";
    assert!(why.out.contains(nobody), "{why:?}");
    assert!(why.out.contains("`kado run --once`"), "{why:?}");
    assert!(!why.out.contains("tried next"), "{why:?}");
    assert!(runs.out.contains(nobody), "{runs:?}");
    let shown = machine.kado(&["runs", "show", "1"]);
    assert!(shown.out.contains(nobody), "{shown:?}");
}

#[test]
fn beside_a_service_the_list_says_when_a_run_is_tried_next() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let down = FaultAction::error(503, "X", "down");
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let run = finished([Test::passed(&tc("Sign in"))]);
    age(&run.write_in(&shop).expect("it is written"));

    let _service = machine.start();
    machine.wait_for_rows("the run to wait", |rows| {
        rows.iter().any(|row| row.contains("503"))
    });

    let runs = machine.kado(&["runs"]);
    assert!(runs.out.contains("; next try 20"), "{runs:?}");
}

#[test]
fn of_several_runs_the_newest_is_told_in_the_first_line() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Gone", "1099")]);
    let parked = finished([Test::passed(&tc("Gone"))]);
    let newer = finished([Test::passed(&tc("Sign in"))]).start(now());
    for run in [parked, newer] {
        let folder = run.write_in(&shop).expect("it is written");
        age(&folder);
        machine.submit_folder(&folder);
    }

    let why = machine.kado(&["why", &shop.to_string_lossy()]);

    let first = why.out.lines().nth(1).expect("there is an answer");
    assert!(first.contains("; the newest, `"), "{why:?}");
    assert!(first.ends_with("`: submitted"), "{why:?}");
}

#[test]
fn a_run_that_was_forgotten_is_not_said_to_lack_ids() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Gone", "1099"), ("Unmapped", "")]);
    let run = finished([Test::passed(&tc("Gone")), Test::passed(&tc("Unmapped"))]);
    let folder = run.write_in(&shop).expect("it is written");
    age(&folder);
    machine.submit_folder(&folder);
    machine.kado(&["runs", "forget", "1"]);

    let why = machine.kado(&["why", &folder.to_string_lossy()]);

    assert!(why.out.contains("kado submit"), "{why:?}");
    assert!(!why.out.contains("map suggest"), "{why:?}");
}

#[test]
fn a_folder_with_very_many_below_is_not_searched_and_the_way_out_is_named() {
    let machine = Machine::in_memory(crate::support::world());
    let many = machine.root().join("many");
    for number in 0..20_001 {
        fs::create_dir_all(many.join(format!("{}/{number}", number / 1000))).expect("it is made");
    }

    let why = machine.kado(&["why", &many.to_string_lossy()]);

    assert_eq!(why.code, 1, "{why:?}");
    assert!(
        why.out.contains("name the run folder or the project"),
        "{why:?}"
    );
}
