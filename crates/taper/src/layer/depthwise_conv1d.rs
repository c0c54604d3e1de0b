//! Depthwise convolution over the steps of a sequence.

use serde::{Deserialize, Serialize};
use taper_kernels::depthwise::Depthwise;

use super::convolution::{check_settings, sized};
use super::dense::{glorot_uniform, zeros};
use super::depthwise_conv2d::Built;
use super::setter::setters;
use super::window::{self, Padding, Window};
use super::{Layer, LayerConfig, single};
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv1d {
    /// Size of the window.
    #[serde(deserialize_with = "window::one")]
    pub kernel_size: usize,
    /// How far the window moves from one output to the next. Default: 1.
    #[serde(default = "window::once", deserialize_with = "window::one")]
    pub strides: usize,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// Kernels per input channel, at least 1. Default: 1.
    #[serde(default = "window::once")]
    pub depth_multiplier: usize,
    /// How far apart the taps of the window are. Default: 1.
    #[serde(default = "window::once", deserialize_with = "window::one")]
    pub dilation_rate: usize,
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

impl DepthwiseConv1d {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: 1,
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

    /// With these steps between outputs.
    #[must_use]
    pub fn strides(mut self, strides: usize) -> Self {
        self.strides = strides;
        self
    }
}
setters! { DepthwiseConv1d: activation, padding, depth_multiplier, depthwise_regularizer, bias_regularizer }

impl LayerConfig for DepthwiseConv1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window =
            Window::over_steps("kernel_size", self.kernel_size, self.strides, self.dilation_rate, self.padding);
        window.check_not_causal()?;
        if self.depth_multiplier == 0 {
            return Err(Complaint::new("depth_multiplier", "a whole number of at least 1", 0).into());
        }
        let (rows, columns, channels) = window.over_sequence(input)?;
        let kernel = sized("kernel_size", &[columns.kernel, channels, self.depth_multiplier])?;
        check_settings(
            "depthwise",
            Role::DepthwiseKernel,
            &kernel,
            &self.depthwise_initializer,
            &self.depthwise_regularizer,
        )?;
        let width = channels * self.depth_multiplier;
        let output = sized("depth_multiplier", &[columns.output, width])?;
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
