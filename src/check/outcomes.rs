//! The execution status mapping: whether Azure DevOps has the outcomes that Katalon's statuses are
//! mapped to. Nothing is asked.

use std::collections::BTreeMap;

use crate::check::report::Report;
use crate::katalon::status::Status;
use crate::plan::outcome::{OUTCOMES, outcome, unknown};

/// Shows the mapping in force, and names each word that ADO does not have.
pub(super) fn check_outcomes(mapping: &BTreeMap<Status, String>, report: &mut Report) {
    let name = "status mapping";

    let mistakes: Vec<String> = unknown(mapping)
        .map(|(status, word)| {
            let instead = status.default_outcome();
            format!("`{word}` for {status}, which counts as {instead}")
        })
        .collect();
    if !mistakes.is_empty() {
        // Results are sent all the same, with Katalon's default; it is not what the project wants.
        return report.wrong(
            name,
            format!("Azure DevOps has no such outcome: {}", mistakes.join("; ")),
            format!(
                "correct it in Katalon's Azure DevOps settings under Execution Status Mapping; the \
                 outcomes are {}",
                OUTCOMES.join(", ")
            ),
        );
    }

    // Katalon's dialog lists the good ones first, the enumeration the bad ones.
    let in_force: Vec<String> = Status::ALL
        .iter()
        .rev()
        .map(|status| format!("{status} is {}", outcome(*status, mapping)))
        .collect();
    report.fine(name, in_force.join(", "));
}
