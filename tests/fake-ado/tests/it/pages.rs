//! The page of a test run, as a browser gets it.

use fake_ado::FakeAdo;
use serde_json::json;

use crate::client::{Client, shop};
use crate::runs::{RUNS, planned};

/// Status and text of a page, asked for without credentials.
async fn page(client: &Client, path: &str) -> (u16, String) {
    let answer = client.bare("GET", path, &[], None).await.unwrap();
    (answer.status, answer.text)
}

#[tokio::test]
async fn the_address_of_a_run_opens_as_a_page_with_its_results_and_files() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    let run = client.post(RUNS, planned()).await.json();
    let id = &run["id"];
    let results = json!([{"id": 100_000, "outcome": "Failed", "errorMessage": "1 < 2"}]);
    client
        .patch(
            &format!("/Web%20Shop/_apis/test/Runs/{id}/results?api-version=7.1"),
            results,
        )
        .await;
    let shot = json!({"stream": "UE5H", "fileName": "shot.png"});
    client
        .post(
            &format!("/Web%20Shop/_apis/test/Runs/{id}/Results/100000/attachments?api-version=7.1"),
            shot,
        )
        .await;

    // The form that kado prints; the other is that of `webAccessUrl`.
    let (status, text) = page(
        &client,
        &format!("/Web%20Shop/_testManagement/runs?runId={id}&_a=runCharts"),
    )
    .await;

    assert_eq!(status, 200);
    assert!(text.contains("<h2>2 results</h2>"), "{text}");
    assert!(text.contains("1 &lt; 2"), "{text}");
    let link = text.split("href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let file = http
        .get(format!("{}{link}", fake.authority_url()))
        .send()
        .await
        .unwrap();
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(file.text().await.unwrap(), "PNG");
}

#[tokio::test]
async fn a_page_is_no_request_of_the_log_and_an_unknown_run_has_none() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let (missing, _) = page(&client, "/Web%20Shop/_TestManagement/Runs?runId=9").await;
    let (list, _) = page(&client, "/Web%20Shop/_TestManagement/Runs").await;

    assert_eq!((missing, list), (404, 200));
    assert!(fake.requests().is_empty());
}
