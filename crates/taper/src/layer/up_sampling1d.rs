//! Sequences made longer by repeating steps.

use serde::{Deserialize, Serialize};

use super::window::{self, sequence};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Repeats every step: `y[t] = x[t / size]`.
///
/// # Shapes
///
/// Input (steps, channels), output (steps·size, channels).
///
/// # Example
///
/// ```
/// use taper::{Sequential, UpSampling1d};
///
/// let model = Sequential::new([5, 4]).layer(UpSampling1d { size: 3 }); // (15, 4)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling1d {
    /// How often each step is repeated, at least once. Default: 2.
    #[serde(default = "window::two", deserialize_with = "window::one")]
    pub size: usize,
}

impl LayerConfig for UpSampling1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [steps, channels] = sequence(single(inputs)?)?;
        let output = steps.checked_mul(self.size).and_then(|steps| Shape::new([steps, channels]).ok());
        let expected = "a whole number of at least 1, and an output of at most 2^40 numbers";
        let output = output.ok_or_else(|| Complaint::new("size", expected, self.size))?;
        Ok(Box::new(Built { size: self.size, output }))
    }
}

#[derive(Debug)]
struct Built {
    size: usize,
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        let channels = self.output.last();
        let repeated = io.y.chunks_exact_mut(channels * self.size);
        for (x, y) in io.inputs.x().chunks_exact(channels).zip(repeated) {
            y.chunks_exact_mut(channels).for_each(|y| y.copy_from_slice(x));
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        let channels = self.output.last();
        dx.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(channels).zip(io.dy.chunks_exact(channels * self.size)) {
            for dy in dy.chunks_exact(channels) {
                dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Model, Seed, Sequential, UpSampling1d};

    /// `keras.layers.UpSampling1D(2)(...)` of the steps (1, 2) and (3, 4).
    #[test]
    fn every_step_stands_as_often_as_said() {
        let layer: UpSampling1d = serde_json::from_str("{}").unwrap();
        let model = Model::build(&Sequential::new([2, 2]).layer(layer), Seed::new(1)).unwrap();
        assert_eq!(model.predict(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
    }
}
