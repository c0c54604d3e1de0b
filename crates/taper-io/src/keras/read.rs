//! Reading a whole file.

use std::path::Path;

use taper::{Complaint, FitConfig, LayerSpec, Model, OptimizerState, Result};

use super::config;
use super::variable::{self, Layout};
use super::write::{in_order, layers};
use super::{CONFIG, METADATA, WEIGHTS, compile};
use crate::file::read_file;
use crate::hdf5::File;
use crate::{Error, archive, json};

/// A Keras model: weights, and how it was compiled and trained so far.
#[derive(Debug)]
pub struct KerasModel {
    /// The model with its weights.
    pub model: Model,
    /// Loss, optimizer and metrics, if it was compiled. Epochs, batch size and the like are not in the file: defaults.
    pub fit: Option<FitConfig>,
    /// What the optimizer remembers, if it has begun.
    pub optimizer: Option<OptimizerState>,
}

/// How strict to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Whether weights may be NaN or infinite. Default: no.
    pub allow_nan: bool,
}

/// Reads a `.keras` file of Keras 3.
///
/// # Errors
///
/// A file that cannot be read; anything in it that is damaged, not on the closed list of what is understood (named, with the
/// list), or does not fit together (weights and configuration: all differences).
pub fn read_keras(path: &Path, options: &ReadOptions) -> crate::Result<KerasModel> {
    let bytes = read_file(path)?;
    read_keras_bytes(&bytes, options).map_err(|error| Error::within(path, error))
}

/// Reads the contents of a `.keras` file.
///
/// # Errors
///
/// As [`read_keras`].
pub fn read_keras_bytes(bytes: &[u8], options: &ReadOptions) -> Result<KerasModel> {
    let entries = archive::entries(bytes)?;
    if let Some((name, _)) = entries.iter().find(|(name, _)| ![METADATA, CONFIG, WEIGHTS].contains(&name.as_str())) {
        let expected = format!("only {METADATA}, {CONFIG} and {WEIGHTS}");
        return Err(Complaint::new("archive", expected, format!("`{name}`")).into());
    }
    let entry = |name: &str| {
        let found = entries.iter().find(|(other, _)| other == name).map(|(_, data)| *data);
        found.ok_or_else(|| Complaint::new("archive", format!("an entry {name}"), "none"))
    };
    let metadata = json::parse(entry(METADATA)?).map_err(|complaint| complaint.within(METADATA))?;
    check_version(&metadata).map_err(|complaint| complaint.within(METADATA))?;
    let config = json::parse(entry(CONFIG)?).map_err(|complaint| complaint.within(CONFIG))?;
    let config = config::config(config).map_err(|error| error.within(CONFIG))?;
    let mut fit =
        compile::compile_config(config.compile).map_err(|error| error.within(format!("{CONFIG}: compile_config")))?;

    let slots = Model::plan(&config.spec).map_err(|error| error.within(CONFIG))?;
    let layers = named(config.spec.owned());
    let layout = Layout::new(&layers, &slots);
    let file = entry(WEIGHTS)?;
    let inside = |error: taper::Error| error.within(WEIGHTS);
    let root = File::root(file).map_err(|complaint| complaint.within(WEIGHTS))?;
    let weights = variable::weights(&root, &layout, &slots, file.len()).map_err(inside)?;
    if !options.allow_nan {
        variable::check_finite(&weights, &slots).map_err(inside)?;
    }
    let optimizer = match &mut fit {
        Some(fit) => variable::optimizer_state(&root, fit, &slots, file.len()).map_err(inside)?,
        None => None,
    };
    Ok(KerasModel { model: Model::with_weights(config.spec, weights)?, fit, optimizer })
}

/// Reads the weights of a `.weights.h5` file into a model.
///
/// # Errors
///
/// As [`read_keras`]. The model is untouched then.
pub fn read_keras_weights(path: &Path, model: &mut Model, options: &ReadOptions) -> crate::Result<()> {
    let bytes = read_file(path)?;
    let read = || -> Result<Vec<f32>> {
        let layers = layers(model);
        let (specs, slots) = in_order(&layers, model);
        let layout = Layout::new(&specs, &slots);
        let weights = variable::weights(&File::root(&bytes)?, &layout, &slots, bytes.len())?;
        if !options.allow_nan {
            variable::check_finite(&weights, &slots)?;
        }
        Ok(weights)
    };
    let weights = read().map_err(|error| Error::within(path, error))?;
    model.params_mut().data_mut().copy_from_slice(&weights);
    Ok(())
}

/// The layers with their names, which a configuration always says.
fn named(specs: Vec<&LayerSpec>) -> Vec<(&str, &LayerSpec)> {
    specs.into_iter().map(|spec| (spec.name.as_deref().unwrap_or_default(), spec)).collect()
}

fn check_version(metadata: &serde_json::Value) -> Result<(), Complaint> {
    let version = metadata.get("keras_version").and_then(serde_json::Value::as_str).unwrap_or("none");
    if version.starts_with("3.") {
        return Ok(());
    }
    Err(Complaint::new("keras_version", "a file of Keras 3", super::class::brief(&version.into())))
}
