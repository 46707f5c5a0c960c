//! Brings a database to the schema of this program. Migrations are SQL files and use no types of
//! the program, so that they mean the same for ever.

#![expect(
    clippy::disallowed_methods,
    reason = "another process that sets the database up is waited for"
)]

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::outbox::store::OpenError;

/// How long a statement waits for another process that is writing.
pub(super) const BUSY: Duration = Duration::from_secs(10);
/// Pause between two attempts at what SQLite does not wait for by itself.
const BETWEEN: Duration = Duration::from_millis(20);

/// Marks a database as kado's (`PRAGMA application_id`): the letters `kado`.
const APPLICATION: i64 = 0x6b61_646f;

/// All migrations, the first first; the schema version is their number.
const MIGRATIONS: [&str; 7] = [
    include_str!("../schema/0001_initial.sql"),
    include_str!("../schema/0002_katalon.sql"),
    include_str!("../schema/0003_commands.sql"),
    include_str!("../schema/0004_submission_server.sql"),
    include_str!("../schema/0005_collections.sql"),
    include_str!("../schema/0006_kept.sql"),
    include_str!("../schema/0007_members.sql"),
];

/// What stands in for each migration while a database without it is only read: temporary views and
/// tables. The fourth needs none: whoever reads what it brought asks for the version.
const READ_OLDER: [&str; MIGRATIONS.len()] = [
    "",
    include_str!("../schema/0002_read_older.sql"),
    include_str!("../schema/0003_read_older.sql"),
    "",
    include_str!("../schema/0005_read_older.sql"),
    include_str!("../schema/0006_read_older.sql"),
    include_str!("../schema/0007_read_older.sql"),
];

/// Makes an older database readable as one of this program, without changing it.
pub(super) fn read_older(connection: &Connection, version: i64) -> rusqlite::Result<()> {
    let mut missing = (1_i64..)
        .zip(READ_OLDER)
        .filter(|(number, _)| *number > version);
    missing.try_for_each(|(_, sql)| connection.execute_batch(sql))
}

/// Sets the connection up and migrates the database; with `check` its pages are looked through
/// first.
pub(super) fn prepare(
    connection: &mut Connection,
    file: &Path,
    check: bool,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database {
        file: file.to_owned(),
        source,
    };
    connection.busy_timeout(BUSY).map_err(failed)?;
    refuse_foreign(connection, file)?;
    let version = check_version(connection, file)?;
    if check {
        check_whole(connection).map_err(failed)?;
    }
    write_ahead(connection).map_err(failed)?;
    // A commit that is lost in a power cut would be a second submission.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(failed)?;
    migrate(connection, version).map_err(failed)
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
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(found)))
}

fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have migrated between the look and the lock.
    let version = user_version(&transaction)?.max(version);
    for (number, sql) in (1_i64..).zip(MIGRATIONS) {
        if number > version {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
        }
    }
    transaction.commit()
}

/// The schema version of a database that this program can use.
pub(super) fn check_version(connection: &Connection, file: &Path) -> Result<i64, OpenError> {
    let found = user_version(connection).map_err(|source| OpenError::Database {
        file: file.to_owned(),
        source,
    })?;
    let known = i64::try_from(MIGRATIONS.len()).expect("there are few migrations");
    if found > known {
        Err(OpenError::Newer {
            file: file.to_owned(),
            found,
            known,
        })
    } else {
        Ok(found)
    }
}

fn refuse_foreign(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database {
        file: file.to_owned(),
        source,
    };
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

/// The schema version of a database.
pub(super) fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT user_version FROM pragma_user_version", [], |row| {
        row.get(0)
    })
}
