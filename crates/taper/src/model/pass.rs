//! The way of one batch through a model and back.

use super::gradient::Places;
use super::hidden::Hidden;
use crate::Seed;
use crate::layer::{Backward, Forward, InputGradients, Inputs, Masking, Mode};
use crate::loss::Loss;
use crate::metric::Meter;
use crate::model::{Model, Node};
use crate::param::Buffers;

/// The buffers of one model for batches up to a fixed size. Made once; nothing allocates afterwards.
#[derive(Debug)]
pub(crate) struct Workspace {
    batch: usize,
    /// One per buffer of the model: the input, then each node's output.
    values: Vec<Vec<f32>>,
    /// Which steps of each buffer count; empty where all do.
    masks: Vec<Vec<f32>>,
    /// Which of `gradients` is that of a buffer.
    places: Places,
    gradients: Vec<Vec<f32>>,
    /// One per node.
    caches: Vec<Vec<f32>>,
    scratch: Vec<f32>,
    /// The gradient of every parameter.
    pub(crate) dparams: Vec<f32>,
    /// Room for penalties.
    pub(crate) penalty_buffers: Buffers,
    /// Lent to a layer for the gradients of its inputs.
    dx: Vec<Vec<f32>>,
    /// Where an input's gradient goes that has to be added to what is there already.
    spare: Vec<Vec<f32>>,
    /// Where a shared layer's further gradients go, before they are added.
    spare_dparams: Vec<f32>,
    /// Of each node, whether it runs together with the next.
    pairs: Vec<Option<Hidden>>,
    /// Which buffers' gradients hold something in this pass.
    written: Vec<bool>,
    /// Which layers' gradients hold something in this pass.
    written_layers: Vec<bool>,
}

impl Workspace {
    /// Buffers for `batch` rows; those of the backward pass only if `training`.
    pub(crate) fn new(model: &Model, batch: usize, training: bool) -> Self {
        Self::with_pairs(model, batch, training, Hidden::all(model, &needs_gradient(model)))
    }

    pub(super) fn with_pairs(model: &Model, batch: usize, training: bool, pairs: Vec<Option<Hidden>>) -> Self {
        let batch = batch.max(1);
        let mut needs_gradient = needs_gradient(model);
        // What lies between the layers of a pair has no gradient of its own.
        pairs.iter().flatten().for_each(|pair| needs_gradient[pair.between()] = false);
        let layer_of = |node: usize| &model.layers[model.nodes[node].layer];
        needs_gradient.iter_mut().for_each(|needs| *needs &= training);
        let places = Places::new(model, &needs_gradient);
        let most_inputs = model.nodes.iter().map(|node| node.inputs.len()).max().unwrap_or(0);
        let spare_len = if training { batch * longest_shared(model) } else { 0 };
        let shared = model.nodes.len() > model.layers.len();
        let widest = model.layers.iter().map(|layer| layer.range.len()).max().unwrap_or(0);
        let mut kept = vec![true; model.lens.len()];
        pairs.iter().flatten().for_each(|pair| kept[pair.between()] = training && pair.reads_values());
        let values = model.lens.iter().zip(kept).map(|(len, kept)| vec![0.0; if kept { batch * len } else { 0 }]);
        Self {
            batch,
            values: values.collect(),
            masks: model.mask_lens.iter().map(|len| vec![0.0; batch * len]).collect(),
            gradients: places.lens().iter().map(|len| vec![0.0; batch * len]).collect(),
            places,
            caches: (0..model.nodes.len()).map(|node| vec![0.0; layer_of(node).layer.cache_len(batch)]).collect(),
            scratch: vec![0.0; model.layers.iter().map(|layer| layer.layer.scratch_len(batch)).max().unwrap_or(0)],
            dparams: vec![0.0; if training { model.params.data().len() } else { 0 }],
            penalty_buffers: Buffers::new(&model.params),
            dx: vec![Vec::new(); most_inputs],
            spare: vec![vec![0.0; spare_len]; most_inputs],
            spare_dparams: vec![0.0; if training && shared { widest } else { 0 }],
            pairs,
            written: vec![false; model.lens.len()],
            written_layers: vec![false; model.layers.len()],
        }
    }

    /// Whether this node runs together with the one before it.
    fn is_with_previous(&self, i: usize) -> bool {
        i > 0 && self.pairs[i - 1].is_some()
    }

    /// Most rows at a time.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The place for the inputs: the first `len` numbers.
    pub(crate) fn input_mut(&mut self, len: usize) -> &mut [f32] {
        &mut self.values[0][..len]
    }

    /// The model's output for the first `batch` rows.
    pub(crate) fn output(&self, model: &Model, batch: usize) -> &[f32] {
        let last = model.nodes.len();
        &self.values[last][..batch * model.lens[last]]
    }

    /// Runs all nodes for the first `batch` rows.
    pub(crate) fn forward(&mut self, model: &Model, batch: usize, mode: Mode, seed: Seed) {
        for (i, node) in model.nodes.iter().enumerate() {
            if self.is_with_previous(i) {
                continue;
            }
            if let Some(pair) = &self.pairs[i] {
                pair.forward(model, batch, &mut self.values);
                continue;
            }
            let built = &model.layers[node.layer];
            let mut y = std::mem::take(&mut self.values[i + 1]);
            built.layer.forward(Forward {
                batch,
                inputs: inputs(model, node, &self.values, &self.masks, batch),
                y: &mut y[..batch * model.lens[i + 1]],
                params: &model.params.data()[built.range.clone()],
                cache: &mut self.caches[i][..built.layer.cache_len(batch)],
                scratch: &mut self.scratch[..built.layer.scratch_len(batch)],
                mode,
                frozen: !built.trainable,
                seed: seed.derive("layer", i as u64),
            });
            self.values[i + 1] = y;
            self.pass_mask(model, i, batch);
        }
    }

    /// Works out the mask of a node's output.
    fn pass_mask(&mut self, model: &Model, i: usize, batch: usize) {
        let len = batch * model.mask_lens[i + 1];
        if len == 0 {
            return;
        }
        let (node, mut mask) = (&model.nodes[i], std::mem::take(&mut self.masks[i + 1]));
        let layer = &model.layers[node.layer].layer;
        match layer.masking() {
            Masking::Make => {
                layer.make_mask(inputs(model, node, &self.values, &self.masks, batch).x(), &mut mask[..len]);
            }
            Masking::Pass => mask[..len].copy_from_slice(&self.masks[node.inputs[0]][..len]),
            Masking::Any => {
                mask[..len].copy_from_slice(&self.masks[node.inputs[0]][..len]);
                for input in &node.inputs[1..] {
                    mask[..len].iter_mut().zip(&self.masks[*input]).for_each(|(any, counts)| *any = any.max(*counts));
                }
            }
            Masking::Join => {
                let (stride, width) = (len / batch, layer.output_shape().last());
                let mut start = 0;
                for input in &node.inputs {
                    let steps = model.lens[*input] / width;
                    for (row, joined) in mask[..len].chunks_exact_mut(stride).enumerate() {
                        match model.mask_lens[*input] {
                            0 => joined[start..start + steps].fill(1.0),
                            _ => joined[start..][..steps].copy_from_slice(&self.masks[*input][row * steps..][..steps]),
                        }
                    }
                    start += steps;
                }
            }
            Masking::Drop => {}
        }
        self.masks[i + 1] = mask;
    }

    /// The mask of the model's output for the first `batch` rows, if it has one.
    pub(crate) fn output_mask(&self, model: &Model, batch: usize) -> Option<&[f32]> {
        let last = model.nodes.len();
        let len = batch * model.mask_lens[last];
        (len > 0).then(|| &self.masks[last][..len])
    }

    /// Lets moving statistics follow the batch just run forward. Frozen layers keep theirs.
    pub(crate) fn update_state(&mut self, model: &mut Model, batch: usize) {
        for (i, node) in model.nodes.iter().enumerate() {
            let built = &model.layers[node.layer];
            if built.trainable {
                let cache = &self.caches[i][..built.layer.cache_len(batch)];
                built.layer.update_state(batch, &mut model.params.data_mut()[built.range.clone()], cache);
            }
        }
    }

    /// Σ over nodes of Ω(output) / batch, with the strengths of this epoch.
    pub(crate) fn activity_penalty(&self, model: &Model, batch: usize, epoch: usize) -> f64 {
        let mut activity = 0.0;
        for (i, node) in model.nodes.iter().enumerate() {
            let built = &model.layers[node.layer];
            let cache = &self.caches[i][..built.layer.cache_len(batch)];
            activity += built.layer.inner_activity_penalty(batch, epoch, cache);
            if let Some(regularizer) = &built.activity_regularizer {
                let y = &self.values[i + 1][..batch * model.lens[i + 1]];
                activity += regularizer.elementwise_value(epoch, y) / batch as f64;
            }
        }
        activity
    }

    /// The weighted loss of the batch just run forward; with `gradient`, its gradient goes where the backward pass begins.
    pub(crate) fn loss(
        &mut self,
        model: &Model,
        loss: Loss,
        batch: usize,
        y: &[f32],
        weights: &[f32],
        gradient: bool,
    ) -> f64 {
        let last = model.nodes.len();
        let logits = loss.wants_logits(model.head);
        let at = if logits { last - 1 } else { last };
        let classes = model.output_shape().last();
        let rows = batch * model.lens[at] / classes;
        let p = &self.values[at][..rows * classes];
        self.written.fill(false);
        let dp: &mut [f32] = match self.places.of(at).filter(|_| gradient) {
            Some(place) => {
                self.written[at] = true;
                &mut self.gradients[place][..rows * classes]
            }
            None => &mut [],
        };
        loss.rows(logits, classes, p, y, weights, dp)
    }

    #[cfg(test)]
    pub(super) fn has_pairs(&self) -> bool {
        self.pairs.iter().any(Option::is_some)
    }

    /// Adds the batch just run forward to these metrics.
    pub(crate) fn measure(
        &self,
        model: &Model,
        batch: usize,
        y: &[f32],
        weights: Option<&[f32]>,
        meters: &mut [Meter],
    ) {
        let (last, mask) = (model.nodes.len(), self.output_mask(model, batch));
        for meter in meters {
            let at = if meter.wants_logits() { last - 1 } else { last };
            meter.add(&self.values[at][..batch * model.lens[at]], y, weights, mask);
        }
    }

    /// For tests: carries this gradient of the output back.
    #[cfg(test)]
    pub(crate) fn backward_from(&mut self, model: &Model, batch: usize, dy: &[f32]) {
        let last = model.nodes.len();
        self.written.fill(false);
        self.dparams.fill(0.0);
        if let Some(place) = self.places.of(last) {
            self.written[last] = true;
            self.gradients[place][..dy.len()].copy_from_slice(dy);
        }
        self.backward(model, batch, 0);
    }

    /// Carries the gradient back to every parameter, activity penalties included.
    pub(crate) fn backward(&mut self, model: &Model, batch: usize, epoch: usize) {
        self.written_layers.fill(false);
        for (i, node) in model.nodes.iter().enumerate().rev() {
            let built = &model.layers[node.layer];
            let len = batch * model.lens[i + 1];
            if self.is_with_previous(i) {
                continue;
            }
            if let Some(pair) = &self.pairs[i] {
                if let Some(place) = self.places.of(i + 2).filter(|_| self.written[i + 2]) {
                    pair.backward(model, batch, &self.values, &self.gradients[place], &mut self.dparams);
                }
                continue;
            }
            let Some(place) = self.places.of(i + 1) else { continue };
            let mut dy = std::mem::take(&mut self.gradients[place]);
            if let Some(regularizer) = &built.activity_regularizer {
                if !self.written[i + 1] {
                    dy[..len].fill(0.0);
                    self.written[i + 1] = true;
                }
                let y = &self.values[i + 1][..len];
                regularizer.add_elementwise_gradient(epoch, 1.0 / batch as f64, y, &mut dy[..len]);
            }
            if self.written[i + 1] {
                self.node_backward(model, i, batch, epoch, &mut dy[..len]);
            }
            self.gradients[place] = dy;
        }
    }

    fn node_backward(&mut self, model: &Model, i: usize, batch: usize, epoch: usize, dy: &mut [f32]) {
        let node = &model.nodes[i];
        let built = &model.layers[node.layer];
        for (position, input) in node.inputs.iter().enumerate() {
            // A value read twice by one node: its own buffer is lent to the first reading, a spare one to the others.
            let earlier = node.inputs[..position].iter().position(|other| other == input);
            let Some(place) = self.places.of(*input) else {
                self.dx[position] = Vec::new();
                continue;
            };
            let fresh = !self.written[*input] && earlier.is_none();
            let source = if fresh { &mut self.gradients[place] } else { &mut self.spare[position] };
            self.dx[position] = std::mem::take(source);
        }
        let again = std::mem::replace(&mut self.written_layers[node.layer], true);
        let range = built.range.clone();
        let dparams = if again { &mut self.spare_dparams[..range.len()] } else { &mut self.dparams[range.clone()] };
        built.layer.backward(Backward {
            batch,
            inputs: inputs(model, node, &self.values, &self.masks, batch),
            y: &self.values[i + 1][..dy.len()],
            dy,
            params: &model.params.data()[range.clone()],
            dparams,
            dx: &mut InputGradients::Buffers(&mut self.dx[..node.inputs.len()]),
            cache: &mut self.caches[i][..built.layer.cache_len(batch)],
            frozen: !built.trainable,
            epoch,
            scratch: &mut self.scratch[..built.layer.scratch_len(batch)],
        });
        if again {
            taper_kernels::update::add_scaled(1.0, &self.spare_dparams[..range.len()], &mut self.dparams[range]);
        }
        for (position, input) in node.inputs.iter().enumerate() {
            let dx = std::mem::take(&mut self.dx[position]);
            let Some(place) = self.places.of(*input) else { continue };
            let fresh = !self.written[*input] && !node.inputs[..position].contains(input);
            if fresh {
                self.gradients[place] = dx;
            } else {
                let len = batch * model.lens[*input];
                taper_kernels::update::add_scaled(1.0, &dx[..len], &mut self.gradients[place][..len]);
                self.spare[position] = dx;
            }
        }
        for input in &node.inputs {
            self.written[*input] = true;
        }
    }
}

/// What a node reads.
fn inputs<'a>(
    model: &'a Model,
    node: &'a Node,
    buffers: &'a [Vec<f32>],
    masks: &'a [Vec<f32>],
    batch: usize,
) -> Inputs<'a> {
    let (mask_lens, lens) = (&model.mask_lens[..], &model.lens[..]);
    Inputs { buffers, masks, mask_lens, nodes: &node.inputs, lens, batch, lent: None }
}

/// Which buffers need a gradient: those that something trainable, or an activity penalty, lies behind.
fn needs_gradient(model: &Model) -> Vec<bool> {
    let mut needs = vec![false; model.lens.len()];
    for (i, node) in model.nodes.iter().enumerate() {
        let built = &model.layers[node.layer];
        let trains = model.params.slots_within(&built.range).iter().any(|slot| slot.spec.trainable);
        needs[i + 1] = trains || node.inputs.iter().any(|input| needs[*input]);
    }
    needs
}

/// Numbers per sample in the longest buffer whose gradient may be a sum: one that several nodes read, or one node twice, or a node
/// and the loss.
fn longest_shared(model: &Model) -> usize {
    let mut readers = vec![0; model.lens.len()];
    for input in model.nodes.iter().flat_map(|node| &node.inputs) {
        readers[*input] += 1;
    }
    if model.head != crate::loss::Head::Plain {
        readers[model.nodes.len() - 1] += 1;
    }
    let shared = model.lens.iter().zip(readers).filter(|(_, readers)| *readers > 1);
    shared.map(|(len, _)| *len).max().unwrap_or(0)
}
