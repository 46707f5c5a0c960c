//! What happened to a run, from its first row of the ledger on, in words.

use serde::Serialize;
use serde_json::Value;

use crate::moment::Moment;
use crate::outbox::step::{Step, StepState};
use crate::outbox::store::{LedgerEvent, LedgerRow};
use crate::outbox::submission::Submission;
use crate::outbox::{Store, StoreError};
use crate::plural::counted;

/// What happened to a run at one time, as people and scripts see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct HistoryEntry {
    pub time: Moment,
    /// What happened, in words.
    pub event: String,
    /// More of it, such as a reason or a number.
    pub detail: Option<String>,
}

/// Everything that happened to a run, in order.
///
/// # Errors
/// When the database fails.
pub(crate) fn history_of(
    store: &Store,
    submission: &Submission,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut history = Vec::new();
    for LedgerRow { at, event, detail } in store.history_of(submission.id)? {
        let (event, detail) = match event {
            LedgerEvent::Settled(state, step) => (
                settled(state, step, submission),
                detail.and_then(|detail| made(step, &detail)),
            ),
            LedgerEvent::Other(words) => (words, detail),
        };

        history.push(HistoryEntry {
            time: at,
            event,
            detail,
        });
    }
    Ok(history)
}

fn settled(state: StepState, step: Step, submission: &Submission) -> String {
    let what = match step {
        Step::CreateRun => "create the test run".to_owned(),
        Step::ReadResults => "read which results the test run has".to_owned(),
        Step::WriteResults(batch) => format!("write results, batch {}", batch + 1),
        Step::AutomationFields => "set automation fields".to_owned(),
        Step::Attach(place) => match name_of_file(place, submission) {
            Some(name) => format!("attach `{name}`"),
            None => format!("attach file {}", place + 1),
        },
        Step::LeftOutList => "attach the list of what was left out".to_owned(),
        Step::Complete => "complete the test run".to_owned(),
    };
    format!("{}: {what}", state.word())
}

/// The name of a file by its place in the plan; `None` where the run was planned anew without it.
fn name_of_file(place: usize, submission: &Submission) -> Option<&str> {
    let attachment = submission.plan.as_ref()?.attachments.get(place)?;
    Some(&attachment.name)
}

/// What a step made, by what ADO confirmed of it.
fn made(step: Step, confirmed: &str) -> Option<String> {
    // What another version stored in another form says nothing here.
    match (step, serde_json::from_str(confirmed).ok()?) {
        (Step::ReadResults, Value::Array(results)) => Some(counted(results.len(), "result")),
        (Step::AutomationFields, Value::Array(changed)) => {
            Some(format!("{} changed", counted(changed.len(), "test case")))
        }
        (Step::Attach(_) | Step::LeftOutList, Value::Number(id)) => {
            Some(format!("attachment {id}"))
        }
        (Step::LeftOutList, Value::Null) => Some("not needed, nothing was attached".to_owned()),
        _ => None,
    }
}
