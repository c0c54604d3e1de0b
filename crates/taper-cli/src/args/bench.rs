//! `taper bench`.

#[derive(Debug, clap::Args)]
#[command(after_help = examples![
    "How fast this machine trains, on all standard workloads" => "taper bench",
    "One workload on one core" => "taper bench mlp --threads 1",
])]
pub(crate) struct Bench {
    /// What to train [default: the standard ones in turn]
    #[arg(value_enum)]
    pub(crate) workload: Option<Workload>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) threads: Option<u16>,
    /// Write the curves of `growth` as a page with figures into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<std::path::PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// The standard workloads.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Workload {
    /// 500 hidden units, 30 rows, 4000 epochs: the tutorial's fit
    Moons,
    /// The same fit, its 70 other rows measured after every epoch
    MoonsHistory,
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
