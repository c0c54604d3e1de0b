//! What can be saved of a damaged store.
//!
//! Every record carries a digest of its contents, so it does not matter how it is found: at each byte of the file we try to
//! read a record as SQLite lays them out in its leaves, and keep those whose seal fits. Neither the file's header nor its trees
//! are needed.
//!
//! Source: *SQLite Database File Format*, sections 1.6 and 2.1, <https://sqlite.org/fileformat2.html>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::record::{FinishRecord, RunRecord, StudyRecord};
use super::schema::PAGE;
use super::{RunStore, insert_finish, insert_run, insert_study};
use crate::atomic::folder_of;
use crate::file::read_file;
use crate::{Error, Result};

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Runs that are in the new store.
    pub runs: usize,
    /// Studies in it.
    pub studies: usize,
    /// Numbers of runs that are in the old store but cannot be read, as far as gaps in the numbers tell.
    pub lost: Vec<i64>,
    /// The old store, as it was.
    pub kept: PathBuf,
}

/// Saves every record of a damaged store that is as it was written into a new store in its place, and keeps the old file beside
/// it. `None`: nothing is damaged, and nothing was done.
///
/// Whoever calls this holds the folder's [`StudyLock`](super::StudyLock).
///
/// # Errors
///
/// [`Error::Io`]; the old file is in its place then.
pub fn repair_store(path: &Path) -> Result<Option<Repair>> {
    // Before SQLite sees it: what it cannot read of a log it drops.
    let found = Found::of(path)?;
    let fail = |source| Error::io(path, "writing", source);
    let log = with_ending(path, "-wal");
    let copy = read_file(&log, u64::MAX).ok().filter(|log| !log.is_empty());
    match RunStore::open(path) {
        Ok(_) => return Ok(None),
        Err(error @ Error::Io { .. }) => return Err(error),
        Err(_) => {}
    }
    let beside = tempfile::Builder::new().prefix(".taper-").tempdir_in(folder_of(path)).map_err(fail)?;
    let fresh = beside.path().join(super::STORE);
    found.add_to(&RunStore::open(&fresh)?)?;

    let kept = free_name(path);
    // Logs belong to the old file; SQLite would apply them to the new one.
    if let Some(copy) = copy {
        std::fs::write(with_ending(&kept, "-wal"), copy).map_err(fail)?;
    }
    for ending in ["-wal", "-shm", "-journal"] {
        match std::fs::remove_file(with_ending(path, ending)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(fail(source)),
            _ => {}
        }
    }
    if std::fs::hard_link(path, &kept).is_err() {
        std::fs::copy(path, &kept).map_err(fail)?;
    }
    std::fs::rename(&fresh, path).map_err(fail)?;
    let last = found.runs.keys().last().copied().unwrap_or(0);
    let lost = (1..=last).filter(|id| !found.runs.contains_key(id)).collect();
    Ok(Some(Repair { runs: found.runs.len(), studies: found.studies.len(), lost, kept }))
}

/// `runs.sqlite.damaged`, or with a number behind it.
fn free_name(path: &Path) -> PathBuf {
    let names =
        (1_u32..).map(|i| with_ending(path, &if i == 1 { ".damaged".to_owned() } else { format!(".damaged{i}") }));
    names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| with_ending(path, ".damaged"))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The records of a store whose last owner was killed, those among them that SQLite would drop with a torn log. `None`: there
/// is no log.
pub(super) fn left_in_log(path: &Path) -> Result<Option<Found>> {
    let log = with_ending(path, "-wal");
    match std::fs::metadata(&log) {
        Ok(metadata) if metadata.len() > 0 => Found::of(path).map(Some),
        _ => Ok(None),
    }
}

/// The file as it would be if every page of its log were in it. A frame of the log is 24 bytes, the first 4 of them the page's
/// number, and the page; 32 bytes stand before the first.
fn applied(bytes: &[u8], log: &[u8]) -> Vec<u8> {
    const HEAD: usize = 24;
    let mut whole = bytes.to_vec();
    for frame in log.get(32..).unwrap_or_default().chunks_exact(HEAD + PAGE) {
        let page = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        // A number that no file of this length can have is damage.
        let most = (bytes.len() + log.len()) / PAGE;
        if (1..=most).contains(&page) {
            let end = page * PAGE;
            whole.resize(whole.len().max(end), 0);
            whole[end - PAGE..end].copy_from_slice(&frame[HEAD..]);
        }
    }
    whole
}

/// Records with seals that fit, by number.
#[derive(Debug, Default)]
pub(super) struct Found {
    studies: BTreeMap<i64, StudyRecord>,
    runs: BTreeMap<i64, RunRecord>,
    finishes: BTreeMap<i64, FinishRecord>,
}

impl Found {
    /// In a store and in the log beside it.
    fn of(path: &Path) -> Result<Self> {
        let bytes = read_file(path, u64::MAX)?;
        let log = read_file(&with_ending(path, "-wal"), u64::MAX).unwrap_or_default();
        let mut found = Self::default();
        found.search(&bytes);
        if !log.is_empty() {
            found.search(&applied(&bytes, &log));
        }
        Ok(found)
    }

    fn search(&mut self, bytes: &[u8]) {
        for at in 0..bytes.len() {
            if let Some((id, fields)) = record_at(bytes, at) {
                self.take(id, fields);
            }
        }
    }

    /// Adds what a store does not have.
    pub(super) fn add_to(&self, store: &RunStore) -> Result<()> {
        let written = (|| {
            let mut connection = store.lock();
            let transaction = connection.transaction()?;
            self.studies.values().try_for_each(|study| insert_study(&transaction, study))?;
            self.runs.values().try_for_each(|run| insert_run(&transaction, run))?;
            self.finishes.values().try_for_each(|finish| insert_finish(&transaction, finish))?;
            transaction.commit()
        })();
        written.map_err(|error| store.failed("writing", error))
    }

    /// Keeps a record if it is one of ours and its seal fits.
    fn take(&mut self, id: i64, fields: Vec<Field>) {
        use Field::{Integer, Null, Text};
        match <[Field; 6]>::try_from(fields) {
            Ok([Null, Integer(study), Text(key), Text(spec), Text(outcome), Text(seal)]) => {
                let run = RunRecord { id, study, key, spec, outcome };
                if run.seal() == seal {
                    self.runs.insert(id, run);
                }
            }
            Ok(_) => {}
            Err(fields) => {
                let Ok([Null, Text(body), Text(seal)]) = <[Field; 3]>::try_from(fields) else { return };
                let study = StudyRecord { id, identity: body };
                if study.seal() == seal {
                    self.studies.insert(id, study);
                    return;
                }
                let finish = FinishRecord { study: id, result: study.identity };
                if finish.seal() == seal {
                    self.finishes.insert(id, finish);
                }
            }
        }
    }
}

/// A value of a record, of the kinds that our tables have.
#[derive(Debug, PartialEq)]
enum Field {
    Null,
    Integer(i64),
    Text(String),
}

/// The record of a table's leaf that begins at this byte, if one does.
fn record_at(bytes: &[u8], at: usize) -> Option<(i64, Vec<Field>)> {
    let (length, at) = varint(bytes, at)?;
    let length = usize::try_from(length).ok().filter(|length| (64..=bytes.len()).contains(length))?;
    let (id, at) = varint(bytes, at)?;
    let id = i64::try_from(id).ok().filter(|id| *id > 0)?;
    // Looked at before anything is gathered: of our tables, and not the first bytes of just anything.
    let (head, first) = varint(bytes, at)?;
    if !(4..=64).contains(&head) || bytes.get(first) != Some(&0) {
        return None;
    }
    fields(&payload(bytes, at, length)?).map(|fields| (id, fields))
}

/// A record's bytes: those in the leaf, and those on the pages that it overflows to.
fn payload(bytes: &[u8], at: usize, length: usize) -> Option<Vec<u8>> {
    let (most, least) = (PAGE - 35, (PAGE - 12) * 32 / 255 - 23);
    let local = if length <= most {
        length
    } else {
        let wanted = least + (length - least) % (PAGE - 4);
        if wanted <= most { wanted } else { least }
    };
    let mut payload = bytes.get(at..at + local)?.to_vec();
    let mut link = at + local;
    while payload.len() < length {
        let page = u32::from_be_bytes(bytes.get(link..link + 4)?.try_into().ok()?) as usize;
        let start = page.checked_sub(1)?.checked_mul(PAGE)?;
        let part = (length - payload.len()).min(PAGE - 4);
        payload.extend_from_slice(bytes.get(start + 4..start + 4 + part)?);
        link = start;
    }
    Some(payload)
}

/// The values of a record.
fn fields(payload: &[u8]) -> Option<Vec<Field>> {
    let (head, mut at) = varint(payload, 0)?;
    let head = usize::try_from(head).ok()?;
    let mut body = head;
    let mut fields = Vec::new();
    while at < head {
        let (kind, next) = varint(payload, at)?;
        at = next;
        let width = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 => 8,
            _ if kind >= 13 && kind % 2 == 1 => usize::try_from((kind - 13) / 2).ok()?,
            _ => return None,
        };
        let value = payload.get(body..body.checked_add(width)?)?;
        body += width;
        fields.push(match kind {
            0 => Field::Null,
            8 => Field::Integer(0),
            9 => Field::Integer(1),
            1..=6 => Field::Integer(integer(value)),
            _ => Field::Text(std::str::from_utf8(value).ok()?.to_owned()),
        });
    }
    (at == head && body == payload.len()).then_some(fields)
}

/// A signed number, the highest byte first.
fn integer(value: &[u8]) -> i64 {
    let negative = value.first().is_some_and(|byte| byte & 0x80 != 0);
    value.iter().fold(if negative { -1 } else { 0 }, |number, byte| (number << 8) | i64::from(*byte))
}

/// SQLite's variable-length number: seven bits a byte, the highest first, at most nine bytes. Gives where it ends, too.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for i in 0..9 {
        let byte = *bytes.get(at + i)?;
        if i == 8 {
            return Some(((number << 8) | u64::from(byte), at + 9));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + i + 1));
        }
    }
    None
}
