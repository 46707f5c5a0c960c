//! A small HTTP client, the world the tests use, and waiting.

use std::time::Duration;

use fake_ado::{FakeAdo, World};
use serde_json::Value;

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Two plans with the same test case, two configurations, a second project.
pub fn shop() -> World {
    World::new("acme")
        .token("secret")
        .project("Web Shop")
        .configuration(1, "Windows 10")
        .configuration(2, "Ubuntu")
        .plan(18, "Release 1")
        .suite(21, "Account")
        .suite_below(21, 22, "Password")
        .test_case(12, "Login")
        .test_case(13, "Register")
        .work_item(99, "Bug", "It does not work")
        .point(5, 21, 12, 1)
        .point(6, 22, 13, 1)
        .point(7, 21, 12, 2)
        .plan(19, "Release 2")
        .suite(31, "Account")
        .point(8, 31, 12, 1)
        .project("Other")
}

#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    pub fn of(fake: &FakeAdo) -> Client {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Client {
            base: fake.base_url(),
            http: http.build().unwrap(),
        }
    }

    /// A request with headers and without credentials.
    pub async fn bare(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }

        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }

        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());

        // Not `text()`: depending on features of the workspace it drops a byte order mark.
        let text = String::from_utf8_lossy(&response.bytes().await?).into_owned();

        Ok(Answer {
            status,
            headers,
            text,
        })
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        self.bare(method, path, &[("authorization", "Bearer secret")], body)
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await.unwrap()
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await.unwrap()
    }
}

/// When waiting is given up; nothing takes that long unless it never happens.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until so many requests are in flight.
pub async fn in_flight(fake: &FakeAdo, count: usize) {
    let arrive = async {
        while fake.in_flight() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, arrive).await;

    assert!(
        arrived.is_ok(),
        "{} requests are in flight, not {count}",
        fake.in_flight()
    );
}
