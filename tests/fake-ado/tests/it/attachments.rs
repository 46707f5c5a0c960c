//! Attachments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fake_ado::FakeAdo;
use serde_json::{Value, json};

use crate::client::{Client, shop};
use crate::runs::{RUNS, planned};

async fn start() -> (FakeAdo, Client, String) {
    let fake = FakeAdo::start(shop()).await.unwrap();
    let client = Client::of(&fake);
    let id = client.post(RUNS, planned()).await.json()["id"].to_string();

    (fake, client, format!("/Web%20Shop/_apis/test/Runs/{id}"))
}

fn file(name: &str, bytes: &[u8]) -> Value {
    json!({"stream": STANDARD.encode(bytes), "fileName": name, "comment": "c", "attachmentType": "GeneralAttachment"})
}

#[tokio::test]
async fn attachments_go_to_run_result_and_sub_result() {
    let (fake, client, run) = start().await;
    let subs = json!([{"id": 100_000, "subResults": [{"outcome": "Passed"}]}]);

    client
        .patch(&format!("{run}/results?api-version=7.1"), subs)
        .await;
    for place in ["", "/Results/100000"] {
        let answer = client
            .post(
                &format!("{run}{place}/attachments?api-version=7.1"),
                file("shot.png", b"PNG"),
            )
            .await;

        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    let sub = format!("{run}/Results/100000/attachments?testSubResultId=1&api-version=7.1");
    assert_eq!(
        client.post(&sub, file("shot.png", b"PNG")).await.status,
        200
    );

    let content = client
        .get(&format!(
            "{run}/Results/100000/attachments/2?api-version=7.1"
        ))
        .await;

    assert_eq!(content.text, "PNG");
    let world = fake.world();
    let result = &world.runs()[0].results[0];
    assert_eq!(result.attachments.len(), 1);
    assert_eq!(result.sub_results[0].attachments.len(), 1);
    assert_eq!(
        result.attachments[0].blake3,
        blake3::hash(b"PNG").to_hex().to_string()
    );
}

#[tokio::test]
async fn the_same_file_may_come_twice() {
    let (_fake, client, run) = start().await;
    let path = format!("{run}/attachments?api-version=7.1");

    for _ in 0..2 {
        client.post(&path, file("shot.png", b"PNG")).await;
    }
    let listed = client.get(&path).await.json();

    assert_eq!(listed["count"], 2);
    let second = &listed["value"][1];
    assert_eq!(&second["id"], &json!(2));
    assert_eq!(&second["size"], &json!(3));
    assert_eq!(&second["fileName"], &json!("shot.png"));
}

#[tokio::test]
async fn names_with_a_path_no_base64_and_unknown_holders_are_refused() {
    let (fake, client, run) = start().await;

    for name in ["a/b.png", "a\\b.png", "a:b.png", ""] {
        assert_eq!(
            client
                .post(
                    &format!("{run}/attachments?api-version=7.1"),
                    file(name, b"x")
                )
                .await
                .status,
            400,
            "{name}"
        );
    }

    let broken = json!({"stream": "no base64!", "fileName": "a.txt"});
    assert_eq!(
        client
            .post(&format!("{run}/attachments?api-version=7.1"), broken)
            .await
            .status,
        400
    );

    let none = client
        .post(
            &format!("{run}/Results/4/attachments?api-version=7.1"),
            file("a.txt", b"x"),
        )
        .await;

    assert_eq!(none.status, 404);
    let path = format!("{run}/Results/100000/attachments?testSubResultId=9&api-version=7.1");
    assert_eq!(client.post(&path, file("a.txt", b"x")).await.status, 404);
    assert!(fake.world().runs()[0].attachments.is_empty());
}

#[tokio::test]
async fn sixty_megabytes_arrive_and_only_size_and_digest_are_kept() {
    let (fake, client, run) = start().await;
    let bytes = vec![7_u8; 60 << 20];

    let answer = client
        .post(
            &format!("{run}/attachments?api-version=7.1"),
            file("big.log", &bytes),
        )
        .await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    let world = fake.world();
    let kept = &world.runs()[0].attachments[0];
    assert_eq!(kept.size, 60 << 20);
    assert_eq!(kept.bytes.len(), 0);
    assert_eq!(kept.blake3, blake3::hash(&bytes).to_hex().to_string());
}

#[tokio::test]
async fn more_than_the_limit_is_refused() {
    let (fake, client, run) = start().await;
    fake.world().settings.max_attachment_bytes = 10;

    let answer = client
        .post(
            &format!("{run}/attachments?api-version=7.1"),
            file("a.txt", b"12345678901"),
        )
        .await;

    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.message().as_str(),
        "Cannot upload file as it exceeded the maximum file size (10 bytes)"
    );
}

#[tokio::test]
async fn a_completed_run_takes_attachments_and_its_results_do_unless_switched_off() {
    let (fake, client, run) = start().await;

    client
        .patch(
            &format!("{run}?api-version=7.1"),
            json!({"state": "Completed"}),
        )
        .await;

    let of_result = format!("{run}/Results/100000/attachments?api-version=7.1");
    assert_eq!(
        client
            .post(
                &format!("{run}/attachments?api-version=7.1"),
                file("a.txt", b"x")
            )
            .await
            .status,
        200
    );
    assert_eq!(
        client.post(&of_result, file("a.txt", b"x")).await.status,
        200
    );
    fake.world()
        .settings
        .refuse_result_attachments_after_completed = true;
    assert_eq!(
        client.post(&of_result, file("a.txt", b"x")).await.status,
        400
    );
}
