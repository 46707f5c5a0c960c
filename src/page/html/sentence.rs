//! The first sentence, and the numbers below it: what needs somebody before what waits, that before
//! what is on its way.

use std::time::Duration;

use askama::Template;

use crate::outbox::submission::SubmissionState;
use crate::overview::{Overview, Problem, ProblemKind};
use crate::page::html::time::LocalClock;
use crate::page::html::{Fact, Level, fact, shown};
use crate::page::seen::Seen;
use crate::plural::{counted, form};

/// Characters of a reason in the sentence; the list of problems has all of it.
const LONGEST: usize = 180;
/// Kinds of problems that are told below the sentence; the list has all.
const NEXT: usize = 2;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How things stand.
#[derive(Template)]
#[template(path = "sentence.html", config = "src/page/askama.toml")]
pub(super) struct Sentence {
    level: &'static str,
    pub(super) text: String,
    /// What else there is that needs somebody.
    more: Vec<String>,
}

/// The numbers.
#[derive(Template)]
#[template(path = "counters.html", config = "src/page/askama.toml")]
pub(super) struct Counters {
    facts: Vec<Fact>,
}

/// How things stand in one sentence.
pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> Sentence {
    let overview = &seen.overview;
    let mut worst_first = worst_of_each_kind(overview).into_iter();
    let (level, text) = match worst_first.next() {
        Some(problem) => (Level::Bad, in_words(problem, overview, clock)),
        None => without_problems(seen, clock),
    };

    let mut more = Vec::new();
    for problem in worst_first.by_ref().take(NEXT) {
        let text = in_words(problem, overview, clock);
        more.push(ended(shortened(&shown(&text))));
    }
    match worst_first.len() {
        0 => {}
        others => more.push(format!(
            "{} more below.",
            counted(others, "kind of problem")
        )),
    }
    Sentence {
        level: level.class(),
        text: ended(shortened(&shown(&text))),
        more,
    }
}

/// Where a kind of problem stands among others: what hinders everything comes first, and what needs
/// somebody before what waits.
const fn rank(kind: ProblemKind) -> u8 {
    match kind {
        ProblemKind::Disk => 0,
        ProblemKind::Outbox => 1,
        ProblemKind::Credentials => 2,
        ProblemKind::Folder => 3,
        ProblemKind::Service => 4,

        ProblemKind::Live => 5,
        ProblemKind::Parked => 6,
        ProblemKind::Member => 7,

        ProblemKind::Waiting => 8,
        ProblemKind::Silence => 9,
        ProblemKind::Notification => 10,
        ProblemKind::Polled => 11,

        ProblemKind::Different => 12,
        ProblemKind::Double => 13,
        ProblemKind::Lost => 14,
        ProblemKind::Exec => 15,
        ProblemKind::Older => 16,
        ProblemKind::Unreadable => 17,
    }
}

/// The first problem of each kind that there is, the worst kind first.
fn worst_of_each_kind(overview: &Overview) -> Vec<&Problem> {
    let mut of_kinds: Vec<&Problem> = Vec::new();
    for problem in &overview.status.problems {
        if !of_kinds.iter().any(|known| known.kind == problem.kind) {
            of_kinds.push(problem);
        }
    }
    of_kinds.sort_by_key(|problem| rank(problem.kind));
    of_kinds
}

/// The problem in few words.
fn in_words(problem: &Problem, overview: &Overview, clock: &LocalClock<'_>) -> String {
    let alike = overview
        .status
        .problems
        .iter()
        .filter(|other| other.kind == problem.kind)
        .count();

    match (problem.kind, overview.without_token.first()) {
        (ProblemKind::Credentials, Some(server)) if server.waiting > 0 => {
            let since = match server.since {
                Some(since) => format!(" since {}", clock.in_sentence(since)),
                None => String::new(),
            };
            format!(
                "{} {}: there is no usable token for {}{since}",
                counted(server.waiting, "run"),
                form(server.waiting, "waits", "wait"),
                server.server
            )
        }

        (ProblemKind::Parked, _) => {
            format!(
                "{} {} you",
                counted(alike, "run"),
                form(alike, "needs", "need")
            )
        }
        (ProblemKind::Folder, _) if alike > 1 => {
            format!(
                "Runs are missed: {} below the watched ones are not seen",
                counted(alike, "folder")
            )
        }
        _ => capitalized(&clock.told_in(&problem.text)),
    }
}

/// How things stand where nobody is needed.
fn without_problems(seen: &Seen, clock: &LocalClock<'_>) -> (Level, String) {
    let status = &seen.overview.status;
    let (Some(pending), Some(submitting)) = (status.pending, status.submitting) else {
        return (Level::Bad, "Nothing is known of the runs".to_owned());
    };

    let waiting = pending + submitting;
    if waiting > 0 {
        let is = form(waiting, "is", "are");
        let text = format!("{} {is} on the way", counted(waiting, "run"));
        return (Level::Busy, text);
    }
    // Runs from before kado are as they should be on most machines.
    let mut notes = status.notes.iter();
    if let Some(note) = notes.find(|note| note.kind != ProblemKind::Older) {
        let text = match (note.kind, note.about.runs) {
            (ProblemKind::Double, runs) => {
                let runs = counted(runs, "run");
                format!("Katalon submits as well: {runs} arrived twice")
            }
            _ => capitalized(&clock.told_in(&note.text)),
        };
        return (Level::Busy, text);
    }

    let older: usize = status.notes.iter().map(|note| note.about.runs).sum();
    match status.last_success {
        Some(last) => {
            let ago = clock.ago(last);
            (
                Level::Good,
                format!("All sent. The last run arrived {ago} ago"),
            )
        }
        None if older > 0 => {
            let text = format!(
                "All well. No run was sent yet, and {} from before kado {} left",
                counted(older, "run"),
                form(older, "is", "are")
            );
            (Level::Good, text)
        }
        None => (Level::Good, "All well. No run was sent yet".to_owned()),
    }
}

/// What waits and what was done.
pub(super) fn counters(seen: &Seen, clock: &LocalClock<'_>) -> Counters {
    let status = &seen.overview.status;
    let day_ago = clock.now().minus(DAY);
    let of_a_day = seen
        .overview
        .rows
        .iter()
        .filter(|row| row.state == SubmissionState::Submitted)
        .filter(|row| row.ended.is_some_and(|ended| ended >= day_ago))
        .count();

    // That nothing waits is known where the outbox can be read.
    let oldest = match status.oldest_pending {
        Some(since) => Some(clock.ago(since)),
        None => status.pending.map(|_| "–".to_owned()),
    };

    Counters {
        facts: vec![
            fact("Waiting", status.pending),
            fact("Sending", status.submitting),
            fact("Need a person", status.parked),
            fact("Sent in 24 hours", Some(of_a_day)),
            fact("Oldest waits for", oldest),
        ],
    }
}

/// No longer than a glance takes.
fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST).collect();
    // At a word, where there is one.
    let kept = kept.rsplit_once(' ').map_or(&*kept, |(words, _)| words);
    format!("{kept} …")
}

fn ended(text: String) -> String {
    if text.ends_with(['.', '…']) {
        text
    } else {
        format!("{text}.")
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
