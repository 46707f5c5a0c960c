//! A report for people: first the machine, then one project after the other; a line for each check,
//! and one for all mapped ids of a project that have the same finding.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::check::{Check, Report, Shared, Verdict};
use crate::cli::table::plain;
use crate::plural::{counted, form};

/// Most ids of one finding that are shown with their test cases.
const SHOWN_LINES: usize = 10;
/// Most ids that are named where all is well with them.
const SHOWN_IDS: usize = 10;

/// Writes the report.
pub(super) fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut project = &None;
    for block in blocks(&report.checks) {
        // A project begins with the line that has its folder and name.
        if block[0].project != *project {
            project = &block[0].project;
            writeln!(out)?;
        }

        match &block[..] {
            [only] => single(only, out)?,
            several => together(several, out)?,
        }

        // All checks of a block have the same hint.
        if let Some(hint) = &block[0].hint {
            writeln!(out, "       → {}", plain(hint))?;
        }
    }

    writeln!(out, "\n{}", summary(report))
}

/// The last line: how many are wrong, how many were not looked at, and where several projects were
/// looked at, how many of them have problems.
fn summary(report: &Report) -> String {
    let wrong = report.count(Verdict::Wrong);
    let not_looked_at = report.count(Verdict::NotLookedAt);
    let looked_at = report.checks.len() - not_looked_at;

    let mut summary = match (wrong, not_looked_at) {
        (0, 0) => return "All is well.".to_owned(),
        (0, _) => "Nothing is wrong in what was looked at.".to_owned(),
        _ => format!("{wrong} of {looked_at} checks failed."),
    };

    if not_looked_at > 0 {
        let was = form(not_looked_at, "was", "were");
        let things = counted(not_looked_at, "thing");
        summary.push_str(&format!(" {things} {was} not looked at."));
    }
    if wrong > 0 {
        summary.push_str(&projects_with_problems(report));
    }
    summary
}

/// How many of several projects have problems, as a sentence; nothing for one project alone.
fn projects_with_problems(report: &Report) -> String {
    let mut projects = BTreeSet::new();
    let mut with_problems = BTreeSet::new();
    for check in &report.checks {
        let Some(project) = &check.project else {
            continue;
        };
        projects.insert(project);
        if check.verdict == Verdict::Wrong {
            with_problems.insert(project);
        }
    }

    if projects.len() < 2 {
        return String::new();
    }
    let count = with_problems.len();
    format!(
        " {count} of {} projects {} problems.",
        projects.len(),
        form(count, "has", "have")
    )
}

/// Checks that found the same, each block where its first check stands.
fn blocks(checks: &[Check]) -> Vec<Vec<&Check>> {
    let mut blocks: Vec<Vec<&Check>> = Vec::new();
    for check in checks {
        match blocks
            .iter_mut()
            .find(|block| found_the_same(block[0], check))
        {
            Some(block) => block.push(check),
            None => blocks.push(vec![check]),
        }
    }
    blocks
}

fn found_the_same(one: &Check, other: &Check) -> bool {
    // Only mapped ids are shown together: equal words about other things are two findings.
    match (&one.shared, &other.shared) {
        (Some(shared), Some(of_other)) => {
            shared.finding == of_other.finding
                && one.verdict == other.verdict
                && one.hint == other.hint
                && one.project == other.project
        }
        _ => false,
    }
}

const fn mark(check: &Check) -> &'static str {
    match check.verdict {
        Verdict::Fine => "ok   ",
        Verdict::Wrong => "WRONG",
        Verdict::NotLookedAt => "?    ",
    }
}

fn single(check: &Check, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = check.detail.lines();
    writeln!(
        out,
        "{}  {}: {}",
        mark(check),
        plain(&check.name),
        plain(lines.next().unwrap_or_default())
    )?;

    // Katalon's own message stands on a line of its own, so that it can be searched for.
    for line in lines {
        writeln!(out, "         {}", plain(line))?;
    }
    Ok(())
}

fn together(checks: &[&Check], out: &mut dyn Write) -> io::Result<()> {
    let shared: Vec<&Shared> = checks
        .iter()
        .filter_map(|check| check.shared.as_ref())
        .collect();
    let first = checks[0];
    let count = shared.len();
    let finding = plain(&shared[0].finding);

    // Of ids that are as they should be the numbers are enough.
    if first.ok && first.hint.is_none() {
        let ids: Vec<String> = shared
            .iter()
            .take(SHOWN_IDS)
            .map(|shared| plain(&shared.id))
            .collect();
        let more = match count.saturating_sub(SHOWN_IDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };

        return writeln!(
            out,
            "{}  {count} ids: {finding}: {}{more}",
            mark(first),
            ids.join(", ")
        );
    }

    writeln!(out, "{}  {count} ids: {finding}", mark(first))?;
    for shared in shared.iter().take(SHOWN_LINES) {
        let id = plain(&shared.id);
        writeln!(out, "         {id}  {}", plain(&shared.about))?;
    }

    if count > SHOWN_LINES {
        let more = count - SHOWN_LINES;
        writeln!(
            out,
            "         … and {more} more, which `kado check --json` names"
        )?;
    }

    Ok(())
}
