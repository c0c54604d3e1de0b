//! Images made larger by repeating pixels.

use serde::{Deserialize, Serialize};

use super::window::{self, Pair, image};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpSampling2d {
    /// How often rows and columns are repeated. Default: 2.
    #[serde(default = "window::two_each")]
    pub size: Pair,
}

impl UpSampling2d {
    /// So many of each row and of each column.
    #[must_use]
    pub fn new(size: impl Into<Pair>) -> Self {
        Self { size: size.into() }
    }
}

impl LayerConfig for UpSampling2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [height, width, channels] = image(single(inputs)?)?;
        let output = match (height.checked_mul(self.size.height), width.checked_mul(self.size.width)) {
            (Some(height), Some(width)) => Shape::new([height, width, channels]).ok(),
            _ => None,
        };
        let expected = "whole numbers of at least 1, and an output of at most 2^40 numbers";
        let output = output.ok_or_else(|| Complaint::new("size", expected, self.size))?;
        Ok(Box::new(Built { size: self.size, width, channels, output }))
    }
}

#[derive(Debug)]
struct Built {
    size: Pair,
    /// Pixels in a row of the input.
    width: usize,
    channels: usize,
    output: Shape,
}

impl Built {
    /// Where the pixel lies in a batch's input that output pixel `i` repeats.
    fn source(&self, i: usize) -> usize {
        let columns = self.width * self.size.width;
        let (row, column) = (i / columns / self.size.height, i % columns / self.size.width);
        (row * self.width + column) * self.channels
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        let x = io.inputs.x();
        for (i, y) in io.y.chunks_exact_mut(self.channels).enumerate() {
            let source = self.source(i);
            y.copy_from_slice(&x[source..source + self.channels]);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.fill(0.0);
            for (i, dy) in io.dy.chunks_exact(self.channels).enumerate() {
                let source = self.source(i);
                for (dx, dy) in dx[source..source + self.channels].iter_mut().zip(dy) {
                    *dx += dy;
                }
            }
        }
    }
}
