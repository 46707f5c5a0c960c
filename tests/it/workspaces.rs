//! Workspaces as test machines have them: deleted and made again at any moment, with the line ends
//! of Windows, deep down, with files that another program holds.

use std::fs;
use std::path::Path;

use fake_katalon::{Phase, SuiteRunWriter, Test};

use crate::support::{Machine, age, finished, now, tc, wipe};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Pay", "1002")];

fn run() -> SuiteRunWriter {
    run_of("Test Suites/Smoke")
}

fn run_of(suite: &str) -> SuiteRunWriter {
    let tests = [
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no such card").screenshot(),
    ];
    SuiteRunWriter::new(suite).pace(20).tests(tests)
}

/// A finished run of a suite, until it is submitted.
fn arrives(machine: &Machine, shop: &Path, suite: &str) {
    age(&run_of(suite).start(now()).write_in(shop).unwrap());
    let submitted = format!("{suite} submitted");
    machine.wait_for_rows(&submitted, |states| states.contains(&submitted));
}

#[test]
fn a_workspace_can_be_deleted_and_made_again_at_any_moment_while_the_service_runs() {
    let machine = Machine::new();
    let service = {
        machine.shop(&CASES);
        machine.start()
    };
    service.wait_for_log("found a Katalon project");

    for phase in [Phase::Queued, Phase::Running, Phase::Ended, Phase::Closed] {
        let shop = machine.shop(&CASES);
        let run = run_of(&format!("Test Suites/{phase:?}")).start(now());
        let folder = run.folder_in(&shop);
        run.live(&folder).perform_through(phase).unwrap();

        // Of a suite that has not ended kado takes nothing in hand, so there is nothing to wait
        // for.
        if phase >= Phase::Ended {
            machine.wait_for_copies(&folder);
        }

        wipe(&shop);
    }

    let shop = machine.shop(&CASES);
    arrives(&machine, &shop, "Test Suites/Made again");

    // Whether they are sent or come too late to be sent is for others to show.
    machine.wait_for_rows("what had ended", |states| {
        ["Ended", "Closed"].iter().all(|phase| {
            states
                .iter()
                .any(|state| state.starts_with(&format!("Test Suites/{phase} ")))
        })
    });
    service.stop_cleanly();
}

#[test]
fn a_watched_folder_can_be_deleted_and_made_again_while_the_service_runs() {
    let machine = Machine::new();
    machine.shop(&CASES);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    for suite in ["Test Suites/Made again", "Test Suites/Made once more"] {
        wipe(&machine.work());
        fs::create_dir(machine.work()).unwrap();
        arrives(&machine, &machine.shop(&CASES), suite);
    }

    service.stop_cleanly();
}

/// Gives every text file below a folder the line ends of Windows.
fn with_carriage_returns(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            with_carriage_returns(&path);
        } else if let Ok(text) = fs::read_to_string(&path) {
            fs::write(&path, text.replace("\r\n", "\n").replace('\n', "\r\n")).unwrap();
        }
    }
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let told = |prepare: fn(&Path)| {
        let machine = Machine::new();
        let shop = machine.shop(&CASES);
        let folder = run().write_in(&shop).unwrap();
        prepare(&shop);
        age(&folder);
        let submitted = machine.submit_folder(&folder);
        assert_eq!(submitted.code, 0, "{submitted:?}");
        let run = machine.ado_run();
        let result = |result: &fake_ado::TestResult| {
            let error = result
                .error_message
                .as_deref()
                .unwrap_or_default()
                .replace("\r\n", "\n");
            format!("{} {error} {}", result.outcome, result.attachments.len())
        };
        (
            run.name.clone(),
            run.results.iter().map(result).collect::<Vec<_>>(),
        )
    };

    assert_eq!(told(with_carriage_returns), told(|_| {}));
}

#[test]
fn a_project_deeper_than_260_letters_is_found_and_submitted() {
    let machine = Machine::new();
    let deep = ["a"; 4].map(|part| part.repeat(60)).join("/");
    let shop = machine.project(
        &format!("{deep}/Shop"),
        machine.settings(),
        [fake_katalon::TestCaseFile::new(&tc("Sign in")).azure("1001")],
    );

    assert!(shop.as_os_str().len() > 260, "{}", shop.display());

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let run = finished([Test::failed(&tc("Sign in"), "no").screenshot()]).start(now());
    age(&run.write_in(&shop).unwrap());
    machine.wait_for_completed(1);

    assert_eq!(machine.ado_run().results[0].attachments.len(), 1);

    service.stop_cleanly();
}

#[cfg(windows)]
#[test]
fn a_log_that_another_program_holds_is_waited_for_and_read_whole() {
    use std::os::windows::fs::OpenOptionsExt as _;
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let folder = run().start(now()).write_in(&shop).unwrap();
    age(&folder);
    let held = fs::OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(folder.join("execution0.log"))
        .unwrap();
    service.wait_for_log("cannot be read; it is looked at again");

    assert_eq!(machine.ado_runs().len(), 0);

    drop(held);

    machine.wait_for_completed(1);

    assert_eq!(machine.ado_run().results.len(), 2);

    service.stop_cleanly();
}
