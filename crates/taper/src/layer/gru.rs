//! Gated recurrent units.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::matrix::column_sums;
use taper_kernels::recurrent::gru;

use super::dense::{glorot_uniform, zeros};
use super::recurrent::{
    self, Cell, CellBackward, CellForward, CellGradient, Settings, Span, orthogonal, recurrent_layer, sigmoid, states,
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

recurrent_layer! {
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
    pub struct Gru {
        /// a. Default: tanh.
        activation,
        /// r. Default: sigmoid.
        #[serde(default = "sigmoid")]
        recurrent_activation: Activation = sigmoid(),
        /// Whether the reset gate acts after the product with the recurrent kernel. Default: yes.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        reset_after: bool = true,
    }
}

impl LayerConfig for Gru {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut settings = Settings { bias_rows: if self.reset_after { 2 } else { 1 }, ..self.settings() };
        settings.activations.push(("recurrent_activation", self.recurrent_activation));
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
    const PRODUCTS: [usize; 2] = [3, 0];
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
        let mut recurrence = pass.recurrence;
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let all = s * batch * sums..(s + 1) * batch * sums;
            let (z, n) = (&mut pass.gates[all.clone()], &mut pass.cache[all]);
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            if pass.recurrent_bias.is_empty() {
                n.fill(0.0);
            } else {
                n.chunks_exact_mut(sums).for_each(|n| n.copy_from_slice(pass.recurrent_bias));
            }
            if s > 0 {
                recurrence.add(0, h_past, n);
            }
            gru::after_forward(self.activation, self.gate, units, mask, z, n, h_past, h);
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let dh = pass.dh;
        let mut recurrence = pass.recurrence;
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let h_past = &pass.h[s * state..(s + 1) * state];
            let all = s * batch * sums..(s + 1) * batch * sums;
            let (z, n) = (&mut pass.gates[all.clone()], &mut pass.cache[all]);
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            gru::after_backward(self.activation, self.gate, units, mask, z, n, h_past, dh);
            if s > 0 {
                recurrence.add_back(0, n, dh);
            }
        }
    }

    fn gradient(&self, mut pass: CellGradient<'_>) {
        pass.recurrence.gradient(0..3, pass.h, pass.cache, pass.drecurrent_kernel);
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
    const PRODUCTS: [usize; 2] = [2, 1];
    const NAME: &'static str = "gru_cell";

    /// The reset states, dropped for the candidate where there is dropout.
    fn cache_len(&self, span: Span) -> usize {
        span.steps * span.state()
    }

    /// The gradient of the reset state.
    fn scratch_len(&self, span: Span) -> usize {
        span.state()
    }

    fn forward(&self, pass: CellForward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let mut recurrence = pass.recurrence;
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let vh = &mut pass.cache[s * state..(s + 1) * state];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            if s > 0 {
                recurrence.add(0, h_past, z);
            }
            gru::before_reset(self.gate, units, z, h_past, vh);
            if s > 0 {
                recurrence.drop(2, vh);
                recurrence.add_dropped(1, vh, &mut z[2 * units..]);
            }
            gru::before_mix(self.activation, self.gate, units, mask, z, h_past, h);
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 3 * units);
        let (dh, dvh) = (pass.dh, pass.scratch);
        let mut recurrence = pass.recurrence;
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let h_past = &pass.h[s * state..(s + 1) * state];
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            gru::before_mix_backward(self.activation, self.gate, units, mask, z, h_past, dh);
            dvh.fill(0.0);
            recurrence.add_back(1, &z[2 * units..], dvh);
            gru::before_reset_backward(self.gate, units, z, h_past, dvh, dh);
            if s > 0 {
                recurrence.add_back(0, z, dh);
            }
        }
    }

    fn gradient(&self, mut pass: CellGradient<'_>) {
        pass.recurrence.gradient(0..2, pass.h, pass.gates, pass.drecurrent_kernel);
        pass.recurrence.gradient_dropped(2..3, pass.cache, pass.gates, pass.drecurrent_kernel);
    }
}
