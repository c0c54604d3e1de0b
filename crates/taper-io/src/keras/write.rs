//! Writing a whole file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use taper::{FitConfig, LayerSpec, LearningRate, Model, ModelSpec, OptimizerState, ParamSlot, Result};

use super::emit::Branch;
use super::layer::{WRAPPERS, object, to_keras};
use super::network::{Network, free_name, layer_order};
use super::variable::{Layout, Variable, optimizer_variables};
use super::{CONFIG, METADATA, WEIGHTS, compile};
use crate::hdf5::{self, Node};
use crate::{Error, archive, write_atomic};

/// The version whose files these are like.
const KERAS_VERSION: &str = "3.15.1";

/// Writes a `.keras` file that Keras 3 loads: weights, with `fit` how the model is compiled, with `optimizer` what that remembers.
///
/// # Errors
///
/// What Keras has no words for, by name; [`Error::Io`].
pub fn write_keras(
    path: &Path,
    model: &Model,
    fit: Option<&FitConfig>,
    optimizer: Option<&OptimizerState>,
) -> crate::Result<()> {
    let bytes = keras_bytes(model, fit, optimizer).map_err(|error| Error::within(path, error))?;
    write_atomic(path, &bytes)
}

/// Writes a `.weights.h5` file, for Keras's `load_weights`.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_keras_weights(path: &Path, model: &Model) -> crate::Result<()> {
    write_atomic(path, &keras_weight_bytes(model))
}

/// The contents of a `.weights.h5` file.
#[must_use]
pub fn keras_weight_bytes(model: &Model) -> Vec<u8> {
    weights(model, None)
}

/// The contents of a `.keras` file.
///
/// # Errors
///
/// What Keras has no words for, by name.
pub fn keras_bytes(model: &Model, fit: Option<&FitConfig>, optimizer: Option<&OptimizerState>) -> Result<Vec<u8>> {
    bytes(model, fit, optimizer, Map::new())
}

/// The contents of a `.keras` file in whose metadata stands something more, which Keras does not read.
pub(super) fn bytes(
    model: &Model,
    fit: Option<&FitConfig>,
    optimizer: Option<&OptimizerState>,
    mut metadata: Map<String, Value>,
) -> Result<Vec<u8>> {
    // Keras knows no policy: what is in force is said layer by layer.
    let explicit = model.explicit_spec()?;
    let rewritten;
    let model = if &explicit == model.spec() {
        model
    } else {
        rewritten = Model::with_weights(explicit, model.params().data().to_vec())?;
        &rewritten
    };
    let mut config = match model.spec() {
        ModelSpec::Sequential(_) => sequential(model)?,
        ModelSpec::Graph(_) => functional(model)?,
    };
    if let Some(fit) = fit {
        config["compile_config"] = compile::to_keras(fit).map_err(|error| error.within("fit"))?;
    }
    metadata.insert("keras_version".to_owned(), KERAS_VERSION.into());
    metadata.insert("date_saved".to_owned(), "1980-01-01@00:00:00".into());
    let metadata = Value::Object(metadata).to_string();
    let weights = weights(model, fit.zip(optimizer));
    let config = config.to_string();
    let entries: [(&str, &[u8]); 3] =
        [(METADATA, metadata.as_bytes()), (CONFIG, config.as_bytes()), (WEIGHTS, &weights)];
    Ok(archive::archive(&entries)?)
}

/// The layers a model owns, with their names.
pub(super) fn layers(model: &Model) -> Vec<(String, &LayerSpec)> {
    model.summary().into_iter().map(|line| line.name).zip(model.spec().owned()).collect()
}

/// The layers and their parameters in Keras's order.
pub(super) fn in_order<'a>(
    layers: &'a [(String, &'a LayerSpec)],
    model: &Model,
) -> (Vec<(&'a str, &'a LayerSpec)>, Vec<ParamSlot>) {
    let order = layer_order(model);
    let specs: Vec<(&str, &LayerSpec)> = order.iter().map(|i| (layers[*i].0.as_str(), layers[*i].1)).collect();
    let own = |name: &str| {
        let prefix = format!("{name}/");
        model.params().slots().iter().filter(move |slot| slot.path.starts_with(&prefix)).cloned()
    };
    let slots = specs.iter().flat_map(|(name, _)| own(name)).collect();
    (specs, slots)
}

/// Layers of which none is in a model of its own.
pub(super) fn flat(specs: &[(&str, &LayerSpec)]) -> Vec<Branch> {
    specs.iter().map(|(name, spec)| Branch::Layer((*name).to_owned(), (*spec).clone(), None)).collect()
}

fn batch_shape(sizes: &[usize]) -> Value {
    let sizes = sizes.iter().map(|size| json!(size));
    std::iter::once(Value::Null).chain(sizes).collect()
}

fn input_layer(model: &Model, name: &str) -> Value {
    let shape = batch_shape(model.input_shape().sizes());
    let config = Map::from_iter([
        ("batch_shape".to_owned(), shape),
        ("dtype".to_owned(), json!("float32")),
        ("name".to_owned(), json!(name)),
    ]);
    json!({ "module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": null })
}

fn keras_layer(i: usize, name: &str, spec: &LayerSpec) -> Result<Value> {
    let (class, mut config) = to_keras(spec).map_err(|error| error.within(format!("layers[{i}] `{name}`")))?;
    config.insert("name".to_owned(), name.into());
    // Not said where it says nothing: some layers without weights do not take it.
    if !spec.trainable && !class.starts_with("SpatialDropout") && !WRAPPERS.contains(&class) {
        config.insert("trainable".to_owned(), false.into());
    }
    Ok(object("keras.layers", class, config))
}

fn sequential(model: &Model) -> Result<Value> {
    let layers = layers(model);
    let taken = |name: &str| layers.iter().any(|(other, _)| other == name);
    let mut list = vec![input_layer(model, &free_name("input_layer", &taken))];
    for (i, (name, spec)) in layers.iter().enumerate() {
        list.push(keras_layer(i, name, spec)?);
    }
    let shape = batch_shape(model.input_shape().sizes());
    Ok(json!({
        "module": "keras",
        "class_name": "Sequential",
        "config": { "name": "sequential", "trainable": true, "layers": list, "build_input_shape": shape },
        "registered_name": null,
        "build_config": { "input_shape": shape },
    }))
}

fn functional(model: &Model) -> Result<Value> {
    let network = Network::new(model);
    let layers = layers(model);
    let list = network.write(|layer| match layer {
        None => Ok(input_layer(model, network.input())),
        Some(i) => keras_layer(i, &layers[i].0, layers[i].1),
    })?;
    Ok(json!({
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "functional",
            "trainable": true,
            "layers": list,
            "input_layers": [network.input(), 0, 0],
            "output_layers": network.output(),
        },
        "registered_name": "Functional",
        "build_config": { "input_shape": null },
    }))
}

/// The contents of `model.weights.h5`.
fn weights(model: &Model, optimizer: Option<(&FitConfig, &OptimizerState)>) -> Vec<u8> {
    let layers = layers(model);
    let (specs, slots) = in_order(&layers, model);
    let layout = Layout::new(&flat(&specs), &slots);
    let array = |data: &[f32], slot: usize| Node::F32(slots[slot].spec.shape.sizes().to_vec(), data.to_vec());
    let mut root = Node::group();
    root.insert("vars", Node::Group(Some("model".to_owned()), BTreeMap::new()));
    for (group, name) in &layout.groups {
        root.insert(&format!("{group}/vars"), Node::Group(Some(name.clone()), BTreeMap::new()));
    }
    for (slot, (path, number)) in layout.places.iter().enumerate() {
        root.insert(&format!("{path}/{number}"), array(&model.params().data()[slots[slot].range.clone()], slot));
    }
    if let Some((fit, state)) = optimizer {
        let step = state.iterations;
        let remembered = |data: &[f32], slot: usize| array(&data[state.place(&slots[slot].range)], slot);
        for (i, variable) in optimizer_variables(&fit.optimizer, &slots, true).into_iter().enumerate() {
            let node = match variable {
                Variable::Iterations => Node::I64(step as i64),
                Variable::LearningRate => {
                    let rate = match &fit.optimizer.learning_rate {
                        LearningRate::Constant(rate) => *rate,
                        schedule @ LearningRate::Schedule(_) => schedule.at(step),
                    };
                    Node::F32(vec![], vec![rate as f32])
                }
                Variable::Average(slot) => remembered(&state.average, slot),
                Variable::Accumulated(slot) => remembered(&state.accumulated, slot),
                Variable::Moment(moment, slot) => remembered(&state.moments[moment], slot),
                Variable::MomentumProduct => Node::F32(vec![], vec![state.momentum_product]),
            };
            root.insert(&format!("optimizer/vars/{i}"), node);
        }
    }
    hdf5::write(&root)
}
