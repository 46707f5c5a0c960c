//! What needs a person, each with what mends it; and what somebody may want to know.

use askama::Template;

use crate::overview::{Problem, ProblemKind};
use crate::page::html::shown;
use crate::page::html::time::LocalClock;
use crate::page::seen::Seen;

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
            parked.push(line(problem, clock));
        } else {
            first.push(line(problem, clock));
        }
    }

    let mut folded = parked.split_off(parked.len().min(FIRST_PARKED));
    first.extend(parked);
    let room = MOST.saturating_sub(first.len());
    let left_out = folded.len().saturating_sub(room) + first.len().saturating_sub(MOST);
    folded.truncate(room);
    first.truncate(MOST);

    let notes = &seen.overview.status.notes;
    ProblemsSection {
        first,
        folded,
        left_out,
        notes: notes.iter().map(|note| line(note, clock)).collect(),
    }
}

fn line(problem: &Problem, clock: &LocalClock<'_>) -> ProblemLine {
    ProblemLine {
        text: shown(&clock.told_in(&problem.text)),
        hint: problem.hint.as_deref().map(shown).unwrap_or_default(),
    }
}
