//! `execution.properties`: despite its name one JSON object, written by the launcher before the
//! run. It is read leniently: what can be read of a damaged one counts.
//!
//! Source: `behaviour.md` §4.5; 5.4.1 to 11.1.3 of the corpus. Which keys are there depends on the
//! version, so each of them may be missing.

use serde_json::{Map, Value};

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::run::RunOptions;
use crate::katalon::url_secrets::without_users;
use crate::katalon::{lenient_json, text};

/// Bytes of the file that are read; the largest of the corpus has some 20 kB.
const LARGEST: usize = 1024 * 1024;

/// Name of the file in a run folder.
pub(crate) const FILE: &str = "execution.properties";

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
    /// Why more may have stood in the file.
    pub damage: Option<Damage>,
}

impl Execution {
    /// Reads the file, as far as it goes. A damage that may have cost options is in the options.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        if bytes.len() > LARGEST {
            return Self::unreadable(format!("it is larger than {LARGEST} bytes"));
        }

        let (root, damage) = lenient_json::read_object(FILE, &text::decode(bytes));
        let mut options = RunOptions::default();
        for (key, value) in &root {
            match value {
                Value::String(text) => options.set(key, text),
                Value::Number(number) => options.set(key, &number.to_string()),
                _ => {}
            }
        }

        // What a person started in Katalon Studio has no command, and so no options to lose.
        let running_mode = non_empty_at(&root, &["runningMode"]);
        if !is_mode(running_mode.as_deref(), "GUI") {
            options.unread = damage.clone();
        }

        Self {
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
            running_mode,
            options,
            damage,
        }
    }

    /// What is there instead when the file cannot be read, for this reason.
    pub(crate) fn unreadable(error: String) -> Self {
        let damage = Damage::of(FILE, DamageKind::Unreadable { error });
        Self {
            options: RunOptions {
                unread: Some(damage.clone()),
                ..RunOptions::default()
            },
            damage: Some(damage),
            ..Self::default()
        }
    }

    /// Whether the run is one of katalonc, as far as the file says.
    pub(crate) fn is_console(&self) -> bool {
        is_mode(self.running_mode.as_deref(), "CONSOLE")
    }
}

fn is_mode(mode: Option<&str>, wanted: &str) -> bool {
    mode.is_some_and(|mode| mode.eq_ignore_ascii_case(wanted))
}

/// A text of the file as it is kept.
fn kept(text: &str) -> String {
    without_users(text::head(text, text::LONGEST_NAME)).into_owned()
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
    let text = value_at(root, path)?.as_str()?;
    Some(kept(text))
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
            return Some(kept(browser));
        }
    }
    drivers.values().find_map(browser_type).map(kept)
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

        let execution = Execution::read(file);

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
            damage: None,
        };
        assert_eq!(execution, expected);
    }

    #[test]
    fn an_odd_file_is_no_damaged_one() {
        let execution = Execution::read(b"{\"Name\":1,\"host\":[]}");

        assert_eq!(execution, Execution::default());
    }

    #[test]
    fn of_a_cut_file_the_options_before_the_cut_count_and_others_may_be_lost() {
        let execution = Execution::read(br#"{"Name":"Chrome","adoPlanId":"19","id":"Te"#);

        assert_eq!(execution.run_configuration.as_deref(), Some("Chrome"));
        assert_eq!(execution.options.plan.as_deref(), Some("19"));
        assert!(execution.options.unread.is_some());
    }

    #[test]
    fn a_run_of_katalon_studios_window_has_no_options_to_lose() {
        let execution = Execution::read(br#"{"runningMode":"GUI","maxFai"#);

        assert!(execution.damage.is_some());
        assert_eq!(execution.options.unread, None);
    }
}
