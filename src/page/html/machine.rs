//! The machine, its configuration, and what the service said last that somebody should know.

use askama::Template;

use crate::overview::ProblemKind;
use crate::page::html::time::{LocalClock, Time};
use crate::page::html::{Fact, Piece, bytes, fact, shown, time_fact};
use crate::page::seen::Seen;
use crate::plural::{counted, span};

/// The machine.
#[derive(Template)]
#[template(path = "machine.html", config = "src/page/askama.toml")]
pub(super) struct Machine {
    facts: Vec<Fact>,
    /// What of the watched folders is not seen, and the command that mends it.
    closed: Vec<(String, String)>,
}

/// `kado.toml`.
#[derive(Template)]
#[template(path = "configuration.html", config = "src/page/askama.toml")]
pub(super) struct Configuration {
    facts: Vec<Fact>,
    warnings: Vec<String>,
}

/// The last warnings.
#[derive(Template)]
#[template(path = "warnings.html", config = "src/page/askama.toml")]
pub(super) struct Warnings {
    warnings: Vec<WarningRow>,
}

struct WarningRow {
    at: Time,
    class: &'static str,
    level: &'static str,
    text: String,
}

pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> Machine {
    let overview = &seen.overview;
    let status = &overview.status;
    let problems = status.problems.iter();
    let is_polled = problems
        .clone()
        .any(|problem| problem.kind == ProblemKind::Polled);
    let closed = problems
        .filter(|problem| problem.kind == ProblemKind::Folder)
        .map(|problem| {
            let hint = problem.hint.as_deref().map(shown).unwrap_or_default();
            (shown(&problem.text), hint)
        });

    let sweep = seen.service.last_sweep.as_ref();
    Machine {
        closed: closed.collect(),
        facts: vec![
            fact("Machine", Some(&status.host)),
            fact("Version", Some(&status.version)),
            fact("Account", status.account.as_ref()),
            fact("Up for", status.uptime_s.map(span)),
            fact(
                "Folders are",
                Some(if is_polled {
                    "polled, so runs are found later"
                } else {
                    "watched by events"
                }),
            ),
            fact("Run folders", overview.run_folders.as_ref()),
            time_fact("Last run seen", status.last_run_seen, clock),
            time_fact("Last sweep", sweep.map(|sweep| sweep.ended), clock),
            fact(
                "It found",
                sweep.map(|sweep| {
                    let projects = counted(sweep.projects.len(), "project");
                    format!("{projects} in {} ms", sweep.took.as_millis())
                }),
            ),
            fact(
                "Spool",
                seen.room
                    .spool
                    .map(|used| format!("{} of {}", bytes(used), bytes(seen.config.spool_limit))),
            ),
            fact("Free on its disk", overview.free.map(bytes)),
            fact("Database", seen.room.database.map(bytes)),
        ],
    }
}

pub(super) fn configuration(seen: &Seen) -> Configuration {
    let config = &seen.config;
    let folders: Vec<String> = config
        .watch
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();

    let mut facts = vec![
        fact("File", config.file.as_ref().map(|file| file.display())),
        fact("Watches", Some(folders.join(", "))),
        fact("State folder", Some(config.state_dir.display())),
    ];
    for project in &config.projects {
        facts.push(fact("Own table for", Some(project.path.display())));
    }
    facts.retain(|fact| fact.value != Piece::Unknown);

    Configuration {
        facts,
        warnings: config.warnings.iter().map(|text| shown(text)).collect(),
    }
}

/// The newest first.
pub(super) fn warnings(seen: &Seen, clock: &LocalClock<'_>) -> Warnings {
    let newest_first = seen.service.warnings.iter().rev();
    Warnings {
        warnings: newest_first
            .map(|warning| WarningRow {
                at: clock.time(warning.at),
                class: if warning.level == "error" {
                    "bad"
                } else {
                    "busy"
                },
                level: warning.level,
                text: shown(&warning.text),
            })
            .collect(),
    }
}
