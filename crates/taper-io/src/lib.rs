//! Everything of Taper that reads or writes a format: experiment files, tables, tensors, model files, Keras's files.
//!
//! Readers work in three stages: measure the real length, check the whole header against what is expected, then allocate.
//! Writers make a file appear whole or not at all (write beside it, flush to disk, rename).

mod archive;
mod atomic;
mod caught;
mod checkpoint;
mod digest;
mod error;
mod experiment_file;
mod export;
mod file;
mod format;
mod hdf5;
mod json;
pub mod keras;
mod limit;
mod log;
#[cfg(test)]
mod memory;
mod model_file;
mod npz;
mod onnx;
mod rows;
mod sample_file;
mod source;
mod store;
mod stream;
mod table;
mod temporary;
mod tensor_file;
mod training_rows;
mod trial_file;

pub use atomic::{check_own_folder, check_writable, refuse_link, write_atomic};
pub use checkpoint::{read_checkpoint, read_run_checkpoint, write_checkpoint, write_run_checkpoint};
pub use digest::Digest;
pub use error::{Error, Result};
pub use experiment_file::{parse_experiment, parse_policy, parse_setting, read_experiment};
pub use export::write_results;
pub use file::read_text;
pub use format::Format;
pub use limit::{limit_memory, memory_limit};
pub use log::{CsvLogger, ModelCheckpoint};
pub use model_file::{
    SavedModel, parse_saved_model, read_model, read_model_spec, read_saved_model, read_saved_model_with_nan,
    write_chosen_model, write_model, write_saved_model,
};
pub use npz::parse_npz;
pub use onnx::{onnx_bytes, write_onnx};
pub use rows::{read_inputs, read_rows};
pub use sample_file::{write_rows, write_sample};
pub use source::{Source, read_source};
pub use store::{
    FinishRecord, Locking, Repair, RunRecord, RunStore, STORE, StudyLock, StudyRecord, StudyStore, repair_store,
};
pub use stream::is_stream;
pub use table::{
    Audience, CellsOut, ColumnKind, Left, NumberKeys, TableFile, TableWriter, USUAL_WORDS, inert, is_table,
    means_nothing, number_keys,
};
pub use temporary::abandon_files;
pub use tensor_file::{Tensor, TensorData, Tensors, parse_tensors, read_tensors, write_tensors};
pub use training_rows::TrainingRows;
pub use trial_file::{
    Engine, Origin, data_digests, parse_outcome, parse_trial, read_outcome, read_trial, write_outcome, write_trial,
};
