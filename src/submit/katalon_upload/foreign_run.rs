//! Reads a test run that carries no key of kado's, for the comparison.

use crate::ado::AdoError;
use crate::ado::runs::Wanted;
use crate::ado::wire::{AdoResult, TestRun, moment};
use crate::moment::Moment;
use crate::plan::katalon_upload::{ForeignResult, ForeignRun};
use crate::submit::execution::Execution;
use crate::submit::stop::Stop;

/// Runs that are read in one look.
pub(super) const MOST: usize = 10;

/// Reads a run with its results; `None` when somebody deleted it since it was listed.
///
/// # Errors
/// When ADO fails.
pub(super) async fn read(
    execution: &Execution<'_>,
    run: &TestRun,
) -> Result<Option<ForeignRun>, Stop> {
    let client = execution.client;
    let project = execution.project();
    let results = match client.results(project, run.id, Wanted::All).await {
        Err(AdoError::Gone { .. }) => {
            client.forget_run(project, run.id);
            return Ok(None);
        }
        results => results?,
    };

    // ADO need not count a result as a change of its run.
    let mut changed = run.changed();
    for result in &results {
        changed = changed.max(moment(result.last_updated_date.as_deref()));
    }

    Ok(Some(ForeignRun {
        over: is_over(run),
        created: created(run),
        changed,
        started: run.started(),
        ended: moment(run.completed_date.as_deref()),
        results: results.into_iter().map(foreign_result).collect(),
    }))
}

/// When ADO made a run.
pub(super) fn created(run: &TestRun) -> Option<Moment> {
    moment(run.created_date.as_deref())
}

/// Whether nothing comes to a run any more.
pub(super) fn is_over(run: &TestRun) -> bool {
    // The last word is no state that is set today, but old runs have it (`ado/api.md` §5).
    let end_states = ["completed", "aborted", "needsinvestigation"];
    run.state.as_deref().is_some_and(|state| {
        end_states
            .iter()
            .any(|word| state.eq_ignore_ascii_case(word))
    })
}

fn foreign_result(result: AdoResult) -> ForeignResult {
    ForeignResult {
        completed: result.is_completed(),
        point_id: result.test_point.map(|point| point.id),
        outcome: result.outcome.unwrap_or_default(),
        started: moment(result.started_date.as_deref()),
        ended: moment(result.completed_date.as_deref()),
        computer: result.computer_name,
    }
}
