//! What can go wrong with the outbox: when it is opened, and while it is open.

use std::path::PathBuf;

use crate::blocking::Stopped;
use crate::door::Silent;
use crate::outbox::store::{DATABASE, MARK};
use crate::outbox::transition::IllegalTransition;

/// The outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The state folder cannot be made or written.
    #[error("state folder `{}` cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database is gone or foreign although it was there once.
    #[error(
        "`{}` is {found} although kado has used this state folder before; nothing is submitted, \
         because everything could arrive twice. Bring the database back from a backup, or remove \
         `{MARK}` beside it to start with an empty memory and set `history` to the time of the \
         loss for once (runs already in ADO are then recognised by kado's key)",
        file.display()
    )]
    Lost {
        /// The database.
        file: PathBuf,
        /// Missing, empty or foreign.
        found: &'static str,
    },
    /// The database is damaged.
    #[error(
        "the database of the outbox is damaged and was set aside untouched as `{}`; nothing is \
         submitted, because everything could arrive twice. Bring it back from a backup, or remove \
         `{MARK}` beside it to start with an empty memory and set `history` to the time of the \
         loss for once (runs already in ADO are then recognised by kado's key)",
        aside.display()
    )]
    Damaged {
        /// Where it lies now.
        aside: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The database is damaged and lies where it was, because somebody else holds the lock or
    /// nobody does.
    #[error(
        "the database `{}` is damaged; nothing is submitted, because everything could arrive \
         twice. The next `kado run` sets it aside untouched. Bring it back from a backup, or \
         remove `{MARK}` beside it to start with an empty memory and set `history` to the time of \
         the loss for once (runs already in ADO are then recognised by kado's key)",
        file.display()
    )]
    DamagedInPlace {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The database belongs to a newer kado, or to one from before the first release.
    #[error(
        "`{}` was written by another kado, a newer one or one that was never released (schema \
         {found}, this one knows {known}); install that version again",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// SQLite cannot use it.
    #[error("database `{}` cannot be used", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// Something went wrong with an open outbox.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed, or a column holds what it cannot hold.
    #[error("the outbox cannot be read or written")]
    Database(#[from] rusqlite::Error),
    /// JSON that is stored cannot be understood.
    #[error("the outbox holds something that this version cannot read")]
    Content(#[from] serde_json::Error),
    /// There is no such submission.
    #[error("there is no run with id {0}; `kado runs` lists them")]
    UnknownSubmission(i64),
    /// A move of a submission that `crate::outbox::transition` forbids.
    #[error("submission {submission} stays as it is")]
    IllegalTransition {
        /// The submission.
        submission: i64,
        /// The move.
        #[source]
        source: IllegalTransition,
    },
    /// A move of a step that `crate::outbox::step::StepState::may_become` forbids.
    #[error("step {position} of submission {submission} cannot go from {from} to {to}")]
    IllegalMove {
        /// The submission.
        submission: i64,
        /// The step.
        position: usize,
        /// Its state.
        from: &'static str,
        /// The state asked for.
        to: &'static str,
    },
    /// A person asked for something that the state of the submission does not allow.
    #[error("{0}")]
    NotNow(String),
    /// The file system of what an answer depends on does not answer.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// The program is ending.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A fact that decides something and is not what it should be.
    #[error(
        "the outbox holds `{value}` as `{name}`, which this version cannot read; bring \
         `{DATABASE}` back from a backup, or install the version of kado that wrote it"
    )]
    Fact {
        /// Its name.
        name: &'static str,
        /// What is stored.
        value: String,
    },
}

impl StoreError {
    /// Whether it may pass without a person: no room, a folder that is not writable for the moment,
    /// somebody else's lock. Nothing may be sent while it lasts.
    pub(crate) fn may_pass(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure,
        };

        let Self::Database(rusqlite::Error::SqliteFailure(error, _)) = self else {
            return false;
        };
        matches!(
            error.code,
            CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | ReadOnly | SystemIoFailure
        )
    }

    /// Whether it is about what is stored of one run, and no reason to stop work on others.
    pub(crate) const fn concerns_one_run(&self) -> bool {
        match self {
            Self::Content(_)
            | Self::UnknownSubmission(_)
            | Self::IllegalTransition { .. }
            | Self::IllegalMove { .. }
            | Self::NotNow(_)
            | Self::Silent(_) => true,
            // The row of a step or run is missing; everything else is about the database as a
            // whole.
            Self::Database(error) => matches!(error, rusqlite::Error::QueryReturnedNoRows),
            // Facts decide about all runs, as the moment before which everything is history.
            Self::Stopped(_) | Self::Fact { .. } => false,
        }
    }
}
