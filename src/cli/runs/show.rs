//! `kado runs show`: why every test of a run ended where it did, or did not arrive.

use std::io::Write;

use crate::cli::json;
use crate::cli::plan_tables;
use crate::cli::table::{or_dash, plain, table};
use crate::outbox::store::{DoubleSubmission, Overlap};
use crate::outbox::submission::SubmittedBy;
use crate::overview::run_details::{ResultDetails, RunDetails, TestDetails};

/// Writes everything that is known of a run.
pub(super) fn show(details: &RunDetails, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        return json::print(&details.as_json()?, out);
    }

    let row = &details.row;
    let submission = &details.submission;
    print_facts(details, out)?;
    writeln!(out, "\n{}", table_of_tests(&details.tests).trim_fmt())?;
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
    for warning in &submission.snapshot.run.warnings {
        writeln!(out, "warning: {}", plain(warning))?;
    }
    Ok(())
}

fn print_facts(details: &RunDetails, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = &details.row;
    let double = details.double.as_ref();
    let facts = [
        ("Suite", row.suite.clone()),
        ("State", super::state_in_words(row)),
        ("Reason", or_dash(row.error.as_ref())),
        ("Next try", or_dash(row.next_attempt)),
        ("Folder", row.folder.clone()),
        ("Started", or_dash(row.started)),
        ("Ended", or_dash(row.ended)),
        ("Test plan", super::plan_in_words(row)),
        ("katalonc", or_dash(details.ado_options())),
        ("Mapping row", or_dash(details.mapping_row.as_ref())),
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

fn table_of_tests(tests: &[TestDetails]) -> comfy_table::Table {
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
            or_dash(test.why_left_out()),
        ]);
    }
    rows
}

fn result_in_words(result: &ResultDetails) -> String {
    format!(
        "{} → point {} (result {}): {}",
        result.azure_id,
        result.point_id,
        or_dash(result.result_id),
        result.outcome
    )
}
