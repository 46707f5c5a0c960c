//! How values of the program stand in columns, and which columns a value is read from.
//!
//! Each list of columns stands beside the function that reads it, by name, so that a new column is
//! added in one place. A word that no state has is an error wherever it is read: a default would be
//! a guess about what was sent.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, RowIndex};
use serde::de::DeserializeOwned;

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::step::StepState;
use crate::outbox::store::StoreError;
use crate::outbox::submission::{IgnoredAs, Obstacle, SubmissionState};

/// Times are milliseconds since 1970 in UTC, in columns whose names end in `_ms`.
impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.millis().into())
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_millis)
    }
}

impl ToSql for SubmissionState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for SubmissionState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

impl ToSql for IgnoredAs {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for IgnoredAs {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

impl ToSql for Obstacle {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for Obstacle {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

impl ToSql for StepState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for StepState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

/// The schema allows no other words, so one that is not known was written by another program.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no word that this version knows")]
struct UnknownWord(String);

pub(super) fn by_word<T: Copy>(
    value: ValueRef<'_>,
    all: impl IntoIterator<Item = T>,
    word: impl Fn(T) -> &'static str,
) -> FromSqlResult<T> {
    let stored = value.as_str()?;
    for one in all {
        if word(one) == stored {
            return Ok(one);
        }
    }

    // Never a default, such as "planned" for a step: it could be sent a second time.
    Err(FromSqlError::Other(Box::new(UnknownWord(
        stored.to_owned(),
    ))))
}

/// The columns of `run` and of `run_member` that say which run it is.
pub(super) const IDENTITY: &str = "suite, started_ms, host, execution_uuid";

/// Reads [`IDENTITY`].
pub(super) fn identity(row: &Row<'_>) -> rusqlite::Result<RunIdentity> {
    Ok(RunIdentity {
        suite: row.get("suite")?,
        started: row.get("started_ms")?,
        host: row.get("host")?,
        execution_uuid: row.get("execution_uuid")?,
    })
}

/// What was left out of a submission while it was sent, as a column of JSON. It is read where the
/// rows are joined with `submission`.
pub(super) const REFUSED: &str =
    "(SELECT coalesce('[' || group_concat(item, ',' ORDER BY refused.id) || ']', '[]')
        FROM refused WHERE submission_id = submission.id) AS refused";

/// Reads a column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: impl RowIndex,
) -> Result<T, StoreError> {
    // An error of its own kind, not one of the database: it costs only the row that holds it.
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text)?)
}

/// Reads a column that holds JSON or nothing.
pub(super) fn json_or_null<T: DeserializeOwned>(
    row: &Row<'_>,
    column: impl RowIndex,
) -> Result<Option<T>, StoreError> {
    match row.get::<_, Option<String>>(column)? {
        Some(text) => Ok(Some(serde_json::from_str(&text)?)),
        None => Ok(None),
    }
}
