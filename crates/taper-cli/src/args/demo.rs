//! `taper demo` and `taper recipe`.

use clap::Subcommand;

use super::{Common, Resume};

#[derive(Debug, Subcommand)]
pub(crate) enum Demo {
    /// 500 hidden units, 30 training rows of the two moons: overfitting, and what penalties do about it
    Moons(Moons),
    /// A small convolutional network on 1,797 handwritten digits: does a penalty help, and how sure is that?
    Digits(Grid),
    /// An LSTM that forecasts the yearly sunspots, with penalties on kernel, recurrent kernel and bias
    Sunspots(Grid),
    /// `taper choose` end to end on a table of 569 tumours: which penalty, how strong, how sure
    BreastCancer(BreastCancer),
}

#[derive(Debug, clap::Args)]
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
pub(crate) struct Moons {
    /// Weight seeds per setting
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeats: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Recipe {
    /// Name, paper, and λ there and here
    List {
        /// Print one JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print a recipe: an experiment file that `taper fit` and `taper study` take
    Show {
        /// One of those that `taper recipe list` names
        name: String,
    },
    /// Train a recipe for a moment and print its scores
    Demo(RecipeDemo),
}

#[derive(Debug, clap::Args)]
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
