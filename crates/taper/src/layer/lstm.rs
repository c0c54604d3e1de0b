//! Long short-term memory.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::recurrent::lstm;

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
    pub struct Lstm {
        /// a. Default: tanh.
        activation,
        /// r. Default: sigmoid.
        #[serde(default = "sigmoid")]
        recurrent_activation: Activation = sigmoid(),
        /// Whether the bias of the forget gate begins at 1 instead (Jozefowicz et al. 2015). Default: yes.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        unit_forget_bias: bool = true,
    }
}

impl LayerConfig for Lstm {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let forget = if self.unit_forget_bias { self.units..self.units.saturating_mul(2) } else { 0..0 };
        let mut settings = Settings { ones: forget, ..self.settings() };
        settings.activations.push(("recurrent_activation", self.recurrent_activation));
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
    const PRODUCTS: [usize; 2] = [4, 0];
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
        let mut recurrence = pass.recurrence;
        for s in 0..steps {
            let (h_past, h) = states(h, s, state);
            let (c_past, c) = states(c, s, state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            if s > 0 {
                recurrence.add(0, h_past, z);
            }
            lstm::forward(self.activation, self.recurrent, units, mask, z, c_past, c, h_past, h);
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, sums) = (batch * units, 4 * units);
        let (dh, dc) = (pass.dh, pass.scratch);
        let mut recurrence = pass.recurrence;
        dc.fill(0.0);
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let (c_past, c) = pass.cache[s * state..(s + 2) * state].split_at(state);
            let z = &mut pass.gates[s * batch * sums..(s + 1) * batch * sums];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            lstm::backward(self.activation, self.recurrent, units, mask, z, c_past, c, dh, dc);
            if s > 0 {
                recurrence.add_back(0, z, dh);
            }
        }
    }

    fn gradient(&self, mut pass: CellGradient<'_>) {
        pass.recurrence.gradient(0..4, pass.h, pass.gates, pass.drecurrent_kernel);
    }
}
