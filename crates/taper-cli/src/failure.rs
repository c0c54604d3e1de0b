//! How a command fails, and what the shell is told.

use std::process::ExitCode;

use crate::{output, plain};

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input or the command line is wrong.
    Input(String),
    /// The run failed: every trial diverged, a disk was full.
    Run(String),
    /// Somebody pressed Ctrl-C; the text says what is kept.
    Interrupted(String),
    /// Whoever read the output is gone.
    Pipe,
}

impl Failure {
    /// Says so on stderr.
    pub(crate) fn tell(&self) {
        match self {
            Self::Input(text) | Self::Run(text) => {
                plain::message(text).lines().for_each(|line| output::tell(&format!("error: {line}")));
            }
            Self::Interrupted(text) => output::tell(&format!("interrupted: {}", plain::message(text))),
            Self::Pipe => {}
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::from(1),
            Self::Interrupted(_) => ExitCode::from(130),
            Self::Pipe => ExitCode::SUCCESS,
        }
    }
}

impl From<taper::Error> for Failure {
    fn from(error: taper::Error) -> Self {
        match &error {
            taper::Error::Invalid(_) => Self::Input(error.to_string()),
            _ => Self::Run(error.to_string()),
        }
    }
}

impl From<taper_io::Error> for Failure {
    fn from(error: taper_io::Error) -> Self {
        if matches!(&error, taper_io::Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe) {
            Self::Pipe
        } else if error.is_input() {
            Self::Input(error.to_string())
        } else {
            Self::Run(error.to_string())
        }
    }
}

impl From<taper_report::Error> for Failure {
    fn from(error: taper_report::Error) -> Self {
        Self::Run(error.to_string())
    }
}
