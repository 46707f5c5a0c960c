//! A report for people: first the machine, then one project after the other, those with problems
//! first; in each the problems first. A line for each check, and one for all mapped ids of a
//! project that have the same finding.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use crate::check::{Check, Report, Shared, Verdict};
use crate::cli::terminal::{Piece, Screen, Tone};
use crate::plural::{counted, form};

/// Most ids of one finding that are shown with their test cases.
const SHOWN_LINES: usize = 10;
/// Most ids that are named where all is well with them.
const SHOWN_IDS: usize = 10;
/// Columns of a mark with what stands behind it.
const MARKS: usize = 7;
/// Columns before what belongs to a check.
const INDENT: usize = 9;

/// Which checks are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    All,
    /// Those that are not known to be as they should be.
    Problems,
}

/// The checks of the machine, or of one project.
struct Group<'a> {
    /// The project's folder; `None` for the machine.
    project: Option<&'a str>,
    blocks: Vec<Vec<&'a Check>>,
}

/// Writes the report.
pub(super) fn print(report: &Report, shown: Shown, out: &mut Screen<'_>) -> io::Result<()> {
    let mut has_begun = false;
    for group in groups(&report.checks) {
        let blocks: Vec<&Vec<&Check>> = group
            .blocks
            .iter()
            .filter(|block| shown == Shown::All || is_problem(block[0]))
            .collect();
        if blocks.is_empty() {
            continue;
        }

        if has_begun {
            writeln!(out)?;
        }
        has_begun = true;
        if let Some(project) = group.project {
            out.line(0, &[Piece::toned(Tone::Title, project)])?;
        }
        for block in blocks {
            print_block(block, out)?;
        }
    }

    if has_begun {
        writeln!(out)?;
    }
    out.sentence(0, &summary(report))
}

fn print_block(block: &[&Check], out: &mut Screen<'_>) -> io::Result<()> {
    match block {
        [only] => single(only, out)?,
        several => together(several, out)?,
    }

    // All checks of a block have the same hint.
    match &block[0].hint {
        Some(hint) => out.sentence(INDENT, &format!("       → {hint}")),
        None => Ok(()),
    }
}

/// The checks by what they belong to, the machine first, then projects that have problems.
fn groups(checks: &[Check]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for block in blocks(checks) {
        let project = block[0].project.as_deref();
        match groups.iter_mut().find(|group| group.project == project) {
            Some(group) => group.blocks.push(block),
            None => groups.push(Group {
                project,
                blocks: vec![block],
            }),
        }
    }

    // What is wrong with the machine explains what is wrong with projects. Sorting keeps the order
    // of equals.
    for group in &mut groups {
        group.blocks.sort_by_key(|block| !is_bad(block[0]));
    }
    groups.sort_by_key(|group| {
        let is_well = !group.blocks.iter().any(|block| is_bad(block[0]));
        (group.project.is_some(), is_well)
    });
    groups
}

/// Whether it keeps something from being submitted.
const fn is_bad(check: &Check) -> bool {
    matches!(check.verdict, Verdict::Wrong | Verdict::Off)
}

/// Whether it is not known to be as it should be.
const fn is_problem(check: &Check) -> bool {
    is_bad(check) || matches!(check.verdict, Verdict::NotLookedAt)
}

/// The last line: how many are wrong, how many were not looked at, what is off, and where several
/// projects were looked at, how many of them have problems.
fn summary(report: &Report) -> String {
    let wrong = report.count(Verdict::Wrong);
    let not_looked_at = report.count(Verdict::NotLookedAt);
    let off = report.count(Verdict::Off);
    let looked_at = report.checks.len() - not_looked_at;

    let mut summary = match (wrong, not_looked_at + off) {
        (0, 0) => return "All is well.".to_owned(),
        (0, _) => "Nothing is wrong in what was looked at.".to_owned(),
        _ => format!("{wrong} of {looked_at} checks failed."),
    };

    if not_looked_at > 0 {
        let was = form(not_looked_at, "was", "were");
        let things = counted(not_looked_at, "thing");
        summary.push_str(&format!(" {things} {was} not looked at."));
    }
    summary.push_str(&switched_off(report));
    if wrong > 0 {
        summary.push_str(&projects_with_problems(report));
    }
    summary
}

/// What is off, as a sentence; nothing where nothing is. What switches it on stands at its check.
fn switched_off(report: &Report) -> String {
    let mut off = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Off);

    match (off.next(), off.count()) {
        (None, _) => String::new(),
        (Some(only), 0) => format!(" The {} is off.", only.name),
        (Some(_), more) => format!(" {} things are off.", more + 1),
    }
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

fn mark(check: &Check) -> Piece {
    let (tone, word) = match check.verdict {
        Verdict::Fine => (Tone::Good, "ok"),
        Verdict::Note => (Tone::Open, "note"),
        Verdict::Off => (Tone::Bad, "off"),
        Verdict::Wrong => (Tone::Bad, "WRONG"),
        Verdict::NotLookedAt => (Tone::Open, "?"),
    };
    Piece::toned(tone, format!("{word:<MARKS$}"))
}

fn single(check: &Check, out: &mut Screen<'_>) -> io::Result<()> {
    let mut lines = check.detail.lines();
    let name = name(check);
    let detail = lines.next().unwrap_or_default();
    let detail = out.terminal().times().told_in(detail);
    out.line(INDENT, &[mark(check), format!("{name}: {detail}").into()])?;

    // Katalon's own message stands on a line of its own, so that it can be searched for.
    for line in lines {
        out.line(INDENT, &[format!("{:INDENT$}{line}", "").into()])?;
    }
    Ok(())
}

/// What was looked at, without the folder that stands above the checks of a project.
fn name(check: &Check) -> &str {
    let folder = check.project.as_deref().unwrap_or_default();
    let name = check.name.strip_suffix(folder).map(str::trim_end);
    name.filter(|name| !name.is_empty()).unwrap_or(&check.name)
}

fn together(checks: &[&Check], out: &mut Screen<'_>) -> io::Result<()> {
    let shared: Vec<&Shared> = checks
        .iter()
        .filter_map(|check| check.shared.as_ref())
        .collect();
    let first = checks[0];
    let count = shared.len();
    let finding = &shared[0].finding;

    // Of ids that are as they should be the numbers are enough.
    if first.verdict == Verdict::Fine {
        let ids: Vec<&str> = shared
            .iter()
            .take(SHOWN_IDS)
            .map(|shared| shared.id.as_str())
            .collect();
        let more = match count.saturating_sub(SHOWN_IDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };

        let ids = ids.join(", ");
        let text = format!("{count} ids: {finding}: {ids}{more}");
        return out.line(INDENT, &[mark(first), text.into()]);
    }

    out.line(
        INDENT,
        &[mark(first), format!("{count} ids: {finding}").into()],
    )?;
    for shared in shared.iter().take(SHOWN_LINES) {
        let text = format!("{:INDENT$}{}  {}", "", shared.id, shared.about);
        out.line(INDENT + 4, &[text.into()])?;
    }

    if count > SHOWN_LINES {
        let more = count - SHOWN_LINES;
        let text = format!(
            "{:INDENT$}… and {more} more, which `kado check --json` names",
            ""
        );
        out.sentence(INDENT, &text)?;
    }

    Ok(())
}
