//! The fully connected layer.

use serde::{Deserialize, Serialize};
use taper_kernels::matrix;

use super::setter::setters;
use super::{Backward, DenseSizes, Forward, Layer, LayerConfig, Masking, single};
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};
use crate::{Complaints, Result};

/// `y = f(x · kernel + bias)`, over the last dimension of the input.
///
/// # Shapes
///
/// Input (…, inputs), output (…, units).
///
/// # Parameters
///
/// `kernel` (inputs, units); `bias` (units) unless `use_bias` is false.
///
/// # Example
///
/// The tutorial's hidden layer:
///
/// ```
/// use taper::{Activation, Dense, Regularizer};
///
/// let hidden = Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001));
/// assert_eq!(hidden.units, 500);
/// ```
///
/// Keras's `Dense(32, kernel_regularizer=l2(0.01), bias_regularizer=l2(0.01))`:
///
/// ```
/// use taper::{Dense, Regularizer};
///
/// let l2 = || Regularizer::l2(0.01);
/// let layer = Dense::new(32).kernel_regularizer(l2()).bias_regularizer(l2());
/// assert_eq!(layer.bias_regularizer, Some(l2()));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Size of the output, at least 1.
    pub units: usize,
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
    /// What the kernel is brought back to after each step. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias is brought back to after each step. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
}

pub(crate) fn glorot_uniform() -> Initializer {
    Initializer::GlorotUniform
}
pub(crate) fn zeros() -> Initializer {
    Initializer::Zeros
}

impl Dense {
    /// A linear layer with Keras's defaults.
    #[must_use]
    pub fn new(units: usize) -> Self {
        Self {
            units,
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

    /// With this constraint on the kernel.
    #[must_use]
    pub fn kernel_constraint(mut self, constraint: Constraint) -> Self {
        self.kernel_constraint = Some(constraint);
        self
    }

    /// With this constraint on the bias.
    #[must_use]
    pub fn bias_constraint(mut self, constraint: Constraint) -> Self {
        self.bias_constraint = Some(constraint);
        self
    }
}
setters! { Dense: activation, kernel_regularizer, bias_regularizer }

impl LayerConfig for Dense {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        complaints.check(self.units > 0, "units", "a whole number of at least 1", self.units);
        complaints.check(input.rank() > 0, "", "an input with at least one dimension", input);
        complaints.finish()?;

        let mut sizes = input.sizes().to_vec();
        sizes.pop();
        sizes.push(self.units);
        let output = Shape::new(sizes).map_err(|error| error.within("units"))?;
        let kernel = Shape::new([input.last(), self.units]).map_err(|error| error.within("units"))?;
        let mut params = vec![
            ParamSpec::new("kernel", Role::Kernel, kernel, self.kernel_initializer.clone())
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        ];
        if self.use_bias {
            let bias = Shape::new([self.units])?;
            params.push(
                ParamSpec::new("bias", Role::Bias, bias, self.bias_initializer.clone())
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            );
        }
        Ok(Box::new(Built {
            inputs: input.last(),
            units: self.units,
            rows: input.rows(),
            activation: self.activation,
            params,
            output,
        }))
    }
}

#[derive(Debug)]
struct Built {
    inputs: usize,
    units: usize,
    /// Feature vectors per sample.
    rows: usize,
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
        self.activation.cache_len(batch * self.rows * self.units)
    }

    fn dense(&self) -> Option<DenseSizes> {
        let activation = self.activation.unary().filter(|unary| !unary.needs_input())?;
        Some(DenseSizes { inputs: self.inputs, units: self.units, activation })
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        let (kernel, bias) = io.params.split_at(self.inputs * self.units);
        let rows = io.batch * self.rows;
        let fused = self.activation.fused();
        matrix::dense_forward(fused, rows, self.inputs, self.units, io.inputs.x(), kernel, bias, io.y);
        self.activation.finish(self.units, io.y, io.cache);
    }

    fn backward(&self, mut io: Backward<'_>) {
        let kernel = &io.params[..self.inputs * self.units];
        let (dkernel, dbias) = std::mem::take(&mut io.dparams).split_at_mut(self.inputs * self.units);
        let rows = io.batch * self.rows;
        let x = io.inputs.x();
        let dy = std::mem::take(&mut io.dy);
        let (unary, saved) = self.activation.unwind(self.units, io.y, io.cache, dy);
        matrix::dense_backward(
            unary,
            rows,
            self.inputs,
            self.units,
            x,
            kernel,
            saved,
            dy,
            dkernel,
            dbias,
            super::dx_of(io.dx, io.batch, &io.inputs),
        );
    }
}
