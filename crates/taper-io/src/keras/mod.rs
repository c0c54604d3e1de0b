//! Models of Keras 3, read and written without Python.
//!
//! A `.keras` file is a ZIP archive of `metadata.json`, `config.json` and `model.weights.h5`. What is read is a closed list:
//! these three entries, Keras's own classes that Taper has ([`LAYERS`](class)), arrays of float32. Everything else is refused by
//! name, before anything is allocated for it, and nothing in a file is ever run.

mod class;
mod compile;
mod config;
mod json;
mod layer;
mod read;
mod train;
mod variable;
mod write;

pub use read::{KerasModel, ReadOptions, read_keras, read_keras_bytes, read_keras_weights};
pub use train::{BatchLoss, KerasData, KerasRun, Penalties, RunOptions, train_keras};
pub use write::{keras_bytes, keras_weight_bytes, write_keras, write_keras_weights};

/// The entries of a `.keras` file.
const METADATA: &str = "metadata.json";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";
