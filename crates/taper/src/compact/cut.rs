//! A model's specification and weights while parts of them are taken out.

use std::collections::BTreeMap;

use super::part::Part;
use super::way::Way;
use crate::layer::LayerKind;
use crate::model::{Model, ModelSpec};
use crate::param::Role;
use crate::{Complaint, Result, read};

/// What will be a model.
pub(super) struct Draft {
    spec: ModelSpec,
    /// Sizes and numbers of each parameter.
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Draft {
    pub(super) fn of(model: &Model) -> Self {
        let tensor = |(slot, w): (&crate::ParamSlot, &[f32])| {
            (slot.path.clone(), (slot.spec.shape.sizes().to_vec(), w.to_vec()))
        };
        Self { spec: model.spec.clone(), tensors: model.params.iter().map(tensor).collect() }
    }

    /// The model that it has become. Penalties that are written weight by weight, or that fewer units cannot have, are left out.
    pub(super) fn build(mut self) -> Result<Model> {
        if Model::plan(&self.spec).is_err() {
            self.drop_penalties()?;
        }
        let mut weights = Vec::new();
        for slot in Model::plan(&self.spec)? {
            match self.tensors.remove(&slot.path) {
                Some((sizes, w)) if sizes == slot.spec.shape.sizes() => weights.extend(w),
                other => {
                    let got = other.map_or("none".to_owned(), |(sizes, _)| format!("{sizes:?}"));
                    return Err(Complaint::new(slot.path, format!("weights of shape {}", slot.spec.shape), got).into());
                }
            }
        }
        Model::with_weights(self.spec, weights)
    }

    fn drop_penalties(&mut self) -> Result<()> {
        self.spec.set_regularization(None);
        for layer in self.spec.owned_mut() {
            let mut settings = serde_json::to_value(&*layer).unwrap_or_default();
            if let Some(settings) = settings.as_object_mut() {
                settings.retain(|key, _| !key.ends_with("_regularizer"));
            }
            *layer = read(settings)?;
        }
        Ok(())
    }

    /// Keeps these positions of one dimension of a parameter.
    fn keep(&mut self, path: &str, dimension: usize, keep: &[usize]) {
        let Some((sizes, w)) = self.tensors.get_mut(path) else { return };
        let (size, inner) = (sizes[dimension], sizes[dimension + 1..].iter().product::<usize>());
        let mut kept = Vec::with_capacity(w.len() / size * keep.len());
        for outer in w.chunks_exact(size * inner) {
            keep.iter().for_each(|i| kept.extend_from_slice(&outer[i * inner..(i + 1) * inner]));
        }
        *w = kept;
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
            self.keep(&slot.path, slot.spec.shape.rank() - 1, &columns);
        }
        match self.settings(model, layer) {
            Some(LayerKind::Dense(layer)) => layer.units = keep.len(),
            Some(LayerKind::Conv1d(layer)) => layer.filters = keep.len(),
            Some(LayerKind::Conv2d(layer)) => layer.filters = keep.len(),
            Some(LayerKind::SimpleRnn(layer)) => layer.units = keep.len(),
            Some(LayerKind::Lstm(layer)) => layer.units = keep.len(),
            Some(LayerKind::Gru(layer)) => layer.units = keep.len(),
            _ => {}
        }
    }

    /// Keeps these channels in everything on a way that knows them, and in the kernel at its end.
    pub(super) fn keep_way(&mut self, model: &Model, way: &Way, keep: &[usize]) {
        for (slot, _) in model.params.iter() {
            let is_in = |layer: usize| model.layers[layer].range.contains(&slot.range.start);
            if way.stages.iter().any(|stage| is_in(*stage)) {
                self.keep(&slot.path, 0, &way.indices(slot.spec.shape.len(), keep));
            } else if is_in(way.sink) && slot.spec.role == Role::Kernel {
                self.keep(&slot.path, slot.spec.shape.rank() - 2, &way.indices(way.end.last(), keep));
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
        let name = &model.layers[way.sink].name;
        let path = match super::part::weights(model, way.sink, Role::Bias) {
            Some((slot, _)) => slot.path.clone(),
            None => format!("{name}/bias"),
        };
        match self.settings(model, way.sink) {
            Some(LayerKind::Dense(layer)) => layer.use_bias = true,
            Some(LayerKind::Conv1d(layer)) => layer.use_bias = true,
            Some(LayerKind::Conv2d(layer)) => layer.use_bias = true,
            _ => {}
        }
        let empty = || (vec![offsets.len()], vec![0.0; offsets.len()]);
        let (_, bias) = self.tensors.entry(path).or_insert_with(empty);
        bias.iter_mut().zip(offsets).for_each(|(bias, offset)| *bias = (f64::from(*bias) + offset) as f32);
    }
}
