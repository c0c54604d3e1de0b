//! The doors: one function for each kind of file that strangers may send, from bytes to an answer. Whatever the bytes are, the
//! answer is a value or an error in words; never a panic, and no memory without bound.

use std::path::Path;

use taper::DataSpec;
use taper::table::{Reading, Wanted};
use taper_io::TableFile;
use taper_io::keras::{ReadOptions, read_keras_bytes};

/// What a function does with the bytes of a file.
pub(crate) type Entry = fn(&[u8]);

/// Each door by the name of its folder of examples.
pub(crate) const ENTRIES: [(&str, Entry); 8] = [
    ("csv", csv),
    ("parquet", parquet),
    ("npz", npz),
    ("safetensors", safetensors),
    ("keras", keras),
    ("model", model),
    ("experiment", experiment),
    ("outcome", outcome),
];

/// A table of text, every column of it as numbers or names.
pub(crate) fn csv(bytes: &[u8]) {
    table("t.csv", bytes);
}

/// A table in Parquet, every column of it as numbers or names.
pub(crate) fn parquet(bytes: &[u8]) {
    table("t.parquet", bytes);
}

/// Tables are read from files, piece by piece.
fn table(name: &str, bytes: &[u8]) {
    taper_io::limit_memory(256 << 20);
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join(name);
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let spec = DataSpec::new(name);
    let Ok(file) = TableFile::open(&path, &spec) else { return };
    let wanted: Vec<Wanted> = file
        .header()
        .iter()
        .enumerate()
        .map(|(position, name)| Wanted { position, name: name.clone(), reading: Reading::Auto, complete: false })
        .collect();
    let _ = file.table(&wanted, &spec);
    // The way of a prediction: the next rows, until there are none or they are wrong.
    if let Ok(mut file) = TableFile::open(&path, &spec) {
        while let Ok(Some(_)) = file.next_table(&wanted) {}
    }
}

/// Arrays of NumPy's.
pub(crate) fn npz(bytes: &[u8]) {
    taper_io::limit_memory(256 << 20);
    let _ = taper_io::parse_npz(Path::new("t.npz"), bytes, &["x", "y"]);
}

/// Tensors.
pub(crate) fn safetensors(bytes: &[u8]) {
    let _ = taper_io::parse_tensors(Path::new("t.safetensors"), bytes);
}

/// A model of Keras's.
pub(crate) fn keras(bytes: &[u8]) {
    let _ = read_keras_bytes(bytes, &ReadOptions { allow_nan: true });
}

/// A model of our own.
pub(crate) fn model(bytes: &[u8]) {
    let _ = taper_io::parse_saved_model(Path::new("t.safetensors"), bytes, true);
}

/// An experiment in either language, as far as it can be judged without its rows.
pub(crate) fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["e.toml", "e.json"] {
        if let Ok(experiment) = taper_io::parse_experiment(name, text) {
            let _ = experiment.validate();
        }
    }
}

/// The outcome of a trial, or a trial.
pub(crate) fn outcome(bytes: &[u8]) {
    let _ = taper_io::parse_outcome(bytes);
    let _ = taper_io::parse_trial(bytes);
}
