//! The runs, the newest first.

use std::sync::Arc;

use askama::Template;

use crate::measures::UploadMeasures;
use crate::outbox::submission::{SubmissionState, SubmissionSummary, SubmittedBy};
use crate::overview::live_suites::LiveSuite;
use crate::page::html::time::{LocalClock, Time};
use crate::page::html::{Piece, bytes, link, or_dash, shown};
use crate::page::seen::{Buttons, Seen};
use crate::plan::recount::Recount;
use crate::plural::counted;

/// Runs that the first page lists; `kado runs` lists all.
const MOST: usize = 500;

/// The section.
#[derive(Template)]
#[template(path = "runs.html", config = "src/page/askama.toml")]
pub(super) struct Runs {
    live: Vec<LiveRow>,
    runs: Vec<RunRow>,
    all: usize,
    buttons: bool,
}

/// A suite with a live run.
struct LiveRow {
    suite: String,
    in_words: String,
    link: Option<String>,
}

/// A run in the list.
pub(super) struct RunRow {
    pub(super) id: i64,
    pub(super) state: String,
    pub(super) class: &'static str,
    pub(super) suite: String,
    project: String,
    plan: String,
    passed: usize,
    failed: usize,
    other: usize,
    files: String,
    /// The files that are being sent just now.
    uploads: Vec<String>,
    left_out: usize,
    ended: Piece,
    /// Which attempt it is, and when the next one is; only while it waits.
    attempt: String,
    next_attempt: Option<Time>,
    needs_person: bool,
    /// Whether there is a line below it.
    has_more: bool,
    pub(super) reason: String,
    pub(super) link: Option<String>,
    pub(super) ado_run: String,
    /// Whether a person can have it tried again, or given up.
    pub(super) is_open: bool,
}

pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> Runs {
    let rows = &seen.overview.rows;
    let live = &seen.overview.status.live;
    Runs {
        live: live.iter().map(live_row).collect(),
        runs: rows
            .iter()
            .take(MOST)
            .map(|row| run_row(row, &seen.service.uploads, clock))
            .collect(),
        all: rows.len(),
        buttons: seen.buttons == Buttons::WithToken,
    }
}

fn live_row(live: &LiveSuite) -> LiveRow {
    LiveRow {
        suite: shown(&format!("{} ({})", live.suite, live.project)),
        in_words: shown(&live.to_string()),
        link: link(live.url.as_deref()),
    }
}

/// A run as the list shows it.
pub(super) fn run_row(
    row: &SubmissionSummary,
    uploads: &[Arc<UploadMeasures>],
    clock: &LocalClock<'_>,
) -> RunRow {
    let is_different = row.recount.as_ref().is_some_and(Recount::is_different);
    let class = match row.state {
        SubmissionState::Submitted if is_different => "bad",
        SubmissionState::Submitted => "good",
        SubmissionState::Parked => "bad",
        SubmissionState::Pending | SubmissionState::Submitting => "busy",
        SubmissionState::Ignored => "still",
    };
    let state = match row.submitted_by {
        Some(SubmittedBy::Katalon) => format!("{} (Katalon)", row.state.word()),
        Some(SubmittedBy::Kado) | None => row.state.word().to_owned(),
    };
    let is_waiting = matches!(
        row.state,
        SubmissionState::Pending | SubmissionState::Submitting
    );

    let of_run = uploads.iter().filter(|file| file.submission == row.id);
    let uploads: Vec<String> = of_run.map(|file| upload(file)).collect();
    let needs_person = row.state == SubmissionState::Parked;
    let remark = row.remark();
    let has_more = remark.is_some() || is_waiting || needs_person || !uploads.is_empty();
    RunRow {
        id: row.id,
        state,
        class,
        suite: shown(&row.suite),
        project: shown(&row.project),
        plan: plan(row),
        passed: row.outcomes.passed,
        failed: row.outcomes.failed,
        other: row.outcomes.other,
        files: match row.files_settled {
            Some(settled) => format!("{settled} of {}", row.attachments),
            None => row.attachments.to_string(),
        },
        uploads,
        left_out: row.left_out(),
        ended: clock.minute(row.ended),
        attempt: match row.attempts {
            attempts if is_waiting && attempts > 0 => {
                format!("{} in vain.", counted(attempts, "attempt"))
            }
            _ => String::new(),
        },
        next_attempt: row
            .next_attempt
            .filter(|_| is_waiting)
            .map(|at| clock.time(at)),
        needs_person,
        has_more,
        reason: remark.as_deref().map(shown).unwrap_or_default(),
        link: link(row.url.as_deref()),
        ado_run: match (row.ado_run_id, row.into) {
            (Some(run), Some(_)) => format!("{run}, which was there,"),
            (run, _) => or_dash(run),
        },
        is_open: is_waiting || needs_person,
    }
}

/// A file that is being sent.
fn upload(file: &UploadMeasures) -> String {
    let sent = bytes(file.sent());
    shown(&format!("{}: {sent} of {}", file.name, bytes(file.size)))
}

/// The test plan, or what the settings say of it as long as nobody asked ADO.
pub(super) fn plan(row: &SubmissionSummary) -> String {
    or_dash(
        row.plan_id
            .map(|plan| plan.to_string())
            .or_else(|| row.wanted_plan.clone()),
    )
}
