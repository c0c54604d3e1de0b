//! `taper demo digits`: a small convolutional network on real images.

use super::grid::{Metric, Place, Problem};

pub(super) const PROBLEM: Problem = Problem {
    name: "digits",
    title: "Handwritten digits: a small convolutional network, 300 training rows",
    experiment: include_str!("digits.toml"),
    about: "1,797 handwritten digits of 8 × 8 pixels. In every repeat they are shuffled anew: 300 train, 300 choose λ, and the \
            rest measure what came of it. The same λ stands at the kernels of both convolutions and of both dense layers.",
    validation: 300,
    places: &[
        Place {
            label: "convolutions",
            paths: &["model.layers.1.kernel_regularizer", "model.layers.3.kernel_regularizer"],
        },
        Place {
            label: "dense layers",
            paths: &["model.layers.6.kernel_regularizer", "model.layers.7.kernel_regularizer"],
        },
    ],
    kernel: "dense/kernel",
    metric: Metric { name: "accuracy", label: "accuracy", maximize: true },
    loss: "data loss (cross-entropy)",
    repeats: "shuffles of the rows, each with its own weight seed",
    caveat: "The intervals allow for training sets that overlap between repeats (Nadeau and Bengio 2003).",
};
