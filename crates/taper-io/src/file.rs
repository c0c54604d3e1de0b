//! Files that are opened to be read: ordinary ones, never a folder, a device or a pipe, which have no length to be measured and may
//! have no end.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use taper::Complaint;

use crate::stream::{is_stream, read_stdin};
use crate::{Error, Result, limit};

/// The most bytes of a model's file.
pub(crate) const MOST_MODEL: u64 = (4 << 30) - 1;

/// An ordinary file, opened, and its length.
///
/// # Errors
///
/// [`Error::Io`]; folders, devices and pipes, which are not opened: that alone could wait for ever.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    let fail = |source| Error::io(path, "reading", source);
    let check = |metadata: &Metadata| match kind(metadata) {
        None => Ok(metadata.len()),
        Some(got) => Err(Error::content(path, Complaint::new("", "a file", got))),
    };
    check(&std::fs::metadata(path).map_err(fail)?)?;
    let file = File::open(path).map_err(fail)?;
    // What was opened is measured, not what lay there before.
    let length = check(&file.metadata().map_err(fail)?)?;
    Ok((file, length))
}

/// What this is, if it is no ordinary file.
fn kind(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() {
        None
    } else if metadata.is_dir() {
        Some("a folder")
    } else {
        Some("something else (a device, a pipe or a socket)")
    }
}

/// The contents of an ordinary file, or of stdin, of at most `most` bytes.
///
/// # Errors
///
/// [`Error::Io`]; whatever [`open_file`] refuses; longer files.
pub(crate) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    if is_stream(path) {
        let bytes = read_stdin(most).map_err(|source| Error::io(path, "reading", source))?;
        check_length(path, bytes.len() as u64, most)?;
        return Ok(bytes);
    }
    let (file, length) = open_file(path)?;
    check_length(path, length, most)?;
    limit::check(path, "", u128::from(length))?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may grow meanwhile; a system's own files have length 0 and contents all the same.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| Error::io(path, "reading", source))?;
    check_length(path, bytes.len() as u64, most)?;
    Ok(bytes)
}

fn check_length(path: &Path, length: u64, most: u64) -> Result<()> {
    if length <= most {
        return Ok(());
    }
    let expected = if most == MOST_MODEL {
        "a file of less than 4 GiB".to_owned()
    } else {
        format!("a file of at most {most} bytes")
    };
    Err(Error::content(path, Complaint::new("", expected, format!("{length} bytes"))))
}

/// The text of an ordinary file of at most `most` bytes.
///
/// # Errors
///
/// If the file cannot be read, is too large, or holds bytes that are no UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_file(path, most)?).map_err(|error| {
        let place = format!("byte {}", error.utf8_error().valid_up_to() + 1);
        Error::content(path, Complaint::new(place, "UTF-8 text", "other bytes"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ordinary_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "text");
        assert!(read_text(&path, 3).unwrap_err().to_string().contains("at most 3 bytes, got 4 bytes"));
        std::fs::write(&path, b"a\xff").unwrap();
        assert!(read_text(&path, 4).unwrap_err().to_string().contains("byte 2: expected UTF-8 text"));
        let error = |path: &Path| read_file(path, 9).unwrap_err();
        assert!(error(folder.path()).to_string().contains("expected a file, got a folder"));
        assert!(error(&folder.path().join("none")).is_input());
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(read_file(&link, 9).unwrap_err().to_string().contains("a device, a pipe or a socket"));
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(read_file(&pipe, 9).unwrap_err().to_string().contains("a device, a pipe or a socket"));
    }
}
