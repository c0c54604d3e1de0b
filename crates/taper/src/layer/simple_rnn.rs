//! The plain recurrent layer.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;
use taper_kernels::recurrent::simple;

use super::dense::{glorot_uniform, zeros};
use super::recurrent::{
    self, Cell, CellBackward, CellForward, CellGradient, Settings, Span, orthogonal, recurrent_layer, states, tanh,
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
    pub struct SimpleRnn {
        /// f. Default: tanh.
        activation,
    }
}

impl LayerConfig for SimpleRnn {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        recurrent::build(&self.settings(), SimpleCell { activation: recurrent::unary(self.activation) }, inputs)
    }
}

#[derive(Debug)]
struct SimpleCell {
    activation: Unary,
}

impl Cell for SimpleCell {
    const GATES: usize = 1;
    const PRODUCTS: [usize; 2] = [1, 0];
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
        let mut recurrence = pass.recurrence;
        for s in 0..steps {
            let (h_past, h) = states(pass.h, s, state);
            let z = &mut pass.gates[s * state..(s + 1) * state];
            let mask = &pass.mask[s * batch..(s + 1) * batch];
            if s > 0 {
                recurrence.add(0, h_past, z);
            }
            simple::forward(self.activation, units, mask, z, h_past, h);
        }
    }

    fn backward(&self, pass: CellBackward<'_>) {
        let Span { steps, batch, units } = pass.span;
        let (state, dh) = (batch * units, pass.dh);
        let mut recurrence = pass.recurrence;
        for s in (0..steps).rev() {
            pass.output.add(s, dh);
            let z = &mut pass.gates[s * state..(s + 1) * state];
            simple::backward(self.activation, units, &pass.mask[s * batch..(s + 1) * batch], z, dh);
            if s > 0 {
                recurrence.add_back(0, z, dh);
            }
        }
    }

    fn gradient(&self, mut pass: CellGradient<'_>) {
        pass.recurrence.gradient(0..1, pass.h, pass.gates, pass.drecurrent_kernel);
    }
}
