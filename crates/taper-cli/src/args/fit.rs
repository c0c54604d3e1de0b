//! `taper fit` and `taper study`.

use std::path::PathBuf;

use super::Common;

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Train once; model and report go to the folder moons" => "taper fit moons.toml --out moons",
    "Go on after it was killed, where `[fit] checkpoint = N` kept checkpoints" => "taper fit moons.toml --out moons --resume",
    "Train a model further on new rows" => "taper fit wine --data new.csv --epochs 10 --save more.safetensors",
    "Go on with a Keras model for 10 epochs" => "taper fit model.keras --data rows.safetensors --epochs 10 --save more.keras",
])]
pub(crate) struct Fit {
    /// The experiment (.toml or .json, or - for stdin), or a model to go on with (.safetensors, .keras, .h5, or the folder that a command left)
    pub(crate) experiment: PathBuf,
    /// Go on from the last checkpoint in the folder, which `[fit] checkpoint = N` kept there, to the same bytes
    #[arg(long, conflicts_with = "replace")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) keras: Keras,
}

/// What a model's file does not say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for a model")]
pub(crate) struct Keras {
    /// The rows: x, y, and optionally x_val, y_val, sample_weight, class_weight (.safetensors); for a model of a table, a table
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
    /// The loss in the place of the file's: 'mse', or with settings '{ name = "huber", delta = 0.5 }'
    #[arg(long, value_name = "LOSS")]
    pub(crate) loss: Option<String>,
    /// The optimizer in the place of the file's: 'adam', or '{ name = "adam", learning_rate = 0.01 }'
    #[arg(long, value_name = "OPTIMIZER")]
    pub(crate) optimizer: Option<String>,
    /// The metrics in the place of the file's: 'mae, mse', or a list '["mae", { name = "auc" }]'; '' for none
    #[arg(long, value_name = "METRICS")]
    pub(crate) metrics: Option<String>,
    /// Further epochs [default: as the model was trained; for Keras's 1]
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Rows per step [default: as the model was trained; for .keras 32]
    #[arg(long)]
    pub(crate) batch_size: Option<usize>,
    /// Rows per batch of every measurement [default: as --batch-size]
    #[arg(long)]
    pub(crate) validation_batch_size: Option<usize>,
    /// Leave the rows in their order
    #[arg(long)]
    pub(crate) no_shuffle: bool,
    /// Penalty on all kernels whose layers say none: 'l2=1e-4', also with roles and paths as in an experiment
    #[arg(long, value_name = "POLICY")]
    pub(crate) regularization: Option<String>,
    /// With --regularization: also in the place of what the layers say
    #[arg(long, requires = "regularization")]
    pub(crate) r#override: bool,
    /// Accept weights that are not finite
    #[arg(long)]
    pub(crate) allow_nan: bool,
    /// Write Keras's history, with data loss and penalty (.json)
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
    /// Write the trained model, in .keras with its optimizer's state [default: DIR/model.safetensors, for a .keras model nothing]
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Leave penalties out of a .keras file that Keras has no word for; its metadata name them
    #[arg(long)]
    pub(crate) drop_penalties: bool,
    /// Write the initial and final weights (.safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Write the predictions before and after, for all training rows (.safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: Option<PathBuf>,
    /// Write the first batch's gradients (.safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) gradients: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Every point of the experiment's grid" => "taper study moons.toml --out moons",
    "With 30 runs each, and one JSON document for another program" => "taper study moons.toml --repeats 30 --json",
])]
pub(crate) struct Study {
    /// The experiment (.toml or .json, or - for stdin)
    pub(crate) experiment: PathBuf,
    /// Runs per setting [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeats: Option<u32>,
    #[command(flatten)]
    pub(crate) common: Common,
}
