//! One study, one process: a kernel lock, which ends with the process that holds it however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Error, Result};

/// The file that is locked. It stays: removing it could let two processes lock two files of one name.
const NAME: &str = ".runs.lock";

/// The right to add to the store of a folder, until it is dropped.
#[derive(Debug)]
pub struct StudyLock {
    _file: File,
}

/// What came of asking for a [`StudyLock`].
#[derive(Debug)]
pub enum Locking {
    /// It is ours.
    Taken(StudyLock),
    /// Another process has it; its number, if it could be read.
    Held(Option<u32>),
}

impl StudyLock {
    /// Asks for the store of this folder, and does not wait.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where files cannot be locked.
    pub fn ask(folder: &Path) -> Result<Locking> {
        let path = folder.join(NAME);
        let fail = |source| Error::io(&path, "locking", source);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.rewind()).map_err(fail)?;
                writeln!(file, "{}", std::process::id()).map_err(fail)?;
                Ok(Locking::Taken(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Whoever has it may be about to write its number, and some systems let nobody else read.
                let _ = file.read_to_string(&mut text);
                Ok(Locking::Held(text.trim().parse().ok()))
            }
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_learns_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let Locking::Taken(first) = StudyLock::ask(folder.path()).unwrap() else { panic!("nobody has it") };
        let Locking::Held(owner) = StudyLock::ask(folder.path()).unwrap() else { panic!("it is held") };
        assert_eq!(owner, Some(std::process::id()));
        drop(first);
        assert!(matches!(StudyLock::ask(folder.path()).unwrap(), Locking::Taken(_)));
    }
}
