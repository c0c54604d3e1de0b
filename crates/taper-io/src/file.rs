//! Whole files into memory.

use std::path::Path;

use taper::Complaint;

use crate::{Error, Result};

/// The most bytes of a file.
const MOST_BYTES: u64 = (4 << 30) - 1;

/// The contents of an ordinary file of less than 4 GiB.
///
/// # Errors
///
/// [`Error::Io`]; folders, devices and pipes, which have no length to be measured.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::io(path, "reading", source);
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        let got = if metadata.is_file() { format!("{} bytes", metadata.len()) } else { "something else".to_owned() };
        return Err(Error::content(path, Complaint::new("", "a file of less than 4 GiB", got)));
    }
    std::fs::read(path).map_err(fail)
}
