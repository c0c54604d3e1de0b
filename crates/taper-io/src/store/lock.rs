//! One study, one process: a kernel lock, which ends with the process that holds it however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use crate::atomic::refuse_other;
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
        let mut file = open(&path)?;
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

/// Opens the file that is locked, or makes it. What lies there instead, a link above all, is neither followed nor changed.
fn open(path: &Path) -> Result<File> {
    let fail = |source| Error::io(path, "locking", source);
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    loop {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => return options.open(path).map_err(fail),
            Ok(_) => refuse_other(path)?,
            Err(_) => match options.clone().create_new(true).open(path) {
                // Another process was faster.
                Err(source) if source.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map_err(fail),
            },
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
        #[cfg(unix)]
        {
            let (other, victim) = (tempfile::tempdir().unwrap(), folder.path().join("victim"));
            std::fs::write(&victim, "precious").unwrap();
            std::os::unix::fs::symlink(&victim, other.path().join(NAME)).unwrap();
            let error = StudyLock::ask(other.path()).unwrap_err();
            assert!(error.is_input() && error.to_string().contains("a symbolic link"), "{error}");
            assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
        }
        assert!(matches!(StudyLock::ask(folder.path()).unwrap(), Locking::Taken(_)));
    }
}
