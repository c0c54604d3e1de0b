//! Models of Keras 3, read and written without Python.
//!
//! A `.keras` file is a ZIP archive of `metadata.json`, `config.json` and `model.weights.h5`. What is read is a closed list:
//! these three entries, those of Keras's own classes that Taper has, arrays of float32. Everything else is refused by name,
//! before anything is allocated for it, and nothing in a file is ever run.
//!
//! # Example
//!
//! ```
//! use taper::{Activation, Dense, FitConfig, Loss, Model, Regularizer, Seed, Sequential};
//! use taper_io::keras::{ReadOptions, keras_bytes, read_keras_bytes};
//!
//! # fn main() -> taper::Result<()> {
//! let hidden = Dense::new(8).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001));
//! let spec = Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
//! let model = Model::build(&spec, Seed::new(1))?;
//! let bytes = keras_bytes(&model, Some(&FitConfig::new(Loss::BINARY_CROSSENTROPY)), None)?; // Keras's load_model takes these
//! let again = read_keras_bytes(&bytes, &ReadOptions::default())?;
//! assert_eq!(again.model.params(), model.params());
//! # Ok(())
//! # }
//! ```

mod activation;
mod call;
mod class;
mod compile;
mod container;
mod emit;
mod export;
mod generation;
#[cfg(test)]
mod hostile;
mod layer;
mod legacy;
mod named;
mod network;
mod note;
mod read;
mod scope;
mod settings;
mod train;
mod variable;
mod write;

pub use export::{Exported, export_keras, write_keras_export};
pub use note::Note;
pub use read::{KerasModel, ReadOptions, is_keras, read_keras, read_keras_bytes, read_keras_spec, read_keras_weights};
pub use settings::CompileSettings;
pub use train::{BatchLoss, KerasData, KerasRun, Penalties, RunOptions, train_keras};
pub use write::{keras_bytes, keras_weight_bytes, write_keras, write_keras_weights};

/// The entries of a `.keras` file.
const METADATA: &str = "metadata.json";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";
