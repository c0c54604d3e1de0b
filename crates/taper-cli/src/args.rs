//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Neural networks that do not overfit: Keras-style models with L1/L2 penalties, and an honest choice of their strength.
#[derive(Debug, Parser)]
#[command(name = "taper", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A worked study on exactly reproduced data, with figures and a report
    #[command(subcommand)]
    Demo(Demo),
    /// Train the model of an experiment file
    Fit(Fit),
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
}

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
        /// The file (.csv)
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

/// What every command that trains takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Folder for everything that is written
    #[arg(long, value_name = "DIR", default_value = "taper-out")]
    pub(crate) out: PathBuf,
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

#[derive(Debug, clap::Args)]
pub(crate) struct Fit {
    /// The experiment (.toml or .json), or a compiled Keras model (.keras)
    pub(crate) experiment: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) keras: Keras,
}

/// What a Keras model's file does not say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for a Keras model")]
pub(crate) struct Keras {
    /// The rows: x, y, and optionally x_val, y_val, sample_weight, class_weight (.safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Further epochs [default: 1]
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Rows per step [default: 32]
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
    /// Accept weights that are not finite
    #[arg(long)]
    pub(crate) allow_nan: bool,
    /// Write Keras's history, with data loss and penalty (.json)
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
    /// Write the trained model with its optimizer's state (.keras)
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
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
pub(crate) struct Study {
    /// The experiment (.toml or .json)
    pub(crate) experiment: PathBuf,
    /// Runs per setting [default: the experiment's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) repeats: Option<u32>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Choose {
    /// The experiment (.toml or .json); its table [choose] says what is compared
    pub(crate) experiment: PathBuf,
    /// Which strength is chosen: the best (min), or the strongest within one standard error of it (1se) [default: the
    /// experiment's]
    #[arg(long, value_parser = ["min", "1se"])]
    pub(crate) rule: Option<String>,
    /// Run every strength on every fold, also those that are clearly beaten
    #[arg(long)]
    pub(crate) no_race: bool,
    #[command(flatten)]
    pub(crate) store: Resume,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What to do where the folder has a study already.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Resume {
    /// Go on with the study in the folder, if there is one
    #[arg(long)]
    pub(crate) resume: bool,
    /// Begin another study in the folder; the runs of the first are kept
    #[arg(long, conflicts_with = "resume")]
    pub(crate) fork: bool,
    /// Wait for another process that works in the folder
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The table (.csv or .parquet)
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
    /// A comma separates the digits of a fraction, as in 1,5
    #[arg(long)]
    pub(crate) decimal_comma: bool,
    /// The experiment file to write
    #[arg(long, value_name = "FILE", default_value = "experiment.toml")]
    pub(crate) out: PathBuf,
    /// Overwrite the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a category means that no training row had.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Unseen {
    /// A mistake
    Error,
    /// None of the known ones
    Zero,
}

impl From<Unseen> for taper::Unseen {
    fn from(unseen: Unseen) -> Self {
        match unseen {
            Unseen::Error => Self::Error,
            Unseen::Zero => Self::Zero,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Evaluate {
    /// A model (.safetensors), or the folder that `taper fit` or `taper choose` left
    pub(crate) model: PathBuf,
    /// The rows with their targets (.csv, .parquet, .npz or .safetensors)
    #[arg(value_name = "FILE")]
    pub(crate) rows: PathBuf,
    /// What a category means that no training row had [default: as in the experiment]
    #[arg(long, value_enum)]
    pub(crate) unseen: Option<Unseen>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Predict {
    /// A model (.safetensors or .keras), or the folder that `taper fit` or `taper choose` left
    pub(crate) model: PathBuf,
    /// The rows (.csv, .parquet, .npz or .safetensors); columns are found by name
    #[arg(value_name = "FILE")]
    pub(crate) rows: PathBuf,
    /// The predictions, a row for each (.csv or .parquet)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What a category means that no training row had [default: as in the experiment]
    #[arg(long, value_enum)]
    pub(crate) unseen: Option<Unseen>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A model (.safetensors or .keras) or an experiment (.toml or .json)
    pub(crate) file: PathBuf,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The experiment (.toml or .json), or a model (.keras or .safetensors)
    pub(crate) file: PathBuf,
    /// End with status 1 if there are findings
    #[arg(long)]
    pub(crate) strict: bool,
    /// Rows that will train a model
    #[arg(long)]
    pub(crate) rows: Option<usize>,
    /// Epochs that will train a model [default: 1]
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Rows per step of a model [default: 32]
    #[arg(long)]
    pub(crate) batch_size: Option<usize>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Compact {
    /// The model (.safetensors or .keras)
    pub(crate) model: PathBuf,
    /// The smaller model (.safetensors or .keras)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Rows on which the outputs must stay equal: a .csv, .parquet, .npz or .safetensors file [default: 256 random rows]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Also cut columns of the input that no weight reads; the smaller model then takes the others only
    #[arg(long)]
    pub(crate) inputs: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Exact where the two have the same gradient, with the identity. Between coupled and decoupled (adamw) there is none under
/// Adam; an experiment finds the strength with which its weights end at the same norm.
#[derive(Debug, clap::Args)]
pub(crate) struct Lambda {
    /// The strength
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: f64,
    /// What it is written in: keras, pytorch, adamw, sklearn-mlp or glmnet
    #[arg(long, value_name = "DIALECT")]
    pub(crate) from: String,
    /// What it should be written in
    #[arg(long, value_name = "DIALECT")]
    pub(crate) to: String,
    /// Rows in a batch, by which scikit-learn divides [default: the experiment's]
    #[arg(long)]
    pub(crate) rows: Option<usize>,
    /// Also tell what one step at this learning rate takes off a weight [default: the experiment's]
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Where there is no identity: find the strength by training this experiment (.toml or .json)
    #[arg(long, value_name = "FILE")]
    pub(crate) experiment: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    /// A model (.keras or .safetensors)
    pub(crate) model: PathBuf,
    /// The file to write (.keras, .weights.h5, .safetensors or .onnx)
    pub(crate) out: PathBuf,
    /// Take weights that are NaN or infinite
    #[arg(long)]
    pub(crate) allow_nan: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Two interleaving half circles
    Moons {
        /// Standard deviation of the noise
        #[arg(long, default_value_t = 0.0)]
        noise: f64,
        #[command(flatten)]
        sample: SampleArgs,
    },
    /// A circle within a circle
    Circles {
        /// Standard deviation of the noise
        #[arg(long, default_value_t = 0.0)]
        noise: f64,
        /// Inner over outer radius
        #[arg(long, default_value_t = 0.8)]
        factor: f64,
        #[command(flatten)]
        sample: SampleArgs,
    },
    /// Normal clouds around random centers
    Blobs {
        /// How many features
        #[arg(long, default_value_t = 2)]
        features: usize,
        /// How many centers
        #[arg(long, default_value_t = 3)]
        centers: usize,
        /// Standard deviation of each cloud
        #[arg(long, default_value_t = 1.0)]
        cluster_std: f64,
        #[command(flatten)]
        sample: SampleArgs,
    },
    /// 1,797 handwritten digits of 8 × 8 pixels, as scikit-learn has them
    Digits {
        /// The file: .safetensors (x and y) or .csv
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// The sunspots of the years from 1700 to 2008: each row some years, its target the next
    Sunspots {
        /// How many years a row has
        #[arg(long, default_value_t = 24)]
        window: usize,
        /// The file: .safetensors (x and y) or .csv
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
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

#[derive(Debug, clap::Args)]
pub(crate) struct SampleArgs {
    /// How many rows
    #[arg(long, default_value_t = 100)]
    pub(crate) samples: usize,
    /// scikit-learn's seed
    #[arg(long, default_value_t = 0)]
    pub(crate) random_state: u32,
    /// The file: .safetensors (x and y, f64) or .csv
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// What to train [default: the standard ones in turn]
    #[arg(value_enum)]
    pub(crate) workload: Option<Workload>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// The standard workloads.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Workload {
    /// 500 hidden units, 30 rows, 4000 epochs: the tutorial's fit
    Moons,
    /// 6 penalties x 30 seeds of it
    MoonsGrid,
    /// 784-512-512-10, batch 128
    Mlp,
    /// 32x32x3, four convolutions of 3x3, batch 32
    Cnn,
    /// LSTM(128) over 50 steps of 32 features, batch 32
    Lstm,
    /// GRU(128) over the same
    Gru,
    /// Three convolutions over 128 steps of 16, batch 32
    Conv1d,
    /// An epoch of 1,000,000 rows of 100 columns, batch 1024
    Tabular,
    /// Whether training slows down as its numbers become small
    Denormals,
    /// How time grows with units, rows, batch size, penalties and repeats
    Growth,
}

impl Workload {
    /// Those that take seconds.
    pub(crate) const STANDARD: [Self; 6] = [Self::Moons, Self::Mlp, Self::Cnn, Self::Lstm, Self::Gru, Self::Conv1d];
}
