//! The name of the ADO test run.

use std::ops::Range;

use crate::plan::ado_facts::AdoFacts;
use crate::plan::options::RunName;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;

/// Katalon's default for `submitOptions.testRunName`.
pub(crate) const DEFAULT: &str = "Run by Katalon Studio";

/// The placeholders of a name from `kado.toml`, besides `{env:NAME}`.
pub(crate) const PLACEHOLDERS: [&str; 9] = [
    "suite",
    "collection",
    "host",
    "os",
    "browser",
    "profile",
    "started",
    "build",
    "katalon",
];

/// What an environment variable's placeholder begins with.
const ENVIRONMENT: &str = "env:";

/// A run's name with placeholders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NamePattern {
    /// The text as written.
    pub text: String,
    /// Whether it may show environment variables: that of the machine may, that of a project may
    /// not.
    pub environment: bool,
}

/// The name as configured, with placeholders filled in where they are allowed, cut to ADO's limit.
///
/// A placeholder that is not known stays as written, one without a value becomes empty.
pub(crate) fn run_name(snapshot: &Snapshot, facts: &AdoFacts) -> String {
    let name = &snapshot.options.run_name;
    let text = if name.placeholders {
        fill(name, snapshot, facts)
    } else {
        name.text.clone()
    };
    let text = if text.trim().is_empty() {
        DEFAULT.to_owned()
    } else {
        text
    };
    text::fit(&text, text::NAME)
}

/// Names of the environment variables that a pattern shows; none where it may not.
pub(crate) fn variables_in(name: &RunName) -> Vec<String> {
    if !(name.placeholders && name.environment) {
        return Vec::new();
    }
    let inner = placeholders(&name.text)
        .into_iter()
        .map(|place| &name.text[place.start + 1..place.end - 1]);
    inner
        .filter_map(|inner| inner.strip_prefix(ENVIRONMENT))
        .map(str::to_owned)
        .collect()
}

/// The placeholders of a pattern that will stay as they are, in words.
pub(crate) fn unknown_in(pattern: &NamePattern) -> Vec<String> {
    let text = &pattern.text;
    let known = |inner: &str| {
        PLACEHOLDERS.contains(&inner)
            || (pattern.environment && inner.strip_prefix(ENVIRONMENT).is_some_and(is_name))
    };
    let unknown = placeholders(text)
        .into_iter()
        .filter(|place| !known(&text[place.start + 1..place.end - 1]));
    unknown
        .map(|place| told(&text[place], pattern.environment))
        .collect()
}

fn told(placeholder: &str, environment: bool) -> String {
    let variables = if environment { ", env:NAME" } else { "" };
    let known = PLACEHOLDERS.join(", ");
    if placeholder.starts_with("{env:") && !environment {
        return format!(
            "`{placeholder}` in `submit.test_run_name` stays as it is: only the machine's kado.toml may show \
                        environment variables"
        );
    }
    format!(
        "`{placeholder}` in `submit.test_run_name` is not a placeholder and stays as it is; known \
         are {known}{variables}"
    )
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Where `{…}` stand, with their braces; what opens and does not close is none.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let Some(close) = text[open..].find('}').map(|at| open + at) else {
            break;
        };
        // Of two braces that open the inner one begins the placeholder.
        let open = text[open..close].rfind('{').map_or(open, |at| open + at);
        found.push(open..close + 1);
        from = close + 1;
    }
    found
}

fn fill(name: &RunName, snapshot: &Snapshot, facts: &AdoFacts) -> String {
    let text = &name.text;
    let mut filled = String::new();
    let mut from = 0;
    for place in placeholders(text) {
        filled.push_str(&text[from..place.start]);
        let inner = &text[place.start + 1..place.end - 1];
        let value = match inner.strip_prefix(ENVIRONMENT) {
            Some(variable) => name.variables.get(variable).cloned(),
            None => value(inner, snapshot, facts),
        };
        filled.push_str(value.as_deref().unwrap_or(&text[place.clone()]));
        from = place.end;
    }
    filled.push_str(&text[from..]);
    filled
}

fn value(placeholder: &str, snapshot: &Snapshot, facts: &AdoFacts) -> Option<String> {
    let environment = &snapshot.run.environment;
    let or_empty = |value: &Option<String>| Some(value.clone().unwrap_or_default());
    let below = |id: &str| id.strip_prefix("Test Suites/").unwrap_or(id).to_owned();
    match placeholder {
        "suite" => Some(below(&snapshot.run.suite)),
        "collection" => Some(
            snapshot
                .collection
                .as_deref()
                .map(below)
                .unwrap_or_default(),
        ),
        "host" => Some(environment.machine().unwrap_or_default().to_owned()),
        "os" => or_empty(&environment.os),
        "browser" => or_empty(
            &environment
                .browser
                .clone()
                .or_else(|| environment.run_configuration.clone()),
        ),
        "profile" => or_empty(&environment.profile),
        "katalon" => or_empty(&environment.katalon_version),
        "started" => Some(snapshot.started().to_string()),
        "build" => {
            let build = facts.build.found();
            Some(
                build
                    .map(|build| build.number.clone().unwrap_or_else(|| build.id.to_string()))
                    .unwrap_or_default(),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, environment: bool) -> RunName {
        RunName {
            text: text.to_owned(),
            placeholders: true,
            environment,
            variables: Default::default(),
        }
    }

    #[test]
    fn placeholders_are_found_and_odd_braces_are_text() {
        let found = |text: &str| {
            placeholders(text)
                .into_iter()
                .map(|place| text[place].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("a {suite} on {env:X}}"), ["{suite}", "{env:X}"]);
        assert_eq!(found("{{suite}} {"), ["{suite}"]);
        assert_eq!(found("} é { ü"), [""; 0]);
    }

    #[test]
    fn variables_are_wanted_only_where_they_may_be_shown() {
        assert_eq!(
            variables_in(&name("{env:A} {suite} {env:B}", true)),
            ["A", "B"]
        );
        assert_eq!(variables_in(&name("{env:A}", false)), [""; 0]);
    }

    #[test]
    fn what_stays_as_it_is_is_told() {
        let pattern = |text: &str, environment| NamePattern {
            text: text.to_owned(),
            environment,
        };
        assert_eq!(
            unknown_in(&pattern("{suite} {env:HOME} {build}", true)),
            [""; 0]
        );
        let told = unknown_in(&pattern("{Suite} {env:} {env:HOME}", false));
        assert_eq!(told.len(), 3);
        assert!(
            told[0].contains("`{Suite}` in `submit.test_run_name` is no placeholder"),
            "{told:?}"
        );
        assert!(told[2].contains("only the machine's kado.toml"), "{told:?}");
    }
}
