//! `taper demo` and `taper recipe`.

use clap::Subcommand;

use super::{Common, Resume};

#[derive(Debug, Subcommand)]
#[command(after_help = examples![
    "The worked study of the tutorial" => "taper demo moons",
    "The same on a real table" => "taper demo breast-cancer",
])]
pub(crate) enum Demo {
    /// 500 hidden units, 30 training rows of the two moons: overfitting, and what penalties do about it
    Moons(Moons),
    /// A small convolutional network on 1,797 handwritten digits: does a penalty help, and how sure is that?
    #[command(after_help = examples![
        "A CNN with and without penalties" => "taper demo digits",
        "More runs per setting, for narrower intervals" => "taper demo digits --repeats 20",
    ])]
    Digits(Grid),
    /// An LSTM that forecasts the yearly sunspots, with penalties on kernel, recurrent kernel and bias
    #[command(after_help = examples![
        "An LSTM with and without penalties" => "taper demo sunspots",
        "More runs per setting, for narrower intervals" => "taper demo sunspots --repeats 20",
    ])]
    Sunspots(Grid),
    /// `taper choose` end to end on a table of 569 tumours: which penalty, how strong, how sure
    BreastCancer(BreastCancer),
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "The whole way on a real table" => "taper demo breast-cancer",
    "On two threads, into another folder" => "taper demo breast-cancer --threads 2 --out tumours",
])]
pub(crate) struct BreastCancer {
    #[command(flatten)]
    pub(crate) store: Resume,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Grid {
    /// Runs per setting
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeats: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "The worked study, with a report" => "taper demo moons",
    "A shorter one" => "taper demo moons --repeats 5 --out moons",
])]
pub(crate) struct Moons {
    /// Weight seeds per setting
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeats: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
#[command(after_help = examples![
    "All recipes" => "taper recipe list",
    "One as an experiment file" => "taper recipe show alexnet",
])]
pub(crate) enum Recipe {
    /// Name, paper, and λ there and here
    #[command(after_help = examples![
        "The literature's penalties and their strengths" => "taper recipe list",
        "The same for another program" => "taper recipe list --json",
    ])]
    List {
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print a recipe: an experiment file that `taper fit` and `taper study` take
    #[command(after_help = examples![
        "Print a recipe" => "taper recipe show alexnet",
        "The recipe of a penalty on recurrent weights" => "taper recipe show char-lstm",
    ])]
    Show {
        /// One of those that `taper recipe list` names
        name: String,
    },
    /// Train a recipe for a moment and print its scores
    Demo(RecipeDemo),
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "One epoch of a recipe" => "taper recipe demo alexnet",
    "Ten, with another seed" => "taper recipe demo alexnet --epochs 10 --seed 2",
])]
pub(crate) struct RecipeDemo {
    /// One of those that `taper recipe list` names
    pub(crate) name: String,
    /// Passes over the training rows
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) epochs: u32,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}
