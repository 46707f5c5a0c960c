//! `kado runs show`: why every test of a run ended where it did, or did not arrive.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;

use crate::cli::json;
use crate::cli::plan_tables;
use crate::cli::table::{or_dash, plain, table};
use crate::katalon::id_source::IdSource;
use crate::katalon::settings::ConfigurationRow;
use crate::outbox::step::{Step, batches};
use crate::outbox::store::{DoubleSubmission, Overlap};
use crate::outbox::submission::{StoredStep, Submission, SubmissionSummary, SubmittedBy};
use crate::plan::configuration;
use crate::submit::ResultRef;

/// One test of the run, as scripts see it.
#[derive(Debug, Serialize)]
struct TestView {
    test: String,
    status: String,
    /// `azure.testcase.ids` of its `.tc` file as written; `null` without such a file or entry.
    ids_as_written: Option<String>,
    /// Where they stand.
    source: Option<IdSource>,
    results: Vec<ResultView>,
    left_out: Vec<String>,
}

/// Where a test arrived.
#[derive(Debug, Serialize)]
struct ResultView {
    azure_id: u32,
    point_id: u32,
    configuration_id: u32,
    outcome: String,
    /// The result inside the ADO run, once it is known.
    result_id: Option<u32>,
    /// The request that writes it, and whether it is confirmed.
    request: String,
}

/// Writes everything that is known of a run; `double` where Katalon submitted it as well.
pub(super) fn show(
    row: &SubmissionSummary,
    submission: &Submission,
    double: Option<&DoubleSubmission>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let tests = tests(submission);
    let warnings = &submission.snapshot.run.warnings;

    // The members of `kado runs --json` and more, so that scripts read both alike.
    if json {
        let mut value = serde_json::to_value(row)?;
        value["configuration_row"] = serde_json::to_value(mapping_row(submission))?;
        value["tests"] = serde_json::to_value(&tests)?;
        value["warnings"] = serde_json::to_value(warnings)?;
        return json::print(&value, out);
    }

    print_facts(row, submission, double, out)?;
    writeln!(out, "\n{}", table_of_tests(&tests).trim_fmt())?;
    if let Some(plan) = &submission.plan {
        if row.submitted_by == Some(SubmittedBy::Katalon) {
            writeln!(
                out,
                "Katalon submitted this run itself. kado would have sent this, and sent nothing of \
                 it:"
            )?;
        }

        plan_tables::write(plan, out)?;
    }

    for left_out in &row.skipped {
        writeln!(out, "left out: {}", plain(&left_out.to_string()))?;
    }
    for warning in warnings {
        writeln!(out, "warning: {}", plain(warning))?;
    }
    Ok(())
}

fn print_facts(
    row: &SubmissionSummary,
    submission: &Submission,
    double: Option<&DoubleSubmission>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let facts = [
        ("Suite", row.suite.clone()),
        ("State", super::state_in_words(row)),
        ("Reason", or_dash(row.error.as_ref())),
        ("Next try", or_dash(row.next_attempt)),
        ("Folder", row.folder.clone()),
        ("Started", or_dash(row.started)),
        ("Ended", or_dash(row.ended)),
        ("Test plan", super::plan_in_words(row)),
        ("katalonc", or_dash(ado_options(submission))),
        ("Mapping row", or_dash(mapping_row(submission))),
        ("ADO run", or_dash(row.ado_run_id)),
        ("Address", or_dash(row.url.as_ref())),
        ("Katalon's", or_dash(double.map(double_in_words))),
        ("Key", row.key.clone()),
    ];

    for (name, value) in facts {
        // What is not known has no line.
        if value != "-" {
            writeln!(out, "{name:<12} {}", plain(&value))?;
        }
    }
    Ok(())
}

/// What Katalon submitted beside kado.
fn double_in_words(double: &DoubleSubmission) -> String {
    let what = match double.extent {
        Overlap::Whole => "the same run",
        Overlap::Part => "a part of this run",
    };
    format!(
        "{what}, submitted by Katalon itself as test run {}",
        double.katalon_run
    )
}

/// The `ado*` options that katalonc got.
fn ado_options(submission: &Submission) -> Option<String> {
    let options = submission.snapshot.run.options.said();
    if options.is_empty() {
        return None;
    }

    let words: Vec<String> = options
        .iter()
        .map(|(option, value)| format!("-{option}={value}"))
        .collect();
    Some(words.join(" "))
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
fn tests(submission: &Submission) -> Vec<TestView> {
    let mut left_out = left_out(submission);
    let mut results = results(submission);
    let mut views: Vec<TestView> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();

    for test in &submission.snapshot.run.tests {
        if let Some(place) = places.get(test.id.as_str()) {
            views[*place].status.push_str(", ");
            views[*place].status.push_str(test.status().word());
            continue;
        }

        places.insert(&test.id, views.len());
        let case = submission.snapshot.cases.get(&test.id);
        views.push(TestView {
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
fn results(submission: &Submission) -> HashMap<&str, Vec<ResultView>> {
    let mut of_tests: HashMap<&str, Vec<ResultView>> = HashMap::new();
    let Some(plan) = &submission.plan else {
        return of_tests;
    };
    let result_ids = result_ids(submission);
    let run = or_dash(submission.ado_run_id);

    // Cut from the plan in the same way as for sending, so the numbers of the steps fit. Results are
    // written in batches, so the step of the batch says how far one is.
    for (batch, range) in batches(plan).into_iter().enumerate() {
        let state = match step(submission, Step::WriteResults(batch)) {
            Some(step) => step.state.word(),
            None => "planned",
        };
        let number = batch + 1;
        let request = format!("PATCH test/Runs/{run}/results, batch {number}: {state}");

        for result in &plan.results[range] {
            for test in &result.tests {
                of_tests.entry(test).or_default().push(ResultView {
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

fn table_of_tests(tests: &[TestView]) -> comfy_table::Table {
    let mut rows = table([
        "Test",
        "Katalon",
        "Ids as written",
        "Arrived as",
        "Left out because",
    ]);

    for test in tests {
        let results: Vec<String> = test.results.iter().map(result_in_words).collect();
        rows.add_row([
            plain(&test.test),
            test.status.clone(),
            plan_tables::with_source(
                &or_dash(test.ids_as_written.as_ref()),
                test.source.unwrap_or_default(),
            ),
            plain(&results.join("; ")),
            plain(&why_left_out(test)),
        ]);
    }
    rows
}

fn result_in_words(result: &ResultView) -> String {
    format!(
        "{} → point {} (result {}): {}",
        result.azure_id,
        result.point_id,
        or_dash(result.result_id),
        result.outcome
    )
}

fn why_left_out(test: &TestView) -> String {
    if !test.left_out.is_empty() {
        return test.left_out.join("; ");
    }

    if test.results.is_empty() && test.ids_as_written.is_none() {
        "no ADO id".to_owned()
    } else {
        "-".to_owned()
    }
}
