//! All SQL of the program, and the database file.
//!
//! The file is `kado.db` in the state folder. `user_version` is the version of its schema; a newer
//! one is refused, an older one is migrated in one transaction. Beside it lies `kado.mark`, written
//! when the database was first made: with the mark there and the database missing, empty or
//! foreign, something went wrong that kado must not paper over by starting anew, because it would
//! submit everything a second time.

#![expect(clippy::disallowed_methods, reason = "the database is a file")]

mod collection_members;
mod columns;
mod commands;
mod error;
mod facts;
mod folders;
mod gone_on;
mod history;
mod katalon_uploads;
mod last_runs;
mod ledger;
mod left_to_katalon;
mod live_runs;
mod lost_runs;
#[cfg(test)]
mod model;
mod notifications;
mod open_plans;
mod other_projects;
mod overtaken;
mod pending_members;
mod reconsider;
mod record;
mod recorded_run;
mod requests;
mod retry;
mod run_folders;
mod run_parts;
#[cfg(test)]
mod sample;
mod schema;
mod state;
mod steps;
mod submissions;
mod summaries;
mod take_up;
#[cfg(test)]
mod test_runs;
#[cfg(test)]
mod tests;
mod unreadable_rows;
mod waiting;

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::clock;
use crate::moment::Moment;
use crate::outbox::store::schema::Writer;
use crate::state_dir;

pub(crate) use collection_members::Remaining;
pub use error::{OpenError, StoreError};
pub(crate) use facts::ServiceFacts;
pub(crate) use katalon_uploads::{DoubleSubmission, Overlap};
pub(crate) use last_runs::LastRun;
pub(crate) use ledger::{LedgerEvent, LedgerRow};
pub(crate) use live_runs::{LiveFate, LiveRun};
pub(crate) use lost_runs::{LostRun, MetRun};
pub(crate) use notifications::LONGEST_WAIT as LONGEST_MESSAGE_WAIT;
pub(crate) use pending_members::StoredMember;
pub(crate) use reconsider::UnmappedRun;
pub(crate) use recorded_run::Projects;
pub(crate) use run_folders::OlderRuns;
pub(crate) use submissions::unreadable;
pub(crate) use unreadable_rows::UnreadableRow;

/// Name of the database in the state folder.
pub(crate) const DATABASE: &str = "kado.db";
/// Name of the mark beside it.
pub(crate) const MARK: &str = "kado.mark";

/// The database is opened as itself. On Unix only: SQLite refuses links above it as well, and there
/// is no path without them for it on Windows.
const FOLLOW_NO_LINK: OpenFlags = if cfg!(unix) {
    OpenFlags::SQLITE_OPEN_NOFOLLOW
} else {
    OpenFlags::empty()
};

/// The open outbox.
pub struct Store {
    connection: Connection,
    /// Where the database lies, with the marks beside it.
    state_dir: PathBuf,
}

impl Store {
    /// Opens the outbox of a state folder for the process that holds its lock, and makes it when
    /// there is none. A damaged database is set aside.
    ///
    /// # Errors
    /// When the folder cannot be used, or when the database is lost, foreign, damaged or newer than
    /// this program.
    pub(crate) fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Self::open_as(state_dir, Writer::Holder)
    }

    /// Opens the outbox beside the process that holds the lock: whether the database is whole is
    /// that one's business.
    ///
    /// # Errors
    /// As `Store::open`, but a damaged database stays where it is.
    pub fn open_beside(state_dir: &Path) -> Result<Self, OpenError> {
        Self::open_as(state_dir, Writer::Beside)
    }

    fn open_as(state_dir: &Path, writer: Writer) -> Result<Self, OpenError> {
        let in_folder = |source| OpenError::Folder {
            folder: state_dir.to_owned(),
            source,
        };

        state_dir::make(state_dir).map_err(in_folder)?;
        let file = state_dir.join(DATABASE);
        let is_marked = is_there(&state_dir.join(MARK), state_dir)?;
        if is_marked {
            refuse_lost(&file, state_dir)?;
        }

        // SQLite would go by the umask. It gives the files that it makes beside this one the same
        // mode, and leaves what is there as it is.
        match state_dir::make_file(&file) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(in_folder(error)),
            _ => {}
        }
        let real_file = state_dir::without_links(state_dir)
            .map_err(in_folder)?
            .join(DATABASE);
        let mut connection =
            Connection::open_with_flags(&real_file, OpenFlags::default() | FOLLOW_NO_LINK)
                .map_err(|source| OpenError::Database {
                    file: file.clone(),
                    source,
                })?;
        if let Err(error) = schema::prepare(&mut connection, &file, writer) {
            // An open file cannot be moved on every system.
            drop(connection);
            return Err(match writer {
                Writer::Holder => set_aside(error, &file, &aside_of(&file, clock::now())),
                Writer::Beside => in_place(error),
            });
        }

        // Only now: a mark beside a database that was never made would refuse the next start.
        if !is_marked {
            let mut mark = state_dir::open_file(&state_dir.join(MARK)).map_err(in_folder)?;
            mark.write_all(b"kado keeps its memory in kado.db beside this file.\n")
                .map_err(in_folder)?;
        }
        Ok(Self {
            connection,
            state_dir: state_dir.to_owned(),
        })
    }

    /// Opens an outbox for reading beside a running service; `None` when there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(crate) fn open_to_read(state_dir: &Path) -> Result<Option<Self>, OpenError> {
        let in_folder = |source| OpenError::Folder {
            folder: state_dir.to_owned(),
            source,
        };

        state_dir::check(state_dir).map_err(in_folder)?;
        let file = state_dir.join(DATABASE);
        let is_marked = is_there(&state_dir.join(MARK), state_dir)?;
        if !is_there(&file, state_dir)? {
            if is_marked {
                let found = "missing";
                return Err(OpenError::Lost { file, found });
            }
            return Ok(None);
        }

        let failed = |source| {
            in_place(OpenError::Database {
                file: file.clone(),
                source,
            })
        };

        // Only to read: a look must neither make a database nor bring one to a newer schema while a
        // service of the older kado still works with it.
        let real_file = state_dir::without_links(state_dir)
            .map_err(in_folder)?
            .join(DATABASE);
        let connection = Connection::open_with_flags(
            &real_file,
            OpenFlags::SQLITE_OPEN_READ_ONLY | FOLLOW_NO_LINK,
        )
        .map_err(failed)?;
        schema::configure(&connection).map_err(failed)?;
        let version = schema::check_version(&connection, &file).map_err(in_place)?;

        // Another process is making it at this moment.
        if version == 0 && !is_marked {
            return Ok(None);
        }
        Ok(Some(Self {
            connection,
            state_dir: state_dir.to_owned(),
        }))
    }

    /// Looks through all pages of the database; slow on a large one.
    ///
    /// # Errors
    /// When they do not fit together.
    pub(crate) fn check_whole(&self, state_dir: &Path) -> Result<(), OpenError> {
        let file = state_dir.join(DATABASE);
        schema::check_whole(&self.connection)
            .map_err(|source| in_place(OpenError::Database { file, source }))
    }

    /// How many rows were written through this connection so far.
    pub(crate) fn rows_written(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Begins a change. It holds the lock for writing from its beginning, so that nothing that it
    /// reads changes before it writes.
    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }
}

/// Refuses to start anew where there was an outbox before.
fn refuse_lost(file: &Path, state_dir: &Path) -> Result<(), OpenError> {
    let found = match std::fs::metadata(file) {
        // SQLite would take it for a new database.
        Ok(metadata) if metadata.len() == 0 => "empty",
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => "missing",
        Err(source) => {
            return Err(OpenError::Folder {
                folder: state_dir.to_owned(),
                source,
            });
        }
    };

    Err(OpenError::Lost {
        file: file.to_owned(),
        found,
    })
}

/// Whether a file of the state folder is there. A folder that this account may not enter is not one
/// without an outbox.
fn is_there(path: &Path, state_dir: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(|source| OpenError::Folder {
        folder: state_dir.to_owned(),
        source,
    })
}

/// Whether SQLite says that the file is no whole database.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};

    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}

/// Names a damaged database that stays where it is; other errors stay as they are.
fn in_place(error: OpenError) -> OpenError {
    match error {
        OpenError::Database { file, source } if is_damage(&source) => {
            OpenError::DamagedInPlace { file, source }
        }
        other => other,
    }
}

/// Where a damaged database is set aside.
fn aside_of(file: &Path, now: Moment) -> PathBuf {
    PathBuf::from(format!("{}.damaged-{}", file.display(), now.millis()))
}

/// Moves a damaged database out of the way, so that nobody goes on with it; other errors stay as
/// they are. One that cannot be moved is refused again at the next start.
fn set_aside(error: OpenError, file: &Path, aside: &Path) -> OpenError {
    let source = match error {
        OpenError::Database { source, .. } if is_damage(&source) => source,
        other => return other,
    };

    match move_with_log(file, aside) {
        Ok(()) => OpenError::Damaged {
            aside: aside.to_owned(),
            source,
        },
        Err(error) => {
            tracing::warn!(
                file = %file.display(),
                %error,
                "the damaged database cannot be set aside, and stays where it is"
            );
            OpenError::DamagedInPlace {
                file: file.to_owned(),
                source,
            }
        }
    }
}

/// Moves a database with its log and index: beside a new one they would be taken for its own.
fn move_with_log(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;

    let beside = |file: &Path, suffix: &str| PathBuf::from(format!("{}{suffix}", file.display()));
    match std::fs::rename(beside(from, "-wal"), beside(to, "-wal")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            // Without its log it is another database, so both stay together.
            std::fs::rename(to, from)?;
            return Err(error);
        }
        _ => {}
    }
    // The index is made anew from the log.
    let _ = std::fs::rename(beside(from, "-shm"), beside(to, "-shm"));
    Ok(())
}
