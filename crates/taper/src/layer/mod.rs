//! Layers: what the user writes down ([`LayerSpec`]) and what is built of it ([`Layer`]).
//!
//! A layer owns neither weights nor activations: a model lends it slices. It does not know that penalties, optimizers or
//! other layers exist.

mod activation;
mod activity_regularization;
mod advanced_activation;
mod average_pooling;
mod batch_normalization;
mod bidirectional;
mod concatenate;
mod conv;
mod conv_transpose;
mod convolution;
mod cropping;
mod dense;
mod depthwise_conv;
mod dropout;
mod embedding;
mod extent;
mod flatten;
mod gaussian_noise;
mod global_pooling;
mod gru;
mod inner;
#[cfg(test)]
mod keras_convolution;
mod layer_normalization;
mod lstm;
mod margin;
mod masking;
mod max_pooling;
mod merge;
mod moved;
mod permute;
mod pooling;
mod prelu;
mod recurrent;
mod repeat_vector;
mod rescaling;
mod reshape;
mod separable_conv;
mod setter;
mod simple_rnn;
mod softmax;
mod spatial_dropout;
mod spec;
mod step_by_step;
mod time_distributed;
mod transposition;
mod up_sampling;
mod window;
mod zero_padding;

pub use activation::ActivationLayer;
pub use activity_regularization::ActivityRegularization;
pub use advanced_activation::{Elu, LeakyReLu, ReLu};
pub use average_pooling::{AveragePooling, AveragePooling1d, AveragePooling2d};
pub use batch_normalization::BatchNormalization;
pub use bidirectional::{Bidirectional, MergeMode};
pub use concatenate::Concatenate;
pub use conv::{Conv, Conv1d, Conv2d};
pub use conv_transpose::{Conv1dTranspose, Conv2dTranspose, ConvTranspose};
pub use cropping::{Cropping, Cropping1d, Cropping2d};
pub use dense::Dense;
pub use depthwise_conv::{DepthwiseConv, DepthwiseConv1d, DepthwiseConv2d};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use extent::{Extent, IntoExtent, Pair};
pub use flatten::Flatten;
pub use gaussian_noise::{GaussianDropout, GaussianNoise};
pub use global_pooling::{GlobalAveragePooling1d, GlobalAveragePooling2d, GlobalMaxPooling1d, GlobalMaxPooling2d};
pub use gru::Gru;
pub use layer_normalization::LayerNormalization;
pub use lstm::Lstm;
pub use margin::{Edges, Margins};
pub use masking::Mask;
pub use max_pooling::{MaxPooling, MaxPooling1d, MaxPooling2d};
pub use merge::{Add, Average, Maximum, Minimum, Multiply, Subtract};
pub use permute::Permute;
pub use prelu::PReLu;
pub use repeat_vector::RepeatVector;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use separable_conv::{SeparableConv, SeparableConv1d, SeparableConv2d};
pub use simple_rnn::SimpleRnn;
pub use softmax::Softmax;
pub use spatial_dropout::{SpatialDropout1d, SpatialDropout2d};
pub use spec::{LayerKind, LayerSpec};
pub use time_distributed::TimeDistributed;
pub use up_sampling::{UpSampling, UpSampling1d, UpSampling2d};
pub use window::Padding;
pub use zero_padding::{ZeroPadding, ZeroPadding1d, ZeroPadding2d};

use taper_kernels::activation::Unary;

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

/// What there is to know of a dense layer, `f(x · kernel + bias)`, whose kernel comes first among its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseSizes {
    /// Numbers of each input vector.
    pub inputs: usize,
    /// Numbers of each output vector.
    pub units: usize,
    /// f, which works from the output on the way back.
    pub activation: Unary,
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
    /// Of several inputs: a step counts if it counts in any; no mask if one of them has none.
    Any,
    /// Of several inputs: their steps one after the other, as their masks say; steps of an input without a mask count.
    Join,
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

    /// If the inputs are ids of tokens: how many there are. A model refuses rows with other numbers before it runs.
    fn token_limit(&self) -> Option<usize> {
        None
    }

    /// Its sizes, if this is a dense layer and nothing else: a model may run it together with the next.
    fn dense(&self) -> Option<DenseSizes> {
        None
    }

    /// What becomes of a mask over the time steps of the input. Default: it ends here.
    fn masking(&self) -> Masking {
        Masking::Drop
    }

    /// Whether an input whose steps are masked has no meaning here. A model complains about it when it is built.
    fn refuses_masks(&self) -> bool {
        false
    }

    /// For [`Masking::Make`]: writes 1 for steps that count and 0 for those that do not, one per vector of the output.
    fn make_mask(&self, _x: &[f32], _mask: &mut [f32]) {}

    /// Changes parameters that are not trained but follow the data (moving statistics), after a forward pass in training.
    fn update_state(&self, _batch: usize, _params: &mut [f32], _cache: &[f32]) {}

    /// Σ Ω(output) / batch over the layers within this one whose outputs carry penalties, for the batch just run forward.
    /// [`backward`](Layer::backward) adds the gradients.
    fn inner_activity_penalty(&self, _batch: usize, _epoch: usize, _cache: &[f32]) -> f64 {
        0.0
    }

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
    /// The gradients with respect to the inputs, to be written where somebody asks for them.
    pub dx: &'a mut InputGradients<'a>,
    /// What the forward pass kept.
    pub cache: &'a mut [f32],
    /// Whether the layer is frozen.
    pub frozen: bool,
    /// The epoch, for penalties whose strengths are schedules.
    pub epoch: usize,
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
    /// For a layer within a layer: its only input and mask, in place of all the above.
    pub(crate) lent: Option<(&'a [f32], Option<&'a [f32]>)>,
}

impl<'a> Inputs<'a> {
    /// One input for a layer within a layer.
    pub(crate) fn lend(batch: usize, x: &'a [f32], mask: Option<&'a [f32]>) -> Self {
        Self { buffers: &[], masks: &[], mask_lens: &[], nodes: &[], lens: &[], batch, lent: Some((x, mask)) }
    }

    /// The only input of an ordinary layer.
    #[must_use]
    pub fn x(&self) -> &'a [f32] {
        self.get(0)
    }

    /// The mask of the only input: 1 or 0 for each step of each row, `None` if all count.
    #[must_use]
    pub fn mask(&self) -> Option<&'a [f32]> {
        if let Some((_, mask)) = self.lent {
            return mask;
        }
        let node = self.nodes[0];
        let len = self.batch * self.mask_lens[node];
        (len > 0).then(|| &self.masks[node][..len])
    }

    /// The input at this position.
    #[must_use]
    pub fn get(&self, position: usize) -> &'a [f32] {
        if let Some((x, _)) = self.lent {
            return x;
        }
        let node = self.nodes[position];
        &self.buffers[node][..self.batch * self.lens[node]]
    }
}

/// The places for the gradients of a layer's inputs.
#[derive(Debug)]
pub enum InputGradients<'a> {
    /// A model's buffers, one per input; empty where nobody asks.
    Buffers(&'a mut [Vec<f32>]),
    /// The place for the only input of a layer within a layer, if anybody asks.
    Lent(Option<&'a mut [f32]>),
}

/// The place for the only input's gradient, if anybody asks for it.
pub(crate) fn dx_of<'a>(dx: &'a mut InputGradients<'_>, batch: usize, inputs: &Inputs<'_>) -> Option<&'a mut [f32]> {
    dx_at(dx, 0, batch, inputs)
}

/// The place for the gradient of the input at this position, if anybody asks for it.
pub(crate) fn dx_at<'a>(
    dx: &'a mut InputGradients<'_>,
    position: usize,
    batch: usize,
    inputs: &Inputs<'_>,
) -> Option<&'a mut [f32]> {
    match dx {
        InputGradients::Buffers(buffers) if buffers[position].is_empty() => None,
        InputGradients::Buffers(buffers) => Some(&mut buffers[position][..batch * inputs.lens[inputs.nodes[position]]]),
        InputGradients::Lent(dx) => dx.as_deref_mut(),
    }
}

/// The only input's shape, for layers that take one.
pub(crate) fn single(inputs: &[Shape]) -> Result<&Shape> {
    match inputs {
        [input] => Ok(input),
        _ => Err(crate::Complaint::new("", "one input", format!("{} inputs", inputs.len())).into()),
    }
}
