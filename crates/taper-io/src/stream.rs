//! `-` in the place of a file's name: stdin where one is read, stdout where one is written.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Whether this name means stdin or stdout.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Stdin as a file that can be read once, from where it is.
#[cfg(unix)]
pub(crate) fn stdin() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(std::io::stdin().as_fd().try_clone_to_owned()?))
}

/// Stdin as a file that can be read once, from where it is.
#[cfg(windows)]
pub(crate) fn stdin() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(std::io::stdin().as_handle().try_clone_to_owned()?))
}

/// Bytes of stdin, at most so many and one more, by which a longer input is known.
pub(crate) fn read_stdin(most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stdin()?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes to stdout, at once.
pub(crate) fn write_stdout(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
