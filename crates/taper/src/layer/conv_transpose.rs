//! Transposed convolution.

use serde::{Deserialize, Serialize};
use taper_kernels::convolution::Convolution;

use super::convolution::{check_filters, sized};
use super::dense::{glorot_uniform, zeros};
use super::extent::{self, Extent, IntoExtent, Pair, sizes};
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
use crate::{Complaints, Result};

/// Transposed convolution over the steps of a sequence: the linear map is the backward pass of the [`Conv1d`](crate::Conv1d) whose
/// output has this layer's input size, so it makes sequences longer.
///
/// Each input step t adds `x[t, c] kernel[k, f, c]` to the output at t·stride + k·dilation - before.
///
/// # Shapes
///
/// Input (steps, channels); output as long as [`Conv2dTranspose`]'s is high; `filters` channels.
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
pub type Conv1dTranspose = ConvTranspose<usize>;

/// Transposed convolution, often called deconvolution: the linear map is the backward pass of the [`Conv2d`](crate::Conv2d)
/// whose output has this layer's input size, so it enlarges where that one shrinks (Zeiler et al. 2010).
///
/// `y = f(xᵀ-convolved + bias)`: each input pixel adds `x[i, j, c] kernel[k, l, f, c]` to the output at
/// (i·stride + k·dilation - top, j·stride + l·dilation - left).
///
/// # Shapes
///
/// Input (height, width, channels); output height is height·stride + max(span - stride, 0) for `valid` padding, with
/// span = (kernel height - 1)·dilation + 1, and height·stride for `same`. Where `output_padding` p is said, it is
/// (height - 1)·stride + span + p and (height - 1)·stride + (span mod 2) + p. The width likewise; `filters` channels.
///
/// # Parameters
///
/// `kernel` (height, width, filters, channels); `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Conv2dTranspose, Model, Padding, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let twice = Conv2dTranspose::new(3, 3).strides(2).padding(Padding::Same);
/// let model = Model::build(&Sequential::new([8, 8, 4]).layer(twice), Seed::new(1))?;
/// assert_eq!(model.output_shape().sizes(), [16, 16, 3]);
/// # Ok(())
/// # }
/// ```
pub type Conv2dTranspose = ConvTranspose<Pair>;

/// The settings of [`Conv1dTranspose`] and [`Conv2dTranspose`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct ConvTranspose<E> {
    /// Output channels, at least 1.
    pub filters: usize,
    /// Size of the window.
    #[serde(deserialize_with = "E::read")]
    pub kernel_size: E,
    /// How far apart in the output two neighbouring inputs land. Default: 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub strides: E,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
    /// How many steps, or rows and columns, more the output has at its end, less than the strides. Default: as many as the strides
    /// ask for.
    #[serde(default, deserialize_with = "extent::optional", skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<E>,
    /// How far apart the taps of the window are. Default: 1; greater only where all strides are 1.
    #[serde(default = "E::once", deserialize_with = "E::read")]
    pub dilation_rate: E,
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

impl<E: Extent> ConvTranspose<E> {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: impl IntoExtent<E>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into_extent(),
            strides: E::once(),
            padding: Padding::Valid,
            output_padding: None,
            dilation_rate: E::once(),
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
setters! { ConvTranspose<E>: activation, strides, padding, kernel_regularizer, bias_regularizer }

impl<E: Extent> LayerConfig for ConvTranspose<E> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let window = Window {
            place: "kernel_size",
            size: self.kernel_size,
            strides: self.strides,
            dilation_rate: self.dilation_rate,
            padding: self.padding,
        };
        let mut complaints = Complaints::new();
        check_filters(self.filters, &mut complaints);
        complaints.finish()?;
        window.check_not_causal()?;
        window.check_either_stride_or_dilation()?;
        let (rows, columns, channels) = window.transposed(input, self.output_padding)?;
        let kernel = sized("kernel_size", &sizes::<E>(rows.kernel, columns.kernel, &[self.filters, channels]))?;
        let output = sized("filters", &sizes::<E>(rows.input, columns.input, &[self.filters]))?;
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

/// A transposed convolution with all sizes fixed.
#[derive(Debug)]
struct Built {
    /// The convolution that this layer is the backward pass of.
    geometry: Convolution,
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

    fn scratch_len(&self, batch: usize) -> usize {
        self.geometry.scratch_len(batch)
    }

    fn forward(&self, io: Forward<'_>) {
        let (kernel, bias) = io.params.split_at(self.geometry.kernel_len());
        self.geometry.backward_input(io.batch, io.inputs.x(), kernel, io.y, io.scratch);
        self.activation.apply(self.output.last(), bias, io.y, io.cache);
    }

    fn backward(&self, io: Backward<'_>) {
        let kernel = &io.params[..self.geometry.kernel_len()];
        let (dkernel, dbias) = io.dparams.split_at_mut(kernel.len());
        self.activation.apply_backward(self.output.last(), io.y, io.cache, io.dy, dbias);
        self.geometry.backward_kernel(io.batch, io.dy, io.inputs.x(), dkernel, io.scratch);
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.geometry.forward(io.batch, io.dy, kernel, dx, io.scratch);
        }
    }
}
