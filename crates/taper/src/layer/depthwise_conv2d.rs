//! Depthwise convolution over images.

use serde::{Deserialize, Serialize};
use taper_kernels::depthwise::Depthwise;

use super::convolution::{check_settings, sized};
use super::dense::{glorot_uniform, zeros};
use super::setter::setters;
use super::window::{self, Padding, Pair, Window};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};
use crate::{Complaint, Result};

/// Convolution of each channel by itself: output channel c·m + j is input channel c under its kernel j, m the
/// `depth_multiplier`;
/// `y[i, j, c·m + n] = activation(Σ x[i·stride + k·dilation - top, j·stride + l·dilation - left, c] kernel[k, l, c, n] + bias[c·m + n])`.
///
/// # Shapes
///
/// Input (height, width, channels), output (new height, new width, channels·depth_multiplier).
///
/// # Parameters
///
/// `kernel` (height, width, channels, depth_multiplier); `bias` (channels·depth_multiplier) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{DepthwiseConv2d, Padding, Regularizer};
///
/// let layer = DepthwiseConv2d::new(3).padding(Padding::Same).depthwise_regularizer(Regularizer::l2(0.001));
/// assert_eq!(layer.depth_multiplier, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2d {
    /// Size of the window.
    pub kernel_size: Pair,
    /// How far the window moves from one output to the next. Default: 1.
    #[serde(default = "window::once_each")]
    pub strides: Pair,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// Kernels per input channel, at least 1. Default: 1.
    #[serde(default = "window::once")]
    pub depth_multiplier: usize,
    /// How far apart the taps of the window are. Default: 1.
    #[serde(default = "window::once_each")]
    pub dilation_rate: Pair,
    /// f. Default: linear.
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub use_bias: bool,
    /// How the depthwise kernel begins. Default: `glorot_uniform`.
    #[serde(default = "glorot_uniform")]
    pub depthwise_initializer: Initializer,
    /// How the bias begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the depthwise kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Penalty on the bias. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_regularizer: Option<Regularizer>,
    /// Constraint on the depthwise kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_constraint: Option<Constraint>,
    /// Constraint on the bias after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl DepthwiseConv2d {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self {
            kernel_size: kernel_size.into(),
            strides: window::once_each(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: window::once_each(),
            activation: Activation::Linear,
            use_bias: true,
            depthwise_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            depthwise_regularizer: None,
            bias_regularizer: None,
            depthwise_constraint: None,
            bias_constraint: None,
        }
    }
}
setters! { DepthwiseConv2d: activation, strides, padding, depth_multiplier, depthwise_regularizer, bias_regularizer }

impl LayerConfig for DepthwiseConv2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window = Window {
            place: "kernel_size",
            size: self.kernel_size,
            strides: self.strides,
            dilation_rate: self.dilation_rate,
            padding: self.padding,
        };
        window.check_not_causal()?;
        if self.depth_multiplier == 0 {
            return Err(Complaint::new("depth_multiplier", "a whole number of at least 1", 0).into());
        }
        let (rows, columns, channels) = window.over_image(input)?;
        let kernel = sized("kernel_size", &[rows.kernel, columns.kernel, channels, self.depth_multiplier])?;
        check_settings(
            "depthwise",
            Role::DepthwiseKernel,
            &kernel,
            &self.depthwise_initializer,
            &self.depthwise_regularizer,
        )?;
        let width = channels * self.depth_multiplier;
        let output = sized("depth_multiplier", &[rows.output, columns.output, width])?;
        let mut params = vec![
            ParamSpec::new("kernel", Role::DepthwiseKernel, kernel, self.depthwise_initializer.clone())
                .regularizer(&self.depthwise_regularizer)
                .constraint(&self.depthwise_constraint),
        ];
        if self.use_bias {
            let bias = Shape::new([width])?;
            params.push(
                ParamSpec::new("bias", Role::Bias, bias, self.bias_initializer.clone())
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            );
        }
        let geometry = Depthwise { rows, columns, channels, multiplier: self.depth_multiplier };
        Ok(Box::new(Built { geometry, activation: self.activation, params, output }))
    }
}

/// A depthwise convolution with all sizes fixed.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) geometry: Depthwise,
    pub(super) activation: Activation,
    pub(super) params: Vec<ParamSpec>,
    pub(super) output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.activation.cache_len(batch * self.output.len())
    }

    fn scratch_len(&self, _batch: usize) -> usize {
        self.geometry.scratch_len()
    }

    fn forward(&self, io: Forward<'_>) {
        let (kernel, bias) = io.params.split_at(self.geometry.kernel_len());
        self.geometry.forward(io.batch, io.inputs.x(), kernel, io.y, io.scratch);
        self.activation.apply(self.output.last(), bias, io.y, io.cache);
    }

    fn backward(&self, io: Backward<'_>) {
        let kernel = &io.params[..self.geometry.kernel_len()];
        let (dkernel, dbias) = io.dparams.split_at_mut(kernel.len());
        self.activation.apply_backward(self.output.last(), io.y, io.cache, io.dy, dbias);
        self.geometry.backward_kernel(io.batch, io.inputs.x(), io.dy, dkernel, io.scratch);
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.geometry.backward_input(io.batch, io.dy, kernel, dx, io.scratch);
        }
    }
}
