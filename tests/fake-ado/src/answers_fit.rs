//! The fake's own answers against the official API description (whose entry for a single release
//! describes another operation of the same path, a text).

use serde_json::{Value, json};

use crate::schema::{Checker, default_path};
use crate::{FakeAdo, Release, World};

const APIS: &str = "/{organization}/{project}/_apis";

struct Walk {
    fake: FakeAdo,
    checker: Checker,
    http: reqwest::Client,
}

impl Walk {
    /// Calls an operation and compares its answer with what the description says.
    async fn call(&self, method: &str, path: &str, described: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.fake.base_url());
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth("demo-token");
        if !body.is_null() {
            request = request.json(&body);
        }

        let response = request.send().await.unwrap();

        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {answer}");
        let remarks = self
            .checker
            .check_answer(&method.to_lowercase(), described, &answer);
        assert_eq!(remarks, Some(Vec::new()), "{described}: {answer}");
        answer
    }

    async fn get(&self, path: &str, described: &str) {
        self.call("GET", path, described, Value::Null).await;
    }

    async fn read_everything(&self) {
        self.get("/_apis/projects", "/{organization}/_apis/projects")
            .await;
        self.get(
            "/_apis/projects/Shop",
            "/{organization}/_apis/projects/{projectId}",
        )
        .await;
        self.get(
            "/Shop/_apis/testplan/plans",
            &format!("{APIS}/testplan/plans"),
        )
        .await;
        self.get(
            "/Shop/_apis/testplan/plans/18",
            &format!("{APIS}/testplan/plans/{{planId}}"),
        )
        .await;
        self.get(
            "/Shop/_apis/testplan/configurations",
            &format!("{APIS}/testplan/configurations"),
        )
        .await;

        for query in ["", "?asTreeView=true"] {
            let suites = format!("{APIS}/testplan/plans/{{planId}}/suites");
            self.get(
                &format!("/Shop/_apis/testplan/Plans/18/suites{query}"),
                &suites,
            )
            .await;
        }

        let points = format!("{APIS}/testplan/plans/{{planId}}/suites/{{suiteId}}/testpoint");
        self.get(
            "/Shop/_apis/testplan/Plans/18/Suites/100018/TestPoint?isRecursive=true",
            &points,
        )
        .await;
        let points = format!("{APIS}/test/plans/{{planId}}/suites/{{suiteId}}/points");
        self.get("/Shop/_apis/test/Plans/18/Suites/21/points", &points)
            .await;
        self.get(
            "/_apis/testplan/suites?testCaseId=12",
            "/{organization}/_apis/testplan/suites",
        )
        .await;
        self.get("/Shop/_apis/build/builds", &format!("{APIS}/build/builds"))
            .await;
        self.get(
            "/Shop/_apis/build/builds/637",
            &format!("{APIS}/build/builds/{{buildId}}"),
        )
        .await;
        self.get(
            "/Shop/_apis/release/releases?$expand=environments",
            &format!("{APIS}/release/releases"),
        )
        .await;
        self.get(
            "/Shop/_apis/wit/workitems/12",
            &format!("{APIS}/wit/workitems/{{id}}"),
        )
        .await;
    }

    async fn read_run(&self, id: &Value) {
        let (run, runs) = (
            format!("/Shop/_apis/test/runs/{id}"),
            format!("{APIS}/test/runs"),
        );
        self.get("/Shop/_apis/test/runs?includeRunDetails=true", &runs)
            .await;
        self.get(&run, &format!("{runs}/{{runId}}")).await;
        self.get(
            &format!("{run}/Statistics"),
            &format!("{runs}/{{runId}}/statistics"),
        )
        .await;
        let results = format!("{runs}/{{runId}}/results");
        self.get(
            &format!("{run}/results?detailsToInclude=SubResults"),
            &results,
        )
        .await;
        self.get(
            &format!("{run}/results/100000"),
            &format!("{results}/{{testCaseResultId}}"),
        )
        .await;
        self.get(
            &format!("{run}/attachments"),
            &format!("{runs}/{{runId}}/attachments"),
        )
        .await;
    }
}

async fn walk() -> Option<Walk> {
    if !default_path().exists() {
        println!("skipped: the API description is not beside the workspace");
        return None;
    }

    let release = r#"{"id":3,"definition":1,"name":"Release-3","status":"active",
        "stages":[{"id":9,"name":"Test","status":"succeeded","started":"2026-01-02T10:00:00Z"}]}"#;
    let release: Release = serde_json::from_str(release).unwrap();
    let fake = FakeAdo::start(World::demo().release(release))
        .await
        .unwrap();
    let checker = Checker::load(&default_path().with_file_name("ado-subset.json")).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();

    Some(Walk {
        fake,
        checker,
        http,
    })
}

#[tokio::test]
async fn what_is_read_before_submitting_fits_the_description() {
    let Some(walk) = walk().await else { return };
    walk.read_everything().await;
    let batch = json!({"ids": [12, 13], "errorPolicy": "omit"});
    walk.call(
        "POST",
        "/Shop/_apis/wit/workitemsbatch",
        &format!("{APIS}/wit/workitemsbatch"),
        batch,
    )
    .await;
    let query = json!({"pointsFilter": {"testcaseIds": [12]}});
    walk.call(
        "POST",
        "/Shop/_apis/test/points",
        &format!("{APIS}/test/points"),
        query,
    )
    .await;
}

#[tokio::test]
async fn what_is_answered_while_submitting_fits_the_description() {
    let Some(walk) = walk().await else { return };
    let runs = format!("{APIS}/test/runs");
    let new = json!({"name": "n", "plan": {"id": "18"}, "pointIds": [5, 6], "state": "InProgress", "tags": [{"name": "kado"}],
        "build": {"id": "637"}, "startDate": "2026-01-02T10:00:00Z", "comment": "c"});

    let id = walk.call("POST", "/Shop/_apis/test/runs", &runs, new).await["id"].clone();
    let run = format!("/Shop/_apis/test/runs/{id}");
    let changes = json!([{"id": 100_000, "state": "Completed", "outcome": "Failed", "durationInMs": 1.5, "errorMessage": "e",
        "resultGroupType": "rerun", "subResults": [{"outcome": "Failed", "displayName": "1", "durationInMs": 7}]}]);
    let results = format!("{runs}/{{runId}}/results");
    walk.call("PATCH", &format!("{run}/results"), &results, changes)
        .await;
    let file = json!({"stream": "eA==", "fileName": "x.txt"});
    let described = format!("{runs}/{{runId}}/attachments");
    walk.call(
        "POST",
        &format!("{run}/attachments"),
        &described,
        file.clone(),
    )
    .await;
    let of_result = format!("{results}/{{testCaseResultId}}/attachments");
    walk.call(
        "POST",
        &format!("{run}/Results/100000/attachments"),
        &of_result,
        file,
    )
    .await;
    walk.call(
        "PATCH",
        &run,
        &format!("{runs}/{{runId}}"),
        json!({"state": "Completed"}),
    )
    .await;

    walk.read_run(&id).await;
    walk.read_everything().await;
    assert_eq!(walk.fake.schema_violations(), Vec::<String>::new());
}
