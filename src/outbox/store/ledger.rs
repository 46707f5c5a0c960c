//! The ledger: what happened to a submission, and when. Rows are only added, each in the
//! transaction of what it reports.
//!
//! A row says in a few words what happened. That a step was settled is written as its state and the
//! step as JSON, `confirmed {"attach":0}`; what another version wrote in another form is told as it
//! stands.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::step::{Step, StepState};
use crate::outbox::store::{Store, StoreError};

/// What happened to a submission at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LedgerRow {
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub event: LedgerEvent,
    /// More of it: a reason, a number, or what ADO confirmed of a step, as JSON.
    pub detail: Option<String>,
}

/// What happened, as the ledger has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LedgerEvent {
    /// A step was confirmed or refused.
    Settled(StepState, Step),
    /// Anything else, in words.
    Other(String),
}

impl LedgerEvent {
    fn read(text: String) -> Self {
        match settled_step(&text) {
            Some((state, step)) => Self::Settled(state, step),
            None => Self::Other(text),
        }
    }
}

fn settled_step(text: &str) -> Option<(StepState, Step)> {
    let (word, step) = text.split_once(' ')?;
    let state = StepState::ALL
        .into_iter()
        .find(|state| state.is_settled() && state.word() == word)?;
    let step = serde_json::from_str(step).ok()?;
    Some((state, step))
}

impl Store {
    /// What happened to a submission, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn history_of(&self, submission: i64) -> Result<Vec<LedgerRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at_ms, event, detail FROM ledger WHERE submission_id = ?1 ORDER BY id",
        )?;
        let rows = statement.query_map([submission], |row| {
            Ok(LedgerRow {
                at: row.get("at_ms")?,
                event: LedgerEvent::read(row.get("event")?),
                detail: row.get("detail")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Adds a row, in the transaction of what it reports.
pub(super) fn log(
    transaction: &Transaction<'_>,
    submission: i64,
    event: &str,
    detail: Option<&str>,
    now: Moment,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO ledger (at_ms, submission_id, event, detail) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![now, submission, event, detail])?;
    Ok(())
}

/// Adds that a step was settled.
pub(super) fn log_settled(
    transaction: &Transaction<'_>,
    submission: i64,
    state: StepState,
    step: Step,
    detail: Option<&str>,
    now: Moment,
) -> Result<(), StoreError> {
    let event = format!("{} {}", state.word(), serde_json::to_string(&step)?);
    log(transaction, submission, &event, detail, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_step_is_read_as_it_is_written_and_anything_else_is_told_as_it_stands() {
        let read = |text: &str| LedgerEvent::read(text.to_owned());

        assert_eq!(
            read(r#"confirmed {"write_results":0}"#),
            LedgerEvent::Settled(StepState::Confirmed, Step::WriteResults(0))
        );
        assert_eq!(
            read(r#"refused "left_out_list""#),
            LedgerEvent::Settled(StepState::Refused, Step::LeftOutList)
        );
        for other in ["run created", r#"confirmed "tomorrow's step""#, "planned"] {
            assert_eq!(read(other), LedgerEvent::Other(other.to_owned()));
        }
    }
}
