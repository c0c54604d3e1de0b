//! `taper runs` and `taper trial`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Trial {
    /// Train and score as a specification says (`taper runs show` has one); the outcome depends on nothing else
    Run {
        /// The specification (.json)
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
        /// Where the outcome is written, whole or not at all (.json)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The folder that the path of the data is meant from [default: the specification's]
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Threads; the outcome does not depend on it [default: all cores]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
        threads: Option<u16>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// Every run: what it was, and its score
    List {
        #[command(flatten)]
        store: Store,
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// One run with all that is kept of it, as JSON
    Show {
        /// Its number, or the beginning of its key
        key: String,
        #[command(flatten)]
        store: Store,
    },
    /// All runs as a table, one row each
    Export {
        /// The file (.csv or .parquet)
        file: PathBuf,
        #[command(flatten)]
        store: Store,
    },
    /// Save what is readable of a damaged store; the damaged file is kept
    Repair {
        #[command(flatten)]
        store: Store,
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Where the runs are.
#[derive(Debug, clap::Args)]
pub(crate) struct Store {
    /// The folder that `taper choose --out` wrote to
    #[arg(value_name = "DIR", default_value = "taper-out")]
    pub(crate) folder: PathBuf,
}
