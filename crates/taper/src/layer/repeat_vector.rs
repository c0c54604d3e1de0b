//! Repeat vector.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaints, Result};

/// The input again at every one of `n` steps: from an encoder's vector to a decoder's sequence.
///
/// # Shapes
///
/// Input (features), output (n, features).
///
/// # Example
///
/// ```
/// use taper::{RepeatVector, Sequential};
///
/// let model = Sequential::new([32]).layer(RepeatVector::new(3)); // (3, 32)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RepeatVector {
    /// How many steps, at least 1.
    pub n: usize,
}

impl RepeatVector {
    /// This many steps.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n }
    }
}

impl LayerConfig for RepeatVector {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        complaints.check(self.n > 0, "n", "a whole number of at least 1", self.n);
        complaints.check(input.rank() == 1, "", "an input of one dimension", input);
        complaints.finish()?;
        let output = Shape::new([self.n, input.len()]).map_err(|error| error.within("n"))?;
        Ok(Box::new(Built { output }))
    }
}

#[derive(Debug)]
struct Built {
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        let features = self.output.last();
        for (x, y) in io.inputs.x().chunks_exact(features).zip(io.y.chunks_exact_mut(self.output.len())) {
            y.chunks_exact_mut(features).for_each(|y| y.copy_from_slice(x));
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        let features = self.output.last();
        dx.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(features).zip(io.dy.chunks_exact(self.output.len())) {
            dy.chunks_exact(features).for_each(|dy| taper_kernels::update::add_scaled(1.0, dy, dx));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Model, RepeatVector, Seed, Sequential};

    #[test]
    fn rows_stay_apart() {
        let model = Model::build(&Sequential::new([2]).layer(RepeatVector::new(2)), Seed::new(1)).unwrap();
        assert_eq!(model.predict(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
    }
}
