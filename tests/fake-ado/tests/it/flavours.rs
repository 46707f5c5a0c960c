//! Products, virtual directories, hosts of Services, tokens with scopes.

use fake_ado::{FakeAdo, Flavour, Release};
use serde_json::json;

use crate::client::{Client, shop};

#[tokio::test]
async fn each_product_knows_its_own_versions_and_routes() {
    for (flavour, newest, points) in [
        (Flavour::Server2019, "5.0", 404),
        (Flavour::Server2020, "6.0", 200),
        (Flavour::Server2022, "7.0", 200),
        (Flavour::Server2022Update1, "7.1", 200),
    ] {
        let fake = FakeAdo::start(shop().flavour(flavour)).await.unwrap();
        let client = Client::of(&fake);

        assert_eq!(
            client
                .get(&format!("/Web%20Shop/_apis/test/runs?api-version={newest}"))
                .await
                .status,
            200
        );

        let newer = client
            .get("/Web%20Shop/_apis/test/runs?api-version=7.2-preview.1")
            .await;

        assert_eq!(
            newer.json()["typeKey"],
            "VssVersionOutOfRangeException",
            "{flavour:?}"
        );
        assert!(newer.message().ends_with(&format!("supports is {newest}.")));

        let path = "/Web%20Shop/_apis/testplan/Plans/18/Suites/100018/TestPoint?isRecursive=true";

        let answer = client
            .get(&format!("{path}&api-version={newest}-preview.2"))
            .await;

        assert_eq!(answer.status, points, "{flavour:?}");

        let data = client
            .get(&format!(
                "/_apis/connectionData?api-version={newest}-preview.1"
            ))
            .await;

        assert_eq!(data.json()["deploymentType"], "onPremises");
    }
}

#[tokio::test]
async fn what_a_server_has_not_released_yet_needs_preview() {
    let fake = FakeAdo::start(shop().flavour(Flavour::Server2019))
        .await
        .unwrap();
    let client = Client::of(&fake);

    let plain = client
        .get("/Web%20Shop/_apis/testplan/plans?api-version=5.0")
        .await;

    assert_eq!(plain.status, 400);
    assert_eq!(
        plain.json()["typeKey"].as_str(),
        Some("VssInvalidPreviewVersionException")
    );
    assert_eq!(
        client
            .get("/Web%20Shop/_apis/testplan/plans?api-version=5.0-preview.1")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn members_that_an_old_server_would_ignore_are_noted() {
    let fake = FakeAdo::start(shop().flavour(Flavour::Server2019))
        .await
        .unwrap();
    let run = json!({"name": "n", "tags": [{"name": "kado"}]});

    assert_eq!(
        Client::of(&fake)
            .post("/Web%20Shop/_apis/test/runs?api-version=5.0", run)
            .await
            .status,
        200
    );
    assert_eq!(
        fake.schema_violations(),
        ["fake-ado: `tags` of a new run is not known before 6.0"]
    );
}

#[tokio::test]
async fn a_collection_lies_below_its_virtual_directory() {
    let fake = FakeAdo::start(shop().below("tfs").named("Default Collection"))
        .await
        .unwrap();

    assert!(
        fake.base_url().ends_with("/tfs/Default%20Collection"),
        "{}",
        fake.base_url()
    );
    assert_eq!(
        Client::of(&fake)
            .get("/_apis/projects?api-version=7.1")
            .await
            .status,
        200
    );
    let elsewhere = reqwest::get(format!(
        "http://{}/Default%20Collection/_apis/projects",
        fake.address()
    ))
    .await;
    assert_eq!(elsewhere.unwrap().status(), 404);
}

#[tokio::test]
async fn at_services_releases_are_on_their_own_host() {
    let release = Release {
        id: 3,
        definition: 7,
        name: "R".into(),
        status: "active".into(),
        stages: Vec::new(),
    };
    let fake = FakeAdo::start(shop().release(release)).await.unwrap();
    // The names of Services exist behind a proxy only, for which the fake stands in.
    let proxy = reqwest::Proxy::http(fake.authority_url()).unwrap();
    let through = reqwest::Client::builder().proxy(proxy).build().unwrap();

    let status = async |host: &str, path: &str| {
        let request = through
            .get(format!("http://{host}{path}"))
            .bearer_auth("secret");
        request.send().await.unwrap().status().as_u16()
    };

    for path in ["/_apis/release/releases", "/_apis/release/definitions/7"] {
        assert_eq!(
            status("vsrm.dev.azure.com", &format!("/acme/Other{path}")).await,
            200
        );
        assert_eq!(
            status("dev.azure.com", &format!("/acme/Other{path}")).await,
            404
        );
    }
    assert_eq!(
        status("vsrm.dev.azure.com", "/acme/_apis/projects").await,
        404
    );
    assert_eq!(
        status("acme.visualstudio.com", "/DefaultCollection/_apis/projects").await,
        200
    );
    assert_eq!(
        status("other.visualstudio.com", "/_apis/projects").await,
        404
    );
}

#[tokio::test]
async fn a_token_does_what_its_scopes_allow() {
    let fake = FakeAdo::start(shop().token_with("reader", &["vso.test", "vso.work_write"]))
        .await
        .unwrap();
    let client = Client::of(&fake);
    let reader = [("authorization", "Bearer reader")];
    let status = async |method: &str, path: &str, body| {
        client
            .bare(method, path, &reader, body)
            .await
            .unwrap()
            .status
    };

    assert_eq!(
        status(
            "GET",
            "/_apis/connectionData?api-version=7.1-preview.1",
            None
        )
        .await,
        200
    );
    assert_eq!(
        status("GET", "/Web%20Shop/_apis/test/runs", None).await,
        200
    );
    assert_eq!(
        status("GET", "/Web%20Shop/_apis/wit/workitems/12", None).await,
        200
    );
    for missing in [401, 403] {
        fake.world().settings.missing_scope_status = missing;

        assert_eq!(status("GET", "/_apis/projects", None).await, missing);
        assert_eq!(
            status("PATCH", "/Web%20Shop/_apis/test/runs/0", Some(json!({}))).await,
            missing
        );
        assert_eq!(
            status("GET", "/Web%20Shop/_apis/build/definitions/1", None).await,
            missing
        );
    }

    let writer = client
        .send("PATCH", "/Web%20Shop/_apis/test/runs/0", Some(json!({})))
        .await
        .unwrap();

    assert_eq!(writer.status, 404, "a run that nobody has");
}
