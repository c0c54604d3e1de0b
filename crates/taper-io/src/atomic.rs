//! Files that appear whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::stream::{is_stream, write_stdout};
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
    file: Option<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl AtomicFile {
    /// Nothing is at `path` yet, but its folder can be written to.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if is_stream(path) {
            return Ok(Self { file: None, path: path.to_owned() });
        }
        let fail = |source| Error::io(path, "writing", source);
        let file = tempfile::Builder::new().prefix(".taper-").tempfile_in(folder_of(path)).map_err(fail)?;
        Ok(Self { file: Some(file), path: path.to_owned() })
    }

    /// Flushes the file to disk and puts it in its place.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { file: Some(file), path } = self else { return Ok(()) };
        let fail = |source| Error::io(&path, "writing", source);
        file.as_file().sync_all().map_err(fail)?;
        set_ordinary_mode(file.as_file()).map_err(fail)?;
        file.persist(&path).map_err(|error| fail(error.error))?;
        // Without this, a crash of the machine could forget the rename. Folders cannot be opened on every system.
        if let Ok(folder) = File::open(folder_of(&path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => write_stdout(bytes).map(|()| bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
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
    tempfile::Builder::new().prefix(".taper-").tempfile_in(folder).map_err(fail)?;
    Ok(())
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
        assert!(write_atomic(&path.join("b"), b"x").is_err());
    }
}
