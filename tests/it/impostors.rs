//! What the log of a run says, whoever writes another project can write as well: it takes no run
//! away from the project that made it, and the files of two projects are kept apart.

#![expect(clippy::disallowed_methods, reason = "tests copy folders")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, SuiteRunWriter, Test, TestCaseFile};

use crate::support::{Machine, PLAN, TOKEN, age, finished, now, tc, wipe, world};

/// A machine with the project of the shop, which takes all runs.
fn machine() -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    (machine, shop)
}

/// A project of somebody else with these settings, whose test case has the same name and id.
fn other_project(machine: &Machine, settings: AzureSettings) -> PathBuf {
    let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
    machine.project("Another", settings, [case])
}

fn real_run() -> SuiteRunWriter {
    finished([Test::failed(&tc("Sign in"), "the door is locked").screenshot()])
}

/// A run that says the same of itself, with another result.
fn forged_run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

fn write(run: &SuiteRunWriter, project: &Path) -> PathBuf {
    let folder = run.write_in(project).unwrap();
    age(&folder);
    folder
}

/// What the settings of the other project say instead of those of the shop.
#[derive(Clone, Copy)]
enum Change<'a> {
    SwitchedOff,
    OtherPlan,
    NoServer,
    OtherServer(&'a str),
}

impl Change<'_> {
    fn of(self, settings: AzureSettings) -> AzureSettings {
        match self {
            Self::SwitchedOff => AzureSettings {
                enabled: false,
                ..settings
            },
            Self::OtherPlan => AzureSettings {
                plans: vec![(19, "Release 2".to_owned())],
                ..settings
            },
            Self::NoServer => AzureSettings {
                server_url: String::new(),
                ..settings
            },

            Self::OtherServer(url) => {
                AzureSettings::connected(url, TOKEN, "Shop", (PLAN, "Release 1"))
            }
        }
    }
}

/// State and outcome of each test run in ADO, by its plan.
fn in_ado(machine: &Machine) -> Vec<String> {
    let mut runs = Vec::new();
    for run in machine.ado_runs() {
        let outcomes: Vec<&str> = run.results.iter().map(|one| one.outcome.as_str()).collect();
        runs.push(format!("{} {}", run.state, outcomes.join(",")));
    }
    runs.sort();
    runs
}

#[test]
fn a_run_is_submitted_whatever_became_of_one_of_another_project_that_says_the_same_of_itself() {
    let server = Machine::with(world());
    let url = server.fake.base_url();

    for (name, change) in [
        ("switched off", Change::SwitchedOff),
        ("to another plan", Change::OtherPlan),
        ("to no server", Change::NoServer),
        ("to a server of its own", Change::OtherServer(&url)),
    ] {
        let (machine, shop) = machine();
        let another = other_project(&machine, change.of(machine.settings()));
        write(&forged_run(), &another);
        machine.kado(&["run", "--once"]);

        let folder = write(&real_run(), &shop);
        machine.kado(&["run", "--once"]);

        let arrived = in_ado(&machine);
        assert!(
            arrived.contains(&"Completed Failed".to_owned()),
            "{name}: {arrived:?} {:?}",
            machine.states()
        );
        let why = machine.kado(&["why", &folder.to_string_lossy()]);
        assert!(
            why.out.contains("of another project holds a run"),
            "{name}: {why:?}"
        );
    }
}

#[test]
fn a_run_that_lies_where_it_was_written_is_sent_beside_a_forged_one_in_the_same_plan() {
    let (machine, shop) = machine();
    let another = other_project(&machine, machine.settings());
    write(&forged_run(), &another);
    machine.kado(&["run", "--once"]);

    write(&real_run(), &shop);
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed", "Completed Passed"]);
    let rows = machine.rows();
    assert_ne!(rows[0]["key"], rows[1]["key"]);
}

#[test]
fn a_workspace_that_is_copied_whole_is_submitted_once() {
    let (machine, shop) = machine();
    write(&real_run(), &shop);
    copy_all(&shop, &machine.work().join("copied/Shop"));

    let once = machine.kado(&["run", "--once"]);
    let again = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed"]);
    assert_eq!(machine.rows().len(), 1);
    assert!(again.out.contains("2 submitted before"), "{again:?}");
}

#[test]
fn a_workspace_that_was_moved_and_has_other_settings_by_now_is_not_submitted_again() {
    let (machine, shop) = machine();
    write(&real_run(), &shop);
    machine.kado(&["run", "--once"]);
    let moved = machine.work().join("moved/Shop");
    copy_all(&shop, &moved);
    wipe(&shop);
    let other_plan = Change::OtherPlan.of(machine.settings());
    let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
    machine.project("moved/Shop", other_plan, [case]);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed"]);
    assert_eq!(machine.rows().len(), 1);
}

/// The settings of a project whose token Azure DevOps refuses.
fn with_a_token_of_nobody(machine: &Machine) -> AzureSettings {
    let token = fake_katalon::Token::Clear("nobody-gave-this-out-0123456789".to_owned());
    AzureSettings {
        token: Some(token),
        ..machine.settings()
    }
}

#[test]
fn a_copy_that_is_sent_first_and_whose_token_is_refused_does_not_hold_up_the_original() {
    let (machine, shop) = machine();
    let another = other_project(&machine, with_a_token_of_nobody(&machine));
    write(&real_run(), &another);
    let refused = machine.kado(&["run", "--once"]);

    write(&real_run(), &shop);
    let once = machine.kado(&["run", "--once"]);
    let then = machine.kado(&["run", "--once"]);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed"], "{once:?}");
    assert_eq!(then.code, 0, "{then:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed"]);
}

#[test]
fn a_run_that_waits_for_its_copy_outlives_its_workspace() {
    let (machine, shop) = machine();
    let another = other_project(&machine, with_a_token_of_nobody(&machine));
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Every, FaultAction::unavailable()));
    write(&real_run(), &another);
    let service = machine.start();
    machine.wait_for_rows("a run that waits", |rows| rows.len() == 1);

    let folder = write(&real_run(), &shop);
    machine.wait_for_copies(&folder);
    wipe(&shop);
    service.wait_for_log("a run that is held waits for one of another project");
    machine.fake.clear_faults();
    machine.kado(&["runs", "retry", "1"]);
    // Whatever comes makes kado look at what it holds.
    write(
        &finished([Test::passed(&tc("Sign in"))]).start(now()),
        &another,
    );

    machine.wait_for_completed(1);
    assert_eq!(in_ado(&machine), ["Completed Failed"]);
    service.stop_cleanly();
}

#[test]
fn what_cannot_be_told_apart_is_parked_and_both_are_named() {
    // Both in a container, whose folders are none of this machine.
    let (machine, shop) = machine();
    let another = other_project(&machine, machine.settings());
    write(
        &forged_run().recorded_project_dir("/container/Another"),
        &another,
    );
    machine.kado(&["run", "--once"]);
    let folder = write(&real_run().recorded_project_dir("/container/Shop"), &shop);

    let once = machine.kado(&["run", "--once"]);
    let why = machine.kado(&["why", &folder.to_string_lossy()]);
    let retried = machine.kado(&["runs", "retry", "2"]);

    assert_eq!(once.code, 1, "{once:?}");
    insta::assert_snapshot!(machine.readable(&why.out), @r"
    run folder `[temp]/work/Shop/Reports/20260506_081459/Smoke/20260506_081459`
    pending: run 2 needs a person: `[temp]/work/Another/Reports/20260506_081459/Smoke/20260506_081459` holds the same run with other results, and nothing tells which is the original; `kado runs retry 2` submits this one too
      - `[temp]/work/Another/Reports/20260506_081459/Smoke/20260506_081459` of another project holds a run of the same suite, start and host: run 1, submitted
      → `kado runs retry 2`
      → `kado runs forget 2`
    ");
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(in_ado(&machine), ["Completed Failed", "Completed Passed"]);
}

#[test]
fn files_of_a_run_are_not_sent_with_one_of_another_project_that_says_the_same_of_itself() {
    // The real one waits with its copies, for a server that is not there.
    let (machine, shop) = machine();
    let server = Machine::with(world());
    let url = server.fake.base_url();
    let away = AzureSettings::connected(
        "http://127.0.0.1:9/acme",
        TOKEN,
        "Shop",
        (PLAN, "Release 1"),
    );
    machine.shop_with(away, &[("Sign in", "1001")]);
    let real = write(&real_run(), &shop);
    machine.kado(&["run", "--once"]);
    wipe(&real);

    let theirs = AzureSettings::connected(&url, TOKEN, "Shop", (PLAN, "Release 1"));
    let another = other_project(&machine, theirs);
    let forged = write(&real_run(), &another);
    for entry in fs::read_dir(&forged).unwrap().flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "png") {
            fs::write(entry.path(), "not of the shop").unwrap();
        }
    }
    machine.kado(&["run", "--once"]);

    let sent = server.ado_run();
    let files = &sent.results[0].attachments;
    assert!(!files.is_empty(), "{sent:?}");
    for file in files {
        let content = String::from_utf8_lossy(&file.bytes).into_owned();
        assert!(
            file.file_name.ends_with(".log") || content == "not of the shop",
            "{}",
            file.file_name
        );
    }
}

/// Copies a folder with all that is in it, with the times of its files.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
    age(to);
}
