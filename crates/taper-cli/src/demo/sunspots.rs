//! `taper demo sunspots`: an LSTM on a series.

use super::grid::{Metric, Place, Problem};

pub(super) const PROBLEM: Problem = Problem {
    name: "sunspots",
    title: "Yearly sunspots: an LSTM with 32 units, 160 training rows",
    experiment: include_str!("sunspots.toml"),
    about: "The sunspots of every year from 1700 to 2008, told from the 24 years before, on the scale of the years that train \
            (mean 0, standard deviation 1). Time is not shuffled: the years up to 1883 train, those up to 1943 choose λ, and \
            those up to 2008 measure what came of it. The same λ stands at the LSTM's kernel, recurrent kernel and bias.",
    validation: 60,
    places: &[
        Place { label: "kernel", paths: &["model.layers.0.kernel_regularizer"] },
        Place { label: "recurrent kernel", paths: &["model.layers.0.recurrent_regularizer"] },
        Place { label: "bias", paths: &["model.layers.0.bias_regularizer"] },
    ],
    kernel: "lstm/lstm_cell/recurrent_kernel",
    metric: Metric { name: "mae", label: "mean absolute error", maximize: false },
    loss: "data loss (squared error)",
    repeats: "weight seeds on one stretch of time",
    caveat: "All repeats see the same years: the intervals say how sure the difference is for these 65 years, not for others.",
};
