//! `kado exec`: katalonc is run, and what it made is submitted with the options that it was given.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and lay out files"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::AzureSettings;

use crate::support::katalonc::arguments;
use crate::support::{
    Machine, Output, PLAN, SUITE, Service, age, ended, finish, finish_with, now, wait_until,
};

const RELEASE_NIGHT: [&str; 2] = ["-adoPlanId=19", "-adoTestRunName=Release night"];

fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[("Sign in", "1001")])
}

/// Runs the suite with these options of kado and arguments of katalonc.
fn exec(machine: &Machine, shop: &Path, options: &[&str], more: &[&str]) -> Output {
    finish(machine.exec(options, &arguments(shop, SUITE, more)))
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

/// A started `kado exec` whose katalonc does not end its suite while the file is there.
struct Held {
    child: Child,
    hold: PathBuf,
}

impl Held {
    fn start(machine: &Machine, options: &[&str], arguments: &[String]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let [hold, ready] =
            ["hold", "ready"].map(|name| machine.root().join(format!("{name}-{number}")));
        fs::write(&hold, "").unwrap();
        let mut command = machine.exec(options, arguments);
        command.env("FAKE_HOLD", &hold).env("FAKE_READY", &ready);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        wait_until("katalonc to begin", || {
            if ready.exists() {
                Ok(())
            } else {
                Err(String::new())
            }
        });

        Self { child, hold }
    }

    fn end(self) -> Output {
        fs::remove_file(&self.hold).unwrap();
        self.wait()
    }

    fn wait(self) -> Output {
        ended(self.child, "kado exec")
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill")
            .arg(signal)
            .arg(self.child.id().to_string())
            .status()
            .unwrap();

        assert!(sent.success());
    }
}

/// Waits until a test has started in so many runs.
fn wait_for_tests(shop: &Path, runs: usize) {
    wait_until("a test to start", || {
        let logs = kado::watch::find_runs(shop)
            .into_iter()
            .map(|run| run.join("execution0.log"));
        let texts: Vec<_> = logs
            .filter_map(|log| fs::read_to_string(log).ok())
            .collect();

        let started = texts
            .iter()
            .filter(|text| text.contains("startTest"))
            .count();
        if started == runs {
            Ok(())
        } else {
            Err(format!("{texts:?}"))
        }
    });
}

fn service(machine: &Machine) -> Service {
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    service
}

#[test]
fn without_a_service_the_run_is_submitted_with_its_options_before_exec_ends() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let done = exec(&machine, &shop, &[], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn what_was_submitted_is_said_on_standard_error_and_standard_output_is_katalons() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let done = exec(&machine, &shop, &[], &RELEASE_NIGHT);

    let folder = machine.row()["folder"].as_str().unwrap().to_owned();
    let out = format!(
        "Starting Katalon Runtime Engine\nReport folder: {folder}\nAll test suites finished\n"
    );
    assert_eq!(done.out, out);
    insta::assert_snapshot!(machine.readable(&done.err));
}

#[test]
fn the_exit_code_is_that_of_katalonc() {
    for code in ["0", "1", "4"] {
        let machine = Machine::new();
        let shop = shop(&machine);

        let mut command = machine.exec(&[], &arguments(&shop, SUITE, &RELEASE_NIGHT));
        command.env("FAKE_EXIT", code);
        let done = finish(command);

        assert_eq!(done.code.to_string(), code, "{done:?}");
        assert_eq!(
            machine.ado_runs().len(),
            1,
            "a run whose katalonc failed is submitted as well"
        );
    }
}

#[test]
fn standard_input_reaches_katalonc() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let mut command = machine.exec(&[], &arguments(&shop, SUITE, &[]));
    command
        .env("FAKE_ECHOES", "1")
        .env("FAKE_RUNS_NOTHING", "1");
    let done = finish_with(command, "typed by a person\n");

    assert!(done.out.contains("typed by a person"), "{done:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_to_kado_reaches_katalonc_and_the_exit_code_says_so() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let machine = Machine::new();
        let shop = shop(&machine);
        let held = Held::start(&machine, &[], &arguments(&shop, SUITE, &RELEASE_NIGHT));
        wait_for_tests(&shop, 1);

        held.signal(signal);
        let done = held.wait();

        assert_eq!(done.code, code, "{done:?}");
        assert!(!done.out.contains("All test suites finished"), "{done:?}");
        assert_eq!(machine.ado_runs().len(), 0);
        let row = machine.row();
        assert_eq!(
            row["state"], "ignored",
            "a run that was broken off is listed: {row}"
        );
        assert!(
            row["error"].as_str().unwrap().contains("submit_aborted"),
            "{row}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_was_broken_off_is_submitted_where_aborted_runs_are() {
    let machine = Machine::new();
    machine.configure("submit_aborted = true\n");
    let shop = shop(&machine);

    let mut command = machine.exec(&[], &arguments(&shop, SUITE, &RELEASE_NIGHT));
    command.env("FAKE_DIES", "1");
    let done = finish(command);

    assert_eq!(done.code, 137, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn beside_a_service_the_run_is_submitted_once_and_with_its_options() {
    let machine = Machine::new();
    machine.configure("katalonc_options = false\n");
    let shop = shop(&machine);
    let service = service(&machine);

    let done = exec(&machine, &shop, &["--strict"], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
    assert!(done.err.contains("submitted as test run"), "{done:?}");

    service.stop_cleanly();

    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn a_service_that_finds_the_run_first_submits_it_with_the_options_of_the_claim() {
    let machine = Machine::new();
    // Automatic submission does not matter for a claimed run.
    machine.configure("katalonc_options = false\n[submit]\nauto_submit = false\n");
    let shop = shop(&machine);
    let _service = service(&machine);
    // The second session holds katalonc while the first one's run is over.
    let ready = machine.root().join("ready");

    let mut command = machine.exec(
        &[],
        &arguments(
            &shop,
            SUITE,
            &[RELEASE_NIGHT[0], RELEASE_NIGHT[1], "-retry=1"],
        ),
    );
    command
        .env("FAKE_HOLD_FROM", "2")
        .env("FAKE_HOLD", &ready)
        .env("FAKE_READY", &ready);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
    fs::remove_file(&ready).unwrap();
    assert_eq!(ended(child, "kado exec").code, 0);
    let name = || (Some(19), "Release night".to_owned());
    assert_eq!(in_ado(&machine), [name(), name()]);
}

#[test]
fn neither_history_nor_automatic_submission_keep_a_run_of_exec_from_being_submitted() {
    let machine = Machine::new();
    machine.configure("history = \"2100-01-01T00:00:00Z\"\n[submit]\nauto_submit = false\n");
    let shop = shop(&machine);
    let _service = service(&machine);

    let done = exec(&machine, &shop, &["--strict"], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn what_is_left_to_katalon_is_not_submitted_by_exec_either() {
    let machine = Machine::new();
    let shop = shop(&machine);
    machine.configure("[submit]\nkatalon_submits = \"always\"\n");

    let output = exec(&machine, &shop, &["--strict"], &RELEASE_NIGHT);

    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output
            .err
            .contains("ignored: left to Katalon's own submission"),
        "{output:?}"
    );
    assert_eq!(in_ado(&machine), []);
}

#[test]
fn a_claim_outlives_a_kado_exec_that_is_killed() {
    let machine = Machine::new();
    machine.configure("katalonc_options = false\n");
    let shop = shop(&machine);
    let mut held = Held::start(&machine, &[], &arguments(&shop, SUITE, &RELEASE_NIGHT));
    wait_for_tests(&shop, 1);

    held.child.kill().unwrap();
    held.child.wait().unwrap();
    fs::remove_file(&held.hold).unwrap();
    let _service = machine.start();
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn a_kado_exec_that_was_killed_takes_nothing_from_the_one_that_follows_at_once() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut killed = Held::start(&machine, &[], &arguments(&shop, SUITE, &["-adoPlanId=19"]));
    wait_for_tests(&shop, 1);

    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let done = exec(&machine, &shop, &["--strict"], &["-adoTestRunName=Next"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(PLAN), "Next".to_owned())]);
    fs::remove_file(&killed.hold).unwrap();
}

#[cfg(unix)]
#[test]
fn a_state_folder_that_is_removed_meanwhile_sends_no_run_without_its_options() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let held = Held::start(
        &machine,
        &["--strict"],
        &arguments(&shop, SUITE, &["-adoPlanId=19"]),
    );
    wait_for_tests(&shop, 1);

    fs::remove_dir_all(machine.state()).expect("the state folder can be removed");
    let done = held.end();

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err.contains("does not know its `kado exec` any more"),
        "{done:?}"
    );
    assert_eq!(in_ado(&machine), []);
}

#[cfg(unix)]
#[test]
fn what_broke_off_is_not_said_to_run_on_for_a_kado_exec_that_was_killed_just_now() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut killed = Held::start(&machine, &[], &arguments(&shop, SUITE, &[]));
    wait_for_tests(&shop, 1);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    fs::remove_file(&killed.hold).unwrap();
    let first = kado::watch::find_runs(&shop).remove(0);
    wait_until("its katalonc to end", || {
        let report = first.join("JUnit_Report.xml");
        report.exists().then_some(()).ok_or_else(String::new)
    });

    let mut next = machine.exec(&[], &arguments(&shop, SUITE, &[]));
    next.env("FAKE_DIES", "1");
    let done = finish(next);

    assert_eq!(done.code, 137, "{done:?}");
    assert!(!done.err.contains("not over yet"), "{done:?}");
    assert!(done.err.contains("ignored: aborted"), "{done:?}");
    let folder = kado::watch::find_runs(&shop).pop().expect("a run folder");
    let submits = format!("`kado submit \"{}\"`", folder.display());
    assert!(done.err.contains(&submits), "{done:?}");
}

#[test]
fn a_run_that_goes_on_is_left_to_the_command_that_runs_it() {
    let machine = Machine::new();
    let shop = shop(&machine);
    machine.configure("submit_aborted = true\n");
    let start = || {
        Held::start(
            &machine,
            &["--strict"],
            &arguments(&shop, SUITE, &["-adoPlanId=19"]),
        )
    };
    let (first, second) = (start(), start());
    wait_for_tests(&shop, 2);

    let done = first.end();

    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.err
            .contains("is not over yet, so it is left to the command that runs it"),
        "{done:?}"
    );
    assert_eq!(machine.ado_runs().len(), 1);

    let done = second.end();

    assert_eq!(done.code, 0, "{done:?}");
    let results: Vec<_> = machine
        .ado_runs()
        .iter()
        .map(|run| (run.state.clone(), run.results.len()))
        .collect();
    assert_eq!(
        results,
        [("Completed".to_owned(), 1), ("Completed".to_owned(), 1)]
    );
}

#[test]
fn a_run_whose_reports_are_still_written_is_left_to_the_command_that_runs_it() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let start = || Held::start(&machine, &["--strict"], &arguments(&shop, SUITE, &[]));
    let (first, second) = (start(), start());
    wait_for_tests(&shop, 2);
    let ended = fake_katalon::SuiteRunWriter::new(SUITE)
        .start(now())
        .console()
        .host(&gethostname::gethostname().to_string_lossy())
        .test(fake_katalon::Test::passed("Test Cases/Sign in"))
        .write_in(&shop)
        .unwrap();
    // Katalon writes it last.
    let report = ended.join("JUnit_Report.xml");
    let content = fs::read(&report).unwrap();
    fs::remove_file(&report).unwrap();

    let of_first = first.end();
    fs::write(&report, content).unwrap();
    let of_second = second.end();

    assert_eq!(
        (of_first.code, of_second.code),
        (0, 0),
        "{of_first:?} {of_second:?}"
    );
    assert!(of_first.err.contains("is not over yet"), "{of_first:?}");
    assert_eq!(machine.ado_runs().len(), 3);
}

#[test]
fn what_two_kado_exec_at_once_do_not_agree_on_is_left_out_and_told() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let start = |name: &str| {
        Held::start(
            &machine,
            &["--strict"],
            &arguments(&shop, SUITE, &["-adoPlanId=19", name]),
        )
    };
    let first = start("-adoTestRunName=One");
    let second = start("-adoTestRunName=Two");
    wait_for_tests(&shop, 2);

    first.end();
    let done = second.end();

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err
            .contains("left out: 2 `kado exec` with different `ado*` options"),
        "{done:?}"
    );
    // Where the first run started before the second command did, it is known whose it is.
    let runs = in_ado(&machine);
    let agreed = (Some(19), "Run by Katalon Studio".to_owned());
    assert!(
        runs.len() == 2
            && runs[1] == agreed
            && [&agreed, &(Some(19), "One".to_owned())].contains(&&runs[0]),
        "{runs:?}"
    );
}

#[test]
fn a_run_of_katalon_studios_window_is_none_of_exec() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let held = Held::start(&machine, &[], &arguments(&shop, SUITE, &RELEASE_NIGHT));

    let by_hand = fake_katalon::SuiteRunWriter::new(SUITE).start(now());
    by_hand
        .test(fake_katalon::Test::passed("Test Cases/Sign in"))
        .write_in(&shop)
        .unwrap();
    let done = held.end();

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn every_run_of_a_collection_is_submitted() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let done = exec_collection(&machine, &shop, &[]);

    assert_eq!(done.code, 0, "{done:?}");
    let name = || (Some(PLAN), "All night".to_owned());
    assert_eq!(in_ado(&machine), [name(), name()]);
}

/// Runs a collection of two suites with these variables of the stand-in.
fn exec_collection(machine: &Machine, shop: &Path, variables: &[(&str, &str)]) -> Output {
    let project = format!("-projectPath={}", shop.join("Shop.prj").display());
    let more = [
        &project,
        "-testSuiteCollectionPath=Test Suites/All",
        "-adoTestRunName=All night",
    ];
    let mut command = machine.exec(&["--strict"], &more.map(str::to_owned));
    command.envs(variables.iter().copied());

    finish(command)
}

#[test]
fn a_collection_that_is_one_run_is_submitted_once_with_the_options_of_its_command() {
    let machine = Machine::new();
    machine.configure("[submit]\ncollections = \"one\"\n");
    let shop = shop(&machine);
    let done = exec_collection(&machine, &shop, &[]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(PLAN), "All night".to_owned())]);
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results.len(), 1);
    assert_eq!(machine.states(), ["Test Suites/All submitted"]);
    let comment = run.comment.unwrap_or_default();
    assert!(
        comment.contains("First: 1 PASSED") && comment.contains("Second: 1 PASSED"),
        "{comment}"
    );
    assert_eq!(
        done.err.matches("submitted as test run").count(),
        1,
        "{done:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_collection_that_was_broken_off_is_listed_and_submitted_where_aborted_runs_are() {
    let broken_off = |more: &str| {
        let machine = Machine::new();
        machine.configure(&format!("{more}[submit]\ncollections = \"one\"\n"));
        let shop = shop(&machine);
        let done = exec_collection(&machine, &shop, &[("FAKE_DIES", "1")]);
        assert_eq!(done.code, 137, "{done:?}");
        machine
    };
    let listed = broken_off("");
    let row = listed.row();

    assert_eq!(row["suite"], "Test Suites/All");
    assert_eq!(row["state"], "ignored");
    assert!(
        row["error"].as_str().unwrap().contains("submit_aborted"),
        "{row}"
    );
    let submitted = broken_off("submit_aborted = true\n");
    assert_eq!(in_ado(&submitted), [(Some(PLAN), "All night".to_owned())]);
    let comment = submitted.ado_run().comment.unwrap_or_default();
    assert!(
        comment.contains("suite `Test Suites/Second` never started"),
        "{comment}"
    );
}

#[test]
fn every_retry_is_submitted_and_copies_are_the_run_that_they_are_a_copy_of() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let done = exec(
        &machine,
        &shop,
        &["--strict"],
        &["-retry=1", "-reportFolder=Reports/copy", "-adoPlanID=19"],
    );

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine).len(), 2);
    assert_eq!(machine.rows().len(), 2);
    assert_eq!(
        done.err.matches("submitted as test run").count(),
        2,
        "{done:?}"
    );
}

#[test]
fn old_runs_of_the_project_are_left_alone() {
    let machine = Machine::new();
    let shop = shop(&machine);

    crate::support::finished([fake_katalon::Test::passed("Test Cases/Sign in")])
        .console()
        .write_in(&shop)
        .unwrap();

    assert_eq!(exec(&machine, &shop, &[], &RELEASE_NIGHT).code, 0);
    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn a_run_in_a_container_is_claimed_by_naming_the_project() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let project = shop.display().to_string();

    let mut command = machine.exec(
        &["--strict", "--project", &project],
        &arguments(&shop, SUITE, &RELEASE_NIGHT),
    );
    command.env("FAKE_HOST", "3f2a9c");
    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn a_command_without_a_project_is_wrong_usage_and_is_not_run() {
    let machine = Machine::new();

    let no_path = finish(machine.exec(&[], &["-noSplash".to_owned()]));

    assert_eq!(no_path.code, 2, "{no_path:?}");
    assert_eq!(no_path.out.as_str(), "", "{no_path:?}");
    assert!(
        no_path.err.contains("-projectPath") && no_path.err.contains("--project"),
        "{no_path:?}"
    );

    let no_project = finish(machine.exec(&[], &arguments(&machine.root(), SUITE, &[])));

    assert_eq!(no_project.code, 2, "{no_project:?}");
    assert_eq!(no_project.out.as_str(), "", "{no_project:?}");
    assert!(no_project.err.contains(".prj"), "{no_project:?}");
}

#[cfg(unix)]
#[test]
fn no_variable_of_kado_is_handed_on_to_the_command() {
    let machine = Machine::new();
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\n",
        machine.fake.base_url()
    ));
    let shop = shop(&machine);
    let project = shop.display().to_string();

    let mut command = machine.exec_program(&["--project", &project], Path::new("env"));
    command
        .env("KADO_TOKEN", crate::support::TOKEN)
        .env("OTHER", "kept");
    let done = finish(command);

    assert!(done.out.contains("OTHER=kept"), "{done:?}");
    assert!(!done.out.contains("KADO_"), "{done:?}");
    assert!(!done.out.contains(crate::support::TOKEN), "{done:?}");
}

#[cfg(unix)]
#[test]
fn options_inside_the_text_of_a_shell_are_not_seen_and_that_is_told() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let katalonc = crate::support::katalonc::program().display().to_string();
    let text = format!(
        "{katalonc} -projectPath={} '-testSuitePath={SUITE}' -adoPlanId=19",
        shop.display()
    );
    let project = shop.display().to_string();
    let mut command = machine.exec_program(&["--strict", "--project", &project], Path::new("sh"));
    command.args(["-c", &text]);

    let done = finish(command);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err
            .contains("`-adoPlanId` is part of a text for a shell"),
        "{done:?}"
    );
    assert_eq!(
        in_ado(&machine),
        [(Some(PLAN), "Run by Katalon Studio".to_owned())]
    );
}

#[test]
fn a_mistyped_option_is_no_program_that_cannot_be_started() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let done = exec(&machine, &shop, &["--wiat", "3s"], &[]);

    assert_eq!(done.code, 2, "{done:?}");
    let told = "`--wiat` is no option of `kado exec`; did you mean `--wait`?";
    assert!(done.err.contains(told), "{done:?}");
    assert!(kado::watch::find_runs(&shop).is_empty());
}

#[test]
fn a_command_that_cannot_be_started_is_wrong_usage() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut command = machine.command_with(&machine.config_file(), &[]);
    command.args([
        "exec",
        "--",
        "no-such-katalonc",
        &format!("-projectPath={}", shop.display()),
    ]);

    let done = finish(command);

    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.err.contains("`no-such-katalonc` cannot be started"),
        "{done:?}"
    );
}

#[test]
fn what_a_command_that_did_not_start_was_given_concerns_no_other_run() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut wrong = machine.command_with(&machine.config_file(), &[]);
    let project = format!("-projectPath={}", shop.display());
    wrong.args(["exec", "--", "no-such-katalonc", &project, "-adoPlanId=18"]);

    assert_eq!(finish(wrong).code, 2);

    let done = exec(&machine, &shop, &["--strict"], &["-adoPlanId=19"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(in_ado(&machine)[0].0, Some(19));
}

#[cfg(unix)]
#[test]
fn a_project_file_may_be_named_from_inside_the_project() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let name = std::fs::read_dir(&shop)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name());
    let prj = name
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| name.ends_with(".prj"))
        .unwrap();

    let mut command = machine.exec(&[], &[format!("-projectPath={prj}"), "-version".to_owned()]);
    command.current_dir(&shop);
    let done = finish(command);

    assert!(!done.err.contains("no Katalon project lies at"), "{done:?}");
}

#[test]
fn the_submission_costs_the_exit_code_only_with_strict() {
    let down = || {
        Fault::new(
            "*",
            "",
            Nth::Every,
            FaultAction::error(503, "X", "down for maintenance"),
        )
    };

    for (options, code) in [
        (&["--wait", "1s"][..], 0),
        (&["--wait", "1s", "--strict"], 4),
    ] {
        let machine = Machine::new();
        let shop = shop(&machine);
        machine.fake.fault(down());

        let done = exec(&machine, &shop, options, &RELEASE_NIGHT);

        assert_eq!(done.code, code, "{done:?}");
        assert!(done.err.contains("waits: "), "{done:?}");
        assert_eq!(machine.row()["state"], "pending");
    }
}

#[test]
fn what_waits_when_exec_ends_is_sent_later() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let fault = Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::error(503, "X", "down for maintenance"),
    );
    machine.fake.fault(fault);

    assert_eq!(
        exec(&machine, &shop, &["--wait", "0s"], &RELEASE_NIGHT).code,
        0
    );
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[test]
fn katalonc_s_own_failure_wins_over_that_of_the_submission() {
    let machine = Machine::new();
    let shop = shop(&machine);
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::error(503, "X", "down"),
    ));

    let mut command = machine.exec(&["--strict", "--wait", "0s"], &arguments(&shop, SUITE, &[]));

    command.env("FAKE_EXIT", "7");
    assert_eq!(finish(command).code, 7);
}

#[test]
fn strict_fails_where_an_id_has_no_point_or_no_run_was_made() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Sign out", "999")]);

    let done = exec(&machine, &shop, &["--strict"], &[]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("left out: "), "{done:?}");
    assert_eq!(machine.ado_run().state, "Completed");

    let mut command = machine.exec(&["--strict"], &arguments(&shop, SUITE, &[]));
    command.env("FAKE_RUNS_NOTHING", "1");
    let nothing = finish(command);

    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(
        nothing
            .err
            .contains("no suite run of the command has ended below"),
        "{nothing:?}"
    );
}

#[test]
fn of_several_plans_one_without_a_point_of_the_run_is_no_failure() {
    let machine = Machine::with(crate::support::world().plan(20, "Release 3"));
    let shop = shop(&machine);
    machine.configure("[submit]\ntest_plans = [18, 20]\n");
    let done = exec(&machine, &shop, &["--strict"], &[]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        in_ado(&machine),
        [(Some(18), "Run by Katalon Studio".to_owned())]
    );
}

#[cfg(unix)]
#[test]
fn a_service_that_does_not_answer_is_waited_for_no_longer_than_was_said() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let service = service(&machine);

    service.signal("STOP");
    let done = exec(&machine, &shop, &["--wait", "0s"], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.err
            .contains("the running service did not answer in 2 seconds"),
        "{done:?}"
    );

    service.signal("CONT");
    machine.wait_for_completed(1);

    assert_eq!(in_ado(&machine), [(Some(19), "Release night".to_owned())]);
}

#[cfg(unix)]
#[test]
fn a_service_that_does_not_answer_yet_is_said_to_be_waited_for() {
    use fake_katalon::Test;

    use crate::support::{finished, tc};

    let machine = Machine::new();
    let shop = shop(&machine);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let service = machine.start();
    // Stopped while it writes it would hold the database.
    service.wait_for_log("each run folder has an answer");
    let said = machine.root().join("said");

    service.signal("STOP");
    let mut submitting = machine
        .command(&["submit", &folder.to_string_lossy()])
        .stderr(fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    wait_until("the command to say what it waits for", || {
        let text = fs::read_to_string(&said).unwrap();
        let is_said = text.contains("waiting for the running service");
        is_said.then_some(()).ok_or(text)
    });
    service.signal("CONT");
    let ended = submitting.wait().unwrap();

    assert!(ended.success(), "{ended:?}");
    let text = fs::read_to_string(&said).unwrap();
    assert_eq!(text.matches("waiting for").count(), 1, "{text}");
    machine.ado_run();
}

#[cfg(unix)]
#[test]
fn the_table_of_a_project_counts_by_whichever_path_it_is_reached() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let link = machine.root().join("link");
    std::os::unix::fs::symlink(shop.parent().unwrap(), &link).unwrap();
    machine.configure(&format!(
        "[[project]]\npath = \"{}\"\nsubmit.test_plans = [19]\n",
        link.join("Shop").display()
    ));

    let done = exec(&machine, &shop, &[], &[]);

    assert_eq!(done.code, 0, "{done:?}");

    let through = exec(
        &machine,
        &link.join("Shop"),
        &[],
        &["-adoTestRunName=Through the link"],
    );

    assert_eq!(through.code, 0, "{through:?}");
    let plans: Vec<_> = in_ado(&machine).into_iter().map(|(plan, _)| plan).collect();
    assert_eq!(plans, [Some(19), Some(19)]);
}

#[test]
fn a_project_whose_integration_is_off_is_run_and_not_submitted() {
    let machine = Machine::new();
    let settings = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let done = exec(&machine, &shop, &[], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.err.contains("switched off"), "{done:?}");
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn settings_that_are_missing_are_not_called_switched_off() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let file = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    fs::remove_file(file).expect("the settings can be removed");

    let done = exec(&machine, &shop, &["--strict"], &[]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains(".properties` is missing"), "{done:?}");
    assert!(done.err.contains("`kado setup PROJECT`"), "{done:?}");
    assert!(!done.err.contains("switched off"), "{done:?}");
}

#[test]
fn an_invalid_plan_option_parks_the_run() {
    let machine = Machine::new();
    let shop = shop(&machine);

    let done = exec(&machine, &shop, &["--strict"], &["-adoPlanId=eighteen"]);

    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(machine.row()["state"], "parked");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn a_run_that_was_started_with_a_wrong_plan_goes_to_the_one_that_a_person_names() {
    for wrong in ["-adoPlanId=77", "-adoPlanId=seventy"] {
        let machine = Machine::new();
        let shop = shop(&machine);

        let done = exec(&machine, &shop, &["--strict"], &[wrong]);

        assert_eq!(done.code, 1, "{done:?}");
        assert!(
            done.err.contains("`kado runs retry 1 --plan PLAN`"),
            "{done:?}"
        );
        assert_eq!(
            machine.kado(&["runs", "retry", "1"]).code,
            1,
            "the option still counts"
        );

        let retried = machine.kado(&["runs", "retry", "1", "--plan", "19"]);

        assert_eq!(retried.code, 0, "{retried:?}");
        assert_eq!(
            in_ado(&machine),
            [(Some(19), "Run by Katalon Studio".to_owned())]
        );

        let late = machine.kado(&["runs", "retry", "1", "--plan", "18"]);

        assert_eq!(late.code, 1, "{late:?}");
    }
}

#[test]
fn the_status_of_a_run_whose_plan_is_no_id_offers_what_does_not_park_it_again() {
    let machine = Machine::new();
    let shop = shop(&machine);
    exec(&machine, &shop, &[], &["-adoPlanId=seventy"]);

    let status = machine.kado(&["status"]);

    assert!(
        status
            .out
            .contains("→ `kado runs retry 1 --plan PLAN` submits it, `kado list plans` lists them"),
        "{status:?}"
    );
}

#[cfg(unix)]
#[test]
fn without_a_configuration_what_waits_is_offered_a_command_that_sends_it() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let down = FaultAction::error(503, "X", "down for maintenance");
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let kado = |arguments: &[&str]| {
        let mut command = machine.bare_command();
        command.args(arguments);
        command
    };

    let mut waiting = kado(&["exec", "--wait", "0s", "--"]);
    waiting
        .arg(crate::support::katalonc::program())
        .args(arguments(&shop, SUITE, &[]));
    let waiting = finish(waiting);
    let status = finish(kado(&["status"]));
    machine.fake.clear_faults();
    let retried = finish(kado(&["runs", "retry", "--failed"]));

    let of_exec = "no service runs, so nothing is tried again by itself: `kado runs retry 1`";
    assert!(waiting.err.contains(of_exec), "{waiting:?}");
    let of_status = "nothing is tried again by itself; `kado runs retry --failed` tries once";
    assert!(status.out.contains(of_status), "{status:?}");
    assert_eq!(retried.code, 0, "{retried:?}");
}

#[test]
fn the_plan_that_a_person_names_stays_the_one_of_the_run() {
    let machine = Machine::new();
    let shop = shop(&machine);
    exec(&machine, &shop, &[], &["-adoPlanId=77"]);
    let away = FaultAction::error(503, "X", "down");
    machine
        .fake
        .fault(Fault::new("POST", "test/runs", Nth::Every, away));

    let waiting = machine.kado(&["runs", "retry", "1", "--plan", "19"]);
    machine.fake.clear_faults();
    let again = machine.kado(&["runs", "retry", "1"]);

    assert_eq!(waiting.code, 4, "{waiting:?}");
    assert_eq!(again.code, 0, "{again:?}");
    let plans: Vec<_> = in_ado(&machine).into_iter().map(|(plan, _)| plan).collect();
    assert_eq!(plans, [Some(19)]);
}

#[test]
fn of_several_plans_only_the_wrong_one_is_replaced() {
    let machine = Machine::new();
    let shop = shop(&machine);
    machine.configure("[submit]\ntest_plans = [77, 78]\n");

    assert_eq!(exec(&machine, &shop, &[], &[]).code, 0);
    let id = |plan: u32| {
        machine
            .rows()
            .iter()
            .find(|row| row["plan_id"] == plan)
            .unwrap()["id"]
            .to_string()
    };
    let (first, second) = (id(77), id(78));
    assert_eq!(
        machine
            .kado(&["runs", "retry", &first, "--plan", "19"])
            .code,
        0
    );

    let other = machine.kado(&["runs", "retry", &second, "--plan", "18"]);

    assert_eq!(other.code, 0, "{other:?}");
    let plans: Vec<_> = in_ado(&machine).into_iter().map(|(plan, _)| plan).collect();
    assert_eq!(plans, [Some(18), Some(19)]);
}

#[test]
fn a_run_that_may_be_in_azure_devops_already_goes_to_no_other_plan() {
    let machine = Machine::new();
    let shop = shop(&machine);
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs",
        Nth::Every,
        FaultAction::DropAfter,
    ));

    assert_eq!(exec(&machine, &shop, &["--wait", "0s"], &[]).code, 0);

    machine.fake.clear_faults();

    let refused = machine.kado(&["runs", "retry", "1", "--plan", "19"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .err
            .contains("it is not known whether run 1 has a test run"),
        "{refused:?}"
    );
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(
        in_ado(&machine),
        [(Some(PLAN), "Run by Katalon Studio".to_owned())]
    );
}

#[test]
fn katalonc_runs_even_where_the_outbox_cannot_be_used() {
    let machine = Machine::new();
    let shop = shop(&machine);
    fs::write(machine.state(), "a file in the place of the folder").unwrap();

    let done = exec(&machine, &shop, &[], &RELEASE_NIGHT);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("All test suites finished"), "{done:?}");
    assert!(done.err.contains("cannot be claimed"), "{done:?}");
    assert_eq!(exec(&machine, &shop, &["--strict"], &RELEASE_NIGHT).code, 1);
}

/// The notes of `kado status` about `kado exec`, each as its text and its way out.
fn notes_of_exec(machine: &Machine) -> Vec<(String, String)> {
    let status = machine.kado(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();

    let mut notes = Vec::new();
    for note in status["notes"].as_array().into_iter().flatten() {
        if note["kind"] == "exec" {
            let words = |name| note[name].as_str().unwrap().to_owned();
            notes.push((words("text"), words("hint")));
        }
    }
    notes
}

#[test]
fn a_command_that_did_not_start_is_a_note_of_the_status_until_the_next_one_of_its_suite() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut missing = machine.exec_program(&[], Path::new("no-such-katalonc"));
    missing.args(arguments(&shop, SUITE, &[]));
    let missing = finish(missing);

    let after_it = notes_of_exec(&machine);
    let next = exec(&machine, &shop, &["--strict"], &[]);
    let after_the_next = notes_of_exec(&machine);

    assert_ne!(missing.code, 0, "{missing:?}");
    assert_eq!(after_it.len(), 1, "{after_it:?}");
    let (text, _) = &after_it[0];
    assert!(text.contains(SUITE), "{text}");
    assert!(
        text.contains("did not start, ended before a suite began, or removed"),
        "{text}"
    );
    assert_eq!(next.code, 0, "{next:?}");
    assert_eq!(after_the_next, []);
}

#[test]
fn a_run_of_a_command_that_was_aborted_is_a_note_of_the_status_until_it_is_submitted() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut dying = machine.exec(&[], &arguments(&shop, SUITE, &[]));
    dying.env("FAKE_DIES", "1");
    finish(dying);

    let after_it = notes_of_exec(&machine);
    let folder = kado::watch::find_runs(&shop).remove(0);
    age(&folder);
    machine.submit_folder(&folder);
    let after_its_submission = notes_of_exec(&machine);

    let [(text, hint)] = after_it.as_slice() else {
        panic!("not one note: {after_it:?}");
    };
    assert!(text.contains("run 1 has no end"), "{text}");
    assert!(hint.contains("kado submit"), "{hint}");
    assert_eq!(after_its_submission, []);
}

#[test]
fn a_kado_exec_that_was_killed_before_a_run_is_known_is_a_note_of_the_status() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut killed = Held::start(&machine, &[], &arguments(&shop, SUITE, &[]));
    let while_it_runs = notes_of_exec(&machine);

    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let killed_now = notes_of_exec(&machine);
    fs::remove_file(&killed.hold).unwrap();

    assert_eq!(while_it_runs, []);
    assert_eq!(killed_now.len(), 1, "{killed_now:?}");
    assert!(killed_now[0].0.contains("was killed"), "{killed_now:?}");
}
