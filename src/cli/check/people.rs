//! A report for people: a line for each check, and one for all mapped ids that have the same
//! finding.

use std::io::{self, Write};

use crate::check::{Check, Report, Shared};
use crate::cli::table::plain;

/// Most ids of one finding that are shown with their test cases.
const SHOWN_LINES: usize = 10;
/// Most ids that are named where all is well with them.
const SHOWN_IDS: usize = 10;

/// Writes the report.
pub(super) fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for block in blocks(&report.checks) {
        match &block[..] {
            [only] => single(only, out)?,
            several => together(several, out)?,
        }

        // All checks of a block have the same hint.
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
            shared.finding == of_other.finding && one.ok == other.ok && one.hint == other.hint
        }
        _ => false,
    }
}

const fn mark(check: &Check) -> &'static str {
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
