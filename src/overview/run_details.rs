//! Why every test of a run ended where it did, or did not arrive.

use std::collections::HashMap;

use serde::Serialize;

use crate::katalon::id_source::IdSource;
use crate::katalon::settings::ConfigurationRow;
use crate::outbox::step::{Step, batches};
use crate::outbox::store::DoubleSubmission;
use crate::outbox::submission::{StoredStep, Submission, SubmissionSummary};
use crate::outbox::{Store, StoreError};
use crate::overview::live_suites::LiveSuite;
use crate::plan::configuration;
use crate::submit::ResultRef;

/// Everything that is known of a run.
pub(crate) struct RunDetails {
    /// As `kado runs` lists it.
    pub row: SubmissionSummary,
    /// What is stored of it.
    pub submission: Submission,
    /// The test run that shows it until it is submitted.
    pub live: Option<LiveSuite>,
    /// What Katalon submitted beside kado.
    pub double: Option<DoubleSubmission>,
    /// One for each test, in the order in which they ran.
    pub tests: Vec<TestDetails>,
    /// The row of the test configuration mapping that it matched.
    pub mapping_row: Option<String>,
}

/// One test of the run, as scripts see it.
#[derive(Debug, Serialize)]
pub(crate) struct TestDetails {
    pub test: String,
    pub status: String,
    /// `azure.testcase.ids` of its `.tc` file as written; `null` without such a file or entry.
    pub ids_as_written: Option<String>,
    /// Where they stand.
    pub source: Option<IdSource>,
    pub results: Vec<ResultDetails>,
    pub left_out: Vec<String>,
}

/// Where a test arrived.
#[derive(Debug, Serialize)]
pub(crate) struct ResultDetails {
    pub azure_id: u32,
    pub point_id: u32,
    pub configuration_id: u32,
    pub outcome: String,
    /// The result inside the ADO run, once it is known.
    pub result_id: Option<u32>,
    /// The request that writes it, and whether it is confirmed.
    pub request: String,
}

impl RunDetails {
    /// Reads a run from the outbox; `None` where there is none with this id.
    ///
    /// # Errors
    /// When the database fails, or when what is stored of the run cannot be read.
    pub(crate) fn read(store: &Store, id: i64) -> Result<Option<Self>, StoreError> {
        let Some(row) = store.summaries(Some(&[id]))?.pop() else {
            return Ok(None);
        };

        let submission = store.load(id)?;
        let double = store
            .doubles(&row.project)?
            .into_iter()
            .find(|double| double.submission == id);
        let live = LiveSuite::read(store)?
            .into_iter()
            .find(|live| live.key == row.key);
        Ok(Some(Self {
            live,
            tests: tests(&submission),
            mapping_row: mapping_row(&submission),
            row,
            submission,
            double,
        }))
    }

    /// The members of a row of `kado runs --json` and more, so that scripts read both alike.
    ///
    /// # Errors
    /// When something of it has no form in JSON.
    pub(crate) fn as_json(&self) -> serde_json::Result<serde_json::Value> {
        let mut value = serde_json::to_value(&self.row)?;
        value["configuration_row"] = serde_json::to_value(&self.mapping_row)?;
        value["tests"] = serde_json::to_value(&self.tests)?;
        value["warnings"] = serde_json::to_value(&self.submission.snapshot.run.warnings)?;
        Ok(value)
    }

    /// The `ado*` options that katalonc got.
    pub(crate) fn ado_options(&self) -> Option<String> {
        let options = self.submission.snapshot.run.options.said();
        if options.is_empty() {
            return None;
        }

        let words: Vec<String> = options
            .iter()
            .map(|(option, value)| format!("-{option}={value}"))
            .collect();
        Some(words.join(" "))
    }
}

impl TestDetails {
    /// Why nothing of it, or not all of it, arrived; `None` where there is nothing to say.
    pub(crate) fn why_left_out(&self) -> Option<String> {
        if !self.left_out.is_empty() {
            return Some(self.left_out.join("; "));
        }

        let has_no_id = self.results.is_empty() && self.ids_as_written.is_none();
        has_no_id.then(|| "no ADO id".to_owned())
    }
}

/// The row of the test configuration mapping that the run matched; of a collection, the row of each
/// member that takes part.
fn mapping_row(submission: &Submission) -> Option<String> {
    let snapshot = &submission.snapshot;
    let rows = &snapshot.options.configuration_rows;

    // Chosen anew and not stored: the snapshot holds both the rows and the run.
    let Some(joined) = &snapshot.joined else {
        return configuration::choose(rows, &snapshot.run.environment).map(row_in_words);
    };

    let mut of_members = Vec::new();
    for member in &joined.members {
        if member.state.takes_part()
            && let Some(row) = configuration::choose(rows, &member.environment)
        {
            of_members.push(format!("{}: {}", member.name, row_in_words(row)));
        }
    }
    (!of_members.is_empty()).then(|| of_members.join("; "))
}

fn row_in_words(row: &ConfigurationRow) -> String {
    let conditions = [&row.os, &row.platform, &row.profile]
        .map(|column| column.as_deref().unwrap_or("any"))
        .join(" / ");
    format!("{conditions} → configuration {}", row.configuration_id)
}

/// A test that ran more than once has one view, with the status of each.
fn tests(submission: &Submission) -> Vec<TestDetails> {
    let mut left_out = left_out(submission);
    let mut results = results(submission);
    let mut views: Vec<TestDetails> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();

    for test in &submission.snapshot.run.tests {
        if let Some(place) = places.get(test.id.as_str()) {
            views[*place].status.push_str(", ");
            views[*place].status.push_str(test.status().word());
            continue;
        }

        places.insert(&test.id, views.len());
        let case = submission.snapshot.cases.get(&test.id);
        views.push(TestDetails {
            test: test.id.clone(),
            status: test.status().to_string(),
            ids_as_written: case.and_then(|case| case.azure_ids.clone()),
            source: case.and_then(|case| case.azure_ids.as_ref().map(|_| case.source)),
            results: results.remove(test.id.as_str()).unwrap_or_default(),
            left_out: left_out.remove(test.id.as_str()).unwrap_or_default(),
        });
    }
    views
}

/// Why parts of each test were left out, by the plan or by ADO.
fn left_out(submission: &Submission) -> HashMap<&str, Vec<String>> {
    let by_plan = submission.plan.iter().flat_map(|plan| &plan.skipped);
    let mut of_tests: HashMap<&str, Vec<String>> = HashMap::new();

    for left_out in by_plan.chain(&submission.refused) {
        if let Some(test) = &left_out.test {
            of_tests
                .entry(test)
                .or_default()
                .push(left_out.reason.clone());
        }
    }
    of_tests
}

/// Where each test arrived.
fn results(submission: &Submission) -> HashMap<&str, Vec<ResultDetails>> {
    let mut of_tests: HashMap<&str, Vec<ResultDetails>> = HashMap::new();
    let Some(plan) = &submission.plan else {
        return of_tests;
    };
    let result_ids = result_ids(submission);
    let run = match submission.ado_run_id {
        Some(id) => id.to_string(),
        None => "-".to_owned(),
    };

    // Cut from the plan in the same way as for sending, so the numbers of the steps fit. Results
    // are written in batches, so the step of the batch says how far one is.
    for (batch, range) in batches(plan).into_iter().enumerate() {
        let state = match step(submission, Step::WriteResults(batch)) {
            Some(step) => step.state.word(),
            None => "planned",
        };
        let number = batch + 1;
        let request = format!("PATCH test/Runs/{run}/results, batch {number}: {state}");

        for result in &plan.results[range] {
            for test in &result.tests {
                of_tests.entry(test).or_default().push(ResultDetails {
                    azure_id: result.test_case_id,
                    point_id: result.point_id,
                    configuration_id: result.configuration_id,
                    outcome: result.outcome.clone(),
                    result_id: result_ids.get(&result.point_id).copied(),
                    request: request.clone(),
                });
            }
        }
    }
    of_tests
}

/// The ids of results by their points, once they are read from the ADO run.
fn result_ids(submission: &Submission) -> HashMap<u32, u32> {
    // The step that reads them stores them; before it nobody knows them.
    let stored = step(submission, Step::ReadResults).and_then(|step| step.detail.as_deref());
    let results: Vec<ResultRef> = stored
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();

    results
        .iter()
        .map(|result| (result.point_id, result.result_id))
        .collect()
}

fn step(submission: &Submission, step: Step) -> Option<&StoredStep> {
    submission.steps.iter().find(|stored| stored.step == step)
}
