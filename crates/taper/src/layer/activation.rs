//! An activation function as a layer of its own.

use serde::{Deserialize, Serialize};
use taper_kernels::softmax;

use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::Result;
use crate::activation::Activation;
use crate::shape::Shape;

/// `y = f(x)`.
///
/// # Shapes
///
/// Output as input; softmax runs over the last dimension.
///
/// # Example
///
/// ```
/// use taper::{Activation, ActivationLayer};
///
/// let layer = ActivationLayer::new(Activation::Tanh);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// f.
    pub activation: Activation,
}

impl ActivationLayer {
    /// The layer that applies this function.
    #[must_use]
    pub fn new(activation: Activation) -> Self {
        Self { activation }
    }
}

impl LayerConfig for ActivationLayer {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Built { activation: self.activation, shape: single(inputs)?.clone() }))
    }
}

#[derive(Debug)]
struct Built {
    activation: Activation,
    shape: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.copy_from_slice(io.inputs.x());
        match self.activation.unary() {
            Some(unary) => taper_kernels::activation::forward(unary, io.y),
            None => softmax::forward(self.shape.last(), io.y),
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let x = io.inputs.x();
        match self.activation.unary() {
            Some(unary) => {
                let saved = if unary.needs_input() { x } else { io.y };
                taper_kernels::activation::backward(unary, saved, io.dy);
            }
            None => softmax::backward(self.shape.last(), io.y, io.dy),
        }
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.copy_from_slice(io.dy);
        }
    }
}
