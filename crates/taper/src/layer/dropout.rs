//! Dropout.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, Mode, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// In training, each number becomes 0 with probability `rate`, and the others are divided by 1 - `rate`; in inference nothing
/// happens (Srivastava et al. 2014, Keras's inverted form).
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::Dropout;
///
/// let layer = Dropout::new(0.5);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Share of numbers that become 0, in [0, 1).
    pub rate: f32,
}

impl Dropout {
    /// Dropout at this rate.
    #[must_use]
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl LayerConfig for Dropout {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Complaint::new("rate", "a number of at least 0 and below 1", self.rate).into());
        }
        Ok(Box::new(Built { rate: self.rate, shape: single(inputs)?.clone() }))
    }
}

#[derive(Debug)]
struct Built {
    rate: f32,
    shape: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    /// The factor of every number: 0 or 1 / (1 - rate).
    fn cache_len(&self, batch: usize) -> usize {
        batch * self.shape.len()
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        let x = io.inputs.x();
        if io.mode == Mode::Inference || self.rate == 0.0 {
            io.cache.fill(1.0);
            io.y.copy_from_slice(x);
            return;
        }
        let keep = 1.0 / (1.0 - self.rate);
        let mut rng = io.seed.rng();
        for ((y, x), factor) in io.y.iter_mut().zip(x).zip(io.cache) {
            *factor = if rng.uniform_f32() < self.rate { 0.0 } else { keep };
            *y = x * *factor;
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            for ((dx, dy), factor) in dx.iter_mut().zip(io.dy.iter()).zip(io.cache.iter()) {
                *dx = dy * factor;
            }
        }
    }
}
