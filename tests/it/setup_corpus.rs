//! Settings files of real projects, made anew through the program: `kado setup` with what was
//! chosen in each of them, for a server that has its project and plans, gives the file that Katalon
//! wrote, byte for byte but for the names that the fake server has in place of the real one.

#![expect(clippy::disallowed_methods, reason = "tests read and write files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::World;
use fake_katalon::{Generation, Test};
use serde_json::Value;

use crate::corpus::corpus;
use crate::support::{Machine, TOKEN, finished, settings_file, tc};

const NAME: &str = "com.kms.katalon.integration.azure.properties";

/// A settings file of Katalon's.
struct Real {
    text: String,
}

impl Real {
    /// What a key says, without Java's and the file's escapes; `None` where it says nothing.
    fn value(&self, key: &str) -> Option<String> {
        let begin = format!("{key}=");
        let line = self.text.lines().find(|line| line.starts_with(&begin))?;
        let read = java_properties::read(line.as_bytes()).ok()?;
        let raw = read.get(key)?;
        let text = serde_json::from_str(raw).unwrap_or_else(|_| raw.clone());
        Some(text).filter(|text| !text.is_empty())
    }

    fn json(&self, key: &str) -> Option<Value> {
        serde_json::from_str(&self.value(key)?).ok()
    }

    /// The plans in a key, by id and name.
    fn plans(&self, key: &str) -> Vec<(u32, String)> {
        let list = self.json(key).unwrap_or_default();
        let mut plans = Vec::new();
        for plan in list.as_array().into_iter().flatten() {
            let id = u32::try_from(plan["id"].as_u64().unwrap()).unwrap();
            plans.push((id, plan["name"].as_str().unwrap().to_owned()));
        }
        plans
    }

    /// Whether the fake can stand in for its server: one project without a description, which the
    /// fake does not have, and every choice made in one go.
    fn is_plain(&self) -> bool {
        let projects = self.json("fetchedProjectList").unwrap_or_default();
        let projects = projects.as_array().cloned().unwrap_or_default();
        let token = self.text.find("\ntoken=");

        !self.text.contains('\r')
            && self.value("enableIntegration").as_deref() == Some("true")
            && projects.len() == 1
            && projects[0].get("description").is_none()
            && self.json("submitOptions.testPlan").is_some()
            && token.is_some_and(|at| at < self.text.find("integratedProject").unwrap_or_default())
    }
}

/// Every filled settings file below a folder.
fn find(folder: &Path, found: &mut Vec<(PathBuf, Real)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found);
        } else if path.ends_with(NAME) {
            let text = fs::read_to_string(&path).unwrap();
            if !text.is_empty() {
                found.push((path, Real { text }));
            }
        }
    }
}

#[test]
fn a_bare_project_gets_the_file_that_katalon_wrote_for_the_same_choices() {
    let Some(corpus) = corpus() else { return };
    let mut files = Vec::new();
    find(&corpus, &mut files);
    files.retain(|(_, real)| real.is_plain());

    assert!(files.len() > 2, "only {} files can be played", files.len());
    for (path, real) in &files {
        assert_eq!(made_anew(real), expected_of(real), "{}", path.display());
    }
}

/// The file, with the server's address, project id and token left open, which the fake has others
/// for.
fn expected_of(real: &Real) -> String {
    let project = real.json("integratedProject").unwrap();
    let server = real.value("serverUrl").unwrap();
    let url = server.trim_end_matches('/').replace(':', "\\:");
    real.text
        .replace(&url, "[server]")
        .replace(project["id"].as_str().unwrap(), "[id]")
        .replace(
            &format!(r#"\\"{}\\""#, project["revision"].as_str().unwrap()),
            r#"\\"[revision]\\""#,
        )
        .replace("token=REDACTED", "token=[token]")
        // kado leaves out a slash at the end of what people copy.
        .replace("serverUrl=\"[server]/\"", "serverUrl=\"[server]\"")
}

/// The file that `kado setup` makes of the same choices, with the same left open.
fn made_anew(real: &Real) -> String {
    let project = real.json("integratedProject").unwrap();
    let name = project["name"].as_str().unwrap();
    let mut world = World::new("acme").token(TOKEN).project(name);
    let rows = real.json("testConfigurationMappings").unwrap_or_default();
    let rows = rows.as_array().cloned().unwrap_or_default();
    for row in &rows {
        let id = u32::try_from(row["azureTestConfigurationId"].as_u64().unwrap()).unwrap();
        world = world.configuration(id, &format!("Configuration {id}"));
    }
    for (id, name) in real.plans("fetchedTestPlanList") {
        world = world.plan(id, &name);
    }
    let machine = Machine::with(world);
    let bare = machine.bare_project();
    // A Katalon of then ran in it, which had one key for one plan.
    finished([Test::passed(&tc("Case 1001"))])
        .generation(Generation::V8)
        .write_in(&bare)
        .unwrap();

    let server = machine.fake.base_url();
    let options = options_of(real, &rows, name);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let done = machine.set_up_project_with_token(&bare, &options, TOKEN);
    assert_eq!(done.code, 0, "{done:?}");

    let written = fs::read_to_string(settings_file(&bare)).unwrap();
    let made = Real { text: written };
    let project = made.json("integratedProject").unwrap();
    let token = made.text.lines().find(|line| line.starts_with("token="));
    made.text
        .replace(&server.replace(':', "\\:"), "[server]")
        .replace(project["id"].as_str().unwrap(), "[id]")
        .replace(
            &format!(r#"\\"{}\\""#, project["revision"].as_str().unwrap()),
            r#"\\"[revision]\\""#,
        )
        .replace(token.unwrap(), "token=[token]")
}

/// The options of `kado setup` for what was chosen in a file.
fn options_of(real: &Real, rows: &[Value], project: &str) -> Vec<String> {
    let mut options = vec!["--project-name".to_owned(), project.to_owned()];
    let mut add = |option: &str, value: String| options.extend([option.to_owned(), value]);

    add(
        "--plan",
        real.json("submitOptions.testPlan").unwrap()["id"].to_string(),
    );
    for mapping in real
        .json("executionStatusMappings")
        .unwrap()
        .as_array()
        .unwrap()
    {
        let text = |key: &str| mapping[key].as_str().unwrap().to_owned();
        add(
            "--status",
            format!("{}={}", text("katalonStatus"), text("azureStatus")),
        );
    }
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        add(
            "--map-configuration",
            format!(
                "{},{}={}",
                text("os"),
                text("platform"),
                row["azureTestConfigurationId"]
            ),
        );
    }
    if let Some(kinds) = real.json("submitOptions.attachFileTypes") {
        let words: Vec<&str> = kinds
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        add("--attachments", words.join(","));
    }
    let sends_all =
        real.value("submitOptions.attachmentSendingType").as_deref() == Some("SEND_ALL");
    add(
        "--attach",
        if sends_all { "all" } else { "failed" }.to_owned(),
    );
    add(
        "--multiple-points",
        real.value("submitOptions.enableSubmitMultiTestPoints")
            .unwrap(),
    );
    add(
        "--run-name",
        real.value("submitOptions.testRunName").unwrap(),
    );
    options
}
