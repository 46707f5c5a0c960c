//! Files without an end and file systems that hang cost their own run: the runs of other projects
//! come meanwhile, and kado ends when it is asked to.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests make files of terabytes, pipes by a program, and send signals by one"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fake_katalon::{AzureSettings, ProjectWriter, Sending, SuiteRunWriter, Test, TestCaseFile};
use serde_json::Value;

use crate::support::{HangingFile, Machine, age, ended, skip, tc, wait_until};

/// Bytes of a log that nobody could read to its end.
const TERABYTES: u64 = 4 << 40;

/// A machine with two projects; in the first, by its name, lies a finished run that is damaged
/// later.
fn machine() -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let folder = write_run(&machine, "Archive");
    (machine, folder)
}

/// Writes a finished run of a project of its own.
fn write_run(machine: &Machine, project: &str) -> PathBuf {
    let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
    let root = machine.project(project, machine.settings(), [case]);

    // Runs of one suite that started at one moment would be one run.
    let folder = SuiteRunWriter::new(&format!("Test Suites/{project}"))
        .tests([Test::passed(&tc("Sign in"))])
        .write_in(&root)
        .unwrap();
    age(&folder);
    folder
}

/// What `kado why` says of a folder, which is not done with.
fn why(machine: &Machine, folder: &Path) -> String {
    let said = machine.kado(&["why", &folder.to_string_lossy()]);

    assert_eq!(said.code, 1, "{said:?}");
    said.out
}

/// Makes a file as long as this, without writing anything; whether the file system has such.
fn stretch(file: &Path, length: u64) -> bool {
    let file = fs::File::options().write(true).open(file).unwrap();
    let is_stretched = file.set_len(length).is_ok();
    if !is_stretched {
        skip("there are no files of terabytes here");
    }
    is_stretched
}

#[test]
fn a_log_of_terabytes_is_told_and_other_projects_are_submitted() {
    let (machine, endless) = machine();
    write_run(&machine, "Shop");
    if !stretch(&endless.join("execution0.log"), TERABYTES) {
        return;
    }

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(machine.ado_runs().len(), 1, "{once:?}");
    let reason = "its log has 4194304 MiB, and kado reads at most 2048 MiB of one";
    assert!(why(&machine, &endless).contains(reason), "{once:?}");
    let status = machine.kado(&["status"]);
    assert!(status.out.contains("1 not readable"), "{status:?}");
}

#[test]
fn a_log_of_terabytes_is_refused_by_a_person_who_names_its_folder() {
    let (machine, endless) = machine();
    if !stretch(&endless.join("execution0.log"), TERABYTES) {
        return;
    }

    let submitted = machine.submit_folder(&endless);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(submitted.err.contains("4194304 MiB"), "{submitted:?}");
}

#[test]
fn a_pipe_in_place_of_any_file_that_is_read_is_told_at_once() {
    let settings = "settings/external/com.kms.katalon.integration.azure.properties";
    // Without `JUnit_Report.xml`, for which the grace time of each run is.
    let run_files = ["execution0.log", "execution.properties", "testCaseBinding"];
    let project_files = [settings, "kado.toml", "Test Cases/Sign in.tc"];

    for name in run_files.into_iter().chain(project_files) {
        let (machine, folder) = machine();
        write_run(&machine, "Shop");
        let file = if run_files.contains(&name) {
            folder.join(name)
        } else {
            machine.work().join("Archive").join(name)
        };
        let _ = fs::remove_file(&file);
        let made = Command::new("mkfifo").arg(&file).status().unwrap();
        assert!(made.success(), "{name}");

        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 1, "{name} {once:?}");
        let of_shop = machine
            .rows()
            .into_iter()
            .filter(|row| row["suite"] == "Test Suites/Shop");
        assert_eq!(of_shop.count(), 1, "{name} {once:?}");
        let is_waited_for = once.err.contains("cannot be recorded yet");
        assert!(!is_waited_for, "{name} {once:?}");
    }
}

#[test]
fn a_log_that_hangs_holds_up_neither_other_projects_nor_the_end() {
    let (machine, folder) = machine();
    write_run(&machine, "Shop");
    let Some(hanging) = HangingFile::in_place_of(&folder.join("execution0.log")) else {
        return;
    };

    let service = machine.start();
    hanging.wait_until_read();
    machine.wait_for_completed(1);
    let said = machine.kado(&["status", "--json"]);
    let status: Value = serde_json::from_str(&said.out).unwrap();

    service.stop_cleanly();
    assert_eq!(status["run_folders"]["seen"], 2, "{status}");
    assert_eq!(status["run_folders"]["pending"], 1, "{status}");
}

#[test]
fn settings_that_hang_do_not_hold_up_the_end() {
    let (machine, _) = machine();
    let settings = "Archive/settings/external/com.kms.katalon.integration.azure.properties";
    let Some(hanging) = HangingFile::in_place_of(&machine.work().join(settings)) else {
        return;
    };

    let service = machine.start();
    hanging.wait_until_read();

    service.stop_cleanly();
}

#[test]
fn a_single_pass_that_reads_a_file_that_hangs_ends_when_it_is_asked_to() {
    for file in ["execution0.log", "JUnit_Report.xml"] {
        let (machine, folder) = machine();
        let Some(hanging) = HangingFile::in_place_of(&folder.join(file)) else {
            return;
        };
        let mut command = machine.command(&["run", "--once"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        hanging.wait_until_read();

        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();

        assert!(sent.success());
        let once = ended(child, "kado run --once");
        assert_eq!(once.code, 1, "{file} {once:?}");
    }
}

#[test]
fn a_watched_folder_that_hangs_while_it_is_listed_holds_up_no_other_project() {
    let (machine, _) = machine();
    write_run(&machine, "Shop");
    let session = fs::read_dir(machine.work().join("Archive/Reports")).unwrap();
    let session = session.flatten().next().unwrap().path();
    let Some(hanging) = HangingFile::in_place_of(&session) else {
        return;
    };

    let service = machine.start();
    hanging.wait_until_read();
    machine.wait_for_completed(1);
    let status = machine.kado(&["status"]);

    service.stop_cleanly();
    assert_eq!(status.code, 1, "{status:?}");
    let said = machine.readable(&status.out);
    assert!(said.contains("has not answered for 10 s"), "{said}");
}

#[test]
fn settings_that_hang_hold_up_no_other_project_and_are_told() {
    let (machine, folder) = machine();
    let settings = "Archive/settings/external/com.kms.katalon.integration.azure.properties";
    let Some(hanging) = HangingFile::in_place_of(&machine.work().join(settings)) else {
        return;
    };
    let service = machine.start();
    hanging.wait_until_read();

    write_run(&machine, "Shop");
    machine.wait_for_completed(1);
    let status = machine.kado(&["status"]);

    service.stop_cleanly();
    assert!(
        status.out.contains("1 not readable"),
        "{status:?} {folder:?}"
    );
}

/// Writes a finished run of a project that is not watched, as a person would name one.
fn write_unwatched_run(machine: &Machine, project: &str) -> PathBuf {
    let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
    let project_writer = ProjectWriter::new(machine.root().join(project))
        .azure(machine.settings())
        .test_case(case);
    project_writer.write().expect("the project can be written");

    let folder = SuiteRunWriter::new(&format!("Test Suites/{project}"))
        .tests([Test::passed(&tc("Sign in"))])
        .write_in(project_writer.root())
        .expect("the run can be written");
    age(&folder);
    folder
}

/// `kado submit FOLDER`, which is not waited for.
fn begin_to_submit(machine: &Machine, folder: &Path) -> Child {
    let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program can be started")
}

#[test]
fn a_folder_that_hangs_when_a_person_submits_it_holds_up_neither_service_nor_other_requests() {
    let (machine, _) = machine();
    let hanging_run = write_unwatched_run(&machine, "Share");
    let other_run = write_unwatched_run(&machine, "Local");
    let settings = "Share/settings/external/com.kms.katalon.integration.azure.properties";
    let settings = machine.root().join(settings);
    let Some(hanging) = HangingFile::in_place_of(&settings) else {
        return;
    };
    let service = machine.start();

    let first = begin_to_submit(&machine, &hanging_run);
    hanging.wait_until_read();
    let other = machine.submit_folder(&other_run);
    write_run(&machine, "Shop");
    machine.wait_for_completed(3);

    let refused = ended(first, "kado submit of a folder that hangs");
    service.stop_cleanly();
    assert_eq!(other.code, 0, "{other:?}");
    assert_eq!(refused.code, 1, "{refused:?}");
    let name = settings.to_string_lossy();
    assert!(refused.err.contains(&*name), "{refused:?}");
}

#[test]
fn a_screenshot_that_hangs_is_waited_for_and_holds_up_no_other_project() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    let case = TestCaseFile::new(&tc("Pay")).azure("1002");
    let root = machine.project("Archive", settings, [case]);
    let folder = SuiteRunWriter::new("Test Suites/Archive")
        .tests([Test::failed(&tc("Pay"), "no such card").screenshot()])
        .write_in(&root)
        .expect("the run can be written");
    age(&folder);
    let Some(hanging) = HangingFile::in_place_of(&screenshot_in(&folder)) else {
        return;
    };

    let service = machine.start();
    hanging.wait_until_read();
    write_run(&machine, "Shop");
    machine.wait_for_completed(1);
    service.wait_for_log("has not answered");
    let waiting = wait_until("the run with the screenshot to wait", || {
        let mut rows = machine.rows();
        rows.retain(|row| row["suite"] == "Test Suites/Archive" && !row["error"].is_null());
        rows.pop().ok_or_else(|| format!("{:#?}", machine.states()))
    });
    let said = service.log();

    service.stop_cleanly();
    assert!(said.contains("are sent from where they lie"), "{said}");
    // Neither given up nor completed without it: the share may be there again in a moment.
    assert_eq!(waiting["state"], "submitting", "{waiting}");
    let name = waiting["error"].as_str().unwrap_or_default();
    assert!(name.contains("has not answered for 10 s"), "{waiting}");
}

/// The only screenshot below a run folder.
fn screenshot_in(folder: &Path) -> PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "png") {
                return path;
            }
        }
    }
    panic!("no screenshot lies in `{}`", folder.display());
}

#[test]
fn a_command_ends_where_a_file_system_does_not_answer_and_names_the_folder() {
    let (machine, folder) = machine();
    let settings = "Archive/settings/external/com.kms.katalon.integration.azure.properties";
    let path = machine.work().join(settings);
    let Some(_hanging) = HangingFile::in_place_of(&path) else {
        return;
    };
    let folder = folder.to_string_lossy().into_owned();
    let project = machine
        .work()
        .join("Archive")
        .to_string_lossy()
        .into_owned();
    let commands = [
        vec!["why", &folder],
        vec!["submit", &folder],
        vec!["submit", "--dry-run", &folder],
        vec!["inspect", &project],
        vec!["check", "--offline", &project],
    ];

    // At once, because each waits for as long as an answer may take.
    std::thread::scope(|scope| {
        for arguments in &commands {
            let (machine, path) = (&machine, &path);
            scope.spawn(move || {
                let done = machine.kado(arguments);

                assert_eq!(done.code, 1, "{arguments:?} {done:?}");
                let name = path.to_string_lossy();
                assert!(done.err.contains(&*name), "{arguments:?} {done:?}");
            });
        }
    });
}
