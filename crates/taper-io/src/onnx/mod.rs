//! Models as ONNX, for whatever runs ONNX.
//!
//! A model becomes a graph of standard operators (opset 17) from `input` to `output`, both float32 with rows first, as Taper has
//! them: images have their channels last, tokens are floats. Weights lie in the file. What ONNX's operators cannot say as
//! Taper computes it (masks above all) is refused by name before anything is written.

mod layer;
mod proto;
mod recurrent;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;

use taper::{Complaint, Complaints, Graph, GraphLayer, LayerSpec, Model, ModelSpec, Result};

use crate::{Error, write_atomic};
use writer::{Value, Writer};

/// Writes a model for inference as ONNX.
///
/// # Errors
///
/// Layers and settings that ONNX has no operators for, by name; [`Error::Io`].
pub fn write_onnx(path: &Path, model: &Model) -> crate::Result<()> {
    write_atomic(path, &onnx_bytes(model).map_err(|error| Error::within(path, error))?)
}

/// The contents of an ONNX file.
///
/// # Errors
///
/// As [`write_onnx`].
///
/// # Example
///
/// ```
/// use taper::{Activation, Dense, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([4]).layer(Dense::new(8).activation(Activation::Relu)).layer(Dense::new(1));
/// let bytes = taper_io::onnx_bytes(&Model::build(&spec, Seed::new(1))?)?; // onnxruntime runs these
/// assert!(bytes.len() > 4 * (4 * 8 + 8 + 8 + 1));
/// # Ok(())
/// # }
/// ```
pub fn onnx_bytes(model: &Model) -> Result<Vec<u8>> {
    let graph = match model.spec() {
        ModelSpec::Sequential(stack) => Graph::from(stack),
        ModelSpec::Graph(graph) => graph.clone(),
    };
    let summary = model.summary();
    let input = Value { name: "input".to_owned(), sizes: model.input_shape().sizes().to_vec() };
    let names = names(&graph, summary.iter().map(|layer| layer.name.clone()));
    let owner = |position: usize| match &graph.nodes[position].layer {
        GraphLayer::Own(_) => Some(position),
        GraphLayer::Shared { shares, .. } => names.iter().position(|name| name == shares),
    };
    let output = match &graph.output {
        Some(name) => names.iter().position(|other| other == name),
        None => graph.nodes.len().checked_sub(1),
    };

    let mut writer = Writer::default();
    let mut values: BTreeMap<usize, Value> = BTreeMap::new();
    let mut complaints = Complaints::new();
    // In whatever order the nodes stand, each comes after what it reads.
    let mut left: Vec<usize> = (0..graph.nodes.len()).collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|position| {
            let sources: Option<Vec<Value>> = match &graph.nodes[*position].inputs {
                Some(inputs) => inputs
                    .iter()
                    .map(|name| match name.as_str() {
                        "input" => Some(input.clone()),
                        name => values.get(&names.iter().position(|other| other == name)?).cloned(),
                    })
                    .collect(),
                None if *position == 0 => Some(vec![input.clone()]),
                None => values.get(&(position - 1)).map(|value| vec![value.clone()]),
            };
            let Some(sources) = sources else { return true };
            let Some(owner) = owner(*position) else { return false };
            let GraphLayer::Own(spec) = &graph.nodes[owner].layer else { return false };
            let Some(layer) = summary.iter().find(|layer| layer.name == names[owner]) else { return false };
            let prefix = format!("{}/", layer.name);
            let params: Vec<Param<'_>> = model
                .params()
                .iter()
                .filter(|(slot, _)| slot.path.starts_with(&prefix))
                .map(|(slot, data)| Param { sizes: slot.spec.shape.sizes(), data })
                .collect();
            let sizes = layer.output_shape.sizes();
            match layer::emit(&mut writer, spec, &params, &sources, sizes) {
                Ok(value) => {
                    values.insert(*position, value);
                }
                Err(complaint) => {
                    complaints.push(complaint.within(format!("layer `{}`", layer.name)));
                    let name = format!("refused_{position}");
                    values.insert(*position, Value { name, sizes: sizes.to_vec() });
                }
            }
            false
        });
        if left.len() == before {
            return Err(Complaint::new("model", "nodes that can be put in order", "a circle").into());
        }
    }
    complaints.finish()?;
    let last = output.and_then(|position| values.get(&position)).cloned().unwrap_or_else(|| input.clone());
    Ok(writer.finish(&input, &last))
}

/// A parameter of a layer.
#[derive(Debug, Clone, Copy)]
struct Param<'a> {
    sizes: &'a [usize],
    data: &'a [f32],
}

/// What each node is called.
fn names(graph: &Graph, mut owned: impl Iterator<Item = String>) -> Vec<String> {
    let name = |layer: &GraphLayer| match layer {
        GraphLayer::Own(_) => owned.next().unwrap_or_default(),
        GraphLayer::Shared { name, .. } => name.clone().unwrap_or_default(),
    };
    graph.nodes.iter().map(|node| &node.layer).map(name).collect()
}

/// What cannot be written.
fn refuse(spec: &LayerSpec, what: &str) -> Complaint {
    Complaint::new(spec.kind.name(), "what ONNX has an operator for", what)
}

#[cfg(test)]
mod tests;
