//! Writing a whole file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use taper::{
    Complaint, FitConfig, GraphLayer, LayerSpec, LearningRate, Model, ModelSpec, OptimizerState, Result, Shape,
};

use super::config::owned;
use super::layer::{object, to_keras};
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
    let metadata = json!({ "keras_version": KERAS_VERSION, "date_saved": "1980-01-01@00:00:00" }).to_string();
    let weights = weights(model, fit.zip(optimizer));
    let config = config.to_string();
    let entries: [(&str, &[u8]); 3] =
        [(METADATA, metadata.as_bytes()), (CONFIG, config.as_bytes()), (WEIGHTS, &weights)];
    Ok(archive::archive(&entries)?)
}

/// The layers a model owns, with their names and the shapes of their outputs.
fn layers(model: &Model) -> Vec<(String, Shape, &LayerSpec)> {
    let summary = model.summary();
    summary.into_iter().zip(owned(model.spec())).map(|(line, spec)| (line.name, line.output_shape, spec)).collect()
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
    if !spec.trainable && !class.starts_with("SpatialDropout") {
        config.insert("trainable".to_owned(), false.into());
    }
    Ok(object("keras.layers", class, config))
}

/// A name that no layer has.
fn free_name(name: &str, layers: &[(String, Shape, &LayerSpec)]) -> String {
    let mut name = name.to_owned();
    while layers.iter().any(|(other, ..)| *other == name) {
        name.push('_');
    }
    name
}

fn sequential(model: &Model) -> Result<Value> {
    let layers = layers(model);
    let mut list = vec![input_layer(model, &free_name("input_layer", &layers))];
    for (i, (name, _, spec)) in layers.iter().enumerate() {
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
    let ModelSpec::Graph(graph) = model.spec() else {
        return Err(Complaint::new("model", "a graph", "a stack").into());
    };
    let layers = layers(model);
    let input = free_name("input", &layers);
    let mut first = input_layer(model, &input);
    first["name"] = json!(input);
    first["inbound_nodes"] = json!([]);
    let mut list = vec![first];
    let mut positions = BTreeMap::new();
    for (i, (name, _, spec)) in layers.iter().enumerate() {
        let mut layer = keras_layer(i, name, spec)?;
        layer["name"] = json!(name);
        layer["inbound_nodes"] = json!([]);
        positions.insert(name.as_str(), list.len());
        list.push(layer);
    }

    // Which use of which layer each name stands for; owners come first in the file, whatever their order here.
    let mut uses: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut owners = layers.iter().map(|(name, ..)| name.as_str());
    let mut names = Vec::new();
    for node in &graph.nodes {
        let name = match &node.layer {
            GraphLayer::Own(_) => owners.next().unwrap_or_default(),
            GraphLayer::Shared { name: Some(name), .. } => name,
            GraphLayer::Shared { name: None, shares } => {
                return Err(Complaint::new(
                    "nodes",
                    "a name for every use of a shared layer",
                    format!("none for one of `{shares}`"),
                )
                .into());
            }
        };
        names.push(name);
        if matches!(node.layer, GraphLayer::Own(_)) {
            uses.insert(name, (name, 0));
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (node, name) in graph.nodes.iter().zip(&names) {
        if let GraphLayer::Shared { shares, .. } = &node.layer {
            let count = counts.entry(shares).or_insert(0);
            *count += 1;
            uses.insert(name, (shares, *count));
        }
    }

    let shape_of = |layer: &str| layers.iter().find(|(name, ..)| name == layer).map(|(_, shape, _)| shape.sizes());
    let tensor = |name: &str| {
        let (layer, node) =
            if name == "input" { (input.as_str(), 0) } else { uses.get(name).copied().unwrap_or((name, 0)) };
        let sizes = shape_of(layer).unwrap_or(model.input_shape().sizes());
        json!({
            "class_name": "__keras_tensor__",
            "config": { "shape": batch_shape(sizes), "dtype": "float32", "keras_history": [layer, node, 0] },
        })
    };
    let mut before = "input";
    // A layer's calls stand in the order of their numbers: its owner's first.
    let own_first = |(node, _): &(&taper::GraphNode, &&str)| matches!(node.layer, GraphLayer::Shared { .. });
    let mut ordered = Vec::new();
    for (node, name) in graph.nodes.iter().zip(&names) {
        let inputs: Vec<&str> = match &node.inputs {
            Some(inputs) => inputs.iter().map(String::as_str).collect(),
            None => vec![before],
        };
        ordered.push((own_first(&(node, name)), *name, inputs));
        before = name;
    }
    ordered.sort_by_key(|(shared, ..)| *shared);
    for (_, name, inputs) in ordered {
        let (layer, _) = uses.get(name).copied().unwrap_or((name, 0));
        let merges = inputs.len() > 1;
        let tensors: Vec<Value> = inputs.into_iter().map(tensor).collect();
        let args = if merges { json!([tensors]) } else { json!(tensors) };
        if let Some(position) = positions.get(layer)
            && let Some(calls) = list[*position]["inbound_nodes"].as_array_mut()
        {
            calls.push(json!({ "args": args, "kwargs": {} }));
        }
    }
    let output = graph.output.as_deref().or(names.last().copied()).unwrap_or_default();
    let (layer, node) = uses.get(output).copied().unwrap_or((output, 0));
    Ok(json!({
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "functional",
            "trainable": true,
            "layers": list,
            "input_layers": [input, 0, 0],
            "output_layers": [layer, node, 0],
        },
        "registered_name": "Functional",
        "build_config": { "input_shape": null },
    }))
}

/// The contents of `model.weights.h5`.
fn weights(model: &Model, optimizer: Option<(&FitConfig, &OptimizerState)>) -> Vec<u8> {
    let slots = model.params().slots();
    let layers = layers(model);
    let specs: Vec<(&str, &LayerSpec)> = layers.iter().map(|(name, _, spec)| (name.as_str(), *spec)).collect();
    let layout = Layout::new(&specs, slots);
    let array = |data: &[f32], slot: usize| Node::F32(slots[slot].spec.shape.sizes().to_vec(), data.to_vec());
    let mut root = Node::group();
    root.insert("vars", Node::Group(Some("model".to_owned()), BTreeMap::new()));
    for (group, name) in &layout.groups {
        root.insert(&format!("layers/{group}/vars"), Node::Group(Some(name.clone()), BTreeMap::new()));
    }
    for (slot, (path, number)) in layout.places.iter().enumerate() {
        root.insert(&format!("{path}/{number}"), array(&model.params().data()[slots[slot].range.clone()], slot));
    }
    if let Some((fit, state)) = optimizer {
        let step = state.iterations;
        let remembered = |data: &[f32], slot: usize| array(&data[state.place(&slots[slot].range)], slot);
        for (i, variable) in optimizer_variables(fit, slots, true).into_iter().enumerate() {
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
