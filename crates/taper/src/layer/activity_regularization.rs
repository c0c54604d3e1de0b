//! A layer that does nothing but be penalized.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::is_default;
use crate::strength::Strength;
use crate::{Complaints, Result};

/// Passes its input on, and adds the penalty (l1 Σ|x| + l2 Σx²) / rows of the batch to the loss.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::ActivityRegularization;
///
/// let layer = ActivityRegularization::new(0.0, 0.01);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActivityRegularization {
    /// λ of Σ|x|. Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub l1: Strength,
    /// λ of Σx². Default: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub l2: Strength,
}

impl ActivityRegularization {
    /// With these strengths.
    #[must_use]
    pub fn new(l1: impl Into<Strength>, l2: impl Into<Strength>) -> Self {
        Self { l1: l1.into(), l2: l2.into() }
    }

    /// The penalty that the model adds.
    pub(crate) fn regularizer(&self) -> Regularizer {
        Regularizer::l1_l2(self.l1.clone(), self.l2.clone())
    }
}

impl LayerConfig for ActivityRegularization {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut complaints = Complaints::new();
        self.l1.validate("l1", &mut complaints);
        self.l2.validate("l2", &mut complaints);
        complaints.finish()?;
        Ok(Box::new(Built { shape: single(inputs)?.clone() }))
    }
}

#[derive(Debug)]
struct Built {
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
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.copy_from_slice(io.dy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Dense, FitConfig, Loss, Model, Seed, Sequential, evaluate};

    #[test]
    fn the_penalty_is_the_inputs_over_the_rows() {
        let spec = Sequential::new([2]).layer(ActivityRegularization::new(0.5, 0.25)).layer(Dense::new(1));
        let model = Model::build(&spec, Seed::new(1)).unwrap();
        let data = Dataset::new(Shape::new([2]).unwrap(), vec![1.0, -2.0, 3.0, 0.0], 1, vec![0.0, 0.0]).unwrap();
        let penalty = evaluate(&model, &data, &FitConfig::new(Loss::Mse)).unwrap().penalty;
        assert!((penalty - (0.5 * 6.0 + 0.25 * 14.0) / 2.0).abs() < 1e-6, "{penalty}");
    }
}
