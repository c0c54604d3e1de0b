//! Depthwise separable convolution over the steps of a sequence.

use serde::{Deserialize, Serialize};
use taper_kernels::depthwise::Depthwise;

use super::convolution::{check_filters, check_settings, sized};
use super::dense::{glorot_uniform, zeros};
use super::separable_conv2d::Built;
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
use crate::{Complaints, Result};

/// A depthwise convolution ([`DepthwiseConv1d`](crate::DepthwiseConv1d), without bias or activation), then a convolution of size 1
/// that mixes its channels: `y = f(depthwise(x) · pointwise_kernel + bias)`.
///
/// # Shapes
///
/// Input (steps, channels), output (new steps, filters).
///
/// # Parameters
///
/// `depthwise_kernel` (kernel_size, channels, depth_multiplier); `pointwise_kernel` (1, channels·depth_multiplier, filters);
/// `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Activation, Padding, Regularizer, SeparableConv1d};
///
/// let layer = SeparableConv1d::new(32, 3).padding(Padding::Same).activation(Activation::Relu);
/// let layer = layer.pointwise_regularizer(Regularizer::l2(1e-5));
/// assert_eq!(layer.filters, 32);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparableConv1d {
    /// Output channels, at least 1.
    pub filters: usize,
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
    /// How the pointwise kernel begins. Default: `glorot_uniform`.
    #[serde(default = "glorot_uniform")]
    pub pointwise_initializer: Initializer,
    /// How the bias begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the depthwise kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_regularizer: Option<Regularizer>,
    /// Penalty on the pointwise kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointwise_regularizer: Option<Regularizer>,
    /// Penalty on the bias. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_regularizer: Option<Regularizer>,
    /// Constraint on the depthwise kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depthwise_constraint: Option<Constraint>,
    /// Constraint on the pointwise kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointwise_constraint: Option<Constraint>,
    /// Constraint on the bias after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl SeparableConv1d {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: 1,
            activation: Activation::Linear,
            use_bias: true,
            depthwise_initializer: glorot_uniform(),
            pointwise_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            depthwise_regularizer: None,
            pointwise_regularizer: None,
            bias_regularizer: None,
            depthwise_constraint: None,
            pointwise_constraint: None,
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
setters! { SeparableConv1d: activation, padding, depth_multiplier, depthwise_regularizer, pointwise_regularizer, bias_regularizer }

impl LayerConfig for SeparableConv1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window =
            Window::over_steps("kernel_size", self.kernel_size, self.strides, self.dilation_rate, self.padding);
        window.check_not_causal()?;
        let mut complaints = Complaints::new();
        check_filters(self.filters, &mut complaints);
        let multiplier = self.depth_multiplier;
        complaints.check(multiplier > 0, "depth_multiplier", "a whole number of at least 1", multiplier);
        complaints.finish()?;
        let (rows, columns, channels) = window.over_sequence(input)?;
        let depthwise = sized("kernel_size", &[columns.kernel, channels, multiplier])?;
        let pointwise = sized("filters", &[1, channels * multiplier, self.filters])?;
        let output = sized("filters", &[columns.output, self.filters])?;
        check_settings(
            "depthwise",
            Role::DepthwiseKernel,
            &depthwise,
            &self.depthwise_initializer,
            &self.depthwise_regularizer,
        )?;
        check_settings(
            "pointwise",
            Role::PointwiseKernel,
            &pointwise,
            &self.pointwise_initializer,
            &self.pointwise_regularizer,
        )?;
        let mut params = vec![
            ParamSpec::new("depthwise_kernel", Role::DepthwiseKernel, depthwise, self.depthwise_initializer.clone())
                .regularizer(&self.depthwise_regularizer)
                .constraint(&self.depthwise_constraint),
            ParamSpec::new("pointwise_kernel", Role::PointwiseKernel, pointwise, self.pointwise_initializer.clone())
                .regularizer(&self.pointwise_regularizer)
                .constraint(&self.pointwise_constraint),
        ];
        if self.use_bias {
            let bias = Shape::new([self.filters])?;
            params.push(
                ParamSpec::new("bias", Role::Bias, bias, self.bias_initializer.clone())
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            );
        }
        let geometry = Depthwise { rows, columns, channels, multiplier };
        Ok(Box::new(Built { geometry, activation: self.activation, params, output }))
    }
}
