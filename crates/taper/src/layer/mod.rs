//! Layers: what the user writes down ([`LayerSpec`]) and what is built of it ([`Layer`]).
//!
//! A layer owns neither weights nor activations: a model lends it slices. It does not know that penalties, optimizers or
//! other layers exist.

mod activation;
mod activity_regularization;
mod advanced_activation;
mod batch_normalization;
mod dense;
mod dropout;
mod flatten;
mod gaussian_noise;
mod layer_normalization;
mod permute;
mod repeat_vector;
mod rescaling;
mod reshape;
mod spatial_dropout;
mod spec;

pub use activation::ActivationLayer;
pub use activity_regularization::ActivityRegularization;
pub use advanced_activation::{Elu, LeakyReLu, ReLu, Softmax};
pub use batch_normalization::BatchNormalization;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use gaussian_noise::{GaussianDropout, GaussianNoise};
pub use layer_normalization::LayerNormalization;
pub use permute::Permute;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use spatial_dropout::{SpatialDropout1d, SpatialDropout2d};
pub use spec::{LayerKind, LayerSpec};

use crate::param::ParamSpec;
use crate::shape::Shape;
use crate::{Result, Seed};

/// Whether a pass is part of training. Dropout acts only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Part of a training step.
    Training,
    /// Evaluation or prediction.
    Inference,
}

/// What a layer does with a mask over time steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// The output has no mask.
    Drop,
    /// The output has the input's mask, if there is one.
    Pass,
    /// The layer makes a mask of its input ([`Layer::make_mask`]).
    Make,
}

/// The settings of one kind of layer, before its sizes are known.
pub trait LayerConfig {
    /// Builds the layer for inputs of these shapes (one, except for layers that merge).
    ///
    /// # Errors
    ///
    /// Settings that cannot be used, and shapes that do not meet: places are keys of the settings, empty for the input.
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>>;
}

/// A built layer: sizes fixed, arithmetic only.
///
/// Buffers hold a batch, row by row: `x` is batch × input, `y` is batch × output. Outputs are overwritten, never added to;
/// the model sums where a value is used twice. Nothing may allocate in [`forward`](Layer::forward) or
/// [`backward`](Layer::backward).
pub trait Layer: Send + Sync + std::fmt::Debug {
    /// The shape of one sample's output.
    fn output_shape(&self) -> &Shape;

    /// The parameters, in the order in which they lie in [`Forward::params`].
    fn params(&self) -> &[ParamSpec] {
        &[]
    }

    /// How many floats to keep from forward to backward, besides `x` and `y`, for a batch of this size.
    fn cache_len(&self, _batch: usize) -> usize {
        0
    }

    /// How many floats of scratch either pass needs for a batch of this size.
    fn scratch_len(&self, _batch: usize) -> usize {
        0
    }

    /// What becomes of a mask over the time steps of the input. Default: it ends here.
    fn masking(&self) -> Masking {
        Masking::Drop
    }

    /// For [`Masking::Make`]: writes 1 for steps that count and 0 for those that do not, one per vector of the output.
    fn make_mask(&self, _x: &[f32], _mask: &mut [f32]) {}

    /// Changes parameters that are not trained but follow the data (moving statistics), after a forward pass in training.
    fn update_state(&self, _batch: usize, _params: &mut [f32], _cache: &[f32]) {}

    /// Computes `y`.
    fn forward(&self, io: Forward<'_>);

    /// Computes `dparams` and the gradients of the inputs from `dy`.
    fn backward(&self, io: Backward<'_>);
}

/// What a forward pass may read and write.
#[derive(Debug)]
pub struct Forward<'a> {
    /// Rows in this batch.
    pub batch: usize,
    /// The inputs.
    pub inputs: Inputs<'a>,
    /// The output, to be written.
    pub y: &'a mut [f32],
    /// This layer's parameters, one after the other.
    pub params: &'a [f32],
    /// Kept for the backward pass.
    pub cache: &'a mut [f32],
    /// Free to use.
    pub scratch: &'a mut [f32],
    /// Training or inference.
    pub mode: Mode,
    /// Whether the layer is frozen: a frozen normalization uses its moving statistics even in training.
    pub frozen: bool,
    /// The stream of this layer in this step, for layers that draw.
    pub seed: Seed,
}

/// What a backward pass may read and write.
#[derive(Debug)]
pub struct Backward<'a> {
    /// Rows in this batch.
    pub batch: usize,
    /// The inputs of the forward pass.
    pub inputs: Inputs<'a>,
    /// Its output.
    pub y: &'a [f32],
    /// The gradient of the loss with respect to `y`. May be overwritten.
    pub dy: &'a mut [f32],
    /// This layer's parameters.
    pub params: &'a [f32],
    /// The gradient with respect to them, to be written.
    pub dparams: &'a mut [f32],
    /// The gradients with respect to the inputs, to be written; one per input, empty where nobody asks.
    pub dx: &'a mut [Vec<f32>],
    /// What the forward pass kept.
    pub cache: &'a mut [f32],
    /// Whether the layer is frozen.
    pub frozen: bool,
    /// Free to use.
    pub scratch: &'a mut [f32],
}

/// The inputs of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub(crate) buffers: &'a [Vec<f32>],
    /// As long as `buffers`; empty where there is no mask.
    pub(crate) masks: &'a [Vec<f32>],
    pub(crate) mask_lens: &'a [usize],
    pub(crate) nodes: &'a [usize],
    pub(crate) lens: &'a [usize],
    pub(crate) batch: usize,
}

impl<'a> Inputs<'a> {
    /// The only input of an ordinary layer.
    #[must_use]
    pub fn x(&self) -> &'a [f32] {
        self.get(0)
    }

    /// The mask of the only input: 1 or 0 for each step of each row, `None` if all count.
    #[must_use]
    pub fn mask(&self) -> Option<&'a [f32]> {
        let node = self.nodes[0];
        let len = self.batch * self.mask_lens[node];
        (len > 0).then(|| &self.masks[node][..len])
    }

    /// The input at this position.
    #[must_use]
    pub fn get(&self, position: usize) -> &'a [f32] {
        let node = self.nodes[position];
        &self.buffers[node][..self.batch * self.lens[node]]
    }
}

/// The place for the only input's gradient, if anybody asks for it.
pub(crate) fn dx_of<'a>(dx: &'a mut [Vec<f32>], batch: usize, inputs: &Inputs<'_>) -> Option<&'a mut [f32]> {
    dx_at(dx, 0, batch, inputs)
}

/// The place for the gradient of the input at this position, if anybody asks for it.
pub(crate) fn dx_at<'a>(
    dx: &'a mut [Vec<f32>],
    position: usize,
    batch: usize,
    inputs: &Inputs<'_>,
) -> Option<&'a mut [f32]> {
    let dx = &mut dx[position];
    if dx.is_empty() {
        return None;
    }
    let len = batch * inputs.lens[inputs.nodes[position]];
    Some(&mut dx[..len])
}

/// The only input's shape, for layers that take one.
pub(crate) fn single(inputs: &[Shape]) -> Result<&Shape> {
    match inputs {
        [input] => Ok(input),
        _ => Err(crate::Complaint::new("", "one input", format!("{} inputs", inputs.len())).into()),
    }
}
