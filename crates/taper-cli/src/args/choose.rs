//! `taper init` and `taper choose`.

use std::path::PathBuf;

use super::Common;

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Choose the penalty for a table; everything goes to the folder wine" => "taper choose wine.toml --out wine",
    "Go on after an interrupt, to the same result" => "taper choose wine.toml --out wine --resume",
])]
pub(crate) struct Choose {
    /// The experiment (.toml or .json, or - for stdin); its table [choose] says what is compared
    pub(crate) experiment: PathBuf,
    /// Which strength is chosen: the best (min), or the strongest within one standard error of it (1se) [default: the
    /// experiment's]
    #[arg(long, value_parser = ["min", "1se"])]
    pub(crate) rule: Option<String>,
    /// Run every strength on every fold, also those that are clearly beaten
    #[arg(long)]
    pub(crate) no_race: bool,
    /// Run no trial here: take in the outcomes that lie in this folder (KEY.outcome), and write there what is to be run next
    /// (KEY.json, for `taper trial run`); go on so, with the same command, until the choice is made
    #[arg(long, value_name = "DIR", conflicts_with = "fork")]
    pub(crate) elsewhere: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: Resume,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What to do where the folder has a study already.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Resume {
    /// Go on with the study in the folder, if there is one
    #[arg(long, conflicts_with = "replace")]
    pub(crate) resume: bool,
    /// Begin another study in the folder; the runs of the first are kept
    #[arg(long, conflicts_with_all = ["resume", "replace"])]
    pub(crate) fork: bool,
    /// Wait for another process that works in the folder
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "An experiment for a table, to be read and changed" => "taper init wine.csv --target quality --out wine.toml",
    "Rows of one patient stay together, the id is no input" => "taper init visits.csv --group patient --exclude id",
])]
pub(crate) struct Init {
    /// The table (.csv, .tsv, .csv.gz or .parquet)
    pub(crate) data: PathBuf,
    /// The column to predict [default: the last one]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// A column to leave out; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) exclude: Vec<String>,
    /// The column that says which rows belong together
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,
    /// The column that orders rows by time
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// A column of numbers that are names of categories; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) one_hot: Vec<String>,
    /// What separates the cells of a row [default: what makes rows even]
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<char>,
    /// A comma separates the digits of a fraction, as in 1,5
    #[arg(long)]
    pub(crate) decimal_comma: bool,
    /// What separates groups of three digits, as in 1,206
    #[arg(long, value_name = "CHAR")]
    pub(crate) thousands: Option<char>,
    /// Numbers may have a percent sign or a currency, or stand in parentheses if negative: 60%, $182, (80)
    #[arg(long)]
    pub(crate) units: bool,
    /// A word that means an empty cell; may be given several times, '' for none [default: NA, null and others, as pandas has
    /// them]
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) na: Vec<String>,
    /// The experiment file to write, or - for stdout
    #[arg(long, value_name = "FILE", default_value = "experiment.toml")]
    pub(crate) out: PathBuf,
    /// Overwrite the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}
