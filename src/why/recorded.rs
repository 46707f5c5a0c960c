//! What the rows of the outbox say of a run, also of one whose folder is gone.

use std::path::Path;

use crate::discovery::folder_answer::FolderAnswer;
use crate::file_names::{is_in, is_named, same};
use crate::katalon::REPORTS;
use crate::moment::Moment;
use crate::outbox::lock::NextTry;
use crate::outbox::submission::{SubmissionState, SubmissionSummary, SubmittedBy};
use crate::plan::left_out::LeftOut;
use crate::why::explanation::{Explanation, FolderKind, FolderVerdict};
use crate::why::inquiry::Inquiry;
use crate::why::lost::explain_lost;

/// Things left out that are named; more are counted.
const MOST: usize = 20;

/// What the rows of one run say; `None` without any.
pub(super) fn explain_rows(
    inquiry: &Inquiry<'_>,
    folder: &Path,
    rows: &[&SubmissionSummary],
) -> Option<Explanation> {
    let verdict = rows.iter().map(|row| verdict_of(row.state)).min()?;

    let next_try = inquiry.next_try();
    let mut reasons = Vec::new();
    for row in rows {
        let reason = reason_of(row, next_try);
        reasons.push(match row.plan_id {
            Some(plan) if rows.len() > 1 => format!("test plan {plan}: {reason}"),
            _ => reason,
        });
    }
    let mut explanation = Explanation::of_run(folder, verdict, &reasons.join("; "));

    for row in rows {
        explanation = explanation
            .or_else_do(ways_of(row, next_try))
            .with_details(left_out(row));
        explanation.is_parked |= row.state == SubmissionState::Parked;

        // As it is: it leads to the run by its query.
        explanation.details.extend(row.url.clone());
    }

    // A run is what its log says: its copies have the same answer.
    if let Some(row) = rows.first()
        && !same(Path::new(&row.folder), folder)
    {
        let copy = format!("its run is known from `{}`", row.folder);
        explanation = explanation.with_details([copy]);
    }
    Some(explanation)
}

/// The verdict that a row's state leads to. What is parked waits as well, for a person.
const fn verdict_of(state: SubmissionState) -> FolderVerdict {
    match state {
        SubmissionState::Pending | SubmissionState::Submitting | SubmissionState::Parked => {
            FolderVerdict::Pending
        }
        SubmissionState::Submitted => FolderVerdict::Submitted,
        SubmissionState::Ignored => FolderVerdict::Ignored,
    }
}

fn reason_of(row: &SubmissionSummary, next_try: NextTry) -> String {
    let id = row.id;
    let why = row.error.as_deref();

    match row.state {
        SubmissionState::Pending | SubmissionState::Submitting if next_try == NextTry::Never => {
            let waits = match why {
                Some(why) => format!("run {id} waits: {why}"),
                None => format!("run {id} waits for its turn"),
            };
            format!("{waits}; {}", NextTry::NEVER)
        }

        SubmissionState::Pending => match (why, row.next_attempt) {
            (Some(why), Some(at)) => format!("run {id} waits: {why}; it is tried next at {at}"),
            (Some(why), None) => format!("run {id} waits: {why}"),
            (None, Some(at)) => format!("run {id} waits until {at}"),
            (None, None) => format!("run {id} waits for its turn"),
        },

        SubmissionState::Submitting => match why {
            Some(why) => format!("run {id} is being sent, and waits: {why}"),
            None => format!("run {id} is being sent"),
        },
        SubmissionState::Parked => {
            format!(
                "run {id} needs a person: {}",
                why.unwrap_or("no reason is known")
            )
        }
        SubmissionState::Ignored => why.unwrap_or("no reason is known").to_owned(),
        SubmissionState::Submitted => submitted(row),
    }
}

fn submitted(row: &SubmissionSummary) -> String {
    let by = match row.submitted_by {
        Some(SubmittedBy::Katalon) => "by Katalon, ",
        _ => "",
    };
    match (row.ado_run_id, row.plan_id) {
        (Some(run), Some(plan)) => format!("{by}test run {run} of test plan {plan}"),
        (Some(run), None) => format!("{by}test run {run}"),
        (None, _) => format!("{by}run {}", row.id),
    }
}

/// What a person can do about a row; what submits an ignored one stands in its reason and depends
/// on the folder.
fn ways_of(row: &SubmissionSummary, next_try: NextTry) -> Vec<String> {
    let id = row.id;

    match row.state {
        SubmissionState::Pending | SubmissionState::Submitting if next_try == NextTry::Never => {
            vec!["`kado service start`, or `kado run --once`".to_owned()]
        }
        SubmissionState::Parked => vec![
            format!("`kado runs retry {id}`"),
            format!("`kado runs forget {id}`"),
        ],
        // It goes when the one before it does, whatever is done to it.
        SubmissionState::Pending | SubmissionState::Submitting if row.goes_after.is_some() => {
            Vec::new()
        }
        SubmissionState::Pending | SubmissionState::Submitting if row.error.is_some() => {
            vec![format!("`kado runs retry {id}`")]
        }
        _ => Vec::new(),
    }
}

/// What of a run is not in ADO, and why.
fn left_out(row: &SubmissionSummary) -> Vec<String> {
    let mut lines: Vec<String> = row
        .skipped
        .iter()
        .take(MOST)
        .map(LeftOut::to_string)
        .collect();
    if row.skipped.len() > MOST {
        lines.push(format!(
            "and {} more; `kado runs show {}` shows them",
            row.skipped.len() - MOST,
            row.id
        ));
    }
    lines
}

/// What is remembered of a path, whether or not something is there; `None` when it is nothing.
pub(super) fn explain_path(inquiry: &Inquiry<'_>, folder: &Path) -> Option<Explanation> {
    let rows = inquiry.rows_in(|found| same(found, folder));
    explain_rows(inquiry, folder, &rows)
        .or_else(|| explain_lost(inquiry, |found| same(found, folder)).pop())
        .or_else(|| gone_runs(inquiry, folder))
        .or_else(|| remembered(inquiry, folder))
}

/// A folder that is not there, and of which nothing is remembered.
pub(super) fn explain_nothing(inquiry: &Inquiry<'_>, folder: &Path) -> Explanation {
    let reason = match &inquiry.outbox_fault {
        Some(fault) => {
            format!("there is no such folder, and kado's memory cannot be read: {fault}")
        }
        None => "there is no such folder, and kado knows of none that was there".to_owned(),
    };
    Explanation {
        kind: FolderKind::Other,
        ..Explanation::of_run(folder, FolderVerdict::Unknown, &reason)
    }
}

/// What is known of the runs that lay below a folder that is gone; `None` without any.
fn gone_runs(inquiry: &Inquiry<'_>, folder: &Path) -> Option<Explanation> {
    let rows = inquiry.rows_in(|found| is_in(found, folder));
    let mut folders: Vec<&Path> = rows.iter().map(|row| Path::new(&row.folder)).collect();
    folders.sort_unstable();
    folders.dedup();

    let mut runs = Vec::new();
    for found in folders {
        let of_run = inquiry.rows_in(|other| same(other, found));
        runs.extend(explain_rows(inquiry, found, &of_run));
    }
    runs.extend(explain_lost(inquiry, |found| is_in(found, folder)));
    Explanation::of_runs(folder, kind_by_place(folder), runs)
}

/// What a folder in which runs lie is, by where it lies.
pub(super) fn kind_by_place(folder: &Path) -> FolderKind {
    let mut above = folder.components().rev().skip(1);
    match above.position(|part| is_named(part.as_os_str(), REPORTS)) {
        Some(0) => FolderKind::Session,
        Some(_) => FolderKind::Suite,
        None => FolderKind::Other,
    }
}

/// What the last sweep knew of a run folder that is gone or closed.
fn remembered(inquiry: &Inquiry<'_>, folder: &Path) -> Option<Explanation> {
    let known = inquiry.ask(|store| store.folder_answer(folder)).ok()??;
    let rows = inquiry.rows_with(&known.submissions);
    let explanation = explain_rows(inquiry, folder, &rows)
        .or_else(|| explain_answer(folder, known.answered.answer))?;

    let missed = known
        .gone
        .map(|since| format!("it was missed first at {since}"));
    Some(explanation.with_details(missed))
}

/// What the last sweep made of a run folder without rows; `None` where it has to have some.
fn explain_answer(folder: &Path, answer: FolderAnswer) -> Option<Explanation> {
    let (verdict, reason) = match answer {
        FolderAnswer::Older { ended } => return Some(explain_older(folder, ended)),
        FolderAnswer::Unread { reason } => (FolderVerdict::Unread, reason),
        FolderAnswer::Running => (FolderVerdict::Running, "its suite runs".to_owned()),
        FolderAnswer::Waiting { reason } => (FolderVerdict::Pending, reason),
        FolderAnswer::Recorded => return None,
    };
    Some(Explanation::of_run(folder, verdict, &reason))
}

/// A run that ended then, before the history.
pub(super) fn explain_older(folder: &Path, ended: Moment) -> Explanation {
    let reason = format!(
        "its run ended at {ended}, before the history begins; `history = \"all\"` or an earlier \
         instant submits such runs"
    );
    Explanation::of_run(folder, FolderVerdict::Ignored, &reason)
}
