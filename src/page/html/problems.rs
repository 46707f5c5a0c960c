//! What needs a person, each with what mends it; and what somebody may want to know.

use askama::Template;

use crate::outbox::store::{DoubleSubmission, OlderRuns};
use crate::overview::{Problem, ProblemKind};
use crate::page::html::shown;
use crate::page::html::time::LocalClock;
use crate::page::seen::Seen;
use crate::plural::{counted, form};

/// Parked runs that are listed before the rest is folded away.
const FIRST_PARKED: usize = 5;
/// Problems that are listed at all.
const MOST: usize = 200;

/// The list.
#[derive(Template)]
#[template(path = "problems.html", config = "src/page/askama.toml")]
pub(super) struct ProblemsSection {
    first: Vec<ProblemLine>,
    folded: Vec<ProblemLine>,
    /// How many more there are.
    left_out: usize,
    notes: Vec<ProblemLine>,
}

/// Something, and what mends it.
struct ProblemLine {
    text: String,
    hint: String,
}

pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> ProblemsSection {
    let mut first = Vec::new();
    let mut parked = Vec::new();
    for problem in &seen.overview.status.problems {
        if problem.kind == ProblemKind::Parked {
            parked.push(line(problem));
        } else {
            first.push(line(problem));
        }
    }

    let mut folded = parked.split_off(parked.len().min(FIRST_PARKED));
    first.extend(parked);
    let room = MOST.saturating_sub(first.len());
    let left_out = folded.len().saturating_sub(room) + first.len().saturating_sub(MOST);
    folded.truncate(room);
    first.truncate(MOST);

    let mut notes: Vec<ProblemLine> = seen.overview.status.notes.iter().map(line).collect();
    notes.extend(seen.overview.older_runs.iter().map(older));
    notes.extend(doubles(&seen.overview.doubles, clock));
    ProblemsSection {
        first,
        folded,
        left_out,
        notes,
    }
}

fn line(problem: &Problem) -> ProblemLine {
    ProblemLine {
        text: shown(&problem.text),
        hint: problem.hint.as_deref().map(shown).unwrap_or_default(),
    }
}

/// Runs that were there before kado was.
fn older(runs: &OlderRuns) -> ProblemLine {
    let text = format!(
        "{} of `{}` {} older than the history and {} left alone; the newest is of {}",
        counted(runs.count, "run"),
        runs.project,
        form(runs.count, "is", "are"),
        form(runs.count, "is", "are"),
        runs.suite.as_deref().unwrap_or("a suite that is not known"),
    );
    let hint = format!(
        "`history = \"all\"` or an earlier instant in kado.toml submits them, `kado submit \
         \"{}\"` the newest alone",
        runs.newest
    );

    ProblemLine {
        text: shown(&text),
        hint: shown(&hint),
    }
}

/// Runs that both submitted, the newest first.
fn doubles(doubles: &[DoubleSubmission], clock: &LocalClock<'_>) -> Option<ProblemLine> {
    let newest = doubles.first()?;
    let text = format!(
        "Katalon submits as well: {} of the last seven days arrived twice, the newest {} ago: test \
         run {} by kado, {} by Katalon (run {})",
        counted(doubles.len(), "run"),
        clock.ago(newest.at),
        newest.ado_run_id,
        newest.katalon_run,
        newest.submission
    );
    let hint = "a longer `submit.katalon_wait` in kado.toml lets Katalon be first, or switch \
                automatic submission off in Katalon; kado deletes no test run";

    Some(ProblemLine {
        text: shown(&text),
        hint: hint.to_owned(),
    })
}
