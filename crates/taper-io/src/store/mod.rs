//! The store of a study: every finished run, durable at once, in one SQLite file.
//!
//! | table | columns |
//! |---|---|
//! | `study` | `id`, `identity` (experiment, data and engine as JSON), `seal` |
//! | `run` | `id`, `study`, `key`, `spec` (JSON), `outcome` (JSON), `seal` |
//! | `finish` | `study`, `result` (digest of its result), `seal` |
//!
//! A run is acknowledged after SQLite has flushed it to disk (write-ahead log, `synchronous = FULL`); a store that is closed is one
//! file. Each record is sealed with a digest; opening a store checks its structure and all seals. SQLite gives up a log behind the
//! first frame that is torn: what sealed records lie there all the same are brought back. Any number of processes may read while
//! one writes; who may write is settled by [`StudyLock`].

mod lock;
mod record;
mod salvage;
mod schema;
mod study;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use taper::Complaint;

use crate::{Error, Result};

pub use lock::{Locking, StudyLock};
pub use record::{FinishRecord, RunRecord, StudyRecord};
pub use salvage::{Repair, repair_store};
pub use study::StudyStore;

/// The name of the store in a study's folder.
pub const STORE: &str = "runs.sqlite";

/// An open store.
#[derive(Debug)]
pub struct RunStore {
    path: PathBuf,
    connection: Mutex<Connection>,
    writes: bool,
}

impl Drop for RunStore {
    fn drop(&mut self) {
        if self.writes {
            schema::close(&self.lock());
        }
    }
}

impl RunStore {
    /// Opens the store at this path to read and write, or makes one.
    ///
    /// # Errors
    ///
    /// A file that is no store of this program, is of a newer version, or is damaged: every broken record by its number.
    /// [`Error::Io`] where the system refuses.
    pub fn open(path: &Path) -> Result<Self> {
        // Only a process that was killed leaves a log behind.
        let left = salvage::left_in_log(path)?;
        // What is damaged is not written to.
        if !schema::is_empty(path)? {
            Self::read(path)?;
        }
        let connection = schema::open(path)?;
        let store = Self { path: path.to_owned(), connection: Mutex::new(connection), writes: true };
        if let Some(left) = left {
            left.add_to(&store)?;
        }
        Ok(store)
    }

    /// Opens a store that is there, only to read.
    ///
    /// # Errors
    ///
    /// As [`RunStore::open`], and where there is none.
    pub fn read(path: &Path) -> Result<Self> {
        let connection = schema::open_to_read(path)?;
        let store = Self { path: path.to_owned(), connection: Mutex::new(connection), writes: false };
        store.check()?;
        Ok(store)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a study and gives its number.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn begin(&self, identity: &str) -> Result<i64> {
        let mut connection = self.lock();
        let begun = (|| {
            let transaction = connection.transaction()?;
            let id = transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM study", [], |row| row.get(0))?;
            let study = StudyRecord { id, identity: identity.to_owned() };
            insert_study(&transaction, &study)?;
            transaction.commit()?;
            Ok(id)
        })();
        begun.map_err(|error| self.failed("writing", error))
    }

    /// All studies, the oldest first.
    ///
    /// # Errors
    ///
    /// A record that is not as it was written; [`Error::Io`].
    pub fn studies(&self) -> Result<Vec<StudyRecord>> {
        self.query("SELECT id, identity, seal FROM study ORDER BY id", [], study)
    }

    /// All runs of a study, in the order in which they finished.
    ///
    /// # Errors
    ///
    /// As [`RunStore::studies`].
    pub fn runs(&self, study: i64) -> Result<Vec<RunRecord>> {
        self.query("SELECT id, study, key, spec, outcome, seal FROM run WHERE study = ? ORDER BY id", [study], run)
    }

    /// How many runs of a study are finished.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn count(&self, study: i64) -> Result<usize> {
        let count = self.lock().query_row("SELECT count(*) FROM run WHERE study = ?", [study], |row| row.get(0));
        count.map(|count: i64| count.max(0) as usize).map_err(|error| self.failed("reading", error))
    }

    /// One run by its key, if it is finished.
    ///
    /// # Errors
    ///
    /// As [`RunStore::studies`].
    pub fn get(&self, study: i64, key: &str) -> Result<Option<RunRecord>> {
        const SQL: &str = "SELECT id, study, key, spec, outcome, seal FROM run WHERE study = ? AND key = ?";
        let found = self
            .lock()
            .prepare_cached(SQL)
            .and_then(|mut statement| statement.query_row(params![study, key], run).optional());
        found.map_err(|error| self.failed("reading", error))?.map(|sealed| self.opened(sealed)).transpose()
    }

    /// Keeps a finished run: when this returns, it is on disk. A run that is there already stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: the disk is full, or was taken away. What was kept before is safe.
    pub fn put(&self, study: i64, key: &str, spec: &str, outcome: &str) -> Result<()> {
        let text = str::to_owned;
        let run = RunRecord { id: 0, study, key: text(key), spec: text(spec), outcome: text(outcome) };
        insert_run(&self.lock(), &run).map_err(|error| self.failed("writing", error))
    }

    /// Notes that a study has come to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn finish(&self, study: i64, result: &str) -> Result<()> {
        let finish = FinishRecord { study, result: result.to_owned() };
        insert_finish(&self.lock(), &finish).map_err(|error| self.failed("writing", error))
    }

    /// The end of a study, if it has come.
    ///
    /// # Errors
    ///
    /// As [`RunStore::studies`].
    pub fn finished(&self, study: i64) -> Result<Option<FinishRecord>> {
        let mut found = self.query("SELECT study, result, seal FROM finish WHERE study = ?", [study], finish)?;
        Ok(found.pop())
    }

    /// Structure and seals. Complains about every broken record, up to a few.
    fn check(&self) -> Result<()> {
        const MOST: usize = 8;
        let mut complaints = Vec::new();
        let structure = self.lock().prepare("PRAGMA quick_check(4)").and_then(|mut statement| {
            statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        });
        match structure {
            Ok(lines) if lines == ["ok"] => {}
            Ok(lines) => complaints.extend(lines.into_iter().map(|line| Complaint::new("", "an intact store", line))),
            Err(error) => return Err(self.failed("reading", error)),
        }
        let seals = (|| {
            let connection = self.lock();
            let mut broken = Vec::new();
            broken.extend(all(&connection, "SELECT id, identity, seal FROM study", study)?);
            broken.extend(all(&connection, "SELECT id, study, key, spec, outcome, seal FROM run", run)?);
            broken.extend(all(&connection, "SELECT study, result, seal FROM finish", finish)?);
            Ok::<_, rusqlite::Error>(broken)
        })();
        match seals {
            Ok(broken) => complaints.extend(broken.into_iter().map(|place| changed(&place))),
            // Where the structure is broken the rows cannot be walked to their end: it has been said.
            Err(_) if !complaints.is_empty() => {}
            Err(error) => return Err(self.failed("reading", error)),
        }
        if complaints.is_empty() {
            return Ok(());
        }
        complaints.truncate(MOST);
        let last = complaints.pop().map(|complaint| complaint.help(REMEDY));
        complaints.extend(last);
        Err(Error::Content { path: self.path.clone(), complaints })
    }

    fn query<R>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: fn(&Row<'_>) -> rusqlite::Result<Sealed<R>>,
    ) -> Result<Vec<R>> {
        let rows: rusqlite::Result<Vec<Sealed<R>>> =
            self.lock().prepare(sql).and_then(|mut statement| statement.query_map(parameters, read)?.collect());
        let rows = rows.map_err(|error| self.failed("reading", error))?;
        rows.into_iter().map(|sealed| self.opened(sealed)).collect()
    }

    fn opened<R>(&self, sealed: Sealed<R>) -> Result<R> {
        match sealed {
            Sealed::Intact(record) => Ok(record),
            Sealed::Broken(place) => Err(Error::content(&self.path, changed(&place).help(REMEDY))),
        }
    }

    /// A panic elsewhere cannot leave a connection half-way: SQLite's transactions see to that.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> Error {
        schema::failed(&self.path, action, error)
    }
}

const REMEDY: &str = "`taper runs repair` saves the other records, and keeps this file";

fn changed(place: &str) -> Complaint {
    Complaint::new(place, "a record as it was written", "one that has changed since")
}

/// A record with a seal that fits, or the place of one whose seal does not.
enum Sealed<R> {
    Intact(R),
    Broken(String),
}

/// The broken ones among all records of a table.
fn all<R>(
    connection: &Connection,
    sql: &str,
    read: fn(&Row<'_>) -> rusqlite::Result<Sealed<R>>,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut broken = Vec::new();
    while let Some(row) = rows.next()? {
        if let Sealed::Broken(place) = read(row)? {
            broken.push(place);
        }
    }
    Ok(broken)
}

/// A text, or nothing where other bytes lie: their seal cannot fit.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(row.get_ref(column)?.as_str().unwrap_or_default().to_owned())
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(row.get_ref(column)?.as_i64().unwrap_or_default())
}

fn study(row: &Row<'_>) -> rusqlite::Result<Sealed<StudyRecord>> {
    let record = StudyRecord { id: number(row, 0)?, identity: text(row, 1)? };
    let intact = record.seal() == text(row, 2)?;
    Ok(if intact { Sealed::Intact(record) } else { Sealed::Broken(format!("study {}", record.id)) })
}

fn run(row: &Row<'_>) -> rusqlite::Result<Sealed<RunRecord>> {
    let (key, spec, outcome) = (text(row, 2)?, text(row, 3)?, text(row, 4)?);
    let record = RunRecord { id: number(row, 0)?, study: number(row, 1)?, key, spec, outcome };
    let intact = record.seal() == text(row, 5)?;
    Ok(if intact { Sealed::Intact(record) } else { Sealed::Broken(format!("run {}", record.id)) })
}

fn finish(row: &Row<'_>) -> rusqlite::Result<Sealed<FinishRecord>> {
    let record = FinishRecord { study: number(row, 0)?, result: text(row, 1)? };
    let intact = record.seal() == text(row, 2)?;
    Ok(if intact { Sealed::Intact(record) } else { Sealed::Broken(format!("end of study {}", record.study)) })
}

fn insert_study(connection: &Connection, study: &StudyRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO study (id, identity, seal) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    connection.execute(SQL, params![study.id, study.identity, study.seal()]).map(|_| ())
}

/// With its number, or, if that is 0, with the next.
fn insert_run(connection: &Connection, run: &RunRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO run (id, study, key, spec, outcome, seal) VALUES (?, ?, ?, ?, ?, ?) \
                       ON CONFLICT DO NOTHING";
    let id = (run.id > 0).then_some(run.id);
    let mut statement = connection.prepare_cached(SQL)?;
    statement.execute(params![id, run.study, run.key, run.spec, run.outcome, run.seal()]).map(|_| ())
}

fn insert_finish(connection: &Connection, finish: &FinishRecord) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO finish (study, result, seal) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    connection.execute(SQL, params![finish.study, finish.result, finish.seal()]).map(|_| ())
}
