//! The store of a study, opened for one process: a new study, one to go on with, or one beside another.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use taper_io::{Locking, RunStore, STORE, StudyLock, StudyRecord, StudyStore};

use super::identity::differences;
use crate::args::Choose;
use crate::failure::Failure;
use crate::{interrupt, output};

/// How often a store that another process has is asked for.
const PAUSE: Duration = Duration::from_millis(200);

/// A study that this process, and no other, adds to.
pub(super) struct Session {
    pub(super) store: StudyStore,
    _lock: StudyLock,
}

impl Session {
    /// Opens the store in the folder, and finds or begins the study with this identity.
    pub(super) fn open(args: &Choose, folder: &Path, identity: &Value) -> Result<Self, Failure> {
        let lock = lock(folder, args.store.wait)?;
        let path = folder.join(STORE);
        let store = RunStore::open(&path)?;
        let text = identity.to_string();
        let studies = store.studies()?;
        let same = studies.iter().rev().find(|study| study.identity == text);
        let goes_on = args.store.resume || args.elsewhere.is_some();
        let id = match (studies.last(), same) {
            (None, _) => store.begin(&text)?,
            _ if args.store.fork => store.begin(&text)?,
            (Some(_), Some(same)) if goes_on => same.id,
            (Some(last), None) if goes_on => return Err(changed(&path, last, identity)),
            (Some(last), same) => return Err(in_the_way(&store, same.unwrap_or(last))?),
        };
        Ok(Self { store: StudyStore::new(store, id), _lock: lock })
    }
}

fn lock(folder: &Path, wait: bool) -> Result<StudyLock, Failure> {
    let mut told = false;
    loop {
        match StudyLock::ask(folder)? {
            Locking::Taken(lock) => return Ok(lock),
            Locking::Held(owner) if !wait => return Err(held(folder, owner)),
            Locking::Held(owner) => {
                if !told {
                    output::note(&format!("{}: waiting for {}", folder.display(), process(owner)));
                    told = true;
                    interrupt::heed();
                }
                if interrupt::asked() {
                    return Err(Failure::Interrupted("nothing was begun".to_owned()));
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn process(owner: Option<u32>) -> String {
    owner.map_or("another process".to_owned(), |owner| format!("process {owner}"))
}

/// The folder's store is in use.
pub(crate) fn held(folder: &Path, owner: Option<u32>) -> Failure {
    let (store, owner) = (folder.join(STORE), process(owner));
    Failure::Input(format!(
        "{}: expected a store that nobody has open, got one that {owner} is working on (`--wait` waits for it)",
        store.display()
    ))
}

fn changed(path: &Path, then: &StudyRecord, now: &Value) -> Failure {
    let then: Value = serde_json::from_str(&then.identity).unwrap_or(Value::Null);
    let mut lines: Vec<String> =
        differences(&then, now).iter().map(|complaint| format!("{}: {complaint}", path.display())).collect();
    lines.push(
        "what its runs depend on has changed, so the study cannot go on; `--fork` begins another beside it".to_owned(),
    );
    Failure::Input(lines.join("\n"))
}

fn in_the_way(store: &RunStore, study: &StudyRecord) -> Result<Failure, Failure> {
    let state = match store.finished(study.id)? {
        Some(_) => "a finished study",
        None => "a study that was not finished",
    };
    Ok(Failure::Input(format!(
        "{}: expected no study, got {state} with {} runs (`--resume` goes on with it, `--fork` begins another \
         beside it, `--replace` removes it)",
        store.path().display(),
        store.count(study.id)?,
    )))
}
