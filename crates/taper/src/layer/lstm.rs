//! Long short-term memory.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::matrix::{Matrix, Packed, matmul_packed};
use taper_kernels::parallel::share_rows;
use taper_kernels::recurrent::lstm;

use super::dense::{glorot_uniform, zeros};
use super::recurrent::{
    self, Cell, CellBackward, CellForward, Settings, Span, orthogonal, recurrent_builders, recurrent_gradient, sigmoid,
    states, tanh,
};
use super::{Layer, LayerConfig};
use crate::Result;
use crate::activation::Activation;
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_default, is_yes, yes};

/// A long short-term memory (Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000), as Keras computes it.
///
/// With x the input of a step, h and c the states, `a` the activation and `r` the recurrent activation:
///
/// ```text
/// i, f, g, o = x · kernel + h · recurrent_kernel + bias        (four parts, in this order)
/// c' = r(f) c + r(i) a(g)
/// h' = r(o) a(c')
/// ```
///
/// Both states begin at 0. A masked step leaves them as they are; its output is that of the step before.
///
/// # Shapes
///
/// Input (steps, features), output (units), or (steps, units) with `return_sequences`.
///
/// # Parameters
///
/// `lstm_cell/kernel` (features, 4 units); `lstm_cell/recurrent_kernel` (units, 4 units); `lstm_cell/bias` (4 units) unless
/// `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Dense, Lstm, Regularizer, Sequential};
///
/// let l2 = || Regularizer::l2(0.01);
/// let spec = Sequential::new([12, 1])
///     .layer(Lstm::new(32).kernel_regularizer(l2()).recurrent_regularizer(l2()).bias_regularizer(l2()))
///     .layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// Size of the state, at least 1.
    pub units: usize,
    /// a. Default: tanh.
    #[serde(default = "tanh")]
    pub activation: Activation,
    /// r. Default: sigmoid.
    #[serde(default = "sigmoid")]
    pub recurrent_activation: Activation,
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
    /// Whether the bias of the forget gate begins at 1 instead (Jozefowicz et al. 2015). Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub unit_forget_bias: bool,
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

impl Lstm {
    /// A layer with Keras's defaults.
    #[must_use]
    pub fn new(units: usize) -> Self {
        Self {
            units,
            activation: tanh(),
            recurrent_activation: sigmoid(),
            use_bias: true,
            kernel_initializer: glorot_uniform(),
            recurrent_initializer: orthogonal(),
            bias_initializer: zeros(),
            unit_forget_bias: true,
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
recurrent_builders!(Lstm);

impl LayerConfig for Lstm {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let forget = if self.unit_forget_bias { self.units..self.units.saturating_mul(2) } else { 0..0 };
        let settings = Settings {
            units: self.units,
            activations: &[("activation", self.activation), ("recurrent_activation", self.recurrent_activation)],
            use_bias: self.use_bias,
            bias_rows: 1,
            ones: forget,
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
        let cell = LstmCell {
            activation: recurrent::unary(self.activation),
            recurrent: recurrent::unary(self.recurrent_activation),
        };
        recurrent::build(&settings, cell, inputs)
    }
}

#[derive(Debug)]
struct LstmCell {
    activation: Unary,
    recurrent: Unary,
}

impl Cell for LstmCell {
    const GATES: usize = 4;
    const NAME: &'static str = "lstm_cell";

    /// The carried state, before the first step and after each.
    fn cache_len(&self, span: Span) -> usize {
        (span.steps + 1) * span.state()
    }

    /// The gradient of the carried state.
    fn scratch_len(&self, span: Span) -> usize {
        span.state()
    }

    fn forward(&self, pass: CellForward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 4 * units);
        let (h, c) = (pass.h, pass.cache);
        c[..state].fill(0.0);
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, sums), pass.packed);
        for s in 0..steps {
            let (h_past, h) = states(h, s, state);
            let (c_past, c) = states(c, s, state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            let read = [mask, h_past, c_past];
            share_rows(batch, state * sums, read, [z, c, h], |rows, [mask, h_past, c_past], [z, c, h]| {
                if s > 0 {
                    matmul_packed(Matrix::new(h_past, rows, units), kernel, z, sums, true);
                }
                lstm::forward(self.activation, self.recurrent, units, mask, z, c_past, c, h_past, h);
            });
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 4 * units);
        let (dh, dc) = (pass.dh, pass.scratch);
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, sums).t(), pass.packed);
        dc.fill(0.0);
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let (c_past, c) = pass.cache[s * state..(s + 2) * state].split_at(state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            share_rows(batch, state * sums, [mask, c_past, c], [z, dh, dc], |rows, [mask, c_past, c], [z, dh, dc]| {
                lstm::backward(self.activation, self.recurrent, units, mask, z, c_past, c, dh, dc);
                if s > 0 {
                    matmul_packed(Matrix::new(z, rows, sums), kernel, dh, units, true);
                }
            });
        }
        recurrent_gradient(pass.span, sums, pass.h, pass.gates, pass.drecurrent_kernel);
    }
}
