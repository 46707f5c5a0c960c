//! The name of the ADO test run: exactly as configured in the project, with placeholders filled in
//! where it comes from `kado.toml` (`submit.test_run_name`).

use std::ops::Range;

use crate::katalon::remarks::Remarks;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::options::RunName;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;

/// Katalon's default for `submitOptions.testRunName`.
pub(crate) const DEFAULT: &str = "Run by Katalon Studio";

/// The placeholders of a name from `kado.toml`, besides `{env:NAME}`.
const PLACEHOLDERS: [&str; 9] = [
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
pub(super) fn run_name(snapshot: &Snapshot, facts: &AdoFacts) -> String {
    let name = &snapshot.options.run_name;
    let text = if name.placeholders {
        fill(name, snapshot, facts)
    } else {
        name.text.clone()
    };

    // Placeholders without a value can leave nothing of a name.
    if text.trim().is_empty() {
        return DEFAULT.to_owned();
    }
    text::fit(&text, text::NAME)
}

/// Names of the environment variables that a pattern shows; none where it may not.
pub(crate) fn variables_in(name: &RunName) -> Vec<String> {
    if !(name.placeholders && name.environment) {
        return Vec::new();
    }

    placeholders(&name.text)
        .iter()
        .filter_map(|range| inside(&name.text, range).strip_prefix(ENVIRONMENT))
        .map(str::to_owned)
        .collect()
}

/// A sentence for each placeholder of a pattern that will stay as it is.
pub(crate) fn unknown_in(pattern: &NamePattern) -> Vec<String> {
    let mut remarks = Remarks::default();
    for range in placeholders(&pattern.text) {
        if let Some(why) = why_it_stays(pattern, &range) {
            remarks.add(|| why);
        }
    }
    remarks.into_list("more such placeholder")
}

/// Why a placeholder stays as it is; `None` when it will be filled in.
fn why_it_stays(pattern: &NamePattern, range: &Range<usize>) -> Option<String> {
    let placeholder = &pattern.text[range.clone()];
    let name = inside(&pattern.text, range);
    if PLACEHOLDERS.contains(&name) {
        return None;
    }

    if let Some(variable) = name.strip_prefix(ENVIRONMENT) {
        // Whoever writes a project's file is not to read the environment of the service.
        if !pattern.environment {
            return Some(format!(
                "`{placeholder}` in `submit.test_run_name` stays as it is: only the machine's \
                 kado.toml may show environment variables"
            ));
        }
        if is_variable_name(variable) {
            return None;
        }
    }

    let mut placeholders = PLACEHOLDERS.join(", ");
    if pattern.environment {
        placeholders.push_str(", env:NAME");
    }
    Some(format!(
        "`{placeholder}` in `submit.test_run_name` is not a placeholder and stays as it is; known \
         are {placeholders}"
    ))
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Where `{…}` stand, with their braces; what opens and does not close is none.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;

    while let Some(open) = text[from..].find('{') {
        let open = from + open;
        let Some(close) = text[open..].find('}') else {
            break;
        };
        let close = open + close;

        // Of two braces that open the inner one begins the placeholder.
        let innermost = match text[open..close].rfind('{') {
            Some(at) => open + at,
            None => open,
        };
        ranges.push(innermost..close + 1);
        from = close + 1;
    }

    ranges
}

/// A placeholder without its braces.
fn inside<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    &text[range.start + 1..range.end - 1]
}

fn fill(name: &RunName, snapshot: &Snapshot, facts: &AdoFacts) -> String {
    let text = &name.text;
    let mut filled = String::new();
    let mut from = 0;

    for range in placeholders(text) {
        // Values are not searched again: braces in the name of a suite stay braces, and cannot ask
        // for a variable of the environment.
        filled.push_str(&text[from..range.start]);

        let placeholder = inside(text, &range);
        let value = match placeholder.strip_prefix(ENVIRONMENT) {
            Some(variable) => name.variables.get(variable).cloned(),
            None => value(placeholder, snapshot, facts),
        };
        match value {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(&text[range.clone()]),
        }

        from = range.end;
    }

    filled.push_str(&text[from..]);
    filled
}

/// The value of a placeholder, which may be empty; `None` when there is no such placeholder.
fn value(placeholder: &str, snapshot: &Snapshot, facts: &AdoFacts) -> Option<String> {
    let environment = &snapshot.run.environment;

    let value = match placeholder {
        "suite" => Some(below_test_suites(&snapshot.run.suite)),
        "collection" => snapshot.collection.as_deref().map(below_test_suites),
        "host" => environment.machine().map(str::to_owned),
        "os" => environment.os.clone(),
        "browser" => environment
            .browser
            .clone()
            .or_else(|| environment.run_configuration.clone()),
        "profile" => environment.profile.clone(),
        "katalon" => environment.katalon_version.clone(),
        "started" => Some(snapshot.started().to_string()),
        "build" => facts.build.found().map(|build| match &build.number {
            Some(number) => number.clone(),
            None => build.id.to_string(),
        }),
        _ => return None,
    };

    Some(value.unwrap_or_default())
}

fn below_test_suites(id: &str) -> String {
    id.strip_prefix("Test Suites/").unwrap_or(id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Environment;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::links::{BuildLink, LookUp};
    use crate::plan::sample;

    fn name(text: &str, environment: bool) -> RunName {
        RunName {
            text: text.to_owned(),
            placeholders: true,
            environment,
            variables: Default::default(),
        }
    }

    fn pattern(text: &str, environment: bool) -> NamePattern {
        NamePattern {
            text: text.to_owned(),
            environment,
        }
    }

    fn texts_of_placeholders(text: &str) -> Vec<&str> {
        placeholders(text)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn placeholders_are_found_and_odd_braces_are_text() {
        assert_eq!(
            texts_of_placeholders("a {suite} on {env:X}}"),
            ["{suite}", "{env:X}"]
        );
        assert_eq!(texts_of_placeholders("{{suite}} {"), ["{suite}"]);
        assert_eq!(texts_of_placeholders("} é { ü"), [""; 0]);
    }

    #[test]
    fn each_placeholder_has_its_value_and_what_is_none_stays_as_it_is() {
        let mut run = sample::run("Smoke/{host}", 0, 9000);
        run.environment = Environment {
            host: Some("jo - PC7".to_owned()),
            os: Some("Windows 10 64bit".to_owned()),
            browser: Some("Chrome 120.0".to_owned()),
            profile: Some("staging".to_owned()),
            katalon_version: Some("9.0.0".to_owned()),
            ..Environment::default()
        };
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        snapshot.collection = Some("Test Suites/All".to_owned());
        let facts = AdoFacts {
            build: LookUp::Found(BuildLink {
                id: 7,
                number: Some("20261130.1".to_owned()),
            }),
            ..AdoFacts::default()
        };
        let mut shown = name("", true);
        shown.variables = [("A".to_owned(), "{os}".to_owned())].into();

        for (text, filled) in [
            // What a value holds is no placeholder.
            ("{suite}", "Smoke/{host}"),
            ("{collection}", "All"),
            ("{host}", "PC7"),
            ("{os}", "Windows 10 64bit"),
            ("{browser}", "Chrome 120.0"),
            ("{profile}", "staging"),
            ("{katalon}", "9.0.0"),
            ("{started}", "1970-01-01T00:00:00.000Z"),
            ("{build}", "20261130.1"),
            ("{env:A}", "{os}"),
            ("{env:B} {none}", "{env:B} {none}"),
            ("a {os} b {host} c", "a Windows 10 64bit b PC7 c"),
        ] {
            text.clone_into(&mut shown.text);

            assert_eq!(fill(&shown, &snapshot, &facts), filled, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_of_a_run_is_empty_and_a_browser_is_else_its_configuration() {
        let mut run = sample::run("Smoke", 0, 9000);
        run.environment = Environment {
            run_configuration: Some("Chrome (headless)".to_owned()),
            ..Environment::default()
        };
        let snapshot = sample::snapshot(run, &AzureSettings::default());
        let text = name("[{collection}{os}{build}] {browser}", false);

        let filled = fill(&text, &snapshot, &AdoFacts::default());

        assert_eq!(filled, "[] Chrome (headless)");
    }

    #[test]
    fn variables_are_wanted_only_where_they_may_be_shown() {
        let text = "{env:A} {suite} {env:B}";

        assert_eq!(variables_in(&name(text, true)), ["A", "B"]);
        assert_eq!(variables_in(&name(text, false)), [""; 0]);
    }

    #[test]
    fn of_placeholders_that_are_filled_in_nothing_is_said() {
        let sentences = unknown_in(&pattern("{suite} {env:HOME} {build}", true));

        assert_eq!(sentences, [""; 0]);
    }

    #[test]
    fn what_stays_as_it_is_is_told() {
        let sentences = unknown_in(&pattern("{Suite} {env:} {env:HOME}", false));

        assert_eq!(sentences.len(), 3);
        assert!(
            sentences[0].contains("`{Suite}` in `submit.test_run_name` is not a placeholder"),
            "{sentences:?}"
        );
        assert!(
            sentences[2].contains("only the machine's kado.toml"),
            "{sentences:?}"
        );
    }
}
