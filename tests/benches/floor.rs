//! The floor: a client that knows everything beforehand, asks for nothing twice and keeps no
//! memory. No careful sender can be faster than this against the same server.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use fake_ado::Plan;

use crate::machine::{PLAN, TOKEN};

/// Requests at once.
const AT_ONCE: usize = 8;
/// Results in one request, as in kado.
const BATCH: usize = 100;

/// What the floor is to send.
pub(crate) struct Work {
    /// The base URL of the fake.
    pub(crate) base: String,
    /// How many results there are.
    pub(crate) results: u32,
    /// Pictures, one for each of the first results.
    pub(crate) pictures: Vec<PathBuf>,
    /// Files of the run.
    pub(crate) files: Vec<PathBuf>,
}

/// Sends everything; gives how long that took.
pub(crate) fn send(work: &Work) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let begun = Instant::now();
    runtime.block_on(send_all(work));
    begun.elapsed()
}

async fn send_all(work: &Work) {
    let caller = Caller {
        client: Client::new(),
        base: format!("{}/Shop/_apis", work.base),
    };

    let points = caller.points().await;
    assert_eq!(points.len(), work.results as usize);
    let run = caller.create(&points).await;
    let results = caller.results(run, points.len()).await;
    caller.write(run, &results).await;
    caller.attach(run, &results, work).await;
    let body = json!({"state": "Completed"});
    let path = format!("test/runs/{run}");
    caller.call(Method::PATCH, &path, Some(body)).await;
}

/// Calls the fake, without a look at anything that could go wrong.
#[derive(Clone)]
struct Caller {
    client: Client,
    base: String,
}

impl Caller {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/{path}{separator}api-version=7.1", self.base);
        let mut request = self.client.request(method, url).basic_auth("", Some(TOKEN));
        if let Some(body) = body {
            request = request.json(&body);
        }

        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
    }

    async fn points(&self) -> Vec<u64> {
        let suite = Plan::automatic_root(PLAN);
        let path = format!("testplan/Plans/{PLAN}/Suites/{suite}/TestPoint?isRecursive=true");
        let mut points = Vec::new();
        let mut token = String::new();
        loop {
            let page = self.page(&path, &token).await;
            for point in page.0["value"].as_array().unwrap() {
                points.push(point["id"].as_u64().unwrap());
            }
            match page.1 {
                Some(next) => token = format!("&continuationToken={next}"),
                None => return points,
            }
        }
    }

    /// A page of a list, and what names the next one.
    async fn page(&self, path: &str, token: &str) -> (Value, Option<String>) {
        let url = format!("{}/{path}{token}&api-version=7.1-preview.2", self.base);
        let request = self.client.get(url).basic_auth("", Some(TOKEN));
        let answer = request.send().await.unwrap();
        let next = answer.headers().get("x-ms-continuationtoken").cloned();
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (body, next.map(|next| next.to_str().unwrap().to_owned()))
    }

    async fn create(&self, points: &[u64]) -> u64 {
        let body = json!({
            "name": "floor", "automated": true, "plan": {"id": PLAN}, "pointIds": points,
            "state": "InProgress",
        });
        let run = self.call(Method::POST, "test/runs", Some(body)).await;
        run["id"].as_u64().unwrap()
    }

    async fn results(&self, run: u64, wanted: usize) -> Vec<Value> {
        let mut results = Vec::new();
        while results.len() < wanted {
            let path = format!("test/Runs/{run}/results?$top=1000&$skip={}", results.len());
            let page = self.call(Method::GET, &path, None).await;
            results.extend(page["value"].as_array().unwrap().iter().cloned());
        }
        results
    }

    async fn write(&self, run: u64, results: &[Value]) {
        let path = format!("test/Runs/{run}/results");
        let batches = results.chunks(BATCH).map(|batch| {
            let mut updates = Vec::new();
            for result in batch {
                updates.push(json!({
                    "id": result["id"], "state": "Completed", "outcome": "Passed",
                    "testPoint": result["testPoint"], "testCaseTitle": result["testCaseTitle"],
                    "testCaseRevision": result["testCaseRevision"],
                }));
            }
            self.call(Method::PATCH, &path, Some(Value::Array(updates)))
        });
        futures_util::stream::iter(batches)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
    }

    async fn attach(&self, run: u64, results: &[Value], work: &Work) {
        let mut uploads: Vec<(String, PathBuf)> = Vec::new();
        for (picture, result) in work.pictures.iter().zip(results) {
            let path = format!("test/Runs/{run}/Results/{}/attachments", result["id"]);
            uploads.push((path, picture.clone()));
        }
        for file in &work.files {
            uploads.push((format!("test/Runs/{run}/attachments"), file.clone()));
        }

        futures_util::stream::iter(uploads)
            .map(|(path, file)| self.upload(path, file))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
    }

    async fn upload(&self, path: String, file: PathBuf) {
        let content = std::fs::read(&file).unwrap();
        let body = json!({
            "fileName": name_of(&file), "attachmentType": "GeneralAttachment",
            "stream": STANDARD.encode(content),
        });
        self.call(Method::POST, &path, Some(body)).await;
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}
