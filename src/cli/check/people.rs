//! A report for people: a line for each check, and one for all mapped ids that have the same
//! finding.

use std::io::{self, Write};

use crate::check::{Check, Report, Shared};
use crate::cli::table::plain;

/// Most ids of one finding that are told with their test cases.
const LINES: usize = 10;
/// Most ids that are named where all is well with them.
const NAMES: usize = 10;

/// Writes the report.
pub(super) fn tell(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for block in blocks(&report.checks) {
        match &block[..] {
            [only] => single(only, out)?,
            several => together(several, out)?,
        }
        if let Some(hint) = &block[0].hint {
            writeln!(out, "       → {}", plain(hint))?;
        }
    }
    let wrong = report.checks.iter().filter(|check| !check.ok).count();
    if wrong == 0 {
        writeln!(out, "\nAll is well.")
    } else {
        writeln!(out, "\n{wrong} of {} checks failed.", report.checks.len())
    }
}

/// Checks that found the same, each at the place of the first one.
fn blocks(checks: &[Check]) -> Vec<Vec<&Check>> {
    let mut blocks: Vec<Vec<&Check>> = Vec::new();
    let finding = |check: &Check| check.shared.as_ref().map(|shared| shared.finding.clone());
    for check in checks {
        let same = |block: &&mut Vec<&Check>| {
            let first = block[0];
            check.shared.is_some()
                && (first.ok, finding(first), &first.hint)
                    == (check.ok, finding(check), &check.hint)
        };
        match blocks.iter_mut().find(same) {
            Some(block) => block.push(check),
            None => blocks.push(vec![check]),
        }
    }
    blocks
}

fn mark(check: &Check) -> &'static str {
    if check.ok { "ok   " } else { "WRONG" }
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
    lines.try_for_each(|line| writeln!(out, "         {}", plain(line)))
}

/// Of ids that are as they should be the numbers are enough.
fn together(checks: &[&Check], out: &mut dyn Write) -> io::Result<()> {
    let shared: Vec<&Shared> = checks
        .iter()
        .filter_map(|check| check.shared.as_ref())
        .collect();
    let (first, count) = (checks[0], checks.len());
    let finding = plain(&shared[0].finding);
    if first.ok && first.hint.is_none() {
        let names: Vec<_> = shared
            .iter()
            .take(NAMES)
            .map(|shared| plain(&shared.id))
            .collect();
        let more = if count > NAMES {
            format!(" and {} more", count - NAMES)
        } else {
            String::new()
        };
        return writeln!(
            out,
            "{}  {count} ids: {finding}: {}{more}",
            mark(first),
            names.join(", ")
        );
    }
    writeln!(out, "{}  {count} ids: {finding}", mark(first))?;
    for shared in shared.iter().take(LINES) {
        writeln!(
            out,
            "         {}  {}",
            plain(&shared.id),
            plain(&shared.about)
        )?;
    }
    match count.saturating_sub(LINES) {
        0 => Ok(()),
        more => writeln!(
            out,
            "         … and {more} more, which `kado check --json` names"
        ),
    }
}
