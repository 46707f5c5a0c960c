//! `kado run`: what the service finds and submits by itself, and when.

#![expect(
    clippy::disallowed_methods,
    reason = "tests let time pass and lay out files"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{CollectionWriter, Ending, Phase, SuiteRunWriter, Test};

use crate::support::{Machine, TOKEN, age, finished, names, now, tc, wait_until};

/// Long enough for the service to do what it should not do.
const A_WHILE: Duration = Duration::from_secs(4);

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A run that starts now.
fn run_now() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Add to cart"), "the cart is empty").screenshot(),
    ])
    .start(now())
}

#[test]
fn a_run_is_submitted_when_it_is_finished_and_its_reports_are_there_and_not_before() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let service = machine.start_in_detail();

    service.wait_for_log("found a Katalon project");
    let run = run_now();
    let mut live = run.live(&run.folder_in(&shop));
    live.perform_through(Phase::Running).unwrap();
    service.wait_for_log("state=Running due=false");

    assert_eq!(
        machine.fake.requests().len(),
        0,
        "the suite has not ended: {}",
        service.log()
    );

    live.perform_through(Phase::Closed).unwrap();

    service.wait_for_log("state=Finished due=false");

    assert_eq!(
        machine.fake.requests().len(),
        0,
        "the reports are not there: {}",
        service.log()
    );

    live.perform_all().unwrap();

    machine.wait_for_completed(1);

    let run = machine.ado_run();
    let outcomes: Vec<_> = run
        .results
        .iter()
        .map(|result| result.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["Passed", "Failed"]);
    assert_eq!(run.attachments.len(), 2);
    assert_eq!(run.results[1].attachments.len(), 1);

    service.stop_cleanly();

    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_project_that_appears_later_is_found_with_its_finished_run() {
    let machine = Machine::new();

    let service = machine.start();
    let run = run_now();
    let shop = machine.project(
        "agent/1/s/Shop",
        machine.settings(),
        [fake_katalon::TestCaseFile::new(&tc("Sign in")).azure("1001")],
    );
    run.write_in(&shop).unwrap();
    machine.wait_for_completed(1);

    assert!(
        service.log().contains("found a Katalon project"),
        "{}",
        service.log()
    );

    service.stop_cleanly();
}

#[test]
fn a_run_folder_copied_in_is_submitted_once_however_often_it_is_copied() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let service = machine.start_in_detail();

    service.wait_for_log("found a Katalon project");
    let run = run_now();
    for place in ["Reports/a/one", "Reports/b/two", "Reports/three"] {
        run.write_all(&shop.join(place)).unwrap();
        age(&shop.join(place));
    }
    service.wait_for_logs(2, "this suite run is known already");
    machine.wait_for_completed(1);
    service.stop_cleanly();

    assert_eq!(machine.ado_runs().len(), 1);
    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn what_was_submitted_is_not_submitted_again_after_a_restart() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    age(&run_now().write_in(&shop).unwrap());
    machine.wait_for_completed(1);
    service.stop_cleanly();

    let service = machine.start_in_detail();
    assert_eq!(service.read_by_its_first_sweep(), 0, "{}", service.log());

    service.stop_cleanly();

    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn members_of_a_collection_do_not_wait_for_reports_that_come_with_its_end() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    let start = now();
    let member = |suite: &str, offset: i64| {
        let start = start + jiff::SignedDuration::from_millis(offset);
        let test = Test::passed(&tc("Sign in"));
        SuiteRunWriter::new(suite).start(start).pace(20).test(test)
    };
    let members = vec![
        member("Test Suites/First", 0),
        member("Test Suites/Second", 500),
    ];
    let collection = CollectionWriter::new("Test Suites/All", start, members);
    collection.write_start(&shop).unwrap();
    let first = &collection.members()[0];
    let mut live = first.live(&first.folder_in(&shop));
    live.perform_through(Phase::Closed).unwrap();
    machine.wait_for_completed(1);
    let second = &collection.members()[1];
    second
        .clone()
        .ending(Ending::WithoutReports)
        .write_in(&shop)
        .unwrap();
    machine.wait_for_completed(2);

    collection.write_end(&shop).unwrap();
    live.perform_all().unwrap();
    sleep(A_WHILE);
    assert_eq!(machine.ado_runs().len(), 2);

    service.stop_cleanly();

    assert_eq!(
        machine.states(),
        [
            "Test Suites/First submitted",
            "Test Suites/Second submitted"
        ]
    );
}

#[test]
fn reports_that_appear_later_are_added_to_the_run_once() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    let folder = run_now().write_in(&shop).unwrap();
    age(&folder);
    machine.wait_for_completed(1);
    fs::write(folder.join("late.pdf"), "%PDF-1.4").unwrap();
    wait_until("the late report in ADO", || {
        let names = names(&machine.ado_run().attachments);
        if names.contains(&"late.pdf".to_owned()) {
            Ok(())
        } else {
            Err(format!("{names:?}\n{}", service.log()))
        }
    });

    fs::write(shop.join("Reports/nudge.txt"), "look").unwrap();
    sleep(A_WHILE);
    let run = machine.ado_run();
    assert_eq!(
        names(&run.attachments)
            .iter()
            .filter(|name| *name == "late.pdf")
            .count(),
        1
    );
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.attachments.len(), 3);

    service.stop_cleanly();
}

/// Stops the service while an attachment is under way, and starts it again.
fn interrupted(fault: FaultAction, end: impl FnOnce(crate::support::Service)) {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    machine
        .fake
        .fault(Fault::new("POST", "attachments", Nth::From(2), fault));

    let service = machine.start();
    age(&run_now().write_in(&shop).unwrap());
    wait_until("the second upload", || {
        let uploads = machine
            .writes()
            .iter()
            .filter(|write| write.ends_with("attachments"))
            .count();
        if uploads >= 2 {
            Ok(())
        } else {
            Err(service.log())
        }
    });

    end(service);
    assert_eq!(machine.ado_run().state, "InProgress");
    assert_eq!(machine.row()["state"], "submitting");

    machine.fake.clear_faults();

    let service = machine.start();
    machine.wait_for_completed(1);

    let run = machine.ado_run();
    let mut sent = names(&run.attachments);
    sent.extend(names(&run.results[1].attachments));
    let unique: std::collections::BTreeSet<_> = sent.iter().collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(unique.len(), 3, "{sent:?}");

    service.stop_cleanly();

    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_stop_in_the_middle_is_clean_and_the_next_start_goes_on() {
    interrupted(FaultAction::Hang, crate::support::Service::stop_cleanly);
}

#[test]
fn what_arrived_before_a_stop_is_not_sent_again() {
    interrupted(
        FaultAction::HangAfter,
        crate::support::Service::stop_cleanly,
    );
}

#[test]
fn what_arrived_before_a_crash_is_not_sent_again() {
    interrupted(FaultAction::HangAfter, crate::support::Service::kill);
}

#[test]
fn neither_log_nor_state_holds_the_token() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    age(&run_now().write_in(&shop).unwrap());
    machine.wait_for_completed(1);

    let stopped = service.stop();
    assert!(!stopped.err.contains(TOKEN), "{}", stopped.err);
    let logs = machine.state().join("logs");
    let written: String = crate::support::files(&logs)
        .iter()
        .map(|name| fs::read_to_string(logs.join(name)).unwrap())
        .collect();
    assert!(
        written.contains("watches") && !written.contains(TOKEN),
        "{written}"
    );

    for name in crate::support::files(&machine.state()) {
        let bytes = fs::read(machine.state().join(&name)).unwrap_or_default();

        assert!(
            !bytes
                .windows(TOKEN.len())
                .any(|part| part == TOKEN.as_bytes()),
            "{name} holds the token"
        );
    }
}

#[test]
fn a_second_service_on_the_same_state_is_refused() {
    let machine = Machine::new();

    let service = machine.start();
    let second = machine.kado(&["run"]);

    assert_ne!(second.code, 0, "{second:?}");
    assert!(second.err.contains("another kado is running"), "{second:?}");

    service.stop_cleanly();
}

#[test]
fn a_changed_configuration_is_loaded_and_a_bad_one_is_refused() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    machine.configure("[submit]\ntest_run_name = 7\n");
    fs::write(shop.join("Reports/nudge.txt"), "look").unwrap();
    service.wait_for_log("the old one stays");

    assert!(
        service.log().contains("test_run_name"),
        "it says what is wrong: {}",
        service.log()
    );

    machine.configure("[submit]\ntest_run_name = \"after the change\"\n");
    fs::write(shop.join("Reports/nudge2.txt"), "look").unwrap();

    service.wait_for_log("configuration changed and is loaded");
    age(&run_now().write_in(&shop).unwrap());
    machine.wait_for_completed(1);

    assert_eq!(machine.ado_run().name, "after the change");

    service.stop_cleanly();
}

#[test]
fn a_server_that_comes_back_gets_what_waited() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    machine
        .fake
        .fault(Fault::new("*", "", Nth::First(2), FaultAction::DropBefore));

    let service = machine.start();
    age(&run_now().write_in(&shop).unwrap());
    machine.wait_for_completed(1);

    assert!(
        service.log().contains("WARN") && service.log().contains("waits"),
        "{}",
        service.log()
    );

    service.stop_cleanly();

    assert_eq!(machine.row()["error"], serde_json::Value::Null);
}
