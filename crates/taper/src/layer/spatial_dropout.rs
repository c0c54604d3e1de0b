//! Dropout of whole channels.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, Mode, dx_of, single};
use crate::shape::Shape;
use crate::{Complaints, Result};

/// Dropout of whole channels of a sequence: in training, each (row, channel) becomes 0 at all steps with probability `rate`,
/// and the others are divided by 1 - `rate` (Tompson et al. 2015). Neighbouring steps are alike, so dropping single numbers
/// would take little away.
///
/// # Shapes
///
/// Input (steps, channels); output as input.
///
/// # Example
///
/// ```
/// use taper::SpatialDropout1d;
///
/// let layer = SpatialDropout1d::new(0.2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout1d {
    /// Share of channels that become 0, in [0, 1).
    pub rate: f32,
}

/// Dropout of whole channels of an image: as [`SpatialDropout1d`], over both dimensions of the image.
///
/// # Shapes
///
/// Input (rows, columns, channels); output as input.
///
/// # Example
///
/// ```
/// use taper::SpatialDropout2d;
///
/// let layer = SpatialDropout2d::new(0.2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpatialDropout2d {
    /// Share of channels that become 0, in [0, 1).
    pub rate: f32,
}

impl SpatialDropout1d {
    /// Dropout of channels at this rate.
    #[must_use]
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl SpatialDropout2d {
    /// Dropout of channels at this rate.
    #[must_use]
    pub fn new(rate: f32) -> Self {
        Self { rate }
    }
}

impl LayerConfig for SpatialDropout1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        build(self.rate, 2, "an input of two dimensions (steps, channels)", inputs)
    }
}

impl LayerConfig for SpatialDropout2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        build(self.rate, 3, "an input of three dimensions (rows, columns, channels)", inputs)
    }
}

fn build(rate: f32, rank: usize, expected: &str, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
    let input = single(inputs)?;
    let mut complaints = Complaints::new();
    complaints.check((0.0..1.0).contains(&rate), "rate", "a number of at least 0 and below 1", rate);
    complaints.check(input.rank() == rank, "", expected, input);
    complaints.finish()?;
    Ok(Box::new(Built { rate, shape: input.clone() }))
}

#[derive(Debug)]
struct Built {
    rate: f32,
    shape: Shape,
}

impl Built {
    /// `to = from · factor`, one factor for each (row, channel).
    fn multiply(&self, factors: &[f32], from: &[f32], to: &mut [f32]) {
        let (len, channels) = (self.shape.len(), self.shape.last());
        for ((from, to), factors) in
            from.chunks_exact(len).zip(to.chunks_exact_mut(len)).zip(factors.chunks_exact(channels))
        {
            for (from, to) in from.chunks_exact(channels).zip(to.chunks_exact_mut(channels)) {
                for ((to, from), factor) in to.iter_mut().zip(from).zip(factors) {
                    *to = from * factor;
                }
            }
        }
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    /// The factor of every (row, channel): 0 or 1 / (1 - rate).
    fn cache_len(&self, batch: usize) -> usize {
        batch * self.shape.last()
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        io.cache.fill(1.0);
        if io.mode == Mode::Training && self.rate > 0.0 {
            let keep = 1.0 / (1.0 - self.rate);
            let mut rng = io.seed.rng();
            io.cache.fill_with(|| if rng.uniform_f32() < self.rate { 0.0 } else { keep });
        }
        self.multiply(io.cache, io.inputs.x(), io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.multiply(io.cache, io.dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Workspace;
    use crate::{Model, Seed, Sequential};

    #[test]
    fn a_channel_goes_as_a_whole() {
        let model = Model::build(&Sequential::new([4, 50]).layer(SpatialDropout1d::new(0.4)), Seed::new(1)).unwrap();
        let mut workspace = Workspace::new(&model, 20, false);
        workspace.input_mut(20 * 200).fill(1.0);
        workspace.forward(&model, 20, Mode::Training, Seed::new(2));
        let y = workspace.output(&model, 20);
        let mut dropped = 0;
        for row in y.chunks(200) {
            for j in 0..50 {
                assert!(row[j] == 0.0 || (row[j] - 1.0 / 0.6).abs() < 1e-6);
                assert!((0..4).all(|t| row[t * 50 + j] == row[j]));
                dropped += usize::from(row[j] == 0.0);
            }
        }
        assert!((350..450).contains(&dropped), "{dropped} of 1000");
    }
}
