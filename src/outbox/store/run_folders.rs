//! What became of the run folders that lie there, all told: each with the rows that its run has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use rusqlite::params;

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::run_folders::{RunFolders, Standing};
use crate::outbox::store::collection_members::collections_with;
use crate::outbox::store::folders::AnswerKind;
use crate::outbox::store::recorded_run::{Projects, with_identity};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::SubmissionState;

/// Joins a folder with the runs that it holds: its own row (`own`) and that of the collection that
/// it is part of (`whole`). A run of its own project comes before those of others, of which it may
/// be a copy; a collection is one of its own project. A uuid that is missing on either side
/// separates nothing.
pub(super) const RUNS_OF_FOLDER: &str = "
    (SELECT id FROM run
     WHERE run.suite = folder.suite AND run.started_ms = folder.started_ms
       AND run.host = folder.host
       AND coalesce(lower(run.execution_uuid) = lower(folder.execution_uuid), 1)
     ORDER BY run.root IS NOT folder.project, twin LIMIT 1) AS own,
    (SELECT run_id FROM run_member AS member JOIN run AS collection ON collection.id = run_id
     WHERE member.suite = folder.suite AND member.started_ms = folder.started_ms
       AND member.host = folder.host
       AND coalesce(lower(member.execution_uuid) = lower(folder.execution_uuid), 1)
       AND collection.root IS folder.project
     ORDER BY run_id DESC LIMIT 1) AS whole";

/// The runs of a project that are older than the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OlderRuns {
    /// Root of the project, as it compares.
    pub project: String,
    /// How many run folders.
    pub count: usize,
    /// The run folder whose run ended last.
    pub newest: String,
    /// The suite of that run, if its log tells.
    pub suite: Option<String>,
    /// When that ended.
    pub ended: Moment,
}

impl OlderRuns {
    /// Adds others of the same project. Of two that ended at once the first by its path is named.
    fn add(&mut self, other: Self) {
        let count = self.count + other.count;
        let is_newer = (other.ended, &self.newest) > (self.ended, &other.newest);
        if is_newer {
            *self = other;
        }
        self.count = count;
    }
}

impl Store {
    /// The submissions of a run, by itself or as part of a collection: those of these projects, or
    /// where they have none those of others, of which the run is a copy.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn submissions_of(
        &self,
        run: &RunIdentity,
        projects: Projects<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let of_projects = self.all_submissions_of(run, projects)?;
        if of_projects.is_empty() {
            return self.all_submissions_of(run, Projects::All);
        }
        Ok(of_projects)
    }

    /// The submissions of a run of these projects, by itself or as part of a collection.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn all_submissions_of(
        &self,
        run: &RunIdentity,
        projects: Projects<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let mut runs = collections_with(&self.connection, run, projects)?;
        for recorded in with_identity(&self.connection, run)? {
            if run.is_same_run(&recorded.identity) && projects.include(&recorded.root) {
                runs.push(recorded.id);
            }
        }

        let mut submissions = BTreeSet::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM submission WHERE run_id = ?1")?;
        for run in runs {
            for id in statement.query_map([run], |row| row.get(0))? {
                submissions.insert(id?);
            }
        }
        Ok(submissions.into_iter().collect())
    }

    /// The submissions that were submitted once, by their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn submitted_ids(&self) -> Result<HashSet<i64>, StoreError> {
        let sql = "SELECT id FROM submission WHERE submitted_ms IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts the run folders that lay there at the last sweep, by what became of them until now.
    /// What is submitted counts as such before, where its submission is one of `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn run_folders(&self, before: &HashSet<i64>) -> Result<RunFolders, StoreError> {
        let (folders, _) = self.folders_and_their_runs(&self.standings(before)?)?;
        Ok(folders)
    }

    /// The same after a call that sent these submissions, with what none of the folders tells.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn run_folders_of_call(
        &self,
        before: &HashSet<i64>,
        sent: &[i64],
    ) -> Result<RunFolders, StoreError> {
        let standings = self.standings(before)?;
        let (mut folders, met) = self.folders_and_their_runs(&standings)?;
        for (run, standing) in &standings {
            if *standing == Standing::SubmittedNow && !met.contains(run) {
                folders.sent_without_folder += 1;
            }
        }

        // A run for several test plans that got files in each is one.
        let again: Vec<i64> = sent
            .iter()
            .copied()
            .filter(|id| before.contains(id))
            .collect();
        folders.completed = self.connection.query_row(
            "SELECT count(DISTINCT run_id) FROM submission
             WHERE state = 'submitted' AND id IN (SELECT value FROM json_each(?1))",
            [serde_json::to_string(&again)?],
            |row| row.get(0),
        )?;
        Ok(folders)
    }

    /// The folders by their standings, and the runs that they hold.
    fn folders_and_their_runs(
        &self,
        standings: &HashMap<i64, Standing>,
    ) -> Result<(RunFolders, HashSet<i64>), StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT answer, {RUNS_OF_FOLDER} FROM folder WHERE gone_ms IS NULL"
        ))?;

        let mut folders = RunFolders::default();
        let mut met = HashSet::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let own: Option<i64> = row.get("own")?;
            let whole: Option<i64> = row.get("whole")?;

            let mut standing = None;
            for run in [own, whole].into_iter().flatten() {
                met.insert(run);
                if let Some(of_run) = standings.get(&run) {
                    standing = Some(stronger(standing, *of_run));
                }
            }
            folders.add(match standing {
                Some(standing) => standing,
                None => without_rows(row.get("answer")?),
            });
        }
        Ok((folders, met))
    }

    /// The standing of each run that is recorded.
    fn standings(&self, before: &HashSet<i64>) -> Result<HashMap<i64, Standing>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, run_id, state FROM submission")?;
        let mut rows = statement.query([])?;

        let mut standings: HashMap<i64, Standing> = HashMap::new();
        while let Some(row) = rows.next()? {
            let run: i64 = row.get("run_id")?;
            let standing = match row.get("state")? {
                SubmissionState::Pending | SubmissionState::Submitting => Standing::Pending,
                SubmissionState::Parked => Standing::Parked,
                SubmissionState::Ignored => Standing::Ignored,
                SubmissionState::Submitted if before.contains(&row.get("id")?) => {
                    Standing::SubmittedBefore
                }
                SubmissionState::Submitted => Standing::SubmittedNow,
            };
            let earlier = standings.get(&run).copied();
            standings.insert(run, stronger(earlier, standing));
        }
        Ok(standings)
    }

    /// Just after the end of the run that ended last, before `now`, of those that are older than
    /// the history.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn newest_older_run(&self, now: Moment) -> Result<Option<Moment>, StoreError> {
        let sql = "SELECT max(ended_ms) FROM folder WHERE answer = ?1 AND ended_ms < ?2";
        let ended: Option<Moment> =
            self.connection
                .query_row(sql, params![AnswerKind::Older, now], |row| row.get(0))?;
        Ok(ended.map(|ended| ended.plus(Duration::from_millis(1))))
    }

    /// The runs that are older than the history and were not submitted on a person's word, by
    /// project.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn older_runs(&self) -> Result<Vec<OlderRuns>, StoreError> {
        // Not sorted, which would take room for all of them.
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT project, path, suite, ended_ms, {RUNS_OF_FOLDER} FROM folder
             WHERE answer = ?1 AND gone_ms IS NULL AND project IS NOT NULL
               AND own IS NULL AND whole IS NULL"
        ))?;
        let mut rows = statement.query(params![AnswerKind::Older])?;

        let mut by_project: BTreeMap<String, OlderRuns> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let project: String = row.get("project")?;
            let older = OlderRuns {
                project: project.clone(),
                count: 1,
                newest: row.get("path")?,
                suite: row.get("suite")?,
                ended: row.get("ended_ms")?,
            };
            match by_project.get_mut(&project) {
                Some(known) => known.add(older),
                None => {
                    by_project.insert(project, older);
                }
            }
        }
        Ok(by_project.into_values().collect())
    }
}

/// Of several rows the one that counts: what needs a person or waits is not done, and what is
/// submitted in one plan is submitted.
fn stronger(one: Option<Standing>, other: Standing) -> Standing {
    let rank = |standing| match standing {
        Standing::Parked => 4,
        Standing::Pending => 3,
        Standing::SubmittedNow => 2,
        Standing::SubmittedBefore => 1,
        _ => 0,
    };
    match one {
        Some(one) if rank(one) >= rank(other) => one,
        _ => other,
    }
}

const fn without_rows(answer: AnswerKind) -> Standing {
    match answer {
        AnswerKind::Older => Standing::Older,
        AnswerKind::Unread => Standing::Unread,
        AnswerKind::Running => Standing::Running,
        AnswerKind::Waiting | AnswerKind::Recorded => Standing::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_rows_of_a_run_the_one_that_is_not_done_counts_whatever_their_order() {
        let weakest_first = [
            Standing::Ignored,
            Standing::SubmittedBefore,
            Standing::SubmittedNow,
            Standing::Pending,
            Standing::Parked,
        ];

        for (place, weaker) in weakest_first.iter().enumerate() {
            assert_eq!(stronger(None, *weaker), *weaker);
            for other in &weakest_first[place..] {
                assert_eq!(stronger(Some(*weaker), *other), *other);
                assert_eq!(stronger(Some(*other), *weaker), *other);
            }
        }
    }
}
