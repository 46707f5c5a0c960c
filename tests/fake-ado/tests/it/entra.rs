//! The authority of Entra and the metadata service.

use fake_ado::FakeAdo;
use serde_json::Value;

use crate::client::{Client, shop};

const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";

async fn ask(fake: &FakeAdo, tenant: &str, client: &str, secret: &str) -> (u16, Value) {
    let form = format!(
        "grant_type=client_credentials&client_id={client}&client_secret={secret}&scope={RESOURCE}%2F.default"
    );
    let url = format!("{}/{tenant}/oauth2/v2.0/token", fake.authority_url());
    let answer = reqwest::Client::new()
        .post(url)
        .body(form)
        .send()
        .await
        .unwrap();

    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn an_application_gets_a_token_for_its_secret() {
    let fake = FakeAdo::start(shop().application("tenant", "app", "hush"))
        .await
        .unwrap();
    let (status, answer) = ask(&fake, "tenant", "app", "hush").await;

    assert_eq!(status, 200);
    assert_eq!(answer["token_type"].as_str(), Some("Bearer"));
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let client = Client::of(&fake);
    let path = "/_apis/projects?api-version=7.1";
    let with = async |bearer: &str| {
        client
            .bare("GET", path, &[("authorization", bearer)], None)
            .await
            .unwrap()
            .status
    };
    assert_eq!(with(&bearer).await, 200);
    fake.world().entra.revoke_issued();
    assert_eq!(with(&bearer).await, 203);
}

#[tokio::test]
async fn everybody_else_is_refused_with_the_number_of_the_error() {
    let fake = FakeAdo::start(shop().application("tenant", "app", "hush"))
        .await
        .unwrap();

    for (tenant, client, secret, status, number) in [
        ("tenant", "app", "wrong", 401, "AADSTS7000215"),
        ("tenant", "other", "hush", 400, "AADSTS700016"),
        ("nowhere", "app", "hush", 400, "AADSTS90002"),
    ] {
        let (seen, answer) = ask(&fake, tenant, client, secret).await;

        assert_eq!(seen, status);
        assert!(
            answer["error_description"]
                .as_str()
                .unwrap()
                .starts_with(number),
            "{answer}"
        );
    }
    assert!(fake.world().entra.issued().is_empty());
}

#[tokio::test]
async fn the_metadata_service_wants_its_header_and_knows_its_identities() {
    let fake = FakeAdo::start(shop().managed_identity("first"))
        .await
        .unwrap();
    let url = format!(
        "{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={RESOURCE}",
        fake.authority_url()
    );

    let get = async |url: &str, header: &str| {
        let answer = reqwest::Client::new()
            .get(url)
            .header(header, "true")
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };

    assert_eq!(get(&url, "metadata").await, 200);
    assert_eq!(get(&url, "x-other").await, 400);
    assert_eq!(
        get(&format!("{url}&client_id=unknown"), "metadata").await,
        400
    );
}
