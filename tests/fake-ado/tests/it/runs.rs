//! Runs: creating, updating, listing, deleting.

use fake_ado::FakeAdo;
use serde_json::{Value, json};

use crate::client::{Client, shop};

pub const RUNS: &str = "/Web%20Shop/_apis/test/runs?api-version=7.1";

pub fn planned() -> Value {
    json!({"name": "Nightly", "automated": true, "plan": {"id": "18"}, "pointIds": [5, 6], "state": "InProgress",
        "startDate": "2026-01-02T10:00:00.000Z", "comment": "kado:1", "build": {"id": "637"}})
}

fn run_path(id: u64) -> String {
    format!("/Web%20Shop/_apis/test/runs/{id}?api-version=7.1")
}

#[tokio::test]
async fn a_planned_run_begins_with_a_pending_result_for_each_point() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let run = client.post(RUNS, planned()).await.json();

    assert_eq!(&run["state"], &json!("InProgress"));
    assert_eq!(&run["totalTests"], &json!(2));
    assert_eq!(&run["incompleteTests"], &json!(2));
    assert_eq!(run["plan"]["id"], "18");
    assert!(run["comment"].is_null());

    let results = client
        .get(&format!(
            "/Web%20Shop/_apis/test/Runs/{}/results?$top=200&$skip=0&api-version=7.1",
            run["id"]
        ))
        .await
        .json();

    let first = &results["value"][0];
    assert_eq!(&first["id"], &json!(100_000));
    assert_eq!(&first["testPoint"]["id"], &json!("5"));
    assert_eq!(&first["state"], &json!("Pending"));
    assert_eq!(&first["testCaseTitle"], &json!("Login"));
    assert_eq!(&first["outcome"], &json!("Unspecified"));
    assert_eq!(results["count"], 2);
    let world = fake.world();
    let run = &world.runs()[0];
    assert_eq!(run.plan_id, Some(18));
    assert!(run.automated);
    assert_eq!(run.comment.as_deref(), Some("kado:1"));
    assert_eq!(run.started.unwrap().to_string(), "2026-01-02T10:00:00Z");
}

#[tokio::test]
async fn unknown_points_points_of_other_plans_and_unknown_plans_are_not_found() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    for (plan, point, message) in [
        ("18", 4711, "Test point 4711 not found."),
        ("18", 8, "Test point 8 not found."),
        ("77", 5, "Test plan 77 not found."),
    ] {
        let answer = client
            .post(
                RUNS,
                json!({"name": "n", "plan": {"id": plan}, "pointIds": [point]}),
            )
            .await;

        assert_eq!(answer.status, 404);
        assert_eq!(answer.message().as_str(), message);
        assert_eq!(answer.json()["typeKey"], "TestObjectNotFoundException");
    }

    assert!(fake.world().runs().is_empty());
}

#[tokio::test]
async fn a_run_needs_a_name_of_at_most_256_characters_and_a_state_to_begin_with() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    for body in [
        json!({}),
        json!({"name": "n".repeat(257)}),
        json!({"name": "n", "state": "Completed"}),
        json!({"name": "n", "comment": "c".repeat(1001)}),
    ] {
        assert_eq!(client.post(RUNS, body).await.status, 400);
    }
}

#[tokio::test]
async fn an_unplanned_run_is_unspecified() {
    let fake = FakeAdo::start(shop()).await.unwrap();

    let run = Client::of(&fake)
        .post(RUNS, json!({"name": "n"}))
        .await
        .json();

    assert_eq!(&run["state"], &json!("Unspecified"));
    assert_eq!(&run["totalTests"], &json!(0));
}

#[tokio::test]
async fn completing_keeps_what_is_not_sent_and_can_be_repeated() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let id = client.post(RUNS, planned()).await.json()["id"]
        .as_u64()
        .unwrap();
    let done = json!({"state": "Completed", "completedDate": "2026-01-02T10:05:00.123Z"});
    for _ in 0..2 {
        assert_eq!(
            client.patch(&run_path(id), done.clone()).await.json()["state"],
            "Completed"
        );
    }
    let run = client.get(&run_path(id)).await.json();

    assert_eq!(&run["startedDate"], &json!("2026-01-02T10:00:00Z"));
    assert_eq!(&run["completedDate"], &json!("2026-01-02T10:05:00.123Z"));
    assert_eq!(&run["comment"], &json!("kado:1"));
    assert_eq!(&run["incompleteTests"], &json!(2));
    assert_eq!(
        client
            .patch(&run_path(id), json!({"state": "InProgress"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_list_shows_comments_only_with_details() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    client.post(RUNS, planned()).await;
    client.post(RUNS, json!({"name": "unplanned"})).await;
    let list = client
        .get(&format!("{RUNS}&planId=18&automated=true"))
        .await
        .json();

    assert_eq!(&list["count"], &json!(1));
    assert_eq!(&list["value"][0]["comment"], &Value::Null);

    let list = client
        .get(&format!("{RUNS}&planId=18&includeRunDetails=true"))
        .await
        .json();

    assert_eq!(list["value"][0]["comment"], "kado:1");
    assert_eq!(
        client.get(&format!("{RUNS}&$skip=1&$top=5")).await.json()["count"],
        1
    );
}

#[tokio::test]
async fn a_new_run_stays_out_of_the_lists_for_the_lag() {
    let fake = FakeAdo::start(shop().with(|settings| settings.run_list_lag_ms = 60_000))
        .await
        .unwrap();
    let client = Client::of(&fake);

    client.post(RUNS, planned()).await;

    assert_eq!(client.get(RUNS).await.json()["count"], 0);
    fake.world().settings.run_list_lag_ms = 0;
    assert_eq!(client.get(RUNS).await.json()["count"], 1);
}

#[tokio::test]
async fn the_query_by_time_wants_both_ends_at_most_seven_days_apart_and_has_pages() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    for _ in 0..3 {
        client.post(RUNS, planned()).await;
    }

    let ago = |days: i64| {
        (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days)).to_string()
    };
    let path = |from: String, to: String| {
        format!("{RUNS}&minLastUpdatedDate={from}&maxLastUpdatedDate={to}&planIds=18&$top=2")
    };
    assert_eq!(
        client
            .get(&format!("{RUNS}&minLastUpdatedDate={}", ago(1)))
            .await
            .status,
        400
    );
    assert_eq!(client.get(&path(ago(8), ago(-1))).await.status, 400);

    let first = client.get(&path(ago(1), ago(-1))).await;

    assert_eq!(first.json()["count"].clone(), json!(2));
    assert_eq!(first.header("x-ms-continuationtoken"), Some("2"));

    let second = client
        .get(&format!("{}&continuationToken=2", path(ago(1), ago(-1))))
        .await;

    assert_eq!(second.json()["count"].clone(), json!(1));
    assert_eq!(second.header("x-ms-continuationtoken"), None);
}

#[tokio::test]
async fn a_deleted_run_is_gone() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let id = client.post(RUNS, planned()).await.json()["id"]
        .as_u64()
        .unwrap();

    assert_eq!(
        client
            .send("DELETE", &run_path(id), None)
            .await
            .unwrap()
            .status,
        204
    );

    let gone = client.get(&run_path(id)).await;

    assert_eq!(gone.status, 404);
    assert_eq!(gone.message(), format!("Test run {id} not found."));
}

/// Stops a server with a run and serves its world on the same port; `None` when somebody else took
/// that meanwhile, as another test may.
async fn stopped_and_served_again() -> Option<(FakeAdo, Client)> {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let (address, client) = (fake.address(), Client::of(&fake));
    client.post(RUNS, planned()).await;
    let world = fake.stop();
    if client.send("GET", RUNS, None).await.is_ok() {
        return None;
    }

    match FakeAdo::start_on(address, world).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => None,
        served => Some((served.unwrap(), client)),
    }
}

#[tokio::test]
async fn a_world_survives_the_stop_of_its_server_on_the_same_port() {
    let mut tries = 0;
    let (fake, client) = loop {
        if let Some(served) = stopped_and_served_again().await {
            break served;
        }
        tries += 1;
        assert!(
            tries < 20,
            "the server still answers, or its port is never free"
        );
    };

    assert_eq!(client.get(RUNS).await.json()["count"], 1);
    tokio::spawn(async move { assert_eq!(fake.requests().len(), 1) })
        .await
        .unwrap();
}
