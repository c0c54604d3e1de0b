//! A model of ours as a `.keras` file: with the preparation of its rows as layers, without the penalties that Keras does not know.

use std::path::Path;

use serde_json::{Map, Value, json};
use taper::table::{Feature, Meaning, Prepared};
use taper::{Complaint, FitConfig, Model, ModelSpec, OptimizerState, Result};

use super::layer::regularizer_to_keras;
use super::write;
use crate::{Error, SavedModel, write_atomic};

/// The steps in which f32 counts, relative to the number: beyond this many of a column's standard deviations they are felt.
const MOST_STEP: f64 = 1e-3;

/// A `.keras` file and what it does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// The penalties that Keras has no word for, by the setting that said them; the file's metadata name them under `taper`.
    pub left_out: Vec<String>,
    /// What else is not as it was, a sentence each.
    pub notes: Vec<String>,
}

/// Writes what [`export_keras`] makes, and returns a sentence for everything that is not as it was.
///
/// # Errors
///
/// As [`export_keras`]; [`Error::Io`].
pub fn write_keras_export(
    path: &Path,
    saved: &SavedModel,
    fit: Option<&FitConfig>,
    optimizer: Option<&OptimizerState>,
) -> crate::Result<Vec<String>> {
    let exported = export_keras(saved, fit, optimizer).map_err(|error| Error::within(path, error))?;
    write_atomic(path, &exported.bytes)?;
    let left_out = exported.left_out.into_iter();
    let said =
        left_out.map(|penalty| format!("Keras has no word for {penalty}: it is left out, and named in the metadata"));
    Ok(said.chain(exported.notes).collect())
}

/// A `.keras` file that Keras 3 loads, compiles and trains on, of a model with its preparation.
///
/// Columns of numbers are brought to scale by a frozen `BatchNormalization` in front, a scaled target is brought back by a
/// `Rescaling` at the end: the file takes raw rows, in the order of the columns, and predicts in the target's unit. Penalties that
/// Keras has no word for are left out and named.
///
/// # Errors
///
/// Columns that Keras has no layer for (categories, indicators of empty cells), numbers that float32 cannot tell apart, and whatever
/// else Keras has no words for: by name.
pub fn export_keras(
    saved: &SavedModel,
    fit: Option<&FitConfig>,
    optimizer: Option<&OptimizerState>,
) -> Result<Exported> {
    let mut spec = serde_json::to_value(saved.model.explicit_spec()?).unwrap_or_default();
    let (mut notes, mut told) = (Vec::new(), Map::new());
    let mut dropped = Map::new();
    let names: Vec<String> = saved.model.summary().into_iter().map(|layer| layer.name).collect();
    drop_penalties(&mut spec, &names, &mut dropped);
    let left_out = dropped.iter().map(|(place, penalty)| format!("the penalty {penalty} ({place})")).collect();
    if !dropped.is_empty() {
        told.insert("left_out".to_owned(), Value::Object(dropped));
    }
    let mut weights = saved.model.params().data().to_vec();
    if let Some(prepared) = &saved.prepared {
        let before = prepare(&mut spec, &saved.model, prepared)?;
        weights.splice(0..0, before);
        told.insert("columns".to_owned(), json!(prepared.input_names()));
        told.insert("target".to_owned(), prepared.target.name().into());
        told.insert("preparation".to_owned(), serde_json::to_value(prepared).unwrap_or_default());
        let filled: Vec<&str> = prepared.features.iter().filter(|feature| fills(feature)).map(Feature::name).collect();
        if !filled.is_empty() {
            notes.push(format!(
                "Keras has no layer that fills empty cells: NaN in {} gives NaN; the metadata name the values",
                filled.join(", ")
            ));
        }
        match saved.meaning() {
            Meaning::Number { mean, scale } if (mean, scale) != (0.0, 1.0) => {
                unscale(&mut spec, &saved.model, mean, scale);
                notes.push(
                    "Keras measures loss and metrics in the target's own unit, not in its standard deviations"
                        .to_owned(),
                );
            }
            Meaning::Two { labels, .. } | Meaning::Classes { labels, .. } => {
                told.insert("classes".to_owned(), serde_json::to_value(labels).unwrap_or_default());
            }
            _ => {}
        }
    }
    let mut compiled = fit.cloned();
    if let Some(fit) = &mut compiled
        && !fit.optimizer.exclude_from_weight_decay.is_empty()
    {
        let excluded = std::mem::take(&mut fit.optimizer.exclude_from_weight_decay).join(", ");
        notes.push(format!("Keras does not keep in its files what weight decay leaves alone: {excluded}"));
    }
    let model = Model::with_weights(taper::read::<ModelSpec>(spec)?, weights)?;
    let metadata =
        if told.is_empty() { Map::new() } else { Map::from_iter([("taper".to_owned(), Value::Object(told))]) };
    Ok(Exported { bytes: write::bytes(&model, compiled.as_ref(), optimizer, metadata)?, left_out, notes })
}

fn fills(feature: &Feature) -> bool {
    matches!(feature, Feature::Number { fill: Some(_), .. })
}

/// The layers of a specification, as tables.
fn layers(spec: &mut Value) -> Option<&mut Vec<Value>> {
    let key = if spec.get("nodes").is_some() { "nodes" } else { "layers" };
    spec.get_mut(key)?.as_array_mut()
}

/// Takes out every penalty that Keras cannot say, by the place where it stood.
fn drop_penalties(spec: &mut Value, names: &[String], dropped: &mut Map<String, Value>) {
    fn walk(table: &mut Value, place: &str, dropped: &mut Map<String, Value>) {
        let Some(settings) = table.as_object_mut() else { return };
        let foreign =
            |key: &String, value: &Value| key.ends_with("_regularizer") && regularizer_to_keras(value).is_err();
        let keys: Vec<String> =
            settings.iter().filter(|(key, value)| foreign(key, value)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(penalty) = settings.remove(&key) {
                dropped.insert(format!("{place}.{key}"), penalty);
            }
        }
        for inner in ["of", "backward_layer"] {
            if let Some(layer) = settings.get_mut(inner) {
                walk(layer, &format!("{place}.{inner}"), dropped);
            }
        }
    }
    let own = layers(spec).into_iter().flatten().filter(|layer| layer.get("layer").is_some());
    for (layer, name) in own.zip(names) {
        walk(layer, name, dropped);
    }
}

/// Puts a layer in front that brings columns to scale; returns its weights.
fn prepare(spec: &mut Value, model: &Model, prepared: &Prepared) -> Result<Vec<f32>> {
    let refuse = |got: String| {
        let complaint = Complaint::new("preparation", "columns of numbers, which Keras has a layer for", got);
        taper::Error::from(complaint.help("`--bare` leaves the preparation out; .onnx and .safetensors hold it"))
    };
    if model.input_shape().sizes().len() != 1 {
        return Err(refuse(format!("a scale for each number of an input of shape {}", model.input_shape())));
    }
    let (mut means, mut variances) = (Vec::new(), Vec::new());
    for feature in &prepared.features {
        match feature {
            Feature::Number { name, indicator: true, .. } => {
                return Err(refuse(format!("`{name}` with an indicator of empty cells")));
            }
            Feature::Category { name, levels, .. } => {
                return Err(refuse(format!("`{name}`, of {} categories", levels.len())));
            }
            Feature::Number { name, mean, scale, .. } => {
                let step = mean.abs().max(*scale) * f64::from(f32::EPSILON) / scale;
                let variance = (scale * scale) as f32;
                if step > MOST_STEP || !variance.is_normal() {
                    let got = format!("`{name}`, {scale:e} around {mean:e}, which float32 cannot tell apart");
                    return Err(refuse(got));
                }
                means.push(*mean as f32);
                variances.push(variance);
            }
        }
    }
    let plain = means.iter().all(|mean| *mean == 0.0) && variances.iter().all(|variance| *variance == 1.0);
    if plain {
        return Ok(vec![]);
    }
    let layer = json!({
        "layer": "batch_normalization", "name": free("preparation", model), "trainable": false,
        "center": false, "scale": false, "epsilon": 0.0,
    });
    put(spec, layer, true);
    Ok([means, variances].concat())
}

/// Brings the output to the target's unit.
fn unscale(spec: &mut Value, model: &Model, mean: f64, scale: f64) {
    put(spec, json!({ "layer": "rescaling", "name": free("target", model), "scale": scale, "offset": mean }), false);
}

/// A name like this one that no layer has.
fn free(wanted: &str, model: &Model) -> String {
    let names: Vec<String> = model.summary().into_iter().map(|layer| layer.name).collect();
    let mut name = wanted.to_owned();
    while names.contains(&name) {
        name.push('_');
    }
    name
}

/// Adds a layer at the beginning or at the end. In a graph, what read the input then reads the first one, and the last one reads
/// what was the output.
fn put(spec: &mut Value, mut layer: Value, first: bool) {
    let name = layer["name"].clone();
    if !first && let Some(output) = spec.get_mut("output").filter(|output| !output.is_null()) {
        layer["inputs"] = json!([std::mem::replace(output, name.clone())]);
    }
    let is_graph = spec.get("nodes").is_some();
    let Some(layers) = layers(spec) else { return };
    if is_graph && first {
        let inputs = layers.iter_mut().filter_map(|node| node.get_mut("inputs")?.as_array_mut()).flatten();
        inputs.filter(|input| **input == "input").for_each(|input| *input = name.clone());
        layer["inputs"] = json!(["input"]);
    }
    let place = if first { 0 } else { layers.len() };
    layers.insert(place, layer);
}
