//! The program `fake-ado`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-ado"));
    let mut child = command
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();

    (Program(child), line.trim().to_owned())
}

async fn get(url: String, token: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn without_a_file_it_serves_the_demo_world() {
    let (_program, base) = start(&["--listen", "127.0.0.1:0"]);

    assert!(
        base.starts_with("http://127.0.0.1:") && base.ends_with("/acme"),
        "{base}"
    );
    assert_eq!(
        get(format!("{base}/Shop/_apis/testplan/plans/18"), "demo-token").await["name"],
        "Release 1"
    );
}

#[tokio::test]
async fn a_file_describes_another_world_in_short_form() {
    let world = json!({"organization": "corp", "tokens": ["t"], "settings": {"max_api_version": "7.0"}, "projects": [{
        "name": "Web", "configurations": [{"id": 1, "name": "Any"}],
        "plans": [{"id": 7, "name": "P", "suites": [{"id": 70, "name": "S"}]}],
        "points": [{"id": 3, "suite": 70, "test_case": 2, "configuration": 1}]}],
        "work_items": [{"id": 2, "title": "T"}]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    std::fs::write(&file, world.to_string()).unwrap();
    let (_program, base) = start(&["--world", file.to_str().unwrap()]);
    let path = "Web/_apis/testplan/Plans/7/Suites/100007/TestPoint?isRecursive=true";
    let points = get(format!("{base}/{path}"), "t").await;

    assert_eq!(&points["count"], &json!(1));
    assert_eq!(
        &points["value"][0]["testCaseReference"]["name"],
        &json!("T")
    );
    let inside = get(
        format!("{}/_fake/world", base.trim_end_matches("/corp")),
        "",
    )
    .await;
    assert_eq!(inside["projects"][0]["points"][0]["plan"], 7);
}
