//! A submission plan as tables for people.

use std::io::{self, Write as _};

use crate::cli::terminal::{Piece, Screen, Table, Tone, always, table, weighing};
use crate::katalon::id_source::IdSource;
use crate::katalon::status::Status;
use crate::plan::SubmissionPlan;
use crate::plan::attachments::AttachmentTarget;

/// Writes what each point gets, and what is attached to what; no table where there is nothing.
pub(super) fn write(plan: &SubmissionPlan, out: &mut Screen<'_>) -> io::Result<()> {
    if !plan.results.is_empty() {
        writeln!(out)?;
        out.table(&table_of_results(plan))?;
    }
    if !plan.attachments.is_empty() {
        writeln!(out)?;
        out.table(&table_of_files(plan))?;
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
        weighing(4, "Point"),
        always("Test case"),
        weighing(2, "Configuration"),
        weighing(5, "Outcome"),
        weighing(3, "Katalon"),
        weighing(1, "Iterations"),
        always("Tests"),
    ]);

    for result in &plan.results {
        results.add_row([
            Piece::new(result.point_id.to_string()),
            Piece::new(with_source(&result.test_case_id.to_string(), result.source)),
            Piece::new(result.configuration_id.to_string()),
            Piece::new(&result.outcome),
            status(result.status.word()),
            Piece::new(result.iterations.to_string()),
            Piece::new(result.tests.join(", ")),
        ]);
    }
    results
}

fn table_of_files(plan: &SubmissionPlan) -> Table {
    let mut files = table([
        weighing(3, "Attached to"),
        always("File"),
        weighing(1, "Type"),
        weighing(2, "Bytes"),
    ]);

    for attachment in &plan.attachments {
        files.add_row([
            target(attachment.target),
            attachment.name.clone(),
            attachment.kind.word().to_owned(),
            attachment.size.to_string(),
        ]);
    }
    files
}

/// Statuses of Katalon, toned by the worst of them.
pub(super) fn status(words: &str) -> Piece {
    let has = |status: Status| words.split(", ").any(|word| word == status.word());
    if has(Status::Failed) || has(Status::Error) {
        Piece::toned(Tone::Bad, words)
    } else if has(Status::Incomplete) || has(Status::Skipped) {
        Piece::toned(Tone::Open, words)
    } else {
        Piece::toned(Tone::Good, words)
    }
}

/// `run` or `point:ID`, as scripts see it too.
pub(super) fn target(target: AttachmentTarget) -> String {
    match target {
        AttachmentTarget::Run => "run".to_owned(),
        AttachmentTarget::Point(point) => format!("point:{point}"),
    }
}
