//! What can go wrong with files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use taper::Complaint;

use crate::stream::is_stream;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that could not be read, written or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system said no.
    #[error("{}: {action} failed: {source}", shown(path, action))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `reading`, `writing`.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The contents are not what they should be; one line per complaint, each with the file in front.
    #[error("{}", lines(path, complaints))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        complaints: Vec<Complaint>,
    },
    /// What was read cannot be used.
    #[error(transparent)]
    Taper(#[from] taper::Error),
}

impl Error {
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    /// One complaint about a file's contents.
    pub fn content(path: &Path, complaint: Complaint) -> Self {
        Self::Content { path: path.to_owned(), complaints: vec![complaint] }
    }

    /// An error of the library about what stood in this file.
    #[must_use]
    pub fn about(path: &Path, error: taper::Error) -> Self {
        Self::within(path, error)
    }

    pub(crate) fn within(path: &Path, error: taper::Error) -> Self {
        match error {
            taper::Error::Invalid(complaints) => Self::Content { path: path.to_owned(), complaints },
            other => Self::Taper(other),
        }
    }

    /// Whether the user's input is to blame (exit status 2), not the machine (1).
    #[must_use]
    pub fn is_input(&self) -> bool {
        match self {
            Self::Io { action, source, .. } => {
                *action == "reading" || *action == "preparing" || is_unwritable(source.kind())
            }
            Self::Content { .. } => true,
            Self::Taper(error) => !error.complaints().is_empty(),
        }
    }
}

/// Whether a place cannot be written to at all, as opposed to a disk that is full or fails.
fn is_unwritable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::NotFound
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidFilename
    )
}

/// A stream has a name that says more than `-`.
fn shown(path: &Path, action: &str) -> String {
    match (is_stream(path), action) {
        (false, _) => path.display().to_string(),
        (true, "writing") => "stdout".to_owned(),
        (true, _) => "stdin".to_owned(),
    }
}

fn lines(path: &Path, complaints: &[Complaint]) -> String {
    let path = shown(path, "reading");
    complaints.iter().map(|complaint| format!("{path}: {complaint}")).collect::<Vec<_>>().join("\n")
}
