//! The execution status mapping: whether Azure DevOps has the outcomes that Katalon's statuses are mapped to. Nothing is
//! asked.

use std::collections::BTreeMap;

use crate::check::Report;
use crate::katalon::status::Status;
use crate::plan::outcome::{OUTCOMES, is_known, outcome};

/// Shows the mapping in force, and names each word that ADO would refuse.
pub fn check_outcomes(mapping: &BTreeMap<Status, String>, report: &mut Report) {
    let name = "status mapping";
    let all = Status::ALL.map(|status| (status, outcome(status, mapping)));
    let wrong: Vec<_> = all.iter().filter(|(_, word)| !is_known(word)).collect();
    if wrong.is_empty() {
        let shown = all.iter().rev().map(|(status, word)| format!("{status} is {word}"));
        return report.fine(name, shown.collect::<Vec<_>>().join(", "));
    }
    let named: Vec<_> = wrong.iter().map(|(status, word)| format!("`{word}` for {status}")).collect();
    let detail = format!("{}: Azure DevOps has no such outcome and refuses every result with it", named.join(", "));
    let hint = format!(
        "correct it in Katalon's Azure DevOps settings under Execution Status Mapping; the outcomes are {}",
        OUTCOMES.join(", ")
    );
    report.wrong(name, detail, hint);
}
