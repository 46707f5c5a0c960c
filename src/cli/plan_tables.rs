//! A submission plan as tables for people.

use std::io::{self, Write};

use comfy_table::Table;

use crate::cli::table::{plain, table};
use crate::katalon::id_source::IdSource;
use crate::plan::SubmissionPlan;
use crate::plan::attachments::Target;

/// Writes what each point gets, and what is attached to what; no table where there is nothing.
pub(super) fn write(plan: &SubmissionPlan, out: &mut dyn Write) -> io::Result<()> {
    if !plan.results.is_empty() {
        writeln!(out, "\n{}", table_of_results(plan).trim_fmt())?;
    }
    if !plan.attachments.is_empty() {
        writeln!(out, "\n{}", table_of_files(plan).trim_fmt())?;
    }
    Ok(())
}

/// ADO ids, with where they stand if that is not the integration tab.
pub(super) fn with_source(ids: &str, source: IdSource) -> String {
    if source.is_integration() {
        ids.to_owned()
    } else {
        format!("{ids} ({})", source.word())
    }
}

fn table_of_results(plan: &SubmissionPlan) -> Table {
    let mut results = table([
        "Point",
        "Test case",
        "Configuration",
        "Outcome",
        "Katalon",
        "Iterations",
        "Tests",
    ]);

    for result in &plan.results {
        results.add_row([
            result.point_id.to_string(),
            with_source(&result.test_case_id.to_string(), result.source),
            result.configuration_id.to_string(),
            plain(&result.outcome),
            result.status.to_string(),
            result.iterations.to_string(),
            plain(&result.tests.join(", ")),
        ]);
    }
    results
}

fn table_of_files(plan: &SubmissionPlan) -> Table {
    let mut files = table(["Attached to", "File", "Type", "Bytes"]);

    for attachment in &plan.attachments {
        files.add_row([
            target(attachment.target),
            plain(&attachment.name),
            attachment.kind.word().to_owned(),
            attachment.size.to_string(),
        ]);
    }
    files
}

/// `run` or `point:ID`, as scripts see it too.
pub(super) fn target(target: Target) -> String {
    match target {
        Target::Run => "run".to_owned(),
        Target::Point(point) => format!("point:{point}"),
    }
}
