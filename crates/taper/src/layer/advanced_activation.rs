//! Activation functions that Keras has as layers of their own.

use serde::{Deserialize, Serialize};

use super::{ActivationLayer, Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::activation::Activation;
use crate::shape::Shape;
use crate::{Complaints, Result};

/// `y = x` where x > 0, else `negative_slope · x`. The same as the activation function but for the default slope.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::LeakyReLu;
///
/// assert_eq!(LeakyReLu::new().negative_slope, 0.3);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LeakyReLu {
    /// The slope below 0, at least 0. Default: 0.3.
    #[serde(default = "leak")]
    pub negative_slope: f32,
}

fn leak() -> f32 {
    0.3
}

impl Default for LeakyReLu {
    fn default() -> Self {
        Self { negative_slope: leak() }
    }
}

impl LeakyReLu {
    /// With slope 0.3.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for LeakyReLu {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut complaints = Complaints::new();
        let good = self.negative_slope >= 0.0 && self.negative_slope.is_finite();
        complaints.check(good, "negative_slope", "a finite number of at least 0", self.negative_slope);
        complaints.finish()?;
        ActivationLayer::new(Activation::LeakyRelu { negative_slope: self.negative_slope }).build(inputs)
    }
}

/// `y = x` where x > 0, else `alpha (e^x - 1)` (Clevert et al. 2016).
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::Elu;
///
/// assert_eq!(Elu::new().alpha, 1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Elu {
    /// How far it falls below 0. Default: 1.
    #[serde(default = "one")]
    pub alpha: f32,
}

fn one() -> f32 {
    1.0
}

impl Default for Elu {
    fn default() -> Self {
        Self { alpha: one() }
    }
}

impl Elu {
    /// With alpha 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for Elu {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut complaints = Complaints::new();
        complaints.check(self.alpha.is_finite(), "alpha", "a finite number", self.alpha);
        complaints.finish()?;
        ActivationLayer::new(Activation::Elu { alpha: self.alpha }).build(inputs)
    }
}

/// Where x > `threshold`, min(x, `max_value`); else `negative_slope · (x - threshold)`.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::ReLu;
///
/// let relu6 = ReLu { max_value: Some(6.0), ..ReLu::new() };
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReLu {
    /// The largest output, at least 0. Default: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f32>,
    /// The slope below the threshold, at least 0. Default: 0.
    #[serde(default)]
    pub negative_slope: f32,
    /// Where it begins to let through, at least 0. Default: 0.
    #[serde(default)]
    pub threshold: f32,
}

impl ReLu {
    /// max(x, 0).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for ReLu {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut complaints = Complaints::new();
        let mut check = |key: &str, value: f32| {
            complaints.check(value >= 0.0 && value.is_finite(), key, "a finite number of at least 0", value);
        };
        check("negative_slope", self.negative_slope);
        check("threshold", self.threshold);
        check("max_value", self.max_value.unwrap_or(0.0));
        complaints.finish()?;
        Ok(Box::new(Built { settings: self.clone(), shape: single(inputs)?.clone() }))
    }
}

#[derive(Debug)]
struct Built {
    settings: ReLu,
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
        let ReLu { max_value, negative_slope, threshold } = self.settings;
        let max_value = max_value.unwrap_or(f32::INFINITY);
        for (y, x) in io.y.iter_mut().zip(io.inputs.x()) {
            let below = negative_slope * (x - threshold);
            // NaN is not above the bound and not below the threshold: it stays.
            let above = if *x > max_value { max_value } else { *x };
            *y = if *x <= threshold { below } else { above };
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        let ReLu { max_value, negative_slope, threshold } = self.settings;
        let max_value = max_value.unwrap_or(f32::INFINITY);
        for ((dx, dy), x) in dx.iter_mut().zip(io.dy.iter()).zip(io.inputs.x()) {
            let above = if *x >= max_value { 0.0 } else { *dy };
            *dx = if *x <= threshold { negative_slope * dy } else { above };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Seed, Sequential};

    /// `keras.layers.ReLU(...)([-3, -0.5, 0, 0.5, 1, 2, 7])`.
    #[test]
    fn keras_values() {
        let x = [-3.0, -0.5, 0.0, 0.5, 1.0, 2.0, 7.0];
        for (layer, want) in [
            (
                ReLu { max_value: Some(3.0), negative_slope: 0.1, threshold: 0.75 },
                [-0.375, -0.125, -0.075, -0.025, 1.0, 2.0, 3.0],
            ),
            (ReLu { max_value: Some(6.0), negative_slope: 0.1, ..ReLu::new() }, [-0.3, -0.05, 0.0, 0.5, 1.0, 2.0, 6.0]),
            (ReLu::new(), [0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 7.0]),
        ] {
            let model = Model::build(&Sequential::new([7]).layer(layer), Seed::new(1)).unwrap();
            for (got, want) in model.predict(&x).unwrap().iter().zip(want) {
                assert!((got - want).abs() < 1e-7, "{got} {want}");
            }
        }
    }
}
