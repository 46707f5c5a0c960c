//! Answers that mean "not with this token", "not now" and "not here".

use std::path::PathBuf;
use std::time::Duration;

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, SuiteRunWriter, Test};
use jiff::Timestamp;

use crate::support::{Machine, Output, PLAN, finished, now, seen_within, tc};

fn submit(machine: &Machine) -> Output {
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(
        &shop,
        &finished([Test::failed(&tc("Sign in"), "no").screenshot()]),
    )
}

/// Every request is answered so.
fn all_refused(refusal: Refusal) -> (Machine, Output) {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::Refused(refusal),
    ));
    let submitted = submit(&machine);

    (machine, submitted)
}

#[test]
fn every_face_of_refused_credentials_is_exit_3_with_a_way_out() {
    for face in Refusal::ALL {
        let (machine, submitted) = all_refused(face);

        assert_eq!(submitted.code, 3, "{face:?} {submitted:?}");
        assert!(
            submitted.out.contains("refused the credentials"),
            "{face:?} {submitted:?}"
        );
        let row = machine.row();
        assert_eq!(row["state"], "pending", "{face:?} {row}");
        assert!(
            !row["error"].as_str().unwrap().contains('<'),
            "{face:?} {row}"
        );
    }
}

#[test]
fn people_read_why_credentials_were_refused() {
    let (machine, sign_in) = all_refused(Refusal::SignInPage203);

    insta::assert_snapshot!(machine.readable(&sign_in.out), @r"
    Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: a sign-in page came in place of data, so the token is wrong, expired or revoked; make a new one in Azure DevOps under User settings > Personal access tokens
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
    let (machine, expired) = all_refused(Refusal::Expired401);
    insta::assert_snapshot!(machine.readable(&expired.out), @r"
    Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: Access Denied: The Personal Access Token used has expired.; make a new one in Azure DevOps under User settings > Personal access tokens
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
    let (machine, forbidden) = all_refused(Refusal::Forbidden403);
    insta::assert_snapshot!(machine.readable(&forbidden.out), @r"
    Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.; the token's owner lacks a permission
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
}

#[test]
fn the_status_says_since_when_a_server_has_no_usable_token_and_what_waits_for_one() {
    let before = now();
    let (machine, _) = all_refused(Refusal::Expired401);

    let problem = |waits: &str| {
        let status = machine.kado(&["status"]);
        assert_eq!(status.code, 1, "{status:?}");
        assert!(
            status
                .out
                .contains("Credentials   1 server has no usable token"),
            "{status:?}"
        );
        let lines: Vec<&str> = status
            .out
            .lines()
            .filter(|line| line.starts_with("problem: "))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("one line for all that wait: {status:?}")
        };
        let (server, rest) = line.split_once(" since ").unwrap();
        assert!(
            machine
                .fake
                .base_url()
                .ends_with(server.trim_start_matches("problem: no usable token for ")),
            "{line}"
        );
        let (since, reason) = rest.split_once("; ").unwrap();
        assert!(
            reason.starts_with(waits) && reason.contains("has expired"),
            "{line}"
        );
        since.parse::<Timestamp>().unwrap()
    };

    let since = problem("1 run waits: ");
    assert!(
        before.as_second() <= since.as_second() && since <= now(),
        "{since}"
    );
    let shop = machine.shop(&[("Sign in", "1001")]);
    assert_eq!(
        machine
            .submit(
                &shop,
                &finished([Test::passed(&tc("Sign in"))]).start(now())
            )
            .code,
        3
    );
    assert_eq!(problem("2 runs wait: "), since, "since the first refusal");
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);

    let status = machine.kado(&["status"]);

    assert!(
        status.code == 0 && status.out.contains("nothing waits for a token"),
        "{status:?}"
    );
}

#[test]
fn a_person_who_asks_again_does_not_wait_for_the_next_attempt() {
    /// The token would be tried again by itself a minute after it was refused; who asks waits a few
    /// seconds at most.
    const BEFORE_THAT: Duration = Duration::from_secs(45);
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    ));

    let service = machine.start();
    finished([Test::passed(&tc("Sign in"))])
        .start(now())
        .write_in(&shop)
        .unwrap();
    service.wait_for_log("refused the credentials");
    machine.fake.clear_faults();
    let sent = seen_within(BEFORE_THAT, || {
        machine.kado(&["runs", "retry", "--failed"]);
        if machine.row()["state"] == "submitted" {
            Ok(())
        } else {
            Err(service.log())
        }
    });

    assert!(sent.is_ok(), "{sent:?}");

    service.stop_cleanly();
}

#[test]
fn a_token_that_expires_in_the_middle_loses_nothing() {
    let machine = Machine::new();
    let expired = FaultAction::Refused(Refusal::Expired401);
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::Every, expired));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 3, "{submitted:?}");
    assert_eq!(machine.row()["state"], "submitting");
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results[0].outcome.as_str(), "Failed");
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

/// A run of another suite than the one that was submitted.
fn later_run() -> SuiteRunWriter {
    SuiteRunWriter::new("Test Suites/Later")
        .pace(20)
        .tests([Test::passed(&tc("Sign in"))])
}

/// A machine whose token worked once and is refused from now on, and its project.
fn machine_whose_token_ended() -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    assert_eq!(submitted.code, 0, "{submitted:?}");

    let expired = FaultAction::Refused(Refusal::Expired401);
    machine.fake.fault(Fault::new("*", "", Nth::Every, expired));
    (machine, shop)
}

#[test]
fn whoever_meets_the_refusal_of_a_token_that_worked_is_told_since_when_it_had() {
    let (machine, shop) = machine_whose_token_ended();

    let submitted = machine.submit(&shop, &later_run());

    let worked = "; this token worked from 20";
    assert_eq!(submitted.code, 3, "{submitted:?}");
    assert!(submitted.out.contains(worked), "{submitted:?}");
    let rows = machine.rows();
    let waiting = rows.iter().find(|row| row["state"] == "pending").unwrap();
    assert!(
        waiting["error"].as_str().unwrap().contains(worked),
        "{rows:#?}"
    );
    for command in ["status", "check"] {
        let said = machine.kado(&[command]).out.replace('\n', " ");
        assert!(said.contains(worked), "{command}: {said}");
    }
}

#[test]
fn the_log_of_a_service_tells_the_first_refusal_with_what_was_before() {
    let (machine, shop) = machine_whose_token_ended();
    machine.configure("history = \"all\"\n");
    let service = machine.start();

    later_run().write_in(&shop).unwrap();

    service.wait_for_log("this token worked from 20");
}

#[test]
fn of_a_token_that_never_worked_nothing_is_said_that_it_did() {
    let (machine, shop) = machine_whose_token_ended();
    machine.fake.clear_faults();
    let other = AzureSettings::connected(
        &machine.fake.base_url(),
        "a-token-that-nobody-knows",
        "Shop",
        (PLAN, "Release 1"),
    );
    machine.shop_with(other, &[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &later_run());

    assert_eq!(submitted.code, 3, "{submitted:?}");
    assert!(!submitted.out.contains("worked"), "{submitted:?}");
}

#[test]
fn throttled_requests_are_sent_again_after_the_pause() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "PATCH",
        "/results",
        Nth::Only(1),
        FaultAction::throttled(Some(1)),
    ));
    machine.fake.fault(Fault::new(
        "POST",
        "attachments",
        Nth::Only(2),
        FaultAction::throttled(Some(1)),
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn the_pause_that_the_server_asks_for_is_kept() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "PATCH",
        "/results",
        Nth::Only(1),
        FaultAction::throttled(Some(4)),
    ));

    assert_eq!(submit(&machine).code, 0);
    let requests = machine.fake.requests();
    let refused = requests
        .iter()
        .position(|request| request.status == 429)
        .unwrap();
    let (refused, next) = (&requests[refused], &requests[refused + 1]);
    assert!(
        next.at_ms >= refused.at_ms + 4000,
        "{next:?} follows {refused:?}"
    );
}

#[test]
fn a_pause_asked_for_with_a_good_answer_is_kept_as_well() {
    let machine = Machine::new();
    let pause = FaultAction::AddHeaders(vec![("Retry-After".to_owned(), "2".to_owned())]);
    machine
        .fake
        .fault(Fault::new("POST", "test/runs$", Nth::Only(1), pause));

    assert_eq!(submit(&machine).code, 0);
    let requests = machine.fake.requests();
    let created = requests
        .iter()
        .position(|request| request.method == "POST" && request.path.ends_with("test/runs"))
        .unwrap();
    let (created, next) = (&requests[created], &requests[created + 1]);
    assert!(
        next.at_ms >= created.at_ms + 2000,
        "{next:?} follows {created:?}"
    );
    machine.ado_run();
}

#[test]
fn a_stopped_organization_is_waited_for() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "GET",
        "",
        Nth::Only(1),
        FaultAction::organization_stopped(),
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_run_created_behind_a_lost_answer_is_found_and_not_created_again() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(1),
        FaultAction::DropAfter,
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    let created = machine
        .writes()
        .iter()
        .filter(|write| write.ends_with("POST /Shop/_apis/test/runs"))
        .count();
    assert_eq!(created, 1);
}

#[test]
fn an_attachment_behind_a_lost_answer_is_not_sent_again() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new(
        "POST",
        "attachments",
        Nth::Only(1),
        FaultAction::DropAfter,
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn a_project_that_is_not_there_parks_the_run() {
    let machine = Machine::new();
    let mut settings = machine.settings();
    settings.project = Some(("guid".to_owned(), "Nowhere".to_owned()));
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let row = machine.row();
    assert_eq!(row["state"], "parked", "{row}");
    assert!(row["error"].as_str().unwrap().contains("Nowhere"), "{row}");
}

#[test]
fn a_plan_that_is_not_there_parks_the_run() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_plans = [77]\n");

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let row = machine.row();
    assert_eq!(row["state"], "parked", "{row}");
    assert!(row["error"].as_str().unwrap().contains("77"), "{row}");
}
