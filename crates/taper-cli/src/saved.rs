//! A model to use: a file, or the folder that a command left.

use std::path::{Path, PathBuf};

use taper::table::{Feature, Prepared};
use taper::{Complaint, DataSpec, Dataset, Model, Seed, Unseen};
use taper_io::keras::{KerasModel, ReadOptions, is_keras, read_keras};
use taper_io::{SavedModel, TableFile, is_table};

use crate::failure::Failure;

/// What commands call the model that they leave.
pub(crate) const MODEL_FILE: &str = "model.safetensors";

/// The model's file.
pub(crate) fn file(path: &Path) -> PathBuf {
    if path.is_dir() && !is_keras(path) { path.join(MODEL_FILE) } else { path.to_owned() }
}

/// Reads a model of Keras's; weights alone go into the model that `architecture` names.
pub(crate) fn keras(path: &Path, architecture: Option<&Path>, allow_nan: bool) -> Result<KerasModel, Failure> {
    let options = ReadOptions { allow_nan };
    let Some(architecture) = architecture else { return Ok(read_keras(path, &options)?) };
    let mut model = if is_keras(architecture) {
        read_keras(architecture, &ReadOptions { allow_nan: true })?
    } else if crate::command::is_model(architecture)? {
        KerasModel::new(taper_io::read_model(architecture)?)
    } else {
        let experiment = taper_io::read_experiment(architecture)?;
        KerasModel::new(Model::build(&experiment.model, Seed::new(1)).map_err(|error| error.within("model"))?)
    };
    model.read_weights(path, &options)?;
    model.optimizer = None;
    Ok(model)
}

/// Tells why a model is taken as one that was not compiled, where its file says how.
pub(crate) fn note_not_compiled(file: &KerasModel) {
    let obstacles: Vec<String> = file.settings.obstacles().map(ToString::to_string).collect();
    if !obstacles.is_empty() {
        crate::output::note(&format!("without the settings of its compilation: {}", obstacles.join("; ")));
    }
}

/// A model's file or an experiment's: a folder stands for the model in it, and one without a model for itself.
pub(crate) fn file_or_experiment(path: &Path) -> PathBuf {
    Some(file(path)).filter(|file| file.exists()).unwrap_or_else(|| path.to_owned())
}

/// Reads a model of ours, or Keras's, with what is known about its rows.
pub(crate) fn read(path: &Path, architecture: Option<&Path>, unseen: Option<Unseen>) -> Result<SavedModel, Failure> {
    let path = file(path);
    if is_keras(&path) {
        return Ok(keras(&path, architecture, false)?.model.into());
    }
    let mut saved = taper_io::read_saved_model(&path)?;
    if let (Some(wanted), Some(prepared)) = (unseen, &mut saved.prepared) {
        allow(prepared, wanted);
    }
    Ok(saved)
}

/// Reads a model of ours; `allow_nan`: weights may be NaN or infinite.
pub(crate) fn own(path: &Path, allow_nan: bool) -> Result<SavedModel, Failure> {
    Ok(if allow_nan { taper_io::read_saved_model_with_nan(path)? } else { taper_io::read_saved_model(path)? })
}

fn allow(prepared: &mut Prepared, wanted: Unseen) {
    for feature in &mut prepared.features {
        if let Feature::Category { unseen, .. } = feature {
            *unseen = wanted;
        }
    }
}

/// How files of the model's rows are written: as the one that it was trained on.
pub(crate) fn data_spec(saved: &SavedModel) -> DataSpec {
    let mut spec = DataSpec::new("");
    if let Some(experiment) = &saved.experiment {
        spec.decimal = experiment.data.decimal;
        spec.delimiter = experiment.data.delimiter;
        spec.thousands = experiment.data.thousands;
        spec.units = experiment.data.units;
        spec.na.clone_from(&experiment.data.na);
    }
    spec
}

/// A table needs to be prepared as the training rows were.
pub(crate) fn prepared<'a>(saved: &'a SavedModel, model: &Path) -> Result<&'a Prepared, Failure> {
    saved.prepared.as_ref().ok_or_else(|| {
        let complaint =
            Complaint::new(model.display(), "a model that was trained on a table", "one without named columns");
        taper::Error::from(complaint.help("its rows come from a .safetensors or .npz file")).into()
    })
}

/// The inputs of all rows of a file, as the model takes them: a table is prepared as the training rows were.
pub(crate) fn inputs(saved: &SavedModel, model: &Path, rows: &Path) -> Result<Vec<f32>, Failure> {
    let about = |error| Failure::from(taper_io::Error::about(rows, error));
    if !is_table(rows) {
        return Ok(taper_io::read_inputs(rows, saved.model.input_shape(), saved.prepared.as_ref())?);
    }
    let (prepared, spec) = (prepared(saved, model)?, data_spec(saved));
    let file = TableFile::open(rows, &spec)?;
    let wanted = prepared.wanted(file.header(), false).map_err(about)?;
    let (table, _) = file.table(&wanted, &spec)?;
    let all: Vec<usize> = (0..table.rows()).collect();
    prepared.inputs(&table, &all).map(|(x, _)| x).map_err(about)
}

/// The rows of a table with their targets, as the model takes them.
pub(crate) fn dataset(saved: &SavedModel, model: &Path, rows: &Path) -> Result<Dataset, Failure> {
    let about = |error| Failure::from(taper_io::Error::about(rows, error));
    let (prepared, spec) = (prepared(saved, model)?, data_spec(saved));
    let file = TableFile::open(rows, &spec)?;
    let wanted = prepared.wanted(file.header(), true).map_err(about)?;
    let (table, _) = file.table(&wanted, &spec)?;
    let all: Vec<usize> = (0..table.rows()).collect();
    prepared.dataset(&table, &all).map_err(about)
}
