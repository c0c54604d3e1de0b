//! Depthwise convolution.

use serde::{Deserialize, Serialize};
use taper_kernels::depthwise::Depthwise;

use super::convolution::{check_settings, sized};
use super::dense::{glorot_uniform, zeros};
use super::extent::{Extent, IntoExtent, Pair, sizes};
use super::setter::setters;
use super::window::{Padding, Window};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};
use crate::{Complaint, Result};

/// Convolution of each channel of a sequence by itself: output channel c·m + n is input channel c under its kernel n, m the
/// `depth_multiplier`; `y[t, c·m + n] = activation(Σ x[t·stride + k·dilation - before, c] kernel[k, c, n] + bias[c·m + n])`.
///
/// # Shapes
///
/// Input (steps, channels), output (new steps, channels·depth_multiplier).
///
/// # Parameters
///
/// `kernel` (kernel_size, channels, depth_multiplier); `bias` (channels·depth_multiplier) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{DepthwiseConv1d, Padding, Regularizer};
///
/// let layer = DepthwiseConv1d::new(3).padding(Padding::Same).depthwise_regularizer(Regularizer::l2(0.001));
/// assert_eq!(layer.depth_multiplier, 1);
/// ```
pub type DepthwiseConv1d = DepthwiseConv<usize>;

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
pub type DepthwiseConv2d = DepthwiseConv<Pair>;

/// The settings of [`DepthwiseConv1d`] and [`DepthwiseConv2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct DepthwiseConv<E> {
    /// Size of the window.
    #[serde(deserialize_with = "E::read")]
    pub kernel_size: E,
    /// How far the window moves from one output to the next. Default: 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub strides: E,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// Kernels per input channel, at least 1. Default: 1.
    #[serde(default = "usize::once")]
    pub depth_multiplier: usize,
    /// How far apart the taps of the window are. Default: 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub dilation_rate: E,
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

impl<E: Extent> DepthwiseConv<E> {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(kernel_size: impl IntoExtent<E>) -> Self {
        Self {
            kernel_size: kernel_size.into_extent(),
            strides: E::once(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: E::once(),
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
setters! { DepthwiseConv<E>: activation, strides, padding, depth_multiplier, depthwise_regularizer, bias_regularizer }

impl<E: Extent> LayerConfig for DepthwiseConv<E> {
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
        let (rows, columns, channels) = window.over(input)?;
        let taps = sizes::<E>(rows.kernel, columns.kernel, &[channels, self.depth_multiplier]);
        let kernel = sized("kernel_size", &taps)?;
        check_settings(
            "depthwise",
            Role::DepthwiseKernel,
            &kernel,
            &self.depthwise_initializer,
            &self.depthwise_regularizer,
        )?;
        let width = channels * self.depth_multiplier;
        let output = sized("depth_multiplier", &sizes::<E>(rows.output, columns.output, &[width]))?;
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
struct Built {
    geometry: Depthwise,
    activation: Activation,
    params: Vec<ParamSpec>,
    output: Shape,
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
