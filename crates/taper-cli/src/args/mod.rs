//! What can be typed.

/// The examples of a command's help: what each does, and what is typed.
macro_rules! examples {
    ($first:literal => $line:literal, $($more:literal => $other:literal,)+) => {
        concat!("Examples:\n  ", $first, ":\n    ", $line $(, "\n  ", $more, ":\n    ", $other)+)
    };
}

mod bench;
mod choose;
mod data;
mod demo;
mod fit;
mod model;
mod runs;
mod shell;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

pub(crate) use bench::{Bench, Workload};
pub(crate) use choose::{Choose, Init, Resume};
pub(crate) use data::Data;
pub(crate) use demo::{BreastCancer, Demo, Grid, Moons, Recipe, RecipeDemo};
pub(crate) use fit::{Fit, Keras, Study};
pub(crate) use model::{Compact, Convert, Evaluate, Inspect, Lambda, Plan, Predict};
pub(crate) use runs::{Runs, Store, Trial};
pub(crate) use shell::{Completions, Man, Reference};

/// Neural networks that do not overfit: Keras-style models with L1/L2 penalties, and an honest choice of their strength.
#[derive(Debug, Parser)]
#[command(name = "taper", version, max_term_width = 100)]
#[command(after_help = examples![
    "The worked study of a well-known tutorial" => "taper demo moons",
    "A table of your own: which penalty, how strong, how sure" => "taper init wine.csv --target quality --out wine.toml",
    "And then" => "taper choose wine.toml --out wine",
])]
pub(crate) struct Args {
    /// Say nothing but results and errors: no progress, no warnings
    #[arg(long, short, global = true, conflicts_with = "verbose", display_order = 900)]
    pub(crate) quiet: bool,
    /// Also say on what and how it runs, which files are written, and how long it took
    #[arg(long, short, global = true, display_order = 901)]
    pub(crate) verbose: bool,
    /// How much memory the contents of a file may take, as 512M or 8G [default: three quarters of what the machine has]
    #[arg(long, value_name = "SIZE", global = true, value_parser = size, display_order = 902)]
    pub(crate) max_memory: Option<u64>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads bytes: `512M`, `8G`, `1.5 GiB`, `1000000`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("expected bytes, or a number with K, M, G or T".to_owned()),
    };
    match digits.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok((number * 2f64.powi(unit)) as u64),
        _ => Err("expected bytes, or a number with K, M, G or T".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A worked study on exactly reproduced data, with figures and a report
    #[command(subcommand)]
    Demo(Demo),
    /// Train the model of an experiment file
    Fit(Box<Fit>),
    /// Run the grid of an experiment file, repeated and paired
    Study(Study),
    /// Choose the penalty and its strength on an experiment's rows, and say how sure that is
    Choose(Choose),
    /// Write an experiment file with sensible defaults for a table of your own
    Init(Init),
    /// Score a model on the rows of a file
    Evaluate(Evaluate),
    /// Write what a model says of the rows of a file
    Predict(Predict),
    /// Show a model file or an experiment's model: layers, shapes, penalties, norms
    Inspect(Inspect),
    /// Tell what a training would do to the weights besides fitting the data, and what is probably not meant
    Plan(Plan),
    /// Cut out of a model what takes no part in its outputs, and write the smaller one
    Compact(Compact),
    /// Convert the strength of an L2 penalty between the dialects of different programs
    Lambda(Lambda),
    /// Write a model in another format: Keras's, Taper's or ONNX
    Convert(Convert),
    /// Write generated or built-in rows to a file, equal bit for bit to scikit-learn's
    #[command(subcommand)]
    Data(Data),
    /// Measure how fast this machine trains a standard workload
    Bench(Bench),
    /// The literature's penalties as experiment files, with their λ in our unit
    #[command(subcommand)]
    Recipe(Recipe),
    /// The finished runs of `taper choose`: list, show, export, repair
    #[command(subcommand)]
    Runs(Runs),
    /// One run of `taper choose` by itself, for schedulers
    #[command(subcommand)]
    Trial(Trial),
    /// Print the reference of the experiment file: every key, its values, its default
    Reference(Reference),
    /// Print what a shell needs to complete commands and options
    Completions(Completions),
    /// Print the manual as a man page
    Man(Man),
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    /// Every command with its words, groups of commands too.
    fn all(command: &Command, words: &str) -> Vec<(String, Command)> {
        let words = format!("{words} {}", command.get_name()).trim().to_owned();
        let inner =
            command.get_subcommands().filter(|inner| inner.get_name() != "help").flat_map(|inner| all(inner, &words));
        std::iter::once((words.clone(), command.clone())).chain(inner).collect()
    }

    #[test]
    fn every_command_has_two_examples_or_more_and_each_can_be_typed() {
        let commands = all(&Args::command(), "");
        assert!(commands.len() > 30);
        for (words, command) in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("    ")).collect();
            assert!(lines.len() >= 2, "`{words}` has {} examples", lines.len());
            for line in lines {
                assert!(line == words || line.starts_with(&format!("{words} ")), "`{line}` is no example of `{words}`");
                // What the shell does with it afterwards is not ours.
                let typed = line.split(['|', '>']).next().unwrap_or(line);
                if let Err(error) = Args::try_parse_from(typed.split_whitespace()) {
                    panic!("{line}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_arguments_agree_with_each_other() {
        Args::command().debug_assert();
    }
}

/// What every command that trains takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Folder for everything that is written [default: named after the experiment and the command]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Remove the results that lie in the folder, whatever they are of
    #[arg(long)]
    pub(crate) replace: bool,
    /// Seed of all random numbers [default: the experiment's, or 1]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// The folder for what a command writes about an experiment: `wine-choose` for `wine.toml`, unless another was named.
    pub(crate) fn folder(&self, experiment: &Path, command: &str) -> PathBuf {
        let stem = experiment.file_stem().filter(|_| !taper_io::is_stream(experiment));
        let stem = stem.map_or("taper".into(), |stem| stem.to_string_lossy());
        self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{stem}-{command}")))
    }
}
