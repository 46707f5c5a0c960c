//! Something between kado and Azure DevOps answers in its place: a proxy, a web filter, a portal.

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{SuiteRunWriter, Test};

use crate::support::{Machine, Output, finished, names, now, tc};

/// What the filter calls its page.
const TITLE: &str = "Blocked by WebGuard";

/// A failed test with a screenshot; three files are sent with it.
fn failed_run() -> SuiteRunWriter {
    finished([Test::failed(&tc("Sign in"), "no").screenshot()])
}

fn submit(machine: &Machine) -> Output {
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &failed_run())
}

/// Uploads to a result; the screenshot is the only one.
fn at_screenshot(nth: Nth, action: FaultAction) -> Fault {
    Fault::new("POST", "/results/", nth, action)
}

/// Everything is answered so.
fn always(action: FaultAction) -> Fault {
    Fault::new("*", "", Nth::Every, action)
}

fn is_whole(machine: &Machine) {
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len(), 2, "{:?}", names(&run.attachments));
    assert_eq!(run.results[0].attachments.len(), 1);
}

#[test]
fn an_upload_that_a_web_filter_refuses_costs_only_itself() {
    for code in [403, 401, 200] {
        let machine = Machine::new();
        let page = FaultAction::page(code, TITLE);
        machine.fake.fault(at_screenshot(Nth::Every, page));

        let submitted = submit(&machine);

        assert_eq!(submitted.code, 1, "{code} {submitted:?}");
        assert!(submitted.out.contains(TITLE), "{code} {submitted:?}");
        let run = machine.ado_run();
        assert_eq!(run.state, "Completed");
        assert_eq!(run.results[0].outcome, "Failed");
        assert_eq!(run.attachments.len(), 2);
        assert!(run.results[0].attachments.is_empty());
        let comment = run.comment.unwrap();
        assert!(comment.contains(".png` was not let through"), "{comment}");
        assert!(comment.contains(TITLE), "{comment}");
        let status = machine.kado(&["status"]);
        assert_eq!(status.code, 0, "{status:?}");
    }
}

#[test]
fn a_filter_that_refuses_a_file_once_costs_nothing() {
    let machine = Machine::new();
    let page = FaultAction::page(403, TITLE);
    machine.fake.fault(at_screenshot(Nth::Only(1), page));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn a_file_that_arrived_behind_a_page_is_not_sent_again() {
    let machine = Machine::new();
    let page = FaultAction::page(403, TITLE).behind();
    machine.fake.fault(at_screenshot(Nth::Every, page));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn a_page_of_somebody_in_between_is_named_and_says_nothing_about_the_token() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    let mut faces = [200, 203, 401, 403, 404, 502]
        .map(|code| FaultAction::page(code, TITLE))
        .to_vec();
    faces.push(FaultAction::portal("https://portal.corp/terms", TITLE));
    for face in faces {
        machine.fake.clear_faults();
        machine.fake.fault(always(face.clone()));

        let checked = machine.kado(&["check"]);

        assert_eq!(checked.code, 4, "{face:?} {checked:?}");
        let said = format!(
            "something between here and {} answered with a page: `{TITLE}` (status ",
            machine.fake.base_url()
        );
        assert!(checked.out.contains(&said), "{face:?} {checked:?}");
        assert!(
            !checked.out.contains("refused the credentials"),
            "{face:?} {checked:?}"
        );
    }
}

#[test]
fn people_read_what_stands_in_between_and_what_mends_it() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(always(FaultAction::page(403, TITLE)));

    let checked = machine.kado(&["check"]);

    let text = machine.readable(&checked.out);
    let line = text.lines().find(|line| line.contains("WebGuard"));
    insta::assert_snapshot!(line.unwrap_or(&text), @"WRONG  connection: something between here and [server] answered with a page: `Blocked by WebGuard` (status 403); a proxy or web filter there has to let kado through; if the server URL is wrong, correct it in Katalon's Azure DevOps settings, or as `azure.server_url` in kado.toml");
}

#[test]
fn a_portal_that_goes_away_costs_nothing() {
    let machine = Machine::new();
    let portal = FaultAction::portal("https://portal.corp/terms", TITLE);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Only(1), portal));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn an_upload_that_always_breaks_off_is_given_up_and_named() {
    let machine = Machine::new();
    machine.configure("[submit]\ngive_up_files_after = \"1s\"\n");
    let breaks_off = FaultAction::DropInBody;
    machine.fake.fault(at_screenshot(Nth::Every, breaks_off));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains(".png` was given up"),
        "{submitted:?}"
    );
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len(), 2, "{:?}", names(&run.attachments));
    assert!(run.results[0].attachments.is_empty());
    let comment = run.comment.unwrap();
    assert!(comment.contains(".png` was given up"), "{comment}");
}

#[test]
fn an_upload_that_breaks_off_is_tried_for_a_day() {
    let machine = Machine::new();
    let breaks_off = FaultAction::DropInBody;
    machine.fake.fault(at_screenshot(Nth::First(3), breaks_off));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn while_the_server_is_away_no_file_is_given_up() {
    let machine = Machine::new();
    machine.configure("[submit]\ngive_up_files_after = \"0s\"\n");
    machine
        .fake
        .fault(at_screenshot(Nth::First(1), FaultAction::DropInBody));
    let unavailable = FaultAction::error(503, "X", "try again later");
    machine
        .fake
        .fault(Fault::new("GET", "attachments", Nth::First(2), unavailable));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
}

#[test]
fn what_was_stored_is_not_called_refused() {
    for (method, path) in [("POST", "/results/"), ("PATCH", "/results")] {
        let machine = Machine::new();
        let refusal = FaultAction::error(400, "X", "no").behind();
        machine
            .fake
            .fault(Fault::new(method, path, Nth::Every, refusal));

        let submitted = submit(&machine);

        assert_eq!(submitted.code, 0, "{method} {submitted:?}");
        is_whole(&machine);
        assert_eq!(machine.ado_run().results[0].outcome, "Failed");
        let comment = machine.ado_run().comment.unwrap();
        assert!(!comment.contains("refused"), "{comment}");
    }
}

#[test]
fn a_file_that_was_given_up_is_sent_when_it_gets_through_again() {
    for action in [FaultAction::DropInBody, FaultAction::page(403, TITLE)] {
        let machine = Machine::new();
        machine.configure("[submit]\ngive_up_files_after = \"0s\"\n");
        machine
            .fake
            .fault(at_screenshot(Nth::Every, action.clone()));
        // Of today: files of a run are tried again for a week.
        let shop = machine.shop(&[("Sign in", "1001")]);
        let submitted = machine.submit(&shop, &failed_run().start(now()));
        assert_eq!(submitted.code, 1, "{action:?} {submitted:?}");
        assert_eq!(machine.row()["skipped"][0]["kind"], "given-up");

        machine.fake.clear_faults();
        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 0, "{action:?} {once:?}");
        is_whole(&machine);
        let run = machine.ado_run();
        let comment = run.comment.unwrap();
        assert!(!comment.contains(".png"), "{action:?} {comment}");
        let row = machine.row();
        assert_eq!(row["state"], "submitted", "{row}");
        assert_eq!(row["skipped"].as_array().unwrap().len(), 0, "{row}");
    }
}

#[test]
fn a_file_that_does_not_get_through_the_next_time_either_stays_named() {
    let machine = Machine::new();
    machine.configure("[submit]\ngive_up_files_after = \"0s\"\n");
    machine
        .fake
        .fault(at_screenshot(Nth::Every, FaultAction::DropInBody));
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &failed_run().start(now()));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert!(run.comment.unwrap().contains(".png` was given up"));
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_run_that_is_refused_although_it_was_made_is_found_and_not_made_again() {
    let machine = Machine::new();
    let refusal = FaultAction::error(400, "X", "no").behind();
    machine
        .fake
        .fault(Fault::new("POST", "test/runs$", Nth::Every, refusal));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    is_whole(&machine);
    assert!(!submitted.out.contains("left out"), "{submitted:?}");
}

#[test]
fn results_that_a_filter_keeps_back_wait_with_its_name() {
    let machine = Machine::new();
    let page = FaultAction::page(403, TITLE);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Every, page));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 4, "{submitted:?}");
    let row = machine.row();
    assert_eq!(row["state"], "submitting", "{row}");
    assert!(row["error"].as_str().unwrap().contains(TITLE), "{row}");
    machine.fake.clear_faults();
    let once = machine.kado(&["run", "--once"]);
    assert_eq!(once.code, 0, "{once:?}");
    is_whole(&machine);
}

#[test]
fn a_result_that_a_filter_keeps_back_for_ever_is_named_and_costs_only_itself() {
    let machine = Machine::new();
    machine.configure("[submit]\ngive_up_files_after = \"0s\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    let run = finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "<script>"),
    ]);
    // The whole, then the half with the first test passes, then the other one.
    let page = || FaultAction::page(403, TITLE);
    for nth in [1, 3] {
        machine
            .fake
            .fault(Fault::new("PATCH", "/results", Nth::Only(nth), page()));
    }

    let submitted = machine.submit(&shop, &run);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(submitted.out.contains(TITLE), "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.results[0].outcome, "Passed");
    let comment = run.comment.unwrap();
    assert!(
        comment.contains("the result for test point 12 was refused by"),
        "{comment}"
    );
}
