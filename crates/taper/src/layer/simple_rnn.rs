//! The plain recurrent layer.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::matrix::{Matrix, Packed, matmul_packed};
use taper_kernels::recurrent::simple;

use super::dense::{glorot_uniform, zeros};
use super::recurrent::{
    self, Cell, CellBackward, CellForward, Settings, Span, orthogonal, recurrent_builders, recurrent_gradient, states,
    tanh,
};
use super::{Layer, LayerConfig};
use crate::Result;
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_default, is_yes, yes};

/// The plain recurrent layer (Elman 1990): `h' = f(x · kernel + h · recurrent_kernel + bias)`.
///
/// The state h begins at 0. A masked step leaves it as it is; its output is that of the step before.
///
/// # Shapes
///
/// Input (steps, features), output (units), or (steps, units) with `return_sequences`.
///
/// # Parameters
///
/// `simple_rnn_cell/kernel` (features, units); `simple_rnn_cell/recurrent_kernel` (units, units); `simple_rnn_cell/bias` (units)
/// unless `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Dense, Regularizer, Sequential, SimpleRnn};
///
/// let spec = Sequential::new([12, 1])
///     .layer(SimpleRnn::new(16).recurrent_regularizer(Regularizer::l1(0.001)))
///     .layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleRnn {
    /// Size of the state, at least 1.
    pub units: usize,
    /// f. Default: tanh.
    #[serde(default = "tanh")]
    pub activation: Activation,
    /// Whether there is a bias. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub use_bias: bool,
    /// How the kernel begins. Default: `glorot_uniform`.
    #[serde(default = "glorot_uniform")]
    pub kernel_initializer: Initializer,
    /// How the recurrent kernel begins. Default: `orthogonal`.
    #[serde(default = "orthogonal")]
    pub recurrent_initializer: Initializer,
    /// How the bias begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the recurrent kernel. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_regularizer: Option<Regularizer>,
    /// Penalty on the bias. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_regularizer: Option<Regularizer>,
    /// Constraint on the kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_constraint: Option<Constraint>,
    /// Constraint on the recurrent kernel after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrent_constraint: Option<Constraint>,
    /// Constraint on the bias after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_constraint: Option<Constraint>,
    /// Share of the input's features that become 0 in training, the same ones in all steps, in [0, 1). Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f32,
    /// Must be 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recurrent_dropout: f32,
    /// Whether the output is the state after every step. Default: after the last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub return_sequences: bool,
    /// Whether the last step is read first; a sequence of outputs then stays in that order. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub go_backwards: bool,
    /// Whether the output of masked steps is 0 instead of that of the step before. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub zero_output_for_mask: bool,
}

impl SimpleRnn {
    /// A layer with Keras's defaults.
    #[must_use]
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: tanh(),
            use_bias: true,
            kernel_initializer: glorot_uniform(),
            recurrent_initializer: orthogonal(),
            bias_initializer: zeros(),
            kernel_regularizer: None,
            recurrent_regularizer: None,
            bias_regularizer: None,
            kernel_constraint: None,
            recurrent_constraint: None,
            bias_constraint: None,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            return_sequences: false,
            go_backwards: false,
            zero_output_for_mask: false,
        }
    }
}
recurrent_builders!(SimpleRnn);

impl LayerConfig for SimpleRnn {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let settings = Settings {
            units: self.units,
            activations: &[("activation", self.activation)],
            use_bias: self.use_bias,
            bias_rows: 1,
            ones: 0..0,
            kernel_initializer: &self.kernel_initializer,
            recurrent_initializer: &self.recurrent_initializer,
            bias_initializer: &self.bias_initializer,
            kernel_regularizer: &self.kernel_regularizer,
            kernel_constraint: &self.kernel_constraint,
            recurrent_regularizer: &self.recurrent_regularizer,
            recurrent_constraint: &self.recurrent_constraint,
            bias_regularizer: &self.bias_regularizer,
            bias_constraint: &self.bias_constraint,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            return_sequences: self.return_sequences,
            go_backwards: self.go_backwards,
            zero_output_for_mask: self.zero_output_for_mask,
        };
        recurrent::build(&settings, SimpleCell { activation: recurrent::unary(self.activation) }, inputs)
    }
}

#[derive(Debug)]
struct SimpleCell {
    activation: Unary,
}

impl Cell for SimpleCell {
    const GATES: usize = 1;
    const NAME: &'static str = "simple_rnn_cell";

    fn cache_len(&self, _: Span) -> usize {
        0
    }

    fn scratch_len(&self, _: Span) -> usize {
        0
    }

    fn forward(&self, pass: CellForward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let state = batch * units;
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, units), pass.packed);
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let z = &mut pass.gates[s * state..(s + 1) * state];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            if s > 0 {
                matmul_packed(Matrix::new(h_past, batch, units), kernel, z, units, true);
            }
            simple::forward(self.activation, units, mask, z, h_past, h);
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, dh) = (batch * units, pass.dh);
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, units).t(), pass.packed);
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let z = &mut pass.gates[s * state..(s + 1) * state];
            simple::backward(self.activation, units, &pass.mask[s * batch..(s + 1) * batch], z, dh);
            if s > 0 {
                matmul_packed(Matrix::new(z, batch, units), kernel, dh, units, true);
            }
        }
        recurrent_gradient(pass.span, units, pass.h, pass.gates, pass.drecurrent_kernel);
    }
}
