//! Plans, suites, configurations, points, work items, builds.

use fake_ado::{FakeAdo, Release, Stage};
use serde_json::{Value, json};

use crate::client::{Client, shop};

const POINTS: &str = "/Web%20Shop/_apis/testplan/Plans/18/Suites/100018/TestPoint?api-version=7.1";

fn ids(list: &Value) -> Vec<u64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn plans_have_numbers_as_ids_and_an_unknown_one_is_not_found() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let plans = client
        .get("/Web%20Shop/_apis/testplan/plans?filterActivePlans=true&api-version=7.1")
        .await
        .json();

    assert_eq!(ids(&plans["value"]), [18, 19]);
    assert_eq!(plans["value"][0]["rootSuite"]["id"], 100_018);

    let missing = client
        .get("/Web%20Shop/_apis/testplan/plans/77?api-version=7.1")
        .await;

    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["typeKey"], "TestObjectNotFoundException");
    assert_eq!(missing.message(), "Test plan 77 not found.");

    let suites = client
        .get("/Web%20Shop/_apis/testplan/Plans/18/suites?api-version=7.1")
        .await
        .json();

    assert_eq!(ids(&suites["value"]), [100_018, 21, 22]);

    let names = client
        .get("/Web%20Shop/_apis/testplan/configurations?api-version=7.1")
        .await
        .json();

    assert_eq!(names["value"][1]["name"], "Ubuntu");
}

#[tokio::test]
async fn test_points_are_read_recursively_and_in_pages() {
    let fake = FakeAdo::start(shop().with(|settings| settings.page_size = 2))
        .await
        .unwrap();
    let client = Client::of(&fake);

    assert_eq!(client.get(POINTS).await.json()["count"], 0);

    let first = client.get(&format!("{POINTS}&isRecursive=true")).await;

    assert_eq!(ids(&first.json()["value"]), [5, 6]);
    assert_eq!(
        first.json()["value"][0]["results"]["outcome"],
        "unspecified"
    );
    assert_eq!(
        first.header("x-ms-continuationtoken"),
        Some("-2147483648;2")
    );

    let second = client
        .get(&format!(
            "{POINTS}&isRecursive=true&continuationToken=-2147483648%3B2"
        ))
        .await;

    assert_eq!(ids(&second.json()["value"]), [7]);
    assert_eq!(second.header("x-ms-continuationtoken"), None);

    let of_case = client
        .get(&format!("{POINTS}&isRecursive=true&testCaseId=13"))
        .await
        .json();

    assert_eq!(ids(&of_case["value"]), [6]);
}

#[tokio::test]
async fn the_points_query_covers_all_plans_and_cuts_silently() {
    let fake = FakeAdo::start(shop().with(|settings| settings.points_default_top = 2))
        .await
        .unwrap();
    let client = Client::of(&fake);
    let filter = json!({"pointsFilter": {"testcaseIds": [12]}});

    let cut = client
        .post(
            "/Web%20Shop/_apis/test/points?api-version=7.1",
            filter.clone(),
        )
        .await
        .json();

    assert_eq!(ids(&cut["points"]), [5, 7]);

    let all = client
        .post(
            "/Web%20Shop/_apis/test/points?$skip=0&$top=1000&api-version=7.1",
            filter,
        )
        .await
        .json();

    assert_eq!(ids(&all["points"]), [5, 7, 8]);
    assert_eq!(all["points"][2]["testPlan"]["id"], "19");

    let named = json!({"pointsFilter": {"testcaseIds": [12], "configurationNames": ["UBUNTU"]}});

    let one = client
        .post("/Web%20Shop/_apis/test/points?api-version=7.1", named)
        .await
        .json();

    assert_eq!(ids(&one["points"]), [7]);

    let none = json!({"pointsFilter": {"testcaseIds": [4711]}});

    let none = client
        .post("/Web%20Shop/_apis/test/points?api-version=7.1", none)
        .await
        .json();

    assert_eq!(none["points"], json!([]));
}

#[tokio::test]
async fn old_points_are_read_suite_by_suite() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let path = "/Web%20Shop/_apis/test/Plans/18/Suites/21/points";
    let client = Client::of(&fake);

    assert_eq!(
        ids(&client.get(&format!("{path}?api-version=5.0")).await.json()["value"]),
        [5, 7]
    );

    let both = client
        .get(&format!(
            "{path}?testCaseId=13&configurationId=2&api-version=5.0"
        ))
        .await
        .json();

    assert_eq!(
        ids(&both["value"]),
        [7],
        "testCaseId is ignored with configurationId"
    );
}

#[tokio::test]
async fn missing_work_items_are_null_with_omit_and_an_error_without() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    let path = "/Web%20Shop/_apis/wit/workitemsbatch?api-version=7.1";
    let fields = json!(["System.Id", "System.WorkItemType", "System.Title"]);
    let body = json!({"ids": [12, 4711, 99], "errorPolicy": "omit", "fields": fields});

    let found = client.post(path, body.clone()).await.json();

    assert_eq!(
        found["value"][0]["fields"]["System.WorkItemType"],
        "Test Case"
    );
    assert_eq!(found["value"][1], Value::Null);
    assert_eq!(found["value"][2]["fields"]["System.WorkItemType"], "Bug");
    fake.world().settings.omit_leaves_out = true;
    assert_eq!(client.post(path, body).await.json()["count"], 2);

    let refused = client.post(path, json!({"ids": [12, 4711]})).await;

    assert_eq!(refused.status, 404);
    assert!(
        refused
            .message()
            .starts_with("TF401232: Work item 4711 does not exist")
    );
    let many: Vec<u32> = (1..=201).collect();
    assert_eq!(
        client
            .post(path, json!({"ids": many, "errorPolicy": "omit"}))
            .await
            .status,
        400
    );

    let category =
        client.get("/Web%20Shop/_apis/wit/workitemtypecategories/Microsoft.TestCaseCategory?api-version=7.1").await;

    assert_eq!(category.json()["workItemTypes"][0]["name"], "Test Case");
}

#[tokio::test]
async fn a_work_item_is_changed_by_json_patch_and_gets_a_new_revision() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    let patch = json!([{"op": "test", "path": "/rev", "value": 1},
        {"op": "add", "path": "/fields/Microsoft.VSTS.TCM.AutomatedTestName", "value": "Login"}]);
    let path = "/Web%20Shop/_apis/wit/workitems/12?api-version=7.1";

    assert_eq!(
        client.patch(path, patch.clone()).await.status,
        415,
        "the content type matters"
    );

    let headers = [
        ("authorization", "Bearer secret"),
        ("content-type", "application/json-patch+json"),
    ];
    let url = format!("{}{path}", fake.base_url());

    for status in [200, 412] {
        let mut request = reqwest::Client::new().patch(&url);

        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(
            request
                .body(patch.to_string())
                .send()
                .await
                .unwrap()
                .status(),
            status
        );
    }

    assert_eq!(fake.world().find_work_item(12).unwrap().rev, 2);
}

#[tokio::test]
async fn the_latest_build_that_passes_the_filters_comes_first() {
    let world = shop()
        .build(636, 12, "1")
        .build(637, 12, "2")
        .build(638, 13, "3");
    let fake = FakeAdo::start(world).await.unwrap();
    fake.world().project_mut("Other").unwrap().builds[1].result = Some("failed".into());
    let client = Client::of(&fake);
    let builds = "/Other/_apis/build/builds?api-version=7.1&definitions";
    let path = format!("{builds}=12&statusFilter=completed&queryOrder=finishTimeDescending&$top=1");

    assert_eq!(client.get(&path).await.json()["value"][0]["id"], 637);

    let good = client
        .get(&format!("{path}&resultFilter=succeeded,partiallySucceeded"))
        .await
        .json();

    assert_eq!(good["value"][0]["id"], 636);
    assert_eq!(client.get(&format!("{builds}=99")).await.json()["count"], 0);
}

#[tokio::test]
async fn the_latest_release_comes_first_with_its_stages() {
    let release = |id| Release {
        id,
        definition: 3,
        name: format!("Release-{id}"),
        status: "active".into(),
        stages: vec![Stage {
            id: 9,
            name: "Test".into(),
            status: "succeeded".into(),
            started: None,
        }],
    };
    let fake = FakeAdo::start(shop().release(release(1)).release(release(2)))
        .await
        .unwrap();
    let path = "/Other/_apis/release/releases?definitionId=3&queryOrder=descending&$top=1&$expand=environments";

    let latest = Client::of(&fake).get(path).await.json();

    assert_eq!(latest["value"][0]["id"], 2);
    assert_eq!(latest["value"][0]["environments"][0]["name"], "Test");
}

#[tokio::test]
async fn a_plan_says_for_which_days_area_and_iteration_it_is() {
    let world = shop()
        .plan(20, "Sprint 4")
        .between("2026-05-04T00:00:00Z", "2026-05-08T00:00:00Z")
        .in_area("Other\\Web", "Other\\Sprint 4");
    let fake = FakeAdo::start(world).await.unwrap();

    let plan = Client::of(&fake)
        .get("/Other/_apis/testplan/plans/20?api-version=7.1")
        .await
        .json();

    assert_eq!(plan["startDate"], "2026-05-04T00:00:00Z");
    assert_eq!(plan["endDate"], "2026-05-08T00:00:00Z");
    assert_eq!(plan["areaPath"], "Other\\Web");
    assert_eq!(plan["iteration"], "Other\\Sprint 4");
}
