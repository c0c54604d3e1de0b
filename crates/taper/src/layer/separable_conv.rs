//! Depthwise separable convolution.

use serde::{Deserialize, Serialize};
use taper_kernels::depthwise::Depthwise;
use taper_kernels::matrix::{Matrix, matmul};

use super::convolution::{check_filters, check_settings, sized};
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
pub type SeparableConv1d = SeparableConv<usize>;

/// A depthwise convolution ([`DepthwiseConv2d`](crate::DepthwiseConv2d), without bias or activation), then a 1 × 1 convolution
/// that mixes its channels: `y = f(depthwise(x) · pointwise_kernel + bias)` (Chollet 2017, Xception).
///
/// # Shapes
///
/// Input (height, width, channels), output (new height, new width, filters).
///
/// # Parameters
///
/// `depthwise_kernel` (height, width, channels, depth_multiplier); `pointwise_kernel` (1, 1, channels·depth_multiplier,
/// filters); `bias` (filters) unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Activation, Padding, Regularizer, SeparableConv2d};
///
/// let layer = SeparableConv2d::new(32, 3).padding(Padding::Same).activation(Activation::Relu);
/// let layer = layer.pointwise_regularizer(Regularizer::l2(1e-5));
/// assert_eq!(layer.filters, 32);
/// ```
pub type SeparableConv2d = SeparableConv<Pair>;

/// The settings of [`SeparableConv1d`] and [`SeparableConv2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct SeparableConv<E> {
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

impl<E: Extent> SeparableConv<E> {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(filters: usize, kernel_size: impl IntoExtent<E>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into_extent(),
            strides: E::once(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: E::once(),
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
}
setters! { SeparableConv<E>: activation, strides, padding, depth_multiplier, depthwise_regularizer, pointwise_regularizer, bias_regularizer }

impl<E: Extent> LayerConfig for SeparableConv<E> {
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
        let mut complaints = Complaints::new();
        check_filters(self.filters, &mut complaints);
        let multiplier = self.depth_multiplier;
        complaints.check(multiplier > 0, "depth_multiplier", "a whole number of at least 1", multiplier);
        complaints.finish()?;
        let (rows, columns, channels) = window.over(input)?;
        let depthwise = sized("kernel_size", &sizes::<E>(rows.kernel, columns.kernel, &[channels, multiplier]))?;
        let pointwise = sized("filters", &sizes::<E>(1, 1, &[channels * multiplier, self.filters]))?;
        let output = sized("filters", &sizes::<E>(rows.output, columns.output, &[self.filters]))?;
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

/// A separable convolution with all sizes fixed.
#[derive(Debug)]
struct Built {
    geometry: Depthwise,
    activation: Activation,
    params: Vec<ParamSpec>,
    output: Shape,
}

impl Built {
    /// Channels between the two convolutions.
    fn width(&self) -> usize {
        self.geometry.channels * self.geometry.multiplier
    }

    /// Floats between them, of a batch.
    fn middle_len(&self, batch: usize) -> usize {
        batch * self.geometry.output_len()
    }

    fn filters(&self) -> usize {
        self.output.last()
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// What lies between the convolutions, and what the activation keeps.
    fn cache_len(&self, batch: usize) -> usize {
        self.middle_len(batch) + self.activation.cache_len(batch * self.output.len())
    }

    /// The gradient of what lies between, and what the depthwise convolution needs.
    fn scratch_len(&self, batch: usize) -> usize {
        self.middle_len(batch) + self.geometry.scratch_len()
    }

    fn forward(&self, io: Forward<'_>) {
        let (depthwise, rest) = io.params.split_at(self.geometry.kernel_len());
        let (pointwise, bias) = rest.split_at(self.width() * self.filters());
        let (middle, cache) = io.cache.split_at_mut(self.middle_len(io.batch));
        self.geometry.forward(io.batch, io.inputs.x(), depthwise, middle, io.scratch);
        let pixels = middle.len() / self.width();
        let middle = Matrix::new(middle, pixels, self.width());
        matmul(middle, Matrix::new(pointwise, self.width(), self.filters()), io.y);
        self.activation.apply(self.filters(), bias, io.y, cache);
    }

    fn backward(&self, io: Backward<'_>) {
        let (depthwise, rest) = io.params.split_at(self.geometry.kernel_len());
        let pointwise = &rest[..self.width() * self.filters()];
        let (ddepthwise, rest) = io.dparams.split_at_mut(depthwise.len());
        let (dpointwise, dbias) = rest.split_at_mut(pointwise.len());
        let (middle, cache) = io.cache.split_at(self.middle_len(io.batch));
        let (dmiddle, scratch) = io.scratch.split_at_mut(middle.len());

        self.activation.apply_backward(self.filters(), io.y, cache, io.dy, dbias);
        let pixels = middle.len() / self.width();
        let dy = Matrix::new(io.dy, pixels, self.filters());
        matmul(Matrix::new(middle, pixels, self.width()).t(), dy, dpointwise);
        matmul(dy, Matrix::new(pointwise, self.width(), self.filters()).t(), dmiddle);
        self.geometry.backward_kernel(io.batch, io.inputs.x(), dmiddle, ddepthwise, scratch);
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.geometry.backward_input(io.batch, dmiddle, depthwise, dx, scratch);
        }
    }
}
