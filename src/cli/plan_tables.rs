//! A submission plan as tables for people.

use std::io::{self, Write};

use crate::cli::table::{plain, table};
use crate::plan::SubmissionPlan;
use crate::plan::attachments::Target;

/// Writes what each point gets, and what is attached to what.
pub(super) fn write(plan: &SubmissionPlan, out: &mut dyn Write) -> io::Result<()> {
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
            result.test_case_id.to_string(),
            result.configuration_id.to_string(),
            plain(&result.outcome),
            result.status.to_string(),
            result.iterations.to_string(),
            plain(&result.tests.join(", ")),
        ]);
    }
    if !plan.results.is_empty() {
        writeln!(out, "\n{}", results.trim_fmt())?;
    }
    let mut files = table(["Attached to", "File", "Type", "Bytes"]);
    for planned in &plan.attachments {
        let kind = planned.kind.word().to_owned();
        files.add_row([
            target(planned.target),
            plain(&planned.name),
            kind,
            planned.size.to_string(),
        ]);
    }
    if !plan.attachments.is_empty() {
        writeln!(out, "\n{}", files.trim_fmt())?;
    }
    Ok(())
}

/// `run` or `point:ID`, as scripts see it too.
pub(super) fn target(target: Target) -> String {
    match target {
        Target::Run => "run".to_owned(),
        Target::Point(point) => format!("point:{point}"),
    }
}
