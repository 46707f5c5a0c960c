//! The row of a run that is recorded: who it is, found by what its log says (invariant I2).

use std::path::Path;

use rusqlite::{Connection, params};

use crate::discovery::run_identity::RunIdentity;
use crate::file_names::is_in;
use crate::outbox::store::StoreError;
use crate::outbox::store::columns::{IDENTITY, identity};

/// A run that is recorded.
pub(super) struct RecordedRun {
    /// Its id.
    pub id: i64,
    /// Tells it from others that agree with it in all but the uuid.
    pub twin: u32,
    /// As it was recorded first: its keys are made of that.
    pub identity: RunIdentity,
    /// Root of its project, as it compares.
    pub root: String,
}

/// Whose runs are meant: what the log of a run says, whoever writes another project can write as
/// well.
#[derive(Clone, Copy)]
pub(crate) enum Projects<'a> {
    /// Those of every project.
    All,
    /// Those of the project with this root, as it compares.
    One(&'a str),
    /// Those of the projects that this folder lies in.
    Around(&'a Path),
}

impl Projects<'_> {
    /// Whether a run of the project with this root is meant.
    pub(super) fn include(self, root: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(wanted) => wanted == root,
            Self::Around(folder) => is_in(folder, Path::new(root)),
        }
    }
}

/// The runs that agree with an identity in all but the uuid, the first recorded first.
pub(super) fn with_identity(
    connection: &Connection,
    wanted: &RunIdentity,
) -> Result<Vec<RecordedRun>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, twin, root, {IDENTITY} FROM run
         WHERE suite = ?1 AND started_ms = ?2 AND host = ?3 ORDER BY twin"
    ))?;
    let rows = statement.query_map(
        params![wanted.suite, wanted.started, wanted.host],
        recorded_run,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn with_id(connection: &Connection, run: i64) -> Result<RecordedRun, StoreError> {
    let sql = format!("SELECT id, twin, root, {IDENTITY} FROM run WHERE id = ?1");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row([run], recorded_run)?)
}

fn recorded_run(row: &rusqlite::Row<'_>) -> rusqlite::Result<RecordedRun> {
    Ok(RecordedRun {
        id: row.get("id")?,
        twin: row.get("twin")?,
        identity: identity(row)?,
        root: row.get("root")?,
    })
}
