//! `taper data`.

use std::path::PathBuf;

use clap::Subcommand;

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
