//! Answers that mean "not with this token", "not now" and "not here".

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::Test;

use crate::support::{Machine, Output, finished, tc};

fn submit(machine: &Machine) -> Output {
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.submit(&shop, &finished([Test::failed(&tc("Sign in"), "no").screenshot()]))
}

/// Every request is answered so.
fn all_refused(refusal: Refusal) -> (Machine, Output) {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("*", "", Nth::Every, FaultAction::Refused(refusal)));
    let submitted = submit(&machine);
    (machine, submitted)
}

#[test]
fn every_face_of_refused_credentials_is_exit_3_with_a_way_out() {
    let faces = [
        Refusal::SignInPage203,
        Refusal::Redirect302,
        Refusal::Empty401,
        Refusal::Json401,
        Refusal::Expired401,
        Refusal::SignInPage200,
        Refusal::Forbidden403,
    ];
    for face in faces {
        let (machine, submitted) = all_refused(face);
        assert_eq!(submitted.code, 3, "{face:?} {submitted:?}");
        assert!(submitted.out.contains("refused the credentials"), "{face:?} {submitted:?}");
        let row = machine.row();
        assert_eq!(row["state"], "pending", "{face:?} {row}");
        assert!(!row["error"].as_str().unwrap().contains('<'), "{face:?} {row}");
    }
}

#[test]
fn people_read_why_credentials_were_refused() {
    let (machine, sign_in) = all_refused(Refusal::SignInPage203);
    insta::assert_snapshot!(machine.readable(&sign_in.out), @"Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: a sign-in page came in place of data, so the token is wrong, expired or revoked; make a new one in Azure DevOps under User settings > Personal access tokens");
    let (machine, expired) = all_refused(Refusal::Expired401);
    insta::assert_snapshot!(machine.readable(&expired.out), @"Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: Access Denied: The Personal Access Token used has expired.; make a new one in Azure DevOps under User settings > Personal access tokens");
    let (machine, forbidden) = all_refused(Refusal::Forbidden403);
    insta::assert_snapshot!(machine.readable(&forbidden.out), @"Test Suites/Smoke (test plan 18): waits: [server] refused the credentials: TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this resource.; the token's owner lacks a permission");
}

#[test]
fn a_token_that_expires_in_the_middle_loses_nothing() {
    let machine = Machine::new();
    let expired = FaultAction::Refused(Refusal::Expired401);
    machine.fake.fault(Fault::new("PATCH", "/results", Nth::Every, expired));
    let submitted = submit(&machine);
    assert_eq!(submitted.code, 3, "{submitted:?}");
    assert_eq!(machine.row()["state"], "submitting");
    machine.fake.clear_faults();
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!((run.state.as_str(), run.results[0].outcome.as_str()), ("Completed", "Failed"));
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn throttled_requests_are_sent_again_after_the_pause() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("PATCH", "/results", Nth::Only(1), FaultAction::throttled(Some(1))));
    machine.fake.fault(Fault::new("POST", "attachments", Nth::Only(2), FaultAction::throttled(Some(1))));
    let submitted = submit(&machine);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert_eq!(run.attachments.len() + run.results[0].attachments.len(), 3);
}

#[test]
fn the_pause_that_the_server_asks_for_is_kept() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("PATCH", "/results", Nth::Only(1), FaultAction::throttled(Some(4))));
    assert_eq!(submit(&machine).code, 0);
    let requests = machine.fake.requests();
    let refused = requests.iter().position(|request| request.status == 429).unwrap();
    let (refused, next) = (&requests[refused], &requests[refused + 1]);
    assert!(next.at_ms >= refused.at_ms + 4000, "{next:?} follows {refused:?}");
}

#[test]
fn a_pause_asked_for_with_a_good_answer_is_kept_as_well() {
    let machine = Machine::new();
    let pause = FaultAction::AddHeaders(vec![("Retry-After".to_owned(), "2".to_owned())]);
    machine.fake.fault(Fault::new("POST", "test/runs$", Nth::Only(1), pause));
    assert_eq!(submit(&machine).code, 0);
    let requests = machine.fake.requests();
    let created =
        requests.iter().position(|request| request.method == "POST" && request.path.ends_with("test/runs")).unwrap();
    let (created, next) = (&requests[created], &requests[created + 1]);
    assert!(next.at_ms >= created.at_ms + 2000, "{next:?} follows {created:?}");
    machine.ado_run();
}

#[test]
fn a_stopped_organization_is_waited_for() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("GET", "", Nth::Only(1), FaultAction::organization_stopped()));
    let submitted = submit(&machine);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_run_created_behind_a_lost_answer_is_found_and_not_created_again() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("POST", "test/runs$", Nth::Only(1), FaultAction::DropAfter));
    let submitted = submit(&machine);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    let created = machine.writes().iter().filter(|write| write.ends_with("POST /Shop/_apis/test/runs")).count();
    assert_eq!(created, 1);
}

#[test]
fn an_attachment_behind_a_lost_answer_is_not_sent_again() {
    let machine = Machine::new();
    machine.fake.fault(Fault::new("POST", "attachments", Nth::Only(1), FaultAction::DropAfter));
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
