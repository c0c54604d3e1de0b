//! What is done to a model, or asked of one.

use std::path::PathBuf;

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
#[command(after_help = examples![
    "Scores on rows that took no part in the training" => "taper evaluate wine test.csv",
    "As JSON" => "taper evaluate wine/model.safetensors test.csv --json",
])]
pub(crate) struct Evaluate {
    /// A model (.safetensors or .keras), or the folder that `taper fit` or `taper choose` left
    pub(crate) model: PathBuf,
    /// The rows with their targets (.csv, .parquet, .npz or .safetensors, or - for CSV on stdin)
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
#[command(after_help = examples![
    "A prediction for each row of a table" => "taper predict wine new.csv --out predictions.csv",
    "A category that no training row had counts as none of the known" => "taper predict wine new.csv --out predictions.parquet --unseen zero",
])]
pub(crate) struct Predict {
    /// A model (.safetensors, .keras or .h5), or the folder that `taper fit` or `taper choose` left
    pub(crate) model: PathBuf,
    /// The rows (.csv, .parquet, .npz or .safetensors, or - for CSV on stdin); columns are found by name
    #[arg(value_name = "FILE")]
    pub(crate) rows: PathBuf,
    /// The predictions, a row for each (.csv or .parquet, or - for CSV on stdout)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What a category means that no training row had [default: as in the experiment]
    #[arg(long, value_enum)]
    pub(crate) unseen: Option<Unseen>,
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
    /// In CSV, put an apostrophe before text that a spreadsheet would run as a formula
    #[arg(long)]
    pub(crate) spreadsheet: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "What a trained model is made of" => "taper inspect wine",
    "A Keras model" => "taper inspect model.keras",
])]
pub(crate) struct Inspect {
    /// A model (.safetensors, .keras or .h5, or the folder that a command left) or an experiment (.toml or .json, or - for stdin)
    pub(crate) file: PathBuf,
    /// Read the weights also of a file that is larger than 64 MiB
    #[arg(long)]
    pub(crate) weights: bool,
    /// Take weights that are NaN or infinite
    #[arg(long)]
    pub(crate) allow_nan: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Before a training: is there something that is not meant?" => "taper plan wine.toml",
    "In a script: status 1 if there is" => "taper plan wine.toml --strict --json",
])]
pub(crate) struct Plan {
    /// The experiment (.toml or .json, or - for stdin), or a model (.keras, .h5, .safetensors, or the folder that a command left)
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
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "A smaller model with the same outputs" => "taper compact wine --out small.safetensors",
    "Compared on rows of one's own" => "taper compact wine --data test.csv --out small.safetensors",
])]
pub(crate) struct Compact {
    /// The model (.safetensors, .keras or .h5), or the folder that a command left
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
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
}

/// Exact where the two have the same gradient, with the identity. Between coupled and decoupled (adamw) there is none under
/// Adam; an experiment finds the strength with which its weights end at the same norm.
#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "Keras's strength as PyTorch writes it" => "taper lambda 0.001 --from keras --to pytorch",
    "A decoupled strength, found by training" => "taper lambda 0.01 --from keras --to adamw --experiment moons.toml",
])]
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
    /// Rows in a batch (all rows under lbfgs), or the sum of their sample weights: scikit-learn divides by it [default: the
    /// experiment's]
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) rows: Option<f64>,
    /// The data loss beside which it stands: mse, binary_crossentropy, … [default: the experiment's]
    #[arg(long)]
    pub(crate) loss: Option<String>,
    /// Standard deviation of the target (with 1/n), by which glmnet divides beside mse [default: that of the experiment's
    /// training rows]
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) target_sd: Option<f64>,
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
#[command(after_help = examples![
    "A trained model for Keras" => "taper convert wine model.keras",
    "A Keras model for whatever runs ONNX" => "taper convert model.keras model.onnx",
])]
pub(crate) struct Convert {
    /// A model (.keras, .h5 or .safetensors), or the folder that a command left
    pub(crate) model: PathBuf,
    /// The file to write (.keras, .weights.h5, .safetensors or .onnx)
    pub(crate) out: PathBuf,
    /// Take weights that are NaN or infinite
    #[arg(long)]
    pub(crate) allow_nan: bool,
    /// Leave out how rows are prepared: the model alone, whose inputs are prepared numbers
    #[arg(long)]
    pub(crate) bare: bool,
    /// The model that weights alone are of (.keras, .h5, .json, .toml or .safetensors)
    #[arg(long, value_name = "FILE")]
    pub(crate) architecture: Option<PathBuf>,
}
