//! The execution status mapping: whether Azure DevOps has the outcomes that Katalon's statuses are
//! mapped to. Nothing is asked.

use std::collections::BTreeMap;

use crate::check::report::Report;
use crate::katalon::status::Status;
use crate::plan::outcome::{OUTCOMES, default_outcome, outcome, unknown};

/// Shows the mapping in force, and names each word that ADO does not have.
pub(super) fn check_outcomes(mapping: &BTreeMap<Status, String>, report: &mut Report) {
    let name = "status mapping";
    let named: Vec<_> = unknown(mapping)
        .map(|(status, word)| {
            format!(
                "`{word}` for {status}, which counts as {}",
                default_outcome(status)
            )
        })
        .collect();
    if named.is_empty() {
        let shown = Status::ALL
            .iter()
            .rev()
            .map(|status| format!("{status} is {}", outcome(*status, mapping)));
        return report.fine(name, shown.collect::<Vec<_>>().join(", "));
    }
    let detail = format!("Azure DevOps has no such outcome: {}", named.join("; "));
    let hint = format!(
        "correct it in Katalon's Azure DevOps settings under Execution Status Mapping; the outcomes are {}",
        OUTCOMES.join(", ")
    );
    report.wrong(name, detail, hint);
}
