//! The name of the ADO test run.

use crate::plan::snapshot::Snapshot;
use crate::plan::text;

/// Katalon's default for `submitOptions.testRunName`.
pub const DEFAULT: &str = "Run by Katalon Studio";

/// The name as configured, with placeholders filled in where they are allowed, cut to ADO's limit.
///
/// A placeholder that is not known stays as written, one without a value becomes empty.
pub fn run_name(snapshot: &Snapshot) -> String {
    let name = &snapshot.options.run_name;
    let text = if name.placeholders { fill(&name.text, snapshot) } else { name.text.clone() };
    let text = if text.trim().is_empty() { DEFAULT.to_owned() } else { text };
    text::fit(&text, text::NAME)
}

fn fill(pattern: &str, snapshot: &Snapshot) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let Some(close) = rest.find('}') else { break };
        match value(&rest[1..close], snapshot) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&rest[..=close]),
        }
        rest = &rest[close + 1..];
    }
    filled.push_str(rest);
    filled
}

fn value(placeholder: &str, snapshot: &Snapshot) -> Option<String> {
    let environment = &snapshot.run.environment;
    let or_empty = |value: &Option<String>| Some(value.clone().unwrap_or_default());
    match placeholder {
        "suite" => {
            let suite = &snapshot.run.suite;
            Some(suite.strip_prefix("Test Suites/").unwrap_or(suite).to_owned())
        }
        "host" => Some(environment.machine().unwrap_or_default().to_owned()),
        "os" => or_empty(&environment.os),
        "browser" => or_empty(&environment.browser.clone().or_else(|| environment.run_configuration.clone())),
        "profile" => or_empty(&environment.profile),
        "katalon" => or_empty(&environment.katalon_version),
        "started" => Some(snapshot.started().to_string()),
        _ => None,
    }
}
