//! A model's specification and weights while parts of them are taken out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::part::{Part, all_weights, dimensions, inner_mut, weights};
use super::way::{READS, Way};
use crate::layer::LayerKind;
use crate::model::{Model, ModelSpec};
use crate::param::{ParamSlot, Role};
use crate::{Complaint, Result, read};

/// A parameter that is being cut: its sizes, its numbers, and where each stood in the model that was to be made smaller.
struct Tensor {
    sizes: Vec<usize>,
    w: Vec<f32>,
    origin: Vec<usize>,
}

/// A model on its way to a smaller one.
pub(super) struct Small {
    pub(super) model: Model,
    /// Of each number, where it stood in the first model; [`NEW`] where it did not.
    pub(super) origin: Vec<usize>,
}

/// The origin of a number that the first model did not have.
pub(super) const NEW: usize = usize::MAX;

/// What will be a model.
pub(super) struct Draft {
    spec: ModelSpec,
    tensors: BTreeMap<String, Tensor>,
}

impl Draft {
    /// All of a model, whose numbers come from there in the first one.
    pub(super) fn of(model: &Model, origin: &[usize]) -> Self {
        let tensor = |(slot, w): (&ParamSlot, &[f32])| {
            let (sizes, origin) = (slot.spec.shape.sizes().to_vec(), origin[slot.range.clone()].to_vec());
            (slot.path.clone(), Tensor { sizes, w: w.to_vec(), origin })
        };
        Self { spec: model.spec.clone(), tensors: model.params.iter().map(tensor).collect() }
    }

    /// The model that it has become. If it cannot have its penalties as they are written, it has none: `carry` gives it what it
    /// can have.
    pub(super) fn build(mut self) -> Result<Small> {
        if Model::plan(&self.spec).is_err() {
            self.drop_penalties()?;
        }
        let (mut weights, mut origin) = (vec![], vec![]);
        for slot in Model::plan(&self.spec)? {
            match self.tensors.remove(&slot.path) {
                Some(tensor) if tensor.sizes == slot.spec.shape.sizes() => {
                    weights.extend(tensor.w);
                    origin.extend(tensor.origin);
                }
                other => {
                    let got = other.map_or("none".to_owned(), |tensor| format!("{:?}", tensor.sizes));
                    return Err(Complaint::new(slot.path, format!("weights of shape {}", slot.spec.shape), got).into());
                }
            }
        }
        Ok(Small { model: Model::with_weights(self.spec, weights)?, origin })
    }

    fn drop_penalties(&mut self) -> Result<()> {
        /// Penalties on activities do not know how many there are.
        fn strip(settings: &mut Value) {
            if let Some(settings) = settings.as_object_mut() {
                settings.retain(|key, _| !key.ends_with("_regularizer") || key == "activity_regularizer");
                settings.values_mut().for_each(strip);
            }
        }
        self.spec.set_regularization(None);
        for layer in self.spec.owned_mut() {
            let mut settings = serde_json::to_value(&*layer).unwrap_or_default();
            strip(&mut settings);
            *layer = read(settings)?;
        }
        Ok(())
    }

    /// Keeps these positions of one dimension of a parameter.
    fn keep(&mut self, path: &str, dimension: usize, keep: &[usize]) {
        let Some(Tensor { sizes, w, origin }) = self.tensors.get_mut(path) else { return };
        let (size, inner) = (sizes[dimension], sizes[dimension + 1..].iter().product::<usize>());
        let places =
            || (0..w.len() / (size * inner)).flat_map(|outer| keep.iter().map(move |i| (outer * size + i) * inner));
        *origin = places().flat_map(|at| origin[at..at + inner].to_vec()).collect();
        *w = places().flat_map(|at| w[at..at + inner].to_vec()).collect();
        sizes[dimension] = keep.len();
    }

    fn settings(&mut self, model: &Model, layer: usize) -> Option<&mut LayerKind> {
        let before = model.layers[..layer].iter().filter(|layer| !layer.name.is_empty()).count();
        self.spec.owned_mut().into_iter().nth(before).map(|layer| &mut layer.kind)
    }

    /// Keeps these units of a layer.
    pub(super) fn keep_units(&mut self, model: &Model, layer: usize, part: &Part<'_>, keep: &[usize]) {
        let columns = part.columns(keep);
        if let Some((slot, _)) = part.recurrent {
            self.keep(&slot.path, 0, keep);
        }
        for (slot, _) in [Some(part.kernel), part.recurrent, part.bias].into_iter().flatten() {
            let dimension = if slot.spec.shape.rank() > 1 { dimensions(slot).1 } else { 0 };
            self.keep(&slot.path, dimension, &columns);
        }
        if let Some(kind) = self.settings(model, layer) {
            resize(inner_mut(kind), keep.len());
        }
    }

    /// Keeps these channels in everything on a way that knows them, and in the kernel at its end.
    pub(super) fn keep_way(&mut self, model: &Model, way: &Way, keep: &[usize]) {
        for (slot, _) in model.params.iter() {
            let is_in = |layer: usize| model.layers[layer].range.contains(&slot.range.start);
            let sizes = slot.spec.shape.sizes();
            let reads = sizes.len().saturating_sub(2);
            if slot.spec.role == Role::DepthwiseKernel
                && (is_in(way.sink) || way.stages.iter().any(|stage| is_in(*stage)))
            {
                self.keep(&slot.path, reads, &way.indices(sizes[reads], keep));
            } else if way.stages.iter().any(|stage| is_in(*stage)) {
                self.keep(&slot.path, 0, &way.indices(slot.spec.shape.len(), keep));
            } else if is_in(way.sink) && READS.contains(&slot.spec.role) {
                let reads = dimensions(slot).0;
                self.keep(&slot.path, reads, &way.inputs(sizes[reads], keep));
            }
        }
    }

    /// Lets the input have this many columns.
    pub(super) fn keep_inputs(&mut self, columns: usize) {
        let shape = match &mut self.spec {
            ModelSpec::Sequential(spec) => &mut spec.input_shape,
            ModelSpec::Graph(spec) => &mut spec.input_shape,
        };
        if let Some(last) = shape.last_mut() {
            *last = columns;
        }
    }

    /// Adds to the bias at the end of a way, which gets one if it has none and needs it.
    pub(super) fn add_to_bias(&mut self, model: &Model, way: &Way, offsets: &[f64]) {
        if offsets.iter().all(|offset| *offset == 0.0) {
            return;
        }
        let path = match (weights(model, way.sink, Role::Bias), all_weights(model, way.sink, &READS).next()) {
            (Some((slot, _)), _) => slot.path.clone(),
            (None, Some((kernel, _))) => match kernel.path.rsplit_once('/') {
                Some((layer, _)) => format!("{layer}/bias"),
                None => return,
            },
            (None, None) => return,
        };
        match self.settings(model, way.sink).map(inner_mut) {
            Some(LayerKind::Dense(layer)) => layer.use_bias = true,
            Some(LayerKind::Conv1d(layer)) => layer.use_bias = true,
            Some(LayerKind::Conv2d(layer)) => layer.use_bias = true,
            _ => {}
        }
        let (sizes, len) = (vec![offsets.len()], offsets.len());
        let empty = || Tensor { sizes, w: vec![0.0; len], origin: vec![NEW; len] };
        let bias = self.tensors.entry(path).or_insert_with(empty);
        bias.w.iter_mut().zip(offsets).for_each(|(bias, offset)| *bias = (f64::from(*bias) + offset) as f32);
    }
}

/// Says how many units a layer has.
fn resize(kind: &mut LayerKind, units: usize) {
    match kind {
        LayerKind::Dense(layer) => layer.units = units,
        LayerKind::Conv1d(layer) => layer.filters = units,
        LayerKind::Conv2d(layer) => layer.filters = units,
        LayerKind::Conv1dTranspose(layer) => layer.filters = units,
        LayerKind::Conv2dTranspose(layer) => layer.filters = units,
        LayerKind::Embedding(layer) => layer.output_dim = units,
        LayerKind::SeparableConv2d(layer) => layer.filters = units,
        LayerKind::SimpleRnn(layer) => layer.units = units,
        LayerKind::Lstm(layer) => layer.units = units,
        LayerKind::Gru(layer) => layer.units = units,
        LayerKind::Bidirectional(layer) => {
            resize(&mut layer.of.kind, units);
            layer.backward_layer.iter_mut().for_each(|layer| resize(&mut layer.kind, units));
        }
        _ => {}
    }
}
