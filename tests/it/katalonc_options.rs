//! The `ado*` options of one run: from the files that Katalon leaves, and from the command line of
//! a katalonc that is still running.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out files and read what lies in the state folder"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Child, Command, Stdio};

use fake_katalon::{ProjectWriter, SuiteRunWriter, Test, TestCaseFile};

#[cfg(unix)]
use crate::support::as_account;
use crate::support::katalonc::{Katalonc, arguments};
use crate::support::{
    Machine, PLAN, SUITE, Service, TOKEN, finish, finished, now, start_of, tc, wait_until,
};

/// What the service logs when it has found the command of a run.
const SEEN: &str = "katalonc was seen running for this run";
const RELEASE_NIGHT: [&str; 2] = ["-adoPlanId=19", "-adoTestRunName=Release night"];

fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[("Sign in", "1001")])
}

/// A service that has found the project.
fn service(machine: &Machine) -> Service {
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    service
}

/// Plan and name of the runs in ADO, sorted.
fn in_ado(machine: &Machine) -> Vec<(Option<u32>, String)> {
    let mut runs: Vec<_> = machine
        .ado_runs()
        .into_iter()
        .map(|run| (run.plan_id, run.name))
        .collect();
    runs.sort();
    runs
}

/// Waits until the service has seen so many commands.
fn wait_for_commands(service: &Service, count: usize) {
    service.wait_for_logs(count, SEEN);
}

#[test]
fn a_run_is_submitted_with_the_options_of_the_katalonc_that_runs_it() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &RELEASE_NIGHT));
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);

    let id = machine.row()["id"].to_string();

    let shown = machine.kado(&["runs", "show", &id]);

    assert!(
        shown
            .out
            .contains("-adoPlanId=19 -adoTestRunName=Release night"),
        "{shown:?}"
    );
}

#[test]
fn what_was_seen_outlives_katalonc_and_kado() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let first = service(&machine);
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &RELEASE_NIGHT));
    wait_for_commands(&first, 1);

    first.kill();
    katalonc.end();
    let _second = machine.start();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn a_run_that_is_submitted_by_hand_has_the_options_that_were_seen() {
    let machine = Machine::new();
    machine.configure("[submit]\nauto_submit = false\n");
    let shop = shop(&machine);
    let service = service(&machine);
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &RELEASE_NIGHT));
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_rows("the run to be ignored", |states| {
        states.iter().any(|state| state.contains("ignored"))
    });
    let folder = machine.row()["folder"].as_str().unwrap().to_owned();
    let planned = machine.kado(&["submit", "--dry-run", "--json", &folder]);

    assert!(planned.out.contains("\"plan_id\": 19"), "{planned:?}");
    assert_eq!(machine.submit_folder(Path::new(&folder)).code, 0);
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn the_setting_switches_looking_at_processes_off() {
    let machine = Machine::new();
    machine.configure("katalonc_options = false\n");
    let shop = shop(&machine);
    let service = service(&machine);
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &RELEASE_NIGHT));

    wait_until("the run to be written", || {
        let runs = shop.join("Reports").read_dir().unwrap().count();
        if runs > 0 { Ok(()) } else { Err(service.log()) }
    });
    katalonc.end();
    machine.wait_for_completed(1);

    assert_eq!(
        in_ado(&machine),
        [(Some(PLAN), "Run by Katalon Studio".to_owned())]
    );
    assert!(!service.log().contains(SEEN), "{}", service.log());
}

#[test]
fn the_project_may_be_named_by_its_file_and_from_where_katalonc_stands() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let relative = arguments(Path::new("Shop/Shop.prj"), SUITE, &RELEASE_NIGHT);
    let katalonc = Katalonc::start_with(&machine.root(), &relative, |command| {
        command.current_dir(shop.parent().unwrap());
    });
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn a_katalonc_of_another_project_or_suite_says_nothing_about_a_run() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let other = machine.project(
        "Other",
        machine.settings(),
        [TestCaseFile::new(&tc("Sign in")).azure("1001")],
    );
    let service = service(&machine);
    let elsewhere = Katalonc::start(&machine.root(), &arguments(&other, SUITE, &RELEASE_NIGHT));
    let night = Katalonc::start(
        &machine.root(),
        &arguments(&shop, "Test Suites/Night", &["-adoPlanId=20"]),
    );
    let own = Katalonc::start(
        &machine.root(),
        &arguments(&shop, SUITE, &["-adoTestRunName=Mine"]),
    );
    wait_for_commands(&service, 3);

    own.end();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(PLAN), "Mine".to_owned())]);

    elsewhere.kill();
    night.kill();
}

/// A program of another account that only looks like a katalonc with these arguments.
#[cfg(unix)]
fn lookalike(arguments: &[String]) -> Option<Child> {
    let mut plain = Command::new("sh");
    plain.args(["-c", "read line", "katalonc"]).args(arguments);
    let mut stranger = as_account(&plain, 61_001)?;
    stranger.stdin(Stdio::piped());

    Some(stranger.spawn().expect("a shell can be started"))
}

#[cfg(unix)]
#[test]
fn a_program_of_another_account_that_looks_like_katalonc_says_nothing_about_a_run() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let looks_like = arguments(&shop, SUITE, &RELEASE_NIGHT);
    let Some(mut stranger) = lookalike(&looks_like) else {
        return;
    };
    let own = Katalonc::start(
        &machine.root(),
        &arguments(&shop, SUITE, &["-adoTestRunName=Mine"]),
    );
    wait_for_commands(&service, 1);
    service.wait_for_log("a command of another account says that it started this run");

    own.end();
    machine.wait_for_completed(1);
    stranger.kill().expect("it runs");
    stranger.wait().expect("it ended");

    assert_eq!(in_ado(&machine), [(Some(PLAN), "Mine".to_owned())]);
}

/// Two katalonc of the same suite run at once before the service looks; their runs get into this
/// state.
fn two_at_once(machine: &Machine, one: &[&str], other: &[&str], state: &str) -> Service {
    let shop = shop(machine);
    machine.start().kill();

    // The first to start is the first to end, also by what its log says: a run that ended before
    // one that is in ADO already would be parked as an older one.
    let first = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, one));
    wait_for_runs(&shop, 1);
    let second = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, other));
    wait_for_runs(&shop, 2);

    let service = machine.start();
    wait_for_commands(&service, 4);
    first.end();
    second.end();
    machine.wait_for_rows("both runs to be decided", |rows| {
        rows.iter()
            .filter(|row| row.starts_with(&format!("{SUITE} {state}")))
            .count()
            == 2
    });

    service
}

fn wait_for_runs(project: &Path, count: usize) {
    wait_until("the runs to be written", || {
        let runs = kado::watch::find_runs(project).len();
        if runs == count {
            Ok(())
        } else {
            Err(format!("{runs}"))
        }
    });
}

#[test]
fn two_katalonc_of_one_suite_that_differ_are_not_guessed_between() {
    let machine = Machine::new();
    let agreed = ["-adoPlanId=19"];
    let _service = two_at_once(
        &machine,
        &agreed,
        &["-adoPlanId=19", "-adoTestRunName=Other"],
        "submitted",
    );
    let by_settings = || (Some(19), "Run by Katalon Studio".to_owned());

    assert_eq!(in_ado(&machine), [by_settings(), by_settings()]);

    for row in machine.rows() {
        let shown = machine.kado(&["runs", "show", "--json", &row["id"].to_string()]);

        let warning = "2 katalonc with different `ado*` options ran for this suite at once";
        assert!(shown.out.contains(warning), "{shown:?}");
    }
}

#[cfg(unix)]
#[test]
fn of_a_script_around_katalonc_and_katalonc_the_inner_one_counts() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let script = machine.root().join("nightly.sh");
    fs::write(&script, "\"$KATALONC\" \"$@\" -adoPlanId=19\n").unwrap();
    let mut command = std::process::Command::new("sh");
    command
        .arg(&script)
        .env("KATALONC", crate::support::katalonc::program());
    command.args(arguments(&shop, SUITE, &["-adoTestRunName=Of the script"]));
    let katalonc = Katalonc::start_command(&machine.root(), command);
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Of the script".to_owned())]);
}

#[test]
fn no_plan_is_guessed_where_two_katalonc_name_different_ones() {
    let machine = Machine::new();
    // It speaks for runs without a command of their own.
    with_console_properties(&machine, "18");
    let _service = two_at_once(&machine, &["-adoPlanId=19"], &["-adoPlanId=20"], "parked");

    assert_eq!(in_ado(&machine), []);
    let rows = machine.rows();
    for row in &rows {
        let reason = row["error"].as_str().unwrap();

        assert!(
            reason.starts_with("2 katalonc with different test plans"),
            "{reason}"
        );
        assert!(
            reason.ends_with("and with `--plan PLAN` to another one"),
            "{reason}"
        );
    }
    assert_eq!(
        machine.kado(&["runs", "retry", "--failed"]).code,
        1,
        "nobody looked at these"
    );
    assert_eq!(in_ado(&machine), []);

    let retried = machine.kado(&["runs", "retry", &rows[0]["id"].to_string()]);

    assert_eq!(retried.code, 1, "{retried:?}");
    assert!(
        retried
            .out
            .contains("left out: 2 katalonc with different `ado*` options"),
        "{retried:?}"
    );

    machine.wait_for_completed(1);

    assert_eq!(
        in_ado(&machine),
        [(Some(PLAN), "Run by Katalon Studio".to_owned())]
    );
}

#[test]
fn an_execution_uuid_tells_two_katalonc_of_one_suite_apart() {
    let machine = Machine::new();
    let one = [
        "-executionUUID=6f0e7b52-0000-4000-8000-000000000001",
        "-adoTestRunName=One",
    ];
    let other = [
        "-executionUUID=6f0e7b52-0000-4000-8000-000000000002",
        "-adoTestRunName=Other",
    ];
    let _service = two_at_once(&machine, &one, &other, "submitted");

    assert_eq!(
        in_ado(&machine),
        [
            (Some(PLAN), "One".to_owned()),
            (Some(PLAN), "Other".to_owned())
        ]
    );
}

#[test]
fn each_run_of_a_collection_has_the_options_of_its_katalonc() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let all = format!("-testSuiteCollectionPath={}", "Test Suites/All");
    let project = format!("-projectPath={}", shop.display());
    let command = [&project, &all, "-adoTestRunName=All night"].map(str::to_owned);
    let katalonc = Katalonc::start(&machine.root(), &command);
    wait_for_commands(&service, 2);

    katalonc.end();
    machine.wait_for_completed(2);

    let name = || (Some(PLAN), "All night".to_owned());
    assert_eq!(in_ado(&machine), [name(), name()]);
}

#[test]
fn a_copy_that_katalonc_makes_inside_reports_is_the_same_run_with_the_same_options() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let more = ["-adoPlanId=19", "-reportFolder=Reports/copy"];
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &more));
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    assert!(shop.join("Reports/copy/execution0.log").exists());
    assert_eq!(in_ado(&machine).len(), 1);

    // The copy alone knows where the run lay that it is a copy of.
    let planned = machine.kado(&[
        "submit",
        "--dry-run",
        "--json",
        &shop.join("Reports/copy").to_string_lossy(),
    ]);

    assert!(planned.out.contains("\"plan_id\": 19"), "{planned:?}");
}

#[test]
fn nothing_else_of_a_command_line_is_logged_or_stored() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);
    let more = [
        "-adoPlanId=19",
        "-g_password=hunter2hunter2",
        "--config",
        "-proxy.auth.password=hunter2hunter2",
    ];
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &more));
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    let log = service.stop().err;
    assert!(
        !log.contains("hunter2") && !log.contains("secret-api-key"),
        "{log}"
    );

    let mut waiting = vec![machine.state()];

    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                waiting.push(entry.path());
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            for secret in ["hunter2", "secret-api-key", TOKEN] {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} stands in {}", entry.path().display());
            }
        }
    }
}

#[test]
fn info_pairs_of_katalonc_are_read_from_the_run_folder_in_any_spelling() {
    for (at, key) in ["adoPlanId", "adoPlanID", "ADOPLANID", "adoplanid"]
        .into_iter()
        .enumerate()
    {
        let machine = Machine::new();
        let shop = shop(&machine);
        let later = start_of() + jiff::SignedDuration::from_hours(at as i64);

        let run = finished([Test::passed(&tc("Sign in"))])
            .start(later)
            .info(key, "19")
            .info("AdoTestRunname", "Night");

        assert_eq!(machine.submit(&shop, &run).code, 0);
        assert_eq!(in_ado(&machine), [(Some(19), "Night".to_owned())], "{key}");
    }
}

/// A project whose `console.properties` names a run.
fn with_console_properties(machine: &Machine, plan: &str) -> PathBuf {
    let project = ProjectWriter::new(machine.work().join("Shop"))
        .azure(machine.settings())
        .test_case(TestCaseFile::new(&tc("Sign in")).azure("1001"))
        .console_property("adoTestRunName", "From the file")
        .console_property("adoPlanID", plan);
    project.write().unwrap();
    project.root().to_owned()
}

#[test]
fn console_properties_count_for_runs_of_the_console_and_empty_values_do_not() {
    let machine = Machine::new();
    let shop = with_console_properties(&machine, "");
    let run = |hours| {
        let start = start_of() + jiff::SignedDuration::from_hours(hours);
        finished([Test::passed(&tc("Sign in"))]).start(start)
    };

    assert_eq!(machine.submit(&shop, &run(0).console()).code, 0);
    assert_eq!(machine.submit(&shop, &run(1)).code, 0);
    let expected = [
        (Some(PLAN), "From the file".to_owned()),
        (Some(PLAN), "Run by Katalon Studio".to_owned()),
    ];
    assert_eq!(in_ado(&machine), expected);
}

#[test]
fn the_command_line_beats_console_properties_option_by_option() {
    let machine = Machine::new();
    let shop = with_console_properties(&machine, "");
    let service = service(&machine);
    let katalonc = Katalonc::start(
        &machine.root(),
        &arguments(&shop, SUITE, &["-adoPlanId=19"]),
    );
    wait_for_commands(&service, 1);

    katalonc.end();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "From the file".to_owned())]);
}

#[test]
fn every_spelling_counts_on_the_command_line() {
    for (plan, name) in [
        ("-adoPlanId", "-adoTestRunName"),
        ("-adoPlanID", "-ADOTESTRUNNAME"),
        ("-adoplanid", "-adoTestRunname"),
    ] {
        let machine = Machine::new();
        let shop = shop(&machine);
        let options = [format!("{plan}=19"), format!("{name}=Night")];

        let done = finish(machine.exec(
            &["--strict"],
            &arguments(&shop, SUITE, &[&options[0], &options[1]]),
        ));

        assert_eq!(done.code, 0, "{plan} {done:?}");
        assert_eq!(in_ado(&machine), [(Some(19), "Night".to_owned())], "{plan}");
    }
}

#[test]
fn the_command_line_beats_the_run_folder_which_beats_console_properties() {
    let machine = Machine::new();
    let shop = with_console_properties(&machine, "");
    let run = || finished([Test::passed(&tc("Sign in"))]).console();

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    let later = run()
        .start(start_of() + jiff::SignedDuration::from_hours(1))
        .info("adoTestRunName", "Of the folder");
    assert_eq!(machine.submit(&shop, &later).code, 0);

    let both = [
        "-adoTestRunName=Of the command line",
        "--info",
        "-adoTestRunName=Of the folder",
    ];

    let done = finish(machine.exec(&["--strict"], &arguments(&shop, SUITE, &both)));

    assert_eq!(done.code, 0, "{done:?}");
    let names: Vec<_> = in_ado(&machine).into_iter().map(|(_, name)| name).collect();
    assert_eq!(
        names,
        ["From the file", "Of the command line", "Of the folder"]
    );
}

#[test]
fn a_run_that_was_copied_in_does_not_get_the_options_of_a_katalonc_that_runs() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = shop(&machine);
    let service = service(&machine);
    let katalonc = Katalonc::start(&machine.root(), &arguments(&shop, SUITE, &RELEASE_NIGHT));
    wait_for_commands(&service, 1);
    let yesterday = now() - jiff::SignedDuration::from_hours(24);

    let old = SuiteRunWriter::new(SUITE)
        .console()
        .start(yesterday)
        .test(Test::passed(&tc("Sign in")));
    old.write_in(&shop).unwrap();
    wait_for_commands(&service, 2);
    machine.wait_for_completed(1);

    assert_eq!(
        in_ado(&machine),
        [(Some(PLAN), "Run by Katalon Studio".to_owned())]
    );

    katalonc.kill();
}
