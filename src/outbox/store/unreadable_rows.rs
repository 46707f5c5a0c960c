//! What another version of kado stored and this one cannot read, where no row of `kado runs` says
//! so: claims of `kado exec`, and test runs that show a suite. Both are passed over where they are
//! used, so they are named here.

use std::path::{Path, PathBuf};

use crate::discovery::claim::Terms;
use crate::file_names::same;
use crate::moment::Moment;
use crate::outbox::store::columns::json;
use crate::outbox::store::{Store, StoreError};
use crate::plan::snapshot::Snapshot;

/// A row that this version cannot read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum UnreadableRow {
    /// The claim of a `kado exec`: its runs are taken for those of nobody.
    Claim {
        /// Folder of the project.
        project: PathBuf,
        /// When the command began.
        begun: Moment,
        /// What cannot be read.
        error: String,
    },
    /// A test run that shows a suite: nobody goes on with it, or ends it.
    LiveRun {
        /// The test plan.
        plan_id: u32,
        /// The test run; `None` while it is not known whether it was made.
        ado_run_id: Option<u32>,
        /// Where a person sees it.
        url: Option<String>,
        /// What cannot be read.
        error: String,
    },
}

impl Store {
    /// Claims that began since `since`, and live runs, which this version cannot read.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn unreadable_rows(&self, since: Moment) -> Result<Vec<UnreadableRow>, StoreError> {
        let mut all = self.unreadable_claims(since)?;

        let mut statement = self.connection.prepare_cached(
            "SELECT plan_id, ado_run_id, url, snapshot FROM live_run ORDER BY key",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match json::<Snapshot>(row, "snapshot") {
                Ok(_) => {}
                Err(StoreError::Content(error)) => all.push(UnreadableRow::LiveRun {
                    plan_id: row.get("plan_id")?,
                    ado_run_id: row.get("ado_run_id")?,
                    url: row.get("url")?,
                    error: error.to_string(),
                }),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Whether there is a claim on the runs of this project that this version cannot read.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn has_unreadable_claim(&self, root: &Path) -> Result<bool, StoreError> {
        let claims = self.unreadable_claims(Moment::default())?;
        Ok(claims.iter().any(|row| match row {
            UnreadableRow::Claim { project, .. } => same(project, root),
            UnreadableRow::LiveRun { .. } => false,
        }))
    }

    fn unreadable_claims(&self, since: Moment) -> Result<Vec<UnreadableRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT project, begun_ms, terms FROM claim WHERE begun_ms >= ?1 ORDER BY begun_ms, id",
        )?;
        let mut rows = statement.query([since])?;

        let mut claims = Vec::new();
        while let Some(row) = rows.next()? {
            match json::<Terms>(row, "terms") {
                Ok(_) => {}
                Err(StoreError::Content(error)) => {
                    let project: String = row.get("project")?;
                    claims.push(UnreadableRow::Claim {
                        project: project.into(),
                        begun: row.get("begun_ms")?,
                        error: error.to_string(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::store::test_runs::{NOW, open};

    #[test]
    fn what_another_version_stored_of_claims_and_live_runs_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        store
            .connection
            .execute_batch(
                "INSERT INTO claim (project, begun_ms, seen_ms, terms)
                    VALUES ('/w/Shop', 1000000, 1000000, '[]'), ('/w/Bank', 5, 5, '[]');
                 INSERT INTO live_run (key, plan_id, ado_run_id, seen_ms, snapshot)
                    VALUES ('k', 18, 150, 1, '{}');",
            )
            .expect("rows of another version");

        let named = store.unreadable_rows(NOW).expect("read");

        assert_eq!(named.len(), 2, "{named:?}");
        assert!(
            matches!(&named[0], UnreadableRow::Claim { project, .. } if project == Path::new("/w/Shop"))
        );
        assert!(matches!(
            named[1],
            UnreadableRow::LiveRun {
                plan_id: 18,
                ado_run_id: Some(150),
                ..
            }
        ));
        assert!(
            store
                .has_unreadable_claim(Path::new("/w/Bank"))
                .expect("read")
        );
        assert!(
            !store
                .has_unreadable_claim(Path::new("/w/Other"))
                .expect("read")
        );
    }
}
