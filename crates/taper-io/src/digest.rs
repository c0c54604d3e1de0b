//! What tells one file's contents from another's.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::file::open_file;
use crate::{Error, Result};

/// Length and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its contents, in hexadecimal.
    pub blake3: String,
}

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
    }

    /// Of a file, which need not fit into memory.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn of_file(path: &Path) -> Result<Self> {
        let fail = |source| Error::io(path, "reading", source);
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(open_file(path)?.0).map_err(fail)?;
        Ok(Self { bytes: hasher.count(), blake3: hasher.finalize().to_hex().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Digest::of_file(&path).unwrap(), Digest::of(&bytes));
        assert_ne!(Digest::of(&bytes), Digest::of(&bytes[1..]));
    }
}
