//! `kado runs show`: why every test of a run ended where it did, or did not arrive, and what
//! happened to the run.

use std::io::Write as _;

use crate::cli::facts::{fact, fact_if_known};
use crate::cli::json::{self, OutputForm};
use crate::cli::plain::or_dash;
use crate::cli::plan_tables;
use crate::cli::terminal::{Piece, Screen, Table, always, table, weighing};
use crate::outbox::lock::NextTry;
use crate::outbox::submission::SubmittedBy;
use crate::overview::WHERE_TO_LOOK;
use crate::overview::run_details::{ResultDetails, RunDetails, TestDetails};
use crate::overview::run_history::HistoryEntry;
use crate::plan::attachments;

/// What of a run is shown, beside what stands in its row.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// Its tests, and what is sent of them.
    Tests,
    /// What happened to it.
    History,
}

impl Part {
    /// What the flag `--history` says.
    pub(super) const fn of_flag(history: bool) -> Self {
        if history { Self::History } else { Self::Tests }
    }
}

/// Writes everything that is known of a run.
pub(super) fn show(
    details: &RunDetails,
    attempts: NextTry,
    form: OutputForm,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    if form == OutputForm::Json {
        return json::print(&details.as_json()?, out);
    }

    let row = &details.row;
    let submission = &details.submission;
    print_facts(details, attempts, out)?;
    writeln!(out)?;
    out.table(&table_of_tests(&details.tests, out))?;
    if let Some(plan) = &submission.plan {
        if row.submitted_by == Some(SubmittedBy::Katalon) {
            writeln!(out)?;
            out.sentence(
                0,
                "Katalon submitted this run itself. kado would have sent this, and sent nothing \
                 of it:",
            )?;
        }

        plan_tables::write(plan, out)?;
    }

    for left_out in &row.skipped {
        out.sentence(4, &left_out.labelled())?;
    }
    if let Some(recount) = &row.recount {
        for line in recount.lines() {
            out.sentence(4, &format!("not as sent: {line}"))?;
        }
    }
    for warning in &submission.snapshot.run.warnings {
        out.sentence(4, &format!("warning: {warning}"))?;
    }
    Ok(())
}

/// Writes what happened to a run, below what is known of it.
pub(super) fn show_history(
    details: &RunDetails,
    history: &[HistoryEntry],
    attempts: NextTry,
    form: OutputForm,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    if form == OutputForm::Json {
        let mut value = details.as_json()?;
        value["history"] = serde_json::to_value(history)?;
        return json::print(&value, out);
    }

    print_facts(details, attempts, out)?;
    writeln!(out)?;
    out.table(&table_of_events(history, out))?;
    Ok(())
}

fn table_of_events(history: &[HistoryEntry], out: &Screen<'_>) -> Table {
    let mut rows = table([always("Time"), always("What happened"), weighing(1, "More")]);
    for HistoryEntry {
        time,
        event,
        detail,
    } in history
    {
        rows.add_row([
            Piece::whole(out.terminal().times().told(*time)),
            Piece::new(event),
            Piece::new(out.terminal().spelled(&or_dash(detail.as_ref()))),
        ]);
    }
    rows
}

fn print_facts(
    details: &RunDetails,
    attempts: NextTry,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    let row = &details.row;
    let times = out.terminal().times().clone();
    let error = row.error.as_ref().map(|error| times.told_in(error));
    let plan = super::plan_in_words(row);

    fact(out, "Suite", &*row.suite)?;
    fact(out, "State", super::state(row))?;
    fact_if_known(out, "Reason", error)?;
    match attempts {
        NextTry::AsNoted => {
            fact_if_known(out, "Next try", row.next_attempt.map(|at| times.told(at)))?;
        }
        NextTry::Never => fact_if_known(out, "Next try", row.next_attempt.map(|_| NextTry::NEVER))?,
    }

    fact(out, "Folder", &*row.folder)?;
    fact_if_known(out, "Started", row.started.map(|at| times.told(at)))?;
    fact_if_known(out, "Ended", row.ended.map(|at| times.told(at)))?;
    fact_if_known(out, "Test plan", (plan != "-").then_some(plan))?;
    fact_if_known(out, "katalonc", details.ado_options())?;
    let mapping = details.mapping_row.as_ref().map(ToString::to_string);
    let mapping = mapping.map(|row| out.terminal().spelled(&row));
    fact_if_known(out, "Mapping row", mapping)?;
    let snapshot = &details.submission.snapshot;
    if !snapshot.options.attachments.kinds.is_empty() && !attachments::wants_files(snapshot) {
        let none = format!("none: {} (`submit.attach`)", attachments::ONLY_OF_FAILED);
        fact(out, "Files", none)?;
    }

    if let Some(run) = row.ado_run_id {
        fact(
            out,
            "ADO run",
            Piece::new(run.to_string()).at(row.url.as_deref()),
        )?;
    }
    if let Some(live) = &details.live {
        let run = live.ado_run_id.to_string();
        fact(out, "Shown in", Piece::new(run).at(live.url.as_deref()))?;
        fact_if_known(out, "Address", live.url.as_ref())?;
    }
    let into = row
        .into
        .map(|run| format!("test run {run}, which was there"));
    fact_if_known(out, "Fills", into)?;
    fact_if_known(out, "Address", row.url.as_ref())?;

    if row.is_made_by_kado() {
        fact(out, "In ADO", WHERE_TO_LOOK)?;
    }
    fact_if_known(out, "Counted", row.recount.as_ref())?;
    fact_if_known(
        out,
        "Katalon's",
        details.double.as_ref().map(ToString::to_string),
    )?;
    fact(out, "Key", &*row.key)?;
    Ok(())
}

fn table_of_tests(tests: &[TestDetails], out: &Screen<'_>) -> Table {
    let mut rows = table([
        always("Test"),
        always("Katalon"),
        weighing(1, "Ids as written"),
        weighing(3, "Arrived as"),
        weighing(2, "Left out because"),
    ]);

    for test in tests {
        let results: Vec<String> = test.results.iter().map(result_in_words).collect();
        let arrived = (!results.is_empty()).then(|| results.join("; "));
        rows.add_row([
            Piece::new(&test.test),
            plan_tables::status(&test.status),
            Piece::new(plan_tables::with_source(
                &or_dash(test.ids_as_written.as_ref()),
                test.source.unwrap_or_default(),
            )),
            Piece::new(out.terminal().spelled(&or_dash(arrived))),
            Piece::new(or_dash(test.why_left_out())),
        ]);
    }
    rows
}

fn result_in_words(result: &ResultDetails) -> String {
    format!(
        "{} → point {} (result {}): {}",
        result.azure_id,
        result.point_id,
        or_dash(result.result_id),
        result.outcome
    )
}
