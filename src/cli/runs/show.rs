//! `kado runs show`: why every test of a run ended where it did, or did not arrive.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;

use crate::cli::json;
use crate::cli::plan_tables;
use crate::cli::table::{or_dash, plain, table};
use crate::katalon::settings::ConfigurationRow;
use crate::outbox::step::{Step, batches};
use crate::outbox::store::{DoubleSubmission, Extent};
use crate::outbox::submission::Submission;
use crate::outbox::submission::{SubmissionSummary, SubmittedBy};
use crate::plan::configuration;
use crate::submit::ResultRef;

/// What is known of one test of the run.
#[derive(Debug, Serialize)]
struct TestView {
    test: String,
    status: String,
    /// `azure.testcase.ids` of its `.tc` file as written; `null` without such a file or entry.
    ids_as_written: Option<String>,
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

/// Writes everything that is known of a run; `doubled` where Katalon submitted it as well.
pub(super) fn show(
    row: &SubmissionSummary,
    submission: &Submission,
    doubled: Option<&DoubleSubmission>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let tests = tests(submission);
    if json {
        let mut value = serde_json::to_value(row)?;
        value["configuration_row"] = serde_json::to_value(mapping_row(submission))?;
        value["tests"] = serde_json::to_value(&tests)?;
        value["warnings"] = serde_json::to_value(&submission.snapshot.run.warnings)?;
        return json::print(&value, out);
    }
    facts(row, submission, doubled, out)?;
    writeln!(out, "\n{}", people(&tests).trim_fmt())?;
    if let Some(plan) = &submission.plan {
        if row.submitted_by == Some(SubmittedBy::Katalon) {
            writeln!(
                out,
                "Katalon submitted this run itself. kado would have sent this, and sent nothing of it:"
            )?;
        }
        plan_tables::write(plan, out)?;
    }
    for left_out in &row.skipped {
        writeln!(out, "left out: {}", plain(&left_out.to_string()))?;
    }
    for warning in &submission.snapshot.run.warnings {
        writeln!(out, "warning: {}", plain(warning))?;
    }
    Ok(())
}

fn facts(
    row: &SubmissionSummary,
    submission: &Submission,
    doubled: Option<&DoubleSubmission>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let facts = [
        ("Suite", row.suite.clone()),
        ("State", super::state_of(row)),
        ("Reason", or_dash(row.error.as_ref())),
        ("Next try", or_dash(row.next_attempt)),
        ("Folder", row.folder.clone()),
        ("Started", or_dash(row.started)),
        ("Ended", or_dash(row.ended)),
        ("Test plan", or_dash(row.plan_id)),
        ("katalonc", or_dash(given(submission))),
        ("Mapping row", or_dash(mapping_row(submission))),
        ("ADO run", or_dash(row.ado_run_id)),
        ("Address", or_dash(row.url.as_ref())),
        ("Katalon's", or_dash(doubled.map(of_katalon))),
        ("Key", row.key.clone()),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| value != "-") {
        writeln!(out, "{name:<12} {}", plain(&value))?;
    }
    Ok(())
}

/// What Katalon submitted beside kado.
fn of_katalon(doubled: &DoubleSubmission) -> String {
    let what = match doubled.extent {
        Extent::Whole => "the same run",
        Extent::Part => "a part of this run",
    };
    format!(
        "{what}, submitted by Katalon itself as test run {}",
        doubled.katalon_run
    )
}

/// What katalonc was told about the submission.
fn given(submission: &Submission) -> Option<String> {
    let said = submission.snapshot.run.options.said();
    let pairs: Vec<String> = said
        .iter()
        .map(|(option, value)| format!("-{option}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(" "))
}

/// The row of the test configuration mapping that the run matched.
fn mapping_row(submission: &Submission) -> Option<String> {
    let snapshot = &submission.snapshot;
    let choose =
        |environment| configuration::choose(&snapshot.options.configuration_rows, environment);
    let Some(joined) = &snapshot.joined else {
        return choose(&snapshot.run.environment).map(row_in_words);
    };
    let part = joined
        .members
        .iter()
        .filter(|member| member.state.takes_part());
    let rows = part.filter_map(|member| Some((&member.name, choose(&member.environment)?)));
    let told: Vec<_> = rows
        .map(|(name, row)| format!("{name}: {}", row_in_words(row)))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn row_in_words(row: &ConfigurationRow) -> String {
    let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
    let (os, platform, profile) = (any(&row.os), any(&row.platform), any(&row.profile));
    format!(
        "{os} / {platform} / {profile} → configuration {}",
        row.configuration_id
    )
}

fn tests(submission: &Submission) -> Vec<TestView> {
    let mut views: Vec<TestView> = Vec::new();
    for test in &submission.snapshot.run.tests {
        if let Some(known) = views.iter_mut().find(|view| view.test == test.id) {
            known.status = format!("{}, {}", known.status, test.status());
            continue;
        }
        let case = submission.snapshot.cases.get(&test.id);
        let skipped = submission
            .plan
            .iter()
            .flat_map(|plan| &plan.skipped)
            .chain(&submission.refused);
        let of_test = skipped.filter(|left_out| left_out.test.as_ref() == Some(&test.id));
        views.push(TestView {
            test: test.id.clone(),
            status: test.status().to_string(),
            ids_as_written: case.and_then(|case| case.azure_ids.clone()),
            results: results(submission, &test.id),
            left_out: of_test.map(|left_out| left_out.reason.clone()).collect(),
        });
    }
    views
}

fn results(submission: &Submission, test: &str) -> Vec<ResultView> {
    let Some(plan) = &submission.plan else {
        return Vec::new();
    };
    let state = |step| submission.steps.iter().find(|stored| stored.step == step);
    let read = state(Step::ReadResults).and_then(|stored| stored.detail.as_deref());
    let refs: Vec<ResultRef> = read
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let ids: HashMap<u32, u32> = refs
        .iter()
        .map(|found| (found.point_id, found.result_id))
        .collect();
    let batches = batches(plan);
    let run = or_dash(submission.ado_run_id);
    let of_test = plan
        .results
        .iter()
        .enumerate()
        .filter(|(_, result)| result.tests.iter().any(|id| id == test));
    of_test
        .map(|(place, result)| {
            let batch = batches
                .iter()
                .position(|range| range.contains(&place))
                .unwrap_or_default();
            let word =
                state(Step::WriteResults(batch)).map_or("planned", |stored| stored.state.word());
            ResultView {
                azure_id: result.test_case_id,
                point_id: result.point_id,
                configuration_id: result.configuration_id,
                outcome: result.outcome.clone(),
                result_id: ids.get(&result.point_id).copied(),
                request: format!("PATCH test/Runs/{run}/results, batch {}: {word}", batch + 1),
            }
        })
        .collect()
}

fn people(tests: &[TestView]) -> comfy_table::Table {
    let mut listed = table([
        "Test",
        "Katalon",
        "Ids as written",
        "Arrived as",
        "Left out because",
    ]);
    for test in tests {
        let arrived = test.results.iter().map(|result| {
            let id = or_dash(result.result_id);
            format!(
                "{} → point {} (result {id}): {}",
                result.azure_id, result.point_id, result.outcome
            )
        });
        let none = if test.ids_as_written.is_none() {
            "no ADO id"
        } else {
            "-"
        };
        let why = if test.left_out.is_empty() && test.results.is_empty() {
            none
        } else {
            "-"
        };
        let left_out = if test.left_out.is_empty() {
            why.to_owned()
        } else {
            test.left_out.join("; ")
        };
        listed.add_row([
            plain(&test.test),
            test.status.clone(),
            or_dash(test.ids_as_written.as_ref()),
            plain(&arrived.collect::<Vec<_>>().join("; ")),
            plain(&left_out),
        ]);
    }
    listed
}
