//! Which finished runs the service submits, and what it says of the others.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![cfg_attr(
    unix,
    expect(clippy::disallowed_methods, reason = "a test makes a link")
)]

use fake_katalon::{AzureSettings, Ending, SuiteRunWriter, Test, TestCaseFile};
use jiff::SignedDuration;

use crate::support::{Machine, age, finished, now, start_of, tc};

fn case() -> [TestCaseFile; 2] {
    [
        TestCaseFile::new(&tc("Sign in")).azure("1001"),
        TestCaseFile::new(&tc("Torn off")).azure("1002"),
    ]
}

fn run(suite: &str) -> SuiteRunWriter {
    SuiteRunWriter::new(suite)
        .pace(20)
        .test(Test::passed(&tc("Sign in")))
}

/// A run that another machine recorded in its own folder.
fn elsewhere(suite: &str) -> SuiteRunWriter {
    run(suite)
        .host("AGENT-77")
        .recorded_project_dir("C:\\agent\\_work\\1\\s\\Shop")
}

/// A run without an end, of a test case of its own: it is older than the others.
fn aborted() -> SuiteRunWriter {
    SuiteRunWriter::new("Test Suites/Aborted")
        .pace(20)
        .test(Test::passed(&tc("Torn off")))
        .ending(Ending::Aborted)
}

/// A machine with one run of every kind that is left out by default, and two that are not.
fn all_kinds() -> Machine {
    let machine = Machine::new();
    let shop = machine.project("Shop", machine.settings(), case());
    let off = machine.project(
        "Off",
        AzureSettings {
            enabled: false,
            ..machine.settings()
        },
        case(),
    );

    let manual = machine.project(
        "Manual",
        AzureSettings {
            auto_submit: false,
            ..machine.settings()
        },
        case(),
    );

    let host = gethostname::gethostname().to_string_lossy().to_uppercase();
    let folders = [
        run("Test Suites/Plain").write_in(&shop),
        elsewhere("Test Suites/This host")
            .host(&format!("{host}.corp.example"))
            .write_in(&shop),
        elsewhere("Test Suites/Other host").write_in(&shop),
        aborted().write_in(&shop),
        run("Test Suites/Integration off").write_in(&off),
        run("Test Suites/Automatic off").write_in(&manual),
    ];

    for folder in folders {
        age(&folder.unwrap());
    }

    let downloaded = shop.join("Reports/Downloaded From Katalon TestOps/20260506_081459");
    run("Test Suites/Downloaded")
        .write_all(&downloaded)
        .unwrap();
    age(&downloaded);

    machine
}

fn states(machine: &Machine) -> String {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    machine
        .states()
        .join("\n")
        .replace(&format!("this is {host};"), "this is [host];")
}

#[test]
fn what_is_left_out_is_listed_with_its_reason() {
    let machine = all_kinds();
    machine.configure("history = \"all\"\nabort_after = \"1m\"\n");

    let service = machine.start();
    machine.wait_for_rows("seven settled runs", |rows| {
        rows.len() == 7
            && rows
                .iter()
                .filter(|row| row.ends_with(" submitted"))
                .count()
                == 2
    });
    service.stop_cleanly();

    insta::assert_snapshot!(machine.readable(&states(&machine)), @r#"
    Test Suites/Aborted ignored aborted: the log has no end and Katalon wrote no report; `kado submit "[temp]/work/Shop/Reports/20260506_081459/Aborted/20260506_081459"` submits it, `submit_aborted = true` all such runs
    Test Suites/Automatic off ignored automatic submission is off for this project; `submit.auto_submit = true` switches it on, `kado submit "[temp]/work/Manual/Reports/20260506_081459/Automatic off/20260506_081459"` submits this run
    Test Suites/Downloaded ignored downloaded from Katalon TestOps, so it ran elsewhere; `kado submit "[temp]/work/Shop/Reports/Downloaded From Katalon TestOps/20260506_081459"` submits it all the same
    Test Suites/Integration off ignored the Azure DevOps integration of this project is switched off; switch it on in Katalon under Project > Settings > Integrations > Azure DevOps
    Test Suites/Other host ignored ran on AGENT-77, this is [host]; `runs_from = "any"` submits runs of other machines and containers
    Test Suites/Plain submitted
    Test Suites/This host submitted
    "#);
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn settings_can_take_in_all_but_what_was_downloaded_or_is_switched_off() {
    let machine = all_kinds();
    machine.configure(
        "history = \"all\"\nabort_after = \"1m\"\nruns_from = \"any\"\nsubmit_aborted = true\n\
         [submit]\nauto_submit = true\n",
    );

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    let states: Vec<String> = machine
        .states()
        .iter()
        .map(|row| row.split(" ignored").next().unwrap_or_default().to_owned())
        .collect();
    let wanted = [
        "Test Suites/Aborted submitted",
        "Test Suites/Automatic off submitted",
        "Test Suites/Downloaded",
        "Test Suites/Integration off",
        "Test Suites/Other host submitted",
        "Test Suites/Plain submitted",
        "Test Suites/This host submitted",
    ];
    assert_eq!(states, wanted);
    assert_eq!(machine.ado_runs().len(), 5);
}

#[test]
fn an_aborted_run_is_submitted_by_command() {
    let machine = all_kinds();
    machine.configure("history = \"all\"\nabort_after = \"1m\"\n");

    machine.kado(&["run", "--once"]);

    let shop = machine.work().join("Shop");
    let folder = aborted().folder_in(&shop);
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(
        machine
            .states()
            .contains(&"Test Suites/Aborted submitted".to_owned()),
        "{:?}",
        machine.states()
    );
}

#[test]
fn a_command_submits_runs_of_other_machines_and_of_projects_without_automatic_submission() {
    let machine = all_kinds();

    for (project, run) in [
        ("Shop", elsewhere("Test Suites/Other host")),
        ("Manual", run("Test Suites/Automatic off")),
    ] {
        let submitted = machine.submit_folder(&run.folder_in(&machine.work().join(project)));
        assert_eq!(submitted.code, 0, "{submitted:?}");
    }

    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn a_run_that_was_downloaded_is_submitted_by_command() {
    let machine = all_kinds();
    let folder = machine
        .work()
        .join("Shop/Reports/Downloaded From Katalon TestOps/20260506_081459");
    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.states(), ["Test Suites/Downloaded submitted"]);
}

#[test]
fn not_even_a_command_submits_where_the_integration_is_off() {
    let machine = all_kinds();
    let folder = run("Test Suites/Integration off").folder_in(&machine.work().join("Off"));
    let refused = machine.submit_folder(&folder);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("switched off"), "{refused:?}");
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_run_that_still_grows_is_refused_by_the_command() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    let folder = finished([Test::passed(&tc("Sign in"))])
        .ending(Ending::Aborted)
        .write_in(&shop)
        .unwrap();

    let refused = machine.submit_folder(&folder);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("still being written"), "{refused:?}");
    assert_eq!(machine.fake.requests().len(), 0);
    assert_eq!(machine.rows().len(), 0);
}

#[test]
fn runs_from_before_kado_came_are_neither_submitted_nor_listed() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    age(&run("Test Suites/Old").write_in(&shop).unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.rows().len(), 0);

    age(&run("Test Suites/New").start(now()).write_in(&shop).unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.states(), ["Test Suites/New submitted"]);
}

#[test]
fn history_can_begin_at_an_instant() {
    let machine = Machine::new();
    machine.configure("history = \"2026-05-07T00:00:00Z\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);

    age(&run("Test Suites/Before").write_in(&shop).unwrap());
    age(&run("Test Suites/After")
        .start(start_of() + SignedDuration::from_hours(24))
        .write_in(&shop)
        .unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.states(), ["Test Suites/After submitted"]);
}

#[test]
fn what_was_left_out_is_decided_again_when_its_rule_changes_and_nothing_else_is() {
    let machine = all_kinds();
    machine.configure("history = \"all\"\nabort_after = \"1m\"\n");

    machine.kado(&["run", "--once"]);

    let before = machine.states();
    machine.configure(
        "history = \"all\"\nabort_after = \"1m\"\nruns_from = \"any\"\nsubmit_aborted = true\n",
    );
    machine.kado(&["run", "--once"]);

    let after = machine.states();
    let changed: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(
        changed,
        [
            "Test Suites/Aborted submitted",
            "Test Suites/Other host submitted"
        ]
    );
    assert_eq!(after.len(), before.len());
    assert_eq!(machine.ado_runs().len(), 4);
}

#[test]
fn a_run_that_was_left_out_while_the_settings_were_away_for_a_moment_is_submitted() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.project("Shop", machine.settings(), case());
    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    // As while the next job checks the project out: between two looks at the settings.
    let off = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    machine.project("Shop", off, case());
    let folder = run("Test Suites/Plain").write_in(&shop).unwrap();
    age(&folder);
    machine.wait_for_rows("the run to be left out", |rows| {
        rows.len() == 1 && rows[0].contains("ignored")
    });
    machine.project("Shop", machine.settings(), case());

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[test]
fn a_run_left_to_katalon_is_listed_and_not_sent() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n[submit]\nkatalon_submits = \"always\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);

    age(&run("Test Suites/Smoke").write_in(&shop).unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert!(
        machine.row()["error"]
            .as_str()
            .unwrap()
            .contains("katalon_submits"),
        "{}",
        machine.row()
    );
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_run_of_a_single_test_case_lies_outside_of_reports_and_is_left_alone() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    // Katalon writes these into the system's temporary folder; here that is watched, and lies even
    // in the project.
    for place in [machine.work(), shop] {
        let folder = place.join("Katalon/Test Cases/Sign in/20260506_081459");
        run("Test Suites/Single").write_all(&folder).unwrap();
        age(&folder);
    }

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.rows().len(), 0);
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn projects_in_skipped_folders_are_not_found() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");

    for place in [".git/Shop", "node_modules/Shop"] {
        let project = machine.project(place, machine.settings(), case());
        age(&run("Test Suites/Hidden").write_in(&project).unwrap());
    }

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.states(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn reports_that_are_a_link_into_another_project_are_not_submitted_with_its_settings() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.project("Shop", machine.settings(), case());
    let other = machine.project("A", machine.settings(), case());
    std::fs::create_dir_all(shop.join("Reports")).unwrap();
    let _ = std::fs::remove_dir_all(other.join("Reports"));
    std::os::unix::fs::symlink(shop.join("Reports"), other.join("Reports")).unwrap();

    age(&run("Test Suites/Plain").write_in(&shop).unwrap());
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert!(
        once.err.contains("is a link, and kado follows none"),
        "{once:?}"
    );
    assert_eq!(machine.row()["project"], "Shop", "{:?}", machine.states());
    assert!(
        machine
            .kado(&["check", "--offline"])
            .out
            .contains("is a link, and kado follows none")
    );
}

#[test]
fn a_run_whose_log_tells_nothing_is_said_not_to_be_submitted() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = run("Test Suites/Empty").write_in(&shop).unwrap();
    std::fs::write(folder.join("execution0.log"), "").unwrap();
    // Its report says what happened, but not when.
    let report = folder.join("JUnit_Report.xml");
    let text = std::fs::read_to_string(&report).unwrap();
    std::fs::write(&report, text.replace("timestamp=", "stamp=")).unwrap();
    age(&folder);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert!(
        once.err
            .contains("its log holds no record that tells which run it is"),
        "{once:?}"
    );
    assert_eq!(machine.states(), [""; 0]);
}
