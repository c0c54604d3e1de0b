//! Model files: weights as safetensors, with the specification as text in the metadata, and beside it what it takes to use the
//! model: the preparation of its rows, and the experiment that it comes from.

use std::path::Path;

use serde::de::DeserializeOwned;
use taper::table::Prepared;
use taper::{Complaint, Experiment, Model, ModelSpec, Seed};

use crate::tensor_file::{Tensor, Tensors, read_tensors, write_tensors};
use crate::{Error, Result};

/// The version that this program writes, and the newest it reads.
const VERSION: u32 = 1;

/// A model and what it takes to use it on raw rows.
#[derive(Debug)]
pub struct SavedModel {
    /// The model.
    pub model: Model,
    /// How rows of a table become its inputs and targets, as measured on its training rows.
    pub prepared: Option<Prepared>,
    /// What it was trained by.
    pub experiment: Option<Experiment>,
}

/// Writes a model: one tensor per parameter by its path, and the specification.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_model(path: &Path, model: &Model) -> Result<()> {
    write_saved_model(path, model, None, None)
}

/// Writes a model with the preparation of its rows and the experiment that it comes from.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_saved_model(
    path: &Path,
    model: &Model,
    prepared: Option<&Prepared>,
    experiment: Option<&Experiment>,
) -> Result<()> {
    let mut tensors = Tensors::default();
    for (slot, w) in model.params().iter() {
        tensors.tensors.insert(slot.path.clone(), Tensor::f32(slot.spec.shape.sizes(), w.to_vec()));
    }
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| Error::io(path, "writing", std::io::Error::other(error)))
    };
    let mut tell = |key: &str, value: String| tensors.metadata.insert(key.into(), value);
    tell("taper_version", VERSION.to_string());
    tell("taper_model", text(serde_json::to_string(model.spec()))?);
    if let Some(prepared) = prepared {
        tell("taper_preparation", text(serde_json::to_string(prepared))?);
    }
    if let Some(experiment) = experiment {
        tell("taper_experiment", text(serde_json::to_string(experiment))?);
    }
    write_tensors(path, &tensors)
}

/// Reads a model that [`write_model`] wrote.
///
/// # Errors
///
/// A file that is none, of a newer version, or whose tensors do not fit its own specification (all differences are listed);
/// weights that are not finite.
pub fn read_model(path: &Path) -> Result<Model> {
    read_saved_model(path).map(|saved| saved.model)
}

/// Reads a model that [`write_saved_model`] or [`write_model`] wrote, with what stands beside it.
///
/// # Errors
///
/// As [`read_model`], and a preparation that does not make the model's inputs.
pub fn read_saved_model(path: &Path) -> Result<SavedModel> {
    let file = read_tensors(path)?;
    let wrong = |place: &str, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
    let (Some(version), Some(spec)) = (file.metadata.get("taper_version"), file.metadata.get("taper_model")) else {
        return Err(wrong("metadata", "a model written by Taper", "tensors without a specification".into()));
    };
    if version.parse::<u32>().map_or(true, |version| version > VERSION) {
        return Err(wrong("metadata", &format!("version {VERSION} or older"), format!("version {version}")));
    }
    let spec: ModelSpec =
        serde_json::from_str(spec).map_err(|error| wrong("metadata", "a specification", error.to_string()))?;
    let mut model = Model::build(&spec, Seed::new(0)).map_err(|error| Error::within(path, error))?;

    let mut complaints = Vec::new();
    let slots = model.params().slots().to_vec();
    for slot in &slots {
        let place = format!("tensor `{}`", slot.path);
        match file.tensors.get(&slot.path) {
            None => complaints.push(Complaint::new(place, format!("a tensor of shape {}", slot.spec.shape), "none")),
            Some(tensor) if tensor.shape != slot.spec.shape.sizes() => {
                complaints.push(Complaint::new(
                    place,
                    format!("shape {}", slot.spec.shape),
                    format!("{:?}", tensor.shape),
                ));
            }
            Some(tensor) => {
                let w = tensor.to_f32();
                if let Some(position) = w.iter().position(|w| !w.is_finite()) {
                    complaints.push(Complaint::new(
                        format!("{place}, entry {position}"),
                        "a finite number",
                        w[position],
                    ));
                }
                model.params_mut().data_mut()[slot.range.clone()].copy_from_slice(&w);
            }
        }
    }
    for name in file.tensors.keys().filter(|name| !slots.iter().any(|slot| &slot.path == *name)) {
        complaints.push(Complaint::new(format!("tensor `{name}`"), "only parameters of the model", "another"));
    }
    if !complaints.is_empty() {
        return Err(Error::Content { path: path.to_owned(), complaints });
    }
    let prepared = metadata::<Prepared>(path, &file, "taper_preparation")?;
    if let Some(prepared) = &prepared {
        prepared.validate().map_err(|error| Error::within(path, error.within("preparation")))?;
        let (makes, takes) = (prepared.width(), model.input_shape().len());
        if makes != takes {
            return Err(wrong("preparation", &format!("{takes} inputs, as the model takes"), makes.to_string()));
        }
    }
    let experiment = metadata::<Experiment>(path, &file, "taper_experiment")?;
    Ok(SavedModel { model, prepared, experiment })
}

/// A value that stands as text in the metadata.
fn metadata<T: DeserializeOwned>(path: &Path, file: &Tensors, key: &str) -> Result<Option<T>> {
    let Some(text) = file.metadata.get(key) else { return Ok(None) };
    let wrong = |error: serde_json::Error| {
        Error::content(path, Complaint::new(format!("metadata, {key}"), "what Taper writes there", error))
    };
    let value = serde_json::from_str(text).map_err(wrong)?;
    taper::read(value).map(Some).map_err(|error| Error::within(path, error.within(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use taper::{Activation, Dense, Regularizer, Sequential};

    #[test]
    fn a_model_comes_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let hidden = Dense::new(5).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001));
        let spec = Sequential::new([3]).layer(hidden).layer(Dense::new(2).activation(Activation::Softmax));
        let model = Model::build(&spec, Seed::new(1)).unwrap();
        write_model(&path, &model).unwrap();
        let again = read_model(&path).unwrap();
        assert_eq!((again.spec(), again.params()), (model.spec(), model.params()));
        let x = [0.1, -0.5, 2.0];
        assert_eq!(again.predict(&x).unwrap(), model.predict(&x).unwrap());
    }

    #[test]
    fn differences_between_weights_and_specification_are_all_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let model = Model::build(&Sequential::new([3]).layer(Dense::new(2)), Seed::new(1)).unwrap();
        write_model(&path, &model).unwrap();
        let mut file = read_tensors(&path).unwrap();
        file.tensors.insert("dense/kernel".into(), Tensor::f32([2, 3], vec![0.0; 6]));
        file.tensors.remove("dense/bias");
        file.tensors.insert("stranger".into(), Tensor::f32([1], vec![0.0]));
        write_tensors(&path, &file).unwrap();
        let error = read_model(&path).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 3, "{error}");
    }
}
