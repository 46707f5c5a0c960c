//! Run folders that were met: what became of each, and how it looked when it was settled. A settled
//! one need not be read again while it looks the same, and is forgotten when it stays away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::discovery::folder_answer::{AnsweredFolder, FolderAnswer, OpenFolder};
use crate::discovery::run_identity::RunIdentity;
use crate::discovery::settled::{Ageing, FORGOTTEN, FolderDigest, Settled, SettledFolder};
use crate::file_names::key;
use crate::moment::Moment;
use crate::outbox::store::columns::by_word;
use crate::outbox::store::recorded_run::Projects;
use crate::outbox::store::{Store, StoreError};

/// The kinds of answers, as the column has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Recorded,
    Older,
    Unread,
    Running,
    Waiting,
}

impl AnswerKind {
    const ALL: [Self; 5] = [
        Self::Recorded,
        Self::Older,
        Self::Unread,
        Self::Running,
        Self::Waiting,
    ];

    const fn of(answer: &FolderAnswer) -> Self {
        match answer {
            FolderAnswer::Recorded => Self::Recorded,
            FolderAnswer::Older { .. } => Self::Older,
            FolderAnswer::Unread { .. } => Self::Unread,
            FolderAnswer::Running => Self::Running,
            FolderAnswer::Waiting { .. } => Self::Waiting,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Older => "older",
            Self::Unread => "unread",
            Self::Running => "running",
            Self::Waiting => "waiting",
        }
    }
}

impl ToSql for AnswerKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for AnswerKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_word(value, Self::ALL, Self::word)
    }
}

/// A folder as the outbox knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FolderInOutbox {
    /// What became of it when it was looked at last.
    pub answered: AnsweredFolder,
    /// The submissions of its run, or of the collection that the run is part of; where there are
    /// any, they are the answer. They are found by what the run's log says, so a copy has the same
    /// ones, and so has a folder whose run was submitted by hand since.
    pub submissions: Vec<i64>,
    /// Since when it is gone; `None` while it was there at the last sweep.
    pub gone: Option<Moment>,
}

impl Store {
    /// What became of a run folder; `None` of one that the service has not met, or has forgotten
    /// because it has been gone for a week. It is as true as the last sweep.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn folder_answer(
        &self,
        folder: &Path,
    ) -> Result<Option<FolderInOutbox>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM folder WHERE path = ?1")?;
        let known = statement
            .query_row([key(folder)], |row| {
                let gone: Option<Moment> = row.get("gone_ms")?;
                Ok((answered(row)?, gone))
            })
            .optional()?;
        let Some((answered, gone)) = known else {
            return Ok(None);
        };

        let submissions = match &answered.run {
            Some(run) => self.submissions_of(run, Projects::Around(folder))?,
            None => Vec::new(),
        };
        Ok(Some(FolderInOutbox {
            answered,
            submissions,
            gone,
        }))
    }

    /// All settled folders.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn settled_folders(&self) -> Result<Settled, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT path, fingerprint, gone_ms, ended_ms FROM folder WHERE fingerprint IS NOT NULL",
        )?;

        let mut settled = Settled::default();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let fingerprint: i64 = row.get("fingerprint")?;
            let folder = SettledFolder {
                fingerprint: fingerprint.cast_unsigned(),
                older: row.get("ended_ms")?,
            };
            let path: String = row.get("path")?;
            settled.take_in(FolderDigest::of(&path), folder, row.get("gone_ms")?);
        }
        Ok(settled)
    }

    /// What is stored of folders that are to be read again, by their paths.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open_folders(&self) -> Result<HashMap<String, OpenFolder>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM folder WHERE fingerprint IS NULL AND gone_ms IS NULL")?;
        let rows = statement.query_map([], |row| {
            let open = OpenFolder {
                answer: answer(row)?,
                is_run_known: run(row)?.is_some(),
            };
            Ok((row.get("path")?, open))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes note of folders that are gone at `now`, before they were settled, by their paths.
    /// Those with a run that had begun are kept for a week, as what was settled is:
    /// [`Store::lost_runs`].
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn lose_folders(&mut self, paths: &[String], now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        for path in paths {
            let kept = transaction.execute(
                "UPDATE folder SET gone_ms = ?2
                 WHERE path = ?1 AND answer IN (?3, ?4) AND suite IS NOT NULL",
                params![path, now, AnswerKind::Running, AnswerKind::Waiting],
            )?;
            if kept == 0 {
                transaction.execute("DELETE FROM folder WHERE path = ?1", [path])?;
            }
        }

        transaction.execute(
            "DELETE FROM folder WHERE fingerprint IS NULL AND gone_ms < ?1",
            [now.minus(FORGOTTEN)],
        )?;
        Ok(transaction.commit()?)
    }

    /// Remembers what became of folders.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_folders(&mut self, folders: &[AnsweredFolder]) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        for folder in folders {
            note(&transaction, folder)?;
        }
        Ok(transaction.commit()?)
    }

    /// Remembers which settled folders are gone or back at `now`, and forgets those that stayed
    /// away.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn age_folders(&mut self, ageing: &Ageing, now: Moment) -> Result<(), StoreError> {
        let transaction = self.begin()?;

        for path in paths(&transaction)? {
            let folder = FolderDigest::of(&path);
            if ageing.forgotten.contains(&folder) {
                transaction.execute("DELETE FROM folder WHERE path = ?1", [path])?;
                continue;
            }

            // Not forgotten at once: a drive or a workspace that comes back is not read all over
            // again.
            let gone = if ageing.gone.contains(&folder) {
                Some(now)
            } else if ageing.back.contains(&folder) {
                None
            } else {
                continue;
            };
            transaction.execute(
                "UPDATE folder SET gone_ms = ?2 WHERE path = ?1",
                params![path, gone],
            )?;
        }
        Ok(transaction.commit()?)
    }
}

/// All folders that were met.
fn paths(transaction: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT path FROM folder")?;
    let rows = statement.query_map([], |row| row.get("path"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn note(transaction: &Transaction<'_>, folder: &AnsweredFolder) -> Result<(), StoreError> {
    let run = folder.run.as_ref();
    let (reason, ended) = match &folder.answer {
        FolderAnswer::Unread { reason } | FolderAnswer::Waiting { reason } => (Some(reason), None),
        FolderAnswer::Older { ended } => (None, Some(ended)),
        FolderAnswer::Recorded | FolderAnswer::Running => (None, None),
    };

    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO folder (path, project, answer, reason, suite, started_ms, host,
                                            execution_uuid, ended_ms, fingerprint)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            key(&folder.folder),
            folder.project.as_deref().map(key),
            AnswerKind::of(&folder.answer),
            reason,
            run.map(|run| &run.suite),
            run.map(|run| run.started),
            run.map(|run| &run.host),
            run.and_then(|run| run.execution_uuid.as_ref()),
            ended,
            // SQLite has no unsigned integers: the same bits are stored.
            folder.settled.map(u64::cast_signed),
        ])?;
    Ok(())
}

/// Reads a row of `folder`, but for since when it is gone.
fn answered(row: &Row<'_>) -> rusqlite::Result<AnsweredFolder> {
    let path: String = row.get("path")?;
    let project: Option<String> = row.get("project")?;
    let fingerprint: Option<i64> = row.get("fingerprint")?;
    Ok(AnsweredFolder {
        folder: PathBuf::from(path),
        project: project.map(PathBuf::from),
        run: run(row)?,
        answer: answer(row)?,
        settled: fingerprint.map(i64::cast_unsigned),
    })
}

/// Reads what became of a folder.
fn answer(row: &Row<'_>) -> rusqlite::Result<FolderAnswer> {
    let reason: Option<String> = row.get("reason")?;
    let reason = reason.unwrap_or_default();
    Ok(match row.get("answer")? {
        AnswerKind::Recorded => FolderAnswer::Recorded,
        AnswerKind::Older => FolderAnswer::Older {
            ended: row.get("ended_ms")?,
        },
        AnswerKind::Unread => FolderAnswer::Unread { reason },
        AnswerKind::Running => FolderAnswer::Running,
        AnswerKind::Waiting => FolderAnswer::Waiting { reason },
    })
}

/// Which run a folder holds, if that is known.
fn run(row: &Row<'_>) -> rusqlite::Result<Option<RunIdentity>> {
    let suite: Option<String> = row.get("suite")?;
    let started: Option<Moment> = row.get("started_ms")?;
    let host: Option<String> = row.get("host")?;
    let (Some(suite), Some(started), Some(host)) = (suite, started, host) else {
        return Ok(None);
    };

    Ok(Some(RunIdentity {
        suite,
        started,
        host,
        execution_uuid: row.get("execution_uuid")?,
    }))
}
