//! `taper data`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[command(after_help = examples![
    "The tutorial's points" => "taper data moons --noise 0.2 --random-state 1 --out moons.csv",
    "Handwritten digits" => "taper data digits --out digits.safetensors",
])]
pub(crate) enum Data {
    /// Two interleaving half circles
    #[command(after_help = examples![
        "The tutorial's 100 points" => "taper data moons --noise 0.2 --random-state 1 --out moons.csv",
        "A thousand in double precision" => "taper data moons --samples 1000 --out moons.safetensors",
    ])]
    Moons {
        /// Standard deviation of the noise
        #[arg(long, default_value_t = 0.0)]
        noise: f64,
        #[command(flatten)]
        sample: SampleArgs,
    },
    /// A circle within a circle
    #[command(after_help = examples![
        "Two circles, one within the other" => "taper data circles --noise 0.1 --out circles.csv",
        "The inner one half as wide" => "taper data circles --factor 0.5 --out circles.csv",
    ])]
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
    #[command(after_help = examples![
        "Three clouds in the plane" => "taper data blobs --samples 300 --out blobs.csv",
        "Five of them, with ten features" => "taper data blobs --centers 5 --features 10 --out blobs.csv",
    ])]
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
    #[command(after_help = examples![
        "The images as tensors" => "taper data digits --out digits.safetensors",
        "As a table with a column for each pixel" => "taper data digits --out digits.csv",
    ])]
    Digits {
        /// The file: .safetensors (x and y) or .csv, or - for CSV on stdout
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// The sunspots of the years from 1700 to 2008: each row some years, its target the next
    #[command(after_help = examples![
        "Each row 24 years, its target the next" => "taper data sunspots --out sunspots.csv",
        "Rows of 11 years" => "taper data sunspots --window 11 --out sunspots.safetensors",
    ])]
    Sunspots {
        /// How many years a row has
        #[arg(long, default_value_t = 24)]
        window: usize,
        /// The file: .safetensors (x and y) or .csv, or - for CSV on stdout
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct SampleArgs {
    /// How many rows
    #[arg(long, default_value_t = 100)]
    pub(crate) samples: usize,
    /// scikit-learn's seed
    #[arg(long, default_value_t = 0)]
    pub(crate) random_state: u32,
    /// The file: .safetensors (x and y, f64) or .csv, or - for CSV on stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
