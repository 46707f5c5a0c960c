//! One submission in words, as `submit`, `runs retry` and `exec` print it.

use crate::cli::terminal::{Piece, Screen, Terminal, Tone};
use crate::outbox::lock::NextTry;
use crate::outbox::submission::{SubmissionState, SubmissionSummary, SubmittedBy};
use crate::overview::WHERE_TO_LOOK;
use crate::plural::counted;

/// How far in stands what belongs to a submission.
const INDENT: usize = 4;

/// Prints what became of submissions, each with what was left out, and where a person finds them.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn print_all(
    rows: &[SubmissionSummary],
    next_try: NextTry,
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    for line in lines(rows, next_try, out.terminal()) {
        out.line(INDENT, &line)?;
    }
    Ok(())
}

/// The same for whoever says where a person finds them as well, and named none of them: a parked
/// one with its id and what to do with it.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn print_each(rows: &[SubmissionSummary], out: &mut Screen<'_>) -> std::io::Result<()> {
    for row in rows {
        // A single pass lists nothing that waits, so who tries it next does not matter.
        for line in lines_of(row, NextTry::AsNoted, out.terminal()) {
            out.line(INDENT, &line)?;
        }

        if row.state == SubmissionState::Parked {
            let id = row.id;
            let text = format!(
                "run {id}: `kado runs show {id}` shows all of it, `kado runs retry {id}` submits it \
                 when that is mended"
            );
            out.line(INDENT, &[indented(), Piece::new(text)])?;
        }
    }
    Ok(())
}

/// The same as lines of pieces, for whoever writes something before each.
pub(super) fn lines(
    rows: &[SubmissionSummary],
    next_try: NextTry,
    terminal: &Terminal,
) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    for row in rows {
        lines.extend(lines_of(row, next_try, terminal));
    }

    if rows.iter().any(SubmissionSummary::is_made_by_kado) {
        lines.push(vec![WHERE_TO_LOOK.into()]);
    }
    lines
}

/// Whether a run is ignored as a whole: of several test plans those without a point of it are
/// ignored, and nothing is missing then.
pub(super) fn is_ignored(row: &SubmissionSummary, all: &[SubmissionSummary]) -> bool {
    all.iter()
        .filter(|other| is_same_run(other, row))
        .all(|other| other.state == SubmissionState::Ignored)
}

fn is_same_run(one: &SubmissionSummary, other: &SubmissionSummary) -> bool {
    // A summary holds no identity, but these three are alike in all submissions of one run.
    one.suite == other.suite && one.started == other.started && one.folder == other.folder
}

fn lines_of(row: &SubmissionSummary, next_try: NextTry, terminal: &Terminal) -> Vec<Vec<Piece>> {
    let suite = &row.suite;
    let whose = match (row.plan_id, &row.wanted_plan) {
        (Some(plan), _) => format!("{suite} (test plan {plan}): "),
        (None, Some(wanted)) => format!("{suite} (test plan `{wanted}`): "),
        (None, None) => format!("{suite}: "),
    };

    let mut first = vec![Piece::new(whose)];
    first.extend(outcome(row, terminal));
    let mut lines = vec![first];
    if row.is_waiting() && row.error.is_some() && next_try == NextTry::Never {
        let id = row.id;
        let text = format!(
            "no service runs, so nothing is tried again by itself: `kado runs retry {id}` tries it"
        );
        lines.push(vec![indented(), Piece::new(text)]);
    }

    // Also of one that waits or is parked: its run may have been made.
    if let Some(url) = &row.url {
        let url = Piece::new(url).at(Some(url));
        lines.push(vec![indented(), url]);
    }
    for left_out in &row.skipped {
        let text = Piece::new(left_out.labelled());
        lines.push(vec![indented(), text]);
    }
    if let Some(recount) = &row.recount {
        for line in recount.lines() {
            let text = Piece::new(format!("not as sent: {line}"));
            lines.push(vec![indented(), text]);
        }
    }
    lines
}

/// What became of a submission.
fn outcome(row: &SubmissionSummary, terminal: &Terminal) -> Vec<Piece> {
    let reason = row.error.as_deref().unwrap_or_default();
    let reason = terminal.times().told_in(reason);

    match row.state {
        SubmissionState::Submitted => submitted(row),
        SubmissionState::Parked => vec![Piece::toned(Tone::Bad, "parked"), because(&reason)],
        SubmissionState::Ignored => vec![Piece::toned(Tone::Quiet, "ignored"), because(&reason)],
        SubmissionState::Pending | SubmissionState::Submitting if row.error.is_some() => {
            vec![Piece::toned(Tone::Open, "waits"), because(&reason)]
        }
        SubmissionState::Pending | SubmissionState::Submitting => vec![Piece::new(format!(
            "is not submitted yet; `kado runs show {}` says what becomes of it",
            row.id
        ))],
    }
}

fn submitted(row: &SubmissionSummary) -> Vec<Piece> {
    let run = row.ado_run_id.unwrap_or_default().to_string();
    let run = Piece::new(run).at(row.url.as_deref());

    // Its counts would be those of kado's own plan, of which nothing was sent.
    if row.submitted_by == Some(SubmittedBy::Katalon) {
        return vec![
            "submitted by Katalon itself as test run ".into(),
            run,
            "; kado sent nothing".into(),
        ];
    }

    let counts = format!(
        " with {} and {}",
        counted(row.results, "result"),
        counted(row.attachments, "attachment")
    );
    vec![
        Piece::toned(Tone::Good, "submitted"),
        if row.into.is_some() {
            " into test run ".into()
        } else {
            " as test run ".into()
        },
        run,
        counts.into(),
    ]
}

fn because(reason: &str) -> Piece {
    Piece::new(format!(": {reason}"))
}

fn indented() -> Piece {
    Piece::new(" ".repeat(INDENT))
}
