//! Results and sub-results.

use fake_ado::FakeAdo;
use serde_json::{Value, json};

use crate::client::{Answer, Client, shop};
use crate::runs::{RUNS, planned};

struct Run {
    fake: FakeAdo,
    client: Client,
    id: u64,
}

impl Run {
    async fn planned() -> Run {
        Run::of(planned()).await
    }

    async fn of(body: Value) -> Run {
        let fake = FakeAdo::start(shop()).await.unwrap();
        let client = Client::of(&fake);
        let id = client.post(RUNS, body).await.json()["id"].as_u64().unwrap();

        Run { fake, client, id }
    }

    fn path(&self, rest: &str) -> String {
        format!("/Web%20Shop/_apis/test/Runs/{}{rest}", self.id)
    }

    async fn update(&self, results: Value) -> Answer {
        self.client
            .patch(&self.path("/results?api-version=7.1"), results)
            .await
    }

    async fn add(&self, results: Value) -> Answer {
        self.client
            .post(&self.path("/results?api-version=7.1"), results)
            .await
    }

    async fn read(&self, id: u32, query: &str) -> Value {
        self.client
            .get(&self.path(&format!("/results/{id}?api-version=7.1{query}")))
            .await
            .json()
    }

    async fn totals(&self) -> Value {
        self.client.get(&self.path("?api-version=7.1")).await.json()
    }
}

#[tokio::test]
async fn an_outcome_without_a_state_leaves_the_result_pending() {
    let run = Run::planned().await;

    assert_eq!(
        run.update(json!([{"id": 100_000, "outcome": "Passed"}]))
            .await
            .status,
        200
    );
    assert_eq!(run.read(100_000, "").await["state"], "Pending");
    assert_eq!(&run.totals().await["passedTests"], &json!(0));
    assert_eq!(&run.totals().await["incompleteTests"], &json!(2));
    run.update(json!([{"id": 100_000, "state": "Completed"}]))
        .await;
    assert_eq!(&run.totals().await["passedTests"], &json!(1));
    assert_eq!(&run.totals().await["incompleteTests"], &json!(1));
    let statistics = run
        .client
        .get(&run.path("/Statistics?api-version=7.1"))
        .await
        .json();
    assert_eq!(
        statistics["runStatistics"][0],
        json!({"state": "Completed", "outcome": "Passed", "count": 1})
    );
}

#[tokio::test]
async fn what_is_left_out_stays_and_null_clears() {
    let run = Run::planned().await;
    run.update(
        json!([{"id": 100_000, "errorMessage": "boom", "comment": "c", "durationInMs": 12.5}]),
    )
    .await;
    run.update(
        json!([{"id": 100_000, "errorMessage": null, "state": "Completed", "outcome": "failed"}]),
    )
    .await;
    let result = run.read(100_000, "").await;

    assert!(result["errorMessage"].is_null());
    assert_eq!(&result["comment"], &json!("c"));
    assert_eq!(&result["durationInMs"], &json!(12.5));
    assert_eq!(&result["outcome"], &json!("Failed"));
    let world = run.fake.world();
    let point = world
        .find_project("Web Shop")
        .unwrap()
        .find_point(5)
        .unwrap();
    assert_eq!(point.last_result, Some(100_000));
    assert_eq!(point.outcome.as_deref(), Some("Failed"));
}

#[tokio::test]
async fn an_old_version_adds_results_by_their_points_alone() {
    let run = Run::of(json!({"name": "r", "automated": true, "plan": {"id": "18"}})).await;
    let thin = json!([{"testPoint": {"id": "5"}, "state": "Completed", "outcome": "Passed"}]);

    let new = run.add(thin.clone()).await;
    let path = run.path("/results?api-version=5.0-preview.5");
    let old = run.client.post(&path, thin).await;

    assert_eq!(new.status, 400);
    assert_eq!(old.status, 200);
    assert_eq!(run.read(100_000, "").await["outcome"], "Passed");
}

#[tokio::test]
async fn results_are_read_by_the_ids_of_any_run() {
    let run = Run::planned().await;
    let named = json!({"fields": [""], "results": [{"id": 100_001, "testRun": {"id": run.id.to_string()}}]});

    let found = run
        .client
        .post("/Web%20Shop/_apis/test/Results?api-version=7.0", named)
        .await;
    let unknown = json!({"results": [{"id": 100_009, "testRun": {"id": run.id}}]});
    let refused = run
        .client
        .post("/Web%20Shop/_apis/test/Results?api-version=7.0", unknown)
        .await;

    let results = &found.json()["results"];
    assert_eq!(results.as_array().unwrap().len(), 1);
    assert_eq!(results[0]["id"], 100_001);
    assert!(results[0]["testPoint"]["id"].is_string(), "{results}");
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn sub_results_are_appended_and_get_ids() {
    let run = Run::planned().await;
    let subs = json!([{"id": 100_000, "resultGroupType": "dataDriven", "subResults": [
        {"sequenceId": 1, "displayName": "Iteration 1", "outcome": "Passed",
            "subResults": [{"displayName": "Attempt# 1", "outcome": "Failed"}]},
        {"sequenceId": 2, "displayName": "Iteration 2", "outcome": "Failed"}]}]);
    let answer = run.update(subs.clone()).await.json();

    assert_eq!(
        answer["value"][0]["subResults"],
        json!([{"id": 1}, {"id": 3}])
    );
    run.update(subs).await;
    assert!(run.read(100_000, "").await["subResults"].is_null());
    let result = run.read(100_000, "&detailsToInclude=SubResults").await;
    assert_eq!(result["subResults"].as_array().unwrap().len(), 4);
    assert_eq!(&result["resultGroupType"], &json!("dataDriven"));
    assert_eq!(&result["subResults"][3]["id"], &json!(6));
}

#[tokio::test]
async fn limits_are_enforced_and_long_error_texts_cut_silently() {
    let run = Run::planned().await;
    run.update(
        json!([{"id": 100_000, "errorMessage": "e".repeat(5000), "stackTrace": "s".repeat(5000)}]),
    )
    .await;

    assert_eq!(
        run.read(100_000, "").await["errorMessage"]
            .as_str()
            .unwrap()
            .len(),
        4000
    );
    let subs = vec![json!({"outcome": "Passed"}); 1001];
    let many: Vec<Value> = (0..1001)
        .map(|number| json!({"id": 100_000 + number}))
        .collect();
    for refused in [
        json!([{"id": 100_000, "comment": "c".repeat(1001)}]),
        json!([{"id": 100_000, "subResults": subs}]),
        json!([{"id": 100_000, "outcome": "Great"}]),
        json!([{"id": 100_000, "startedDate": "2026-01-02T10:00:00Z", "completedDate": "2026-01-02T09:00:00Z"}]),
        json!(many),
    ] {
        assert_eq!(run.update(refused).await.status, 400);
    }
}

#[tokio::test]
async fn one_bad_result_refuses_the_whole_batch() {
    let run = Run::planned().await;
    let answer = run
        .update(json!([{"id": 100_000, "outcome": "Passed"}, {"id": 123_456, "outcome": "Passed"}]))
        .await;

    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.message(),
        format!("Test result 123456 does not exist in test run {}", run.id)
    );
    assert_eq!(run.read(100_000, "").await["outcome"], "Unspecified");
    let missing = run.update(json!([{"outcome": "Passed"}])).await;
    assert!(
        missing.status == 400
            && missing
                .message()
                .contains("TestResult Id must be specified")
    );
}

#[tokio::test]
async fn a_completed_run_takes_no_results() {
    let run = Run::planned().await;

    run.client
        .patch(&run.path("?api-version=7.1"), json!({"state": "Completed"}))
        .await;

    assert_eq!(
        run.update(json!([{"id": 100_000, "outcome": "Passed"}]))
            .await
            .status,
        400
    );
    assert_eq!(
        run.add(
            json!([{"testPoint": {"id": "7"}, "testCaseTitle": "Login", "testCaseRevision": 1}])
        )
        .await
        .status,
        400
    );
}

#[tokio::test]
async fn results_added_to_a_planned_run_name_point_title_and_revision() {
    let run = Run::of(json!({"name": "n", "plan": {"id": "18"}})).await;
    let unnamed = run
        .add(json!([{"testCaseTitle": "Login", "testCaseRevision": 1}]))
        .await;

    assert_eq!(unnamed.status, 404);
    assert_eq!(unnamed.message().as_str(), "Test point 0 not found.");
    assert_eq!(
        run.add(json!([{"testPoint": {"id": "5"}}])).await.status,
        400
    );
    let fine = json!({"testPoint": {"id": "5"}, "testCase": {"id": "12"}, "testCaseTitle": "Login", "testCaseRevision": 1,
        "state": "Completed", "outcome": "Passed", "priority": 255});
    let answer = run.add(json!([fine, fine])).await.json();
    assert_eq!(&answer["value"][0]["id"], &json!(100_000));
    assert_eq!(&answer["value"][1]["id"], &json!(100_001));
    assert_eq!(answer["value"][0]["project"], json!({}));
    assert_eq!(run.fake.world().runs()[0].results[1].test_case_id, Some(12));
}

#[tokio::test]
async fn lists_of_results_have_pages() {
    let run = Run::planned().await;
    let page = run
        .client
        .get(&run.path("/results?$top=1&$skip=1&api-version=7.1"))
        .await
        .json();

    assert_eq!(&page["count"], &json!(1));
    assert_eq!(&page["value"][0]["id"], &json!(100_001));
    run.update(json!([{"id": 100_001, "outcome": "Failed"}]))
        .await;
    let failed = run
        .client
        .get(&run.path("/results?outcomes=Failed&api-version=7.1"))
        .await
        .json();
    assert_eq!(failed["count"], 1);
}

#[tokio::test]
async fn a_server_may_give_less_on_a_page_than_it_is_asked_for() {
    let run = Run::planned().await;
    run.fake.world().settings.most_on_a_page = 1;

    let page = run
        .client
        .get(&run.path("/results?$top=200&api-version=7.1"))
        .await
        .json();

    assert_eq!(page["count"], 1);
}

#[tokio::test]
async fn a_failure_type_is_one_of_five_words() {
    let run = Run::planned().await;
    let with = |kind: &str| json!([{"id": 100_000, "failureType": kind}]);

    assert_eq!(run.update(with("Known Issue")).await.status, 200);
    assert_eq!(run.update(with("known_Issue")).await.status, 400);

    assert_eq!(run.read(100_000, "").await["failureType"], "Known Issue");
    assert_eq!(run.read(100_001, "").await["failureType"], "None");
}
