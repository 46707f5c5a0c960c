//! Credentials, versions, projects.

use fake_ado::FakeAdo;
use serde_json::json;

use crate::client::{Client, shop};

const DATA: &str = "/_apis/connectionData?api-version=7.1-preview.1";

#[tokio::test]
async fn a_token_is_accepted_as_basic_password_of_any_user_and_as_bearer() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    // base64 of ":secret" and of "me:secret"
    for value in ["Basic OnNlY3JldA==", "Basic bWU6c2VjcmV0", "Bearer secret"] {
        let answer = client
            .bare("GET", DATA, &[("authorization", value)], None)
            .await
            .unwrap();

        assert_eq!(answer.status, 200, "{value}");
        assert_ne!(
            answer.json()["authenticatedUser"]["id"],
            "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
        );
    }
    assert!(fake.requests().iter().all(|request| request.authorized));
}

#[tokio::test]
async fn without_an_accepted_token_the_sign_in_page_comes_with_203_or_an_empty_401() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    let page = client
        .bare("GET", DATA, &[("authorization", "Bearer wrong")], None)
        .await
        .unwrap();

    assert_eq!(page.status, 203);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let suppress = [("X-TFS-FedAuthRedirect", "Suppress")];
    let empty = client.bare("GET", DATA, &suppress, None).await.unwrap();
    assert_eq!(empty.status, 401);
    assert_eq!(empty.text.as_str(), "");
    assert!(empty.header("www-authenticate").is_some());
    fake.world().set_tokens(&[]);
    assert_eq!(client.get(DATA).await.status, 203);
}

#[tokio::test]
async fn connection_data_is_a_preview_for_ever() {
    let fake = FakeAdo::start(shop()).await.unwrap();

    let answer = Client::of(&fake)
        .get("/_apis/connectionData?api-version=7.1")
        .await;

    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["typeKey"],
        "VssInvalidPreviewVersionException"
    );
}

#[tokio::test]
async fn a_version_above_the_servers_is_refused_in_the_query_and_in_the_header() {
    let fake = FakeAdo::start(shop().with(|settings| settings.max_api_version = "7.0".into()))
        .await
        .unwrap();
    let client = Client::of(&fake);

    let answer = client
        .get("/Web%20Shop/_apis/test/runs?api-version=7.1")
        .await;

    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["typeKey"], "VssVersionOutOfRangeException");
    assert!(
        answer
            .message()
            .contains("The latest REST API version this server supports is 7.0.")
    );
    let headers = [
        ("authorization", "Bearer secret"),
        ("accept", "application/json;api-version=7.1"),
    ];
    let answer = client
        .bare("GET", "/Web%20Shop/_apis/test/runs", &headers, None)
        .await
        .unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(
        client
            .get("/Web%20Shop/_apis/test/runs?api-version=7.0")
            .await
            .status,
        200
    );
    assert_eq!(client.get("/Web%20Shop/_apis/test/runs").await.status, 200);
}

#[tokio::test]
async fn a_project_is_found_by_name_or_guid_and_a_missing_one_is_tf200016() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);

    let list = client
        .get("/_apis/projects?stateFilter=wellFormed&$top=1&api-version=7.1")
        .await;

    assert_eq!(list.json()["count"], 1);
    assert_eq!(list.header("x-ms-continuationtoken"), Some("1"));

    let id = list.json()["value"][0]["id"].as_str().unwrap().to_owned();

    for key in ["web%20shop", &id, &id.to_uppercase()] {
        assert_eq!(
            client
                .get(&format!("/_apis/projects/{key}?api-version=7.1"))
                .await
                .json()["name"],
            "Web Shop"
        );
        assert_eq!(
            client
                .get(&format!("/{key}/_apis/TESTPLAN/Plans/18?api-version=7.1"))
                .await
                .status,
            200
        );
    }
    for path in ["/_apis/projects/Nope", "/Nope/_apis/test/runs"] {
        let answer = client.get(path).await;

        assert_eq!(answer.status, 404);
        assert_eq!(
            answer.json()["typeKey"],
            "ProjectDoesNotExistWithNameException"
        );
        assert!(
            answer
                .message()
                .starts_with("TF200016: The following project does not exist: Nope. ")
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_api_description_is_refused_and_noted() {
    let fake = FakeAdo::start(shop()).await.unwrap();
    if !fake.has_schema() {
        println!("skipped: the API description is not beside the workspace");
        return;
    }
    let client = Client::of(&fake);
    let wrong = json!({"name": "n", "isAutomated": true, "startedDate": "2026-01-02T10:00:00Z"});

    assert_eq!(
        client
            .post("/Web%20Shop/_apis/test/runs?api-version=7.1", wrong)
            .await
            .status,
        400
    );
    assert!(!fake.schema_violations().is_empty());
    assert!(fake.world().runs().is_empty());
}

#[tokio::test]
async fn without_the_api_description_wrong_names_are_ignored_silently() {
    let fake = FakeAdo::start(shop().no_schema()).await.unwrap();
    let client = Client::of(&fake);
    let wrong = json!({"name": "n", "isAutomated": true, "startedDate": "2026-01-02T10:00:00Z"});

    assert_eq!(
        client
            .post("/Web%20Shop/_apis/test/runs?api-version=7.1", wrong)
            .await
            .status,
        200
    );
    let world = fake.world();
    assert!(!world.runs()[0].automated && world.runs()[0].started.is_none());
}

#[tokio::test]
async fn a_body_that_is_not_json_by_its_content_type_is_refused() {
    let fake = FakeAdo::start(shop()).await.unwrap();

    let request =
        reqwest::Client::new().post(format!("{}/Web%20Shop/_apis/test/runs", fake.base_url()));
    let answer = request
        .bearer_auth("secret")
        .body("{\"name\":\"n\"}")
        .send()
        .await
        .unwrap();

    assert_eq!(answer.status(), 415);
}
