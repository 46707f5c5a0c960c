//! One submission in words, as `submit`, `runs retry` and `exec` print it.

use std::io::Write;

use crate::cli::table::plain;
use crate::outbox::submission::{SubmissionState, SubmissionSummary, SubmittedBy};
use crate::plural::counted;

/// Prints what became of a submission, and what was left out.
pub(super) fn print(row: &SubmissionSummary, out: &mut dyn Write) -> anyhow::Result<()> {
    let suite = plain(&row.suite);
    match (row.plan_id, &row.wanted_plan) {
        (Some(plan), _) => write!(out, "{suite} (test plan {plan}): ")?,
        (None, Some(wanted)) => write!(out, "{suite} (test plan `{}`): ", plain(wanted))?,
        (None, None) => write!(out, "{suite}: ")?,
    }

    let reason = row.error.as_deref().map(plain);
    match row.state {
        SubmissionState::Submitted => print_submitted(row, out)?,
        SubmissionState::Parked => writeln!(out, "parked: {}", reason.unwrap_or_default())?,
        SubmissionState::Ignored => writeln!(out, "ignored: {}", reason.unwrap_or_default())?,
        SubmissionState::Pending | SubmissionState::Submitting => match reason {
            Some(reason) => writeln!(out, "waits: {reason}")?,
            None => writeln!(
                out,
                "is not submitted yet; `kado runs show {}` says what becomes of it",
                row.id
            )?,
        },
    }

    for left_out in &row.skipped {
        writeln!(out, "    left out: {}", plain(&left_out.to_string()))?;
    }
    Ok(())
}

fn print_submitted(row: &SubmissionSummary, out: &mut dyn Write) -> anyhow::Result<()> {
    let run = row.ado_run_id.unwrap_or_default();

    // Its counts would be those of kado's own plan, of which nothing was sent.
    if row.submitted_by == Some(SubmittedBy::Katalon) {
        writeln!(
            out,
            "submitted by Katalon itself as test run {run}; kado sent nothing"
        )?;
    } else {
        writeln!(
            out,
            "submitted as test run {run} with {} and {}",
            counted(row.results, "result"),
            counted(row.attachments, "attachment")
        )?;
    }

    writeln!(out, "    {}", plain(row.url.as_deref().unwrap_or_default()))?;
    Ok(())
}
