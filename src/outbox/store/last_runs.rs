//! The newest run of each project, for those who look at projects.

use crate::moment::Moment;
use crate::outbox::store::{Store, StoreError};

/// The newest run of a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LastRun {
    /// Root of the project, as it compares.
    pub root: String,
    /// Name of the project.
    pub project: String,
    pub ended: Option<Moment>,
    pub katalon_version: Option<String>,
    /// Its submissions, one for each test plan.
    pub submissions: Vec<i64>,
}

impl Store {
    /// The newest run of each project that has one.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn last_runs(&self) -> Result<Vec<LastRun>, StoreError> {
        // Of the snapshots only those of the newest runs are looked into: each may be megabytes.
        let mut statement = self.connection.prepare_cached(
            "SELECT root, project, ended_ms,
                iif(json_valid(snapshot),
                    json_extract(snapshot, '$.run.environment.katalon_version'), NULL) AS katalon,
                (SELECT json_group_array(id) FROM submission WHERE run_id = run.id) AS submissions
             FROM run JOIN
                (SELECT max(started_ms) AS newest, root AS of_root FROM run GROUP BY root)
                ON root = of_root AND started_ms = newest
             GROUP BY root",
        )?;
        let mut rows = statement.query([])?;

        let mut last_runs = Vec::new();
        while let Some(row) = rows.next()? {
            let submissions: String = row.get("submissions")?;
            last_runs.push(LastRun {
                root: row.get("root")?,
                project: row.get("project")?,
                ended: row.get("ended_ms")?,
                katalon_version: row.get("katalon")?,
                submissions: serde_json::from_str(&submissions)?,
            });
        }
        Ok(last_runs)
    }
}
