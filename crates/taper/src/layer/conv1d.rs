//! Convolution over the steps of a sequence.

use serde::{Deserialize, Serialize};

use super::convolution::{BuiltConvolution, geometry, sized};
use super::dense::{glorot_uniform, zeros};
use super::setter::setters;
use super::window::{self, Padding, Window};
use super::{Layer, LayerConfig, single};
use crate::Result;
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};

/// Convolution over the steps of a sequence:
/// `y[t, f] = activation(Σ x[t·stride + k·dilation - before, c] kernel[k, c, f] + bias[f])`, summed over taps k and channels c; steps
/// outside the sequence count as 0, and [`Padding`] says where they are. With `groups`, a filter sees only its group's
/// channels. (It is a cross-correlation: the kernel is not flipped.)
///
/// # Shapes
///
/// Input (steps, channels), output (new steps, filters).
///
/// # Parameters
///
/// `kernel` (kernel_size, channels / groups, filters); `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Activation, Conv1d, Padding, Regularizer};
///
/// let layer = Conv1d::new(16, 5).padding(Padding::Causal).activation(Activation::Relu);
/// let layer = layer.kernel_regularizer(Regularizer::l2(0.001));
/// assert_eq!((layer.filters, layer.strides), (16, 1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1d {
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
    /// How far apart the taps of the window are. Default: 1; greater only where all strides are 1.
    #[serde(default = "window::once", deserialize_with = "window::one")]
    pub dilation_rate: usize,
    /// Into how many groups the channels fall; must divide them and the filters. Default: 1.
    #[serde(default = "window::once")]
    pub groups: usize,
    /// f. Default: linear.
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub use_bias: bool,
    /// How the kernel begins. Default: `glorot_uniform`.
    #[serde(default = "glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// How the bias begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_regularizer: Option<Regularizer>,
    /// Constraint on the kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint on the bias after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

impl Conv1d {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            dilation_rate: 1,
            groups: 1,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            kernel_regularizer: None,
            bias_regularizer: None,
            kernel_constraint: None,
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
setters! { Conv1d: activation, padding, kernel_regularizer, bias_regularizer }

impl LayerConfig for Conv1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window =
            Window::over_steps("kernel_size", self.kernel_size, self.strides, self.dilation_rate, self.padding);
        window.check_either_stride_or_dilation()?;
        let geometry = geometry(window.over_sequence(input)?, self.filters, self.groups)?;
        let sizes = [self.kernel_size, geometry.channels / self.groups, self.filters];
        let output = sized("filters", &[geometry.columns.output, self.filters])?;
        let kernel = sized("kernel_size", &sizes)?;
        let mut params = vec![
            ParamSpec::new("kernel", Role::Kernel, kernel, self.kernel_initializer.clone())
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        ];
        if self.use_bias {
            let bias = Shape::new([self.filters])?;
            params.push(
                ParamSpec::new("bias", Role::Bias, bias, self.bias_initializer.clone())
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            );
        }
        Ok(Box::new(BuiltConvolution { geometry, activation: self.activation, params, output }))
    }
}
