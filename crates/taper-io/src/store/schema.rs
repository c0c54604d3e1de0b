//! The tables of a store, its version, and how SQLite is asked to keep them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use taper::Complaint;

use crate::atomic::refuse_other;
use crate::{Error, Result};

/// `Tapr`: tells a store from any other SQLite file.
const APPLICATION: i32 = 0x5461_7072;

/// The version that this program writes, and the newest it reads.
const VERSION: i32 = 1;

/// Bytes of a page. Salvaging relies on it.
pub(super) const PAGE: usize = 4096;

/// How long to wait for another process that is in the middle of a write.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
    CREATE TABLE study (
        id INTEGER PRIMARY KEY,
        identity TEXT NOT NULL,
        seal TEXT NOT NULL
    );
    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        study INTEGER NOT NULL,
        key TEXT NOT NULL,
        spec TEXT NOT NULL,
        outcome TEXT NOT NULL,
        seal TEXT NOT NULL,
        UNIQUE (study, key)
    );
    CREATE TABLE finish (
        study INTEGER PRIMARY KEY,
        result TEXT NOT NULL,
        seal TEXT NOT NULL
    );
";

/// Opens or makes a store.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(path, flags)?;
    let made = (|| {
        connection.pragma_update(None, "page_size", PAGE as i64)?;
        // A run is one flush to disk this way; with a rollback journal it is four.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction()?;
        let empty = transaction.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))?;
        if empty {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()
    })();
    made.map_err(|error| failed(path, "opening", error))?;
    check_version(path, &connection)?;
    Ok(connection)
}

/// Whether there is nothing at this path yet, or a database without tables: a process was killed while it made one.
pub(super) fn is_empty(path: &Path) -> Result<bool> {
    if std::fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(true);
    }
    let connection = connect_to_read(path)?;
    tables(&connection).map(|tables| tables == 0).map_err(|error| failed(path, "reading", error))
}

fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

/// Brings everything into the one file, if no other process has it open.
pub(super) fn close(connection: &Connection) {
    // If that fails, the log stays beside the file, and whoever opens it next has it.
    let _ = connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()));
}

/// Opens a store that is there, only to read.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    // Without this SQLite's answer would not say what is missing.
    std::fs::metadata(path).map_err(|source| Error::io(path, "reading", source))?;
    let connection = connect_to_read(path)?;
    check_version(path, &connection)?;
    Ok(connection)
}

fn connect_to_read(path: &Path) -> Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Who is killed while the log is brought into the file leaves a journal of what has to be taken back first. SQLite does that by
    // itself, but only for those who may write.
    if tables(&connection).is_err_and(|error| is_half_written(&error)) {
        let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        tables(&writer).map_err(|error| failed(path, "reading", error))?;
    }
    Ok(connection)
}

fn is_half_written(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    // A link could lead to a database of somebody else's. The files beside it are SQLite's, which does not follow links there.
    refuse_other(path)?;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, "opening", error))?;
    connection.busy_timeout(PATIENCE).map_err(|error| failed(path, "opening", error))?;
    Ok(connection)
}

fn check_version(path: &Path, connection: &Connection) -> Result<()> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(|error| failed(path, "reading", error))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application != APPLICATION {
        let complaint = Complaint::new("", "a store of runs", "another SQLite database");
        return Err(Error::content(path, complaint));
    }
    if !(1..=VERSION).contains(&version) {
        let complaint =
            Complaint::new("", format!("a store of version {VERSION} or older"), format!("version {version}"));
        return Err(Error::content(path, complaint));
    }
    Ok(())
}

/// SQLite's errors in our words: damage is about the file's contents, all else is the system's.
pub(super) fn failed(path: &Path, action: &'static str, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            let got = match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => "a file whose beginning is not SQLite's".to_owned(),
                _ => format!("a damaged one: {error}"),
            };
            Error::content(path, Complaint::new("", "an intact store", got).help(super::REMEDY))
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::io(path, action, std::io::Error::new(std::io::ErrorKind::PermissionDenied, error))
        }
        _ => Error::io(path, action, std::io::Error::other(error)),
    }
}
