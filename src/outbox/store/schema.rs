//! Brings a database to the schema of this program. A schema is an SQL file and uses no types of
//! the program, so that it means the same for ever.

#![expect(
    clippy::disallowed_methods,
    reason = "another process that sets the database up is waited for"
)]

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi};

use crate::outbox::store::OpenError;

/// How long a statement waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(10);
/// KiB of pages that a connection keeps. The system keeps them as well, so that more memory would
/// save little time.
const CACHE_KIB: i64 = 512;
/// How often a database is prepared anew because others that make it took its journal away.
const RACES: u32 = 20;
/// Pause between two attempts at what SQLite does not wait for by itself.
const BETWEEN: Duration = Duration::from_millis(20);

/// Marks a database as kado's (`PRAGMA application_id`): the letters `kado`.
const APPLICATION: i64 = 0x6b61_646f;

/// What makes each schema from the one before it, the first first; the version of a schema
/// (`PRAGMA user_version`) is its number. One that was released is never edited.
const MIGRATIONS: [&str; 1] = [include_str!("../schema/0001.sql")];

/// Who opens the database to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Writer {
    /// The process that holds the lock of the state folder, and answers for the database.
    Holder,
    /// Another one, beside it.
    Beside,
}

/// How every connection is set up.
///
/// # Errors
/// When SQLite refuses.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // A negative number counts KiB, others pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// Sets the connection up and brings the database to the schema of this program. The holder of the
/// lock looks through its pages first.
///
/// # Errors
/// When it is foreign, damaged, of another kado, or cannot be written.
pub(super) fn prepare(
    connection: &mut Connection,
    file: &Path,
    writer: Writer,
) -> Result<(), OpenError> {
    let mut left = RACES;

    loop {
        match prepare_once(connection, file, writer) {
            Err(OpenError::Database { source, .. }) if left > 0 && is_journal_gone(&source) => {
                left -= 1;
            }
            prepared => return prepared,
        }
    }
}

/// Whether another process took away the journal of a database that both make at once: on Windows
/// SQLite takes that for a failure.
fn is_journal_gone(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_DELETE_NOENT)
}

fn prepare_once(connection: &mut Connection, file: &Path, writer: Writer) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database {
        file: file.to_owned(),
        source,
    };

    configure(connection).map_err(failed)?;

    // Before the version is looked at: in somebody else's database that number means something
    // else.
    refuse_foreign(connection, file)?;
    check_version(connection, file)?;
    if writer == Writer::Holder {
        check_whole(connection).map_err(failed)?;
    }

    write_ahead(connection).map_err(failed)?;
    // A commit that is lost in a power cut would be a second submission.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;

    // SQLite checks references only where a connection asks for it.
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(failed)?;

    migrate(connection).map_err(failed)
}

/// Switches to a write-ahead log. Of two processes that do so at once SQLite refuses one at once,
/// without waiting.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut left = BUSY.as_millis() / BETWEEN.as_millis();

    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && left > 0 =>
            {
                left -= 1;
                std::thread::sleep(BETWEEN);
            }
            switched => return switched,
        }
    }
}

/// Whether the pages of the database fit together.
pub(super) fn check_whole(connection: &Connection) -> rusqlite::Result<()> {
    // `integrity_check` would also compare indexes with their tables, which takes longer on each
    // start; and one fault is enough to refuse.
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }

    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(found)))
}

/// Carries out the migrations that are missing, in one transaction.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;

    // It is asked under the lock: another process may have migrated at the same moment.
    let version = user_version(&transaction)?;
    for (number, sql) in (1_i64..).zip(MIGRATIONS) {
        if number > version {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
        }
    }

    transaction.commit()
}

/// The schema version of a database that this program can use; 0 for one that has none yet.
///
/// # Errors
/// When it is newer than this program.
pub(super) fn check_version(connection: &Connection, file: &Path) -> Result<i64, OpenError> {
    let found = user_version(connection).map_err(|source| OpenError::Database {
        file: file.to_owned(),
        source,
    })?;
    let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");

    if found > known {
        return Err(OpenError::Newer {
            file: file.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Refuses a database with tables of somebody else.
fn refuse_foreign(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database {
        file: file.to_owned(),
        source,
    };

    // A file that was just made has neither tables nor a mark, and is no stranger's.
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let application: i64 = connection
        .query_row(
            "SELECT application_id FROM pragma_application_id",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;

    if tables > 0 && application != APPLICATION {
        return Err(OpenError::Lost {
            file: file.to_owned(),
            found: "not a database of kado",
        });
    }
    Ok(())
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT user_version FROM pragma_user_version", [], |row| {
        row.get(0)
    })
}
