//! Every run folder that kado meets has an answer, and what is changed is applied to what was left
//! out for it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{AzureSettings, Ending, SuiteRunWriter, Test, TestCaseFile};
use serde_json::{Value, json};

use crate::support::{Machine, age, now, tc};

const SETTINGS: &str = "settings/external/com.kms.katalon.integration.azure.properties";

fn run(suite: &str) -> SuiteRunWriter {
    SuiteRunWriter::new(suite)
        .pace(20)
        .test(Test::passed(&tc("Sign in")))
}

/// Writes a run whose files are an hour old.
fn write(run: &SuiteRunWriter, project: &Path) -> PathBuf {
    let folder = run.write_in(project).unwrap();
    age(&folder);
    folder
}

/// A machine with the shop, by this configuration.
fn machine(configuration: &str) -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure(configuration);
    let shop = machine.shop(&[("Sign in", "1001")]);
    (machine, shop)
}

/// The last line that a single pass prints.
fn last_line(machine: &Machine, code: i32) -> String {
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, code, "{once:?}");
    once.out.lines().last().unwrap_or_default().to_owned()
}

fn status(machine: &Machine) -> Value {
    let said = machine.kado(&["status", "--json"]);
    serde_json::from_str(&said.out).unwrap()
}

/// The reason of the only row.
fn reason(machine: &Machine) -> String {
    let row = machine.row();
    row["error"].as_str().unwrap_or_default().to_owned()
}

/// A folder with an empty log and without a report.
fn empty_log(project: &Path) -> PathBuf {
    let folder = run("Test Suites/Empty").write_in(project).unwrap();
    fs::write(folder.join("execution0.log"), "").unwrap();
    fs::remove_file(folder.join("JUnit_Report.xml")).unwrap();
    age(&folder);
    folder
}

#[test]
fn a_single_pass_ends_with_one_line_that_adds_up() {
    let (machine, shop) = machine("abort_after = \"30m\"\n");
    write(&run("Test Suites/Old"), &shop);
    assert_eq!(
        last_line(&machine, 0),
        "1 run folder: 1 older than the first look (history)"
    );
    write(&run("Test Suites/First").start(now()), &shop);
    last_line(&machine, 0);
    let second = write(&run("Test Suites/Second").start(now()), &shop);
    let other = run("Test Suites/Other host")
        .start(now())
        .host("AGENT-77")
        .recorded_project_dir("C:\\agent\\_work\\1\\s\\Shop");
    write(&other, &shop);
    run("Test Suites/Runs")
        .start(now())
        .ending(Ending::Aborted)
        .write_in(&shop)
        .unwrap();
    empty_log(&shop);
    let copy = shop.join("Reports/copy/of/it");
    fs::create_dir_all(&copy).unwrap();
    for file in fs::read_dir(&second).unwrap().flatten() {
        if file.path().is_file() {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    age(&copy);

    let line = last_line(&machine, 1);

    assert_eq!(
        line,
        "7 run folders: 1 submitted before, 2 submitted now, 1 ignored, 1 older than the first \
         look (history), 1 still running, 1 not readable"
    );
    let folders = &status(&machine)["run_folders"];
    assert_eq!(
        *folders,
        json!({"seen": 7, "submitted": 3, "pending": 1, "ignored": 1, "older": 1, "unreadable": 1})
    );
    let said = machine.kado(&["status"]).out;
    assert!(said.contains("Run folders   7: 3 submitted, "), "{said}");
}

#[test]
fn what_waits_or_needs_a_person_is_counted_as_that() {
    let (machine, shop) = machine("history = \"all\"\n");
    machine.shop_with(
        AzureSettings {
            server_url: "http://127.0.0.1:9/acme".to_owned(),
            ..machine.settings()
        },
        &[("Sign in", "1001")],
    );
    write(&run("Test Suites/Waits"), &shop);
    let mut without_plan = machine.settings();
    without_plan.plans.clear();
    let case = [TestCaseFile::new(&tc("Sign in")).azure("1001")];
    let other = machine.project("Other", without_plan, case);
    write(&run("Test Suites/Parked"), &other);

    let line = last_line(&machine, 4);

    assert_eq!(line, "2 run folders: 1 pending, 1 parked");
    assert_eq!(status(&machine)["run_folders"]["pending"], 2);
}

#[test]
fn runs_from_before_the_history_are_told_of_each_project_with_the_ways_to_submit_them() {
    let (machine, shop) = machine("");
    write(&run("Test Suites/Old"), &shop);
    let newest = write(
        &run("Test Suites/Newer")
            .start(crate::support::start_of() + jiff::SignedDuration::from_hours(24)),
        &shop,
    );
    let service = machine.start();
    service.wait_for_log("ended before kado's history begins");
    service.wait_for_log("2 older than the first look (history)");
    service.stop_cleanly();

    let said = machine.kado(&["status"]);

    assert_eq!(said.code, 0, "{said:?}");
    let shop = shop.to_string_lossy();
    let project = format!(
        "2 runs of `{shop}` are older than the history and are left alone; the newest is of Test Suites/Newer"
    );
    assert!(said.out.contains(&project), "{said:?}");
    assert!(said.out.contains("`history = \"all\"`"), "{said:?}");
    let command = format!("`kado submit \"{}\"`", newest.display());
    assert!(said.out.contains(&command), "{said:?}");
    assert_eq!(machine.rows().len(), 0);
}

#[test]
fn a_history_that_is_changed_brings_back_what_was_older() {
    let (machine, shop) = machine("");
    write(&run("Test Suites/Old"), &shop);
    last_line(&machine, 0);

    machine.configure("history = \"all\"\n");

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 submitted now");
    assert_eq!(machine.states(), ["Test Suites/Old submitted"]);
}

#[test]
fn a_running_service_applies_a_changed_history_at_once() {
    let (machine, shop) = machine("");
    write(&run("Test Suites/Old"), &shop);
    let service = machine.start();
    service.wait_for_log("1 older than the first look (history)");

    machine.configure("history = \"2020-01-01T00:00:00Z\"\n");

    machine.wait_for_completed(1);
    service.wait_for_log("1 run folder: 1 submitted");
    service.stop_cleanly();
}

#[test]
fn an_older_run_that_a_person_submits_is_counted_as_submitted() {
    let (machine, shop) = machine("");
    let folder = write(&run("Test Suites/Old"), &shop);
    last_line(&machine, 0);

    machine.submit_folder(&folder);

    assert_eq!(status(&machine)["run_folders"]["submitted"], 1);
    assert_eq!(last_line(&machine, 0), "1 run folder: 1 submitted before");
    machine.ado_run();
}

#[test]
fn the_advice_of_an_ignored_run_is_followed_and_submits_it() {
    let elsewhere = run("Test Suites/Other host")
        .host("AGENT-77")
        .recorded_project_dir("C:\\agent\\_work\\1\\s\\Shop");
    let (machine, shop) = machine("history = \"all\"\n[submit]\nauto_submit = false\n");
    write(&elsewhere, &shop);
    assert_eq!(last_line(&machine, 0), "1 run folder: 1 ignored");
    let both = reason(&machine);
    assert!(
        both.contains("`runs_from = \"any\"` and `submit.auto_submit = true`"),
        "{both}"
    );

    machine.configure("history = \"all\"\nruns_from = \"any\"\n[submit]\nauto_submit = false\n");

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 ignored");
    let one = reason(&machine);
    assert!(!one.contains("runs_from"), "{one}");
    assert!(one.contains("`submit.auto_submit = true`"), "{one}");

    machine.configure("history = \"all\"\nruns_from = \"any\"\n[submit]\nauto_submit = true\n");

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 submitted now");
    machine.ado_run();
    assert_eq!(machine.row()["id"], 1);
}

#[test]
fn an_ignored_run_that_is_older_than_a_changed_history_says_so() {
    let (machine, shop) = machine("history = \"all\"\n[submit]\nauto_submit = false\n");
    write(&run("Test Suites/Old"), &shop);
    last_line(&machine, 0);

    machine.configure("history = \"2030-01-01T00:00:00Z\"\n");

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 ignored");
    let reason = reason(&machine);
    assert!(
        reason.starts_with("ended before the history begins"),
        "{reason}"
    );
    assert!(!reason.contains("auto_submit"), "{reason}");
}

#[test]
fn each_rule_that_left_a_run_out_lets_it_in_when_it_is_changed() {
    let all = "history = \"all\"\nabort_after = \"1m\"\n";
    let aborted = run("Test Suites/A").ending(Ending::Aborted);
    let changes: [(&str, &SuiteRunWriter, &str, &str); 3] = [
        (
            "auto_submit",
            &run("Test Suites/A"),
            "[submit]\nauto_submit = false\n",
            "",
        ),
        (
            "katalon_submits",
            &run("Test Suites/A"),
            "[submit]\nkatalon_submits = \"always\"\n",
            "[submit]\nkatalon_submits = \"never\"\n",
        ),
        ("submit_aborted", &aborted, "", "submit_aborted = true\n"),
    ];

    for (rule, run, before, after) in changes {
        let (machine, shop) = machine(&format!("{all}{before}"));
        write(run, &shop);
        assert_eq!(last_line(&machine, 0), "1 run folder: 1 ignored", "{rule}");

        machine.configure(&format!("{all}{after}"));

        machine.kado(&["run", "--once"]);
        assert_eq!(
            machine.row()["state"],
            "submitted",
            "{rule} {}",
            machine.row()
        );
    }
}

#[test]
fn an_integration_that_is_switched_on_submits_what_was_left_out_for_it() {
    let (machine, _) = machine("history = \"all\"\n");
    let off = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    let shop = machine.shop_with(off, &[("Sign in", "1001")]);
    write(&run("Test Suites/A"), &shop);
    last_line(&machine, 0);
    assert_eq!(machine.row()["state"], "ignored");
    let service = machine.start();
    service.wait_for_log("1 run folder: 1 ignored");

    machine.shop(&[("Sign in", "1001")]);

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[test]
fn ids_that_are_entered_submit_the_runs_that_had_none() {
    let (machine, _) = machine("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "")]);
    write(&run("Test Suites/A"), &shop);
    last_line(&machine, 0);
    assert!(
        reason(&machine).contains("no test of this run has"),
        "{}",
        machine.row()
    );
    let asked = machine.fake.requests().len();
    fs::remove_file(shop.join("Test Cases/Sign in.tc")).unwrap();
    last_line(&machine, 0);
    assert!(
        reason(&machine).contains("no `.tc` file")
            || reason(&machine).contains("has a `.tc` file in the project any more"),
        "{}",
        machine.row()
    );
    assert_eq!(machine.fake.requests().len(), asked, "nothing to ask for");

    machine.shop(&[("Sign in", "1001")]);

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 submitted now");
    assert_eq!(machine.ado_run().results.len(), 1);
}

#[test]
fn what_a_person_forgot_stays_so_whatever_changes() {
    let (machine, shop) = machine("history = \"all\"\n[submit]\nauto_submit = false\n");
    write(&run("Test Suites/A"), &shop);
    last_line(&machine, 0);
    machine.kado(&["runs", "forget", "1"]);

    machine.configure("history = \"all\"\n");

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 ignored");
    assert!(reason(&machine).contains("forgotten"), "{}", machine.row());
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn what_did_not_change_has_nothing_read_again() {
    let (machine, shop) = machine("history = \"all\"\n[submit]\nauto_submit = false\n");
    write(&run("Test Suites/A"), &shop);
    last_line(&machine, 0);
    let settings = shop.join(SETTINGS);
    let text = fs::read(&settings).unwrap();
    fs::write(&settings, text).unwrap();

    let service = machine.start_in_detail();

    assert_eq!(service.read_by_its_first_sweep(), 0);
    service.stop_cleanly();
}

#[test]
fn settings_that_cannot_be_read_end_a_single_pass_at_once_and_are_named() {
    let (machine, shop) = machine("history = \"all\"\n");
    write(&run("Test Suites/A"), &shop);
    let settings = shop.join(SETTINGS);
    let text = fs::read(&settings).unwrap();
    fs::remove_file(&settings).unwrap();
    fs::create_dir(&settings).unwrap();

    for _ in 0..2 {
        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 1, "{once:?}");
        assert_eq!(once.out.trim_end(), "1 run folder: 1 not readable");
        assert!(once.err.contains(&*settings.to_string_lossy()), "{once:?}");
        assert!(once.err.contains("make it a file"), "{once:?}");
        assert!(!once.err.contains("cannot be recorded yet"), "{once:?}");
    }
    assert_eq!(status(&machine)["run_folders"]["unreadable"], 1);

    let service = machine.start();
    service.wait_for_log("1 run folder: 1 not readable");
    fs::remove_dir(&settings).unwrap();
    fs::write(&settings, text).unwrap();
    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[test]
fn a_log_that_tells_nothing_is_not_read_and_ends_the_pass_that_meets_it_with_1() {
    let logs: [&[u8]; 3] = [b"", &[0; 4000], b"\x89PNG garbage \xff\xfe<<<<"];
    for log in logs {
        let (machine, shop) = machine("history = \"all\"\nabort_after = \"1m\"\n");
        let folder = empty_log(&shop);
        fs::write(folder.join("execution0.log"), log).unwrap();
        age(&folder);

        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 1, "{once:?}");
        assert_eq!(once.out.trim_end(), "1 run folder: 1 not readable");
        assert!(
            once.err.contains("no record that tells which run it is"),
            "{once:?}"
        );
        assert_eq!(machine.rows().len(), 0);
        assert_eq!(last_line(&machine, 0), "1 run folder: 1 not readable");
    }
}

#[test]
fn folders_that_are_gone_are_not_counted() {
    let (machine, shop) = machine("history = \"all\"\n");
    write(&run("Test Suites/A"), &shop);
    let gone = write(&run("Test Suites/B"), &shop);
    last_line(&machine, 0);
    crate::support::wipe(&gone);

    assert_eq!(last_line(&machine, 0), "1 run folder: 1 submitted before");
}
