//! From specification to model: shapes are worked out, parameters find their place.

use std::collections::BTreeSet;

use super::{BuiltLayer, Model, Node, Sequential};
use crate::activation::Activation;
use crate::layer::{ActivationLayer, LayerKind, LayerSpec, Masking};
use crate::loss::Head;
use crate::param::{ParamSlot, Params};
use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

/// More parameters than this in one model can only be a mistake: 2^36 floats are 256 GiB before gradients and moments.
const MOST_PARAMETERS: usize = 1 << 36;

/// The model, its weights not yet allocated.
pub(super) fn build(spec: &Sequential) -> Result<Model> {
    let mut complaints = Complaints::new();
    complaints.check(!spec.layers.is_empty(), "layers", "at least one layer", "none");
    let input_shape = complaints.take("input_shape", Shape::new(spec.input_shape.clone()).map_err(without_place))?;
    let names = names(&spec.layers, &mut complaints);

    let Some(input_shape) = input_shape else { return Err(finished(complaints)) };
    let mut builder = Builder {
        layers: vec![],
        nodes: vec![],
        lens: vec![input_shape.len()],
        mask_lens: vec![0],
        slots: vec![],
        end: 0,
    };
    let mut shape = Some(input_shape.clone());
    for (i, (layer, name)) in spec.layers.iter().zip(names).enumerate() {
        let place = format!("layers[{i}]");
        if let Some(regularizer) = &layer.activity_regularizer {
            regularizer.validate(&format!("{place}.activity_regularizer"), None, &mut complaints);
        }
        if let (LayerKind::ActivityRegularization(_), Some(_)) = (&layer.kind, &layer.activity_regularizer) {
            let place = format!("{place}.activity_regularizer");
            complaints.push(Complaint::new(place, "nothing, because the layer's l1 and l2 say it", "a penalty"));
        }
        // A layer whose input is unknown, because one before it is wrong, cannot be judged.
        let Some(input) = shape.take() else { continue };
        let last = i + 1 == spec.layers.len();
        let built = builder.add(layer, name, &input, last).map_err(|error| error.within(&place));
        shape = complaints.take("", built.map_err(|error| with_name(error, layer)))?;
    }
    complaints.check(
        builder.end <= MOST_PARAMETERS,
        "",
        format!("at most {MOST_PARAMETERS} parameters, which take 256 GiB"),
        format!("{}, which take {:.0} GiB", builder.end, builder.end as f64 * 4.0 / f64::from(1 << 30)),
    );
    complaints.finish()?;
    let head = head(spec);
    Ok(Model {
        spec: spec.clone(),
        layers: builder.layers,
        nodes: builder.nodes,
        params: Params::new(builder.slots),
        lens: builder.lens,
        mask_lens: builder.mask_lens,
        input_shape,
        head,
    })
}

struct Builder {
    layers: Vec<BuiltLayer>,
    nodes: Vec<Node>,
    lens: Vec<usize>,
    mask_lens: Vec<usize>,
    slots: Vec<ParamSlot>,
    end: usize,
}

impl Builder {
    /// Appends a layer behind the last buffer; returns its output's shape.
    fn add(&mut self, spec: &LayerSpec, name: String, input: &Shape, last: bool) -> Result<Shape> {
        // The output's sigmoid or softmax becomes a node of its own, so that a loss can work from the logits before it.
        if last && let Some((linear, activation)) = split_head(&spec.kind) {
            let linear = LayerSpec { kind: linear, activity_regularizer: None, ..spec.clone() };
            let logits = self.add(&linear, name, input, false)?;
            let mut head = LayerSpec::from(ActivationLayer::new(activation));
            head.activity_regularizer.clone_from(&spec.activity_regularizer);
            return self.add(&head, String::new(), &logits, false);
        }
        let layer = spec.kind.build(std::slice::from_ref(input))?;
        let output = layer.output_shape().clone();
        let mask_len = match layer.masking() {
            Masking::Drop => 0,
            Masking::Pass => self.mask_lens.last().copied().unwrap_or(0),
            Masking::Make => output.rows(),
        };
        let start = self.end;
        let mut complaints = Complaints::new();
        for param in layer.params() {
            let initializer = param.initializer.validate(&param.shape);
            complaints.take(format!("{}_initializer", param.name), initializer.map_err(without_place))?;
            if let Some(regularizer) = &param.regularizer {
                regularizer.validate(&format!("{}_regularizer", param.name), Some(&param.shape), &mut complaints);
            }
            if let Some(constraint) = &param.constraint {
                constraint.validate(&format!("{}_constraint", param.name), &param.shape, &mut complaints);
            }
        }
        complaints.finish()?;
        for param in layer.params() {
            let mut param = param.clone();
            param.trainable &= spec.trainable;
            let range = self.end..self.end + param.shape.len();
            self.end = range.end;
            self.slots.push(ParamSlot { path: format!("{name}/{}", param.name), range, spec: param });
        }
        let activity_regularizer = match &spec.kind {
            LayerKind::ActivityRegularization(layer) => Some(layer.regularizer()),
            _ => spec.activity_regularizer.clone(),
        };
        self.layers.push(BuiltLayer {
            name,
            kind: spec.kind.name(),
            layer,
            range: start..self.end,
            activity_regularizer,
            trainable: spec.trainable,
        });
        self.nodes.push(Node { layer: self.layers.len() - 1, inputs: vec![self.lens.len() - 1] });
        self.lens.push(output.len());
        self.mask_lens.push(mask_len);
        Ok(output)
    }
}

/// The output layer without its sigmoid or softmax, and that function.
fn split_head(kind: &LayerKind) -> Option<(LayerKind, Activation)> {
    match kind {
        LayerKind::Dense(dense) if is_head(dense.activation) => {
            let activation = dense.activation;
            Some((LayerKind::Dense(dense.clone().activation(Activation::Linear)), activation))
        }
        _ => None,
    }
}

fn is_head(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::Softmax)
}

fn head(spec: &Sequential) -> Head {
    let activation = match spec.layers.last().map(|layer| &layer.kind) {
        Some(LayerKind::Dense(dense)) => dense.activation,
        Some(LayerKind::Activation(layer)) => layer.activation,
        Some(LayerKind::Softmax(_)) => Activation::Softmax,
        _ => Activation::Linear,
    };
    match activation {
        Activation::Sigmoid => Head::Sigmoid,
        Activation::Softmax => Head::Softmax,
        _ => Head::Plain,
    }
}

/// Each layer's name: its own, or its kind with a number from the second on, as Keras counts.
fn names(layers: &[LayerSpec], complaints: &mut Complaints) -> Vec<String> {
    let mut taken: BTreeSet<String> = layers.iter().filter_map(|layer| layer.name.clone()).collect();
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let name = match &layer.name {
            Some(name) => {
                let place = format!("layers[{i}].name");
                complaints.check(seen.insert(name.clone()), &place, "a name that no other layer has", name);
                complaints.check(
                    !name.is_empty() && !name.contains('/'),
                    &place,
                    "a name without `/`",
                    format!("`{name}`"),
                );
                name.clone()
            }
            None => {
                let kind = layer.kind.name();
                let free = (0..).map(|n| if n == 0 { kind.to_owned() } else { format!("{kind}_{n}") });
                let name = free.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
                taken.insert(name.clone());
                name
            }
        };
        names.push(name);
    }
    names
}

/// Says which layer it was, for models of many.
fn with_name(error: crate::Error, layer: &LayerSpec) -> crate::Error {
    match error {
        crate::Error::Invalid(complaints) => crate::Error::Invalid(
            complaints
                .into_iter()
                .map(|complaint| match (&layer.name, &complaint.help) {
                    (Some(name), None) => complaint.help(format!("in layer `{name}`")),
                    _ => complaint,
                })
                .collect(),
        ),
        other => other,
    }
}

fn without_place(error: crate::Error) -> crate::Error {
    match error {
        crate::Error::Invalid(complaints) => crate::Error::Invalid(
            complaints.into_iter().map(|complaint| Complaint { place: String::new(), ..complaint }).collect(),
        ),
        other => other,
    }
}

fn finished(complaints: Complaints) -> crate::Error {
    match complaints.finish() {
        Err(error) => error,
        Ok(()) => Complaint::new("model", "a model", "none").into(),
    }
}
