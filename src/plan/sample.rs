//! Test support: snapshots, results and points, built in one place for the tests of `plan` and
//! `outbox`; runs come from `katalon::sample`.

#[cfg(test)]
use std::collections::BTreeMap;

use crate::katalon::id_source::IdSource;
use crate::katalon::run::{Attempt, FileKind, RunFile, SuiteRun, TestResult};
pub(crate) use crate::katalon::sample::run;
use crate::katalon::settings::AzureSettings;
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::overrides::{Overrides, effective};
use crate::plan::point_rule::Point;
use crate::plan::snapshot::{CaseIds, Snapshot};

/// The snapshot of a run in the project `Shop` with these settings; its tests have no ids.
pub(crate) fn snapshot(run: SuiteRun, settings: &AzureSettings) -> Snapshot {
    let cases = run
        .tests
        .iter()
        .map(|test| (test.id.clone(), CaseIds::default()))
        .collect();

    Snapshot {
        folder: "/reports/1".to_owned(),
        folder_id: None,
        project_name: "Shop".to_owned(),
        project_root: "/shop".to_owned(),
        options: effective(settings, &Overrides::default(), &run.options),
        collection: None,
        reruns: None,
        cases,
        hidden: Vec::new(),
        joined: None,
        run,
    }
}

/// `Test Cases/<name>` with an attempt for each status; the first begins at `start`, each takes
/// 100 ms and begins a second after the one before.
pub(crate) fn test(name: &str, start: i64, statuses: &[Status]) -> TestResult {
    let mut attempts = Vec::new();
    for (number, status) in statuses.iter().enumerate() {
        attempts.push(attempt(*status, start + 1000 * number as i64));
    }

    TestResult {
        id: format!("Test Cases/{name}"),
        iteration: None,
        attempts,
        variables: BTreeMap::new(),
        member: 0,
    }
}

/// An attempt of 100 ms; one that did not pass has a message and a stack trace.
pub(crate) fn attempt(status: Status, start: i64) -> Attempt {
    let failed = status != Status::Passed;
    Attempt {
        status,
        started: Moment::from_millis(start),
        ended: Some(Moment::from_millis(start + 100)),
        message: failed.then(|| format!("{status} happened")),
        stack_trace: failed.then(|| "at line 1".to_owned()),
        attachments: Vec::new(),
        foreign_attachments: Vec::new(),
    }
}

/// What a `.tc` file with these ids says.
pub(crate) fn case_with_ids(ids: &str) -> CaseIds {
    CaseIds {
        azure_ids: Some(ids.to_owned()),
        source: IdSource::Integration,
        defaults: BTreeMap::new(),
        damage: None,
    }
}

pub(crate) fn file(path: &str, kind: FileKind, size: u64) -> RunFile {
    RunFile {
        path: path.to_owned(),
        kind,
        size,
    }
}

/// A point of a test case in a configuration.
pub(crate) fn point(id: u32, test_case_id: u32, configuration_id: u32) -> Point {
    Point {
        id,
        test_case_id,
        configuration_id,
        configuration_name: format!("C{configuration_id}"),
        suite_id: 20,
    }
}
