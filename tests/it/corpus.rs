//! Real run folders of public projects: what kado reads is what Katalon wrote into its own JUnit
//! report.
//!
//! The corpus is not part of the repository. Where it is missing, the tests say so and pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kado::katalon::azure_ids;
use kado::katalon::project::Project;
use kado::katalon::run::SuiteRun;
use kado::katalon::run::difference::Difference;
use kado::katalon::run::junit::{Junit, JunitSuite};
use kado::workspace::{self, JunitState};

pub(crate) fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if corpus.is_dir() {
        return Some(corpus);
    }

    say(&format!(
        "skipped: there is no corpus at {}",
        corpus.display()
    ));

    None
}

#[expect(
    clippy::print_stderr,
    reason = "a test that leaves something out has to say so"
)]
fn say(what: &str) {
    eprintln!("{what}");
}

fn folders(root: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root)
        .expect("the corpus is readable")
        .filter_map(Result::ok)
    {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if workspace::is_run_folder(&entry.path()) {
                found.push(entry.path());
            }
            folders(&entry.path(), found);
        }
    }
}

fn run_folders(corpus: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    folders(corpus, &mut found);
    found.sort();

    found
}

/// What the corpus' own index says of each run: its folder, its class and how many attempts have
/// which status.
fn index(corpus: &Path) -> Vec<(PathBuf, String, BTreeMap<char, usize>)> {
    let text = fs::read_to_string(corpus.join("INDEX.md")).expect("the corpus has an index");
    let mut project = "";
    let mut rows = Vec::new();

    for line in text.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            project = name;
        }
        let Some((path, rest)) = line.strip_prefix("- `").and_then(|row| row.split_once('`'))
        else {
            continue;
        };
        let mut parts = rest
            .split_once("— ")
            .map_or("", |(_, rest)| rest)
            .split("; ");
        let class = parts
            .next()
            .unwrap_or_default()
            .split(", ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let counts = parts.next().unwrap_or_default().split(' ');
        let counts =
            counts.filter_map(|count| Some((count.chars().next()?, count.get(1..)?.parse().ok()?)));
        rows.push((corpus.join(project).join(path), class, counts.collect()));
    }

    rows
}

/// The differences between a run and its report.
fn differences(run: &SuiteRun, report: &JunitSuite) -> Vec<String> {
    let ours: Vec<(String, String)> = run
        .tests
        .iter()
        .map(|test| (test.id.clone(), test.status().word().to_owned()))
        .collect();
    let theirs: Vec<(String, String)> = report
        .cases
        .iter()
        .map(|case| (case.name.clone(), case.status.clone().unwrap_or_default()))
        .collect();
    let mut differences = Vec::new();
    if ours != theirs {
        differences.push(format!("tests: {ours:?} are {theirs:?} in the report"));
    }

    if let Some(status) = report
        .status
        .as_deref()
        .filter(|status| *status != run.status.word())
    {
        differences.push(format!("suite: {} is {status} in the report", run.status));
    }

    if report.id.as_deref().is_some_and(|id| id != run.suite) {
        differences.push(format!(
            "suite id: {} is {:?} in the report",
            run.suite, report.id
        ));
    }

    differences
}

#[test]
fn every_test_and_suite_has_the_status_of_katalons_own_report() {
    let Some(corpus) = corpus() else { return };
    let found = run_folders(&corpus);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();

    for folder in &found {
        let run = workspace::read_run(folder).unwrap();
        let report = fs::read(folder.join("JUnit_Report.xml")).ok();
        let report = report.map(|bytes| Junit::read(&bytes).unwrap());
        let name = folder.strip_prefix(&corpus).unwrap().display().to_string();
        let outcome = match report.as_ref().map(|report| report.suites.as_slice()) {
            None if run.started.is_none() => "left out: neither log nor report, the run was queued",
            None if run.ended.is_none() => "left out: no report, the run was aborted",
            None => "left out: no report, the run ended",
            // The report would be compared with itself.
            Some(_) if run.differences.contains(&Difference::ReportAlone) => {
                "left out: the log is missing in the corpus"
            }
            Some([suite]) => {
                // Where the two differ the report counts, so a comparison alone would show nothing.
                for difference in &run.differences {
                    wrong.push(format!("{name}: {difference}"));
                }
                for damage in &run.damage {
                    wrong.push(format!("{name}: {damage}"));
                }
                if workspace::read_junit(folder) != JunitState::Complete {
                    wrong.push(format!("{name}: its report is taken for another run's"));
                }
                *counts.entry("tests compared").or_default() += suite.cases.len();
                wrong.extend(
                    differences(&run, suite)
                        .into_iter()
                        .map(|difference| format!("{name}: {difference}")),
                );
                "compared"
            }
            Some(_) => "left out: a report of several suites",
        };

        *counts.entry(outcome).or_default() += 1;

        if outcome != "compared" {
            say(&format!("{outcome}: {name}"));
        }
    }

    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    insta::assert_debug_snapshot!(counts, @r#"
    {
        "compared": 104,
        "left out: neither log nor report, the run was queued": 13,
        "left out: no report, the run ended": 17,
        "left out: no report, the run was aborted": 34,
        "left out: the log is missing in the corpus": 1,
        "tests compared": 365,
    }
    "#);
}

#[test]
fn every_run_is_read_as_the_corpus_index_says() {
    let Some(corpus) = corpus() else { return };
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();

    for (folder, class, expected) in index(&corpus) {
        *classes.entry(class.clone()).or_default() += 1;
        if class == "collection" {
            assert!(!workspace::is_run_folder(&folder), "{}", folder.display());
            continue;
        }
        let Ok(run) = workspace::read_run(&folder) else {
            *classes
                .entry(format!("{class}, neither log nor launcher files"))
                .or_default() += 1;
            continue;
        };
        if run.differences.contains(&Difference::ReportAlone) {
            *classes
                .entry(format!("{class}, read from the report"))
                .or_default() += 1;
            continue;
        }
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        for attempt in run.tests.iter().flat_map(|test| &test.attempts) {
            *counts
                .entry(attempt.status.word().chars().next().unwrap())
                .or_default() += 1;
        }
        if counts != expected || run.ended.is_some() != (class == "ended") {
            wrong.push(format!(
                "{}: {counts:?}, ended {:?}, is {class} {expected:?}",
                folder.display(),
                run.ended
            ));
        }
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    insta::assert_debug_snapshot!(classes, @r#"
    {
        "collection": 15,
        "ended": 119,
        "log-missing(>4MB)": 1,
        "nolog": 16,
        "nolog, neither log nor launcher files": 3,
        "nolog, read from the report": 1,
        "unended-closed": 21,
        "unended-open": 15,
    }
    "#);
}

fn projects(root: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root)
        .expect("the corpus is readable")
        .filter_map(Result::ok)
    {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "prj") {
            found.push(root.to_owned());
        } else if path.is_dir() && entry.file_name() != "Reports" {
            projects(&path, found);
        }
    }
}

fn counted(project: &Project) -> [(&'static str, usize); 6] {
    let settings = &project.settings;
    [
        ("projects", 1),
        ("test cases", project.test_cases.len()),
        ("enabled", usize::from(settings.enabled)),
        ("with a plan", usize::from(!settings.test_plans.is_empty())),
        (
            "with rows of configurations",
            usize::from(!settings.configuration_rows.is_empty()),
        ),
        ("damaged", usize::from(settings.damage.is_some())),
    ]
}

#[test]
fn every_project_is_read_and_only_redacted_tokens_are_undecryptable() {
    let Some(corpus) = corpus() else { return };
    let mut found = Vec::new();
    projects(&corpus, &mut found);
    found.sort();
    found.dedup();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut odd: BTreeMap<String, usize> = BTreeMap::new();
    let mut note = |what: &str| *odd.entry(what.to_owned()).or_default() += 1;
    for root in &found {
        let project = workspace::read_project(root).unwrap();
        let settings = &project.settings;
        for (what, count) in counted(&project) {
            *counts.entry(what).or_default() += count;
        }

        for case in &project.test_cases {
            let resolved =
                azure_ids::resolve(case.azure_ids.as_deref().unwrap_or_default(), &|_| None);
            *counts.entry("test cases with ids").or_default() +=
                usize::from(!resolved.ids.is_empty());
            resolved
                .problems
                .iter()
                .for_each(|problem| note(&problem.text));
            case.warnings.iter().for_each(|warning| note(warning));
        }

        project
            .warnings
            .iter()
            .chain(&settings.warnings)
            .for_each(|warning| note(warning));
    }

    insta::assert_debug_snapshot!((counts, odd), @r#"
    (
        {
            "damaged": 0,
            "enabled": 12,
            "projects": 39,
            "test cases": 1067,
            "test cases with ids": 284,
            "with a plan": 13,
            "with rows of configurations": 13,
        },
        {
            "`token` cannot be decrypted: it was not encrypted by Katalon Studio; enter it again in Katalon Studio": 13,
            "there are 2 `.prj` files; the first one by name counts": 1,
            "there are 3 `.prj` files; the first one by name counts": 1,
        },
    )
    "#);
}
