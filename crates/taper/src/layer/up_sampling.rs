//! Sequences and images made larger by repeating what they have.

use serde::{Deserialize, Serialize};

use super::extent::{Extent, IntoExtent, Pair, sizes};
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
pub type UpSampling1d = UpSampling<usize>;

/// Repeats every row and every column (`interpolation="nearest"`, Keras's default): `y[i, j] = x[i / height, j / width]`.
///
/// # Shapes
///
/// Input (height, width, channels), output (height·size.height, width·size.width, channels).
///
/// # Example
///
/// ```
/// use taper::UpSampling2d;
///
/// let layer = UpSampling2d::new((1, 2));
/// assert_eq!(layer.size.width, 2);
/// ```
pub type UpSampling2d = UpSampling<Pair>;

/// The settings of [`UpSampling1d`] and [`UpSampling2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct UpSampling<E> {
    /// How often each step, or each row and each column, is repeated, at least once. Default: 2.
    #[serde(default = "E::twice", deserialize_with = "E::read")]
    pub size: E,
}

impl<E: Extent> UpSampling<E> {
    /// So many of each step, or of each row and of each column.
    #[must_use]
    pub fn new(size: impl IntoExtent<E>) -> Self {
        Self { size: size.into_extent() }
    }
}

impl<E: Extent> LayerConfig for UpSampling<E> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let (input, channels) = E::of_input(single(inputs)?)?;
        let (input, size) = (input.over_image(1), self.size.over_image(1));
        let output = match (input.height.checked_mul(size.height), input.width.checked_mul(size.width)) {
            (Some(height), Some(width)) => Shape::new(sizes::<E>(height, width, &[channels])).ok(),
            _ => None,
        };
        let expected = format!("{} of at least 1, and an output of at most 2^40 numbers", E::NUMBERS);
        let output = output.ok_or_else(|| Complaint::new("size", expected, self.size))?;
        Ok(Box::new(Built { size, line: input.width * channels, channels, output }))
    }
}

#[derive(Debug)]
struct Built {
    size: Pair,
    /// Numbers in a row of the input.
    line: usize,
    channels: usize,
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        let longer = self.line * self.size.width;
        let repeated = io.y.chunks_exact_mut(self.size.height * longer);
        for (x, y) in io.inputs.x().chunks_exact(self.line).zip(repeated) {
            for y in y.chunks_exact_mut(longer) {
                let repeated = y.chunks_exact_mut(self.size.width * self.channels);
                for (x, y) in x.chunks_exact(self.channels).zip(repeated) {
                    y.chunks_exact_mut(self.channels).for_each(|y| y.copy_from_slice(x));
                }
            }
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        dx.fill(0.0);
        let longer = self.line * self.size.width;
        let repeated = io.dy.chunks_exact(self.size.height * longer);
        for (dx, dy) in dx.chunks_exact_mut(self.line).zip(repeated) {
            for dy in dy.chunks_exact(longer) {
                let repeated = dy.chunks_exact(self.size.width * self.channels);
                for (dx, dy) in dx.chunks_exact_mut(self.channels).zip(repeated) {
                    for dy in dy.chunks_exact(self.channels) {
                        dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy);
                    }
                }
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
