//! Faults, the log and the count of what is in flight.

use std::time::{Duration, Instant};

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, Refusal};

use crate::client::{Client, in_flight, shop};
use crate::runs::{RUNS, planned};

async fn start() -> (FakeAdo, Client) {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    (fake, client)
}

/// A request that nobody waits for.
fn spawn(client: &Client) -> tokio::task::JoinHandle<u16> {
    let client = client.clone();
    tokio::spawn(async move { client.get(RUNS).await.status })
}

#[tokio::test]
async fn only_the_wanted_request_goes_wrong() {
    let (fake, client) = start().await;
    fake.fault(Fault {
        method: "POST".into(),
        path_contains: "test/runs$".into(),
        nth: Nth::Only(2),
        action: FaultAction::throttled(Some(7)),
    });

    assert_eq!(client.get(RUNS).await.status, 200);
    assert_eq!(client.post(RUNS, planned()).await.status, 200);

    let throttled = client.post(RUNS, planned()).await;

    assert_eq!(throttled.status, 429);
    assert_eq!(throttled.header("retry-after"), Some("7"));
    assert_eq!(client.post(RUNS, planned()).await.status, 200);
    let statuses: Vec<u16> = fake
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [200, 200, 429, 200]);
}

#[tokio::test]
async fn a_drop_before_does_nothing_and_a_drop_after_has_done_it() {
    let (fake, client) = start().await;
    fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(1),
        FaultAction::DropBefore,
    ));
    fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(2),
        FaultAction::DropAfter,
    ));

    assert!(client.send("POST", RUNS, Some(planned())).await.is_err());
    assert_eq!(fake.world().runs().len(), 0);
    assert!(client.send("POST", RUNS, Some(planned())).await.is_err());
    assert_eq!(fake.world().runs().len(), 1);
    assert_eq!(client.get(RUNS).await.status, 200);
    assert_eq!(fake.requests()[1].status, 0);
}

#[tokio::test]
async fn a_cut_answer_breaks_in_its_body() {
    let (fake, client) = start().await;
    fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Every,
        FaultAction::CutAnswer,
    ));

    assert!(client.send("POST", RUNS, Some(planned())).await.is_err());
    assert_eq!(fake.world().runs().len(), 1);
}

#[tokio::test]
async fn a_delay_takes_its_time_and_a_hang_never_ends() {
    let (fake, client) = start().await;
    fake.faults([
        Fault::new("GET", "runs", Nth::Only(1), FaultAction::Delay(200)),
        Fault::new("GET", "runs", Nth::Only(2), FaultAction::Hang),
    ]);
    let before = Instant::now();

    assert_eq!(client.get(RUNS).await.status, 200);
    assert!(before.elapsed() >= Duration::from_millis(200));
    let hanging = spawn(&client);
    in_flight(&fake, 1).await;
    fake.clear_faults();
    // Others are answered meanwhile.
    assert_eq!(client.get(RUNS).await.status, 200);
    assert!(!hanging.is_finished());
    assert_eq!(fake.in_flight(), 1);
    hanging.abort();
}

#[tokio::test]
async fn work_can_be_done_although_the_status_says_otherwise() {
    let (fake, client) = start().await;
    let action = FaultAction::StatusAfter {
        code: 504,
        headers: Vec::new(),
        body: b"gateway".to_vec(),
    };
    fake.fault(Fault::new("POST", "test/runs$", Nth::First(1), action));

    assert_eq!(
        client
            .send("POST", RUNS, Some(planned()))
            .await
            .unwrap()
            .status,
        504
    );
    assert_eq!(fake.world().runs().len(), 1);

    fake.fault(Fault::new(
        "GET",
        "test/runs",
        Nth::Every,
        FaultAction::AddHeaders(vec![("Retry-After".into(), "3".into())]),
    ));

    let answer = client.get(RUNS).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("retry-after"), Some("3"));
}

#[tokio::test]
async fn refused_credentials_have_many_faces() {
    let (fake, client) = start().await;

    for (refusal, status) in [
        (Refusal::SignInPage203, 203),
        (Refusal::Redirect302, 302),
        (Refusal::Empty401, 401),
        (Refusal::Json401, 401),
        (Refusal::Expired401, 401),
        (Refusal::SignInPage200, 200),
        (Refusal::Forbidden403, 403),
    ] {
        fake.clear_faults();
        fake.fault(Fault::new(
            "",
            "runs",
            Nth::Every,
            FaultAction::Refused(refusal),
        ));

        assert_eq!(client.get(RUNS).await.status, status);
    }

    fake.clear_faults();
    fake.fault(Fault::new("*", "runs", Nth::Every, FaultAction::Garbage200));
    assert_eq!(
        client.get(RUNS).await.header("content-type"),
        Some("text/html")
    );

    fake.clear_faults();
    fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::organization_stopped(),
    ));

    let stopped = client.get(RUNS).await;

    assert_eq!(stopped.status, 503);
    assert_eq!(stopped.text.chars().next(), Some('\u{feff}'));
}

#[tokio::test]
async fn the_peak_counts_requests_in_flight_at_once() {
    let (fake, client) = start().await;
    fake.fault(Fault::new("GET", "runs", Nth::Every, FaultAction::Hang));
    let hanging = [(); 3].map(|()| spawn(&client));
    in_flight(&fake, 3).await;
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    in_flight(&fake, 0).await;

    assert_eq!(fake.peak_connections(), 3);
}

#[tokio::test]
async fn scripts_can_look_at_the_world_and_at_the_log() {
    let (fake, client) = start().await;

    client.post(RUNS, planned()).await;

    let origin = format!("http://{}", fake.address());
    let world: serde_json::Value = reqwest::get(format!("{origin}/_fake/world"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(world["runs"][0]["name"], "Nightly");
    assert_eq!(&world["tokens"], &serde_json::Value::Null);
    let log: serde_json::Value = reqwest::get(format!("{origin}/_fake/requests"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(log[0]["path"], "/Web%20Shop/_apis/test/runs");
    assert_eq!(log[0]["query"], "api-version=7.1");
    let again: fake_ado::World = serde_json::from_value(world).unwrap();
    assert_eq!(again.runs().len(), 1);
}

#[tokio::test]
async fn a_request_given_up_by_its_client_is_not_in_flight_any_more() {
    let (fake, client) = start().await;
    fake.fault(Fault::new("GET", "runs", Nth::Only(1), FaultAction::Hang));
    let hanging = spawn(&client);
    in_flight(&fake, 1).await;
    hanging.abort();
    in_flight(&fake, 0).await;

    assert_eq!(client.get(RUNS).await.status, 200);
    assert_eq!(fake.peak_connections(), 1);
}
