//! Gated recurrent units.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::matrix::{Matrix, Packed, column_sums, matmul_into, matmul_packed};
use taper_kernels::parallel::share_rows;
use taper_kernels::recurrent::gru;

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

/// A gated recurrent unit (Cho et al. 2014), as Keras computes it.
///
/// With x the input of a step, h the state, `a` the activation and `r` the recurrent activation, and kernels and biases in
/// three parts z, r, h in this order:
///
/// ```text
/// u = r(x · kernel_z + h · recurrent_kernel_z + bias_z)
/// v = r(x · kernel_r + h · recurrent_kernel_r + bias_r)
/// g = a(x · kernel_h + bias_h + v (h · recurrent_kernel_h + recurrent_bias_h))     with reset_after
/// g = a(x · kernel_h + bias_h + (v h) · recurrent_kernel_h)                        without
/// h' = u h + (1 - u) g
/// ```
///
/// The state begins at 0. A masked step leaves it as it is; its output is that of the step before.
///
/// # Shapes
///
/// Input (steps, features), output (units), or (steps, units) with `return_sequences`.
///
/// # Parameters
///
/// `gru_cell/kernel` (features, 3 units); `gru_cell/recurrent_kernel` (units, 3 units); `gru_cell/bias` (2, 3 units) with
/// `reset_after` (the input's row and the state's), else (3 units); none if `use_bias` is false.
///
/// # Example
///
/// ```
/// use taper::{Dense, Gru, Regularizer, Sequential};
///
/// let spec = Sequential::new([12, 1])
///     .layer(Gru::new(16).return_sequences(true))
///     .layer(Gru::new(8).recurrent_regularizer(Regularizer::l2(0.001)))
///     .layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
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
    /// Whether the reset gate acts after the product with the recurrent kernel. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub reset_after: bool,
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

impl Gru {
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
            kernel_regularizer: None,
            recurrent_regularizer: None,
            bias_regularizer: None,
            kernel_constraint: None,
            recurrent_constraint: None,
            bias_constraint: None,
            reset_after: true,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            return_sequences: false,
            go_backwards: false,
            zero_output_for_mask: false,
        }
    }
}
recurrent_builders!(Gru);

impl LayerConfig for Gru {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let settings = Settings {
            units: self.units,
            activations: &[("activation", self.activation), ("recurrent_activation", self.recurrent_activation)],
            use_bias: self.use_bias,
            bias_rows: if self.reset_after { 2 } else { 1 },
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
        let (activation, gate) = (recurrent::unary(self.activation), recurrent::unary(self.recurrent_activation));
        if self.reset_after {
            recurrent::build(&settings, ResetAfter { activation, gate }, inputs)
        } else {
            recurrent::build(&settings, ResetBefore { activation, gate }, inputs)
        }
    }
}

/// The reset gate acts on the state's sums.
#[derive(Debug)]
struct ResetAfter {
    activation: Unary,
    gate: Unary,
}

impl Cell for ResetAfter {
    const GATES: usize = 3;
    const NAME: &'static str = "gru_cell";

    /// The sums of the state.
    fn cache_len(&self, span: Span) -> usize {
        span.steps * span.state() * 3
    }

    fn scratch_len(&self, _: Span) -> usize {
        0
    }

    fn forward(&self, pass: CellForward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, sums), pass.packed);
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let all = s * batch * sums..(s + 1) * batch * sums;
            let (z, n) = (&mut pass.gates[all.clone()], &mut pass.cache[all]);
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            let bias = pass.recurrent_bias;
            share_rows(batch, state * sums, [mask, h_past], [z, n, h], |rows, [mask, h_past], [z, n, h]| {
                if bias.is_empty() {
                    n.fill(0.0);
                } else {
                    n.chunks_exact_mut(sums).for_each(|n| n.copy_from_slice(bias));
                }
                if s > 0 {
                    matmul_packed(Matrix::new(h_past, rows, units), kernel, n, sums, true);
                }
                gru::after_forward(self.activation, self.gate, units, mask, z, n, h_past, h);
            });
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let dh = pass.dh;
        let kernel = Packed::new(Matrix::new(pass.recurrent_kernel, units, sums).t(), pass.packed);
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let h_past = &pass.h[s * state..(s + 1) * state];
            let all = s * batch * sums..(s + 1) * batch * sums;
            let (z, n) = (&mut pass.gates[all.clone()], &mut pass.cache[all]);
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            share_rows(batch, state * sums, [mask, h_past], [z, n, dh], |rows, [mask, h_past], [z, n, dh]| {
                gru::after_backward(self.activation, self.gate, units, mask, z, n, h_past, dh);
                if s > 0 {
                    matmul_packed(Matrix::new(n, rows, sums), kernel, dh, units, true);
                }
            });
        }
        recurrent_gradient(pass.span, sums, pass.h, pass.cache, pass.drecurrent_kernel);
        if !pass.drecurrent_bias.is_empty() {
            column_sums(pass.cache, pass.drecurrent_bias);
        }
    }
}

/// The reset gate acts on the state itself.
#[derive(Debug)]
struct ResetBefore {
    activation: Unary,
    gate: Unary,
}

impl Cell for ResetBefore {
    const GATES: usize = 3;
    const NAME: &'static str = "gru_cell";

    /// The reset states.
    fn cache_len(&self, span: Span) -> usize {
        span.steps * span.state()
    }

    /// Both parts of the kernel.
    fn packed_len(&self, units: usize) -> usize {
        let [gates, candidate] = self.packed_lens(units);
        gates + candidate
    }

    /// The gradient of the reset state.
    fn scratch_len(&self, span: Span) -> usize {
        span.state()
    }

    fn forward(&self, pass: CellForward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let (of_gates, of_candidate) = kernels(pass.recurrent_kernel, units);
        let (for_gates, for_candidate) = pass.packed.split_at_mut(self.packed_lens(units)[0]);
        let (of_gates, of_candidate) = (Packed::new(of_gates, for_gates), Packed::new(of_candidate, for_candidate));
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let vh = &mut pass.cache[s * state..(s + 1) * state];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            share_rows(batch, state * sums, [mask, h_past], [z, vh, h], |rows, [mask, h_past], [z, vh, h]| {
                if s > 0 {
                    matmul_packed(Matrix::new(h_past, rows, units), of_gates, z, sums, true);
                }
                gru::before_reset(self.gate, units, z, h_past, vh);
                if s > 0 {
                    matmul_packed(Matrix::new(vh, rows, units), of_candidate, &mut z[2 * units..], sums, true);
                }
                gru::before_mix(self.activation, self.gate, units, mask, z, h_past, h);
            });
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let (dh, dvh) = (pass.dh, pass.scratch);
        let (of_gates, of_candidate) = kernels(pass.recurrent_kernel, units);
        let (for_gates, for_candidate) = pass.packed.split_at_mut(self.packed_lens(units)[0]);
        let of_gates = Packed::new(of_gates.t(), for_gates);
        let of_candidate = Packed::new(of_candidate.t(), for_candidate);
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let h_past = &pass.h[s * state..(s + 1) * state];
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            share_rows(batch, state * sums, [mask, h_past], [z, dvh, dh], |rows, [mask, h_past], [z, dvh, dh]| {
                gru::before_mix_backward(self.activation, self.gate, units, mask, z, h_past, dh);
                matmul_packed(Matrix::strided(&z[2 * units..], rows, units, sums), of_candidate, dvh, units, false);
                gru::before_reset_backward(self.gate, units, z, h_past, dvh, dh);
                if s > 0 {
                    matmul_packed(Matrix::strided(z, rows, 2 * units, sums), of_gates, dh, units, true);
                }
            });
        }
        // The first step's past is 0 and has no part in the recurrent kernel's gradient.
        if steps == 1 {
            return pass.drecurrent_kernel.fill(0.0);
        }
        let rows = (steps - 1) * batch;
        let dz = &pass.gates[batch * sums..];
        let h_past = Matrix::new(&pass.h[state..steps * state], rows, units);
        let vh = Matrix::new(&pass.cache[state..], rows, units);
        let dkernel = pass.drecurrent_kernel;
        matmul_into(h_past.t(), Matrix::strided(dz, rows, 2 * units, sums), dkernel, sums, false);
        let dcandidate = Matrix::strided(&dz[2 * units..], rows, units, sums);
        matmul_into(vh.t(), dcandidate, &mut dkernel[2 * units..], sums, false);
    }
}

impl ResetBefore {
    /// For each part of the kernel, as it is and transposed.
    fn packed_lens(&self, units: usize) -> [usize; 2] {
        [Packed::len(units, 2 * units).max(Packed::len(2 * units, units)), Packed::len(units, units)]
    }
}

/// The parts of the recurrent kernel: both gates, and the candidate.
fn kernels(kernel: &[f32], units: usize) -> (Matrix<'_>, Matrix<'_>) {
    let sums = 3 * units;
    (Matrix::strided(kernel, units, 2 * units, sums), Matrix::strided(&kernel[2 * units..], units, units, sums))
}
