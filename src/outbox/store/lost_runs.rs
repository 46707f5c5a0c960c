//! Runs of which nothing is left: their folders vanished before they were recorded.
//!
//! Such a folder keeps its row in `folder` for a week, with the answer of the last look and since
//! when it is gone. A run that is recorded all the same, of which a copy lies elsewhere, or that is
//! kept for its collection is not lost.

use std::path::PathBuf;

use rusqlite::params;

use crate::discovery::run_identity::RunIdentity;
use crate::discovery::settled::FORGOTTEN;
use crate::moment::Moment;
use crate::outbox::store::folders::AnswerKind;
use crate::outbox::store::run_folders::RUNS_OF_FOLDER;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::IgnoredAs;

/// A run of which nothing is left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LostRun {
    /// Its run folder, as it compares.
    pub folder: PathBuf,
    /// Root of its project, as it compares, if it had one.
    pub project: Option<PathBuf>,
    /// Which run it was.
    pub run: RunIdentity,
    /// Whether its suite had ended, so that it was about to be recorded.
    pub had_ended: bool,
    /// When the folder was missed first.
    pub missed: Moment,
}

/// A run that was met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MetRun {
    /// Where it lies or lay.
    pub folder: PathBuf,
    pub suite: String,
    pub started: Moment,
    /// Its submission, where it is ignored because its suite has no end.
    pub aborted: Option<i64>,
}

impl LostRun {
    /// What a person can do, here and where workspaces are wiped.
    pub(crate) const WAY_OUT: &str = "run the suite again where its results are wanted, and have \
        whatever wipes the workspace wait until katalonc has ended (a job that is cancelled does \
        not)";

    /// What it did not live to see, in words behind "vanished".
    pub(crate) const fn before_what(&self) -> &'static str {
        if self.had_ended {
            "before its run, which was over, was recorded"
        } else {
            "before its suite had ended"
        }
    }
}

impl Store {
    /// The runs whose folders vanished since then and of which nothing is left, the newest loss
    /// first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn lost_runs(&self, since: Moment) -> Result<Vec<LostRun>, StoreError> {
        // What began long before it was missed came with a checkout, and ran long ago.
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT path, project, answer, suite, started_ms, host, execution_uuid, gone_ms,
                    {RUNS_OF_FOLDER}
             FROM folder
             WHERE fingerprint IS NULL AND gone_ms >= ?1 AND answer IN (?2, ?3)
               AND started_ms >= gone_ms - ?4 AND own IS NULL AND whole IS NULL
               AND NOT EXISTS (SELECT 1 FROM folder AS copy
                               WHERE copy.suite = folder.suite
                                 AND copy.started_ms = folder.started_ms
                                 AND copy.host = folder.host AND copy.gone_ms IS NULL)
             ORDER BY gone_ms DESC, path"
        ))?;
        let week = i64::try_from(FORGOTTEN.as_millis()).expect("a week is short");
        let mut rows = statement.query(params![
            since,
            AnswerKind::Running,
            AnswerKind::Waiting,
            week
        ])?;

        let mut lost = Vec::new();
        while let Some(row) = rows.next()? {
            let folder: String = row.get("path")?;
            let project: Option<String> = row.get("project")?;
            let answer: AnswerKind = row.get("answer")?;
            lost.push(LostRun {
                folder: PathBuf::from(folder),
                project: project.map(PathBuf::from),
                run: RunIdentity {
                    suite: row.get("suite")?,
                    started: row.get("started_ms")?,
                    host: row.get("host")?,
                    execution_uuid: row.get("execution_uuid")?,
                },
                had_ended: answer == AnswerKind::Waiting,
                missed: row.get("gone_ms")?,
            });
        }
        if lost.is_empty() {
            return Ok(lost);
        }

        let kept = self.pending_members()?;
        lost.retain(|lost| {
            let mut runs = kept.iter().filter_map(|member| member.run.as_ref());
            !runs.any(|run| run.is_same_run(&lost.run))
        });
        Ok(lost)
    }

    /// The runs that began since then and that anybody met, recorded or not.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn runs_met_since(&self, since: Moment) -> Result<Vec<MetRun>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path AS folder, suite, started_ms, NULL AS aborted FROM folder
             WHERE started_ms >= ?1
             UNION ALL
             SELECT folder, suite, started_ms,
                    (SELECT min(id) FROM submission
                     WHERE run_id = run.id AND state = 'ignored' AND ignored_as = ?2)
             FROM run WHERE started_ms >= ?1",
        )?;

        let rows = statement.query_map(params![since, IgnoredAs::Aborted], |row| {
            let folder: String = row.get("folder")?;
            Ok(MetRun {
                folder: PathBuf::from(folder),
                suite: row.get("suite")?,
                started: row.get("started_ms")?,
                aborted: row.get("aborted")?,
            })
        })?;

        Ok(rows.collect::<Result<_, _>>()?)
    }
}
