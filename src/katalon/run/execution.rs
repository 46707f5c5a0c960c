//! `execution.properties`: despite its name one JSON object, written by the launcher before the
//! run.
//!
//! Source: `behaviour.md` §4.5; 5.4.1 to 11.1.3 of the corpus. Which keys are there depends on the
//! version, so each of them may be missing.

use serde_json::{Map, Value};

use crate::katalon::run::RunOptions;

/// What the launcher knew before the run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Execution {
    /// Id of the suite, `Test Suites/…`; of a suite run only.
    pub suite: Option<String>,
    /// `host.hostName`.
    pub host: Option<String>,
    /// `host.os`.
    pub os: Option<String>,
    /// `execution.general.executionProfile`.
    pub profile: Option<String>,
    /// `katalon.versionNumber` (8.2 and later).
    pub katalon_version: Option<String>,
    /// `Name`, the display name of the run configuration; empty for a web service suite.
    pub run_configuration: Option<String>,
    /// `execution.drivers.system.*.browserType`.
    pub driver: Option<String>,
    /// `execution.general.report.reportFolder`, a path of the executing machine.
    pub recorded_folder: Option<String>,
    /// `runningMode`, `GUI` or `CONSOLE` (6.0 and later).
    pub running_mode: Option<String>,
    /// The `ado*` keys at the top level: katalonc puts its `--info` pairs there.
    pub options: RunOptions,
}

impl Execution {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not a JSON object, as while it is being written.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let root: Map<String, Value> = serde_json::from_slice(bytes)?;
        let mut options = RunOptions::default();
        for (key, value) in &root {
            match value {
                Value::String(text) => options.set(key, text),
                Value::Number(number) => options.set(key, &number.to_string()),
                _ => {}
            }
        }

        Ok(Self {
            // Single test cases and collections have such a file as well.
            suite: non_empty_at(&root, &["id"]).filter(|id| id.starts_with("Test Suites/")),
            host: non_empty_at(&root, &["host", "hostName"]),
            os: non_empty_at(&root, &["host", "os"]),
            profile: non_empty_at(&root, &["execution", "general", "executionProfile"]),
            katalon_version: non_empty_at(&root, &["katalon.versionNumber"]),
            run_configuration: text_at(&root, &["Name"]),
            driver: driver(&root),
            recorded_folder: non_empty_at(
                &root,
                &["execution", "general", "report", "reportFolder"],
            ),
            running_mode: non_empty_at(&root, &["runningMode"]),
            options,
        })
    }
}

fn value_at<'a>(root: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let mut value = root.get(*first)?;
    for key in rest {
        value = value.get(key)?;
    }
    Some(value)
}

fn text_at(root: &Map<String, Value>, path: &[&str]) -> Option<String> {
    value_at(root, path)?.as_str().map(str::to_owned)
}

fn non_empty_at(root: &Map<String, Value>, path: &[&str]) -> Option<String> {
    text_at(root, path).filter(|text| !text.is_empty())
}

/// The browser type of the driver. A run can have several; the remote one is what the tests run on,
/// and a mobile one comes before the browser beside it.
fn driver(root: &Map<String, Value>) -> Option<String> {
    let drivers = value_at(root, &["execution", "drivers", "system"])?.as_object()?;
    for name in ["Remote", "Mobile", "WebUI"] {
        if let Some(browser) = drivers.get(name).and_then(browser_type) {
            return Some(browser.to_owned());
        }
    }
    drivers.values().find_map(browser_type).map(str::to_owned)
}

fn browser_type(driver: &Value) -> Option<&str> {
    driver.get("browserType")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_knowledge_is_read() {
        let file = br#"{"Name":"Chrome","host":{"hostName":"PC","os":"Windows 11 64bit"},"adoPlanId":12,
            "ADOTestRunName":"x","execution":{"general":{"executionProfile":"qa","report":{"reportFolder":"D:\\r"}},
            "drivers":{"system":{"WebUI":{"browserType":"CHROME_DRIVER"}}}},"id":"Test Suites/A",
            "katalon.versionNumber":"9.0.0","runningMode":"CONSOLE"}"#;
        let execution = Execution::read(file).unwrap();
        let options = RunOptions {
            plan: Some("12".into()),
            run_name: Some("x".into()),
            ..RunOptions::default()
        };
        let expected = Execution {
            suite: Some("Test Suites/A".into()),
            host: Some("PC".into()),
            os: Some("Windows 11 64bit".into()),
            profile: Some("qa".into()),
            katalon_version: Some("9.0.0".into()),
            run_configuration: Some("Chrome".into()),
            driver: Some("CHROME_DRIVER".into()),
            recorded_folder: Some("D:\\r".into()),
            running_mode: Some("CONSOLE".into()),
            options,
        };
        assert_eq!(execution, expected);
    }

    #[test]
    fn a_cut_file_is_an_error_and_an_odd_one_is_not() {
        assert!(Execution::read(b"{\"Name\":").is_err());
        assert_eq!(
            Execution::read(b"{\"Name\":1,\"host\":[]}").unwrap(),
            Execution::default()
        );
    }
}
