//! Gaussian noise, added or multiplied.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, Mode, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// In training, normal noise of mean 0 is added to each number; in inference nothing happens.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::GaussianNoise;
///
/// let layer = GaussianNoise::new(0.1);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviation of the noise, from 0 to 1.
    pub stddev: f64,
}

/// In training, each number is multiplied by normal noise of mean 1 and standard deviation √(`rate` / (1 - `rate`)), the
/// same as [`Dropout`](crate::Dropout)'s (Srivastava et al. 2014); in inference nothing happens.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::GaussianDropout;
///
/// let layer = GaussianDropout::new(0.5);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GaussianDropout {
    /// The rate of the dropout that has as much noise, in [0, 1).
    pub rate: f64,
}

impl GaussianNoise {
    /// Noise of this standard deviation.
    #[must_use]
    pub fn new(stddev: f64) -> Self {
        Self { stddev }
    }
}

impl GaussianDropout {
    /// As much noise as dropout at this rate.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        Self { rate }
    }
}

impl LayerConfig for GaussianNoise {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        if !(0.0..=1.0).contains(&self.stddev) {
            return Err(Complaint::new("stddev", "a number from 0 to 1", self.stddev).into());
        }
        Ok(Box::new(Added { stddev: self.stddev, shape: single(inputs)?.clone() }))
    }
}

impl LayerConfig for GaussianDropout {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Complaint::new("rate", "a number of at least 0 and below 1", self.rate).into());
        }
        let stddev = (self.rate / (1.0 - self.rate)).sqrt();
        Ok(Box::new(Multiplied { stddev, shape: single(inputs)?.clone() }))
    }
}

#[derive(Debug)]
struct Added {
    stddev: f64,
    shape: Shape,
}

impl Layer for Added {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.copy_from_slice(io.inputs.x());
        if io.mode == Mode::Training && self.stddev > 0.0 {
            let mut rng = io.seed.rng();
            io.y.iter_mut().for_each(|y| *y += (self.stddev * rng.normal()) as f32);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.copy_from_slice(io.dy);
        }
    }
}

#[derive(Debug)]
struct Multiplied {
    stddev: f64,
    shape: Shape,
}

impl Layer for Multiplied {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    /// The factor of every number.
    fn cache_len(&self, batch: usize) -> usize {
        batch * self.shape.len()
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        io.cache.fill(1.0);
        if io.mode == Mode::Training && self.stddev > 0.0 {
            let mut rng = io.seed.rng();
            io.cache.fill_with(|| (1.0 + self.stddev * rng.normal()) as f32);
        }
        for ((y, x), factor) in io.y.iter_mut().zip(io.inputs.x()).zip(io.cache) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Workspace;
    use crate::{LayerSpec, Model, Seed, Sequential};

    #[test]
    fn the_noise_has_the_stated_moments() {
        let moments = |layer: LayerSpec| {
            let model = Model::build(&Sequential::new([1000]).layer(layer), Seed::new(1)).unwrap();
            let mut workspace = Workspace::new(&model, 20, false);
            workspace.input_mut(20_000).fill(2.0);
            workspace.forward(&model, 20, Mode::Training, Seed::new(2));
            let y = workspace.output(&model, 20);
            let mean = y.iter().sum::<f32>() / 20_000.0;
            (mean, (y.iter().map(|y| (y - mean).powi(2)).sum::<f32>() / 20_000.0).sqrt())
        };
        let (mean, stddev) = moments(GaussianNoise::new(0.5).into());
        assert!((mean - 2.0).abs() < 0.02 && (stddev - 0.5).abs() < 0.02, "{mean} {stddev}");
        let (mean, stddev) = moments(GaussianDropout::new(0.2).into());
        assert!((mean - 2.0).abs() < 0.03 && (stddev - 1.0).abs() < 0.03, "{mean} {stddev}");
    }
}
