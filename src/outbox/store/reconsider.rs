//! What was left out is decided anew when what decides about it has changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rusqlite::{Transaction, params};

use crate::outbox::store::columns::json;
use crate::outbox::store::folders::AnswerKind;
use crate::outbox::store::run_folders::RUNS_OF_FOLDER;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::IgnoredAs;
use crate::plan::snapshot::Snapshot;
use crate::workspace::CaseIdState;

/// A run that was left out because none of its tests has an id.
pub(crate) struct UnmappedRun {
    /// Its row.
    pub id: i64,
    /// Root of its project.
    pub project: PathBuf,
    /// Its test cases, with what was known of each when it was left out.
    pub cases: Vec<(String, CaseIdState)>,
}

/// A run folder whose run was left out, and its project, by their keys.
pub(crate) struct LeftOutFolder {
    pub project: String,
    pub path: String,
}

impl Store {
    /// By what the runs of each project were decided last, by the keys of projects.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn project_rules(&self) -> Result<HashMap<String, u64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT project, rules FROM project_rules")?;
        let rows = statement.query_map([], |row| {
            let rules: i64 = row.get("rules")?;
            Ok((row.get("project")?, rules.cast_unsigned()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Has the run folders of projects read again that were left out by other rules than these:
    /// those that could not be read, and those whose run is ignored, but for what a person forgot.
    /// The rules are by the keys of projects. Gives the paths of folders with their projects.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn reconsider(
        &mut self,
        rules: &BTreeMap<String, u64>,
    ) -> Result<Vec<LeftOutFolder>, StoreError> {
        let transaction = self.begin()?;
        let projects: Vec<&String> = rules.keys().collect();
        let folders = left_out(&transaction, &serde_json::to_string(&projects)?)?;
        for folder in &folders {
            transaction.execute(
                "UPDATE folder SET fingerprint = NULL WHERE path = ?1",
                [&folder.path],
            )?;
        }

        // In one transaction: a crash must not have the rules noted and the folders left alone. And
        // each commit waits for the disk.
        for (project, rules) in rules {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO project_rules (project, rules) VALUES (?1, ?2)",
                )?
                .execute(params![project, rules.cast_signed()])?;
        }
        transaction.commit()?;
        Ok(folders)
    }

    /// The runs that are left out because none of their tests has an id, and what of them is not
    /// among these.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn unmapped_runs(
        &self,
        known: &HashSet<i64>,
    ) -> Result<(HashSet<i64>, Vec<UnmappedRun>), StoreError> {
        let mut statement = self.connection.prepare_cached(
            // Of what is gone nothing can be decided anew.
            "SELECT DISTINCT run_id FROM submission JOIN run ON run.id = run_id
             WHERE state = 'ignored' AND ignored_as = ?1
               AND (EXISTS (SELECT 1 FROM folder
                            WHERE folder.suite = run.suite AND folder.started_ms = run.started_ms
                              AND gone_ms IS NULL)
                    OR EXISTS (SELECT 1 FROM run_member WHERE run_member.run_id = run.id))",
        )?;
        let rows = statement.query_map([IgnoredAs::WithoutIds], |row| row.get(0))?;
        let all: HashSet<i64> = rows.collect::<Result<_, _>>()?;

        let mut new = Vec::new();
        for id in all.difference(known) {
            new.extend(self.unmapped_run(*id)?);
        }
        Ok((all, new))
    }

    /// `None` of one that another version stored.
    fn unmapped_run(&self, id: i64) -> Result<Option<UnmappedRun>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT snapshot FROM run WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let Ok(snapshot) = json::<Snapshot>(row, "snapshot") else {
            return Ok(None);
        };

        let mut cases = Vec::new();
        for test in &snapshot.run.tests {
            let told = if snapshot.cases.contains_key(&test.id) {
                CaseIdState::NoId
            } else {
                CaseIdState::NoFile
            };
            cases.push((test.id.clone(), told));
        }
        Ok(Some(UnmappedRun {
            id,
            project: PathBuf::from(snapshot.project_root),
            cases,
        }))
    }
}

/// The run folders that were left out, of projects in a JSON array.
fn left_out(
    transaction: &Transaction<'_>,
    projects: &str,
) -> Result<Vec<LeftOutFolder>, StoreError> {
    let mut statement = transaction.prepare_cached(&format!(
        "WITH met AS (SELECT project, path, answer, {RUNS_OF_FOLDER} FROM folder
                      WHERE project IN (SELECT value FROM json_each(?1)))
         SELECT project, path FROM met
         WHERE answer = ?2
            OR (answer = ?3 AND NOT EXISTS (
                    SELECT 1 FROM submission
                    WHERE run_id IN (own, whole)
                      AND (state <> 'ignored' OR ignored_as IS ?4)))
         ORDER BY path"
    ))?;

    let rows = statement.query_map(
        params![
            projects,
            AnswerKind::Unread,
            AnswerKind::Recorded,
            IgnoredAs::Forgotten
        ],
        |row| {
            Ok(LeftOutFolder {
                project: row.get("project")?,
                path: row.get("path")?,
            })
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
