//! Masking.

use serde::{Deserialize, Serialize};

use super::extent::Extent;
use super::{Backward, Forward, Layer, LayerConfig, Masking as MaskPolicy, dx_of, single};
use crate::shape::Shape;
use crate::{Complaints, Result};

/// Steps whose features all equal `mask_value` do not count: they become 0, and the layers above skip them.
///
/// # Shapes
///
/// Input and output (steps, features), with a mask over the steps.
///
/// # Example
///
/// ```
/// use taper::{Dense, Lstm, Mask, Sequential};
///
/// // Sequences of up to 20 steps, filled up with zeros.
/// let model = Sequential::new([20, 3]).layer(Mask::new(0.0)).layer(Lstm::new(16)).layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// What fills the steps that do not count. Default: 0.
    #[serde(default)]
    pub mask_value: f32,
}

impl Mask {
    /// Steps filled with this value do not count.
    #[must_use]
    pub fn new(mask_value: f32) -> Self {
        Self { mask_value }
    }
}

impl LayerConfig for Mask {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        complaints.check(self.mask_value.is_finite(), "mask_value", "a finite number", self.mask_value);
        complaints.finish()?;
        usize::of_input(input)?;
        Ok(Box::new(Built { mask_value: self.mask_value, shape: input.clone() }))
    }
}

#[derive(Debug)]
struct Built {
    mask_value: f32,
    shape: Shape,
}

impl Built {
    fn counts(&self, step: &[f32]) -> bool {
        step.iter().any(|x| *x != self.mask_value)
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn masking(&self) -> MaskPolicy {
        MaskPolicy::Make
    }

    fn make_mask(&self, x: &[f32], mask: &mut [f32]) {
        for (mask, step) in mask.iter_mut().zip(x.chunks_exact(self.shape.last())) {
            *mask = if self.counts(step) { 1.0 } else { 0.0 };
        }
    }

    fn forward(&self, io: Forward<'_>) {
        let features = self.shape.last();
        for (x, y) in io.inputs.x().chunks_exact(features).zip(io.y.chunks_exact_mut(features)) {
            if self.counts(x) {
                y.copy_from_slice(x);
            } else {
                y.fill(0.0);
            }
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        let features = self.shape.last();
        let steps = dx.chunks_exact_mut(features).zip(io.dy.chunks_exact(features));
        for ((dx, dy), x) in steps.zip(io.inputs.x().chunks_exact(features)) {
            if self.counts(x) {
                dx.copy_from_slice(dy);
            } else {
                dx.fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Mask, Model, Seed, Sequential, SimpleRnn};

    #[test]
    fn filled_steps_do_not_count() {
        let model = Model::build(&Sequential::new([2, 2]).layer(Mask::new(0.5)), Seed::new(1)).unwrap();
        assert_eq!(model.predict(&[1.0, 0.5, 0.5, 0.5]).unwrap(), [1.0, 0.5, 0.0, 0.0]);

        let stack = |steps: usize| Sequential::new([steps, 1]).layer(Mask::new(0.0)).layer(SimpleRnn::new(3));
        let long = Model::build(&stack(4), Seed::new(1)).unwrap();
        let short = Model::build(&stack(2), Seed::new(1)).unwrap();
        assert_eq!(long.predict(&[0.0, 0.3, 0.0, -1.0]).unwrap(), short.predict(&[0.3, -1.0]).unwrap());
    }
}
