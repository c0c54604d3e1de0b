//! Files that appear whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use taper::Complaint;

use crate::stream::{is_stream, write_stdout};
use crate::temporary::Temporary;
use crate::{Error, Result};

/// Writes a file: beside its place first, flushed to disk, then renamed, and the folder flushed too.
///
/// # Errors
///
/// [`Error::Io`]; the old file, if there was one, is untouched then.
///
/// The name `-` means stdout.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(|source| Error::io(path, "writing", source))?;
    file.finish()
}

/// A file that is written bit by bit and appears at its place when it is finished, or never.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    /// `None`: what is written goes to stdout as it comes.
    file: Option<Temporary>,
    path: PathBuf,
}

impl AtomicFile {
    /// Nothing is at `path` yet, but its folder can be written to.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if is_stream(path) {
            return Ok(Self { file: None, path: path.to_owned() });
        }
        let file = Temporary::create(folder_of(path)).map_err(|source| Error::io(path, "writing", source))?;
        Ok(Self { file: Some(file), path: path.to_owned() })
    }

    /// Flushes the file to disk and puts it in its place.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { file: Some(file), path } = self else { return Ok(()) };
        let fail = |source| Error::io(&path, "writing", source);
        file.file().sync_all().map_err(fail)?;
        set_ordinary_mode(file.file()).map_err(fail)?;
        file.persist(&path).map_err(fail)?;
        // Without this, a crash of the machine could forget the rename. Folders cannot be opened on every system.
        if let Ok(folder) = File::open(folder_of(&path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &self.file {
            Some(file) => file.file().write(bytes),
            None => write_stdout(bytes).map(|()| bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.file().flush())
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A temporary file is private; the finished one is as any other.
fn set_ordinary_mode(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

/// Makes a folder if it is not there, and tries that a file can be written in it: before the work starts, not after.
///
/// # Errors
///
/// [`Error::Io`] if the folder cannot be made or written to.
pub fn check_writable(folder: &Path) -> Result<()> {
    let fail = |source| Error::io(folder, "preparing", source);
    std::fs::create_dir_all(folder).map_err(fail)?;
    Temporary::create(folder).map_err(fail)?;
    Ok(())
}

/// As [`check_writable`] for a folder that belongs to the program, not to whoever named it: a symbolic link in its place is
/// refused, because it could lead anywhere.
///
/// # Errors
///
/// As [`check_writable`]; a symbolic link.
pub fn check_own_folder(folder: &Path) -> Result<()> {
    refuse_link(folder)?;
    check_writable(folder)
}

/// Refuses everything but an ordinary file, or nothing yet, where the program keeps a file of its own.
pub(crate) fn refuse_other(path: &Path) -> Result<()> {
    refuse_link(path)?;
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let got = if metadata.is_dir() { "a folder" } else { "something else (a device, a pipe or a socket)" };
            Err(Error::content(path, Complaint::new("", "a file", got)))
        }
        _ => Ok(()),
    }
}

/// Refuses a symbolic link where the program keeps a file or folder of its own.
///
/// # Errors
///
/// A symbolic link, wherever it leads.
pub fn refuse_link(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            let complaint = Complaint::new("", "a file or folder of its own", "a symbolic link, which is not followed");
            Err(Error::content(path, complaint))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"one").unwrap();
        assert!(check_writable(&path).unwrap_err().is_input());
        assert!(write_atomic(&path.join("b"), b"x").unwrap_err().is_input());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_an_own_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("figure"));
        std::fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(check_own_folder(&link).unwrap_err().to_string().contains("a symbolic link"));
        assert!(check_writable(&link).is_ok(), "whoever names a link means where it leads");
        check_own_folder(&target).unwrap();
    }
}
