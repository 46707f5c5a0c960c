//! Every reader of what others write, each with what holds whatever it is given. It is part of no
//! program: only of the unit tests, and of the fuzz targets in `tests/fuzz`.
//!
//! A target takes bytes. Behind a byte of 1 they are a recipe, from which [`documents`] makes a
//! document of the reader's form, of up to some megabytes; otherwise they are read as they are.
//! What does not hold is a panic. `tests::replay` reads the committed inputs of each target, and
//! `tests::growth` holds what reading costs against what is read.

mod documents;
mod texts;

#[cfg(test)]
mod tests;

use std::io::BufReader;

use crate::katalon::azure_ids;
use crate::katalon::collection_report::CollectionReport;
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::{IdPattern, IdRule};
use crate::katalon::id_source::IdSource;
use crate::katalon::log::{EndScanner, FolderNames, LogReader, LogSummary};
use crate::katalon::project;
use crate::katalon::run::RunOptions;
use crate::katalon::run::binding;
use crate::katalon::run::execution::Execution;
use crate::katalon::run::junit::Junit;
use crate::katalon::settings::AzureSettings;
use crate::katalon::suite;
use crate::katalon::test_case::TestCase;
use crate::katalon::text::LONGEST_NAME;
use crate::plan::snapshot::Snapshot;
use crate::{ado, config};
use documents::Form;

/// A reader with what holds for it.
pub struct Target {
    /// Its name, which is that of its folder of inputs.
    pub name: &'static str,
    /// Reads bytes.
    ///
    /// # Panics
    /// When something does not hold.
    pub read: fn(&[u8]),
    /// What a recipe makes for it.
    form: Form,
}

impl Target {
    const fn new(name: &'static str, read: fn(&[u8]), form: Form) -> Self {
        Self { name, read, form }
    }

    /// Reads an input: bytes as they are, or what their recipe makes.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn run(&self, input: &[u8]) {
        match input.split_first() {
            Some((1, recipe)) => (self.read)(&documents::document(self.form, recipe)),
            _ => (self.read)(input),
        }
    }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target::new("log", log, Form::Log),
    Target::new("log_end", log_end, Form::Log),
    Target::new("binding", test_case_binding, Form::Lines),
    Target::new("execution", execution, Form::Json),
    Target::new("console", console, Form::Properties),
    Target::new("settings", settings, Form::Properties),
    Target::new("test_case", test_case, Form::TestCase),
    Target::new("collection", collection, Form::Xml),
    Target::new("suite", test_suite, Form::Xml),
    Target::new("project", project_name, Form::Xml),
    Target::new("junit", junit, Form::Xml),
    Target::new("ids", ids, Form::Ids),
    Target::new("machine_config", machine_config, Form::Toml),
    Target::new("project_config", project_config, Form::Toml),
    Target::new("snapshot", snapshot, Form::Json),
    Target::new("answers", ado::untrusted::answers, Form::Json),
    Target::new("headers", ado::untrusted::headers, Form::Lines),
    Target::new("server_url", texts::server_url, Form::Url),
    Target::new("texts", texts::texts, Form::Text),
    Target::new("arguments", texts::arguments, Form::Lines),
    Target::new("json", texts::lenient_json, Form::Json),
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn read_log(bytes: &[u8], piece: usize) -> LogSummary {
    let names = FolderNames {
        recorded: Some("C:\\shop\\Reports\\20240101_100000".to_owned()),
        actual: vec!["20240101_100000".to_owned(), "Smoke".to_owned()],
    };
    let mut reader = LogReader::new(names);

    // Bytes in memory do not fail.
    let _ = reader.feed("execution0.log", BufReader::with_capacity(piece, bytes));
    reader.finish()
}

fn log(bytes: &[u8]) {
    let summary = read_log(bytes, 64 * 1024);

    assert!(summary == read_log(bytes, 7), "pieces are of no account");
    assert!(summary.tests.len() <= 100_000);
    let mut texts = 0;
    for test in &summary.tests {
        assert!(!test.attempts.is_empty(), "a test has an attempt");
        assert!(test.id.len() <= LONGEST_NAME);
        for attempt in &test.attempts {
            texts += attempt.message.as_ref().map_or(0, String::len);
            texts += attempt.stack_trace.as_ref().map_or(0, String::len);
            for path in &attempt.attachments {
                let climbs = path.split('/').any(|part| matches!(part, "" | "." | ".."));
                assert!(!climbs, "`{path}` lies in the run folder");
            }
        }
    }
    assert!(texts <= 80 << 20, "{texts} bytes of texts are kept");
    assert!(summary.damage.len() <= 104 && summary.warnings.len() <= 20);
}

fn log_end(bytes: &[u8]) {
    let mut whole = EndScanner::new();
    whole.feed(bytes);
    let mut in_pieces = EndScanner::new();
    for piece in bytes.chunks(11) {
        in_pieces.feed(piece);
    }

    let has_ended = whole.may_have_ended();
    assert_eq!(
        has_ended,
        in_pieces.may_have_ended(),
        "pieces are of no account"
    );
    assert!(
        has_ended || read_log(bytes, 64 * 1024).ended.is_none(),
        "no end is missed"
    );
}

fn test_case_binding(bytes: &[u8]) {
    let (lines, damage) = binding::read(bytes);

    assert!(lines.len() <= 100_000 && damage.len() <= 2);
    for line in &lines {
        assert!(line.test_case.len() <= LONGEST_NAME);
        assert!(line.values.len() <= 1000);
        assert!(line.values.values().all(|value| value.len() <= 1024));
    }
}

fn execution(bytes: &[u8]) {
    let execution = Execution::read(bytes);

    assert!(
        execution == Execution::read(bytes),
        "reading twice is equal"
    );
    let texts = [
        &execution.suite,
        &execution.host,
        &execution.profile,
        &execution.recorded_folder,
        &execution.options.plan,
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= LONGEST_NAME);
    }
}

fn console(bytes: &[u8]) {
    let options = RunOptions::read_console(bytes);

    for (name, value) in options.said() {
        assert!(!value.trim().is_empty(), "{name} says something");
        assert!(value.len() <= LONGEST_NAME);
    }
}

fn settings(bytes: &[u8]) {
    let settings = AzureSettings::read(bytes);

    assert!(settings.test_plans.len() <= 100);
    assert!(settings.configuration_rows.len() <= 1000);
    assert!(
        settings.warnings.len() <= 200,
        "{}",
        settings.warnings.len()
    );
    let told: usize = settings.warnings.iter().map(String::len).sum();
    assert!(told <= 200 * 1024, "{told} bytes of warnings");
}

fn test_case(bytes: &[u8]) {
    let mut case = TestCase::read("Test Cases/A".to_owned(), bytes);

    assert!(case.variables.len() <= 1000);
    assert!(case.size() <= 12 << 20, "{} bytes are kept", case.size());
    assert!(case.warnings.len() <= 8);

    let rule = IdRule {
        from: IdSource::ALL.to_vec(),
        pattern: IdPattern::default(),
    };
    rule.apply(&mut case, &mut IdEffort::of_reading());
    if let Some(raw) = &case.azure_ids {
        let resolved = azure_ids::resolve(raw, &azure_ids::variables(None, Some(&case)));
        assert!(resolved.ids.len() <= 1000 && resolved.problems.len() <= 21);
    }
}

fn collection(bytes: &[u8]) {
    if let Ok(report) = CollectionReport::read(bytes) {
        assert!(report.members.len() <= 1000);
        for member in &report.members {
            assert!(report.lists(member), "what it lists it lists");
        }
    }
}

fn test_suite(bytes: &[u8]) {
    assert_eq!(
        suite::number_of_reruns(bytes),
        suite::number_of_reruns(bytes)
    );
}

fn project_name(bytes: &[u8]) {
    let name = project::name_of(bytes);
    assert!(name.is_none_or(|name| !name.is_empty() && name.len() <= LONGEST_NAME));
}

fn junit(bytes: &[u8]) {
    if let Ok(report) = Junit::read(bytes) {
        let cases: usize = report.suites.iter().map(|suite| suite.cases.len()).sum();
        assert!(cases <= 100_000 && report.suites.len() <= 1000);
    }
}

fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let value = |name: &str| {
        let value = binding::groovy(name);
        (!name.is_empty()).then_some(value)
    };

    let resolved = azure_ids::resolve(&text, &value);

    let mut ids = resolved.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), resolved.ids.len(), "each id stands there once");
    assert!(!ids.contains(&0) && ids.len() <= 1000);
    assert!(resolved.problems.len() <= 21);
    for problem in &resolved.problems {
        assert!(problem.text.len() <= 256);
    }
}

fn machine_config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(problems) = config::of_text(text) {
        hold(&problems);
    }
}

fn project_config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let file = config::project_file::ProjectFile::parse(text);
    let problems: Vec<String> = file.problems.iter().map(ToString::to_string).collect();

    hold(&problems);
    hold(&file.warnings);
    let plans = file.overrides.test_plans.unwrap_or_default();
    assert!(plans.len() <= 100);
}

/// What is told of a configuration has bounds.
fn hold(told: &[String]) {
    assert!(told.len() <= 130, "{} are told", told.len());
    for text in told {
        assert!(text.len() <= 2048, "{} bytes: {text}", text.len());
    }
}

/// What a database holds is written by kado, and may be damaged all the same.
fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = serde_json::from_slice::<Snapshot>(bytes) else {
        return;
    };
    let written = serde_json::to_string(&snapshot).unwrap_or_default();
    let again = serde_json::from_str::<Snapshot>(&written);
    assert!(
        again.is_ok_and(|again| again == snapshot),
        "what is written reads back"
    );
}
