//! One submission in words, as `submit`, `runs retry` and `exec` print it.

use std::io::Write;

use crate::cli::table::{counted, plain};
use crate::outbox::submission::SubmissionState;
use crate::outbox::submission::{SubmissionSummary, SubmittedBy};

/// What became of one submission, for people.
pub(super) fn print(row: &SubmissionSummary, out: &mut dyn Write) -> anyhow::Result<()> {
    let plan = row
        .plan_id
        .map(|plan| format!(" (test plan {plan})"))
        .unwrap_or_default();
    let suite = plain(&row.suite);
    let error = plain(row.error.as_deref().unwrap_or_default());
    match row.state {
        SubmissionState::Submitted if row.submitted_by == Some(SubmittedBy::Katalon) => writeln!(
            out,
            "{suite}{plan}: submitted by Katalon itself as test run {}; kado sent nothing\n    {}",
            row.ado_run_id.unwrap_or_default(),
            plain(row.url.as_deref().unwrap_or_default())
        )?,
        SubmissionState::Submitted => writeln!(
            out,
            "{suite}{plan}: submitted as test run {} with {} and {}\n    {}",
            row.ado_run_id.unwrap_or_default(),
            counted(row.results, "result"),
            counted(row.attachments, "attachment"),
            plain(row.url.as_deref().unwrap_or_default())
        )?,
        SubmissionState::Parked => writeln!(out, "{suite}{plan}: parked: {error}")?,
        SubmissionState::Ignored => writeln!(out, "{suite}{plan}: ignored: {error}")?,
        SubmissionState::Pending | SubmissionState::Submitting if row.error.is_none() => {
            writeln!(
                out,
                "{suite}{plan}: is not submitted yet; `kado runs show {}` says what becomes of it",
                row.id
            )?;
        }
        SubmissionState::Pending | SubmissionState::Submitting => {
            writeln!(out, "{suite}{plan}: waits: {error}")?;
        }
    }
    for left_out in &row.skipped {
        writeln!(out, "    left out: {}", plain(&left_out.to_string()))?;
    }
    Ok(())
}
