//! `taper runs` and `taper trial`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[command(after_help = examples![
    "Train what `taper choose --elsewhere` asks for" => "taper trial run --spec trials/KEY.json --out trials/KEY.outcome",
    "Its data lies in another folder" => "taper trial run --folder project --spec KEY.json --out KEY.outcome",
])]
pub(crate) enum Trial {
    /// Train and score as a specification says (`taper runs show` has one); the outcome depends on nothing else
    #[command(after_help = examples![
        "Train what `taper choose --elsewhere` asks for" => "taper trial run --spec trials/KEY.json --out trials/KEY.outcome",
        "Its data lies in another folder" => "taper trial run --folder project --spec KEY.json --out KEY.outcome",
    ])]
    Run {
        /// The specification (.json, or - for stdin)
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
        /// Where the outcome is written, whole or not at all (.json, or - for stdout)
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
#[command(after_help = examples![
    "What has been run" => "taper runs list wine",
    "A row for each run" => "taper runs export runs.csv wine",
])]
pub(crate) enum Runs {
    /// Every run: what it was, and its score
    #[command(after_help = examples![
        "What has been run" => "taper runs list wine",
        "The whole list for another program" => "taper runs list wine --limit 0 --json",
    ])]
    List {
        #[command(flatten)]
        store: Store,
        /// Only the last so many runs; 0 lists all [default: 50, with --json all]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// One run with all that is kept of it, as JSON
    #[command(after_help = examples![
        "The first run of a choice" => "taper runs show 1 wine",
        "A run by the beginning of its key" => "taper runs show 3fa9 wine",
    ])]
    Show {
        /// Its number, or the beginning of its key
        key: String,
        #[command(flatten)]
        store: Store,
    },
    /// All runs as a table, one row each
    #[command(after_help = examples![
        "A row for each run" => "taper runs export runs.csv wine",
        "In Parquet" => "taper runs export runs.parquet wine",
    ])]
    Export {
        /// The file (.csv or .parquet, or - for CSV on stdout)
        file: PathBuf,
        /// In CSV, put an apostrophe before text that a spreadsheet would run as a formula
        #[arg(long)]
        spreadsheet: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Save what is readable of a damaged store; the damaged file is kept
    #[command(after_help = examples![
        "Save what is readable after a disk error" => "taper runs repair wine",
        "And say so as JSON" => "taper runs repair wine --json",
    ])]
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
    /// The folder that `taper choose --out` wrote to, or the store in it
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
