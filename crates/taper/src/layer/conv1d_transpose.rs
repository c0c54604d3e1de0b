//! Transposed convolution over the steps of a sequence.

use serde::{Deserialize, Serialize};
use taper_kernels::convolution::Convolution;

use super::conv2d_transpose::Built;
use super::convolution::{check_filters, sized};
use super::dense::{glorot_uniform, zeros};
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

/// Transposed convolution over the steps of a sequence: the linear map is the backward pass of the [`Conv1d`](crate::Conv1d) whose
/// output has this layer's input size, so it makes sequences longer.
///
/// Each input step t adds `x[t, c] kernel[k, f, c]` to the output at t·stride + k·dilation - before.
///
/// # Shapes
///
/// Input (steps, channels); output as long as [`Conv2dTranspose`](crate::Conv2dTranspose)'s is high; `filters` channels.
///
/// # Parameters
///
/// `kernel` (kernel_size, filters, channels); `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Conv1dTranspose, Model, Padding, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let twice = Conv1dTranspose::new(3, 3).strides(2).padding(Padding::Same);
/// let model = Model::build(&Sequential::new([8, 4]).layer(twice), Seed::new(1))?;
/// assert_eq!(model.output_shape().sizes(), [16, 3]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dTranspose {
    /// Output channels, at least 1.
    pub filters: usize,
    /// Size of the window.
    #[serde(deserialize_with = "window::one")]
    pub kernel_size: usize,
    /// How far apart in the output two neighbouring inputs land. Default: 1.
    #[serde(default = "window::once", deserialize_with = "window::one")]
    pub strides: usize,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// How many steps more the output has at its end, less than the stride. Default: as many as the stride asks for.
    #[serde(default, deserialize_with = "window::optional_one", skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<usize>,
    /// How far apart the taps of the window are. Default: 1; greater only where the stride is 1.
    #[serde(default = "window::once", deserialize_with = "window::one")]
    pub dilation_rate: usize,
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

impl Conv1dTranspose {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        Self {
            filters,
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            output_padding: None,
            dilation_rate: 1,
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
setters! { Conv1dTranspose: activation, padding, kernel_regularizer, bias_regularizer }

impl LayerConfig for Conv1dTranspose {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window =
            Window::over_steps("kernel_size", self.kernel_size, self.strides, self.dilation_rate, self.padding);
        let mut complaints = Complaints::new();
        check_filters(self.filters, &mut complaints);
        complaints.finish()?;
        window.check_not_causal()?;
        window.check_either_stride_or_dilation()?;
        let (rows, columns, channels) = window.transposed_over_steps(input, self.output_padding)?;
        let kernel = sized("kernel_size", &[columns.kernel, self.filters, channels])?;
        let output = sized("filters", &[columns.input, self.filters])?;
        let mut params = vec![
            ParamSpec::new("kernel", Role::Kernel, kernel, self.kernel_initializer.clone())
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint)
                .transposed(),
        ];
        if self.use_bias {
            let bias = Shape::new([self.filters])?;
            params.push(
                ParamSpec::new("bias", Role::Bias, bias, self.bias_initializer.clone())
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            );
        }
        // Seen from the convolution that runs backwards here, this layer's output is the input.
        let geometry = Convolution { rows, columns, channels: self.filters, filters: channels, groups: 1 };
        Ok(Box::new(Built { geometry, activation: self.activation, params, output }))
    }
}
