//! Temporary files beside the place where they will be, and what becomes of them when a process ends in the middle.
//!
//! A process that is asked to end removes its own ([`abandon_files`]). One that is killed cannot: each holds a lock on its temporary
//! files, which ends with it, and whoever writes into the folder next removes those that nobody holds.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

const PREFIX: &str = ".taper-";
/// Random letters behind the prefix.
const LETTERS: usize = 6;

/// The temporary files of this process, and the folders that it has swept.
static OPEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn lock(set: &Mutex<BTreeSet<PathBuf>>) -> MutexGuard<'_, BTreeSet<PathBuf>> {
    // Paths are added and removed whole.
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all files that are being written: for a process that ends now. Nothing that is finished is touched.
pub fn abandon_files() {
    for path in std::mem::take(&mut *lock(&OPEN)) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_file(path);
    }
}

/// A temporary file that is removed unless it is put in its place.
#[derive(Debug)]
pub(crate) struct Temporary {
    /// Taken out when it is put in its place.
    file: Option<NamedTempFile>,
    path: PathBuf,
}

impl Temporary {
    pub(crate) fn create(folder: &Path) -> std::io::Result<Self> {
        sweep(folder);
        loop {
            let file = tempfile::Builder::new().prefix(PREFIX).rand_bytes(LETTERS).tempfile_in(folder)?;
            // Where files cannot be locked nothing is swept either.
            let _ = file.as_file().try_lock();
            // Somebody may have swept it before it was locked.
            if file.path().exists() {
                let path = file.path().to_owned();
                lock(&OPEN).insert(path.clone());
                return Ok(Self { file: Some(file), path });
            }
        }
    }

    pub(crate) fn file(&self) -> &File {
        match &self.file {
            Some(file) => file.as_file(),
            None => unreachable!("it is taken out by `persist`, which consumes it"),
        }
    }

    /// Renames it.
    pub(crate) fn persist(mut self, path: &Path) -> std::io::Result<()> {
        match self.file.take() {
            Some(file) => file.persist(path).map(|_| ()).map_err(|error| error.error),
            None => Ok(()),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        lock(&OPEN).remove(&self.path);
    }
}

/// Removes what processes that were killed have left in this folder; once in the life of this process.
fn sweep(folder: &Path) {
    if !lock(&SWEPT).insert(folder.to_owned()) {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_ours(&entry)
            && let Ok(file) = File::options().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether this is a temporary file by its name, and an ordinary one.
fn is_ours(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let letters = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    letters.is_some_and(|letters| letters.len() == LETTERS && letters.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && entry.file_type().is_ok_and(|kind| kind.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [".taper-abcDE1", ".taper-notes", ".taper-abcDE1.txt", "taper-abcDE1", ".taper-held00"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let held = File::open(path(".taper-held00")).unwrap();
        held.try_lock().unwrap();
        let file = Temporary::create(folder.path()).unwrap();
        assert!(!path(".taper-abcDE1").exists());
        for name in [".taper-notes", ".taper-abcDE1.txt", "taper-abcDE1", ".taper-held00"] {
            assert!(path(name).exists(), "{name}");
        }
        file.persist(&path("done")).unwrap();
        assert!(path("done").exists());
    }

    #[test]
    fn what_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = Temporary::create(folder.path()).unwrap();
        let path = file.path.clone();
        assert!(path.exists() && lock(&OPEN).contains(&path));
        drop(file);
        assert!(!path.exists() && !lock(&OPEN).contains(&path));
    }
}
