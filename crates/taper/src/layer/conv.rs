//! Convolution.

use serde::{Deserialize, Serialize};

use super::convolution::{BuiltConvolution, geometry, sized};
use super::dense::{glorot_uniform, zeros};
use super::extent::{Extent, IntoExtent, Pair, sizes};
use super::setter::setters;
use super::window::{Padding, Window};
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
pub type Conv1d = Conv<usize>;

/// Convolution over images:
/// `y[i, j, f] = activation(Σ x[i·stride + k·dilation - top, j·stride + l·dilation - left, c] kernel[k, l, c, f] + bias[f])`,
/// summed over taps (k, l) and channels c; the rest is as in [`Conv1d`].
///
/// # Shapes
///
/// Input (height, width, channels), output (new height, new width, filters).
///
/// # Parameters
///
/// `kernel` (height, width, channels / groups, filters); `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Conv2d, Regularizer};
///
/// let layer = Conv2d::new(32, (3, 3));
/// let layer = layer.kernel_regularizer(Regularizer::l2(0.01)).bias_regularizer(Regularizer::l2(0.01));
/// assert_eq!(layer.filters, 32);
/// ```
pub type Conv2d = Conv<Pair>;

/// The settings of [`Conv1d`] and [`Conv2d`]. Only the former may be causal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct Conv<E> {
    /// Output channels, at least 1.
    pub filters: usize,
    /// Size of the window.
    #[serde(deserialize_with = "E::read")]
    pub kernel_size: E,
    /// How far the window moves from one output to the next. Default: 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub strides: E,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// How far apart the taps of the window are. Default: 1; greater only where all strides are 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub dilation_rate: E,
    /// Into how many groups the channels fall; must divide them and the filters. Default: 1.
    #[serde(default = "usize::once")]
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

impl<E: Extent> Conv<E> {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: impl IntoExtent<E>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into_extent(),
            strides: E::once(),
            padding: Padding::Valid,
            dilation_rate: E::once(),
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
}
setters! { Conv<E>: activation, strides, padding, kernel_regularizer, bias_regularizer }

impl<E: Extent> LayerConfig for Conv<E> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window = Window {
            place: "kernel_size",
            size: self.kernel_size,
            strides: self.strides,
            dilation_rate: self.dilation_rate,
            padding: self.padding,
        };
        if !E::IN_TIME {
            window.check_not_causal()?;
        }
        window.check_either_stride_or_dilation()?;
        let geometry = geometry(window.over(input)?, self.filters, self.groups)?;
        let (rows, columns) = (geometry.rows, geometry.columns);
        let output = sized("filters", &sizes::<E>(rows.output, columns.output, &[self.filters]))?;
        let mixed = [geometry.channels / self.groups, self.filters];
        let kernel = sized("kernel_size", &sizes::<E>(rows.kernel, columns.kernel, &mixed))?;
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
