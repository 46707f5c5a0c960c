//! All SQL of the program, and the database file.
//!
//! The file is `kado.db` in the state folder. `user_version` is the version of its schema; a newer
//! one is refused, an older one is migrated in one transaction. Beside it lies `kado.mark`, written
//! when the database was first made: with the mark there and the database missing, empty or
//! foreign, something went wrong that kado must not paper over by starting anew, because it would
//! submit everything a second time.

#![expect(clippy::disallowed_methods, reason = "the database is a file")]

mod collection_members;
mod commands;
mod facts;
mod katalon_uploads;
#[cfg(test)]
mod model;
mod pending_members;
mod record;
mod schema;
mod settled_folders;
mod steps;
mod submissions;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::blocking::Stopped;
use crate::clock;
use crate::state_dir;

pub use collection_members::Remaining;
pub use katalon_uploads::{DoubleSubmission, Extent};
pub use pending_members::StoredMember;
pub use submissions::unreadable;

/// Name of the database in the state folder.
pub const DATABASE: &str = "kado.db";
/// Name of the mark beside it.
pub const MARK: &str = "kado.mark";

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
        "`{}` is {found} although kado has used this state folder before; nothing is submitted, because everything could \
         arrive twice. Bring the database back from a backup, or remove `{MARK}` beside it to start with an empty memory \
         and set `history` to the time of the loss for once (runs already in ADO are then recognised by kado's key)",
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
        "the database of the outbox is damaged and was set aside untouched as `{}`; nothing is submitted, because \
         everything could arrive twice. Bring it back from a backup, or remove `{MARK}` beside it to start with an empty \
         memory and set `history` to the time of the loss for once (runs already in ADO are then recognised by kado's key)",
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
        "the database `{}` is damaged; nothing is submitted, because everything could arrive twice. The next `kado run` \
         sets it aside untouched. Bring it back from a backup, or remove `{MARK}` beside it to start with an empty memory \
         and set `history` to the time of the loss for once (runs already in ADO are then recognised by kado's key)",
        file.display()
    )]
    DamagedInPlace {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The database belongs to a newer kado.
    #[error("`{}` was written by a newer kado (schema {found}, this one knows {known}); install that version again", file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The version this program knows.
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
    /// SQLite failed.
    #[error("the outbox cannot be read or written")]
    Database(#[from] rusqlite::Error),
    /// What is stored cannot be understood.
    #[error("the outbox holds something that this version cannot read")]
    Content(#[from] serde_json::Error),
    /// There is no such submission.
    #[error("there is no run with id {0}; `kado runs` lists them")]
    UnknownSubmission(i64),
    /// A move that the state machine forbids.
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
    /// The program is ending.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A fact that decides something and is not what it should be.
    #[error(
        "the outbox holds `{value}` as `{name}`, which this version cannot read; bring `{DATABASE}` back from a backup, or \
         install the version of kado that wrote it"
    )]
    Fact {
        /// Its name.
        name: &'static str,
        /// What is stored.
        value: String,
    },
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

/// Moves a damaged database out of the way, so that nobody goes on with it; other errors stay as
/// they are.
fn set_aside(error: OpenError, file: &Path) -> OpenError {
    let OpenError::Database { source, .. } = error else {
        return error;
    };
    if !is_damage(&source) {
        return OpenError::Database {
            file: file.to_owned(),
            source,
        };
    }
    let aside = PathBuf::from(format!(
        "{}.damaged-{}",
        file.display(),
        clock::now().millis()
    ));
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        // What cannot be moved stays where it is and is refused again at the next start.
        let _ = std::fs::rename(with(file), with(&aside));
    }
    OpenError::Damaged { aside, source }
}

impl StoreError {
    /// Whether it may pass without a person: no room, a folder that is not writable for the moment,
    /// somebody else's lock. Nothing may be sent while it lasts.
    pub fn may_pass(&self) -> bool {
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
    pub const fn concerns_one_run(&self) -> bool {
        match self {
            Self::Content(_)
            | Self::UnknownSubmission(_)
            | Self::IllegalMove { .. }
            | Self::NotNow(_) => true,
            Self::Database(error) => matches!(error, rusqlite::Error::QueryReturnedNoRows),
            Self::Stopped(_) | Self::Fact { .. } => false,
        }
    }
}

/// The open outbox.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the outbox of a state folder for the process that holds its lock, and makes it when
    /// there is none. A damaged database is set aside.
    ///
    /// # Errors
    /// When the folder cannot be used, or when the database is lost, foreign, damaged or newer than
    /// this program.
    pub fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Self::open_as(state_dir, true)
    }

    /// Opens the outbox beside the process that holds the lock: whether the database is whole is
    /// that one's business.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_beside(state_dir: &Path) -> Result<Self, OpenError> {
        Self::open_as(state_dir, false)
    }

    fn open_as(state_dir: &Path, holds_lock: bool) -> Result<Self, OpenError> {
        let in_folder = |source| OpenError::Folder {
            folder: state_dir.to_owned(),
            source,
        };
        state_dir::make(state_dir).map_err(in_folder)?;
        let file = state_dir.join(DATABASE);
        let marked = state_dir.join(MARK).exists();
        let size = std::fs::metadata(&file).map(|metadata| metadata.len()).ok();
        match size {
            None if marked => {
                return Err(OpenError::Lost {
                    file,
                    found: "missing",
                });
            }
            Some(0) if marked => {
                return Err(OpenError::Lost {
                    file,
                    found: "empty",
                });
            }
            // SQLite would close the file to the group, which a shared state folder is for; what is
            // there it leaves.
            None => drop(std::fs::File::create_new(&file)),
            Some(_) => {}
        }
        let mut connection = Connection::open(&file).map_err(|source| OpenError::Database {
            file: file.clone(),
            source,
        })?;
        if let Err(error) = schema::prepare(&mut connection, &file, holds_lock) {
            drop(connection);
            return Err(if holds_lock {
                set_aside(error, &file)
            } else {
                in_place(error)
            });
        }
        if !marked {
            std::fs::write(
                state_dir.join(MARK),
                "kado keeps its memory in kado.db beside this file.\n",
            )
            .map_err(in_folder)?;
        }
        Ok(Self { connection })
    }

    /// Opens an outbox for reading beside a running service; `None` when there is none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open_to_read(state_dir: &Path) -> Result<Option<Self>, OpenError> {
        let file = state_dir.join(DATABASE);
        // A folder that this account may not enter is not one without an outbox.
        let is_there = |path: &Path| {
            path.try_exists().map_err(|source| OpenError::Folder {
                folder: state_dir.to_owned(),
                source,
            })
        };
        match (is_there(&file)?, is_there(&state_dir.join(MARK))?) {
            (true, _) => {}
            (false, false) => return Ok(None),
            (false, true) => {
                return Err(OpenError::Lost {
                    file,
                    found: "missing",
                });
            }
        }
        let failed = |source| {
            in_place(OpenError::Database {
                file: file.clone(),
                source,
            })
        };
        let connection =
            Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        connection.busy_timeout(schema::BUSY).map_err(failed)?;
        let version = schema::check_version(&connection, &file).map_err(in_place)?;
        schema::read_older(&connection, version).map_err(failed)?;
        Ok(Some(Self { connection }))
    }

    /// Looks through all pages of the database; slow on a large one.
    ///
    /// # Errors
    /// When they do not fit together.
    pub fn check_whole(&self, state_dir: &Path) -> Result<(), OpenError> {
        let file = state_dir.join(DATABASE);
        schema::check_whole(&self.connection)
            .map_err(|source| in_place(OpenError::Database { file, source }))
    }
}
